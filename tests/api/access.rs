//! Who comes in: every fault that a token can have, keys that change, issuers that are away.
use super::harness::*;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::Signer;
use ed25519_dalek::SigningKey;
use passavant::clock::Clock;
use passavant::clock::SystemClock;
use serde_json::Value;
use serde_json::json;
use wiremock::Mock;
use wiremock::MockServer;
use wiremock::ResponseTemplate;
use wiremock::matchers::path;

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn seed(state: &str) -> [u8; 32] {
    let mut seed = [9; 32];
    seed[0] = state.as_bytes()[0];
    seed
}

fn kid(seed: &[u8; 32]) -> String {
    b64(SigningKey::from_bytes(seed).verifying_key().as_bytes()).chars().take(16).collect()
}

/// A token made by hand, so that it can be wrong in any way.
fn forge(header: &Value, claims: &Value, seed: &[u8; 32]) -> String {
    let signed = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
    let signature = SigningKey::from_bytes(seed).sign(signed.as_bytes()).to_bytes();
    format!("{signed}.{}", b64(signature))
}

fn header() -> Value {
    json!({"alg": "EdDSA", "typ": "at+jwt", "kid": kid(&seed("FR"))})
}

fn claims() -> Value {
    let now = SystemClock.now().as_second();
    json!({"iss": issuer_name("FR"), "aud": "passavant", "sub": "officer-1", "role": "officer", "posts": ["FRLEH"],
        "iat": now, "nbf": now, "exp": now + 600})
}

fn without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

/// Every faulty token with what is wrong with it.
fn faulty() -> Vec<(&'static str, String)> {
    let (own, now) = (seed("FR"), SystemClock.now().as_second());
    let token = |claims: &Value| forge(&header(), claims, &own);
    let head = |name: &str, value: Value| {
        let mut header = header();
        header[name] = value;
        forge(&header, &claims(), &own)
    };
    let good = forge(&header(), &claims(), &own);
    let parts: Vec<&str> = good.split('.').collect();
    let other = b64(with("sub", json!("officer-2")).to_string());
    let hmac = |key: &[u8]| {
        let key = jsonwebtoken::EncodingKey::from_secret(key);
        let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256);
        (header.typ, header.kid) = (Some("at+jwt".to_owned()), Some(kid(&seed("FR"))));
        jsonwebtoken::encode(&header, &claims(), &key).unwrap()
    };
    let lasting = |nbf: i64, exp: i64| {
        let mut claims = claims();
        (claims["iat"], claims["nbf"], claims["exp"]) = (json!(nbf), json!(nbf), json!(exp));
        claims
    };
    let mut faulty = vec![
        ("empty", "x".to_owned()),
        ("two parts", format!("{}.{}", parts[0], parts[1])),
        ("four parts", format!("{good}.x")),
        (
            "alg none",
            format!("{}.{}.", b64(json!({"alg": "none", "typ": "at+jwt"}).to_string()), parts[1]),
        ),
        ("alg none with a signature", head("alg", json!("none"))),
        (
            "HS256 with the public key",
            hmac(SigningKey::from_bytes(&own).verifying_key().as_bytes()),
        ),
        ("ES256 named for an Ed25519 key", head("alg", json!("ES256"))),
        ("RS256 named for an Ed25519 key", head("alg", json!("RS256"))),
        ("another payload", format!("{}.{other}.{}", parts[0], parts[2])),
        ("another signature", format!("{}.{}.{}", parts[0], parts[1], b64([0; 64]))),
        ("no signature", format!("{}.{}.", parts[0], parts[1])),
        ("a key of nobody", forge(&header(), &claims(), &[1; 32])),
        ("another issuer's key", forge(&header(), &claims(), &seed("KE"))),
        ("another issuer's kid", head("kid", json!(kid(&seed("KE"))))),
        ("an unknown kid", head("kid", json!("unknown"))),
        ("typ of an identity token", head("typ", json!("id+jwt"))),
        ("typ missing", forge(&json!({"alg": "EdDSA", "kid": kid(&own)}), &claims(), &own)),
        ("critical extensions", head("crit", json!(["b64"]))),
        ("an issuer that is not trusted", token(&with("iss", json!("https://evil.example")))),
        ("another audience", token(&with("aud", json!("another")))),
        ("a list of other audiences", token(&with("aud", json!(["a", "b"])))),
        ("expired", token(&lasting(now - 700, now - 100))),
        ("not valid yet", token(&with("nbf", json!(now + 100)))),
        ("issued in the future", token(&with("iat", json!(now + 100)))),
        ("living too long", token(&lasting(now, now + 901))),
        ("living too long since it was issued", token(&with("iat", json!(now - 400)))),
        ("exp as text", token(&with("exp", json!("tomorrow")))),
        ("nbf as text", token(&with("nbf", json!("now")))),
        ("an unknown role", token(&with("role", json!("king")))),
        ("two roles", token(&with("role", json!(["officer", "authority"])))),
        ("sub empty", token(&with("sub", json!("")))),
        ("posts empty", token(&with("posts", json!([])))),
        ("a post of another State", token(&with("posts", json!(["FRLEH", "DEHAM"])))),
        ("posts as text", token(&with("posts", json!("FRLEH")))),
        ("a carrier without an operator's number", token(&with("role", json!("carrier")))),
        ("too long", token(&with("padding", json!("x".repeat(9000))))),
    ];
    for name in ["iss", "aud", "sub", "exp", "nbf", "role", "posts"] {
        faulty.push((name, token(&without(name))));
    }
    faulty
}

