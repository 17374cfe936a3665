//! What comes below a request: slow and cut bodies, TLS, answers before the body is read, stopping.
use super::harness::*;
use reqwest::Method;
use serde_json::json;
use std::io::Read;
use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;
use std::time::Instant;

/// A connection on which the bytes are the test's own.
fn connect(service: &Service) -> TcpStream {
    let stream = TcpStream::connect(service.api).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream
}

/// All that is answered until the other side closes.
fn answer(mut stream: TcpStream) -> String {
    let mut text = Vec::new();
    stream.read_to_end(&mut text).unwrap();
    String::from_utf8(text).unwrap()
}

fn head(token: &str, length: usize) -> String {
    format!(
        "POST /v1/verifications HTTP/1.1\r\nHost: passavant.test\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    )
}

#[test]
fn a_body_that_does_not_arrive_is_given_up() {
    let service = start_with(|config| config.http.body_timeout_s = 1);
    let mut stream = connect(&service);
    let began = Instant::now();
    write!(stream, "{}{{", head(&token("FR", "officer"), 100)).unwrap();
    let answer = answer(stream);
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("application/problem+json"), "{answer}");
    assert!(answer.contains("\"code\":\"timeout\""), "{answer}");
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
}

#[test]
fn who_is_refused_before_the_body_is_read_still_gets_the_answer() {
    let service = start();
    let mut stream = connect(&service);
    let body = vec![b' '; 4 << 20];
    write!(stream, "{}", head("nobody", body.len())).unwrap();
    stream.write_all(&body).unwrap();
    let answer = answer(stream);
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
}

#[test]
fn a_request_in_flight_is_answered_when_the_service_stops() {
    let service = start();
    let body = json!({"declaration": sample("clear")}).to_string();
    let (first, rest) = body.split_at(body.len() / 2);
    let (mut stream, address) = (connect(&service), service.api);
    write!(stream, "{}{first}", head(&token("FR", "officer"), body.len())).unwrap();
    std::thread::sleep(Duration::from_millis(200));
    let stopping = std::thread::spawn(move || drop(service));
    let began = Instant::now();
    while TcpStream::connect(address).is_ok() {
        assert!(began.elapsed() < Duration::from_secs(5), "it still takes connections");
        std::thread::sleep(Duration::from_millis(20));
    }
    stream.write_all(rest.as_bytes()).unwrap();
    let answer = answer(stream);
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    stopping.join().unwrap();
}

#[tokio::test]
async fn an_idle_connection_does_not_hold_up_the_stop() {
    let service = start();
    assert_eq!(service.get("/healthz", "").await.status, 200);
    let idle = service.client.clone();
    let began = Instant::now();
    drop(service);
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    drop(idle);
}

#[tokio::test]
async fn the_service_speaks_tls_itself_where_it_has_a_certificate() {
    let made = rcgen::generate_simple_self_signed(vec!["passavant.test".to_owned()]).unwrap();
    let folder = tempfile::TempDir::new().unwrap();
    let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let service = start_with(|config| {
        (config.http.tls_cert_file, config.http.tls_key_file) = (cert.clone(), key.clone());
    });
    let root = reqwest::Certificate::from_pem(made.cert.pem().as_bytes()).unwrap();
    let builder = reqwest::Client::builder().no_proxy().resolve("passavant.test", service.api);
    let client = builder.add_root_certificate(root).build().unwrap();
    let url = format!("https://passavant.test:{}/v1/whoami", service.api.port());
    let answer = client.get(&url).bearer_auth(token("FR", "officer")).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["strict-transport-security"], "max-age=31536000");
    assert!(service.client.get(&url).send().await.is_err(), "an unknown certificate");
    let plain = format!("http://{}/healthz", service.api);
    assert!(service.client.get(plain).send().await.is_err(), "nothing is said in the open");
}

#[tokio::test]
async fn what_two_readers_could_read_differently_is_refused() {
    let service = start();
    let officer = token("FR", "officer");
    let second = format!("Bearer {officer}");
    let second = [("Authorization", second.as_str())];
    let twice = service.send(Method::GET, "/v1/whoami", &officer, &second, None).await;
    assert_eq!(twice.code(), "invalid_token");
    let send = async |headers: &[(&str, &str)]| {
        let body = Some("{}".to_owned());
        let answer = service.send(Method::POST, "/v1/verifications", &officer, headers, body).await;
        (answer.status, answer.code())
    };
    let (json, text) = (("Content-Type", "application/json"), ("Content-Type", "text/plain"));
    assert_eq!(send(&[json, text]).await, (415, "not_json".to_owned()));
    let coded = send(&[json, ("Content-Encoding", "gzip")]).await;
    assert_eq!(coded, (415, "content_coding".to_owned()));
}

