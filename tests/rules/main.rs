//! Runs the scenarios: every file of `scenarios/` is a page about one code, read as data.
#![expect(clippy::expect_used, clippy::panic, reason = "a test stops where its data are wrong")]
use passavant::rules::Case;
use passavant::rules::Code;
use passavant::rules::Finding;
use passavant::rules::Outcome;
use passavant::rules::Severity;
use passavant::rules::Verdict;
use passavant::rules::catalogue::CATALOGUE;
use passavant::rules::evaluate;
use serde::Deserialize;
use serde_json::Value;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;
use std::path::PathBuf;

mod docs;
mod facts;
mod patch;
mod profiles;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    rule: String,
    #[serde(rename = "legal")]
    _legal: String,
    scenarios: Vec<Scenario>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    title: String,
    base: String,
    #[serde(default)]
    change: Option<Value>,
    #[serde(default)]
    set: BTreeMap<String, Value>,
    expect: Expected,
    #[serde(default)]
    near_miss: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    verdict: String,
    #[serde(default)]
    findings: Vec<Wanted>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    code: String,
    severity: Option<String>,
    item: Option<u32>,
    path: Option<String>,
    licence: Option<String>,
    declared: Option<String>,
    licensed: Option<String>,
}

impl Wanted {
    fn is(&self, finding: &Finding) -> bool {
        let same = |wanted: &Option<String>, found: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| Some(wanted) == found)
        };
        self.code == finding.code.as_str()
            && same(&self.severity, Some(finding.severity.as_str()))
            && self.item.is_none_or(|item| Some(item) == finding.item)
            && same(&self.path, Some(&finding.path))
            && same(&self.licence, finding.licence.as_deref())
            && same(&self.declared, finding.declared.as_deref())
            && same(&self.licensed, finding.licensed.as_deref())
    }
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rules").join(name)
}

fn pages() -> Vec<(String, Page)> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder("scenarios"))
        .expect("the folder of scenarios")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    let read = |path: PathBuf| {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).expect("a readable file");
        let page = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        (name, page)
    };
    files.into_iter().map(read).collect()
}

fn base(name: &str) -> Value {
    let path = folder("bases").join(format!("{name}.json"));
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).expect("a base is JSON")
}

/// The codes that a base carries by itself, all of which only inform.
fn standing(base: &Value) -> BTreeSet<&str> {
    base["standing"].as_array().into_iter().flatten().map(facts::text).collect()
}

/// Judges a case as it stands in a file.
fn judge(case: &Value) -> Verdict {
    let declaration: passavant::wire::declaration::Declaration =
        serde_json::from_value(case["declaration"].clone()).expect("a declaration");
    let declaration = declaration.read("/declaration").expect("a sound declaration");
    let lists = passavant::wire::lists::read(case["lists"].to_string().as_bytes())
        .expect("sound lists of the day");
    let facts = facts::read(case, &declaration);
    let now = facts::text(&case["now"]).parse().expect("an instant");
    evaluate(&Case::new(&declaration, &facts, &lists, now))
}

fn changed(scenario: &Scenario) -> Value {
    let mut case = base(&scenario.base);
    if let Some(change) = &scenario.change {
        patch::merge(&mut case, change);
    }
    for (pointer, value) in &scenario.set {
        patch::set(&mut case, pointer, value);
    }
    case
}

/// What is wrong with a verdict, if anything.
fn fault(scenario: &Scenario, verdict: &Verdict) -> Option<String> {
    let base = base(&scenario.base);
    let mut wanted = standing(&base);
    wanted.extend(scenario.expect.findings.iter().map(|finding| finding.code.as_str()));
    let found: BTreeSet<&str> =
        verdict.findings.iter().map(|finding| finding.code.as_str()).collect();
    if wanted != found {
        return Some(format!("wanted {wanted:?}, found {found:?}"));
    }
    if scenario.expect.verdict != verdict.outcome.as_str() {
        return Some(format!(
            "wanted {}, judged {}",
            scenario.expect.verdict,
            verdict.outcome.as_str()
        ));
    }
    let missing = scenario
        .expect
        .findings
        .iter()
        .find(|wanted| !verdict.findings.iter().any(|finding| wanted.is(finding)))?;
    Some(format!("no finding is {missing:?}"))
}

