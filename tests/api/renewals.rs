//! A session that goes on without a new sign-in, where its issuer allows it: by a cookie that no script
//! reads, once for each refresh token, for its owner alone, and for no longer than a shift.
use super::console::BROWSER;
use super::console::FORM;
use super::console::OWN;
use super::console::SEED;
use super::console::come_back;
use super::console::form_token;
use super::console::set_out;
use super::console::signed;
use super::console::signing_in_until;
use super::console::with_sign_in;
use super::harness::*;
use passavant::app::sign_in::Purpose;
use passavant::app::sign_in::Sealer;
use passavant::clock::Clock;
use passavant::clock::SystemClock;
use passavant::clock::SystemIds;
use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use wiremock::Mock;
use wiremock::MockServer;
use wiremock::ResponseTemplate;
use wiremock::matchers::body_string_contains;
use wiremock::matchers::path;

/// An access token of the issuer.
fn access(server: &MockServer, sub: &str, life_s: i64) -> String {
    let now = SystemClock.now().as_second();
    signed(&json!({"iss": server.uri(), "aud": "passavant", "sub": sub, "role": "officer",
        "posts": ["FRLEH"], "iat": now - 700, "nbf": now - 700, "exp": now + life_s, "jti": now}))
}

/// What the issuer answers to one refresh token.
async fn renews(server: &MockServer, refresh: &str, answer: ResponseTemplate, times: u64) {
    Mock::given(path("/token"))
        .and(body_string_contains("grant_type=refresh_token"))
        .and(body_string_contains(format!("refresh_token={refresh}")))
        .respond_with(answer)
        .expect(times)
        .mount(server)
        .await;
}

fn gives(server: &MockServer, sub: &str, next: &str) -> ResponseTemplate {
    let tokens = json!({"access_token": access(server, sub, 190), "token_type": "Bearer", "refresh_token": next});
    ResponseTemplate::new(200).set_body_json(tokens)
}

/// The cookies that an answer sets, and how.
fn cookie(answer: &Answer, name: &str) -> Option<String> {
    let mut all = answer.headers.get_all("set-cookie").iter().map(|c| c.to_str().unwrap());
    all.find(|cookie| cookie.starts_with(&format!("{name}="))).map(str::to_owned)
}

fn value(cookie: &str) -> String {
    cookie.split(';').next().unwrap().to_owned()
}

/// Somebody who has just signed in, with a token that ends so soon: the session's two cookies.
async fn signed_in(server: &MockServer, service: &Service, life_s: i64) -> (String, String) {
    signing_in_until(server, json!({}), life_s).await;
    let (asked, flow) = set_out(service).await;
    signing_in_until(server, json!({"nonce": asked["nonce"]}), life_s).await;
    let answer = come_back(service, &asked["state"], &flow).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let renewal = cookie(&answer, "passavant-renewal").unwrap();
    assert!(renewal.contains("HttpOnly") && renewal.contains("SameSite=Strict"), "{renewal}");
    assert!(!renewal.contains("first-refresh") && !answer.text.contains("first-refresh"));
    (value(&cookie(&answer, "passavant-session").unwrap()), value(&renewal))
}

async fn page(service: &Service, cookies: &str) -> Answer {
    service.send(Method::GET, "/console/scan", "", &[("Cookie", cookies)], None).await
}

#[tokio::test]
async fn a_session_goes_on_and_each_refresh_token_is_used_once() {
    let server = MockServer::start().await;
    let service = with_sign_in(&server);
    let (session, renewal) = signed_in(&server, &service, 100).await;
    renews(&server, "first-refresh", gives(&server, "officer-7", "second-refresh"), 1).await;
    // Pages that are asked for together, and one that comes late with the old cookies.
    let old = format!("{session}; {renewal}");
    let all = futures_util::future::join_all((0..10).map(|_| page(&service, &old))).await;
    let late = page(&service, &old).await;
    let renewed = cookie(&late, "passavant-session").unwrap();
    for answer in all.iter().chain([&late]) {
        assert_eq!(answer.status, 200, "{}", answer.text);
        let next = cookie(answer, "passavant-renewal").unwrap();
        assert!(next.contains("HttpOnly") && next.contains("SameSite=Strict"), "{next}");
        assert!(!answer.text.contains("refresh"), "no page holds it");
    }
    server.verify().await;
    // With the new ones there is nothing to renew yet: the page is told when it ends.
    let next = cookie(&late, "passavant-renewal").unwrap();
    let new = format!("{}; {}", value(&renewed), value(&next));
    let answer =
        service.send(Method::GET, "/console/sign-in/renewal", "", &[("Cookie", &new)], None).await;
    let ends: passavant::domain::Timestamp =
        answer.json()["ends_at"].as_str().unwrap().parse().unwrap();
    assert!(ends.as_second() - SystemClock.now().as_second() > 120, "{ends}");
    assert_eq!(cookie(&answer, "passavant-session"), None);
    // A token in the session's cookie opens no more than it did.
    let api = service.send(Method::GET, "/v1/whoami", "", &[("Cookie", &new)], None).await;
    assert_eq!(api.status, 401);
}

