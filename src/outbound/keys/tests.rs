//! Which keys are taken, when they are read again, and what remains while an issuer is away.
use super::*;
use crate::outbound::client;
use crate::outbound::local_issuer::LocalIssuer;
use serde_json::json;
use tempfile::TempDir;
use wiremock::Mock;
use wiremock::MockServer;
use wiremock::ResponseTemplate;
use wiremock::matchers::any;

const ISSUER: &str = "https://login.example";
const COOL_DOWN_S: u64 = 30;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + second).unwrap()
}

/// The one key of a local issuer.
fn ed25519(seed: u8, kid: &str) -> Value {
    let set: Value =
        serde_json::from_str(&LocalIssuer::from_seed(&[seed; 32]).unwrap().jwks()).unwrap();
    let mut key = set["keys"][0].clone();
    key["kid"] = json!(kid);
    key
}

fn rsa(bits: usize) -> Value {
    let mut modulus = vec![0xff; bits.div_ceil(8)];
    modulus[0] = 0xff >> (modulus.len() * 8 - bits);
    json!({"kty": "RSA", "kid": "rsa", "n": URL_SAFE_NO_PAD.encode(modulus), "e": "AQAB"})
}

fn p256() -> Value {
    let key = p256::ecdsa::SigningKey::from_slice(&[5; 32]).unwrap();
    let point = key.verifying_key().to_encoded_point(false);
    let [x, y] = [point.x().unwrap(), point.y().unwrap()].map(|n| URL_SAFE_NO_PAD.encode(n));
    json!({"kty": "EC", "crv": "P-256", "kid": "curve", "x": x, "y": y})
}

fn set(keys: &[Value]) -> String {
    json!({"keys": keys}).to_string()
}

fn with(mut key: Value, member: &str, value: &str) -> Value {
    key[member] = json!(value);
    key
}

fn read_set(keys: &[Value]) -> Result<KeySet, String> {
    KeySet::read(set(keys).as_bytes())
}

fn holds(keys: &IssuerKeys, kid: &str) -> bool {
    keys.current().is_some_and(|set| set.get(Some(kid)).is_some())
}

struct Published {
    server: MockServer,
    folder: TempDir,
}

impl Published {
    async fn start(reply: ResponseTemplate) -> Self {
        let published = Self { server: MockServer::start().await, folder: TempDir::new().unwrap() };
        published.publish(reply).await;
        published
    }

    async fn publish(&self, reply: ResponseTemplate) {
        self.server.reset().await;
        Mock::given(any()).respond_with(reply).mount(&self.server).await;
    }

    fn keys(&self, issuer: &str) -> IssuerKeys {
        let saved = self.folder.path().join("issuer-0.jwks");
        let source = Source::Url(self.server.uri());
        IssuerKeys::new(issuer, source, saved, client().unwrap(), Vec::new())
    }

    async fn asked(&self) -> usize {
        self.server.received_requests().await.unwrap().len()
    }
}

fn reply(keys: &[Value]) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_string(set(keys))
}

#[test]
fn each_kind_of_key_has_its_one_algorithm() {
    let keys = read_set(&[ed25519(1, "ed"), p256(), rsa(2048)]).unwrap();
    for (kid, algorithm) in
        [("ed", Algorithm::EdDSA), ("curve", Algorithm::ES256), ("rsa", Algorithm::RS256)]
    {
        assert_eq!(keys.get(Some(kid)).unwrap().algorithm, algorithm);
    }
    assert!(keys.get(Some("other")).is_none());
    assert!(keys.get(None).is_none(), "which of the three is not said");
}

#[test]
fn keys_of_other_kinds_and_purposes_are_left_out() {
    let secret = json!({"kty": "oct", "kid": "secret", "k": "c2VjcmV0"});
    let unheard = json!({"kty": "OKP", "crv": "Ed448", "kid": "448", "x": "AAAA"});
    let others = [
        secret,
        unheard,
        json!({"kid": "nothing"}),
        json!("text"),
        with(p256(), "crv", "P-384"),
        with(p256(), "use", "enc"),
        with(p256(), "alg", "ES384"),
        with(rsa(2048), "alg", "PS256"),
        with(rsa(2048), "alg", "HS256"),
        rsa(1024),
        rsa(2047),
    ];
    for other in others {
        assert!(read_set(std::slice::from_ref(&other)).is_err(), "{other}");
        let keys = read_set(&[other.clone(), ed25519(1, "ours")]).unwrap();
        assert!(keys.get(None).is_some(), "ours is the only one left beside {other}");
    }
}

#[test]
fn an_ambiguous_or_unreadable_set_is_refused() {
    assert!(read_set(&[ed25519(1, "a"), ed25519(2, "a")]).is_err_and(|e| e.contains("twice")));
    let mut nameless = ed25519(1, "a");
    nameless.as_object_mut().unwrap().remove("kid");
    assert!(read_set(&[nameless]).is_err());
    for bad in ["", "[]", "{}", "{\"keys\": {}}", "{\"keys\": []}", "<html>"] {
        assert!(KeySet::read(bad.as_bytes()).is_err(), "{bad}");
    }
}

#[tokio::test]
async fn a_rotation_replaces_the_keys_and_the_same_again_changes_nothing() {
    let published = Published::start(reply(&[ed25519(1, "old")])).await;
    let keys = published.keys(ISSUER);
    assert!(keys.current().is_none());
    keys.refresh(at(0), COOL_DOWN_S).await;
    let generation = keys.generation();
    assert!(holds(&keys, "old"));
    keys.refresh(at(30), COOL_DOWN_S).await;
    assert_eq!((published.asked().await, keys.generation()), (2, generation));
    published.publish(reply(&[ed25519(2, "new")])).await;
    keys.refresh(at(60), COOL_DOWN_S).await;
    assert!(holds(&keys, "new") && !holds(&keys, "old"));
    assert!(keys.generation() > generation);
}