#[test]
fn every_scenario_is_judged_as_stated() {
    let mut faults = Vec::new();
    for (name, page) in pages() {
        for scenario in &page.scenarios {
            let verdict = judge(&changed(scenario));
            if let Some(fault) = fault(scenario, &verdict) {
                let found: Vec<String> = verdict.findings.iter().map(shown).collect();
                faults.push(format!(
                    "{name}: {}\n  {fault}\n  {}",
                    scenario.title,
                    found.join("\n  ")
                ));
            }
        }
    }
    assert!(faults.is_empty(), "{} scenarios:\n{}", faults.len(), faults.join("\n"));
}

fn shown(finding: &Finding) -> String {
    format!(
        "{} {} item {:?} {} {:?} {:?}: {}",
        finding.severity.as_str(),
        finding.code.as_str(),
        finding.item,
        finding.path,
        finding.declared,
        finding.licensed,
        finding.message
    )
}

#[test]
fn every_base_clears_with_its_standing_findings_alone() {
    for entry in std::fs::read_dir(folder("bases")).expect("the folder of bases") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let base = base(&name);
        let verdict = judge(&base);
        let found: BTreeSet<&str> = verdict.findings.iter().map(|f| f.code.as_str()).collect();
        let shown: Vec<String> = verdict.findings.iter().map(shown).collect();
        assert_eq!(found, standing(&base), "{name}:\n{}", shown.join("\n"));
        assert_eq!(verdict.outcome, Outcome::Clear, "{name}");
    }
}

#[test]
fn every_page_hits_its_code_and_nearly_does() {
    for (name, page) in pages() {
        let (number, code) = page.rule.split_once(' ').expect("a number and a code");
        assert_eq!(name, code.to_lowercase(), "the file is named after its code");
        let entry = Code::parse(code).unwrap_or_else(|| panic!("{code} is not catalogued")).entry();
        assert_eq!(number, entry.number.to_string(), "{code}");
        let expects = |scenario: &&Scenario| {
            scenario.expect.findings.iter().any(|wanted| wanted.code == code)
        };
        let (near, hits): (Vec<&Scenario>, Vec<&Scenario>) =
            page.scenarios.iter().partition(|scenario| scenario.near_miss);
        assert!(!hits.is_empty() && hits.iter().all(expects), "{code} has no hit");
        assert!(!near.is_empty() && !near.iter().any(expects), "{code} has no near miss");
    }
}

#[test]
fn every_code_has_its_page() {
    let pages: BTreeSet<String> = pages().into_iter().map(|(name, _)| name).collect();
    let without: Vec<&str> = CATALOGUE
        .iter()
        .map(|entry| entry.name)
        .filter(|code| !pages.contains(&code.to_lowercase()))
        .collect();
    assert!(without.is_empty(), "{without:?}");
}

/// Whether a path leads to a field of the declaration, or to where a missing field would stand.
fn names_a_place(declaration: &Value, path: &str) -> bool {
    let parent = path.rsplit_once('/').map(|(parent, _)| parent);
    parent.is_some_and(|parent| declaration.pointer(parent).is_some())
}

#[test]
fn the_heaviest_findings_come_first_then_by_item() {
    for (name, page) in pages() {
        for scenario in &page.scenarios {
            let verdict = judge(&changed(scenario));
            let order = verdict.findings.iter().map(|f| (Reverse(f.severity), f.item));
            assert!(order.is_sorted(), "{name}, {}", scenario.title);
            let worst = verdict.findings.iter().map(|finding| finding.severity.outcome()).max();
            assert_eq!(verdict.outcome, worst.unwrap_or(Outcome::Clear), "{name}");
        }
    }
}

#[test]
fn every_finding_says_where_why_and_what_to_do() {
    for (name, page) in pages() {
        for scenario in &page.scenarios {
            let case = changed(scenario);
            for finding in &judge(&case).findings {
                let told = names_a_place(&case["declaration"], &finding.path)
                    && !finding.message.is_empty()
                    && !finding.legal_basis.is_empty()
                    && !finding.remedy.is_empty();
                assert!(told, "{name}, {}: {finding:?}", scenario.title);
                let mends = finding.remedy != "None";
                assert!(mends || finding.severity == Severity::Inform, "{name}: {finding:?}");
            }
        }
    }
}
