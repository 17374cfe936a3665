//! The console's doors: who is let in where, sessions, and what another site cannot do.
use super::harness::*;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use passavant::app::Role;
use passavant::app::sign_in::Purpose;
use passavant::app::sign_in::Sealer;
use passavant::clock::Clock;
use passavant::clock::SystemClock;
use passavant::clock::SystemIds;
use passavant::http::console::PAGES;
use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use std::collections::HashMap;
use wiremock::Mock;
use wiremock::MockServer;
use wiremock::ResponseTemplate;
use wiremock::matchers::body_string_contains;
use wiremock::matchers::path;

pub const SEED: [u8; 32] = [5; 32];

/// A service with the console and a key that the tests know.
pub fn with_console() -> Service {
    start_with(|config| {
        let file = config.node.data_dir.join("shared.key");
        let key = base64::Engine::encode(&URL_SAFE_NO_PAD, SEED);
        std::fs::write(&file, key).unwrap();
        config.console.enabled = Some(true);
        config.console.key_file = file;
    })
}

pub fn session(token: &str) -> String {
    let sealer = Sealer::from_seed(&SEED).unwrap();
    let sealed = sealer.seal(Purpose::Session, token.as_bytes(), &SystemIds).unwrap();
    format!("passavant-session={sealed}; passavant-browser={BROWSER}")
}

pub const BROWSER: &str = "AAAAAAAAAAAAAAAAAAAAAA";
pub const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");
pub const OWN: (&str, &str) = ("Sec-Fetch-Site", "same-origin");

pub fn form_token() -> String {
    Sealer::from_seed(&SEED).unwrap().mark(BROWSER)
}

fn concrete(path: &str) -> String {
    path.replace("{id}", "019a0000-0000-7000-8000-000000000000")
        .replace("{number}", "NO-SUCH-LICENCE")
        .replace("{index}", "0")
        .replace("{ucr}", "6FR00000000000000-NONE")
        .replace("{edition}", "0")
        .replace("{file}", "none")
}

#[tokio::test]
async fn roles_see_their_own_pages_alone() {
    let service = with_console();
    for page in PAGES.iter().filter(|page| !page.roles.is_empty()) {
        let method: Method = page.method.parse().unwrap();
        let path = concrete(page.path);
        let body = format!("form={}&key=0123456789", form_token());
        let send = async |cookie: &str| {
            let headers = [("Cookie", cookie), FORM, OWN];
            let body = (method == Method::POST).then(|| body.clone());
            service.send(method.clone(), &path, "", &headers, body).await
        };
        for role in Role::ALL {
            for state in STATES {
                let answer = send(&session(&token(state, role.as_str()))).await;
                let case = format!(
                    "{method} {path} as {} of {state}: {} {}",
                    role.as_str(),
                    answer.status,
                    answer.text
                );
                if page.roles.contains(&role) {
                    assert!(!matches!(answer.status, 401 | 403 | 500..), "{case}");
                } else {
                    assert_eq!(answer.status, 403, "{case}");
                }
            }
        }
        let answer = send("").await;
        let expected = if method == Method::POST { 403 } else { 401 };
        assert!(
            matches!(answer.status, 401 | 429) || answer.status == expected,
            "{path}: {}",
            answer.text
        );
    }
}

#[tokio::test]
async fn a_token_in_a_header_opens_no_page_and_a_session_opens_no_api() {
    let service = with_console();
    let token = token("FR", "officer");
    assert_eq!(service.get("/console/scan", &token).await.status, 401);
    let headers = [("Cookie", &*session(&token))];
    let page = service.send(Method::GET, "/console/scan", "", &headers, None).await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    let api = service.send(Method::GET, "/v1/whoami", "", &headers, None).await;
    assert_eq!(api.status, 401);
}

