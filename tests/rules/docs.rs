//! Writes `docs/RULES.md` from the rules' own doc comments, the catalogue, the profiles and the
//! scenarios. `UPDATE_EXPECT=1 cargo test --test rules` writes the page; the test holds it to them.
use super::Page;
use super::folder;
use super::pages;
use super::profiles;
use passavant::rules::RULESET;
use passavant::rules::catalogue::CATALOGUE;
use passavant::rules::catalogue::Entry;
use passavant::rules::timers::TIMERS;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

const INTRODUCTION: &str = "Written by a test from the rules' doc comments, the catalogue of codes, the profiles \
of law and the scenarios in `tests/rules/scenarios`; do not edit it by hand. All rules run on every declaration; none \
stops another, and a fact that is missing is a finding. The verdict of an item is its worst finding: `block` \
holds, `refer` asks a person, `inform` is only made known. Validity is judged on the day of acceptance, in the \
time zone of the post. The service advises and records; it never releases by itself.";

/// What the law asks that no rule can judge, with the fact that is missing.
const WITHOUT_FACTS: &[(&str, &str)] = &[
    (
        "6, places and units beyond those in use for these goods",
        "no edition of UN/LOCODE nor all of Recommendation 20 is kept here; the form of a place, its country and the \
register of posts are judged",
    ),
    (
        "7, whether an operator's identifier exists and is active",
        "no register of operators is connected; its form alone is judged",
    ),
    (
        "14 and 15, signatures, seals and digests of paper licences",
        "the issuers' keys are not known here; what the issuing authority recorded is judged",
    ),
    (
        "31, applications that were pending on the day the law changed",
        "a licence does not state when it was applied for",
    ),
    (
        "76, parts of one firearm spread over consignments of different references",
        "what was released under the same UCR is added up; other consignments of the same parties are not looked up",
    ),
];

/// One rule: its place in the source and what its doc comment says.
struct Rule {
    path: String,
    text: String,
}

fn source(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The rules of the list in `rules/mod.rs`, in order.
fn rules() -> Vec<Rule> {
    let list = source("src/rules/mod.rs");
    let (_, list) = list.split_once("const RULES: &[Rule] = &[").expect("the list of rules");
    let (list, _) = list.split_once("];").expect("the end of the list");
    list.split(',')
        .map(str::trim)
        .filter(|path| !path.is_empty())
        .map(|path| {
            let (module, name) = path.split_once("::").expect("a module and a function");
            Rule { path: path.to_owned(), text: doc_comment(module, name) }
        })
        .collect()
}

/// The doc comment of a function, its lines joined and its paragraphs kept.
fn doc_comment(module: &str, name: &str) -> String {
    let text = source(&format!("src/rules/{module}.rs"));
    let (before, _) = text
        .split_once(&format!("pub(super) fn {name}("))
        .unwrap_or_else(|| panic!("{module}::{name} is not where the list says"));
    let mut lines: Vec<&str> = before
        .lines()
        .rev()
        .map(str::trim_start)
        .take_while(|line| line.starts_with("///") || line.starts_with("#["))
        .filter_map(|line| line.strip_prefix("///"))
        .map(str::trim)
        .collect();
    lines.reverse();
    let paragraphs: Vec<String> =
        lines.split(|line| line.is_empty()).map(|lines| lines.join(" ")).collect();
    paragraphs.join("\n\n")
}

/// A text that starts as a sentence does.
fn capital(text: &str) -> String {
    let mut signs = text.chars();
    signs.next().map_or_else(String::new, |first| first.to_uppercase().chain(signs).collect())
}

/// The codes that a rule's doc comment names before its first colon.
fn codes_of(text: &str) -> Vec<&'static Entry> {
    let head = text.split_once(':').map_or(text, |(head, _)| head);
    let words: Vec<&str> = head.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).collect();
    CATALOGUE.iter().filter(|entry| words.contains(&entry.name)).collect()
}

