//! Every fault that a token can have, each refused for its own reason; and what is kept of the good.
use super::*;
use crate::clock::FixedClock;
use crate::domain::Timestamp;
use crate::outbound::local_issuer::LocalIssuer;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::Signer;
use ed25519_dalek::SigningKey;
use jsonwebtoken::Algorithm;
use jsonwebtoken::EncodingKey;
use jsonwebtoken::Header;
use p256::pkcs8::EncodePrivateKey;
use serde_json::json;
use std::path::PathBuf;
use tempfile::TempDir;
use wiremock::Mock;
use wiremock::MockServer;
use wiremock::ResponseTemplate;
use wiremock::matchers::any;

const NOW: i64 = 1_790_000_000;
const FR: [u8; 32] = [1; 32];
const KE: [u8; 32] = [2; 32];
const FORGED: &str = "the token's signature is not its issuer's";
const MALFORMED: &str = "the token is not a signed JWT";

fn instant(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// Access of two issuers, FR with all roles but auditor, KE with officers; the clock stands at NOW.
struct Door {
    access: Access,
    clock: FixedClock,
    folder: TempDir,
}

impl Door {
    fn open() -> Self {
        Self::with(|_| {})
    }

    fn with(set: impl FnOnce(&mut config::Config)) -> Self {
        let folder = TempDir::new().unwrap();
        let mut config = config::Config::embedded().unwrap();
        config.node.data_dir = folder.path().to_owned();
        let all = ["officer", "authority", "carrier", "admin"].map(str::to_owned).to_vec();
        for (state, seed, roles) in [("FR", FR, all), ("KE", KE, vec!["officer".to_owned()])] {
            let file = folder.path().join(format!("{state}.jwks"));
            publish(&file, &seed);
            config.access.issuers.push(config::Issuer {
                issuer: format!("https://login.example/{state}"),
                state: state.to_owned(),
                roles,
                audience: "passavant".to_owned(),
                jwks_url: None,
                jwks_file: Some(file),
                ca_file: None,
                algorithms: Vec::new(),
            });
        }
        set(&mut config);
        let clock = FixedClock::at(instant(NOW));
        let access = Access::new(&config, Arc::new(clock.clone())).unwrap();
        Self { access, clock, folder }
    }

    async fn try_token(&self, token: &str) -> Result<Arc<Caller>, AccessError> {
        self.access.authenticate(token).await
    }

    async fn refuses(&self, token: &str, reason: &'static str) {
        let refused = self.try_token(token).await;
        assert_eq!(refused.unwrap_err(), AccessError::Invalid(reason), "{token}");
    }

    async fn admits(&self, claims: &Value) -> Arc<Caller> {
        self.try_token(&token(claims)).await.unwrap()
    }

    fn file(&self, state: &str) -> PathBuf {
        self.folder.path().join(format!("{state}.jwks"))
    }
}

fn publish(file: &std::path::Path, seed: &[u8; 32]) {
    std::fs::write(file, LocalIssuer::from_seed(seed).unwrap().jwks()).unwrap();
}

fn kid(seed: &[u8; 32]) -> String {
    let public = SigningKey::from_bytes(seed).verifying_key();
    b64(public.as_bytes()).chars().take(16).collect()
}

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn header(seed: &[u8; 32]) -> Value {
    json!({"alg": "EdDSA", "typ": "at+jwt", "kid": kid(seed)})
}

fn claims() -> Value {
    json!({"iss": "https://login.example/FR", "aud": "passavant", "sub": "officer-1", "role": "officer",
        "posts": ["FRLEH"], "iat": NOW, "nbf": NOW, "exp": NOW + 600})
}

fn with(of: &Value, members: &Value) -> Value {
    let mut changed = of.clone();
    for (name, value) in members.as_object().unwrap() {
        changed[name] = value.clone();
    }
    changed
}

fn without(of: &Value, name: &str) -> Value {
    let mut changed = of.clone();
    changed.as_object_mut().unwrap().remove(name);
    changed
}

fn sign(header: &Value, claims: &Value, seed: &[u8; 32]) -> String {
    let signed = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
    let signature = SigningKey::from_bytes(seed).sign(signed.as_bytes()).to_bytes();
    format!("{signed}.{}", b64(signature))
}

fn token(claims: &Value) -> String {
    sign(&header(&FR), claims, &FR)
}

#[tokio::test]
async fn a_good_token_makes_a_caller_of_its_issuers_state() {
    let door = Door::open();
    let caller = door.admits(&with(&claims(), &json!({"state": "KE"}))).await;
    assert_eq!((caller.state.as_str(), caller.role), ("FR", Role::Officer));
    assert_eq!(caller.key(), "https://login.example/FR#officer-1");
    assert!(caller.works_at(Locode::parse("FRLEH").unwrap()));
    let carrier =
        json!({"role": "carrier", "operator": "FR55555555500022", "aud": ["a", "passavant"]});
    let caller = door.admits(&with(&without(&claims(), "posts"), &carrier)).await;
    assert_eq!(caller.operator.as_deref(), Some("FR55555555500022"));
    for typ in ["JWT", "jwt", "AT+JWT", "application/at+jwt"] {
        let header = with(&header(&FR), &json!({"typ": typ}));
        assert!(door.try_token(&sign(&header, &claims(), &FR)).await.is_ok(), "{typ}");
    }
}

#[tokio::test]
async fn each_missing_or_wrong_claim_is_refused_for_its_own_reason() {
    let door = Door::open();
    let long = "x".repeat(256);
    let sub = "sub is missing or too long";
    let aud = "the token is meant for another audience";
    let foreign = "posts holds one that is not of the issuer's State";
    let wrong = [
        (json!({"iss": "https://evil.example"}), "the token's issuer is not trusted here"),
        (json!({"iss": 1}), "the token names no issuer"),
        (json!({"aud": "another"}), aud),
        (json!({"aud": ["a", 1]}), aud),
        (json!({"aud": {"passavant": true}}), aud),
        (json!({"sub": ""}), sub),
        (json!({"sub": 1}), sub),
        (json!({"sub": long}), sub),
        (json!({"exp": "later"}), "exp is missing or not a time"),
        (json!({"nbf": null}), "nbf is missing or not a time"),
        (json!({"iat": true}), "iat is not a time"),
        (json!({"role": "king"}), "role is missing or unknown"),
        (json!({"role": ["officer", "authority"]}), "role is missing or unknown"),
        (json!({"role": "auditor"}), "the issuer may not give this role"),
        (json!({"role": "carrier"}), "operator is missing"),
        (json!({"role": "carrier", "operator": ""}), "operator is missing"),
        (json!({"posts": "FRLEH"}), "posts is not a list"),
        (json!({"posts": []}), "posts is empty or too long"),
        (json!({"posts": vec!["FRLEH"; 101]}), "posts is empty or too long"),
        (json!({"posts": ["FRLEH", "KEMBA"]}), foreign),
        (json!({"posts": ["Le Havre"]}), foreign),
        (json!({"posts": [1]}), foreign),
    ];
    for (members, reason) in wrong {
        door.refuses(&token(&with(&claims(), &members)), reason).await;
    }
    for (name, reason) in [
        ("iss", "the token names no issuer"),
        ("aud", "aud is missing"),
        ("sub", sub),
        ("exp", "exp is missing or not a time"),
        ("nbf", "nbf is missing or not a time"),
        ("role", "role is missing or unknown"),
        ("posts", "posts is missing"),
    ] {
        door.refuses(&token(&without(&claims(), name)), reason).await;
    }
}

#[tokio::test]
async fn times_count_to_the_second_with_five_seconds_between_clocks() {
    let door = Door::open();
    let lasting = |iat: i64, nbf: i64, exp: i64| {
        token(&with(&claims(), &json!({"iat": NOW + iat, "nbf": NOW + nbf, "exp": NOW + exp})))
    };
    let (early, late, long) =
        ("the token is not valid yet", "the token has expired", "the token lives too long");
    for (iat, nbf, exp) in [(0, 0, 900), (5, 5, 905), (-904, -904, -4), (-300, 0, 600)] {
        assert!(door.try_token(&lasting(iat, nbf, exp)).await.is_ok(), "{iat} {nbf} {exp}");
    }
    for (iat, nbf, exp, reason) in [
        (0, 6, 600, early),
        (6, 0, 600, early),
        (-905, -905, -5, late),
        (-700, -700, i64::MIN / 4, late),
        (0, 0, 901, long),
        (-301, 0, 600, long),
        (0, -301, 600, long),
        (0, i64::MIN / 4, 600, long),
        (0, 0, i64::MAX / 4, long),
    ] {
        door.refuses(&lasting(iat, nbf, exp), reason).await;
    }
}

#[tokio::test]
async fn a_token_that_its_issuer_has_not_signed_as_it_stands_is_refused() {
    let door = Door::open();
    let good = token(&claims());
    let [head, payload, signature] = good.split('.').collect::<Vec<_>>()[..] else { panic!() };
    let promoted = b64(with(&claims(), &json!({"role": "authority"})).to_string());
    door.refuses(&format!("{head}.{promoted}.{signature}"), FORGED).await;
    door.refuses(&format!("{head}.{payload}.{}", b64([0; 64])), FORGED).await;
    door.refuses(&format!("{head}.{payload}."), FORGED).await;
    door.refuses(&sign(&header(&FR), &claims(), &[7; 32]), FORGED).await;
    door.refuses(&sign(&header(&FR), &claims(), &KE), FORGED).await;
    // The key of one trusted issuer never speaks for another.
    door.refuses(&sign(&header(&KE), &claims(), &KE), "the token names an unknown key").await;
    let unknown = with(&header(&FR), &json!({"kid": "unknown"}));
    door.refuses(&sign(&unknown, &claims(), &FR), "the token names an unknown key").await;
    for bad in ["", "x", "a.b", ".", "..", "...."] {
        door.refuses(bad, MALFORMED).await;
    }
    door.refuses(&format!("{head}.{payload}"), MALFORMED).await;
    door.refuses(&format!("{good}.x"), MALFORMED).await;
    door.refuses(&format!("{head}.!.{signature}"), MALFORMED).await;
    door.refuses(&format!("{good}{}", "A".repeat(TOKEN_BYTES_MAX)), "the token is too long").await;
}

#[tokio::test]
async fn the_head_of_a_token_chooses_neither_its_algorithm_nor_its_kind() {
    let door = Door::open();
    let another = "the token's algorithm is not its key's";
    let typ = "the token's typ is neither at+jwt nor JWT";
    for (members, reason) in [
        (json!({"alg": "none"}), "the token's head does not read"),
        (json!({"alg": "HS256"}), another),
        (json!({"alg": "RS256"}), another),
        (json!({"alg": "ES256"}), another),
        (json!({"typ": "id+jwt"}), typ),
        (json!({"typ": ""}), typ),
        (json!({"crit": ["b64"]}), "the token has critical extensions"),
    ] {
        door.refuses(&sign(&with(&header(&FR), &members), &claims(), &FR), reason).await;
    }
    door.refuses(&sign(&without(&header(&FR), "typ"), &claims(), &FR), typ).await;
    let unsigned = json!({"alg": "none", "typ": "at+jwt"});
    let unsigned = format!("{}.{}.", b64(unsigned.to_string()), b64(claims().to_string()));
    door.refuses(&unsigned, "the token's head does not read").await;
    let public = SigningKey::from_bytes(&FR).verifying_key();
    let mut head = Header::new(Algorithm::HS256);
    (head.typ, head.kid) = (Some("at+jwt".to_owned()), Some(kid(&FR)));
    let secret = EncodingKey::from_secret(public.as_bytes());
    door.refuses(&jsonwebtoken::encode(&head, &claims(), &secret).unwrap(), another).await;
}

#[tokio::test]
async fn es256_and_rs256_tokens_come_in_under_keys_of_their_kind() {
    use rsa::traits::PublicKeyParts;
    let curve = p256::SecretKey::from_slice(&[5; 32]).unwrap();
    let point = p256::ecdsa::SigningKey::from(&curve).verifying_key().to_encoded_point(false);
    let long = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).unwrap();
    let keys = json!({"keys": [
        {"kty": "EC", "crv": "P-256", "kid": "curve", "x": b64(point.x().unwrap()), "y": b64(point.y().unwrap())},
        {"kty": "RSA", "kid": "rsa", "n": b64(long.n().to_bytes_be()), "e": b64(long.e().to_bytes_be())}]});
    let door = Door::with(|config| {
        std::fs::write(config.node.data_dir.join("FR.jwks"), keys.to_string()).unwrap();
    });
    let ending = rsa::pkcs8::LineEnding::LF;
    let curve = EncodingKey::from_ec_pem(curve.to_pkcs8_pem(ending).unwrap().as_bytes()).unwrap();
    let long = EncodingKey::from_rsa_pem(long.to_pkcs8_pem(ending).unwrap().as_bytes()).unwrap();
    let mint = |algorithm, kid: &str, key: &EncodingKey| {
        let mut head = Header::new(algorithm);
        head.kid = Some(kid.to_owned());
        jsonwebtoken::encode(&head, &claims(), key).unwrap()
    };
    assert!(door.try_token(&mint(Algorithm::ES256, "curve", &curve)).await.is_ok());
    assert!(door.try_token(&mint(Algorithm::RS256, "rsa", &long)).await.is_ok());
    for algorithm in [Algorithm::RS384, Algorithm::PS256] {
        let other = mint(algorithm, "rsa", &long);
        door.refuses(&other, "the token's algorithm is not its key's").await;
    }
}

