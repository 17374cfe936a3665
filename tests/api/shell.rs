//! What every request meets: problems, headers, limits, and what operators ask.
use super::harness::*;
use reqwest::Method;
use serde_json::Value;
use serde_json::json;

#[tokio::test]
async fn every_refusal_is_a_problem() {
    let service = start_with(|config| config.http.body_bytes_max = 2048);
    let officer = token("FR", "officer");
    let send =
        async |method: Method, path: &str, headers: &[(&str, &str)], body: Option<String>| {
            let answer = service.send(method, path, &officer, headers, body).await;
            (answer.status, answer.code())
        };
    let path = "/v1/verifications";
    let text = [("Content-Type", "text/plain")];
    let expected = |status: u16, code: &str| (status, code.to_owned());
    assert_eq!(send(Method::GET, "/v1/nothing", &[], None).await, expected(404, "not_found"));
    assert_eq!(send(Method::GET, path, &[], None).await, expected(405, "method_not_allowed"));
    assert_eq!(send(Method::POST, path, &text, Some("{}".into())).await, expected(415, "not_json"));
    assert_eq!(
        send(Method::POST, path, &[], Some("{".into())).await,
        expected(400, "invalid_request")
    );
    assert_eq!(
        send(Method::POST, path, &[], Some(" ".repeat(4096))).await,
        expected(413, "too_large")
    );
    let keys = [("Idempotency-Key", "with space")];
    assert_eq!(
        send(Method::POST, path, &keys, Some("{}".into())).await,
        expected(400, "invalid_header")
    );
    assert_eq!(
        send(Method::GET, "/v1/alerts?limit=0", &[], None).await,
        expected(400, "invalid_request")
    );
    assert_eq!(
        send(Method::GET, "/v1/alerts?limit=10&befor=x", &[], None).await,
        expected(400, "invalid_request")
    );
    let id = send(Method::POST, "/v1/releases/not-a-uuid/reversal", &[], Some("{}".into())).await;
    assert_eq!(id.0, 404);
}

#[tokio::test]
async fn a_route_says_which_methods_it_knows() {
    let service = start();
    let answer =
        service.send(Method::DELETE, "/v1/licences", &token("FR", "authority"), &[], None).await;
    assert_eq!((answer.status, answer.header("allow")), (405, "GET, HEAD, POST"));
}

#[tokio::test]
async fn every_reply_carries_the_security_headers_and_an_id() {
    let service = start();
    for path in ["/healthz", "/v1/nothing", "/v1/whoami"] {
        let answer = service.get(path, "").await;
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(answer.header(name), value, "{path}");
        }
        assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"));
        assert_eq!(answer.header("x-request-id").len(), 36, "{path}");
    }
    let answer =
        service.send(Method::GET, "/healthz", "", &[("X-Request-Id", "lane-7")], None).await;
    assert_eq!(answer.header("x-request-id"), "lane-7");
}

#[tokio::test]
async fn a_caller_who_asks_too_often_is_told_when_to_come_again() {
    let service =
        start_with(|config| (config.rate.requests_per_s, config.rate.requests_burst) = (1, 3));
    let officer = token("FR", "officer");
    let mut statuses = Vec::new();
    for _ in 0..5 {
        statuses.push(service.get("/v1/whoami", &officer).await.status);
    }
    assert_eq!(statuses, [200, 200, 200, 429, 429]);
    let refused = service.get("/v1/whoami", &officer).await;
    assert_eq!(
        (refused.code().as_str(), refused.header("retry-after")),
        ("too_many_requests", "1")
    );
    assert_eq!(
        service.get("/v1/whoami", &token("KE", "officer")).await.status,
        200,
        "others are not held up"
    );
}

#[tokio::test]
async fn who_guesses_at_tokens_is_slowed_down() {
    let service =
        start_with(|config| (config.rate.refused_per_s, config.rate.refused_burst) = (1, 3));
    let mut statuses = Vec::new();
    for n in 0..5 {
        statuses.push(service.get("/v1/whoami", &format!("guess-{n}")).await.status);
    }
    assert_eq!(statuses, [401, 401, 401, 429, 429]);
    assert_eq!(
        service.get("/v1/whoami", &token("FR", "officer")).await.status,
        200,
        "a good token still comes in"
    );
}

