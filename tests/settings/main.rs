//! Settings as an operator gives them: a file, the environment over it, and the refusal with its
//! reasons on starting.
#![expect(clippy::unwrap_used, reason = "a test that cannot set up its premise fails there")]
use std::io::BufRead;
use std::io::BufReader;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use tempfile::TempDir;

const ISSUER: &str = "{issuer=\"https://login.example\",state=\"FR\",roles=[\"officer\"],audience=\"passavant\",jwks_file=\"keys.json\"}";

/// Runs `passavant migrate`, the shortest command that insists on complete settings; gives whether
/// it ran and what it complained of.
fn migrate(folder: &Path, file: Option<&str>, environment: &[(&str, &str)]) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_passavant"));
    command.arg("migrate").current_dir(folder);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("PASSAVANT_")) {
        command.env_remove(name);
    }
    if let Some(text) = file {
        std::fs::write(folder.join("node.toml"), text).unwrap();
        command.args(["--config", "node.toml"]);
    }
    let output = command.envs(environment.iter().copied()).output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn the_environment_alone_can_complete_the_settings() {
    let folder = TempDir::new().unwrap();
    let issuers = format!("[{ISSUER}]");
    let environment = [
        ("PASSAVANT_NODE__ORIGIN", "customs.example/node-1"),
        ("PASSAVANT_NODE__STATE", "FR"),
        ("PASSAVANT_NODE__DATA_DIR", "data"),
        ("PASSAVANT_ACCESS__ISSUERS", issuers.as_str()),
    ];
    let (ran, complaint) = migrate(folder.path(), None, &environment);
    assert!(ran, "{complaint}");
    assert!(folder.path().join("data/passavant.db").exists());
}

#[test]
fn the_environment_goes_over_the_file() {
    let folder = TempDir::new().unwrap();
    let file = format!(
        "[node]\norigin = \"customs.example/node-1\"\nstate = \"FR\"\ndata_dir = \"of-the-file\"\n[access]\nissuers = [{ISSUER}]\n"
    );
    let over = [("PASSAVANT_NODE__DATA_DIR", "of-the-environment")];
    let (ran, complaint) = migrate(folder.path(), Some(&file), &over);
    assert!(ran, "{complaint}");
    assert!(folder.path().join("of-the-environment/passavant.db").exists());
    assert!(!folder.path().join("of-the-file").exists());
}

#[test]
fn incomplete_settings_are_refused_with_every_reason() {
    let folder = TempDir::new().unwrap();
    let (ran, complaint) = migrate(folder.path(), None, &[]);
    assert!(!ran);
    for reason in ["node.origin:", "node.state:", "access.issuers:"] {
        assert!(complaint.contains(reason), "{reason} {complaint}");
    }
}

#[test]
fn a_misspelt_variable_is_refused_by_name() {
    let folder = TempDir::new().unwrap();
    for (name, setting) in
        [("PASSAVANT_HTTP__LISTEN_ON", "listen_on"), ("PASSAVANT_HTPP__LISTEN", "htpp")]
    {
        let (ran, complaint) = migrate(folder.path(), None, &[(name, "127.0.0.1:1")]);
        assert!(!ran);
        assert!(complaint.contains(setting), "{setting}: {complaint}");
    }
}

/// The sample service, killed when the test is through with it.
struct Demo(Child);

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn other_commands_find_the_sample_service_by_the_settings_that_it_leaves() {
    let folder = TempDir::new().unwrap();
    let passavant = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_passavant"));
        // A real database that the environment names must never get sample licences.
        command.current_dir(folder.path()).env("PASSAVANT_DATABASE__URL", "sqlite://real.db");
        command
    };
    let anywhere = ["--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0"];
    let mut demo = passavant();
    let mut demo = Demo(demo.arg("demo").args(anywhere).stdout(Stdio::piped()).spawn().unwrap());
    let lines = BufReader::new(demo.0.stdout.take().unwrap()).lines();
    let last = lines.map(Result::unwrap).find(|line| line.starts_with("Stop with Ctrl-C"));
    assert!(last.is_some(), "it has started and said everything");
    drop(demo);
    assert!(!folder.path().join("real.db").exists());
    let settings = "passavant-data/demo/settings.toml";
    let mut audit = passavant();
    audit.args(["audit", "verify", "--config", settings]).env_remove("PASSAVANT_DATABASE__URL");
    let output = audit.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("passavant.example/node-1"), "{output:?}");
}