#[tokio::test]
async fn made_up_methods_make_no_series_of_their_own() {
    let service = start();
    for method in ["BREW", "FOO", "FOO1"] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        assert_eq!(service.send(method, "/v1/whoami", "", &[], None).await.status, 405);
    }
    let url = format!("http://{}/metrics", service.operations);
    let metrics = service.client.get(url).send().await.unwrap().text().await.unwrap();
    let line = r#"http_requests_total{method="other",route="/v1/whoami",status="405"} 3"#;
    assert!(metrics.contains(line), "{metrics}");
    assert!(!metrics.contains("FOO"), "{metrics}");
}

#[tokio::test]
async fn health_and_documentation_refuse_as_the_api_does() {
    let service = start();
    let send = async |method: Method, path: &str| service.send(method, path, "", &[], None).await;
    assert_eq!(send(Method::HEAD, "/healthz").await.status, 200);
    for path in ["/healthz", "/readyz", "/openapi.json", "/docs", "/docs/"] {
        let refused = send(Method::POST, path).await;
        assert_eq!((refused.status, refused.header("allow")), (405, "GET, HEAD"), "{path}");
        assert_eq!(refused.code(), "method_not_allowed", "{path}");
    }
    for path in ["/docs/nothing.js", "/docs/..%2f..%2fCargo.toml"] {
        assert_eq!(send(Method::GET, path).await.code(), "not_found", "{path}");
    }
}

#[tokio::test]
async fn where_get_is_head_is_too() {
    let service = start();
    service.issue_sample().await;
    let authority = token("FR", "authority");
    for path in ["/v1/whoami", "/v1/licences", "/v1/licences/FR-EXP-2026-000412", "/witness/key"] {
        let got = service.get(path, &authority).await;
        let head = service.send(Method::HEAD, path, &authority, &[], None).await;
        assert_eq!((got.status, head.status, head.text.as_str()), (200, 200, ""), "{path}");
        for name in ["content-type", "etag", "content-length"] {
            assert_eq!(head.header(name), got.header(name), "{path}: {name}");
        }
    }
    let absent = service.send(Method::HEAD, "/v1/licences/NONE", &authority, &[], None).await;
    assert_eq!((absent.status, absent.text.as_str()), (404, ""));
    assert_eq!(service.send(Method::HEAD, "/v1/licences", "", &[], None).await.status, 401);
    let webhook = "/v1/webhooks/019a0000-0000-7000-8000-000000000000";
    for (path, allow) in [
        ("/v1/whoami", "GET, HEAD"),
        ("/v1/licences", "GET, HEAD, POST"),
        (webhook, "GET, HEAD, PUT, DELETE"),
        ("/v1/exits", "POST"),
        ("/witness/key", "GET, HEAD"),
        ("/v1/alerts/stream", "GET"),
    ] {
        let refused = service.send(Method::PATCH, path, &authority, &[], None).await;
        assert_eq!((refused.status, refused.header("allow")), (405, allow), "{path}");
    }
    let stream = service.send(Method::HEAD, "/v1/alerts/stream", &authority, &[], None).await;
    assert_eq!(stream.status, 405, "it has no end");
}

#[test]
fn a_head_has_so_many_lines_and_no_more() {
    let service = start();
    let status = |lines: usize| {
        let mut stream = connect(&service);
        write!(stream, "GET /healthz HTTP/1.1\r\nHost: passavant.test\r\nConnection: close\r\n")
            .unwrap();
        let rest = (2..lines).fold(String::new(), |rest, n| rest + &format!("X-{n}: a\r\n"));
        write!(stream, "{rest}\r\n").unwrap();
        answer(stream).lines().next().unwrap_or_default().to_owned()
    };
    assert_eq!(status(96), "HTTP/1.1 200 OK");
    assert_eq!(status(97), "HTTP/1.1 431 Request Header Fields Too Large");
}
