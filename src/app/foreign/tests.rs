//! What is taken for an answer, how long it is shown again, and that no answer is never "not found".
use super::*;
use crate::config;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use std::time::Duration;
use wiremock::Mock;
use wiremock::MockServer;
use wiremock::Request;
use wiremock::Respond;
use wiremock::ResponseTemplate;
use wiremock::matchers::any;

const NUMBER: &str = "KE-IMP-2026-00087";

/// What Kenya's register says of a licence when France asks.
fn answer() -> Value {
    let document = json!({
        "number": NUMBER, "kind": "import", "issuing_state": "KE",
        "issuing_authority": "Firearms Licensing Board", "place_of_issue": "Nairobi",
        "issued_on": "2026-10-11", "valid_from": "2026-10-16", "valid_until": "2027-10-31",
        "use": "multiple", "procedure": "permanent", "country_of_export": "FR", "country_of_import": "KE",
        "exporter": {"id": "FR12345678901234", "name": "Armurerie du Rhône SA"},
        "consignee": {"id": "KE0051234567", "name": "Savannah Outfitters Ltd"},
        "final_recipient": {"id": "KE-KWS-001", "name": "Kenya Wildlife Service"},
        "lines": [{"line": 1, "category": "ammunition", "hs": "930630", "description": "Rifle cartridges",
                   "calibre": "7.62x51mm", "country_of_manufacture": "FR", "quantity": "50000", "unit": "C62"}],
    });
    json!({
        "iss": "KE", "aud": "FR", "sub": NUMBER, "nonce": "n", "iat": 0,
        "licence": {"version": 1, "status": "active", "shipments": 0, "drawn": [],
                    "document": document.to_string()},
    })
}

fn read_for(claims: Value, number: &str) -> Result<bool, &'static str> {
    let country = |code| Country::parse(code).unwrap();
    let read = read(claims, country("KE"), country("FR"), &Text::from(number), "n");
    read.map(|found| found.is_some())
}

#[test]
fn only_an_answer_to_this_very_question_is_taken() {
    assert_eq!(read_for(answer(), NUMBER), Ok(true));
    let changed = |field: &str, value: Value| {
        let mut answer = answer();
        answer[field] = value;
        read_for(answer, NUMBER)
    };
    assert_eq!(changed("licence", Value::Null), Ok(false), "signed: there is none");
    for (field, value) in
        [("iss", "TZ"), ("aud", "DE"), ("sub", "KE-IMP-2026-00088"), ("nonce", "an earlier one")]
    {
        assert!(changed(field, json!(value)).is_err(), "{field}");
    }
}

#[test]
fn a_document_of_another_licence_or_that_does_not_read_is_no_answer() {
    let mut other = answer();
    other["sub"] = json!("KE-IMP-2026-00088");
    assert!(read_for(other, "KE-IMP-2026-00088").is_err(), "its document is of another one");
    for (field, value) in
        [("document", json!("{}")), ("status", json!("in force")), ("drawn", json!([[1, -1, 0]]))]
    {
        let mut broken = answer();
        broken["licence"][field] = value;
        assert!(read_for(broken, NUMBER).is_err(), "{field}");
    }
}

/// Kenya's register: it shows the sample licence or says that there is none, after a while.
struct Kenya {
    shows: bool,
    after: Duration,
}

fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

impl Respond for Kenya {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let mut answer = answer();
        let nonce = request.url.query_pairs().find(|(name, _)| name == "nonce").unwrap().1;
        answer["nonce"] = json!(nonce);
        if !self.shows {
            answer["licence"] = Value::Null;
        }
        let jws = registry::signed(&key(), registry::REPLY_TYPE, &answer);
        ResponseTemplate::new(200).set_body_string(jws).set_delay(self.after)
    }
}

fn registers(server: &MockServer) -> Registers {
    let settings = config::Register {
        state: "KE".to_owned(),
        url: server.uri(),
        prefixes: Vec::new(),
        issuer: "https://customs.example/register".to_owned(),
        audience: "passavant".to_owned(),
        key: format!("whpk_{}", STANDARD.encode(key().verifying_key().as_bytes())),
        ca_file: None,
        timeout_ms: 200,
        cache_ms: 3000,
    };
    let registers = vec![Register::new(&settings).unwrap()];
    let own = SigningKey::from_bytes(&[1; 32]);
    Registers { own, registers, kept: Mutex::new(LruCache::new(KEPT_MAX)) }
}

async fn answers(server: &MockServer, shows: bool, after: Duration) {
    server.reset().await;
    Mock::given(any()).respond_with(Kenya { shows, after }).mount(server).await;
}

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(1_795_000_000_000 + ms).unwrap()
}

async fn ask(registers: &Registers, now: Timestamp) -> Lookup {
    let (number, france) = (Text::from(NUMBER), Country::parse("FR").unwrap());
    let register = registers.of(NUMBER).unwrap();
    registers.ask(register, &number, france, [3; 16], now).await.lookup
}

fn is_kept(registers: &Registers, now: Timestamp) -> bool {
    let register = registers.of(NUMBER).unwrap();
    registers.kept(register, &Text::from(NUMBER), now).is_some()
}

#[tokio::test]
async fn what_was_shown_is_shown_again_for_a_moment_and_what_was_not_never() {
    let server = MockServer::start().await;
    let registers = registers(&server);
    answers(&server, true, Duration::ZERO).await;
    assert!(matches!(ask(&registers, at(0)).await, Lookup::Held(_)));
    assert!(is_kept(&registers, at(3000)));
    assert!(!is_kept(&registers, at(3001)), "it is asked again");
    answers(&server, false, Duration::ZERO).await;
    assert_eq!(ask(&registers, at(10)).await, Lookup::NotFound);
    assert!(
        !is_kept(&registers, at(10)),
        "it may be issued at any moment, and what was kept is gone"
    );
}

#[tokio::test]
async fn one_that_takes_too_long_has_not_answered() {
    let server = MockServer::start().await;
    let registers = registers(&server);
    answers(&server, true, Duration::from_mins(1)).await;
    assert_eq!(ask(&registers, at(0)).await, Lookup::Unavailable);
    assert!(!is_kept(&registers, at(0)));
    assert_eq!(registers.figures().iter().map(|(.., n)| *n).collect::<Vec<_>>(), [1, 1]);
}
