//! The words of the console in six languages, from Fluent catalogues that stand in the binary. What
//! a rule says about a finding stands in the rules' own catalogue in English, and in `findings` in
//! the other languages.
use crate::rules::catalogue::Code;
use fluent_bundle::FluentArgs;
use fluent_bundle::FluentResource;
use fluent_bundle::concurrent::FluentBundle;
use std::collections::HashMap;
use std::sync::LazyLock;
use unic_langid::LanguageIdentifier;

/// A language of the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Language {
    /// Its code.
    pub code: &'static str,
    /// Its own name.
    pub name: &'static str,
    /// `ltr` or `rtl`.
    pub direction: &'static str,
}

/// Every language; the first one is spoken where no other is asked for.
pub const LANGUAGES: [Language; 6] = [
    Language { code: "en", name: "English", direction: "ltr" },
    Language { code: "fr", name: "Français", direction: "ltr" },
    Language { code: "es", name: "Español", direction: "ltr" },
    Language { code: "ar", name: "العربية", direction: "rtl" },
    Language { code: "ru", name: "Русский", direction: "ltr" },
    Language { code: "zh", name: "中文", direction: "ltr" },
];

/// The catalogues of each language.
const CATALOGUES: [(&str, [&str; 2]); 6] = [
    ("en", [include_str!("words/en.ftl"), ""]),
    ("fr", [include_str!("words/fr.ftl"), include_str!("words/findings.fr.ftl")]),
    ("es", [include_str!("words/es.ftl"), include_str!("words/findings.es.ftl")]),
    ("ar", [include_str!("words/ar.ftl"), include_str!("words/findings.ar.ftl")]),
    ("ru", [include_str!("words/ru.ftl"), include_str!("words/findings.ru.ftl")]),
    ("zh", [include_str!("words/zh.ftl"), include_str!("words/findings.zh.ftl")]),
];

static BUNDLES: LazyLock<HashMap<&'static str, FluentBundle<FluentResource>>> =
    LazyLock::new(|| CATALOGUES.iter().map(|(code, texts)| (*code, bundle(code, texts))).collect());

fn bundle(code: &str, texts: &[&str]) -> FluentBundle<FluentResource> {
    let language = code.parse::<LanguageIdentifier>().unwrap_or_default();
    let mut bundle = FluentBundle::new_concurrent(vec![language]);
    // Marks of direction around a figure are of use only where the script runs the other way.
    bundle.set_use_isolating(code == "ar");
    for text in texts {
        // What does not read of a catalogue is left out; a test insists that all of it reads.
        let resource =
            FluentResource::try_new((*text).to_owned()).unwrap_or_else(|(resource, _)| resource);
        bundle.add_resource_overriding(resource);
    }
    bundle
}

/// The language of a code.
pub fn language(code: &str) -> Option<Language> {
    LANGUAGES.into_iter().find(|language| language.code == code)
}

/// The language that a browser asks for first of those there are.
pub fn accepted(header: &str) -> Language {
    let mut asked: Vec<(&str, u32)> = header.split(',').take(20).map(weighed).collect();
    asked.sort_by_key(|(_, weight)| std::cmp::Reverse(*weight));
    let spoken = |(tag, _): (&str, u32)| language(tag.split('-').next().unwrap_or_default());
    let [first, ..] = LANGUAGES;
    asked.into_iter().find_map(spoken).unwrap_or(first)
}

/// A language with its weight in thousandths.
fn weighed(part: &str) -> (&str, u32) {
    let (tag, weight) = part.split_once(";q=").unwrap_or((part, "1"));
    let (whole, decimals) = weight.trim().split_once('.').unwrap_or((weight.trim(), "0"));
    let thousandths = format!("{decimals:0<3}");
    let read = |text: &str| text.parse::<u32>().unwrap_or_default();
    let thousandths = read(thousandths.get(..3).unwrap_or_default());
    (tag.trim(), read(whole).min(1).saturating_mul(1000).saturating_add(thousandths))
}

/// A word of a language; nothing where the key is unknown.
pub fn word(code: &str, key: &str, args: Option<&FluentArgs<'_>>) -> Option<String> {
    let bundle = BUNDLES.get(code)?;
    let pattern = bundle.get_message(key)?.value()?;
    let mut errors = Vec::new();
    Some(bundle.format_pattern(pattern, args, &mut errors).into_owned())
}

/// What a finding of a code says in a language, and what to do about it.
pub fn finding(language: &str, name: &str) -> Option<(String, String)> {
    let code = Code::parse(name)?;
    if language == "en" {
        let entry = code.entry();
        return Some((entry.title.to_owned(), entry.remedy.to_owned()));
    }
    let key = format!("finding-{name}");
    let bundle = BUNDLES.get(language)?;
    let message = bundle.get_message(&key)?;
    let mut errors = Vec::new();
    let title = bundle.format_pattern(message.value()?, None, &mut errors).into_owned();
    let remedy = message.get_attribute("remedy")?.value();
    Some((title, bundle.format_pattern(remedy, None, &mut errors).into_owned()))
}

#[cfg(test)]
mod tests;
