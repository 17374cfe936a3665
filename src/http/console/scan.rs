//! The officer's scan: one field for whatever a scanner types, a declaration as a file or by a form,
//! and the verdict.
use super::alerts;
use super::credential;
use super::fields::Fields;
use super::fields::Form;
use super::fields::faults;
use super::fields::in_declaration;
use super::session;
use super::view::Answer;
use super::view::View;
use crate::app::App;
use crate::app::Caller;
use crate::app::Error;
use crate::app::preview::Released;
use crate::app::preview::Seen;
use crate::domain::short_code::ShortCode;
use crate::http::caller::Officer;
use crate::http::problem::Problem;
use crate::wire::FieldError;
use crate::wire::verification::Presented;
use crate::wire::verification::Verification;
use crate::wire::verification::VerificationBody;
use actix_web::http::StatusCode;
use actix_web::web;
use minijinja::Value;
use minijinja::context;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::time::Instant;
use uuid::Uuid;

/// Age beyond which a verdict is shown as an old one.
pub const FRESH_S: i64 = 120;
/// Longest text that is looked for.
const SOUGHT_CHARS_MAX: usize = 100;

/// `GET /console/scan`.
pub async fn page(app: web::Data<App>, Officer(caller): Officer, view: View) -> Answer {
    view.page(&caller, "scan.html", scan_context(&app, "", &[]))
}

fn scan_context(app: &App, text: &str, errors: &[FieldError]) -> Value {
    let samples = app.sign_in.chooser().map(|chooser| chooser.samples().to_vec());
    context! {
        text => text, sought => "", errors => Value::from_serialize(errors),
        samples => Value::from_serialize(samples.unwrap_or_default()),
    }
}

/// `POST /console/scan`: a declaration as it was dropped or pasted, or something to be looked for.
pub async fn present(
    app: web::Data<App>,
    Officer(caller): Officer,
    view: View,
    Form(form): Form,
) -> Answer {
    let (sought, pasted) = (form.text("q"), form.text("declaration"));
    if let Some(text) = [sought, pasted].into_iter().find(|text| credential::is_one(text)) {
        if form.text("declare").is_empty() {
            return credential::shown(&app, &caller, &view, text).await;
        }
        return credential::declare(&app, &caller, &view, (text, own_posts(&caller))).await;
    }
    let pasted = if sought.starts_with('{') { sought } else { pasted };
    if pasted.is_empty() {
        return seek(&app, &caller, &view, sought, &form).await;
    }
    let declaration = match bare(pasted) {
        Ok(declaration) => declaration,
        Err(errors) => {
            let context = scan_context(&app, pasted, &errors);
            return view.page_as(StatusCode::BAD_REQUEST, &caller, "scan.html", context);
        }
    };
    let once = form.once(&caller, "verification", declaration.as_bytes())?;
    let began = Instant::now();
    match app.verify(&caller, declaration, Some(once)).await {
        Ok(recorded) => shown(&app, &caller, &view, &recorded.reply, began).await,
        Err(Error::Invalid(errors)) => {
            let context = scan_context(&app, pasted, &errors);
            view.page_as(StatusCode::BAD_REQUEST, &caller, "scan.html", context)
        }
        Err(error) => Err(error.into()),
    }
}

/// A declaration as it stands, also out of the request that it stands in.
pub fn bare(text: &str) -> Result<String, Vec<FieldError>> {
    let not_json =
        |error: serde_json::Error| vec![FieldError::new("", "not_json", error.to_string())];
    let fields: std::collections::BTreeMap<String, Box<RawValue>> =
        serde_json::from_str(text).map_err(not_json)?;
    match fields.get("declaration") {
        Some(inner) if fields.len() == 1 => Ok(inner.get().to_owned()),
        _ => Ok(text.to_owned()),
    }
}

