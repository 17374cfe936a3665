//! One log, one owner: whoever opens it last has it, and the one before decides nothing any more.
use super::node::*;
use super::server::Pg;
use passavant::app::Error;
use passavant::app::licences::Document;
use passavant::demo;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

/// Two processes with the same key over one database; the second comes while the first works.
async fn taken_over(url: &str) {
    let first = Node::open(url, 1);
    first.issue_sample(100).await;
    let verification = first.verify(&cartridges("FR-1", 10, EXPORT)).await;
    let folder = TempDir::new().unwrap();
    std::fs::copy(first.dir.path().join("log.key"), folder.path().join("log.key")).unwrap();
    let second = Arc::new(open_in(folder.path(), url, &origin(1)).unwrap());
    // The very next act of the first is not answered, whatever it is.
    let refused = first.release(&verification, "key").await;
    assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
    for n in 0..3 {
        let refused = first.try_verify(&cartridges(&format!("FR-2{n}"), 1, EXPORT)).await;
        assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
    }
    assert!(first.app.unready().contains(&"this node may not go on with its log"));
    assert!(first.app.recorder.fenced().unwrap().contains("taken over"));
    // Under the same key it is done at the second, once.
    let id = verification["id"].as_str().unwrap().parse().unwrap();
    let once = passavant::app::recorder::Once {
        caller: officer().key(),
        key: "key".to_owned(),
        request_sha256: [1; 32],
    };
    assert!(was_released(&second.release(&officer(), id, None, once).await.unwrap()));
    let declaration = cartridges("FR-3", 1, EXPORT).to_string();
    second.verify(&officer(), declaration, None).await.unwrap();
    assert_eq!(first.consumed(EXPORT).await, 10);
    second.recorder.stop();
    drop((first.close().await, second));
    assert_verifies(url);
}

