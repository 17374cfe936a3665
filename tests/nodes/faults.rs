//! What can go wrong at the database: stopped, slow, connections cut in the middle, disk full. The
//! service says 503 and when to come again, is not ready, writes nothing by halves, and goes on by
//! itself once it can.
use super::node::*;
use super::process::*;
use super::proxy::Proxy;
use super::server::Pg;
use super::server::session;
use super::support::say;
use diesel::connection::SimpleConnection;
use serde_json::json;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

const ORIGIN: &str = "passavant.example/faults";

async fn serve(url: &str) -> (TempDir, Process) {
    let dir = TempDir::new().unwrap();
    prepare(dir.path(), url, ORIGIN);
    let node = Process::start(dir.path());
    issue_sample(&node.api).await;
    (dir, node)
}

async fn ready(node: &Process, within: u64) -> Duration {
    until(Duration::from_secs(within), "it is ready", async || node.status("/readyz").await == 200)
        .await
}

async fn unready(node: &Process, within: u64) -> Duration {
    let took = until(Duration::from_secs(within), "it is not ready", async || {
        node.status("/readyz").await == 503
    })
    .await;
    assert_eq!(node.status("/healthz").await, 200, "the process itself is well");
    took
}

async fn more(clients: &Clients, count: usize) {
    let before = clients.releases();
    until(Duration::from_mins(1), "it goes on", async || clients.releases() >= before + count)
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stops_and_starts_again_costs_nothing_but_time() {
    let Some(mut server) = Pg::start(&[]) else { return };
    let url = server.database("stopped");
    let (_dir, node) = serve(&url).await;
    let clients = Clients::start(&[&node], 4, "FR");
    for mode in ["immediate", "fast"] {
        more(&clients, 20).await;
        let refused = clients.refused();
        server.stop(mode);
        let noticed = unready(&node, 8).await;
        until(Duration::from_secs(20), "503", async || clients.refused() > refused).await;
        server.run();
        let back = ready(&node, 20).await;
        say(&format!(
            "stopped ({mode}): not ready after {noticed:?}, ready {back:?} after its start"
        ));
        more(&clients, 20).await;
    }
    let told = clients.finish().await;
    assert_told_is_kept(&url, &told);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_slow_or_silent_keeps_nobody_waiting_for_long() {
    let Some(server) = Pg::start(&["fsync=off"]) else { return };
    let url = server.database("slow");
    let proxy = Proxy::before(server.port);
    let (_dir, node) = serve(&url.replace(&server.port.to_string(), &proxy.port.to_string())).await;
    let clients = Clients::start(&[&node], 4, "FR");
    // A lock that another session holds on what every batch writes.
    more(&clients, 20).await;
    let refused = clients.refused();
    let mut holder = session(&url);
    holder.batch_execute("BEGIN; LOCK TABLE log_entry IN ACCESS EXCLUSIVE MODE").unwrap();
    until(Duration::from_secs(20), "503", async || clients.refused() > refused + 3).await;
    unready(&node, 10).await;
    holder.batch_execute("ROLLBACK").unwrap();
    more(&clients, 20).await;
    ready(&node, 20).await;
    // Bytes that go nowhere.
    let refused = clients.refused();
    proxy.stall();
    let noticed = unready(&node, 8).await;
    until(Duration::from_secs(20), "503", async || clients.refused() > refused + 3).await;
    proxy.restore();
    let back = ready(&node, 20).await;
    more(&clients, 20).await;
    let told = clients.finish().await;
    say(&format!(
        "silent: not ready after {noticed:?}, ready {back:?} after it spoke again; nobody waited longer than {:?}",
        told.outage
    ));
    assert_told_is_kept(&url, &told);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_cut_in_the_middle_leave_nothing_half_written() {
    let Some(server) = Pg::start(&["fsync=off"]) else { return };
    let url = server.database("torn");
    let proxy = Proxy::before(server.port);
    let (_dir, node) = serve(&url.replace(&server.port.to_string(), &proxy.port.to_string())).await;
    let clients = Clients::start(&[&node], 6, "FR");
    for n in 0..16 {
        more(&clients, 5).await;
        tokio::time::sleep(Duration::from_millis(n * 7 % 50)).await;
        if n % 2 == 0 {
            proxy.cut();
            tokio::time::sleep(Duration::from_millis(30)).await;
            proxy.restore();
        } else {
            let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                       WHERE datname = 'torn' AND pid <> pg_backend_pid()";
            server.execute("postgres", end);
        }
    }
    more(&clients, 20).await;
    let told = clients.finish().await;
    say(&format!(
        "cut 16 times: {} releases acknowledged, {} requests asked again, none lost, none doubled",
        told.releases.len(),
        told.unanswered
    ));
    ready(&node, 20).await;
    assert_told_is_kept(&url, &told);
}

/// A place with little room: a file system of its own where the tests may mount one, else none.
struct Room {
    path: PathBuf,
    mounted: bool,
    _dir: TempDir,
}

impl Room {
    fn of(mebibytes: u32) -> Self {
        let dir = super::support::postgres::folder();
        let path = dir.path().join("room");
        std::fs::create_dir(&path).unwrap();
        let size = format!("size={mebibytes}m,mode=0777");
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(&path)
            .stderr(std::process::Stdio::null())
            .status();
        let mounted = mount.is_ok_and(|status| status.success());
        let owner = std::fs::metadata(dir.path()).unwrap();
        std::os::unix::fs::chown(&path, Some(owner.uid()), Some(owner.gid())).unwrap();
        Self { path, mounted, _dir: dir }
    }

    /// Takes all the room that is left.
    fn fill(&self) {
        let mut filler = std::fs::File::create(self.path.join("filler")).unwrap();
        while filler.write_all(&[0; 4096]).is_ok() {}
    }

    fn empty(&self) {
        std::fs::remove_file(self.path.join("filler")).unwrap();
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if self.mounted {
            let _ = Command::new("umount").arg("-l").arg(&self.path).status();
        }
    }
}

/// Lets processes write no file beyond a size, or any again.
fn limit_files(pids: &[String], bytes: Option<u64>) {
    let limit = bytes.map_or("unlimited".to_owned(), |bytes| bytes.to_string());
    for pid in pids {
        let _ = Command::new("prlimit").args(["--pid", pid, &format!("--fsize={limit}:")]).status();
    }
}

fn children(pid: u32) -> Vec<String> {
    let path = format!("/proc/{pid}/task/{pid}/children");
    let children = std::fs::read_to_string(path).unwrap_or_default();
    let own = std::iter::once(pid.to_string());
    own.chain(children.split_whitespace().map(str::to_owned)).collect()
}

/// The largest file in a folder and below.
fn largest(dir: &Path) -> u64 {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(of) if of.is_dir() => largest(&entry.path()),
        Ok(of) => of.len(),
        Err(_) => 0,
    });
    sizes.max().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_whose_disk_is_full_is_waited_for() {
    let Some(server) = Pg::start(&["fsync=off"]) else { return };
    let room = Room::of(64);
    let mut url = format!("{}/full", server.url());
    if room.mounted {
        server.execute(
            "postgres",
            &format!("CREATE TABLESPACE small LOCATION '{}'", room.path.display()),
        );
        server.execute("postgres", "CREATE DATABASE full_one TABLESPACE small");
        url = format!("{}/full_one", server.url());
        super::support::postgres::migrate(&url);
    } else {
        server.database("full");
    }
    let (_dir, node) = serve(&url).await;
    let clients = Clients::start(&[&node], 4, "FR");
    more(&clients, 20).await;
    let refused = clients.refused();
    if room.mounted {
        room.fill();
    } else {
        // Nothing may be mounted here: the server's processes may then not let a file grow.
        limit_files(&children(server.pid()), Some(64 * 1024));
    }
    until(Duration::from_mins(1), "503", async || clients.refused() > refused + 10).await;
    unready(&node, 20).await;
    assert!(server.log().contains("could not extend file"), "{}", server.log());
    if room.mounted {
        room.empty();
    } else {
        limit_files(&children(server.pid()), None);
    }
    let back = ready(&node, 20).await;
    more(&clients, 20).await;
    let told = clients.finish().await;
    say(&format!(
        "the server's disk full ({}): ready {back:?} after there was room again",
        if room.mounted { "a tablespace of 64 MiB" } else { "a limit of size on its files" }
    ));
    assert_told_is_kept(&url, &told);
    drop(node);
    drop(server);
}

/// Has a node verify under other references until it cannot record that, and insists that it goes on saying so while
/// nobody asks it to record anything.
async fn stays_unready(node: &Process) {
    let declaration = |n: u32| json!({"declaration": cartridges(&format!("FULL-{n}"), 1, EXPORT)});
    let mut numbers = 0..10_000;
    loop {
        let sent = http().post(format!("{}/v1/verifications", node.api));
        let body = declaration(numbers.next().unwrap());
        let sent = sent.bearer_auth(token("FR", "officer")).json(&body).send().await.unwrap();
        if sent.status().as_u16() == 503 {
            break;
        }
    }
    for _ in 0..30 {
        assert_eq!(node.status("/readyz").await, 503, "nothing can be recorded yet");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_on_a_full_disk_is_not_ready_before_there_is_room() {
    let room = Room::of(16);
    if !room.mounted {
        say("a full disk between two acts: not tried, for nothing may be mounted here");
        return;
    }
    let (_dir, node) = serve(&format!("sqlite://{}/passavant.db", room.path.display())).await;
    room.fill();
    stays_unready(&node).await;
    room.empty();
    ready(&node, 20).await;
    drop(node);
    let Some(server) = Pg::start(&["fsync=off"]) else { return };
    let room = Room::of(64);
    let place = format!("CREATE TABLESPACE narrow LOCATION '{}'", room.path.display());
    server.execute("postgres", &place);
    server.execute("postgres", "CREATE DATABASE narrow_one TABLESPACE narrow");
    let url = format!("{}/narrow_one", server.url());
    super::support::postgres::migrate(&url);
    let (_dir, node) = serve(&url).await;
    room.fill();
    stays_unready(&node).await;
    room.empty();
    ready(&node, 20).await;
    drop(node);
    drop(server);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_embedded_database_whose_disk_is_full_is_waited_for() {
    let room = Room::of(64);
    let file = room.path.join("passavant.db");
    let url = format!("sqlite://{}", file.display());
    let (_dir, node) = serve(&url).await;
    let clients = Clients::start(&[&node], 4, "FR");
    more(&clients, 20).await;
    let refused = clients.refused();
    if room.mounted {
        room.fill();
    } else {
        limit_files(&[node.pid().to_string()], Some(largest(&room.path)));
    }
    until(Duration::from_mins(1), "503", async || clients.refused() > refused + 10).await;
    unready(&node, 20).await;
    if room.mounted {
        room.empty();
    } else {
        limit_files(&[node.pid().to_string()], None);
    }
    let back = ready(&node, 20).await;
    more(&clients, 20).await;
    let told = clients.finish().await;
    say(&format!(
        "the disk of the embedded database full ({}): ready {back:?} after there was room again",
        if room.mounted { "a file system of 64 MiB" } else { "a limit of size on its files" }
    ));
    drop(node);
    assert_told_is_kept(&url, &told);
}
