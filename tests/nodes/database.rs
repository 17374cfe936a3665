//! The way to the server: migrations, TLS, and a database that another version has grown.
use super::node::*;
use super::server::Pg;
use super::server::ask;
use super::server::session;
use super::support::postgres;
use diesel::connection::SimpleConnection;
use passavant::storage;
use rcgen::BasicConstraints;
use rcgen::CertificateParams;
use rcgen::IsCa;
use rcgen::Issuer;
use rcgen::KeyPair;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

#[test]
fn several_nodes_migrate_at_once_and_each_migration_runs_once() {
    let Some(server) = Pg::start(&["fsync=off"]) else { return };
    server.execute("postgres", "CREATE DATABASE fresh");
    let url = format!("{}/fresh", server.url());
    // One is slow: the others wait for it longer than any statement may take.
    let mut slow = session(&url);
    slow.batch_execute(&format!("SELECT pg_advisory_lock({})", 0x0050_4153_534D_4947_i64)).unwrap();
    let mut settings = postgres::settings(&url);
    settings.statement_timeout_ms = 200;
    let nodes: Vec<_> = (0..6)
        .map(|_| {
            let settings = settings.clone();
            std::thread::spawn(move || {
                let mut db = storage::open(&settings, storage::Use::Write).unwrap();
                storage::migrate(&mut db).unwrap()
            })
        })
        .collect();
    std::thread::sleep(Duration::from_millis(800));
    drop(slow);
    let mut ran: Vec<String> = nodes.into_iter().flat_map(|node| node.join().unwrap()).collect();
    ran.sort();
    let folders = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/postgres"));
    let mut all: Vec<String> =
        folders.unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    all.sort();
    assert_eq!(ran.len(), all.len(), "{ran:?}");
    assert!(storage::pending(&mut session(&url)).unwrap().is_empty());
}

#[test]
fn the_service_refuses_a_database_that_was_not_migrated_and_says_why() {
    let Some(server) = Pg::start(&["fsync=off"]) else { return };
    let dir = TempDir::new().unwrap();
    let url = format!("{}/postgres", server.url());
    super::process::prepare(dir.path(), &url, "passavant.example/node-1");
    let run = |command: &str| {
        let output = Command::new(super::process::BINARY)
            .args([command, "--config"])
            .arg(dir.path().join("settings.toml"))
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(said).unwrap())
    };
    let (started, said) = run("serve");
    assert!(!started && said.contains("run `passavant migrate` first"), "{said}");
    assert!(said.contains("core"), "it names what is missing: {said}");
    let (migrated, said) = run("migrate");
    assert!(migrated && said.contains("ran "), "{said}");
    assert_eq!(run("migrate"), (true, "the database is up to date\n".to_owned()));
    drop(super::process::Process::start(dir.path()));
}

/// A server with a certificate for `localhost` and nothing else; gives the authority's file.
fn with_tls() -> Option<(Pg, TempDir)> {
    let mut server = Pg::make(&["fsync=off"])?;
    let own = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.distinguished_name.push(rcgen::DnType::CommonName, "authority of a test");
    let folder = TempDir::new().unwrap();
    let issued = authority.self_signed(&own).unwrap();
    std::fs::write(folder.path().join("ca.pem"), issued.pem()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &Issuer::new(authority, own)).unwrap();
    let (crt, pem) = (server.data().join("server.crt"), server.data().join("server.key"));
    std::fs::write(&crt, certificate.pem()).unwrap();
    std::fs::write(&pem, key.serialize_pem()).unwrap();
    std::fs::set_permissions(&pem, std::fs::Permissions::from_mode(0o600)).unwrap();
    for file in [&crt, &pem] {
        use std::os::unix::fs::MetadataExt;
        let owner = std::fs::metadata(server.data()).unwrap();
        std::os::unix::fs::chown(file, Some(owner.uid()), Some(owner.gid())).unwrap();
    }
    server.set("ssl=on");
    server.set("ssl_min_protocol_version=TLSv1.3");
    server.run();
    Some((server, folder))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_s_certificate_is_verified_in_full() {
    let Some((server, folder)) = with_tls() else { return };
    server.database("secret");
    let at = |host: &str, ca: &Path| {
        format!(
            "postgres://{}@{host}:{}/secret?sslmode=verify-full&sslrootcert={}",
            postgres::USER,
            server.port,
            ca.display()
        )
    };
    let ca = folder.path().join("ca.pem");
    let good = at("localhost", &ca);
    let spoken = "SELECT version || ' ' || ssl::text AS answer FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    assert_eq!(ask(&good, spoken).unwrap(), "TLSv1.3 true");
    // The name must be the certificate's, and the certificate the authority's.
    let by_address = ask(&at("127.0.0.1", &ca), spoken).unwrap_err();
    assert!(by_address.contains("does not match host name"), "{by_address}");
    let other = folder.path().join("other.pem");
    let stranger = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(&other, stranger.cert.pem()).unwrap();
    let unknown = ask(&at("localhost", &other), spoken).unwrap_err();
    assert!(unknown.contains("certificate verify failed"), "{unknown}");
    // And the service works over it.
    let node = Node::open(&good, 1);
    node.issue_sample(10).await;
    assert_eq!(node.verify(&cartridges("FR-1", 1, EXPORT)).await["verdict"], "clear");
}

/// A rolling upgrade: the next version has grown the database while this one works, and this one
/// starts on it too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_the_next_version_has_grown_serves_this_one() {
    let Some(server) = Pg::start(&["fsync=off"]) else { return };
    let url = server.database("grown");
    let old = Node::open(&url, 1);
    old.issue_sample(100).await;
    server.execute(
        "grown",
        "ALTER TABLE licence ADD COLUMN next_version TEXT; \
         ALTER TABLE verification ADD COLUMN next_version BIGINT NOT NULL DEFAULT 0; \
         CREATE TABLE next_version (id BIGINT PRIMARY KEY); \
         INSERT INTO __diesel_schema_migrations (version) VALUES ('20990101000001')",
    );
    let verification = old.verify(&cartridges("FR-1", 10, EXPORT)).await;
    let started_later = Node::open(&url, 2);
    assert!(was_released(&started_later.release(&verification, "key").await.unwrap()));
    assert_eq!(old.consumed(EXPORT).await, 10);
    drop((old, started_later));
    assert_verifies(&url);
}
