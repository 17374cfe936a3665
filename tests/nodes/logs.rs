//! Every node's log at any node, for auditors.
use super::node::origin;
use super::process::Process;
use super::process::http;
use super::process::issue_sample;
use super::process::prepare;
use super::process::token;
use super::server::Pg;
use passavant::audit::checkpoint;
use serde_json::Value;
use tempfile::TempDir;

async fn get(node: &Process, path: &str) -> (u16, String) {
    let sent = http().get(format!("{}{path}", node.api)).bearer_auth(token("FR", "auditor"));
    let answer = sent.send().await.unwrap();
    (answer.status().as_u16(), String::from_utf8_lossy(&answer.bytes().await.unwrap()).into_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_auditor_reads_every_node_s_log_at_any_node() {
    let Some(server) = Pg::start(&["fsync=off"]) else { return };
    let url = server.database("logs");
    let folders = [TempDir::new().unwrap(), TempDir::new().unwrap()];
    for (number, folder) in folders.iter().enumerate() {
        prepare(folder.path(), &url, &origin(number + 1));
    }
    let [one, two] = folders.each_ref().map(|folder| Process::start(folder.path()));
    issue_sample(&one.api).await;
    let (status, logs) = get(&two, "/v1/audit/logs").await;
    let logs: Value = serde_json::from_str(&logs).unwrap();
    assert_eq!((status, logs["items"].as_array().unwrap().len()), (200, 2), "{logs}");
    assert_eq!(logs["items"][0]["log"], origin(1));
    assert_eq!((&logs["items"][0]["size"], &logs["items"][1]["size"]), (&2.into(), &1.into()));
    let page: Value = serde_json::from_str(&get(&two, "/v1/audit/logs?limit=1").await.1).unwrap();
    let next = format!("/v1/audit/logs?limit=1&after={}", page["next"].as_str().unwrap());
    let page: Value = serde_json::from_str(&get(&two, &next).await.1).unwrap();
    assert_eq!((&page["items"][0]["log"], &page["next"]), (&origin(2).into(), &Value::Null));
    // The other node's checkpoint, tiles and entries, by its name.
    let (_, note) = get(&two, &format!("/v1/audit/checkpoint?log={}", origin(1))).await;
    let key = logs["items"][0]["verifier_key"].as_str().unwrap();
    let (size, _) = checkpoint::verify(&note, key).unwrap();
    assert_eq!(size, 2);
    let (_, own) = get(&two, "/v1/audit/checkpoint").await;
    assert!(own.starts_with(&origin(2)), "{own}");
    let (_, entries) = get(&two, &format!("/v1/audit/entries?log={}&limit=1", origin(1))).await;
    assert!(entries.contains("licence") && entries.contains(&origin(1)), "{entries}");
    let (status, tile) =
        get(&two, &format!("/v1/audit/tile/entries/000.p/2?log={}", origin(1))).await;
    assert!(status == 200 && tile.contains("FR-EXP"), "{tile}");
    for path in ["checkpoint", "tile/0/000", "entries"] {
        let (status, said) = get(&two, &format!("/v1/audit/{path}?log=nobody.example/x")).await;
        assert_eq!(status, 404, "{path}: {said}");
        let (status, said) = get(&two, &format!("/v1/audit/{path}?logs=x")).await;
        assert!(status == 400 && said.contains("?logs"), "{path}: {said}");
    }
}
