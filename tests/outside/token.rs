//! Keys in a token of SoftHSM2, the service as an operator runs it: what it signs is checked by others with
//! the public keys alone, no secret is ever in a file, and a token that fails gives no signature.
use super::tools;
use passavant::audit::checkpoint;
use passavant::clock::Clock;
use passavant::clock::SystemClock;
use passavant::demo;
use passavant::domain::Date;
use passavant::outbound::local_issuer::Claims;
use passavant::outbound::local_issuer::LocalIssuer;
use serde_json::Value;
use serde_json::json;
use std::io::BufRead;
use std::io::BufReader;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;
use tempfile::TempDir;

const BINARY: &str = env!("CARGO_BIN_EXE_passavant");
const LICENCE: &str = "FR-EXP-2026-000412";
const ORIGIN: &str = "passavant.example/token";
/// Not a number: as one it would lose its zeros.
const PIN: &str = "00120034";
/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);

/// A token of its own, and settings of a service that uses it.
struct Desk {
    dir: TempDir,
    module: PathBuf,
    real: PathBuf,
}

fn today() -> Date {
    jiff::tz::TimeZone::get("Europe/Paris").unwrap().to_datetime(SystemClock.now()).date()
}

fn issuer(state: &str) -> LocalIssuer {
    LocalIssuer::from_seed(&[state.as_bytes()[0]; 32]).unwrap()
}

fn bearer(state: &str, role: &str) -> String {
    let posts = if role == "officer" { vec!["FRLEH".to_owned()] } else { Vec::new() };
    let iss = format!("https://login.example/{state}");
    let claims =
        Claims { iss: &iss, aud: "passavant", sub: role, role, posts: &posts, operator: None };
    issuer(state).mint(&claims, SystemClock.now(), 900).unwrap()
}

impl Desk {
    /// Makes a token; nothing where SoftHSM2 is not installed.
    fn new() -> Option<Self> {
        let real = tools::softhsm()?;
        let dir = TempDir::new().unwrap();
        std::fs::create_dir(dir.path().join("tokens")).unwrap();
        std::fs::create_dir(dir.path().join("faults")).unwrap();
        let tokens = dir.path().join("tokens");
        let conf = format!(
            "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n",
            tokens.display()
        );
        std::fs::write(dir.path().join("softhsm2.conf"), conf).unwrap();
        let desk = Self { dir, module: real.clone(), real };
        let mut made = desk.command("softhsm2-util");
        made.args([
            "--init-token",
            "--free",
            "--label",
            "border",
            "--pin",
            PIN,
            "--so-pin",
            "5678",
        ]);
        tools::said(&made.output().unwrap());
        desk.set("");
        Some(desk)
    }

