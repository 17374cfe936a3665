//! Errors of single fields, and the reader that gathers all of them: first whatever does not have
//! the shape asked for, then every word that is not what it is meant to be.
use crate::domain::Invalid;
use crate::domain::Text;
use crate::domain::licence::NUMBER_CHARS_MAX;
use crate::domain::number;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::Segment;

/// Most field errors reported at once.
pub const ERRORS_MAX: usize = 50;
/// Longest name, address, description or note, in characters.
pub const TEXT_CHARS_MAX: usize = 500;

/// A field that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct FieldError {
    /// JSON Pointer (RFC 6901) to the field.
    pub path: String,
    /// Stable machine-readable reason.
    pub code: String,
    /// The reason in words.
    pub detail: String,
}

impl FieldError {
    /// An error at a place.
    pub fn new(path: impl Into<String>, code: &str, detail: impl Into<String>) -> Self {
        Self { path: path.into(), code: code.to_owned(), detail: detail.into() }
    }

    /// A word that is not what it is meant to be, at a place.
    pub fn invalid(path: impl Into<String>, invalid: Invalid) -> Self {
        Self::new(path, invalid.code, invalid.detail)
    }
}

/// A place in a document while it is read; only written out when there is an error.
#[derive(Debug, Clone, Copy)]
pub enum At<'a> {
    /// The document itself, under a prefix such as `/declaration`.
    Root(&'a str),
    /// A field of an object.
    Field(&'a At<'a>, &'a str),
    /// An element of a list.
    Index(&'a At<'a>, usize),
}

impl<'a> At<'a> {
    /// A field of the object here.
    pub fn field(&'a self, name: &'a str) -> At<'a> {
        At::Field(self, name)
    }

    /// An element of the list here.
    pub fn index(&'a self, index: usize) -> At<'a> {
        At::Index(self, index)
    }
}

impl std::fmt::Display for At<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            At::Root(prefix) => f.write_str(prefix),
            At::Field(parent, name) => write!(f, "{parent}/{}", escaped(name)),
            At::Index(parent, index) => write!(f, "{parent}/{index}"),
        }
    }
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Gathers every field error of one document.
#[derive(Debug, Default)]
pub struct Reader {
    errors: Vec<FieldError>,
}

impl Reader {
    /// Adds an error.
    pub fn error(&mut self, at: &At<'_>, code: &str, detail: impl Into<String>) {
        if self.errors.len() < ERRORS_MAX {
            self.errors.push(FieldError::new(at.to_string(), code, detail));
        }
    }

    /// Insists on a field, unless its value has been found unusable already.
    pub fn required<T>(&mut self, at: &At<'_>, value: Option<T>) -> Option<T> {
        if value.is_none() {
            let path = at.to_string();
            let is_of = |error: &FieldError| {
                let within = error.path.strip_prefix(path.as_str());
                within.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            };
            if !self.errors.iter().any(is_of) {
                self.error(at, "required", "this field is required");
            }
        }
        value
    }

    /// Reads a word of the trade.
    pub fn word<T>(
        &mut self,
        at: &At<'_>,
        text: Option<&str>,
        parse: impl FnOnce(&str) -> Result<T, Invalid>,
    ) -> Option<T> {
        match parse(text?) {
            Ok(value) => Some(value),
            Err(invalid) => {
                self.error(at, invalid.code, invalid.detail);
                None
            }
        }
    }

    /// Reads free text: not empty, without control characters, no longer than `chars_max`.
    pub fn text(&mut self, at: &At<'_>, text: Option<&str>, chars_max: usize) -> Option<Text> {
        self.word(at, text, |text| checked_text(text, chars_max))
    }

    /// Reads the number of a declaration, a consignment or a trader, into the form in which it is compared.
    pub fn number(&mut self, at: &At<'_>, text: Option<&str>, chars_max: usize) -> Option<Text> {
        let text = self.text(at, text, chars_max)?;
        self.word(at, Some(text.as_str()), number::plain)
    }

    /// Reads a licence's number, the same.
    pub fn licence_number(&mut self, at: &At<'_>, text: Option<&str>) -> Option<Text> {
        let text = self.text(at, text, NUMBER_CHARS_MAX)?;
        let folded = self.word(at, Some(text.as_str()), number::of_licence);
        // Folded, a sign may have become several.
        self.text(at, folded.as_deref(), NUMBER_CHARS_MAX)
    }

    /// Reads a list, refusing one that is longer than `items_max`.
    pub fn list<T, U>(
        &mut self,
        at: &At<'_>,
        list: &[T],
        items_max: usize,
        mut read: impl FnMut(&mut Self, &At<'_>, &T) -> Option<U>,
    ) -> Vec<U> {
        if list.len() > items_max {
            self.error(at, "too_many", format!("{} entries, at most {items_max}", list.len()));
            return Vec::new();
        }
        let mut read_items = Vec::with_capacity(list.len());
        for (index, item) in list.iter().enumerate() {
            read_items.extend(read(self, &at.index(index), item));
        }
        read_items
    }

    /// The value, unless there was any error.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, Vec<FieldError>> {
        match value {
            Some(value) if self.errors.is_empty() => Ok(value),
            _ => Err(self.errors),
        }
    }
}

fn checked_text(text: &str, chars_max: usize) -> Result<Text, Invalid> {
    if text.trim().is_empty() {
        return Err(Invalid::new("empty", "the text is empty"));
    }
    if text.chars().any(char::is_control) {
        return Err(Invalid::new("control_character", "the text holds a control character"));
    }
    if text.len() > chars_max && text.chars().count() > chars_max {
        return Err(Invalid::new("too_long", format!("more than {chars_max} characters")));
    }
    Ok(Text::new(text))
}

