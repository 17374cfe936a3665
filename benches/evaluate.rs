//! How long a verdict takes: a clear declaration of six items, each of two licences, by all rules.
//! `cargo bench --bench evaluate`.
#![expect(missing_docs, reason = "criterion's macros declare what has no documentation")]
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a benchmark stops where its data are wrong"
)]
use criterion::Criterion;
use criterion::criterion_group;
use criterion::criterion_main;
use passavant::domain::declaration::Declaration;
use passavant::domain::licence::Held;
use passavant::domain::licence::Standing;
use passavant::domain::licence::Status;
use passavant::domain::lists::Lists;
use passavant::rules::Case;
use passavant::rules::Facts;
use passavant::rules::Outcome;
use passavant::rules::case::LicenceFact;
use passavant::rules::case::Lookup;
use passavant::rules::evaluate;
use serde_json::Value;
use std::hint::black_box;
use std::sync::Arc;

const ITEMS: u32 = 6;

/// The clear base case of the scenarios, with six items on six lines of both licences.
fn six_items() -> (Declaration, Facts, Lists) {
    let mut case: Value =
        serde_json::from_str(include_str!("../tests/rules/bases/export.json")).expect("a case");
    let item = case["declaration"]["items"][0].clone();
    case["declaration"]["items"] = (1..=ITEMS)
        .map(|number| {
            let mut item = item.clone();
            item["item"] = number.into();
            item["serials"] = serials(number);
            item["licences"][0]["line"] = number.into();
            item["licences"][1]["line"] = number.into();
            item
        })
        .collect();
    let licences = case["licences"].as_array_mut().expect("licences");
    for licence in &mut *licences {
        let line = licence["document"]["lines"][0].clone();
        licence["document"]["lines"] = (1..=ITEMS)
            .map(|number| {
                let mut line = line.clone();
                line["line"] = number.into();
                line["serials"] = serials(number);
                line
            })
            .collect();
    }
    let facts = Facts {
        licences: licences.iter().map(fact).collect(),
        data_age_ms: Some(0),
        history_available: true,
        ..Facts::default()
    };
    let sent: passavant::wire::declaration::Declaration =
        serde_json::from_value(case["declaration"].clone()).expect("a declaration");
    let lists = case["lists"].to_string();
    let lists = passavant::wire::lists::read(lists.as_bytes()).expect("sound lists");
    (sent.read("").expect("a sound declaration"), facts, lists)
}

fn serials(number: u32) -> Value {
    vec![format!("VC{number}00101"), format!("VC{number}00102")].into()
}

fn fact(licence: &Value) -> LicenceFact {
    let sent: passavant::wire::licence::Licence =
        serde_json::from_value(licence["document"].clone()).expect("a licence");
    let licence = Arc::new(sent.read(1, "").expect("a sound licence"));
    let standing =
        Standing { status: Status::Active, shipments: 0, decisions: 0, drawn: Box::new([]) };
    LicenceFact { number: licence.number.clone(), lookup: Lookup::Held(Held { licence, standing }) }
}

fn verdicts(criterion: &mut Criterion) {
    let (declaration, facts, lists) = six_items();
    let now = "2026-11-20T08:12:00Z".parse().expect("an instant");
    let verdict = evaluate(&Case::new(&declaration, &facts, &lists, now));
    assert_eq!(verdict.outcome, Outcome::Clear, "{:?}", verdict.findings);
    criterion.bench_function("case and verdict, 6 items, 2 licences each", |bencher| {
        bencher.iter(|| evaluate(&Case::new(black_box(&declaration), &facts, &lists, now)));
    });
    let case = Case::new(&declaration, &facts, &lists, now);
    criterion.bench_function("verdict, 6 items, 2 licences each", |bencher| {
        bencher.iter(|| evaluate(black_box(&case)));
    });
}

criterion_group!(benches, verdicts);
criterion_main!(benches);