    /// The same behind the library that goes wrong when it is told to.
    fn faulty() -> Option<Self> {
        let mut desk = Self::new()?;
        desk.module = desk.dir.path().join("faulty.so");
        let mut build = Command::new("cc");
        build.args(["-shared", "-fPIC", "-o"]).arg(&desk.module).arg(tools::script("faulty.c"));
        tools::said(&build.arg("-ldl").output().unwrap());
        desk.set("");
        Some(desk)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env("SOFTHSM2_CONF", self.dir.path().join("softhsm2.conf"))
            .env("REAL_MODULE", &self.real)
            .env("FAULTS", self.dir.path().join("faults"))
            .env("PASSAVANT_PKCS11__PIN", PIN);
        command
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// Writes the settings; `pkcs11` goes over what they say of the token.
    fn set(&self, pkcs11: &str) {
        let dir = self.dir.path();
        let issuers = ["FR", "KE"].map(|state| {
            let file = dir.join(format!("{state}.jwks"));
            std::fs::write(&file, issuer(state).jwks()).unwrap();
            format!(
                "[[access.issuers]]\nissuer = \"https://login.example/{state}\"\nstate = \"{state}\"\n\
                 roles = [\"officer\", \"authority\", \"auditor\"]\naudience = \"passavant\"\njwks_file = {:?}\n",
                file.display().to_string()
            )
        });
        let token =
            format!("module = {:?}\ntoken = \"border\"\n", self.module.display().to_string());
        let token =
            if pkcs11.is_empty() { token + "log_key = \"log\"\n" } else { pkcs11.to_owned() };
        let settings = format!(
            "[node]\norigin = {ORIGIN:?}\nstate = \"FR\"\ndata_dir = {:?}\n\
             [http]\nlisten = \"127.0.0.1:0\"\nops_listen = \"127.0.0.1:0\"\n[log]\nfilter = \"info\"\n\
             [trust]\nissuer = \"https://licences.fr.example\"\n[pkcs11]\n{token}{}",
            self.data().display().to_string(),
            issuers.concat()
        );
        std::fs::write(dir.join("settings.toml"), settings).unwrap();
    }

    fn passavant(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(BINARY);
        command.args(arguments).arg("--config").arg(self.dir.path().join("settings.toml"));
        command
    }

    /// A command that must succeed; gives what it said.
    fn run(&self, arguments: &[&str]) -> String {
        tools::said(&self.passavant(arguments).output().unwrap()).trim().to_owned()
    }

    /// A command that must not; gives what it complained of.
    fn refused(&self, arguments: &[&str]) -> String {
        let output = self.passavant(arguments).output().unwrap();
        assert!(!output.status.success(), "{arguments:?} did not fail");
        String::from_utf8(output.stderr).unwrap()
    }

    fn fault(&self, fault: &str) {
        std::fs::write(self.dir.path().join("faults").join(fault), "").unwrap();
    }

    fn mended(&self, fault: &str) {
        std::fs::remove_file(self.dir.path().join("faults").join(fault)).unwrap();
    }

    fn serve(&self) -> Service<'_> {
        let log = std::fs::File::create(self.dir.path().join("service.log")).unwrap();
        let mut command = self.passavant(&["serve"]);
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let api = line.split("listens on ").nth(1).and_then(|rest| rest.split(',').next());
        let api = api.unwrap_or_else(|| panic!("it did not start: {line}{}", self.log()));
        Service { child, api: format!("http://{api}"), desk: self }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("service.log")).unwrap()
    }
}

/// The service, killed when the test is through with it.
struct Service<'a> {
    child: Child,
    api: String,
    desk: &'a Desk,
}