/// Looks for what was scanned: a licence, or goods released under a reference.
async fn seek(app: &App, caller: &Caller, view: &View, sought: &str, form: &Fields) -> Answer {
    if sought.is_empty() {
        return Ok(session::see("/console/scan"));
    }
    let length = sought.chars().count();
    if length > SOUGHT_CHARS_MAX {
        let words =
            format!("too long for a reference: {length} characters, {SOUGHT_CHARS_MAX} at most");
        let errors = [FieldError::new("", "too_long", words)];
        let context = context! { sought => sought, ..scan_context(app, "", &errors) };
        return view.page_as(StatusCode::BAD_REQUEST, caller, "scan.html", context);
    }
    let sought = sought.to_uppercase();
    if let Some(code) = ShortCode::parse(&sought) {
        return presented_under(app, caller, view, code.as_str(), form).await;
    }
    if let Some(released) = app.released_under(caller, &sought).await?.first() {
        return Ok(session::see(&format!("/console/verifications/{}", released.verification)));
    }
    match app.licence(caller, &sought).await {
        Ok(licence) => {
            let number = licence.licence.number.unwrap_or_default();
            return Ok(session::see(&format!("/console/licences/{}", path_segment(&number))));
        }
        Err(Error::NotFound) => {}
        Err(error) => return Err(error.into()),
    }
    if let Some(verification) = app.last_verdict(caller, &sought).await? {
        return Ok(session::see(&format!("/console/verifications/{verification}?scanned=true")));
    }
    let cleared = app.last_verdict_of(caller, &sought).await?;
    if let Some(verification) = cleared {
        return Ok(session::see(&format!("/console/verifications/{verification}?scanned=true")));
    }
    match app.consignment(caller, &sought, None).await {
        Ok(_) => {
            let address = format!("/console/consignments/{}", path_segment(&sought));
            return Ok(session::see(&address));
        }
        Err(Error::NotFound) => {}
        Err(error) => return Err(error.into()),
    }
    let context = context! {
        d => Value::from_serialize(serde_json::json!({"reference": {"value": sought}})),
        not_known => sought, posts => own_posts(caller),
    };
    view.page_as(StatusCode::NOT_FOUND, caller, "declaration.html", context)
}

/// Goods that a carrier has announced, presented under their code.
async fn presented_under(
    app: &App,
    caller: &Caller,
    view: &View,
    code: &str,
    form: &Fields,
) -> Answer {
    let body = serde_json::json!({"preclearance": code}).to_string();
    let request: VerificationBody = crate::wire::field::shape(body.as_bytes())?;
    let Presented::Announced(announced) = request.presented()? else {
        return Err(Error::NotFound.into());
    };
    let once = form.once(caller, "verification", body.as_bytes())?;
    let began = Instant::now();
    let recorded = app.verify_announced(caller, announced, Some(once)).await?;
    shown(app, caller, view, &recorded.reply, began).await
}

/// Text as one step of an address.
pub fn path_segment(text: &str) -> String {
    use std::fmt::Write;
    text.bytes().fold(String::new(), |mut path, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            path.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(path, "%{byte:02X}");
        }
        path
    })
}

fn own_posts(caller: &Caller) -> Vec<String> {
    caller.posts.iter().map(ToString::to_string).collect()
}

/// `GET /console/declaration`: the declaration as a form.
pub async fn form(Officer(caller): Officer, view: View) -> Answer {
    view.page(&caller, "declaration.html", context! { posts => own_posts(&caller) })
}

/// `POST /console/declaration`.
pub async fn declare(
    app: web::Data<App>,
    Officer(caller): Officer,
    view: View,
    Form(form): Form,
) -> Answer {
    let mut document = form.document();
    number_items(&mut document);
    let declaration = document.to_string();
    let once = form.once(&caller, "verification", declaration.as_bytes())?;
    let began = Instant::now();
    match app.verify(&caller, declaration, Some(once)).await {
        Ok(recorded) => shown(&app, &caller, &view, &recorded.reply, began).await,
        Err(Error::Invalid(errors)) => {
            let context = context! {
                d => Value::from_serialize(&document), errors => faults(&errors, in_declaration),
                posts => own_posts(&caller),
            };
            view.page_as(StatusCode::BAD_REQUEST, &caller, "declaration.html", context)
        }
        Err(error) => Err(error.into()),
    }
}

/// Items are numbered as they stand.
pub fn number_items(document: &mut serde_json::Value) {
    let items = document.get_mut("items").and_then(serde_json::Value::as_array_mut);
    for (number, item) in (1_u32..).zip(items.into_iter().flatten()) {
        if let Some(item) = item.as_object_mut() {
            item.insert("item".to_owned(), number.into());
        }
    }
}

/// The verdict that was just given.
async fn shown(app: &App, caller: &Caller, view: &View, reply: &str, began: Instant) -> Answer {
    let took_ms = began.elapsed().as_micros().div_ceil(1000);
    let given: Verification = serde_json::from_str(reply)
        .map_err(|error| Error::Internal(format!("a verdict: {error}")))?;
    let id = Uuid::parse_str(&given.id)
        .map_err(|error| Error::Internal(format!("a verdict's identifier: {error}")))?;
    let seen = app.verification(caller, id).await?;
    let context = verdict_context(app, caller, &seen, Some(took_ms)).await?;
    view.page(caller, "verdict.html", context)
}

