//! The programs of others: found where `.ci/run` puts them. Where one is missing the test says so and ends;
//! in CI it fails.
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;

/// Where Debian puts Go's libraries.
const GO_PATH: &str = "/usr/share/gocode";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/outside")
}

/// The path of a script or program text of these tests.
pub fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/outside").join(name)
}

fn answers(command: &mut Command) -> bool {
    command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn missing<T>(what: &str) -> Option<T> {
    assert!(std::env::var_os("OUTSIDE_REQUIRED").is_none(), "{what} is required in CI");
    let _ = writeln!(std::io::stderr(), "not run here: {what} is not installed");
    None
}

/// Python with a module.
pub fn python(module: &str) -> Option<Command> {
    let program = folder().join("bin/python3");
    if answers(Command::new(&program).args(["-c", &format!("import {module}")])) {
        return Some(Command::new(program));
    }
    missing(&format!("python3 with {module}"))
}

/// Node with jose: modules are found from where the script lies.
pub fn node(script_name: &str) -> Option<Command> {
    let modules = folder().join("node_modules/jose");
    if !modules.exists() || !answers(Command::new("node").arg("--version")) {
        return missing("node with jose");
    }
    let copy = folder().join(script_name);
    std::fs::copy(script(script_name), &copy).unwrap();
    let mut command = Command::new("node");
    command.arg(copy);
    Some(command)
}

/// A program of this name.
pub fn program(name: &str, version: &str) -> Option<Command> {
    if answers(Command::new(name).arg(version)) {
        return Some(Command::new(name));
    }
    missing(name)
}

/// Where distributions put the library of SoftHSM2.
const SOFTHSM: [&str; 5] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib64/softhsm/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
];

/// The library of SoftHSM2, a token in software.
pub fn softhsm() -> Option<PathBuf> {
    let library = SOFTHSM.iter().map(PathBuf::from).find(|library| library.exists());
    if library.is_some() && answers(Command::new("softhsm2-util").arg("--version")) {
        return library;
    }
    let _ = writeln!(std::io::stderr(), "SKIPPED: no SoftHSM2 (softhsm2-util) is installed here");
    missing("SoftHSM2")
}

/// The Go program that checks logs, built with Debian's x/mod.
pub fn go_log() -> Option<PathBuf> {
    let library = Path::new(GO_PATH).join("src/golang.org/x/mod/sumdb/tlog");
    if !library.exists() || !answers(Command::new("go").arg("version")) {
        return missing("go with golang.org/x/mod");
    }
    std::fs::create_dir_all(folder()).unwrap();
    let built = folder().join("log");
    let status = Command::new("go")
        .args(["build", "-o"])
        .arg(&built)
        .arg(script("log.go"))
        .env("GO111MODULE", "off")
        .env("GOPATH", GO_PATH)
        .env("GOFLAGS", "")
        .env("GOCACHE", folder().join("go-cache"))
        .status()
        .unwrap();
    assert!(status.success(), "log.go does not build");
    Some(built)
}

/// Runs a command with something on its standard input; it must succeed.
pub fn fed(command: &mut Command, input: Vec<u8>) -> String {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let feeding = std::thread::spawn(move || pipe.write_all(&input));
    let output = child.wait_with_output().unwrap();
    feeding.join().unwrap().unwrap();
    said(&output)
}

/// What a command that must succeed has said.
pub fn said(output: &Output) -> String {
    let (out, err) = (&output.stdout, String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}\n{err}", String::from_utf8_lossy(out));
    String::from_utf8(out.clone()).unwrap()
}