fn in_file(dir: &Path) -> String {
    format!("sqlite://{}", dir.join("shared.db").display())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_process_takes_the_log_over_on_the_embedded_database() {
    let dir = TempDir::new().unwrap();
    taken_over(&in_file(dir.path())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_process_takes_the_log_over_on_a_server() {
    let Some(server) = Pg::start(&["fsync=off"]) else { return };
    taken_over(&server.database("one")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_may_not_continue_a_log_takes_it_away_from_nobody() {
    let dir = TempDir::new().unwrap();
    let url = in_file(dir.path());
    let first = Node::open(&url, 1);
    first.issue_sample(100).await;
    // Another folder has no key, and gets none under the same name.
    let folder = TempDir::new().unwrap();
    let refused = open_in(folder.path(), &url, &origin(1)).err().unwrap().to_string();
    assert!(refused.contains("log.key is missing"), "{refused}");
    assert!(!folder.path().join("log.key").exists());
    first.verify(&cartridges("FR-1", 10, EXPORT)).await;
    assert!(!first.app.recorder.is_fenced());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_does_not_start_on_a_database_that_was_put_back() {
    let dir = TempDir::new().unwrap();
    let url = in_file(dir.path());
    let node = Node::open(&url, 1);
    node.issue_sample(100).await;
    let folder = node.close().await;
    let copy = dir.path().join("copy.db");
    std::fs::copy(dir.path().join("shared.db"), &copy).unwrap();
    let again = || open_in(folder.path(), &url, &origin(1));
    let app = again().unwrap();
    let licence = serde_json::from_value(export_licences(1, 5).remove(0)).unwrap();
    app.issue(&authority("FR"), Document::read(&licence, "").unwrap(), None).await.unwrap();
    app.recorder.stop();
    app.write_down();
    drop(app);
    drop(again().unwrap());
    // Put back, and put back with another history of the same length.
    for also in [None, Some("Another Recipient")] {
        for suffix in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(dir.path().join(format!("shared.db{suffix}")));
        }
        std::fs::copy(&copy, dir.path().join("shared.db")).unwrap();
        if let Some(name) = also {
            // A process without the memory goes on from the copy.
            let note = folder.path().join("log.checkpoint");
            let kept = std::fs::read(&note).unwrap();
            std::fs::remove_file(&note).unwrap();
            let app = again().unwrap();
            for mut licence in demo::licences(today()) {
                licence["number"] = format!("{}-B", licence["number"].as_str().unwrap()).into();
                licence["final_recipient"]["name"] = name.into();
                let state = licence["issuing_state"].as_str().unwrap().to_owned();
                let licence = serde_json::from_value(licence).unwrap();
                let document = Document::read(&licence, "").unwrap();
                app.issue(&authority(&state), document, None).await.unwrap();
            }
            app.recorder.stop();
            drop(app);
            std::fs::write(&note, kept).unwrap();
        }
        let refused = again().err().unwrap().to_string();
        assert!(refused.contains("put back to an older state"), "{refused}");
        let other = if also.is_none() { "entries of log" } else { "another log" };
        assert!(refused.contains(other), "{refused}");
    }
    // Under another name the node opens a log that declares how far the old one went.
    std::fs::remove_file(folder.path().join("log.key")).unwrap();
    drop(open_in(folder.path(), &url, &origin(2)).unwrap());
}

/// Clients of several nodes draw on the same few licences, each item of a declaration on another one,
/// in every order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn releases_at_many_nodes_never_over_draw_and_never_deadlock() {
    const LICENCES: u32 = 4;
    const ROUNDS: u32 = 60;
    let Some(server) = Pg::start(&["fsync=off", "deadlock_timeout=50ms"]) else { return };
    let url = server.database("hot");
    let nodes = Arc::new(Node::several(&url, 3));
    nodes[0].issue(&import_licence()).await;
    nodes[0].import(export_licences(LICENCES, ROUNDS)).await;
    let clients = (0..18_u32).map(|client| {
        let nodes = Arc::clone(&nodes);
        tokio::spawn(async move {
            let mut released = [0_u64; LICENCES as usize];
            for n in 0..16 {
                let (a, b) = ((client + n) % LICENCES, (client * 3 + n + 1) % LICENCES);
                let mut declaration = cartridges(&format!("FR-{client}-{n}"), 1, &export_number(a));
                let mut second = declaration["items"][0].clone();
                second["item"] = 2.into();
                second["licences"][0]["number"] = export_number(b).into();
                declaration["items"].as_array_mut().unwrap().push(second);
                let node = &nodes[(client + n) as usize % 3];
                let verification = node.verify(&declaration).await;
                // The same key at two nodes at once: one act, one reply.
                let other = &nodes[(client + n + 1) as usize % 3];
                let key = format!("key-{client}-{n}");
                let (one, two) = tokio::join!(
                    node.release(&verification, &key),
                    other.release(&verification, &key)
                );
                let (one, two) = (one.unwrap(), two.unwrap());
                assert_eq!(one.reply, two.reply);
                if was_released(&one) {
                    released[a as usize] += 1;
                    released[b as usize] += 1;
                }
            }
            released
        })
    });
    let mut released = [0_u64; LICENCES as usize];
    for client in clients.collect::<Vec<_>>() {
        for (sum, own) in released.iter_mut().zip(client.await.unwrap()) {
            *sum += own;
        }
    }
    for (n, released) in released.iter().enumerate() {
        let number = export_number(u32::try_from(n).unwrap());
        assert_eq!(nodes[1].consumed(&number).await, *released, "{number}");
        assert!(*released <= u64::from(ROUNDS));
        assert!(*released > u64::from(ROUNDS) - 4, "{number}: {released} of {ROUNDS}");
    }
    // What a session has counted is reported a little later.
    drop(Arc::into_inner(nodes).unwrap());
    std::thread::sleep(std::time::Duration::from_secs(1));
    let deadlocks = "SELECT deadlocks::text AS answer FROM pg_stat_database WHERE datname = 'hot'";
    assert_eq!(server.ask("postgres", deadlocks), "0");
    assert_verifies(&url);
}