#[tokio::test]
async fn no_faulty_token_comes_in() {
    let service = start_with(|config| config.rate.refused_burst = 1000);
    assert_eq!(
        service.get("/v1/whoami", &forge(&header(), &claims(), &seed("FR"))).await.status,
        200
    );
    for (fault, token) in faulty() {
        let answer = service.get("/v1/whoami", &token).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (401, "invalid_token"),
            "{fault}: {}",
            answer.text
        );
        assert!(answer.header("www-authenticate").starts_with("Bearer"), "{fault}");
    }
    for value in ["", "Bearer", "Basic eDp5", "Bearer "] {
        let answer = service
            .send(reqwest::Method::GET, "/v1/whoami", "", &[("Authorization", value)], None)
            .await;
        assert_eq!(answer.status, 401, "{value:?}");
    }
}

#[tokio::test]
async fn a_role_that_the_issuer_may_not_give_is_refused() {
    let service = start_with(|config| config.access.issuers[0].roles = vec!["officer".to_owned()]);
    assert_eq!(service.get("/v1/whoami", &token("FR", "officer")).await.status, 200);
    assert_eq!(service.get("/v1/whoami", &token("FR", "authority")).await.status, 401);
    assert_eq!(service.get("/v1/whoami", &token("KE", "authority")).await.status, 200);
}

#[tokio::test]
async fn the_state_comes_from_the_issuer_and_not_from_a_claim() {
    let service = start();
    let token = forge(&header(), &with("state", json!("KE")), &seed("FR"));
    assert_eq!(service.get("/v1/whoami", &token).await.json()["state"], "FR");
}

async fn publish(server: &MockServer, jwks: String) {
    server.reset().await;
    Mock::given(path("/jwks.json"))
        .respond_with(ResponseTemplate::new(200).set_body_string(jwks))
        .mount(server)
        .await;
}

fn jwks(seed: &[u8; 32]) -> String {
    passavant::outbound::local_issuer::LocalIssuer::from_seed(seed).unwrap().jwks()
}

fn token_by(seed: &[u8; 32]) -> String {
    let mut header = header();
    header["kid"] = json!(kid(seed));
    forge(&header, &claims(), seed)
}

fn with_published_keys(server: &MockServer, cool_down_s: u64) -> Service {
    let url = format!("{}/jwks.json", server.uri());
    start_with(|config| {
        config.access.keys_cool_down_s = cool_down_s;
        config.access.issuers[0].jwks_file = None;
        config.access.issuers[0].jwks_url = Some(url);
    })
}

#[tokio::test]
async fn a_new_key_is_fetched_when_a_token_names_it_and_the_old_one_goes_with_it() {
    let server = MockServer::start().await;
    publish(&server, jwks(&[1; 32])).await;
    let service = with_published_keys(&server, 0);
    let old = token_by(&[1; 32]);
    assert_eq!(service.get("/v1/whoami", &old).await.status, 200);
    publish(&server, jwks(&[2; 32])).await;
    assert_eq!(service.get("/v1/whoami", &token_by(&[2; 32])).await.status, 200);
    assert_eq!(
        service.get("/v1/whoami", &old).await.status,
        401,
        "also the token that was found good before"
    );
}

#[tokio::test]
async fn bad_tokens_do_not_make_the_service_hammer_the_issuer() {
    let server = MockServer::start().await;
    publish(&server, jwks(&[1; 32])).await;
    let service = with_published_keys(&server, 3600);
    assert_eq!(service.get("/v1/whoami", &token_by(&[1; 32])).await.status, 200);
    for n in 10..30 {
        assert_eq!(service.get("/v1/whoami", &token_by(&[n; 32])).await.status, 401);
    }
    assert!(server.received_requests().await.unwrap().len() <= 1);
}

