//! What a user would pick instead, each a server of its own. `bare`: an endpoint that parses the body
//! and answers 300 bytes, which is as fast as this framework on this machine can be. `rules`: the same
//! with the rules run on licences in memory, and nothing recorded. `rows`: what one would write first,
//! a pool of connections and one transaction a request, which reads the licences, judges and writes
//! verdict and record; no cache, no tamper-evident log.
use crate::client::Failed;
use crate::expected;
use crate::workload;
use actix_web::HttpResponse;
use actix_web::HttpServer;
use actix_web::dev::Server;
use actix_web::web;
use diesel::Connection;
use diesel::ExpressionMethods;
use diesel::QueryDsl;
use diesel::RunQueryDsl;
use diesel::connection::SimpleConnection;
use parking_lot::Condvar;
use parking_lot::Mutex;
use passavant::clock::Clock;
use passavant::clock::Ids;
use passavant::clock::SystemClock;
use passavant::clock::SystemIds;
use passavant::domain::Date;
use passavant::domain::Quantity;
use passavant::domain::licence::Drawn;
use passavant::domain::licence::Held;
use passavant::domain::licence::Standing;
use passavant::domain::licence::Status;
use passavant::domain::lists::Lists;
use passavant::rules::Case;
use passavant::rules::Facts;
use passavant::rules::case::LicenceFact;
use passavant::rules::case::Lookup;
use passavant::wire;
use passavant::wire::verification::AsOf;
use passavant::wire::verification::LicenceVersion;
use passavant::wire::verification::Verification;
use passavant::wire::verification::VerificationBody;
use passavant::wire::verification::VerificationRequest;
use std::path::Path;
use std::sync::Arc;

/// Which server.
#[derive(Debug, Clone, clap::Args)]
pub struct Serve {
    /// `bare`, `rules` or `rows`.
    kind: String,
    /// For `rows`: `sqlite:FILE` or `postgres://...`; emptied and filled first.
    #[arg(long, default_value = "")]
    rows_in: String,
    /// Connections to the database.
    #[arg(long, default_value_t = 4)]
    pool: usize,
}

/// Runs a server until it is told to stop.
pub fn serve(serve: &Serve, today: Date, pairs: u32, folder: &Path) -> Result<(), Failed> {
    let server = match serve.kind.as_str() {
        "bare" => listen(|config| {
            config.service(web::resource("/v1/verifications").route(web::post().to(bare)));
        })?,
        "rules" => {
            let shell = web::Data::new(Shell {
                facts: expected::facts(today, 0, true)?,
                lists: expected::lists()?,
            });
            listen(move |config| {
                config.app_data(shell.clone());
                config.service(web::resource("/v1/verifications").route(web::post().to(judged)));
            })?
        }
        "rows" => {
            let url = if serve.rows_in.is_empty() {
                std::fs::create_dir_all(folder)?;
                format!("sqlite:{}", folder.join("rows.db").display())
            } else {
                serve.rows_in.clone()
            };
            let rows = web::Data::new(Rows::open(&url, serve.pool, today, pairs)?);
            listen(move |config| {
                config.app_data(rows.clone());
                config.service(web::resource("/v1/verifications").route(web::post().to(recorded)));
            })?
        }
        other => return Err(format!("{other} is not a server").into()),
    };
    actix_web::rt::System::new().block_on(server)?;
    Ok(())
}

fn listen(
    configure: impl Fn(&mut web::ServiceConfig) + Clone + Send + 'static,
) -> Result<Server, Failed> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let server = HttpServer::new(move || actix_web::App::new().configure(configure.clone()))
        .workers(std::thread::available_parallelism().map_or(1, usize::from))
        .listen(listener)?
        .run();
    println!("listens on {address}");
    Ok(server)
}

/// 300 bytes that begin like a verdict.
async fn bare(request: web::Json<VerificationRequest>) -> HttpResponse {
    let items = request.declaration.as_ref().map_or(0, |declaration| declaration.items.len());
    let head = format!(
        "{{\"id\":\"00000000-0000-0000-0000-000000000000\",\"verdict\":\"none\",\"items\":{items},\"rest\":\""
    );
    let body = format!("{head}{:-<width$}\"}}", "", width = 298 - head.len());
    HttpResponse::Created().content_type("application/json").body(body)
}

struct Shell {
    facts: Facts,
    lists: Lists,
}

/// The licences are those of pair 0 under the numbers that the declaration quotes.
async fn judged(
    body: web::Bytes,
    shell: web::Data<Shell>,
) -> Result<HttpResponse, actix_web::Error> {
    let declaration = read(&body).map_err(actix_web::error::ErrorBadRequest)?;
    let mut facts = shell.facts.clone();
    for (fact, number) in facts.licences.iter_mut().zip(declaration.licence_numbers()) {
        fact.number = number;
    }
    let reply = reply(&declaration, &facts, &shell.lists)?;
    Ok(HttpResponse::Created().content_type("application/json").body(reply.1))
}

