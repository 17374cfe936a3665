//! A database that somebody has written into behind the service's back: whatever row is altered, removed or
//! put in, `audit verify` names it.
use super::harness::*;
use super::support;
use passavant::app::audit_verify;
use passavant::storage;
use passavant::storage::Db;
use serde_json::Value;
use serde_json::json;

/// What a column holds, and so how it is altered.
#[derive(Clone, Copy)]
enum Holds {
    Text,
    Number,
    Bytes,
}
use Holds::Bytes;
use Holds::Number;
use Holds::Text;

/// A service's database with its register as it was left.
struct Register {
    db: Db,
    _service: Service,
}

impl Register {
    fn of(service: Service) -> Self {
        let settings = support::postgres::settings(&service.database_url);
        let db = storage::open(&settings, storage::Use::Write).unwrap();
        let mut register = Self { db, _service: service };
        assert_eq!(register.walked(), None, "as it was written, everything fits");
        register
    }

    fn walked(&mut self) -> Option<String> {
        let reports = audit_verify::verify(&mut self.db, |_, _| {}).unwrap();
        reports.into_iter().find_map(|report| report.fault)
    }

    /// What the walk says after statements, which are then undone.
    fn fault(&mut self, statements: &str) -> Option<String> {
        let mut fault = None;
        let undone = storage::transaction(&mut self.db, |db| {
            diesel::connection::SimpleConnection::batch_execute(db, statements)
                .unwrap_or_else(|error| panic!("{statements}: {error}"));
            let reports = audit_verify::verify(db, |_, _| {}).unwrap();
            fault = reports.into_iter().find_map(|report| report.fault);
            Err::<(), _>(storage::Error::Conflict("undone".to_owned()))
        });
        assert!(undone.is_err());
        fault
    }

    /// Insists that what statements alter is named in these words.
    fn names(&mut self, statements: &str, words: &[&str]) {
        let fault = self.fault(statements);
        let fault = fault.unwrap_or_else(|| panic!("not noticed: {statements}"));
        for word in words {
            assert!(fault.contains(word), "{statements}: {fault} does not say {word:?}");
        }
    }

    /// Alters each of some columns of one row by itself, and insists that it is named.
    fn each(&mut self, table: &str, row: &str, columns: &[(Holds, &str)], words: &[&str]) {
        for (holds, column) in columns {
            let other = match holds {
                Text => format!("coalesce({column}, '') || 'x'"),
                Number => format!("coalesce({column}, 0) + 1"),
                Bytes => bytes("0123456789abcdef0123456789abcdef"),
            };
            let statement = format!("UPDATE {table} SET {column} = {other} WHERE {row}");
            self.names(&statement, words);
        }
    }
}

/// Bytes in the words of the backend.
fn bytes(hex: &str) -> String {
    if support::on_postgres() { format!("'\\x{hex}'::bytea") } else { format!("x'{hex}'") }
}

/// An identifier in the words of the backend.
fn key(id: &Value) -> String {
    bytes(&id.as_str().unwrap().replace('-', ""))
}

