//! From the embedded database to a server: everything, in one go, and the logs' roots prove it.
use super::node::*;
use super::process::BINARY;
use super::process::prepare;
use super::server::Pg;
use super::server::ask;
use super::support::postgres;
use serde_json::json;
use std::path::Path;
use std::process::Command;

fn copy(dir: &Path, from: &str, to: &str) -> (bool, String) {
    let mut command = Command::new(BINARY);
    command.args(["migrate", "copy", from, to, "--config"]).arg(dir.join("settings.toml"));
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_embedded_database_moves_to_a_server_with_its_roots() {
    let Some(server) = Pg::start(&["fsync=off"]) else { return };
    let dir = tempfile::TempDir::new().unwrap();
    let file = format!("sqlite://{}", dir.path().join("passavant.db").display());
    let node = Node::open(&file, 1);
    node.issue_sample(1000).await;
    // What is hard to write down as SQL: quotes, backslashes, line ends, other scripts.
    let mut awkward = export_licences(1, 5).remove(0);
    awkward["lines"][0]["description"] = json!("O'Brien's \\x41 \"rifle\" — ружьё ; -- \\");
    node.issue(&awkward).await;
    let mut last = json!(null);
    for n in 0..300 {
        last = node.verify(&cartridges(&format!("FR-{n}"), 1, EXPORT)).await;
        if n % 3 == 0 {
            assert!(was_released(&node.release(&last, &format!("k{n}")).await.unwrap()));
        }
    }
    // While the service runs nothing is copied.
    prepare(node.dir.path(), &file, &origin(1));
    server.execute("postgres", "CREATE DATABASE moved");
    let to = format!("{}/moved", server.url());
    let (done, said) = copy(node.dir.path(), &file, &to);
    assert!(!done && said.contains("holds the data folder"), "{said}");
    let folder = node.close().await;
    // Nor into a database that was not migrated.
    let (done, said) = copy(folder.path(), &file, &to);
    assert!(!done && said.contains("run `passavant migrate`"), "{said}");
    postgres::migrate(&to);
    // One row that differs is found, and then nothing has been copied.
    server.execute(
        "moved",
        "CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         NEW.body = overlay(NEW.body placing 'X' from 20); RETURN NEW; END $$; \
         CREATE TRIGGER spoil BEFORE INSERT ON log_entry FOR EACH ROW WHEN (NEW.entry % 1099511627776 = 250) \
         EXECUTE FUNCTION spoil()",
    );
    let (done, said) = copy(folder.path(), &file, &to);
    assert!(!done && said.contains("not the logs here"), "{said}");
    assert_eq!(ask(&to, "SELECT count(*)::text AS answer FROM licence").unwrap(), "0");
    server.execute("moved", "DROP TRIGGER spoil ON log_entry");
    let (done, said) = copy(folder.path(), &file, &to);
    assert!(done && said.contains("on both sides"), "{said}");
    assert!(said.contains("verification: 300 rows") && said.contains("licence: 3 rows"), "{said}");
    let (again, said) = copy(folder.path(), &file, &to);
    assert!(!again && said.contains("holds 1 logs already"), "{said}");
    // Every row is the same, to the byte.
    let digest =
        "SELECT md5(string_agg(encode(body, 'hex'), ',' ORDER BY entry)) AS answer FROM log_entry";
    assert_eq!(ask(&to, digest).unwrap().len(), 32);
    let description = "SELECT body AS answer FROM licence WHERE number = 'FR-EXP-N-000000'";
    let plain = "SELECT body AS answer FROM licence WHERE number = 'FR-EXP-N-000000'";
    assert_eq!(ask(&to, description).unwrap(), ask(&file, plain).unwrap());
    // The same node goes on with the same log on the server.
    let app = open_in(folder.path(), &to, &origin(1)).unwrap();
    let id = last["id"].as_str().unwrap().parse().unwrap();
    let once = passavant::app::recorder::Once {
        caller: officer().key(),
        key: "after".to_owned(),
        request_sha256: [7; 32],
    };
    assert!(was_released(&app.release(&officer(), id, None, once).await.unwrap()));
    let licence = serde_json::from_value(export_licences(2, 5).remove(1)).unwrap();
    let document = passavant::app::licences::Document::read(&licence, "").unwrap();
    app.issue(&authority("FR"), document, None).await.unwrap();
    app.recorder.stop();
    assert!(assert_verifies(&to) > 400);
}