#[tokio::test]
async fn a_token_found_good_is_not_checked_again_until_it_ends() {
    let door = Door::open();
    let good = token(&claims());
    let first = door.try_token(&good).await.unwrap();
    assert!(Arc::ptr_eq(&first, &door.try_token(&good).await.unwrap()));
    door.clock.set(instant(NOW + 600));
    let again = door.try_token(&good).await.unwrap();
    assert!(!Arc::ptr_eq(&first, &again), "within the leeway it comes in, on being checked again");
    door.clock.set(instant(NOW + 605));
    door.refuses(&good, "the token has expired").await;
}

#[tokio::test]
async fn the_tokens_kept_are_limited() {
    let door = Door::with(|config| config.access.tokens_max = 16);
    for n in 0..200 {
        door.admits(&with(&claims(), &json!({"sub": format!("officer-{n}")}))).await;
    }
    let kept: usize = door.access.known.iter().map(|shard| shard.lock().len()).sum();
    assert!((1..=16).contains(&kept), "{kept}");
}

#[tokio::test]
async fn a_new_key_comes_in_at_once_and_the_old_one_goes_with_its_tokens() {
    let door = Door::open();
    let old = token(&claims());
    assert!(door.try_token(&old).await.is_ok());
    publish(&door.file("FR"), &[3; 32]);
    assert!(door.try_token(&sign(&header(&[3; 32]), &claims(), &[3; 32])).await.is_ok());
    door.refuses(&old, "the token names an unknown key").await;
}