fn read(body: &[u8]) -> Result<passavant::domain::declaration::Declaration, Failed> {
    let body: VerificationBody = serde_json::from_slice(body)?;
    let text = body.declaration().map_err(|errors| format!("{errors:?}"))?;
    expected::declaration(text.as_bytes())
}

fn reply(
    declaration: &passavant::domain::declaration::Declaration,
    facts: &Facts,
    lists: &Lists,
) -> Result<(String, String, uuid::Uuid), actix_web::Error> {
    let now = SystemClock.now();
    let verdict = passavant::rules::evaluate(&Case::new(declaration, facts, lists, now));
    let id = SystemIds.uuid(now);
    let versions = facts.licences.iter().filter_map(|fact| match &fact.lookup {
        Lookup::Held(held) => {
            Some(LicenceVersion { number: fact.number.to_string(), version: held.licence.version })
        }
        Lookup::NotFound | Lookup::Unavailable => None,
    });
    let as_of = AsOf { data_age_ms: Some(0), licences: versions.collect(), offline: None };
    let reply = Verification::new(
        id.to_string(),
        &declaration.reference.value,
        &verdict,
        as_of,
        &lists.edition,
        now,
    );
    Ok((verdict.outcome.as_str().to_owned(), serde_json::to_string(&reply)?, id))
}

#[derive(diesel::MultiConnection)]
enum Any {
    Lite(diesel::SqliteConnection),
    Postgres(diesel::PgConnection),
}

diesel::table! {
    rows_licence (number) {
        number -> Text,
        status -> Text,
        version -> BigInt,
        body -> Text,
    }
}
diesel::table! {
    rows_line (number, line) {
        number -> Text,
        line -> BigInt,
        reserved -> BigInt,
        consumed -> BigInt,
    }
}
diesel::table! {
    rows_verification (id) {
        id -> Binary,
        outcome -> Text,
        declaration -> Text,
        reply -> Text,
        at_us -> BigInt,
    }
}
diesel::table! {
    rows_audit (verification) {
        verification -> Binary,
        actor -> Text,
        entry -> Text,
        at_us -> BigInt,
    }
}

const TABLES: &str = "DROP TABLE IF EXISTS rows_audit; DROP TABLE IF EXISTS rows_verification; \
    DROP TABLE IF EXISTS rows_line; DROP TABLE IF EXISTS rows_licence; \
    CREATE TABLE rows_licence (number TEXT PRIMARY KEY, status TEXT NOT NULL, version BIGINT NOT NULL, body TEXT NOT NULL); \
    CREATE TABLE rows_line (number TEXT NOT NULL, line BIGINT NOT NULL, reserved BIGINT NOT NULL, consumed BIGINT NOT NULL, PRIMARY KEY (number, line)); \
    CREATE TABLE rows_verification (id BYTES PRIMARY KEY, outcome TEXT NOT NULL, declaration TEXT NOT NULL, reply TEXT NOT NULL, at_us BIGINT NOT NULL); \
    CREATE TABLE rows_audit (verification BYTES PRIMARY KEY, actor TEXT NOT NULL, entry TEXT NOT NULL, at_us BIGINT NOT NULL);";

struct Rows {
    free: Mutex<Vec<Any>>,
    freed: Condvar,
    lists: Lists,
}

fn connect(url: &str) -> Result<Any, Failed> {
    let Some(file) = url.strip_prefix("sqlite:") else {
        return Ok(Any::Postgres(diesel::PgConnection::establish(url)?));
    };
    let mut lite = diesel::SqliteConnection::establish(file)?;
    lite.batch_execute("PRAGMA busy_timeout=5000; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;")?;
    Ok(Any::Lite(lite))
}

impl Rows {
    fn open(url: &str, pool: usize, today: Date, pairs: u32) -> Result<Self, Failed> {
        let mut db = connect(url)?;
        let bytes = if url.starts_with("sqlite:") { "BLOB" } else { "BYTEA" };
        db.batch_execute(&TABLES.replace("BYTES", bytes))?;
        db.transaction(|db| {
            for number in 0..pairs {
                for document in workload::pair(today, number) {
                    insert_licence(db, &document)?;
                }
            }
            Ok::<_, Failed>(())
        })?;
        let free = (0..pool.max(1)).map(|_| connect(url)).collect::<Result<_, _>>()?;
        Ok(Self { free: Mutex::new(free), freed: Condvar::new(), lists: expected::lists()? })
    }

