//! Many clients on few and on many licences, at one node or several, with another key for the same
//! shipment and with retries; and then the sum of what they were told against what is written down.
use super::node::Node;
use super::node::assert_verifies;
use super::node::cartridges;
use super::node::export_licences;
use super::node::export_number;
use super::node::import_licence;
use super::node::was_released;
use super::server::ask;
use futures_util::future::join_all;
use passavant::app::Error;
use passavant::app::recorder::Recorded;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

/// How large a campaign is.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Release attempts.
    pub attempts: u32,
    /// Clients at once.
    pub clients: u32,
    /// Licences that two of three shipments draw on.
    pub hot: u32,
    /// Licences for the rest.
    pub cold: u32,
}

/// Attempts for one shipment: two keys at two nodes at once, and the first key again at a third.
const ATTEMPTS_EACH: u32 = 3;

/// What happened.
#[derive(Debug, Default)]
pub struct Outcome {
    pub attempts: u64,
    pub released: u64,
    pub refused: u64,
    /// Attempts that were answered 503 and made again under the same key.
    pub again: u64,
    pub took: Duration,
    /// Rounds released by licence, as the clients were told.
    drawn: HashMap<String, u64>,
}

impl Outcome {
    fn add(mut self, other: Self) -> Self {
        self.attempts += other.attempts;
        self.released += other.released;
        self.refused += other.refused;
        self.again += other.again;
        for (licence, rounds) in other.drawn {
            *self.drawn.entry(licence).or_default() += rounds;
        }
        self
    }

    /// What there is to say of it.
    pub fn report(&self) -> String {
        format!(
            "{} release attempts in {:.1} s: {} released, {} refused, {} made again; every sum agrees",
            self.attempts,
            self.took.as_secs_f64(),
            self.released,
            self.refused,
            self.again
        )
    }
}

/// Rounds authorised: hot licences are used up half-way, cold ones never.
fn authorised(size: &Size) -> (u32, u32) {
    let shipments = size.attempts / ATTEMPTS_EACH;
    ((shipments / 3 / size.hot).max(1), shipments.max(1) * 3)
}

/// Runs a campaign over nodes of one database and insists on every sum.
pub async fn run(nodes: Vec<Node>, url: &str, size: Size) -> Outcome {
    let (hot, cold) = authorised(&size);
    nodes[0].issue(&import_licence()).await;
    let mut licences = export_licences(size.hot + size.cold, cold);
    for licence in licences.iter_mut().take(size.hot as usize) {
        licence["lines"][1]["quantity"] = hot.to_string().into();
    }
    nodes[0].import(licences).await;
    let began = Instant::now();
    let (nodes, next) = (Arc::new(nodes), Arc::new(AtomicU32::new(0)));
    let clients = (0..size.clients).map(|_| {
        let (nodes, next) = (Arc::clone(&nodes), Arc::clone(&next));
        tokio::spawn(async move {
            let mut outcome = Outcome::default();
            loop {
                let n = next.fetch_add(1, Ordering::SeqCst);
                if n >= size.attempts.div_ceil(ATTEMPTS_EACH) {
                    return outcome;
                }
                ship(&nodes, &size, n, &mut outcome).await;
            }
        })
    });
    let outcomes = join_all(clients.collect::<Vec<_>>()).await;
    let outcomes = outcomes.into_iter().map(Result::unwrap);
    let mut outcome = outcomes.fold(Outcome::default(), Outcome::add);
    outcome.took = began.elapsed();
    for node in Arc::into_inner(nodes).unwrap() {
        node.close().await;
    }
    assert_sums(url, &size, &outcome);
    assert_verifies(url);
    outcome
}

