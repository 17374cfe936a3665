//! Reading a document whole: first its shape, then its words. Nearly every one is read straight; one that
//! does not have the shape is taken apart until everything that is wrong with it has been said.
use super::field::ERRORS_MAX;
use super::field::FieldError;
use super::field::escaped;
use super::keyed;
use super::keyed::Keyed;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::Segment;
use std::collections::HashMap;

/// Errors of a field that others of its object decide upon.
const DEPENDENT: [&str; 3] = ["required", "one_of_two", "not_temporary"];

/// Reads a document of a shape.
pub fn shape<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Vec<FieldError>> {
    read(bytes, Ok)
}

/// Reads a document of a shape and then its words. What does not have the shape is reported in full: each
/// field that stands in the way is set aside, and of the rest the words are read all the same.
pub fn read<T: DeserializeOwned, U>(
    bytes: &[u8],
    words: impl FnOnce(T) -> Result<U, Vec<FieldError>>,
) -> Result<U, Vec<FieldError>> {
    // Whether it is text is looked at once, not again for each of its strings.
    let mut fault = String::new();
    if let Ok(text) = std::str::from_utf8(bytes) {
        match keyed::from_str(text) {
            Ok(value) => return words(value),
            Err(error) => fault = error.to_string(),
        }
    }
    if bytes.starts_with(b"\xef\xbb\xbf") {
        let detail = "the body begins with a byte order mark (U+FEFF): send it without";
        return Err(vec![FieldError::new("", "not_json", detail)]);
    }
    let mut document: Value = serde_json::from_slice(bytes).map_err(|error| {
        vec![FieldError::new("", "not_json", format!("the body is not JSON: {error}"))]
    })?;
    let mut aside = Aside::default();
    while aside.errors.len() < ERRORS_MAX {
        match serde_path_to_error::deserialize::<_, T>(Keyed(&document)) {
            Ok(value) => {
                if let Err(errors) = words(value) {
                    aside.join(errors);
                }
                break;
            }
            Err(error) => {
                if !aside.set(&mut document, &error) {
                    break;
                }
            }
        }
    }
    aside.errors.extend(twice::<T>(bytes));
    if aside.errors.is_empty() {
        aside.errors.push(FieldError::new("", "wrong_type", fault));
    }
    aside.errors.truncate(ERRORS_MAX);
    Err(aside.errors)
}

/// The first field that stands twice in one object; as a tree the document has but one of them.
fn twice<T: DeserializeOwned>(bytes: &[u8]) -> Option<FieldError> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut reader = serde_json::Deserializer::from_str(text);
    let error = serde_path_to_error::deserialize::<_, T>(Keyed(&mut reader)).err()?;
    let words = error.inner().to_string();
    let name = words.strip_prefix("duplicate field `")?.split('`').next()?;
    let mut path = String::new();
    for segment in error.path() {
        path = step(&path, segment);
    }
    let own = format!("/{}", escaped(name));
    if !path.ends_with(&own) {
        path.push_str(&own);
    }
    let detail = format!("{name:?} stands twice in one object");
    Some(FieldError::new(path, "duplicate_field", detail))
}

fn step(path: &str, segment: &Segment) -> String {
    match segment {
        Segment::Seq { index } => format!("{path}/{index}"),
        Segment::Map { key } => format!("{path}/{}", escaped(key)),
        Segment::Enum { .. } | Segment::Unknown => path.to_owned(),
    }
}

/// What has been set aside of a document.
#[derive(Default)]
struct Aside {
    errors: Vec<FieldError>,
    /// Of each list, as it was sent, the elements that are gone, in order.
    gone: HashMap<String, Vec<usize>>,
}

impl Aside {
    /// Sets aside what stands in the way, unless it cannot be found.
    fn set(
        &mut self,
        document: &mut Value,
        error: &serde_path_to_error::Error<serde_json::Error>,
    ) -> bool {
        let mut pointer = String::new();
        for segment in error.path() {
            pointer = step(&pointer, segment);
        }
        let words = error.inner().to_string();
        let named = |what: &str| words.strip_prefix(what).and_then(|rest| rest.split('`').next());
        let (unknown, missing) = (named("unknown field `"), named("missing field `"));
        if let Some(name) = unknown.or(missing) {
            let own = format!("/{}", escaped(name));
            if !pointer.ends_with(&own) {
                pointer.push_str(&own);
            }
        }
        let sent = self.as_sent(&pointer);
        let (code, detail) = match (unknown, missing) {
            (Some(name), _) => ("unknown_field", format!("{name:?} is not a field here")),
            (_, Some(_)) => ("required", "this field is required".to_owned()),
            _ => ("wrong_type", in_words(&words)),
        };
        self.errors.push(FieldError::new(sent.as_str(), code, detail));
        let removed = remove(document, &pointer);
        if let Some(Removed::Element) = removed
            && let Some((list, index)) = sent.rsplit_once('/')
            && let Ok(index) = index.parse()
        {
            let gone = self.gone.entry(list.to_owned()).or_default();
            gone.insert(gone.partition_point(|other| *other < index), index);
        }
        removed.is_some()
    }