#[tokio::test]
async fn what_is_wrong_with_a_form_is_said_in_the_reader_s_language() {
    let service = with_console();
    let cookie = session(&token("FR", "officer"));
    let body = format!("form={}&key=0123456789&/border_post=Calais", form_token());
    for (language, words) in [
        ("en", "is not a UN"),
        ("fr", "Un lieu s’écrit en cinq caractères"),
        ("ar", "يُكتب المكان بخمسة محارف"),
    ] {
        let headers = [("Cookie", &*cookie), FORM, OWN, ("Accept-Language", language)];
        let page = service
            .send(Method::POST, "/console/declaration", "", &headers, Some(body.clone()))
            .await;
        assert_eq!(page.status, 400, "{}", page.text);
        assert!(page.text.contains(words), "{language}: {}", page.text);
        // The service's own words stand beside it, marked as what they are.
        assert!(page.text.contains(r#"<span lang="en""#), "{language}: {}", page.text);
    }
}

#[tokio::test]
async fn a_session_that_was_altered_or_has_ended_is_none() {
    let service = with_console();
    let good = session(&token("FR", "officer"));
    let altered = good.replacen("passavant-session=A", "passavant-session=B", 1);
    let altered = if altered == good { good.replacen("session=", "session=A", 1) } else { altered };
    for cookie in [altered.as_str(), "passavant-session=", "passavant-session=eyJ.e.x"] {
        let answer =
            service.send(Method::GET, "/console/scan", "", &[("Cookie", cookie)], None).await;
        assert_eq!(answer.status, 401, "{cookie}");
        assert!(answer.text.contains("<html"), "{}", answer.text);
    }
}

#[tokio::test]
async fn no_other_site_and_no_other_browser_can_send_a_form() {
    let service = with_console();
    let cookie = session(&token("FR", "officer"));
    let own = format!("form={}&key=0123456789&q=X", form_token());
    let send = async |headers: &[(&str, &str)], body: &str| {
        let headers = [&[("Cookie", &*cookie), FORM], headers].concat();
        service.send(Method::POST, "/console/scan", "", &headers, Some(body.to_owned())).await
    };
    assert_eq!(send(&[OWN], &own).await.status, 404, "nothing is known of X");
    for site in ["cross-site", "same-site", "none"] {
        assert_eq!(send(&[("Sec-Fetch-Site", site)], &own).await.status, 403, "{site}");
    }
    assert_eq!(send(&[("Origin", "https://evil.example")], &own).await.status, 403);
    assert_eq!(send(&[], &own).await.status, 403, "it does not say from where");
    for body in ["q=X&key=0123456789", "form=&q=X&key=0123456789", "form=AAAA&q=X&key=0123456789"] {
        assert_eq!(send(&[OWN], body).await.status, 403, "{body}");
    }
}

#[tokio::test]
async fn pages_bring_nothing_inline_and_assets_are_kept_for_good() {
    let service = with_console();
    let page = service.get("/console/sign-in", "").await;
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(page.header("cache-control"), "no-store");
    assert!(!page.text.contains("<style") && !page.text.contains("style="), "{}", page.text);
    let text = page.text.replace("&#x2f;", "/");
    assert!(!text.contains("https://"), "nothing from elsewhere: {text}");
    let from = text.find("/console/assets/").unwrap();
    let sheet =
        text.get(from..).unwrap().split('"').next().unwrap().replace("icon.svg", "console.css");
    let asset = service.get(&sheet, "").await;
    assert_eq!((asset.status, asset.header("content-type")), (200, "text/css; charset=utf-8"));
    assert!(asset.header("cache-control").contains("immutable"));
    assert_eq!(service.get("/console/assets/0/console.css", "").await.status, 404);
}

#[tokio::test]
async fn roles_are_chosen_in_the_sample_service_alone() {
    let service = with_console();
    let page = service.get("/console/sign-in", "").await;
    assert!(!page.text.contains("name=\"person\""));
    let cookie = format!("passavant-browser={BROWSER}");
    let headers = [("Cookie", &*cookie), FORM, OWN];
    let body = format!("form={}&person=officer-FR&next=/console", form_token());
    let refused =
        service.send(Method::POST, "/console/sign-in/choice", "", &headers, Some(body)).await;
    assert_eq!(refused.status, 404, "{}", refused.text);
    assert_eq!(refused.header("set-cookie"), "");
}

#[tokio::test]
async fn without_a_way_to_sign_in_or_where_it_is_said_there_is_no_console() {
    let unsaid = start();
    let server = MockServer::start().await;
    let forbidden = with_sign_in_where(&server, Some(false));
    for service in [unsaid, forbidden] {
        for path in ["/", "/console", "/console/sign-in"] {
            assert_eq!(service.get(path, "").await.status, 404, "{path}");
        }
    }
}

/// An issuer that signs people in: what it says of itself, and the tokens that it gives for a code.
async fn signing_in(server: &MockServer, id_claims: Value) {
    signing_in_until(server, id_claims, 600).await;
}

/// The same with an access token that ends so soon.
pub async fn signing_in_until(server: &MockServer, id_claims: Value, life_s: i64) {
    server.reset().await;
    let issuer = server.uri();
    let discovery = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "revocation_endpoint": format!("{issuer}/revoke"),
    });
    Mock::given(path("/.well-known/openid-configuration"))
        .respond_with(ResponseTemplate::new(200).set_body_json(discovery))
        .mount(server)
        .await;
    let now = SystemClock.now().as_second();
    let mut access = json!({"iss": issuer, "aud": "passavant", "sub": "officer-7", "role": "officer",
        "posts": ["FRLEH"], "iat": now, "nbf": now, "exp": now + life_s});
    let mut identity = json!({"iss": issuer, "aud": "console", "sub": "officer-7",
        "iat": now, "exp": now + 600});
    for (name, value) in id_claims.as_object().unwrap() {
        let claims = if name == "access_sub" { &mut access } else { &mut identity };
        claims[if name == "access_sub" { "sub" } else { name }] = value.clone();
    }
    let tokens = json!({"access_token": signed(&access), "id_token": signed(&identity), "token_type": "Bearer",
        "refresh_token": "first-refresh"});
    Mock::given(path("/token"))
        .and(body_string_contains("grant_type=authorization_code"))
        .and(body_string_contains("code=the-code"))
        .and(body_string_contains("code_verifier="))
        .respond_with(ResponseTemplate::new(200).set_body_json(tokens))
        .mount(server)
        .await;
}

