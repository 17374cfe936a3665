//! Two States' services, each the register of the other, as an operator runs them: what one keeps clears
//! at the other's border, and while it is gone nothing does.
use super::*;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::SigningKey;
use passavant::outbound::registry;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::OpenOptionsExt;
use tempfile::TempDir;

const IMPORT: &str = "KE-IMP-2026-00087";

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A State's key for its register.
fn key(state: &str) -> SigningKey {
    SigningKey::from_bytes(&[state.as_bytes()[1]; 32])
}

/// The settings of a State's service: its own officers and authority, the other State's register as one
/// that may ask, and as one to ask.
fn settings_of(dir: &Path, state: &str, port: u16, other: &str, other_port: u16) -> String {
    let write = |name: &str, text: &str| {
        let mut open = std::fs::OpenOptions::new();
        let file = open.write(true).create(true).truncate(true).mode(0o600).open(dir.join(name));
        file.unwrap().write_all(text.as_bytes()).unwrap();
        dir.join(name).display().to_string()
    };
    write("registry.key", &format!("whsk_{}", STANDARD.encode(key(state).to_bytes())));
    let own_keys = write("own.jwks", &issuer(state).jwks());
    let other_keys = write("other.jwks", &registry::key_set(&key(other)).to_string());
    let other_key = STANDARD.encode(key(other).verifying_key().as_bytes());
    format!(
        "[database]\nurl = {:?}\n[node]\norigin = \"passavant.example/{state}\"\nstate = \"{state}\"\ndata_dir = {:?}\n\
         [http]\nlisten = \"127.0.0.1:{port}\"\nops_listen = \"127.0.0.1:0\"\n[log]\nfilter = \"error\"\n\
         [[access.issuers]]\nissuer = \"https://login.example/{state}\"\nstate = \"{state}\"\n\
         roles = [\"officer\", \"authority\", \"auditor\"]\naudience = \"passavant\"\njwks_file = {own_keys:?}\n\
         [[access.issuers]]\nissuer = \"https://register.example/{other}\"\nstate = \"{other}\"\n\
         roles = [\"register\"]\naudience = \"passavant\"\njwks_file = {other_keys:?}\n\
         [[registry.registers]]\nstate = \"{other}\"\nurl = \"http://127.0.0.1:{other_port}\"\n\
         issuer = \"https://register.example/{state}\"\naudience = \"passavant\"\nkey = \"whpk_{other_key}\"\n\
         timeout_ms = 10000\ncache_ms = 0\n",
        support::database_url(dir),
        dir.display().to_string(),
    )
}