impl Drop for Service<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Service<'_> {
    async fn ask(&self, bearer: &str, path: &str, body: Option<&Value>) -> (u16, String) {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().unwrap();
        let url = format!("{}{path}", self.api);
        let asked = match body {
            Some(body) => http.post(url).json(body),
            None => http.get(url),
        };
        let answer = asked.bearer_auth(bearer).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    async fn issue_samples(&self) {
        for licence in demo::licences(today()) {
            let state = licence["issuing_state"].as_str().unwrap().to_owned();
            let answer =
                self.ask(&bearer(&state, "authority"), "/v1/licences", Some(&licence)).await;
            assert_eq!(answer.0, 201, "{}\n{}", answer.1, self.desk.log());
        }
    }

    async fn verify(&self) -> u16 {
        let declaration = demo::declarations(today()).swap_remove(0).declaration;
        let body = json!({"declaration": declaration});
        self.ask(&bearer("FR", "officer"), "/v1/verifications", Some(&body)).await.0
    }

    async fn credential(&self) -> (u16, Value) {
        let path = format!("/v1/licences/{LICENCE}/credential");
        let (status, text) = self.ask(&bearer("FR", "authority"), &path, Some(&json!({}))).await;
        (status, serde_json::from_str(&text).unwrap())
    }

    async fn checkpoint(&self) -> String {
        let answer = self.ask(&bearer("FR", "auditor"), "/v1/audit/checkpoint", None).await;
        assert_eq!(answer.0, 200, "{}", answer.1);
        answer.1
    }

    /// Asks until the service is as ready as it should be.
    async fn is_ready(&self, ready: bool) -> String {
        let began = Instant::now();
        loop {
            let (status, text) = self.ask("", "/readyz", None).await;
            if (status == 200) == ready {
                return text;
            }
            assert!(began.elapsed() < PATIENCE, "ready: {status} {text}\n{}", self.desk.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Writes down what another State gets, and has programs of others check it.
    async fn is_checked_by_others(&self, credential: &Value) {
        let dir = TempDir::new().unwrap();
        let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
        let jwks = self.ask("", "/.well-known/jwks.json", None).await.1;
        write("issuer", "https://licences.fr.example");
        write("jwks.json", &jwks);
        write("licence.jwt", credential["jws"].as_str().unwrap());
        write("licence.txt", credential["paper"].as_str().unwrap());
        write("status.jwt", &self.ask("", "/v1/status-lists/0", None).await.1);
        if let Some(mut python) = tools::python("jwt, cwt") {
            let output = python.arg(tools::script("credentials.py")).arg(dir.path()).output();
            let said: Value = serde_json::from_str(&tools::said(&output.unwrap())).unwrap();
            assert_eq!((&said["jwt"], &said["cwt"]), (&json!(LICENCE), &json!(LICENCE)));
            assert_eq!(said["refused"], json!([200, 200]));
        }
        // Our own program needs nothing but the public keys either: no settings, no token.
        for name in ["licence.jwt", "licence.txt"] {
            let mut verify = Command::new(BINARY);
            verify.args(["credential", "verify"]).arg(dir.path().join(name));
            verify.arg("--keys").arg(dir.path().join("jwks.json")).args(["--state", "FR"]);
            verify.arg("--status").arg(dir.path().join("status.jwt"));
            tools::said(&verify.output().unwrap());
        }
    }
}

/// Everything that the service has written: nowhere the PIN, nowhere a secret key.
fn nothing_secret_is_written(desk: &Desk) {
    assert!(!desk.log().contains(PIN), "{}", desk.log());
    assert!(!desk.data().join("log.key").exists(), "the log's key is in the token alone");
    for entry in std::fs::read_dir(desk.data().join("keys")).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        assert!(!text.contains("secret") && text.contains("\"pkcs11\""), "{text}");
    }
}

fn kid(said: &str) -> String {
    said.split(' ').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_token_signs_credentials_and_the_log_and_others_check_both() {
    let Some(desk) = Desk::new() else { return };
    let verifier_key = desk.run(&["key", "generate", "--pkcs11", "log", "--log"]);
    assert!(verifier_key.starts_with(&format!("{ORIGIN}+")), "{verifier_key}");
    let first = kid(&desk.run(&["key", "generate", "--pkcs11", "licences-1"]));
    let second = ["key", "generate", "--algorithm", "ES256", "--pkcs11", "licences-2"];
    let second = kid(&desk.run(&second));
    let service = desk.serve();
    service.issue_samples().await;
    let (status, signed) = service.credential().await;
    assert_eq!((status, signed["key"].as_str()), (200, Some(first.as_str())), "{signed}");
    service.is_checked_by_others(&signed).await;
    // Rotated while it runs: the next one is of the other curve.
    desk.run(&["key", "rotate"]);
    let began = Instant::now();
    let signed = loop {
        let (_, signed) = service.credential().await;
        if signed["key"] == second.as_str() {
            break signed;
        }
        assert!(began.elapsed() < PATIENCE, "{signed}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_eq!(signed["algorithm"], "ES256");
    service.is_checked_by_others(&signed).await;
    assert_eq!(service.verify().await, 201);
    let note = service.checkpoint().await;
    assert!(checkpoint::verify(&note, &verifier_key).unwrap().0 >= 4, "{note}");
    drop(service);
    nothing_secret_is_written(&desk);
    if let Some(go) = tools::go_log() {
        let folder = desk.dir.path().join("export");
        desk.run(&["audit", "export", folder.to_str().unwrap()]);
        tools::said(&Command::new(go).arg(&verifier_key).arg(&folder).output().unwrap());
    }
    // It starts again on the same log and the same key, and what is retired is gone from the token too.
    desk.run(&["key", "retire", &first]);
    assert!(desk.refused(&["key", "adopt", "licences-1"]).contains("no private key"));
    let service = desk.serve();
    assert_eq!(service.credential().await.0, 200);
    let later = checkpoint::verify(&service.checkpoint().await, &verifier_key).unwrap();
    assert!(later.0 >= checkpoint::verify(&note, &verifier_key).unwrap().0);
}

#[tokio::test]
async fn a_token_that_fails_gives_no_signature_and_comes_back() {
    let Some(desk) = Desk::faulty() else { return };
    desk.run(&["key", "generate", "--pkcs11", "log", "--log"]);
    desk.run(&["key", "generate", "--pkcs11", "licences"]);
    let service = desk.serve();
    service.issue_samples().await;
    assert_eq!(service.credential().await.0, 200);
    // A session that was lost is opened again, and nobody notices.
    for _ in 0..3 {
        desk.fault("lost");
        assert_eq!(service.verify().await, 201, "{}", desk.log());
        desk.fault("lost");
        assert_eq!(service.credential().await.0, 200, "{}", desk.log());
    }
    for fault in ["wrong", "gone", "hang"] {
        let before = service.checkpoint().await;
        desk.fault(fault);
        let (status, said) = service.credential().await;
        assert_eq!((status, &said["code"]), (503, &json!("unavailable")), "{fault}: {said}");
        assert!(said.to_string().contains("key does not sign"), "{fault}: {said}");
        assert_eq!(service.verify().await, 503, "{fault}: what is not signed is not answered");
        let why = service.is_ready(false).await;
        assert!(why.contains("the log's key does not sign"), "{fault}: {why}");
        assert_eq!(service.checkpoint().await, before, "{fault}: nothing was recorded");
        desk.mended(fault);
        service.is_ready(true).await;
        assert_eq!(service.verify().await, 201, "{fault}");
        assert_eq!(service.credential().await.0, 200, "{fault}");
    }
    assert!(desk.log().contains("pkcs11.timeout_ms"), "which setting it is: {}", desk.log());
    drop(service);
    nothing_secret_is_written(&desk);
    let walked = desk.run(&["audit", "verify"]);
    assert!(!walked.is_empty());
}

#[test]
fn what_is_wrong_with_a_token_is_said_by_the_setting() {
    let Some(desk) = Desk::new() else { return };
    desk.run(&["key", "generate", "--pkcs11", "log", "--log"]);
    assert!(desk.refused(&["key", "generate", "--pkcs11", "log", "--log"]).contains("already"));
    let module = format!("module = {:?}\n", desk.real.display().to_string());
    let curve = ["key", "generate", "--pkcs11", "curve", "--algorithm", "ES256"];
    desk.run(&curve);
    for (settings, said) in [
        (format!("{module}token = \"border\"\nlog_key = \"other\"\n"), "pkcs11.log_key \"other\""),
        (format!("{module}token = \"border\"\nlog_key = \"curve\"\n"), "Ed25519"),
        (format!("{module}token = \"customs\"\nlog_key = \"log\"\n"), "pkcs11.token"),
        (
            "module = \"/nowhere/hsm.so\"\ntoken = \"border\"\nlog_key = \"log\"\n".to_owned(),
            "pkcs11.module",
        ),
        (
            format!("{module}token = \"border\"\npin_file = \"pin\"\n"),
            "pkcs11.pin_file or pkcs11.pin",
        ),
    ] {
        desk.set(&settings);
        let complaint = desk.refused(&["serve"]);
        assert!(complaint.contains(said) && !complaint.contains(PIN), "{said}: {complaint}");
    }
    desk.set("");
    let wrong = desk.passavant(&["serve"]).env("PASSAVANT_PKCS11__PIN", "geheim").output().unwrap();
    let complaint = String::from_utf8(wrong.stderr).unwrap();
    assert!(!wrong.status.success() && complaint.contains("pkcs11.pin"), "{complaint}");
    assert!(!complaint.contains("geheim"), "{complaint}");
}

#[tokio::test]
async fn without_its_token_the_service_verifies_and_only_signs_no_credential() {
    let Some(desk) = Desk::faulty() else { return };
    let module = desk.module.display().to_string();
    desk.set(&format!("module = {module:?}\ntoken = \"border\"\n"));
    desk.run(&["key", "generate", "--pkcs11", "licences"]);
    desk.fault("gone");
    let service = desk.serve();
    service.issue_samples().await;
    assert_eq!(service.verify().await, 201);
    assert_eq!(service.credential().await.0, 503);
    assert!(desk.log().contains("the token does not answer"), "{}", desk.log());
    desk.mended("gone");
    assert_eq!(service.credential().await.0, 200, "{}", desk.log());
    assert!(Path::new(&desk.data().join("log.key")).exists());
}