/// Reads the reason that a decision must give, at `/reason`.
pub fn reason(text: Option<&str>) -> Result<Text, Vec<FieldError>> {
    let mut reader = Reader::default();
    let root = At::Root("");
    let reason = reader.text(&root.field("reason"), text, TEXT_CHARS_MAX);
    let reason = reader.required(&root.field("reason"), reason);
    reader.finish(reason)
}

/// Reads a note that may be given, at `/note`.
pub fn note(text: Option<&str>) -> Result<Option<Text>, Vec<FieldError>> {
    let mut reader = Reader::default();
    let note = reader.text(&At::Root("").field("note"), text, TEXT_CHARS_MAX);
    reader.finish(Some(note))
}

/// Insists on a value that is kept as it was sent, such as a declaration.
pub fn kept(
    raw: Option<&serde_json::value::RawValue>,
    name: &str,
) -> Result<String, Vec<FieldError>> {
    let required =
        || vec![FieldError::new(format!("/{name}"), "required", "this field is required")];
    Ok(raw.ok_or_else(required)?.get().to_owned())
}

/// Reads one of a closed list of words.
pub fn one_of<T: Copy>(text: &str, words: &[(&str, T)]) -> Result<T, Invalid> {
    words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value).ok_or_else(|| {
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        Invalid::new("unknown_word", format!("{text:?} is not one of: {}", known.join(", ")))
    })
}

/// Reads the identifier of an object.
pub fn identifier(text: &str) -> Result<uuid::Uuid, Invalid> {
    uuid::Uuid::parse_str(text)
        .map_err(|_e| Invalid::new("not_an_identifier", format!("{text:?} is not a UUID")))
}

/// Reads a calendar date.
pub fn date(text: &str) -> Result<crate::domain::Date, Invalid> {
    let bad = || {
        Invalid::new("not_a_date", format!("{text:?} is not a calendar date such as 2026-11-20"))
    };
    if text.len() != 10 {
        return Err(bad());
    }
    text.parse().map_err(|_e| bad())
}

/// Reads a time with its offset: the instant, and the offset in seconds.
pub fn instant(text: &str) -> Result<(crate::domain::Timestamp, i32), Invalid> {
    let bad = || {
        Invalid::new(
            "not_a_time",
            format!(
                "{text:?} is not an RFC 3339 time with an offset, such as 2026-11-20T09:12:00+01:00"
            ),
        )
    };
    if text.contains('[') || text.len() > 40 {
        return Err(bad());
    }
    let at: crate::domain::Timestamp = text.parse().map_err(|_e| bad())?;
    let pieces = jiff::fmt::temporal::Pieces::parse(text).map_err(|_e| bad())?;
    let offset_s = pieces.to_numeric_offset().map_or(0, jiff::tz::Offset::seconds);
    Ok((at, offset_s))
}

/// Reads a document of a shape. What does not have the shape is reported in full: each field that
/// stands in the way is set aside and the rest is read again.
pub fn shape<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Vec<FieldError>> {
    // The straight way, for nearly every request; whether it is text is looked at once, not again for
    // each of its strings.
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(value) = serde_json::from_str(text)
    {
        return Ok(value);
    }
    let mut document: Value = serde_json::from_slice(bytes).map_err(|error| {
        vec![FieldError::new("", "not_json", format!("the body is not JSON: {error}"))]
    })?;
    let mut errors = Vec::new();
    while errors.len() < ERRORS_MAX {
        let Err(error) = serde_path_to_error::deserialize::<_, T>(&document) else {
            break;
        };
        let (field_error, removed) = set_aside(&mut document, &error);
        errors.push(field_error);
        if !removed {
            break;
        }
    }
    if errors.is_empty() {
        // It reads as a tree but not as a text: a field stands twice.
        errors.push(FieldError::new("", "duplicate_field", "a field stands twice in one object"));
    }
    Err(errors)
}

fn set_aside(
    document: &mut Value,
    error: &serde_path_to_error::Error<serde_json::Error>,
) -> (FieldError, bool) {
    let mut pointer = String::new();
    for segment in error.path() {
        match segment {
            Segment::Seq { index } => pointer = format!("{pointer}/{index}"),
            Segment::Map { key } => pointer = format!("{pointer}/{}", escaped(key)),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    let words = error.inner().to_string();
    let unknown = words.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next());
    if let Some(name) = unknown
        && !pointer.ends_with(&format!("/{}", escaped(name)))
    {
        pointer = format!("{pointer}/{}", escaped(name));
    }
    let (code, detail) = match unknown {
        Some(name) => ("unknown_field", format!("{name:?} is not a field here")),
        None => ("wrong_type", words),
    };
    let removed = remove(document, &pointer);
    (FieldError::new(pointer, code, detail), removed)
}

fn remove(document: &mut Value, pointer: &str) -> bool {
    let Some((parent, key)) = pointer.rsplit_once('/') else {
        return false;
    };
    let key = key.replace("~1", "/").replace("~0", "~");
    match document.pointer_mut(parent) {
        Some(Value::Object(map)) => map.remove(&key).is_some(),
        Some(Value::Array(list)) => match key.parse::<usize>() {
            Ok(index) if index < list.len() => {
                list.remove(index);
                true
            }
            _ => false,
        },
        _ => false,
    }
}