/// The release that stands of the goods of a verdict: it followed that verdict or another, and the verdict
/// knows nothing of it.
pub fn already<'a>(released: &'a [Released], given: &Verification) -> Option<&'a Released> {
    let time = |text: &str| text.parse::<crate::domain::Timestamp>().ok();
    let since = time(&given.evaluated_at);
    released.iter().find(|one| {
        let released_at = one.released_at.as_deref();
        released_at.is_some()
            && (one.verification == given.id || released_at.and_then(time) >= since)
    })
}

/// A verdict as it was given, with what it was given on.
pub fn as_given(seen: &Seen) -> Value {
    context! {
        v => Value::from_serialize(&seen.verification),
        d => Value::from_serialize(&seen.declaration),
    }
}

/// What the page of a verdict shows.
pub async fn verdict_context(
    app: &App,
    caller: &Caller,
    seen: &Seen,
    took_ms: Option<u128>,
) -> Result<Value, Problem> {
    let given = &seen.verification;
    let released: Vec<Released> = app.released_under(caller, &given.declaration).await?;
    let at = given.evaluated_at.parse::<crate::domain::Timestamp>().ok();
    let age_s = at.map_or(i64::MAX, |at| app.clock.now().as_second() - at.as_second());
    let alert = match given.verdict.as_str() {
        "clear" => None,
        _ => alerts::of_verdict(app, caller, &given.id, at).await?,
    };
    let stopped = app.stopped_under(caller, &given.declaration).await?;
    // What was cleared and then stopped is not shown as if it might go.
    let (stopped, stopped_in) = match stopped {
        Some((measure, case)) => (Some(measure.as_str()), case.map(|case| case.to_string())),
        None => (None, None),
    };
    let already = already(&released, given);
    let shown = stopped.filter(|_| given.verdict == "clear").unwrap_or(&given.verdict);
    // Whoever comes under the same papers now must not be taken for the goods that were released.
    let shown = if already.is_some() { "already" } else { shown };
    Ok(context! {
        shown => shown, already => Value::from_serialize(already), stopped => stopped, stopped_in => stopped_in,
        case => alert,
        border_post => seen.border_post.as_str(), took_ms => took_ms.map(|ms| ms.to_string()),
        released => Value::from_serialize(&released), is_old => age_s > FRESH_S, fresh_s => FRESH_S,
        address => format!("/console/verifications/{}", given.id),
        ..as_given(seen)
    })
}

/// How somebody came to a verdict.
#[derive(Debug, Deserialize)]
pub struct Came {
    #[serde(default)]
    scanned: bool,
}

/// `GET /console/verifications/{id}`.
pub async fn verdict(
    app: web::Data<App>,
    Officer(caller): Officer,
    view: View,
    id: web::Path<Uuid>,
    came: web::Query<Came>,
) -> Answer {
    let seen = app.verification(&caller, *id).await?;
    let context = verdict_context(&app, &caller, &seen, None).await?;
    let context = context! { scanned => came.scanned, ..context };
    view.page(&caller, "verdict.html", context)
}

/// `POST /console/verifications/{id}/again`: the same declaration, judged anew.
pub async fn again(
    app: web::Data<App>,
    Officer(caller): Officer,
    view: View,
    id: web::Path<Uuid>,
    Form(form): Form,
) -> Answer {
    let seen = app.verification(&caller, *id).await?;
    let once = form.once(&caller, &format!("again {id}"), seen.sent.as_bytes())?;
    let began = Instant::now();
    let recorded = app.verify(&caller, seen.sent, Some(once)).await?;
    shown(&app, &caller, &view, &recorded.reply, began).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_declaration_is_taken_bare_or_out_of_its_request() {
        assert_eq!(bare(r#"{"declaration": {"a": 1}}"#).unwrap(), r#"{"a": 1}"#);
        assert_eq!(bare(r#"{"ucr": "1", "declaration": {}}"#).unwrap().len(), 31);
        assert_eq!(bare("{\"a\":").unwrap_err()[0].code, "not_json");
        assert_eq!(bare("[]").unwrap_err()[0].code, "not_json");
    }

    #[test]
    fn a_number_with_a_slash_stays_one_step_of_an_address() {
        assert_eq!(path_segment("FR/2026 é"), "FR%2F2026%20%C3%A9");
    }
}