#[tokio::test]
async fn an_unknown_key_waits_for_the_cool_down() {
    let door = Door::open();
    let unknown = sign(&header(&[9; 32]), &claims(), &[9; 32]);
    door.refuses(&unknown, "the token names an unknown key").await;
    publish(&door.file("FR"), &[9; 32]);
    door.clock.set(instant(NOW + 29));
    door.refuses(&unknown, "the token names an unknown key").await;
    door.clock.set(instant(NOW + 30));
    assert!(door.try_token(&unknown).await.is_ok());
}

#[tokio::test]
async fn an_issuer_whose_keys_were_never_known_is_unavailable_until_it_answers() {
    let server = MockServer::start().await;
    let url = server.uri();
    let door = Door::with(|config| {
        config.access.issuers[0].jwks_file = None;
        config.access.issuers[0].jwks_url = Some(url);
    });
    let good = token(&claims());
    assert_eq!(door.try_token(&good).await.unwrap_err(), AccessError::Unavailable);
    let abroad = with(&claims(), &json!({"iss": "https://login.example/KE", "posts": ["KEMBA"]}));
    let abroad = door.try_token(&sign(&header(&KE), &abroad, &KE)).await.unwrap();
    assert_eq!(abroad.state.as_str(), "KE", "the others are not concerned");
    let jwks = LocalIssuer::from_seed(&FR).unwrap().jwks();
    let reply = ResponseTemplate::new(200).set_body_string(jwks);
    Mock::given(any()).respond_with(reply).mount(&server).await;
    door.clock.set(instant(NOW + 30));
    door.access.refresh().await;
    assert!(door.try_token(&good).await.is_ok());
}

