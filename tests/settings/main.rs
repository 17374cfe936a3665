//! Settings as an operator gives them: a file, the environment over it, and the refusal with its
//! reasons on starting.
#![expect(clippy::unwrap_used, reason = "a test that cannot set up its premise fails there")]
use std::io::BufRead;
use std::io::BufReader;
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
