//! No key is missing in any language, and no template asks for one that is not there.
use super::*;
use crate::http::console::PAGES;
use crate::http::console::templates::TEMPLATES;
use crate::rules::catalogue::CATALOGUE;
use crate::wire::licence::MOVEMENTS;
use std::collections::BTreeSet;

/// The keys of a catalogue, which must read as a whole, and stand in it once.
fn keys(text: &str) -> BTreeSet<String> {
    let read = FluentResource::try_new(text.to_owned());
    assert!(read.is_ok(), "{:?}", read.err().map(|(_, errors)| errors));
    let names: Vec<String> = text
        .lines()
        .filter(|line| line.starts_with(|c: char| c.is_ascii_alphabetic()))
        .filter_map(|line| Some(line.split_once(" =")?.0.to_owned()))
        .collect();
    let set: BTreeSet<String> = names.iter().cloned().collect();
    assert_eq!(names.len(), set.len(), "a key stands twice");
    set
}

#[test]
fn every_language_has_every_key_and_the_same_variables() {
    let (_, [english, _]) = CATALOGUES[0];
    let wanted = keys(english);
    let variables = |text: &str, key: &str| -> BTreeSet<String> {
        let entry = text.split(&format!("\n{key} =")).nth(1).unwrap_or_default();
        let end = entry.find("\n}").filter(|_| entry.trim_start().starts_with('{')).map_or_else(
            || entry.find('\n').unwrap_or(entry.len()),
            |end| end.min(entry.find("\n\n").unwrap_or(entry.len())),
        );
        let words = entry.get(..end).unwrap().split('$').skip(1);
        words.filter_map(|rest| Some(rest.split([' ', '}']).next()?.to_owned())).collect()
    };
    for (code, [text, _]) in CATALOGUES {
        let own = keys(text);
        assert_eq!(wanted.difference(&own).collect::<Vec<_>>(), Vec::<&String>::new(), "{code}");
        assert_eq!(own.difference(&wanted).collect::<Vec<_>>(), Vec::<&String>::new(), "{code}");
        for key in &wanted {
            let (english, own) = (variables(english, key), variables(text, key));
            assert!(own.is_subset(&english), "{code}: {key}: {own:?}");
        }
    }
    assert_eq!(LANGUAGES.map(|language| language.code), CATALOGUES.map(|(code, _)| code));
}

#[test]
fn every_finding_has_its_title_and_remedy_in_every_language() {
    for language in LANGUAGES {
        for entry in CATALOGUE {
            let (title, remedy) = finding(language.code, entry.name)
                .unwrap_or_else(|| panic!("{}: {}", language.code, entry.name));
            assert!(!title.is_empty() && !remedy.is_empty(), "{}: {}", language.code, entry.name);
            if language.code != "en" {
                assert_ne!(title, entry.title, "{}: {}", language.code, entry.name);
            }
        }
    }
}

#[test]
fn every_movement_of_a_balance_has_its_words_in_every_language() {
    for language in LANGUAGES {
        for kind in MOVEMENTS {
            let key = format!("movement-of-{kind}");
            assert!(word(language.code, &key, None).is_some(), "{}: {key}", language.code);
        }
    }
}

/// The sources in a folder of the package.
fn sources(folder: &str) -> Vec<String> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut folders, mut texts) = (vec![root.join(folder)], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                texts.push(std::fs::read_to_string(path).unwrap());
            }
        }
    }
    texts
}

#[test]
fn every_code_of_an_alert_has_its_words_in_every_language() {
    let is_code = |word: &&str| {
        word.contains('_')
            && word.bytes().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == b'_')
    };
    let mut codes = BTreeSet::new();
    for text in sources("src/app") {
        codes.extend(text.split('"').filter(is_code).map(str::to_owned));
    }
    assert!(codes.len() > 12, "{codes:?}");
    for language in LANGUAGES {
        for code in &codes {
            let said = word(language.code, &format!("alert-code-{code}"), None)
                .or_else(|| Some(finding(language.code, code)?.0));
            assert!(said.is_some(), "{}: {code}", language.code);
        }
    }
}