async fn post(api: &str, path: &str, token: &str, key: &str, body: &Value) -> (u16, Value) {
    let sent = http().post(format!("{api}{path}")).bearer_auth(token);
    let answer = sent.header("Idempotency-Key", key).json(body).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn verify(api: &str, declaration: &Value) -> Value {
    let key = SystemClock.now().to_string();
    let body = json!({"declaration": declaration});
    post(api, "/v1/verifications", &token("FR", "officer"), &key, &body).await.1
}

fn codes(verification: &Value) -> BTreeSet<&str> {
    let findings = verification["findings"].as_array().unwrap_or_else(|| panic!("{verification}"));
    findings.iter().map(|finding| finding["code"].as_str().unwrap()).collect()
}

fn quotes_a_licence_that_is_not_there(mut declaration: Value) -> Value {
    let text = declaration.to_string().replace(IMPORT, "KE-IMP-2026-99999");
    declaration = serde_json::from_str(&text).unwrap();
    declaration
}

/// Two States' services with the sample's licences, each where its authority issues it; and a declaration.
struct Two {
    french: TempDir,
    kenyan: TempDir,
    at_home: Process,
    abroad: Process,
    declaration: Value,
}

fn today() -> passavant::domain::Date {
    jiff::tz::TimeZone::get("Europe/Paris").unwrap().to_datetime(SystemClock.now()).date()
}

async fn two() -> Two {
    let (french, kenyan) = (prepared(), prepared());
    let (fr, ke) = (free_port(), free_port());
    let write = |dir: &TempDir, text: String| {
        std::fs::write(dir.path().join("settings.toml"), text).unwrap();
    };
    write(&french, settings_of(french.path(), "FR", fr, "KE", ke));
    write(&kenyan, settings_of(kenyan.path(), "KE", ke, "FR", fr));
    let (at_home, abroad) = (start(french.path()), start(kenyan.path()));
    for licence in demo::licences(today()) {
        let state = licence["issuing_state"].as_str().unwrap();
        let api = if state == "FR" { &at_home.api } else { &abroad.api };
        let (status, reply) =
            post(api, "/v1/licences", &token(state, "authority"), state, &licence).await;
        assert_eq!(status, 201, "{reply}");
    }
    let declaration = demo::declarations(today()).remove(0).declaration;
    Two { french, kenyan, at_home, abroad, declaration }
}

/// Insists that every verdict of a service is derived again, and that its trail is sound.
fn assert_replays(dir: &Path) {
    let (agrees, said) = run(dir, &["audit", "replay", "--all"]);
    assert!(agrees && said.contains("0 differ"), "{said}");
    let (sound, said) = run(dir, &["audit", "verify"]);
    assert!(sound, "{said}");
}

#[tokio::test]
async fn two_services_are_each_other_s_register() {
    let Two { french, kenyan, at_home, mut abroad, declaration } = two().await;
    let clear = verify(&at_home.api, &declaration).await;
    assert_eq!(clear["verdict"], "clear", "{clear}");
    assert_eq!(clear["as_of"]["licences"].as_array().unwrap().len(), 2, "{clear}");
    let absent =
        verify(&at_home.api, &quotes_a_licence_that_is_not_there(declaration.clone())).await;
    assert!(codes(&absent).contains("LICENCE_NOT_FOUND"), "it was asked, and said so: {absent}");

    abroad.child.kill().unwrap();
    abroad.child.wait().unwrap();
    let referred = verify(&at_home.api, &declaration).await;
    assert_eq!(referred["verdict"], "refer", "{referred}");
    assert!(codes(&referred).contains("ISSUER_UNAVAILABLE"), "{referred}");
    assert!(!codes(&referred).contains("LICENCE_NOT_FOUND"), "{referred}");
    let release = json!({"verification": clear["id"]});
    let officer = token("FR", "officer");
    let (status, refused) =
        post(&at_home.api, "/v1/releases", &officer, "while-it-is-gone", &release).await;
    assert_eq!((status, &refused["code"]), (409, &json!("release_refused")), "{refused}");
    assert!(codes(&refused).contains("ISSUER_UNAVAILABLE"), "{refused}");

    abroad = start(kenyan.path());
    assert_eq!(verify(&at_home.api, &declaration).await["verdict"], "clear");
    let path = format!("/v1/licences/{IMPORT}/suspension");
    let (reason, authority) = (json!({"reason": "inquiry"}), token("KE", "authority"));
    assert_eq!(post(&abroad.api, &path, &authority, "suspend", &reason).await.0, 200);
    let held = verify(&at_home.api, &declaration).await;
    assert!(codes(&held).contains("LICENCE_SUSPENDED"), "{held}");
    let path = path.replace("suspension", "reinstatement");
    assert_eq!(post(&abroad.api, &path, &authority, "reinstate", &reason).await.0, 200);
    let (status, released) =
        post(&at_home.api, "/v1/releases", &officer, "once-it-is-back", &release).await;
    assert_eq!(status, 201, "{released}");

    // What was judged on another's word is derived again without it.
    abroad.child.kill().unwrap();
    assert_replays(french.path());
}

#[tokio::test]
async fn what_goes_under_another_register_s_licence_is_counted_here() {
    let Two { french, kenyan, at_home, mut abroad, declaration } = two().await;
    let officer = token("FR", "officer");
    let clear = verify(&at_home.api, &declaration).await;
    let release = json!({"verification": clear["id"]});
    let (status, released) = post(&at_home.api, "/v1/releases", &officer, "k", &release).await;
    assert_eq!(status, 201, "{released}");
    let mut other = demo::licences(today()).remove(0);
    other["number"] = json!("FR-EXP-2026-000413");
    let authority = token("FR", "authority");
    assert_eq!(post(&at_home.api, "/v1/licences", &authority, "other", &other).await.0, 201);
    let rounds = |reference: &str, rounds: u32| {
        let mut declaration = declaration.clone();
        let mut item = declaration["items"][1].clone();
        item["quantity"] = json!(rounds.to_string());
        item["unit"] = json!("C62");
        item["licences"][0]["number"] = json!("FR-EXP-2026-000413");
        declaration["items"] = json!([item]);
        declaration["reference"] = json!({"type": "national", "value": reference});
        declaration
    };
    let beyond = verify(&at_home.api, &rounds("FR-2", 45_001)).await;
    assert_eq!(beyond["verdict"], "refer", "{beyond}");
    assert!(beyond.to_string().contains("5000 C62 released already"), "{beyond}");
    assert_eq!(verify(&at_home.api, &rounds("FR-2", 45_000)).await["verdict"], "clear");
    abroad.child.kill().unwrap();
    abroad.child.wait().unwrap();
    let silent = verify(&at_home.api, &rounds("FR-3", 1000)).await;
    let asks = json!({"verification": silent["id"], "override": {"reason": "agreed by telephone"}});
    let (status, asked) = post(&at_home.api, "/v1/releases", &officer, "silent", &asks).await;
    assert_eq!(status, 201, "{asked}");
    let path = format!("/v1/releases/{}/confirmation", asked["id"].as_str().unwrap());
    let second = token_of("FR", "officer", "officer-2");
    let (status, confirmed) = post(&at_home.api, &path, &second, "seen", &json!({})).await;
    assert_eq!((status, &confirmed["status"]), (200, &json!("released")), "{confirmed}");
    let _abroad = start(kenyan.path());
    let beyond = verify(&at_home.api, &rounds("FR-2", 44_001)).await;
    assert!(beyond.to_string().contains("6000 C62 released already"), "{beyond}");
    assert_eq!(verify(&at_home.api, &rounds("FR-2", 44_000)).await["verdict"], "clear");
    assert_replays(french.path());
}

/// A folder with a database of its own.
fn prepared() -> TempDir {
    let dir = TempDir::new().unwrap();
    support::database_url(dir.path());
    dir
}