fn scenarios(page: &mut String, pages: &BTreeMap<String, Page>, entry: &Entry) {
    let Some(scenarios) = pages.get(&entry.name.to_lowercase()) else {
        return;
    };
    for (title, near) in [("found", false), ("not found", true)] {
        let titles: Vec<&str> = scenarios
            .scenarios
            .iter()
            .filter(|scenario| scenario.near_miss == near)
            .map(|scenario| scenario.title.as_str())
            .collect();
        let _ = writeln!(page, "- `{}` {title}: {}.", entry.name, titles.join("; "));
    }
}

fn page() -> String {
    let pages: BTreeMap<String, Page> = pages().into_iter().collect();
    let mut page =
        format!("# Rules\n\n{INTRODUCTION}\n\nRuleset `{RULESET}`.\n\n## Profiles of law\n\n");
    page.push_str(&profiles::table());
    let mut enforced: Vec<&str> = Vec::new();
    page.push_str("\n## Rules in force\n");
    for rule in rules() {
        let codes = codes_of(&rule.text);
        let head = rule.text.split_once(':').map_or(rule.text.as_str(), |(head, _)| head);
        let text = rule.text.get(head.len() + 1..).unwrap_or_default().trim();
        let _ = write!(page, "\n### {head}\n\n{}\n\n", capital(text));
        page.push_str("| code | weight | is | law | remedy |\n| --- | --- | --- | --- | --- |\n");
        for entry in codes {
            enforced.push(entry.name);
            let _ = writeln!(
                page,
                "| `{}` | {} | {} | {} | {} ({}) |",
                entry.name,
                entry.severity.as_str(),
                entry.title,
                entry.legal_basis,
                entry.remedy,
                entry.remedy_by.as_str()
            );
        }
        page.push('\n');
        for entry in codes_of(&rule.text) {
            scenarios(&mut page, &pages, entry);
        }
        let _ = writeln!(page, "- Source: `rules::{}`.", rule.path);
    }
    timers(&mut page);
    let missing: Vec<&Entry> =
        CATALOGUE.iter().filter(|entry| !enforced.contains(&entry.name)).collect();
    page.push_str("\n## Not yet enforced\n\n");
    for entry in missing {
        let _ = writeln!(page, "- {} `{}`: {}.", entry.number, entry.name, entry.title);
    }
    for (what, fact) in WITHOUT_FACTS {
        let _ = writeln!(page, "- {what}: {fact}.");
    }
    unconfirmed(&mut page);
    page
}

/// What is due after the border.
fn timers(page: &mut String) {
    page.push_str("\n## Time limits after the border\n\n");
    page.push_str(
        "Periods by Regulation 1182/71: the day of the event does not count, a period in days that ends on a day off \
ends with the next working day, a period in hours runs by the clock; the last hour is that of the post's own time zone. A \
limit that has passed is put before those who can act. It releases nothing. Rule 115 stands among the rules in force.\n\n",
    );
    page.push_str(
        "| rule | code | is | law | counts and does |\n| --- | --- | --- | --- | --- |\n",
    );
    for timer in TIMERS {
        let _ = writeln!(
            page,
            "| {} | `{}` | {} | {} | {} |",
            timer.number, timer.code, timer.title, timer.legal_basis, timer.does
        );
    }
}

/// What was not read in its source and is kept as data, so that it can be put right.
fn unconfirmed(page: &mut String) {
    page.push_str("\n## Not confirmed in the source\n\n");
    let _ = writeln!(page, "- Profiles: {}.", profiles::UNCONFIRMED);
    for entry in CATALOGUE.iter().filter(|entry| entry.legal_basis.contains("unconfirmed")) {
        let _ = writeln!(page, "- {} `{}`: {}.", entry.number, entry.name, entry.legal_basis);
    }
}

#[test]
fn the_page_of_rules_says_what_the_source_does() {
    let path = folder("../../docs/RULES.md");
    expect_test::ExpectFile::assert_eq(&expect_test::expect_file![path], &page());
}

#[test]
fn every_rule_names_its_codes_and_explains_itself() {
    for rule in rules() {
        let codes = codes_of(&rule.text);
        assert!(!codes.is_empty(), "{} names no code before its colon", rule.path);
        let number = codes.first().map(|entry| entry.number.to_string()).unwrap_or_default();
        assert!(rule.text.starts_with(&number), "{} does not open with {number}", rule.path);
    }
}