pub fn signed(claims: &Value) -> String {
    let key = ed25519_dalek::SigningKey::from_bytes(&SEED);
    let b64 = |bytes: &[u8]| base64::Engine::encode(&URL_SAFE_NO_PAD, bytes);
    let kid: String = b64(key.verifying_key().as_bytes()).chars().take(16).collect();
    let header = json!({"alg": "EdDSA", "typ": "JWT", "kid": kid});
    let text =
        format!("{}.{}", b64(header.to_string().as_bytes()), b64(claims.to_string().as_bytes()));
    let signature = ed25519_dalek::Signer::sign(&key, text.as_bytes()).to_bytes();
    format!("{text}.{}", b64(&signature))
}

/// Where people can sign in there are pages, without another setting.
pub fn with_sign_in(server: &MockServer) -> Service {
    with_sign_in_where(server, None)
}

fn with_sign_in_where(server: &MockServer, enabled: Option<bool>) -> Service {
    let issuer = server.uri();
    start_with(|config| {
        let jwks = config.node.data_dir.join("idp.jwks");
        let keys = passavant::outbound::local_issuer::LocalIssuer::from_seed(&SEED).unwrap().jwks();
        std::fs::write(&jwks, keys).unwrap();
        let mut trusted = config.access.issuers[0].clone();
        (trusted.issuer, trusted.jwks_file) = (issuer.clone(), Some(jwks));
        config.access.issuers.push(trusted);
        let file = config.node.data_dir.join("shared.key");
        std::fs::write(&file, base64::Engine::encode(&URL_SAFE_NO_PAD, SEED)).unwrap();
        config.console.key_file = file;
        config.console.enabled = enabled;
        config.console.public_url = String::from("http://127.0.0.1:8443");
        config.console.sign_in.push(passavant::config::SignIn {
            name: "Customs".to_owned(),
            issuer,
            client_id: "console".to_owned(),
            client_secret_file: None,
            scope: "openid".to_owned(),
            ca_file: None,
        });
    })
}

/// Follows the link to the issuer: the parameters that it is given, and the cookies to come back with.
pub async fn set_out(service: &Service) -> (HashMap<String, String>, String) {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    let client = client.no_proxy().build().unwrap();
    let address =
        format!("http://{}/console/sign-in/start?way=0&next=/console/alerts", service.api);
    let answer = client.get(address).send().await.unwrap();
    assert_eq!(answer.status(), 303);
    let to = reqwest::Url::parse(answer.headers()["location"].to_str().unwrap()).unwrap();
    let cookies = answer.headers().get_all("set-cookie").iter();
    let flow = cookies
        .map(|cookie| cookie.to_str().unwrap())
        .find(|c| c.starts_with("passavant-sign-in="));
    let flow = flow.unwrap();
    assert!(flow.contains("HttpOnly") && flow.contains("SameSite=Lax"), "{flow}");
    (to.query_pairs().into_owned().collect(), flow.split(';').next().unwrap().to_owned())
}

pub async fn come_back(service: &Service, state: &str, cookie: &str) -> Answer {
    let path = format!("/console/sign-in/return?state={state}&code=the-code");
    service.send(Method::GET, &path, "", &[("Cookie", cookie)], None).await
}

#[tokio::test]
async fn somebody_signs_in_by_openid_connect() {
    let server = MockServer::start().await;
    signing_in(&server, json!({})).await;
    let service = with_sign_in(&server);
    assert!(service.get("/console/scan", "").await.text.contains("Customs"));
    let (asked, cookie) = set_out(&service).await;
    assert_eq!(asked["response_type"], "code");
    assert_eq!(asked["code_challenge_method"], "S256");
    assert_eq!(asked["redirect_uri"], "http://127.0.0.1:8443/console/sign-in/return");
    signing_in(&server, json!({"nonce": asked["nonce"]})).await;
    let answer = come_back(&service, &asked["state"], &cookie).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let text = answer.text.replace("&#x2f;", "/");
    assert!(text.contains("url=/console/alerts\""), "{text}");
    let mut cookies = answer.headers.get_all("set-cookie").iter().map(|c| c.to_str().unwrap());
    let session = cookies.find(|c| c.starts_with("passavant-session=")).unwrap();
    assert!(session.contains("HttpOnly") && session.contains("SameSite=Strict"), "{session}");
    let session = session.split(';').next().unwrap();
    let page = service.send(Method::GET, "/console/scan", "", &[("Cookie", session)], None).await;
    assert_eq!(page.status, 200, "{}", page.text);
    let token = server.received_requests().await.unwrap();
    let body = String::from_utf8(token.last().unwrap().body.clone()).unwrap();
    let verifier = body.split("code_verifier=").nth(1).unwrap().split('&').next().unwrap();
    let digest = <sha2::Sha256 as sha2::Digest>::digest(verifier.as_bytes());
    assert_eq!(base64::Engine::encode(&URL_SAFE_NO_PAD, digest), asked["code_challenge"]);
}