/// A node without issuers' keys to fetch, for commands at the machine.
fn at_the_machine(folder: &Path) -> impl Fn(&[&str]) -> (bool, String) {
    let settings = format!(
        "[node]\norigin = \"customs.example/node-1\"\nstate = \"FR\"\ndata_dir = \"data\"\n[access]\nissuers = [{ISSUER}]\n"
    );
    std::fs::write(folder.join("node.toml"), settings).unwrap();
    std::fs::write(folder.join("keys.json"), r#"{"keys": []}"#).unwrap();
    let folder = folder.to_path_buf();
    move |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_passavant"));
        let output = command
            .args(arguments)
            .args(["--config", "node.toml"])
            .current_dir(&folder)
            .env_remove("PASSAVANT_DATABASE__URL")
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&said).into_owned())
    }
}

fn mode(file: &Path) -> u32 {
    std::fs::metadata(file).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_command_that_found_nothing_to_do_has_not_succeeded_and_says_why() {
    let folder = TempDir::new().unwrap();
    let run = at_the_machine(folder.path());
    let refused = |arguments: &[&str], words: &str| {
        let (done, said) = run(arguments);
        assert!(!done && said.contains(words), "{arguments:?}: {said}");
    };
    refused(&["audit", "verify"], "there is no database at data/passavant.db");
    refused(&["backup", "copy.db"], "there is no database at data/passavant.db");
    assert!(!folder.path().join("copy.db").exists());
    assert!(run(&["migrate"]).0);
    refused(&["audit", "verify"], "the database holds no log");
    std::fs::write(folder.path().join("lists.json"), "{}").unwrap();
    refused(&["lists", "load", "lists.json"], "/embargoes required");
    refused(&["audit", "export", "log"], "the log customs.example/node-1 has no entries yet");
    std::fs::copy(
        concat!(env!("CARGO_MANIFEST_DIR"), "/data/lists.json"),
        folder.path().join("lists.json"),
    )
    .unwrap();
    let (done, said) = run(&["lists", "load", "lists.json"]);
    assert!(done, "{said}");
    let (done, said) = run(&["audit", "verify"]);
    assert!(done && said.contains("all fits"), "{said}");
    refused(&["audit", "replay", "0"], "entry 0 of customs.example/node-1 records no verdict");
    refused(&["audit", "replay", "77"], "entry 77 of customs.example/node-1: there is none");
    refused(&["audit", "replay", "--all"], "customs.example/node-1 records no verdict");
    assert!(said.contains("key customs.example/node-1+"), "the key to publish: {said}");
}

#[test]
fn a_log_whose_key_is_missing_gets_no_other_one() {
    let folder = TempDir::new().unwrap();
    let run = at_the_machine(folder.path());
    let lists = concat!(env!("CARGO_MANIFEST_DIR"), "/data/lists.json");
    assert!(run(&["lists", "load", lists]).0);
    let (key, apart) = (folder.path().join("data/log.key"), folder.path().join("kept.key"));
    std::fs::rename(&key, &apart).unwrap();
    let (done, said) = run(&["lists", "load", lists]);
    assert!(!done && said.contains("log.key is missing: put the copy of it back"), "{said}");
    assert!(said.contains("node.origin"), "{said}");
    assert!(!key.exists(), "another key would only look like the one that is missing");
    let other = passavant::audit::checkpoint::key_text("customs.example/node-1", &[7; 32]);
    std::fs::write(&key, other).unwrap();
    let (done, said) = run(&["lists", "load", lists]);
    assert!(!done && said.contains("is not the key of log customs.example/node-1"), "{said}");
    assert!(said.contains("put its own back"), "{said}");
    std::fs::rename(&apart, &key).unwrap();
    let (done, said) = run(&["lists", "load", lists]);
    assert!(done, "{said}");
}

/// Starts the service on settings that it must refuse: what it says on standard output, and what it complains of.
fn refused_to_serve(folder: &Path, settings: &str) -> (String, String) {
    drop(at_the_machine(folder));
    let file = folder.join("node.toml");
    let doors = "[http]\nlisten = \"127.0.0.1:0\"\nops_listen = \"127.0.0.1:0\"\n";
    let whole = format!("{}{doors}{settings}", std::fs::read_to_string(&file).unwrap());
    std::fs::write(&file, whole).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_passavant"));
    command.args(["serve", "--config", "node.toml"]).current_dir(folder);
    command.env_remove("PASSAVANT_DATABASE__URL").stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let began = std::time::Instant::now();
    while child.try_wait().unwrap().is_none() {
        if began.elapsed() > std::time::Duration::from_secs(30) {
            child.kill().unwrap();
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let output = child.wait_with_output().unwrap();
    assert!(!output.status.success());
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

#[test]
fn what_cannot_be_served_is_refused_before_it_is_announced() {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let made = |name: &str| rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
    let (own, other) = (made("a.example"), made("b.example"));
    write("cert.pem", &own.cert.pem());
    write("other.key", &other.signing_key.serialize_pem());
    write("rubbish.pem", "rubbish");
    let tls =
        |cert: &str, key: &str| format!("tls_cert_file = \"{cert}\"\ntls_key_file = \"{key}\"\n");
    for (settings, words) in [
        (tls("missing.pem", "other.key"), "missing.pem"),
        (tls("cert.pem", "rubbish.pem"), "rubbish.pem"),
        (tls("cert.pem", "other.key"), "cert.pem"),
        ("workers = 600\n".to_owned(), "http.workers: 1 to 512, or 0"),
        ("[console]\npublic_url = \"ftp://x\"\n".to_owned(), "console.public_url: "),
        ("[console]\nkey_file = \"nope.key\"\n".to_owned(), "console.key_file: "),
        ("[offline]\npost = \"KEMBA\"\n".to_owned(), "offline.post: "),
    ] {
        let (said, complaint) = refused_to_serve(folder.path(), &settings);
        assert!(complaint.contains(words), "{settings}: {complaint}");
        assert!(!complaint.contains("panicked"), "{settings}: {complaint}");
        assert_eq!(said, "", "{settings}");
    }
    assert!(!folder.path().join("nope.key").exists());
}

#[test]
fn what_is_stored_is_for_its_owner_alone_and_a_refused_copy_does_not_stay() {
    let folder = TempDir::new().unwrap();
    let run = at_the_machine(folder.path());
    let file = |name: &str| folder.path().join(name);
    std::fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/data/lists.json"), file("lists.json"))
        .unwrap();
    assert!(run(&["lists", "load", "lists.json"]).0);
    assert!(run(&["backup", "copy.db"]).0);
    for name in ["data/passavant.db", "copy.db"] {
        assert_eq!(mode(&file(name)), 0o600, "{name}");
    }
    // As somebody may have left them.
    for name in ["data/passavant.db", "copy.db"] {
        std::fs::set_permissions(file(name), std::fs::Permissions::from_mode(0o644)).unwrap();
    }
    assert!(run(&["restore", "copy.db"]).0);
    for name in ["data/passavant.db", "data/passavant.before-restore"] {
        assert_eq!(mode(&file(name)), 0o600, "{name}");
    }
    std::fs::write(file("rubbish.db"), "no database at all".repeat(100)).unwrap();
    let (done, said) = run(&["restore", "rubbish.db"]);
    assert!(!done, "{said}");
    let left = std::fs::read_dir(file("data")).unwrap();
    let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    let stays = left.iter().filter(|name| name.to_string_lossy().contains("restoring"));
    assert_eq!(stays.count(), 0, "{left:?}");
    assert!(run(&["audit", "verify"]).0);
}
