//! The templates, which stand in the binary, and what they may call. Everything that is put into a
//! page is escaped.
use super::words;
use crate::domain::Quantity;
use crate::domain::Timestamp;
use fluent_bundle::FluentArgs;
use fluent_bundle::FluentValue;
use minijinja::AutoEscape;
use minijinja::Environment;
use minijinja::Error;
use minijinja::ErrorKind;
use minijinja::State;
use minijinja::UndefinedBehavior;
use minijinja::Value;
use minijinja::value::Kwargs;

macro_rules! templates {
    ($($file:literal),+ $(,)?) => {
        /// Every template: name and text.
        pub const TEMPLATES: &[(&str, &str)] =
            &[$(($file, include_str!(concat!("templates/", $file)))),+];
    };
}

templates! {
    "base.html", "macros.html", "sign_in.html", "signed_in.html", "refused.html", "scan.html", "credential.html",
    "declaration.html", "verdict.html", "findings.html", "release.html",
    "released.html", "override.html", "stoppage.html", "release_page.html", "alerts.html", "alert_card.html", "case.html", "licences.html", "licence.html",
    "licence_form.html", "fields.html", "receipts.html", "receipt.html", "reconciled.html",
    "arrival.html", "arrived.html", "crossing.html", "crossed.html", "journeys.html", "journey.html",
    "serial.html", "overview.html", "paper.html", "batch.html", "batch_row.html", "trail.html", "imported.html", "log.html", "entry.html", "shipments.html", "shipment.html",
}

/// Writes a page.
pub fn render(template: &str, context: &Value) -> Result<String, Error> {
    environment()?.get_template(template)?.render(context)
}

/// In a debug build the templates are read from disk each time, so that work on a page needs no
/// building.
#[cfg(debug_assertions)]
fn environment() -> Result<Environment<'static>, Error> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/http/console/templates/");
    made(|name, embedded| {
        std::fs::read_to_string(format!("{folder}{name}")).unwrap_or_else(|_e| embedded.to_owned())
    })
}

#[cfg(not(debug_assertions))]
fn environment() -> Result<&'static Environment<'static>, Error> {
    static MADE: std::sync::LazyLock<Result<Environment<'static>, String>> =
        std::sync::LazyLock::new(|| {
            made(|_, embedded| embedded.to_owned()).map_err(|error| error.to_string())
        });
    MADE.as_ref().map_err(|error| Error::new(ErrorKind::SyntaxError, error.clone()))
}

fn made(text: impl Fn(&str, &str) -> String) -> Result<Environment<'static>, Error> {
    let mut made = Environment::new();
    made.set_auto_escape_callback(|_| AutoEscape::Html);
    made.set_undefined_behavior(UndefinedBehavior::Chainable);
    made.add_function("t", t);
    made.add_function("word", word);
    made.add_function("finding", finding);
    made.add_function("wrong", wrong);
    made.add_function("place", place);
    made.add_function("fresh_key", fresh_key);
    made.add_function("share", share);
    made.add_function("hundredths", hundredths);
    made.add_filter("segment", |text: &str| super::scan::path_segment(text));
    made.add_filter("moment", moment);
    made.add_filter("figure", figure);
    for (name, embedded) in TEMPLATES {
        made.add_template_owned(*name, text(name, embedded))?;
    }
    Ok(made)
}

fn language(state: &State<'_, '_>) -> String {
    let page = state.lookup("page").unwrap_or_default();
    page.get_attr("language").unwrap_or_default().to_string()
}

/// `t("key", count=3)`: a word of the page's language.
#[expect(clippy::needless_pass_by_value, reason = "the shape that the template engine calls")]
fn t(state: &State<'_, '_>, key: &str, kwargs: Kwargs) -> Result<String, Error> {
    let mut args = FluentArgs::new();
    let names: Vec<&str> = kwargs.args().collect();
    for name in names {
        let value: Value = kwargs.get(name)?;
        let value = match i64::try_from(value.clone()) {
            Ok(number) => FluentValue::from(number),
            Err(_) => FluentValue::from(value.to_string()),
        };
        args.set(name.to_owned(), value);
    }
    words::word(&language(state), key, Some(&args))
        .ok_or_else(|| Error::new(ErrorKind::InvalidOperation, format!("there is no word {key}")))
}

/// `word("unit", "C62")`: what a code of the trade is called; the code itself where it has no name.
fn word(state: &State<'_, '_>, kind: &str, code: &Value) -> String {
    let code = if code.is_none() || code.is_undefined() { return String::new() } else { code };
    let code = code.to_string();
    words::word(&language(state), &format!("{kind}-{code}"), None).unwrap_or(code)
}

/// `wrong("required")`: what is wrong, by the code of an error; nothing in English, in which the error
/// itself says more.
fn wrong(state: &State<'_, '_>, code: &Value) -> String {
    let language = language(state);
    let said = (language != "en").then(|| words::word(&language, &format!("wrong-{code}"), None));
    said.flatten().unwrap_or_default()
}