    fn with<T>(&self, work: impl FnOnce(&mut Any) -> T) -> T {
        let mut free = self.free.lock();
        let mut db = loop {
            match free.pop() {
                Some(db) => break db,
                None => self.freed.wait(&mut free),
            }
        };
        drop(free);
        let done = work(&mut db);
        self.free.lock().push(db);
        self.freed.notify_one();
        done
    }
}

fn insert_licence(db: &mut Any, document: &serde_json::Value) -> Result<(), Failed> {
    let number = document["number"].as_str().ok_or("a number")?;
    diesel::insert_into(rows_licence::table)
        .values((
            rows_licence::number.eq(number),
            rows_licence::status.eq("active"),
            rows_licence::version.eq(1),
            rows_licence::body.eq(document.to_string()),
        ))
        .execute(db)?;
    for line in document["lines"].as_array().ok_or("lines")? {
        diesel::insert_into(rows_line::table)
            .values((
                rows_line::number.eq(number),
                rows_line::line.eq(line["line"].as_i64().ok_or("a line")?),
                rows_line::reserved.eq(0),
                rows_line::consumed.eq(0),
            ))
            .execute(db)?;
    }
    Ok(())
}

async fn recorded(
    body: web::Bytes,
    rows: web::Data<Rows>,
) -> Result<HttpResponse, actix_web::Error> {
    let done = web::block(move || {
        let text = std::str::from_utf8(&body)?;
        let declaration = read(&body)?;
        rows.with(|db| one_transaction(db, &declaration, text, &rows.lists))
    })
    .await?;
    let reply = done.map_err(actix_web::error::ErrorInternalServerError)?;
    Ok(HttpResponse::Created().content_type("application/json").body(reply))
}

fn one_transaction(
    db: &mut Any,
    declaration: &passavant::domain::declaration::Declaration,
    text: &str,
    lists: &Lists,
) -> Result<String, Failed> {
    let work = |db: &mut Any| {
        let numbers = declaration.licence_numbers();
        let mut facts = Facts { data_age_ms: Some(0), history_available: true, ..Facts::default() };
        for number in numbers {
            let lookup = look_up(db, &number)?;
            facts.licences.push(LicenceFact { number, lookup });
        }
        let (outcome, reply, id) =
            reply(declaration, &facts, lists).map_err(|error| error.to_string())?;
        let at_us = SystemClock.now().as_microsecond();
        diesel::insert_into(rows_verification::table)
            .values((
                rows_verification::id.eq(id.as_bytes().to_vec()),
                rows_verification::outcome.eq(&outcome),
                rows_verification::declaration.eq(text),
                rows_verification::reply.eq(&reply),
                rows_verification::at_us.eq(at_us),
            ))
            .execute(db)?;
        let entry = serde_json::json!({"verification": id.to_string(), "verdict": outcome, "reference": declaration.reference.value.as_str()});
        diesel::insert_into(rows_audit::table)
            .values((
                rows_audit::verification.eq(id.as_bytes().to_vec()),
                rows_audit::actor.eq("officer"),
                rows_audit::entry.eq(entry.to_string()),
                rows_audit::at_us.eq(at_us),
            ))
            .execute(db)?;
        Ok(reply)
    };
    match db {
        Any::Lite(_) => {
            // The write lock from the beginning, or SQLite refuses to raise a read to a write.
            db.batch_execute("BEGIN IMMEDIATE")?;
            let done = work(db);
            db.batch_execute(if done.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
            done
        }
        Any::Postgres(_) => db.transaction(work),
    }
}

fn look_up(db: &mut Any, number: &str) -> Result<Lookup, Failed> {
    use diesel::OptionalExtension;
    let row: Option<(String, i64, String)> = rows_licence::table
        .find(number)
        .select((rows_licence::status, rows_licence::version, rows_licence::body))
        .first(db)
        .optional()?;
    let Some((status, version, body)) = row else { return Ok(Lookup::NotFound) };
    let lines: Vec<(i64, i64, i64)> = rows_line::table
        .filter(rows_line::number.eq(number))
        .select((rows_line::line, rows_line::reserved, rows_line::consumed))
        .load(db)?;
    let sent: wire::licence::Licence = serde_json::from_str(&body)?;
    let licence = sent.read(u32::try_from(version)?, "").map_err(|errors| format!("{errors:?}"))?;
    let drawn = lines.into_iter().map(|(line, reserved, consumed)| {
        Some(Drawn {
            line: u32::try_from(line).ok()?,
            reserved: Quantity::from_micros(reserved)?,
            consumed: Quantity::from_micros(consumed)?,
        })
    });
    let standing = Standing {
        status: Status::parse(&status).ok_or("a status")?,
        shipments: 0,
        decisions: 0,
        drawn: drawn.collect::<Option<_>>().ok_or("a balance")?,
    };
    Ok(Lookup::Held(Held { licence: Arc::new(licence), standing }))
}
