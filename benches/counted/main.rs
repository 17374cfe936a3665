//! A fixed amount of work to be counted in instructions, which a busy machine does not change:
//! `benches/counted/count` runs it under callgrind and compares with `benches/counted/reference`.
//! Only what happens inside [`engine`] and [`verify_path`] is counted.
#![expect(
    clippy::float_arithmetic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a measurement stops where its data are wrong, and says what it did"
)]

#[expect(dead_code, reason = "the load generator uses the rest")]
#[path = "../load/expected.rs"]
mod expected;
#[expect(dead_code, reason = "the load generator uses the rest")]
#[path = "../load/random.rs"]
mod random;
#[expect(dead_code, reason = "the load generator uses the rest")]
#[path = "../load/workload.rs"]
mod workload;

/// What the modules of the load generator name.
mod client {
    /// What went wrong.
    pub type Failed = Box<dyn std::error::Error + Send + Sync>;
}

use client::Failed;
use passavant::app::Caller;
use passavant::app::Role;
use passavant::app::judge;
use passavant::app::judge::Presented;
use passavant::app::judge::Question;
use passavant::cache::Cache;
use passavant::domain::Country;
use passavant::domain::Timestamp;
use passavant::domain::declaration::Declaration;
use passavant::domain::licence::Held;
use passavant::domain::lists::Lists;
use passavant::rules::Case;
use passavant::rules::Facts;
use passavant::rules::case::LicenceFact;
use passavant::rules::case::Lookup;
use passavant::wire::verification::only_declaration;
use std::hint::black_box;
use std::num::NonZeroUsize;
use std::time::Instant;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How often each is done.
const TIMES: u32 = 2000;

/// One verdict by all rules on a declaration of six items.
#[inline(never)]
fn engine(declaration: &Declaration, facts: &Facts, lists: &Lists, now: Timestamp) -> usize {
    black_box(passavant::rules::evaluate(&Case::new(declaration, facts, lists, now))).items.len()
}

/// From the bytes of a request to everything that is recorded of it, but for the database.
#[inline(never)]
fn verify_path(
    body: &[u8],
    cache: &Cache,
    caller: &Caller,
    lists: &Lists,
    now: Timestamp,
) -> Result<usize, Failed> {
    let body = String::from_utf8(body.to_vec())?;
    let declaration = only_declaration(&body).ok_or("no declaration")?;
    let presented = Presented::read(declaration.to_owned(), "/declaration")?;
    let mut facts = Facts { data_age_ms: Some(0), history_available: true, ..Facts::default() };
    for number in presented.declaration.licence_numbers() {
        let lookup = cache.get(&number).map_or(Lookup::NotFound, Lookup::Held);
        facts.licences.push(LicenceFact { number, lookup });
    }
    let judged = judge::judge(&Question {
        kind: "verification",
        preclearance: None,
        state: caller.state,
        id: uuid::Uuid::from_u128(1),
        nonce: [7; 16],
        now,
        caller,
        presented: &presented,
        facts: &facts,
        lists,
    })?;
    let reply = judge::with_audit(&judged.reply, "passavant.example/count", 1);
    Ok(black_box(judged.row.record.len() + reply.len()))
}

fn kept(held: &[Held]) -> Cache {
    let cache = Cache::new(NonZeroUsize::MIN.saturating_add(9999));
    for held in held {
        cache.keep(cache.ticket(&held.licence.number), held);
    }
    cache
}

fn main() -> Result<(), Failed> {
    let today = "2026-11-24".parse()?;
    let now: Timestamp = "2026-11-24T12:00:00Z".parse()?;
    let bodies = workload::bodies(today, 0);
    let body = bodies.first().ok_or("no declaration")?;
    let (declaration, facts) =
        (expected::declaration(&body.declaration(0))?, expected::facts(today, 0, true)?);
    let lists = expected::lists()?;
    let held =
        workload::pair(today, 0).iter().map(expected::held).collect::<Result<Vec<_>, _>>()?;
    let cache = kept(&held);
    println!("cached licence {} bytes", cache.bytes() / 2);
    let caller = Caller {
        issuer: "https://login.example/FR".into(),
        subject: "officer-1".into(),
        state: Country::parse("FR").map_err(|invalid| invalid.detail)?,
        role: Role::Officer,
        posts: Box::default(),
        operator: None,
    };
    let mut text = Vec::new();
    body.write(0, &mut text);
    let began = Instant::now();
    for _ in 0..TIMES {
        engine(black_box(&declaration), &facts, &lists, now);
    }
    let engine_took = began.elapsed() / TIMES;
    let (began, mut bytes) = (Instant::now(), 0);
    for _ in 0..TIMES {
        bytes = verify_path(black_box(&text), &cache, &caller, &lists, now)?;
    }
    let path_took = began.elapsed() / TIMES;
    println!("engine {engine_took:?}, verify path {path_took:?}, {bytes} bytes of entry and reply");
    Ok(())
}