/// The codes of errors that a source names: the first word after `FieldError::new(` and the like that is
/// not the name of a field.
fn error_codes(text: &str) -> BTreeSet<String> {
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    let is_code = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_lowercase())
            && word.bytes().all(|c| c.is_ascii_lowercase() || c == b'_')
    };
    let mut codes = BTreeSet::new();
    for call in ["FieldError::new(", "Invalid::new(", ".error(", "Problem::new("] {
        for after in text.split(call).skip(1) {
            let statement = after.split(';').next().unwrap_or_default();
            let parts: Vec<&str> = statement.split('"').collect();
            let mut words = parts.iter().zip(parts.iter().skip(1)).step_by(2);
            let code = words.find(|(before, word)| {
                is_code(word) && !before.ends_with("field(") && !before.ends_with("at(")
            });
            codes.extend(code.map(|(_, word)| (*word).to_owned()));
        }
    }
    codes
}

#[test]
fn every_error_has_its_words_in_every_language() {
    let codes: BTreeSet<String> =
        sources("src").iter().flat_map(|text| error_codes(text)).collect();
    assert!(codes.len() > 60, "{codes:?}");
    for language in LANGUAGES {
        for code in &codes {
            assert!(
                word(language.code, &format!("wrong-{code}"), None).is_some(),
                "{}: wrong-{code}",
                language.code
            );
        }
    }
}

#[test]
fn every_language_speaks_for_itself() {
    for (code, [text, _]) in &CATALOGUES[1..] {
        let (_, [english, _]) = CATALOGUES[0];
        let same = text
            .lines()
            .filter(|line| line.contains(" = ") && english.lines().any(|other| other == *line))
            .count();
        assert!(same < 40, "{code}: {same} words are the English ones");
    }
}

#[test]
fn no_template_uses_a_word_that_is_not_there() {
    let (_, [english, _]) = CATALOGUES[0];
    let known = keys(english);
    let mut used = BTreeSet::new();
    for (_, text) in TEMPLATES {
        for quote in ['"', '\''] {
            let mut before = "";
            for part in text.split(&format!("t({quote}")) {
                // The end of a longer name, such as default("", true), is no word.
                if !before.is_empty() && !before.ends_with(|c: char| c.is_alphanumeric()) {
                    used.extend(part.split(quote).next().map(str::to_owned));
                }
                before = part;
            }
        }
        // Labels of fields are handed to macros.
        for mark in ["{ input(\"", "{ choose(\""] {
            for call in text.split(mark).skip(1) {
                used.extend(call.split('"').next().map(str::to_owned));
            }
        }
    }
    used.extend(PAGES.iter().filter_map(|page| page.menu).map(str::to_owned));
    assert!(used.len() > 100, "{}", used.len());
    // What a template puts together is looked up by its beginning.
    let missing = used.iter().filter(|key| match key.strip_suffix('-') {
        Some(_) => !known.iter().any(|known| known.starts_with(key.as_str())),
        None => !known.contains(*key),
    });
    assert_eq!(missing.collect::<Vec<_>>(), Vec::<&String>::new());
}

#[test]
fn the_browser_s_first_language_of_those_there_are_is_spoken() {
    for (header, code) in [
        ("", "en"),
        ("fr-CH, fr;q=0.9, en;q=0.8", "fr"),
        ("de, en;q=0.5, fr;q=0.9", "fr"),
        ("de", "en"),
        ("fr;q=0.1,en;q=0.25", "en"),
        (";;;,q=,,", "en"),
    ] {
        assert_eq!(accepted(header).code, code, "{header}");
    }
}

#[test]
fn numbers_are_said_as_the_language_does() {
    let said = |code: &str, count: i64| {
        let mut args = FluentArgs::new();
        args.set("count", count);
        word(code, "reasons", Some(&args)).unwrap()
    };
    assert_eq!((said("en", 1).as_str(), said("en", 4).as_str()), ("One reason", "4 reasons"));
    assert_eq!((said("fr", 1).as_str(), said("fr", 4).as_str()), ("Un motif", "4 motifs"));
}
