//! The house rules, kept by a test: which layer may name which, sizes, documents, words.
#![expect(clippy::unwrap_used, reason = "a test may stop")]

use std::fs;
use std::path::Path;
use std::path::PathBuf;

/// Each module of `src` with the modules that it may name.
const LAYERS: &[(&str, &[&str])] = &[
    ("clock", &["domain"]),
    ("config", &["domain"]),
    ("telemetry", &["config"]),
    ("domain", &[]),
    ("rules", &["domain"]),
    ("wire", &["domain", "rules"]),
    ("signing", &[]),
    ("audit", &["domain", "signing"]),
    ("credential", &["domain", "signing"]),
    ("storage", &["domain", "rules", "audit", "config"]),
    ("cache", &["domain", "config"]),
    ("outbound", &["domain", "signing", "credential", "config"]),
    ("demo", &["domain"]),
    (
        "app",
        &[
            "domain",
            "rules",
            "wire",
            "signing",
            "audit",
            "credential",
            "storage",
            "cache",
            "outbound",
            "config",
            "clock",
        ],
    ),
    ("http", &["domain", "rules", "wire", "audit", "app", "config"]),
    ("worker", &["app", "clock", "config"]),
];

/// Layers that compute and do nothing else, and what they may not name.
const PURE: &[&str] = &["domain", "rules", "wire", "signing", "audit", "credential"];
const IMPURE: &[&str] = &[
    "tokio",
    "actix",
    "diesel",
    "reqwest",
    "std::fs",
    "std::env",
    "SystemTime",
    "async fn",
    ".await",
];

/// Largest file of `src`.
const FILE_LINES_MAX: usize = 400;
/// The catalogue is one table and may be longer.
const TABLES: &[&str] = &["src/rules/catalogue.rs"];

/// What is never left behind.
const BANNED: &[&str] =
    &["TODO", "FIXME", "XXX", "HACK", "todo!(", "unimplemented!(", "dbg!(", "#[ignore", "#[allow("];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![root().join(folder)]);
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|is| is == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn name(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().display().to_string()
}

/// Lines of code: no comments, no tests.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let end = text.find("#[cfg(test)]").unwrap_or(text.len());
    let code = text.get(..end).unwrap();
    code.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"))
}

