//! Errors of single fields, and the reader that gathers all of them: every word that is not what it is
//! meant to be.
use crate::domain::Invalid;
use crate::domain::Text;
use crate::domain::licence::NUMBER_CHARS_MAX;
use crate::domain::number;
use serde::Deserialize;
use serde::Serialize;

pub use super::shape::read;
pub use super::shape::shape;

/// Most field errors reported at once.
pub const ERRORS_MAX: usize = 50;
/// Longest name, address, description or note, in characters.
pub const TEXT_CHARS_MAX: usize = 500;

/// A field that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
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

pub(super) fn escaped(name: &str) -> String {
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
    if !has_form(text, DATE) {
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
    if !is_rfc3339(text) {
        return Err(bad());
    }
    let at: crate::domain::Timestamp = text.parse().map_err(|_e| bad())?;
    let pieces = jiff::fmt::temporal::Pieces::parse(text).map_err(|_e| bad())?;
    let offset_s = pieces.to_numeric_offset().map_or(0, jiff::tz::Offset::seconds);
    Ok((at, offset_s))
}

/// The form of a date: `d` is a digit.
const DATE: &str = "dddd-dd-dd";

fn has_form(text: &str, form: &str) -> bool {
    let fits = |(c, form)| if form == b'd' { u8::is_ascii_digit(&c) } else { c == form };
    text.len() == form.len() && text.bytes().zip(form.bytes()).all(fits)
}

/// Whether a text has the form of RFC 3339's `date-time`, of which ISO 8601 has many more.
fn is_rfc3339(text: &str) -> bool {
    let whole = |text: &str| {
        let (date, time) = text.split_at_checked(DATE.len())?;
        let time = time.strip_prefix(['T', 't'])?;
        let (clock, rest) = time.split_at_checked("hh:mm:ss".len())?;
        let rest = match rest.strip_prefix('.') {
            None => rest,
            Some(fraction) => {
                let offset = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
                (offset.len() < fraction.len()).then_some(offset)?
            }
        };
        let is_offset = match rest.strip_prefix(['+', '-']) {
            Some(offset) => has_form(offset, "dd:dd") && offset < "24" && offset.get(3..)? < "60",
            None => matches!(rest, "Z" | "z"),
        };
        Some(has_form(date, DATE) && has_form(clock, "dd:dd:dd") && is_offset)
    };
    whole(text).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_one_of_rfc_3339_and_of_no_other_form() {
        for good in [
            "2026-11-20T09:12:00+01:00",
            "2026-11-20t09:12:00.123456z",
            "2026-11-20T09:12:00-23:59",
            "2026-11-20T09:12:00.1Z",
        ] {
            assert!(instant(good).is_ok(), "{good}");
        }
        assert_eq!(instant("2026-11-20T09:12:00+01:30").unwrap().1, 5400);
        for bad in [
            "20261126T000100Z",
            "2026-11-26T00Z",
            "2026-11-26T00:01Z",
            "2026-11-26T00:01:00+0100",
            "2026-11-26T00:01:00+01",
            "2026-11-26T00:01:00,5Z",
            "2026-11-26T00:01:00.Z",
            "2026-11-26T00:01:00+25:00",
            "2026-11-26T00:01:00+24:00",
            "2026-11-26T00:01:00+01:60",
            "2026-11-26T00:01:00+01:00:30",
            "+002026-11-26T00:01:00Z",
            "-000001-11-26T00:01:00Z",
            "2026-11-26 00:01:00Z",
            "2026-11-26T00:01:00Z[Europe/Paris]",
            "2026-11-26T00:01:00",
            "2026-11-26T24:01:00Z",
            "2026-02-30T00:01:00Z",
            "2026-11-26",
            "",
        ] {
            assert_eq!(instant(bad).map_err(|error| error.code), Err("not_a_time"), "{bad}");
        }
    }

    #[test]
    fn a_date_has_one_form() {
        assert!(date("2026-11-20").is_ok());
        for bad in
            ["20261120", "2026-W47-5", "2026-11-2x", "20261120T0", "2026-02-30", "2026-11-20 "]
        {
            assert_eq!(date(bad).map_err(|error| error.code), Err("not_a_date"), "{bad}");
        }
    }
}