#[tokio::test]
async fn within_the_cool_down_the_issuer_is_asked_once() {
    let published = Published::start(ResponseTemplate::new(500)).await;
    let keys = published.keys(ISSUER);
    for second in 0..30 {
        keys.refresh(at(second), COOL_DOWN_S).await;
    }
    assert_eq!(published.asked().await, 1);
    keys.refresh(at(30), COOL_DOWN_S).await;
    assert_eq!(published.asked().await, 2);
}

#[tokio::test]
async fn many_callers_at_once_make_one_reading() {
    let slow = reply(&[ed25519(1, "a")]).set_delay(std::time::Duration::from_millis(50));
    let published = Published::start(slow).await;
    let keys = published.keys(ISSUER);
    let all = (0..20).map(|_| keys.refresh(at(0), COOL_DOWN_S));
    futures_util::future::join_all(all).await;
    assert!(holds(&keys, "a"));
    assert_eq!(published.asked().await, 1);
}

#[tokio::test]
async fn a_reply_that_is_no_key_set_leaves_the_last_good_one() {
    let published = Published::start(reply(&[ed25519(1, "good")])).await;
    let keys = published.keys(ISSUER);
    keys.refresh(at(0), 0).await;
    let elsewhere = format!("{}/elsewhere", published.server.uri());
    let long = format!("{{\"keys\": [], \"padding\": \"{}\"}}", "x".repeat(KEY_SET_BYTES_MAX));
    for bad in [
        ResponseTemplate::new(500),
        ResponseTemplate::new(404).set_body_string(set(&[ed25519(2, "bad")])),
        ResponseTemplate::new(302)
            .insert_header("location", elsewhere.as_str())
            .set_body_string(set(&[ed25519(2, "bad")])),
        ResponseTemplate::new(200).set_body_string("<html>"),
        ResponseTemplate::new(200).set_body_string(long),
        reply(&[ed25519(2, "bad"), ed25519(3, "bad")]),
    ] {
        published.publish(bad).await;
        keys.refresh(at(1), 0).await;
        assert_eq!(published.asked().await, 1, "no redirect is followed");
        assert!(holds(&keys, "good") && !holds(&keys, "bad"));
    }
}

#[tokio::test]
async fn the_last_good_keys_serve_a_start_while_the_issuer_is_away() {
    let published = Published::start(reply(&[ed25519(1, "a")])).await;
    published.keys(ISSUER).refresh(at(0), COOL_DOWN_S).await;
    published.publish(ResponseTemplate::new(503)).await;
    let keys = published.keys(ISSUER);
    assert!(holds(&keys, "a"));
    keys.refresh(at(60), COOL_DOWN_S).await;
    assert!(holds(&keys, "a"));
}

#[tokio::test]
async fn saved_keys_are_not_taken_for_another_issuers() {
    let published = Published::start(reply(&[ed25519(1, "a")])).await;
    published.keys(ISSUER).refresh(at(0), COOL_DOWN_S).await;
    assert!(published.keys("https://login.another.example").current().is_none());
    assert!(holds(&published.keys(ISSUER), "a"));
}

#[tokio::test]
async fn a_file_of_keys_is_read_at_the_start_and_again() {
    let folder = TempDir::new().unwrap();
    let (file, saved) = (folder.path().join("keys.json"), folder.path().join("issuer-0.jwks"));
    std::fs::write(&file, set(&[ed25519(1, "old")])).unwrap();
    let keys = IssuerKeys::new(
        ISSUER,
        Source::File(file.clone()),
        saved.clone(),
        client().unwrap(),
        vec![],
    );
    assert!(holds(&keys, "old"));
    std::fs::write(&file, set(&[ed25519(2, "new")])).unwrap();
    keys.refresh(at(0), COOL_DOWN_S).await;
    assert!(holds(&keys, "new") && !holds(&keys, "old"));
    std::fs::write(&file, "x".repeat(KEY_SET_BYTES_MAX + 1)).unwrap();
    keys.refresh(at(60), COOL_DOWN_S).await;
    assert!(holds(&keys, "new"));
    assert!(!saved.exists(), "a file needs no copy");
}

#[tokio::test]
async fn keys_of_an_algorithm_that_the_settings_leave_out_are_never_taken() {
    let folder = TempDir::new().unwrap();
    let (file, saved) = (folder.path().join("keys.json"), folder.path().join("issuer-0.jwks"));
    let both = [ed25519(1, "ed"), p256()];
    std::fs::write(&file, set(&both)).unwrap();
    std::fs::write(&saved, set(&both)).unwrap();
    let only = |source| {
        let algorithms = vec![Algorithm::ES256];
        IssuerKeys::new(ISSUER, source, saved.clone(), client().unwrap(), algorithms)
    };
    let keys = only(Source::File(file.clone()));
    assert!(holds(&keys, "curve") && !holds(&keys, "ed"), "of the file");
    std::fs::write(&file, set(&[ed25519(2, "ed"), with(p256(), "kid", "new")])).unwrap();
    keys.refresh(at(0), 0).await;
    assert!(holds(&keys, "new") && !holds(&keys, "ed"), "of the file read again");
    std::fs::write(&file, set(&[ed25519(2, "ed")])).unwrap();
    keys.refresh(at(1), 0).await;
    assert!(holds(&keys, "new"), "a set without a usable key leaves the last good one");
    let keys = only(Source::Url("http://127.0.0.1:9/keys".to_owned()));
    assert!(holds(&keys, "curve") && !holds(&keys, "ed"), "of those saved before");
}