#[tokio::test]
async fn an_issuer_that_was_never_reached_is_unavailable_and_comes_in_once_it_is_there() {
    let server = MockServer::start().await;
    let service = with_published_keys(&server, 0);
    let token = token_by(&[1; 32]);
    let away = service.get("/v1/whoami", &token).await;
    assert_eq!(
        (away.status, away.code().as_str(), away.header("retry-after")),
        (503, "issuer_unavailable", "1")
    );
    publish(&server, jwks(&[1; 32])).await;
    assert_eq!(service.get("/v1/whoami", &token).await.status, 200);
}

#[tokio::test]
async fn keys_known_before_serve_while_the_issuer_is_away() {
    let folder = tempfile::TempDir::new().unwrap();
    std::fs::write(folder.path().join("issuer-0.jwks"), jwks(&[1; 32])).unwrap();
    let saved = folder.path().join("issuer-0.jwks");
    let service = start_with(|config| {
        std::fs::copy(&saved, config.node.data_dir.join("issuer-0.jwks")).unwrap();
        config.access.issuers[0].jwks_file = None;
        config.access.issuers[0].jwks_url = Some("http://127.0.0.1:9/jwks.json".to_owned());
    });
    assert_eq!(service.get("/v1/whoami", &token_by(&[1; 32])).await.status, 200);
}

#[tokio::test]
async fn a_key_set_in_which_a_kid_stands_twice_is_not_taken() {
    let server = MockServer::start().await;
    let one: Value = serde_json::from_str(&jwks(&[1; 32])).unwrap();
    publish(&server, json!({"keys": [one["keys"][0], one["keys"][0]]}).to_string()).await;
    let service = with_published_keys(&server, 0);
    assert_eq!(service.get("/v1/whoami", &token_by(&[1; 32])).await.status, 503);
}

#[tokio::test]
async fn es256_and_rs256_keys_serve_and_short_rsa_keys_do_not() {
    use jsonwebtoken::Algorithm;
    use p256::pkcs8::EncodePrivateKey as _;
    use rsa::traits::PublicKeyParts;
    let curve = p256::ecdsa::SigningKey::from_slice(&[5; 32]).unwrap();
    let point = curve.verifying_key().to_encoded_point(false);
    let rsa_key = |bits| rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, bits).unwrap();
    let (long, short) = (rsa_key(2048), rsa_key(1024));
    let rsa_jwk = |kid: &str, key: &rsa::RsaPrivateKey| json!({"kty": "RSA", "kid": kid, "n": b64(key.n().to_bytes_be()), "e": b64(key.e().to_bytes_be())});
    let server = MockServer::start().await;
    let keys = json!({"keys": [
        {"kty": "EC", "crv": "P-256", "kid": "curve", "x": b64(point.x().unwrap()), "y": b64(point.y().unwrap())},
        rsa_jwk("long", &long), rsa_jwk("short", &short),
    ]});
    publish(&server, keys.to_string()).await;
    let service = with_published_keys(&server, 0);
    let mint = |kid: &str, algorithm, pem: String| {
        let key = match algorithm {
            Algorithm::ES256 => jsonwebtoken::EncodingKey::from_ec_pem(pem.as_bytes()).unwrap(),
            _ => jsonwebtoken::EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap(),
        };
        let mut header = jsonwebtoken::Header::new(algorithm);
        (header.typ, header.kid) = (Some("JWT".to_owned()), Some(kid.to_owned()));
        jsonwebtoken::encode(&header, &claims(), &key).unwrap()
    };
    let pem = |key: &rsa::RsaPrivateKey| {
        key.to_pkcs8_pem(rsa::pkcs8::LineEnding::LF).unwrap().to_string()
    };
    let curve = p256::SecretKey::from(&curve)
        .to_pkcs8_pem(p256::pkcs8::LineEnding::LF)
        .unwrap()
        .to_string();
    let status = async |token: String| service.get("/v1/whoami", &token).await.status;
    assert_eq!(status(mint("curve", Algorithm::ES256, curve)).await, 200);
    assert_eq!(status(mint("long", Algorithm::RS256, pem(&long))).await, 200);
    assert_eq!(status(mint("short", Algorithm::RS256, pem(&short))).await, 401);
    assert_eq!(
        status(mint("long", Algorithm::RS384, pem(&long))).await,
        401,
        "one algorithm a key"
    );
}