async fn act(service: &Service, id: &Value, act: &str, token: &str, body: Value) -> Value {
    let path = format!("/v1/releases/{}/{act}", id.as_str().unwrap());
    let answer = service.post_once(&path, token, &format!("{act}-{id}"), &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()
}

async fn against(service: &Service, declaration: &Value, key: &str) -> Value {
    let verification = service.verify(declaration).await.json();
    let reason = json!({"reason": "the ship leaves at noon"});
    let body = json!({"verification": verification["id"], "override": reason});
    let asked = service.post_once("/v1/releases", &token("FR", "officer"), key, &body).await;
    assert_eq!(asked.status, 201, "{}", asked.text);
    asked.json()
}

/// Releases of every kind: amended, made and let stand, reversed, against the advice, and waiting for that.
struct Releases {
    amended: String,
    plain: String,
    reversed: String,
    confirmed: String,
    pending: String,
}

async fn releases() -> (Service, Releases) {
    let service = start();
    service.issue_sample().await;
    let officer = token("FR", "officer");
    let made = async |declaration: &Value, key: &str| {
        let answer = service.release(declaration, key).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.json()["id"].clone()
    };
    let amended = made(&sample("clear"), "a").await;
    let mut less = sample("clear");
    less["items"].as_array_mut().unwrap().pop();
    let body = json!({"declaration": less, "reason": "one left out"});
    act(&service, &amended, "amendment", &officer, body).await;
    let plain = made(&cartridges("FR-PLAIN", "10"), "b").await;
    let reversed = made(&cartridges("FR-REVERSED", "20"), "c").await;
    act(&service, &reversed, "reversal", &officer, json!({"reason": "not left"})).await;
    let confirmed = against(&service, &cartridges("FR-AGAINST", "60000"), "d").await["id"].clone();
    let second = token_of("FR", "officer", "officer-2");
    act(&service, &confirmed, "confirmation", &second, json!({"note": "seen"})).await;
    let pending = against(&service, &cartridges("FR-WAITS", "70000"), "e").await["id"].clone();
    let [amended, plain, reversed, confirmed, pending] =
        [amended, plain, reversed, confirmed, pending].map(|id| key(&id));
    (service, Releases { amended, plain, reversed, confirmed, pending })
}

/// What is kept of a release as it stands.
const RELEASE: [(Holds, &str); 14] = [
    (Bytes, "verification_id"),
    (Text, "state"),
    (Text, "border_post"),
    (Text, "status"),
    (Number, "version"),
    (Text, "reference_kind"),
    (Text, "reference"),
    (Bytes, "content_sha256"),
    (Text, "declaration"),
    (Text, "items"),
    (Text, "outward"),
    (Text, "states"),
    (Text, "caller"),
    (Number, "at_us"),
];
/// What is kept of each state in which one stood.
const VERSION: [(Holds, &str); 9] = [
    (Text, "change"),
    (Text, "status"),
    (Text, "reason"),
    (Text, "declaration"),
    (Text, "draws"),
    (Text, "actor"),
    (Number, "at_us"),
    (Number, "log_id"),
    (Number, "log_index"),
];

#[tokio::test]
async fn a_release_that_was_written_into_is_named() {
    let (service, of) = releases().await;
    let mut register = Register::of(service);
    for id in [&of.amended, &of.plain, &of.reversed, &of.confirmed, &of.pending] {
        register.each("release", &format!("id = {id}"), &RELEASE, &["release"]);
    }
    let plain = format!("id = {}", of.plain);
    register.each(
        "release",
        &plain,
        &RELEASE[1..3],
        &["entry ", "of release ", "is not what it records"],
    );
    for id in [&of.amended, &of.plain, &of.reversed, &of.confirmed, &of.pending] {
        let row = format!("release_id = {id} AND version = 1");
        register.each("release_version", &row, &VERSION, &["release"]);
    }
    for id in [&of.amended, &of.reversed, &of.confirmed] {
        let row = format!("release_id = {id} AND version = 2");
        register.each("release_version", &row, &VERSION, &["release"]);
        let gone = format!("DELETE FROM release_version WHERE {row}");
        register.names(&gone, &["version 2 of release", "which it records, is gone"]);
    }
    let reversed = format!("release_id = {}", of.reversed);
    // It is as though it had never been reversed, in every table alike.
    let back = format!(
        "DELETE FROM release_version WHERE {reversed} AND version = 2; \
         UPDATE release SET status = 'released', version = 1 WHERE id = {}",
        of.reversed
    );
    register.names(&back, &["entry ", "of release"]);
    let gone = format!(
        "DELETE FROM receipt_step WHERE receipt_id IN (SELECT id FROM receipt WHERE {reversed}); \
         DELETE FROM receipt WHERE {reversed}; DELETE FROM release_version WHERE {reversed}; \
         DELETE FROM release WHERE id = {}",
        of.reversed
    );
    register.names(&gone, &["entry ", "of release", "is gone"]);
    let new = bytes("0123456789abcdef0123456789abcdef");
    let columns = "verification_id, state, border_post, status, version, reference_kind, reference, \
                   content_sha256, declaration, items, outward, states, caller, at_us";
    let release = format!(
        "INSERT INTO release (id, {columns}) SELECT {new}, {columns} FROM release WHERE id = {};",
        of.plain
    );
    register
        .names(&release, &["release 01234567-89ab-cdef-0123-456789abcdef", "its history is not"]);
    let columns =
        "change, status, reason, declaration, draws, actor, at_us, log_id, log_index, version";
    let with_history = format!(
        "{release} INSERT INTO release_version (release_id, {columns}) \
         SELECT {new}, {columns} FROM release_version WHERE release_id = {}",
        of.plain
    );
    register.names(&with_history, &["01234567-89ab-cdef-0123-456789abcdef names entry"]);
}

#[tokio::test]
async fn what_releases_draw_and_move_is_what_they_recorded() {
    let (service, of) = releases().await;
    let mut register = Register::of(service);
    for id in [&of.amended, &of.plain, &of.confirmed] {
        let row = format!("release_id = {id}");
        let columns = [(Number, "item"), (Number, "line"), (Number, "drawn")];
        register.each("release_draw", &row, &columns, &["what release_draw holds of release"]);
        let gone = format!("DELETE FROM release_draw WHERE {row}");
        register.names(&gone, &["what release_draw holds of release"]);
    }
    let more = format!(
        "INSERT INTO release_draw (release_id, item, licence_id, line, drawn) \
         SELECT release_id, item + 9, licence_id, line, drawn FROM release_draw WHERE release_id = {}",
        of.plain
    );
    register.names(&more, &["what release_draw holds of release"]);
    let reversed = format!(
        "INSERT INTO release_draw (release_id, item, licence_id, line, drawn) \
         SELECT {}, item, licence_id, line, drawn FROM release_draw WHERE release_id = {}",
        of.reversed, of.plain
    );
    register.names(&reversed, &["what release_draw holds of release"]);
    let one = "(SELECT min(id) FROM serial_use)";
    let columns = [
        (Text, "serial"),
        (Text, "make"),
        (Text, "model"),
        (Text, "country"),
        (Text, "state"),
        (Text, "movement"),
        (Text, "licence"),
        (Number, "line"),
        (Number, "item"),
    ];
    let row = format!("id = {one}");
    register.each("serial_use", &row, &columns, &["what serial_use holds of release"]);
    register.each("serial_use", &row, &[(Bytes, "settled_by")], &["did not move it"]);
    register.names(&format!("DELETE FROM serial_use WHERE {row}"), &["what serial_use holds"]);
    let columns = "serial, make, model, country, state, movement, licence, line, item";
    for (id, words) in [
        (&of.plain, "what serial_use holds of release"),
        (&of.reversed, "what serial_use holds of release"),
    ] {
        let put_in = format!(
            "INSERT INTO serial_use (id, {columns}, release_id) \
             SELECT 4711, {columns}, {id} FROM serial_use WHERE {row}"
        );
        register.names(&put_in, &[words]);
    }
    let columns = [
        (Text, "reason"),
        (Text, "codes"),
        (Text, "caller"),
        (Number, "due_us"),
        (Text, "beyond"),
        (Text, "confirmed_by"),
        (Number, "confirmed_us"),
    ];
    for (id, columns) in [(&of.confirmed, &columns[..]), (&of.pending, &columns[..4])] {
        let row = format!("release_id = {id}");
        register.each("release_override", &row, columns, &["override"]);
        let gone = format!("DELETE FROM release_override WHERE {row}");
        register.names(&gone, &["the row of the override of release"]);
    }
}

#[tokio::test]
async fn a_balance_is_what_releases_that_stand_draw_whoever_rewrites_the_ledger() {
    let (service, of) = releases().await;
    let mut register = Register::of(service);
    let row = format!("release_id = {} AND kind = 'release'", of.plain);
    let columns = [
        (Text, "kind"),
        (Number, "authorised"),
        (Number, "reserved"),
        (Number, "consumed"),
        (Number, "consumed_change"),
        (Number, "reserved_change"),
        (Number, "line"),
        (Bytes, "release_id"),
        (Number, "at_us"),
    ];
    register.each("ledger", &row, &columns, &["licence ", " line ", "movement "]);
    register.names(&format!("DELETE FROM ledger WHERE {row}"), &["licence ", "movement "]);
    let columns =
        "licence_id, line, authorised, reserved, consumed, consumed_change, at_us, reserved_change";
    let put_in = format!(
        "INSERT INTO ledger (id, kind, {columns}) SELECT 99999, 'issue', {columns} FROM ledger \
         WHERE {row}"
    );
    register.names(&put_in, &["movement 99999 (issue)"]);
    let last = "UPDATE licence_line SET consumed = consumed - 1 WHERE consumed > 0";
    register.names(last, &["the ledger's last movement"]);
    // Ten rounds come back in the balance and in every movement from there on, which all follow from one another.
    let given_back = format!(
        "UPDATE ledger SET consumed = consumed - 10000000 WHERE id >= (SELECT id FROM ledger WHERE {row}) \
         AND (licence_id, line) IN (SELECT licence_id, line FROM ledger WHERE {row}); \
         UPDATE ledger SET consumed_change = 0 WHERE {row}; \
         UPDATE licence_line SET consumed = consumed - 10000000 WHERE (licence_id, line) IN \
         (SELECT licence_id, line FROM ledger WHERE {row});"
    );
    register.names(&given_back, &["licence FR-EXP-2026-000412", "is none by which release"]);
    // The same where the movement is taken out as well.
    let without = format!("{given_back} DELETE FROM ledger WHERE {row};");
    register.names(&without, &["the releases that stand draw"]);
    // And where what the release draws is rewritten with it.
    let all =
        format!("{given_back} UPDATE release_draw SET drawn = 0 WHERE release_id = {};", of.plain);
    register.names(&all, &["entry ", "what release_draw holds of release"]);
    register.names("UPDATE licence SET shipments = 0", &["it has had 0 shipments"]);
    register.names("UPDATE licence SET shipments = shipments + 9", &["shipments, and"]);
}