#[tokio::test]
async fn behind_a_proxy_who_guesses_at_tokens_holds_up_no_other_address() {
    let guesses = async |service: &Service, forwarded: [&str; 3]| {
        let mut statuses = Vec::new();
        for address in forwarded {
            let headers = [("X-Forwarded-For", address)];
            let guess = service.send(Method::GET, "/v1/whoami", "guess", &headers, None).await;
            statuses.push(guess.status);
        }
        statuses
    };
    let start = |behind_proxy| {
        start_with(move |config| {
            (config.rate.refused_per_s, config.rate.refused_burst) = (1, 1);
            config.http.behind_proxy = behind_proxy;
        })
    };
    let (proxied, direct) = (start(true), start(false));
    let addresses = ["198.51.100.7", "203.0.113.9, 198.51.100.7", "203.0.113.9"];
    assert_eq!(guesses(&proxied, addresses).await, [401, 429, 401]);
    assert_eq!(guesses(&direct, addresses).await, [401, 429, 429], "nobody is believed there");
    for (service, proto, policy) in
        [(&proxied, "https", "max-age=31536000"), (&proxied, "http", ""), (&direct, "https", "")]
    {
        let headers = [("X-Forwarded-Proto", proto)];
        let answer = service.send(Method::GET, "/healthz", "", &headers, None).await;
        assert_eq!(answer.header("strict-transport-security"), policy, "{proto}");
    }
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused_as_the_rest_is() {
    let service = start();
    let send = async |bytes: usize| {
        let padding = "x".repeat(bytes);
        let headers = [("X-Padding", padding.as_str())];
        service.send(Method::GET, "/v1/whoami", &token("FR", "officer"), &headers, None).await
    };
    assert_eq!(send(30_000).await.status, 200);
    let refused = send(33_000).await;
    assert_eq!((refused.status, refused.code().as_str()), (431, "head_too_large"));
    assert_eq!(refused.header("x-content-type-options"), "nosniff");
}

#[tokio::test]
async fn operators_ask_on_their_own_port() {
    let service = start();
    service.issue_sample().await;
    service.verify(&sample("clear")).await;
    let get = async |path: &str| {
        let response = service
            .client
            .get(format!("http://{}{path}", service.operations))
            .send()
            .await
            .unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    };
    assert_eq!(get("/healthz").await, (200, "{\"status\":\"ok\"}".to_owned()));
    assert_eq!(get("/readyz").await, (200, "{\"status\":\"ready\"}".to_owned()));
    let (status, metrics) = get("/metrics").await;
    assert_eq!(status, 200);
    for line in [
        "passavant_verdicts_total{verdict=\"clear\"} 1",
        "passavant_cache_licences 2",
        "http_requests_total{method=\"POST\",route=\"/v1/verifications\",status=\"201\"} 1",
        "passavant_recorder_waiting 0",
    ] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
    assert_eq!(get("/v1/whoami").await.0, 404, "the API is not there");
    assert_eq!(
        service.get("/metrics", "").await.status,
        404,
        "and the metrics are not on the API's port"
    );
}

#[tokio::test]
async fn a_service_that_is_not_ready_says_why_and_when_to_ask_again() {
    // The feed of changes is heard four times a second, so what is known is older than this.
    let service = start_with(|config| config.cache.age_ms_max = 1);
    let began = std::time::Instant::now();
    let answer = loop {
        let answer = service.get("/readyz", "").await;
        if answer.status != 200 || began.elapsed().as_secs() > 5 {
            break answer;
        }
    };
    assert_eq!((answer.status, answer.header("retry-after")), (503, "1"), "{}", answer.text);
    assert_eq!(answer.json()["reasons"], json!(["the database does not answer"]));
}

#[tokio::test]
async fn the_description_names_every_route_and_every_shape_that_it_refers_to() {
    let service = start();
    let document = service.get("/openapi.json", "").await.json();
    assert_eq!(document["openapi"], "3.1.0");
    for route in passavant::http::ROUTES {
        let path = route.path.replace(":.*}", "}");
        assert!(
            document["paths"][&path][route.method.to_lowercase()].is_object(),
            "{} {path}",
            route.method
        );
    }
    let text = document.to_string();
    for name in
        text.split("#/components/schemas/").skip(1).map(|rest| rest.split('"').next().unwrap())
    {
        assert!(document["components"]["schemas"][name].is_object(), "{name}");
    }
}

#[tokio::test]
async fn the_documentation_needs_no_network() {
    let service = start();
    assert_eq!(service.get("/docs/", "").await.status, 200);
    let page = service.get("/docs/index.html", "").await.text;
    let links = page
        .split(['"', '\''])
        .filter(|text| [".js", ".css"].iter().any(|end| text.ends_with(end)));
    let mut assets = 0;
    for link in links {
        assert!(!link.contains("//"), "{link} is from elsewhere");
        let path = format!("/docs/{}", link.trim_start_matches("./"));
        assert_eq!(service.get(&path, "").await.status, 200, "{path}");
        assets += 1;
    }
    assert!(assets >= 3, "{page}");
}

#[tokio::test]
async fn lists_may_be_as_long_as_an_import_and_no_longer() {
    let service = start_with(|config| {
        (config.http.body_bytes_max, config.http.import_bytes_max) = (2048, 500_000);
    });
    let put = async |sought: usize| {
        let entry = |n| json!({"serial": format!("S{n:08}"), "reference": "a test"});
        let mut lists: Value = serde_json::from_str(passavant::app::lists::BUILT_IN).unwrap();
        lists["sought"] = (0..sought).map(entry).collect();
        let lists = lists.to_string();
        let token = token("FR", "authority");
        service.send(Method::PUT, "/v1/lists", &token, &[], Some(lists)).await
    };
    assert_eq!(put(5_000).await.status, 200);
    assert_eq!(put(15_000).await.code(), "too_large");
}

#[tokio::test]
async fn the_lists_are_loaded_by_the_home_authority_only() {
    let service = start();
    service.issue_sample().await;
    let mut lists: Value = service.get("/v1/lists", &token("FR", "authority")).await.json();
    lists["embargoes"] = json!([{"country": "KE", "instrument": "a test", "from": "2020-01-01"}]);
    let put = async |state: &str| {
        service
            .send(
                Method::PUT,
                "/v1/lists",
                &token(state, "authority"),
                &[],
                Some(lists.to_string()),
            )
            .await
    };
    assert_eq!(put("KE").await.code(), "forbidden");
    let loaded = put("FR").await;
    assert_eq!(loaded.status, 200, "{}", loaded.text);
    let held = service.verify(&sample("clear")).await.json();
    assert!(codes(&held).contains(&"EMBARGOED_DESTINATION"), "{held}");
    assert_eq!(held["lists"], loaded.json()["edition"]);
}