#[tokio::test]
async fn no_sign_in_ends_with_what_another_has_begun() {
    let server = MockServer::start().await;
    signing_in(&server, json!({})).await;
    let service = with_sign_in(&server);
    let (asked, cookie) = set_out(&service).await;
    let (other, other_cookie) = set_out(&service).await;
    let nonce = &asked["nonce"];
    let now = SystemClock.now().as_second();
    signing_in(&server, json!({"nonce": nonce})).await;
    for (state, cookie) in [
        (&other["state"], &cookie),
        (&asked["state"], &other_cookie),
        (&asked["state"], &String::new()),
        (&String::new(), &cookie),
    ] {
        let answer = come_back(&service, state, cookie).await;
        assert_eq!(answer.status, 403, "{state}: {}", answer.text);
        assert!(
            !answer
                .headers
                .get_all("set-cookie")
                .iter()
                .any(|c| c.to_str().unwrap().starts_with("passavant-session="))
        );
    }
    for wrong in [
        json!({"nonce": "another"}),
        json!({}),
        json!({"nonce": nonce, "aud": "another"}),
        json!({"nonce": nonce, "exp": now - 1}),
        json!({"nonce": nonce, "sub": "officer-8"}),
        json!({"nonce": nonce, "iss": issuer_name("FR")}),
        json!({"nonce": nonce, "access_sub": "officer-8"}),
    ] {
        signing_in(&server, wrong.clone()).await;
        let answer = come_back(&service, &asked["state"], &cookie).await;
        assert_eq!(answer.status, 403, "{wrong}: {}", answer.text);
    }
    server.reset().await;
    assert_eq!(come_back(&service, &asked["state"], &cookie).await.status, 503);
}

#[tokio::test]
async fn a_release_is_undone_as_its_page_has_shown_it() {
    let service = with_console();
    service.issue_sample().await;
    let release = service.release(&cartridges("FR-1", "10"), "k").await.json();
    let path = format!("/console/releases/{}", release["id"].as_str().unwrap());
    let cookie = session(&token("FR", "officer"));
    let page = service.send(Method::GET, &path, "", &[("Cookie", &*cookie)], None).await;
    assert!(page.text.contains(r#"name="version" value="1""#), "{}", page.text);
    let undo = async |version: &str| {
        let body = format!("form={}&key=0123456789&reason=x&version={version}", form_token());
        let headers = [("Cookie", &*cookie), FORM, OWN];
        let path = format!("{path}/reversal");
        service.send(Method::POST, &path, "", &headers, Some(body)).await.status
    };
    assert_eq!((undo("").await, undo("9").await), (428, 412), "another has come in between");
    let read = service.get(&path.replace("/console", "/v1"), &token("FR", "officer")).await;
    assert_eq!(read.json()["status"], "released");
    undo("1").await;
    let read = service.get(&path.replace("/console", "/v1"), &token("FR", "officer")).await;
    assert_eq!(read.json()["status"], "reversed");
}

#[tokio::test]
async fn where_a_page_is_its_head_is_too() {
    let service = with_console();
    let redirect = reqwest::redirect::Policy::none();
    let client = reqwest::Client::builder().no_proxy().redirect(redirect).build().unwrap();
    for (path, status) in [("/", 303), ("/console/sign-in", 200)] {
        let url = format!("http://{}{path}", service.api);
        let (got, head) =
            (client.get(&url).send().await.unwrap(), client.head(&url).send().await.unwrap());
        assert_eq!((got.status().as_u16(), head.status().as_u16()), (status, status), "{path}");
        assert_eq!(head.headers().get("location"), got.headers().get("location"), "{path}");
        assert_eq!(head.text().await.unwrap(), "", "{path}");
    }
    let refused = client.put(format!("http://{}/", service.api)).send().await.unwrap();
    assert_eq!(
        (refused.status().as_u16(), &refused.headers()["allow"]),
        (405, &"GET, HEAD".parse().unwrap())
    );
}