#[test]
fn each_layer_names_only_those_below_it() {
    let mut faults = Vec::new();
    for path in files("src", "rs") {
        let file = name(&path);
        let layer = file.strip_prefix("src/").unwrap().split(['/', '.']).next().unwrap();
        if matches!(layer, "main" | "lib" | "cli") {
            continue;
        }
        let (_, may) = LAYERS
            .iter()
            .find(|(name, _)| *name == layer)
            .unwrap_or_else(|| panic!("{file}: no such layer"));
        let text = fs::read_to_string(&path).unwrap();
        for (number, line) in code(&text) {
            for (other, _) in
                LAYERS.iter().filter(|(other, _)| *other != layer && !may.contains(other))
            {
                if line.contains(&format!("crate::{other}::"))
                    || line.contains(&format!("crate::{other};"))
                {
                    faults.push(format!("{file}:{}: {layer} may not name {other}", number + 1));
                }
            }
        }
    }
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn pure_layers_only_compute() {
    let mut faults = Vec::new();
    for layer in PURE {
        for path in files(&format!("src/{layer}"), "rs")
            .into_iter()
            .chain([root().join(format!("src/{layer}.rs"))])
        {
            let Ok(text) = fs::read_to_string(&path) else { continue };
            for (number, line) in code(&text) {
                for word in IMPURE.iter().filter(|word| line.contains(**word)) {
                    faults.push(format!("{}:{}: names {word}", name(&path), number + 1));
                }
            }
        }
    }
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn no_file_becomes_a_drawer_for_everything() {
    let long = files("src", "rs").into_iter().filter_map(|path| {
        let (file, lines) = (name(&path), fs::read_to_string(&path).unwrap().lines().count());
        (lines > FILE_LINES_MAX && !TABLES.contains(&file.as_str()))
            .then(|| format!("{file}: {lines} lines"))
    });
    assert_eq!(long.collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn every_file_says_what_it_is_for() {
    let silent = files("src", "rs")
        .into_iter()
        .chain(files("tests", "rs"))
        .filter(|path| !fs::read_to_string(path).unwrap().starts_with("//!"));
    assert_eq!(silent.map(|path| name(&path)).collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn nothing_half_done_is_left_behind() {
    let mut faults = Vec::new();
    let sources =
        ["src", "tests", "benches", "examples"].into_iter().flat_map(|folder| files(folder, "rs"));
    for path in
        sources.chain(files("migrations", "sql")).filter(|path| !path.ends_with("tests/tidy.rs"))
    {
        for (number, line) in fs::read_to_string(&path).unwrap().lines().enumerate() {
            for word in BANNED.iter().filter(|word| line.contains(**word)) {
                faults.push(format!("{}:{}: {word}", name(&path), number + 1));
            }
        }
    }
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn links_between_documents_lead_somewhere() {
    let mut faults = Vec::new();
    for path in files("docs", "md")
        .into_iter()
        .chain([root().join("README.md"), root().join("CHANGELOG.md")])
    {
        let text =
            fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", name(&path)));
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = link.split('#').next().unwrap();
            if !target.is_empty()
                && !target.contains("://")
                && !path.parent().unwrap().join(target).exists()
            {
                faults.push(format!("{}: {link}", name(&path)));
            }
        }
    }
    assert_eq!(faults, Vec::<String>::new());
}

/// What stands in a source between a mark and the next quotation mark.
fn named<'a>(source: &'a str, mark: &'a str) -> impl Iterator<Item = &'a str> {
    source.split(mark).skip(1).filter_map(|rest| rest.split('"').next())
}

#[test]
fn every_route_and_every_problem_stands_in_the_api_document() {
    let document = fs::read_to_string(root().join("docs/API.md")).unwrap();
    let table = fs::read_to_string(root().join("src/http/mod.rs")).unwrap();
    let routes = ["GET", "POST", "PUT", "DELETE"].into_iter().flat_map(|method| {
        let mark = format!("route!({method} \"");
        let row = |path: &str| format!("| `{method} {}` |", path.replace(":.*}", "}"));
        table
            .split(&mark)
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .map(row)
            .collect::<Vec<_>>()
    });
    let missing: Vec<String> = routes.filter(|row| !document.contains(row)).collect();
    assert_eq!(missing, Vec::<String>::new());
    let mut codes = Vec::new();
    for file in ["problem.rs", "body.rs", "reply.rs", "caller.rs", "panics.rs"] {
        let source = fs::read_to_string(root().join("src/http").join(file)).unwrap();
        let source: String = code(&source).map(|(_, line)| line.trim()).collect();
        for mark in ["StatusCode::", "refused("] {
            codes.extend(source.split(mark).skip(1).filter_map(|rest| {
                let (_, rest) = rest.split_once('"')?;
                let code = rest.split('"').next()?;
                code.bytes().all(|c| c.is_ascii_lowercase() || c == b'_').then(|| code.to_owned())
            }));
        }
    }
    assert!(codes.len() >= 15 && codes.iter().any(|code| code == "content_coding"), "{codes:?}");
    codes.retain(|code| !document.contains(&format!("`{code}`")));
    assert_eq!(codes, Vec::<String>::new());
}

#[test]
fn every_metric_and_every_field_of_the_request_line_stands_in_the_operations_document() {
    let document = fs::read_to_string(root().join("docs/OPERATIONS.md")).unwrap();
    let sources: String =
        ["src/app/open.rs", "src/app/post.rs", "src/app/foreign.rs", "src/http/request_log.rs"]
            .into_iter()
            .map(|file| fs::read_to_string(root().join(file)).unwrap())
            .collect();
    let mut names: Vec<&str> = named(&sources, "\"passavant_").collect();
    assert!(names.len() >= 8, "{names:?}");
    names.retain(|name| !document.contains(&format!("`passavant_{name}")));
    assert_eq!(names, Vec::<&str>::new());
    let (_, line) = sources.split_once("tracing::info!(").unwrap();
    let (line, _) = line.split_once(");").unwrap();
    let field = |line: &str| line.trim().split([' ', ',']).next().unwrap_or_default().to_owned();
    let fields = line.lines().map(field).filter(|field| {
        !field.is_empty() && field.bytes().all(|c| c.is_ascii_lowercase() || c == b'_')
    });
    let fields: Vec<String> = fields.collect();
    assert!(fields.len() >= 8, "{fields:?}");
    let missing: Vec<&String> =
        fields.iter().filter(|field| !document.contains(&format!("`{field}`"))).collect();
    assert_eq!(missing, Vec::<&String>::new());
}

#[test]
fn every_invariant_of_the_architecture_names_a_test_that_exists() {
    let document = fs::read_to_string(root().join("docs/ARCHITECTURE.md")).unwrap();
    let sources: String = files("src", "rs")
        .into_iter()
        .chain(files("tests", "rs"))
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    let named: Vec<&str> = document
        .lines()
        .filter_map(|line| line.split("Test: `").nth(1)?.split('`').next())
        .collect();
    assert!(named.len() >= 8, "the invariants name their tests");
    let missing: Vec<&&str> =
        named.iter().filter(|test| !sources.contains(&format!("fn {test}("))).collect();
    assert_eq!(missing, Vec::<&&str>::new());
}

#[test]
fn migrations_go_up_and_down() {
    for up in files("migrations", "sql").into_iter().filter(|path| path.ends_with("up.sql")) {
        assert!(up.with_file_name("down.sql").exists(), "{}", name(&up));
    }
}

#[test]
fn no_two_migrations_have_one_number() {
    let mut numbers: Vec<String> = files("migrations/sqlite", "sql")
        .into_iter()
        .filter(|path| path.ends_with("up.sql"))
        .filter_map(|path| Some(name(path.parent()?).split('_').next()?.to_owned()))
        .collect();
    let all = numbers.len();
    numbers.dedup();
    assert_eq!(numbers.len(), all, "a step whose number another has is never run");
}

/// Licences under which code may be built in. None asks for more than its notice.
const LICENCES: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "PostgreSQL",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Whether an SPDX expression leaves a choice among the licences that are allowed.
fn is_allowed(expression: &str) -> bool {
    let every = |terms: &str| {
        terms.split(" AND ").all(|term| LICENCES.contains(&term.trim_matches(['(', ')', ' '])))
    };
    // A choice in brackets beside another licence: both sides must have one.
    match expression.split_once(") AND ") {
        Some((choice, rest)) => is_allowed(choice.trim_start_matches('(')) && is_allowed(rest),
        None => expression.replace('/', " OR ").split(" OR ").any(every),
    }
}

#[test]
fn every_library_has_a_licence_that_a_public_service_can_take() {
    assert!(is_allowed("(MIT OR Apache-2.0) AND Unicode-3.0") && is_allowed("MIT/GPL-3.0"));
    assert!(!is_allowed("GPL-3.0") && !is_allowed("MIT AND GPL-2.0-only") && !is_allowed(""));
    let output = std::process::Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--edges", "all", "--prefix", "none", "--format", "{p}|{l}"])
        .current_dir(root())
        .output()
        .unwrap();
    let listed = String::from_utf8(output.stdout).unwrap();
    let libraries: Vec<&str> = listed.lines().filter(|line| line.contains('|')).collect();
    assert!(libraries.len() > 100, "{}", String::from_utf8_lossy(&output.stderr));
    let barred: Vec<&&str> = libraries
        .iter()
        .filter(|line| {
            !line.rsplit('|').next().is_some_and(|terms| is_allowed(terms.trim_end_matches(" (*)")))
        })
        .collect();
    assert_eq!(barred, Vec::<&&str>::new());
}