/// One shipment: a verification at one node, and releases of it at all of them.
async fn ship(nodes: &[Node], size: &Size, n: u32, outcome: &mut Outcome) {
    let licence = if n % 3 == 2 { size.hot + n / 3 % size.cold } else { n / 3 % size.hot };
    let (number, rounds) = (export_number(licence), 1 + n % 2);
    let node = |offset: u32| &nodes[((n + offset) as usize) % nodes.len()];
    let declaration = cartridges(&format!("FR-{n}"), rounds, &number);
    let verification = loop {
        match node(0).try_verify(&declaration).await {
            Ok(verification) => break verification,
            Err(error) => pause(&error, outcome).await,
        }
    };
    let (first, second) = (format!("a-{n}"), format!("b-{n}"));
    let (mut here, mut there) = (Outcome::default(), Outcome::default());
    let (one, other) = tokio::join!(
        settle(node(0), &verification, &first, &mut here),
        settle(node(1), &verification, &second, &mut there)
    );
    let again = settle(node(2), &verification, &first, outcome).await;
    assert_eq!(one.reply, again.reply, "one key, one reply");
    outcome.again += here.again + there.again;
    outcome.attempts += u64::from(ATTEMPTS_EACH);
    let released = u32::from(was_released(&one)) + u32::from(was_released(&other));
    assert!(released <= 1, "one shipment, one release: {} {}", one.reply, other.reply);
    outcome.released += u64::from(released);
    outcome.refused += u64::from(2 - released);
    *outcome.drawn.entry(number).or_default() += u64::from(released * rounds);
}

async fn settle(node: &Node, verification: &Value, key: &str, outcome: &mut Outcome) -> Recorded {
    loop {
        match node.release(verification, key).await {
            Ok(recorded) => return recorded,
            Err(error) => pause(&error, outcome).await,
        }
    }
}

async fn pause(error: &Error, outcome: &mut Outcome) {
    assert!(matches!(error, Error::Unavailable(_) | Error::Storage(_)), "{error}");
    outcome.again += 1;
    tokio::time::sleep(Duration::from_millis(20)).await;
}

/// What the clients were told, the releases that stand, the ledger and the balances are one sum, and
/// none is beyond what was authorised.
fn assert_sums(url: &str, size: &Size, outcome: &Outcome) {
    let number = |sql: &str| ask(url, sql).unwrap().parse::<u64>().unwrap();
    let told: u64 = outcome.drawn.values().sum();
    let drawn = "SELECT CAST(COALESCE(SUM(d.drawn), 0) / 1000000 AS TEXT) AS answer FROM release_draw d \
                 JOIN release r ON r.id = d.release_id WHERE r.status = 'released'";
    let ledger =
        "SELECT CAST(COALESCE(SUM(consumed_change), 0) / 1000000 AS TEXT) AS answer FROM ledger";
    let balances =
        "SELECT CAST(COALESCE(SUM(consumed), 0) / 1000000 AS TEXT) AS answer FROM licence_line";
    let whole =
        |sql: &str| ask(url, sql).unwrap().split('.').next().unwrap().parse::<u64>().unwrap();
    assert_eq!((whole(drawn), whole(ledger), whole(balances)), (told, told, told));
    let over = "SELECT CAST(COUNT(*) AS TEXT) AS answer FROM (SELECT d.licence_id, d.line FROM release_draw d \
                JOIN release r ON r.id = d.release_id WHERE r.status = 'released' GROUP BY d.licence_id, d.line \
                HAVING SUM(d.drawn) > (SELECT authorised FROM licence_line l \
                WHERE l.licence_id = d.licence_id AND l.line = d.line)) AS beyond";
    assert_eq!(number(over), 0, "licences released beyond what was authorised");
    let releases = "SELECT CAST(COUNT(*) AS TEXT) AS answer FROM release";
    assert_eq!(number(releases), outcome.released);
    // Each licence for itself, and the hot ones used to the last round or the last but one.
    let (hot, _) = authorised(size);
    for n in 0..size.hot + size.cold.min(50) {
        let licence = export_number(n);
        let consumed = whole(&format!(
            "SELECT CAST(consumed / 1000000 AS TEXT) AS answer FROM licence_line JOIN licence \
             ON licence.id = licence_id WHERE number = '{licence}' AND line = 2"
        ));
        assert_eq!(consumed, outcome.drawn.get(&licence).copied().unwrap_or_default(), "{licence}");
        if n < size.hot {
            let left = u64::from(hot).checked_sub(consumed).unwrap();
            assert!(left <= 1, "{licence}: {left} left of {hot}");
        }
    }
}