    /// Adds what the words of the rest say; of what was set aside they know nothing.
    fn join(&mut self, errors: Vec<FieldError>) {
        let known: Vec<String> = self.errors.iter().map(|error| error.path.clone()).collect();
        let within = |inner: &str, outer: &str| {
            inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        // What an object lacks may hang on a field that was set aside.
        let of = |path: &str| path.rsplit_once('/').map(|(object, _)| object.to_owned());
        let open: Vec<Option<String>> = (self.errors.iter())
            .filter(|error| error.code == "wrong_type")
            .map(|error| of(&error.path))
            .collect();
        for error in errors {
            let path = self.as_sent(&error.path);
            if DEPENDENT.contains(&error.code.as_str()) && open.contains(&of(&path)) {
                continue;
            }
            let is_known = known.iter().any(|known| {
                within(&path, known) || error.code == "required" && within(known, &path)
            });
            if !is_known {
                self.errors.push(FieldError { path, ..error });
            }
        }
    }

    /// A pointer into what is left, as a pointer into what was sent.
    fn as_sent(&self, pointer: &str) -> String {
        let mut sent = String::new();
        for word in pointer.split('/').skip(1) {
            let gone = self.gone.get(&sent).map(Vec::as_slice).unwrap_or_default();
            match word.parse::<usize>() {
                Ok(left) if !gone.is_empty() => {
                    let index = gone.iter().fold(left, |at, gone| at + usize::from(*gone <= at));
                    sent = format!("{sent}/{index}");
                }
                _ => sent = format!("{sent}/{word}"),
            }
        }
        sent
    }
}

/// What serde says of a value, in words of the trade.
fn in_words(words: &str) -> String {
    let expected = |word: &str| match word {
        "a map" => "an object".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a string" | "a borrowed string" => "a text".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "u8" => format!("a whole number from 0 to {}", u8::MAX),
        "u16" => format!("a whole number from 0 to {}", u16::MAX),
        "u32" => format!("a whole number from 0 to {}", u32::MAX),
        "u64" | "usize" => "a whole number, not negative".to_owned(),
        "i8" | "i16" | "i32" | "i64" => "a whole number".to_owned(),
        "f32" | "f64" => "a number".to_owned(),
        other => other.strip_prefix("struct ").map_or(other, |_| "an object").to_owned(),
    };
    let found = |word: &str| match word {
        "map" => "an object".to_owned(),
        "sequence" => "a list".to_owned(),
        "null" | "unit value" => "null".to_owned(),
        other => {
            let kinds = [
                ("string ", "the text "),
                ("integer ", ""),
                ("floating point ", ""),
                ("boolean ", ""),
            ];
            let kind =
                kinds.iter().find_map(|(kind, ours)| Some((other.strip_prefix(kind)?, ours)));
            kind.map_or(other.to_owned(), |(value, ours)| {
                format!("{ours}{}", value.replace('`', ""))
            })
        }
    };
    let told = words
        .strip_prefix("invalid type: ")
        .or_else(|| words.strip_prefix("invalid value: "))
        .and_then(|rest| rest.rsplit_once(", expected "));
    match told {
        Some((was, wanted)) => format!("{} is expected here, not {}", expected(wanted), found(was)),
        None => words.to_owned(),
    }
}

/// What was removed: a field, or an element of a list.
enum Removed {
    Field,
    Element,
}

fn remove(document: &mut Value, pointer: &str) -> Option<Removed> {
    let (parent, key) = pointer.rsplit_once('/')?;
    let key = key.replace("~1", "/").replace("~0", "~");
    match document.pointer_mut(parent)? {
        Value::Object(map) => map.remove(&key).map(|_| Removed::Field),
        Value::Array(list) => {
            let index = key.parse::<usize>().ok().filter(|index| *index < list.len())?;
            list.remove(index);
            Some(Removed::Element)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}