#[test]
fn settings_of_an_issuer_that_cannot_be_followed_stop_the_start() {
    let refused = |set: fn(&mut config::Issuer)| {
        let folder = TempDir::new().unwrap();
        let mut config = config::Config::embedded().unwrap();
        config.node.data_dir = folder.path().to_owned();
        let mut issuer = config::Issuer {
            issuer: "https://login.example/FR".to_owned(),
            state: "FR".to_owned(),
            roles: vec!["officer".to_owned()],
            audience: "passavant".to_owned(),
            jwks_url: Some("https://login.example/keys".to_owned()),
            jwks_file: None,
            ca_file: None,
            algorithms: Vec::new(),
        };
        set(&mut issuer);
        config.access.issuers.push(issuer);
        let clock = Arc::new(FixedClock::at(instant(NOW)));
        Access::new(&config, clock).err().map(|error| error.to_string())
    };
    assert_eq!(refused(|_| {}), None);
    let absent = refused(|issuer| issuer.ca_file = Some("/absent/ca.pem".into())).unwrap();
    assert!(absent.contains("https://login.example/FR: /absent/ca.pem: "), "{absent}");
    // A misspelt name must not leave the list empty, which would mean all of them.
    assert!(refused(|issuer| issuer.algorithms = vec!["Eddsa".to_owned()]).is_some());
}