#[tokio::test]
async fn a_session_that_has_ended_goes_on_where_it_was() {
    let server = MockServer::start().await;
    let service = with_sign_in(&server);
    let (_, renewal) = signed_in(&server, &service, 100).await;
    let ended = sealed(Purpose::Session, access(&server, "officer-7", -100).as_bytes());
    let cookies = format!("passavant-session={ended}; {renewal}");
    assert_eq!(page(&service, &format!("passavant-session={ended}")).await.status, 401);
    renews(&server, "first-refresh", gives(&server, "officer-7", "second-refresh"), 1).await;
    let answer = page(&service, &cookies).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

fn sealed(purpose: Purpose, plain: &[u8]) -> String {
    Sealer::from_seed(&SEED).unwrap().seal(purpose, plain, &SystemIds).unwrap()
}

#[tokio::test]
async fn what_the_issuer_refuses_or_gives_to_another_ends_with_its_token() {
    let server = MockServer::start().await;
    let service = with_sign_in(&server);
    let invalid = json!({"error": "invalid_grant"});
    let refused = ResponseTemplate::new(400).set_body_json(invalid);
    let another = gives(&server, "officer-8", "second-refresh");
    let no_token = ResponseTemplate::new(200).set_body_json(json!({"access_token": "none"}));
    for answer in [refused, another, no_token] {
        let (session, renewal) = signed_in(&server, &service, 100).await;
        let renewal = renamed(&renewal);
        renews(&server, &renewal.0, answer, 1).await;
        let answer = page(&service, &format!("{session}; {}", renewal.1)).await;
        assert_eq!(answer.status, 200, "the token stands to its end");
        let over = cookie(&answer, "passavant-renewal").unwrap();
        assert!(over.contains("Max-Age=0"), "{over}");
        assert_eq!(cookie(&answer, "passavant-session"), None);
        server.verify().await;
    }
}

/// The same renewal by a refresh token of its own, so that answers shared before are not.
fn renamed(renewal: &str) -> (String, String) {
    static COUNT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    altered(renewal, "refresh", format!("refresh-{count}").into())
}

fn altered(renewal: &str, name: &str, value: Value) -> (String, String) {
    let sealer = Sealer::from_seed(&SEED).unwrap();
    let cookie = renewal.strip_prefix("passavant-renewal=").unwrap();
    let plain = sealer.open_sealed(Purpose::Renewal, cookie).unwrap();
    let mut plain: Value = serde_json::from_slice(&plain).unwrap();
    let text = value.as_str().unwrap_or_default().to_owned();
    plain[name] = value;
    let sealed = sealed(Purpose::Renewal, plain.to_string().as_bytes());
    (text, format!("passavant-renewal={sealed}"))
}

#[tokio::test]
async fn an_issuer_that_is_away_is_asked_again_and_ends_no_session() {
    let server = MockServer::start().await;
    let service = with_sign_in(&server);
    let (session, renewal) = signed_in(&server, &service, 100).await;
    renews(&server, "first-refresh", ResponseTemplate::new(503), 1).await;
    let cookies = format!("{session}; {renewal}");
    for _ in 0..3 {
        let answer = page(&service, &cookies).await;
        assert_eq!(answer.status, 200);
        assert_eq!(cookie(&answer, "passavant-renewal"), None, "it is kept for the next time");
    }
    // Asked once: it is left alone for a moment.
    server.verify().await;
}

#[tokio::test]
async fn no_session_goes_on_by_another_s_renewal_or_for_longer_than_a_shift() {
    let server = MockServer::start().await;
    let service = with_sign_in(&server);
    let (session, renewal) = signed_in(&server, &service, 100).await;
    let long_ago = SystemClock.now().as_second() - 43_200;
    let caller = format!("{}#officer-8", server.uri());
    for foreign in [
        altered(&renewal, "began_s", long_ago.into()).1,
        altered(&renewal, "caller", caller.into()).1,
        altered(&renewal, "issuer", "https://login.example".into()).1,
        "passavant-renewal=AAAA".to_owned(),
        format!("passavant-renewal={}", session.strip_prefix("passavant-session=").unwrap()),
    ] {
        let answer = page(&service, &format!("{session}; {foreign}")).await;
        assert_eq!((answer.status, cookie(&answer, "passavant-session")), (200, None), "{foreign}");
        assert!(cookie(&answer, "passavant-renewal").unwrap().contains("Max-Age=0"));
    }
    let asked = server.received_requests().await.unwrap();
    let renewals = asked.iter().filter(|request| {
        String::from_utf8_lossy(&request.body).contains("grant_type=refresh_token")
    });
    assert_eq!(renewals.count(), 0, "the issuer is not even asked");
}

#[tokio::test]
async fn who_signs_out_is_out_at_the_issuer_too() {
    let server = MockServer::start().await;
    let service = with_sign_in(&server);
    let (session, renewal) = signed_in(&server, &service, 100).await;
    Mock::given(path("/revoke"))
        .and(body_string_contains("token=first-refresh"))
        .respond_with(ResponseTemplate::new(200))
        .expect(1)
        .mount(&server)
        .await;
    let cookies = format!("{session}; {renewal}; passavant-browser={BROWSER}");
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    let out = client
        .no_proxy()
        .build()
        .unwrap()
        .post(format!("http://{}/console/sign-out", service.api))
        .header("Cookie", cookies)
        .header(OWN.0, OWN.1)
        .header(FORM.0, FORM.1)
        .body(format!("form={}", form_token()));
    let answer = out.send().await.unwrap();
    assert_eq!(answer.status(), 303);
    for name in ["passavant-session", "passavant-renewal"] {
        let cookies = answer.headers().get_all("set-cookie").iter();
        let mut cookies = cookies.map(|cookie| cookie.to_str().unwrap());
        let ended = cookies.find(|cookie| cookie.starts_with(name)).unwrap();
        assert!(ended.contains("Max-Age=0"), "{ended}");
    }
    server.verify().await;
}