/// `place("/items/0/hs")`: what a field is called, by the words of its form; nothing where it has none.
fn place(state: &State<'_, '_>, path: &str) -> String {
    let language = language(state);
    let mut said: Vec<String> = Vec::new();
    let mut steps = path.split('/').filter(|step| !step.is_empty()).peekable();
    while let Some(step) = steps.next() {
        let number = steps.next_if(|next| next.bytes().all(|c| c.is_ascii_digit()));
        let number = number.and_then(|text| text.parse::<i64>().ok()).map(|index| index + 1);
        let key = match step {
            // What a file holds around a declaration is not in its form.
            "declaration" if steps.peek().is_some() => continue,
            "items" if number.is_some() => "item-number".to_owned(),
            "lines" if number.is_some() => "line-number".to_owned(),
            "id" => "identifier".to_owned(),
            "type" => "reference-type".to_owned(),
            "items" => "goods".to_owned(),
            "licences" => "licence".to_owned(),
            "border_post" => "post".to_owned(),
            "at" => "crossed-at".to_owned(),
            step => step.replace('_', "-"),
        };
        let mut args = FluentArgs::new();
        args.set("number", number.unwrap_or_default());
        let Some(word) = words::word(&language, &key, Some(&args)) else { continue };
        said.push(match number {
            Some(number) if !key.ends_with("-number") => format!("{word} {number}"),
            _ => word,
        });
    }
    said.join(" · ")
}

/// `finding(f)`: title and remedy of a finding in the page's language, and whether the rule's own
/// words say more than the catalogue's.
fn finding(state: &State<'_, '_>, found: &Value) -> Value {
    let text = |name: &str| found.get_attr(name).unwrap_or_default().to_string();
    let language = language(state);
    let (message, remedy) = (text("message"), text("remedy"));
    let english = words::finding("en", &text("code")).unwrap_or_default();
    let (title, translated) = words::finding(&language, &text("code"))
        .unwrap_or_else(|| of_alert(&language, &text("code")));
    let is_the_catalogue_s = remedy == english.1;
    minijinja::context! {
        title => title,
        detail => (message != english.0).then_some(message),
        remedy => if is_the_catalogue_s || language != "en" { translated } else { remedy.clone() },
        own_remedy => (!is_the_catalogue_s && language != "en").then_some(remedy),
    }
}

/// What a code says that only alerts carry, and no rule finds.
fn of_alert(language: &str, code: &str) -> (String, String) {
    let title = words::word(language, &format!("alert-code-{code}"), None);
    (title.unwrap_or_default(), String::new())
}

/// The parts of a balance in hundredths of what is authorised.
fn share(balance: &Value) -> Value {
    let read = |name: &str| {
        let text = balance.get_attr(name).unwrap_or_default().to_string();
        Quantity::parse(&text).unwrap_or_default().micros()
    };
    let whole = read("authorised").max(1);
    let part = |name: &str| i64::try_from(i128::from(read(name)) * 100 / i128::from(whole));
    let (used, held) = (part("consumed").unwrap_or(100), part("reserved").unwrap_or_default());
    let free = part("available").unwrap_or_default();
    minijinja::context! { used => used, held => held, free => free }
}

/// How many hundredths of a whole some is: 100 at most.
#[expect(clippy::needless_pass_by_value, reason = "the shape that the template engine calls")]
fn hundredths(some: String, whole: String) -> i64 {
    let read = |text: &str| i128::from(Quantity::parse(text).unwrap_or_default().micros());
    i64::try_from(read(&some).saturating_mul(100) / read(&whole).max(1)).unwrap_or(100).min(100)
}

/// A key for an act that may be sent again.
fn fresh_key() -> String {
    let mut bytes = [0; 16];
    // Without randomness the key is refused as empty by its form, and nothing is done twice.
    if getrandom::fill(&mut bytes).is_err() {
        return String::new();
    }
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}

/// A time or a day: the browser writes it as the reader's language does.
fn moment(value: &Value) -> Value {
    let text = value.to_string();
    let kind = if text.len() == 10 { "day" } else { "time" };
    let shown = text
        .parse::<Timestamp>()
        .map_or_else(|_e| text.clone(), |at| format!("{} UTC", at.strftime("%Y-%m-%d %H:%M:%S")));
    let (text, shown) = (escaped(&text), escaped(&shown));
    Value::from_safe_string(format!("<time datetime=\"{text}\" data-{kind}>{shown}</time>"))
}

/// A decimal: the browser groups it as the reader's language does.
fn figure(value: &Value) -> Value {
    let text = escaped(&value.to_string());
    Value::from_safe_string(format!("<data value=\"{text}\">{text}</data>"))
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            c => escaped.push(c),
        }
    }
    escaped
}
