//! The authority's licences: list, issue, amend, decide, and what has become of each.
use super::alerts::given;
use super::fields::Fields;
use super::fields::Form;
use super::fields::faults;
use super::scan::path_segment;
use super::session;
use super::view::Answer;
use super::view::View;
use crate::app::App;
use crate::app::Caller;
use crate::app::Error;
use crate::app::Role;
use crate::app::licences::Decision;
use crate::app::licences::Document;
use crate::app::register::SEARCHED_MAX;
use crate::app::register::STATUSES;
use crate::http::caller::Authority;
use crate::http::caller::OfficerOrAuthority;
use crate::http::page::LIMIT;
use crate::http::page::cursor;
use crate::http::page::next_cursor;
use crate::http::problem::Problem;
use crate::wire;
use crate::wire::FieldError;
use crate::wire::licence::LicenceReply;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web;
use minijinja::Value;
use minijinja::context;
use serde::Deserialize;

/// Movements and versions shown of one licence.
const HISTORY_MAX: u16 = 100;

/// What is looked for.
#[derive(Debug, Default, Deserialize)]
pub struct Sought {
    q: Option<String>,
    status: Option<String>,
    after: Option<String>,
}

/// Longest text that is looked for.
const SOUGHT_CHARS_MAX: usize = 100;

/// `GET /console/licences`: those of the own State whose number, names or serials hold a text.
pub async fn list(
    app: web::Data<App>,
    Authority(caller): Authority,
    view: View,
    sought: web::Query<Sought>,
) -> Answer {
    let text = sought.q.as_deref().unwrap_or_default().trim();
    let too_long = || FieldError::new("?q", "too_long", "at most 100 characters");
    if text.chars().count() > SOUGHT_CHARS_MAX {
        return Err(Problem::invalid(vec![too_long()]));
    }
    if !text.is_empty() && sought.after.is_none() {
        // A whole number leads there at once, also to another State's licence that names this one.
        match app.licence(&caller, &text.to_uppercase()).await {
            Ok(licence) => return Ok(see_licence(&licence)),
            Err(Error::NotFound) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let status = STATUSES.into_iter().find(|status| Some(*status) == sought.status.as_deref());
    let after = sought.after.as_deref().map(|after| cursor(after).ok_or(Error::NotFound));
    let after = after.transpose()?.unwrap_or_default();
    let (licences, next) = app.search_licences(&caller, text, status, after, LIMIT).await?;
    let context = context! {
        licences => Value::from_serialize(licences), next => next.map(next_cursor), sought => text,
        status => status.unwrap_or_default(), statuses => STATUSES, most => SEARCHED_MAX,
    };
    view.page(&caller, "licences.html", context)
}

fn see_licence(licence: &LicenceReply) -> HttpResponse {
    let number = licence.licence.number.as_deref().unwrap_or_default();
    session::see(&address(number))
}

fn address(number: &str) -> String {
    format!("/console/licences/{}", path_segment(number))
}

/// `GET /console/licences/{number}`.
pub async fn read(
    app: web::Data<App>,
    OfficerOrAuthority(caller): OfficerOrAuthority,
    view: View,
    number: web::Path<String>,
) -> Answer {
    let context = licence_context(&app, &caller, &number).await?;
    view.page(&caller, "licence.html", context)
}

async fn licence_context(app: &App, caller: &Caller, number: &str) -> Result<Value, Problem> {
    let licence = app.licence(caller, number).await?;
    let own = caller.role == Role::Authority
        && licence.licence.issuing_state.as_deref() == Some(caller.state.as_str());
    let (mut ledger, mut versions, mut uses) = (Vec::new(), Vec::new(), Vec::new());
    if own {
        uses = app.licence_uses(caller, number).await?;
        ledger = app.ledger(caller, number, 0, HISTORY_MAX).await?.0;
        versions = app.versions(caller, number, 0, HISTORY_MAX).await?.0;
        ledger.reverse();
        versions.reverse();
        // The documents are for the API; a page shows that there was a change.
        for version in &mut versions {
            version.licence = None;
        }
    }
    let decisions: &[&str] = match licence.status.as_str() {
        _ if !own => &[],
        "active" => &["suspension", "revocation", "annulment", "surrender"],
        "revoked" => &["annulment"],
        "suspended" => &["reinstatement", "revocation", "annulment", "surrender"],
        _ => &[],
    };
    Ok(context! {
        address => address(number), own => own, decisions => decisions,
        uses => Value::from_serialize(uses),
        ledger => Value::from_serialize(ledger), versions => Value::from_serialize(versions),
        l => Value::from_serialize(licence),
    })
}

/// `GET /console/licences/new`.
pub async fn new(Authority(caller): Authority, view: View) -> Answer {
    let l = serde_json::json!({"issuing_state": caller.state.as_str()});
    let context = context! { l => Value::from_serialize(l) };
    view.page(&caller, "licence_form.html", context)
}

/// `POST /console/licences/new`: by form, or by a document as the API takes it.
pub async fn issue(
    app: web::Data<App>,
    Authority(caller): Authority,
    view: View,
    Form(form): Form,
) -> Answer {
    let sent = sent(&form);
    let body = sent.to_string();
    let once = form.once(&caller, "licence", body.as_bytes())?;
    let issued = match read_document(&body) {
        Ok(document) => {
            let number = document.licence().number.to_string();
            app.issue(&caller, document, Some(once)).await.map(|_| number)
        }
        Err(error) => Err(error),
    };
    after_form(&caller, &view, issued, &sent, context! {})
}

/// `GET /console/licences/{number}/amendment`.
pub async fn amendment(
    app: web::Data<App>,
    Authority(caller): Authority,
    view: View,
    number: web::Path<String>,
) -> Answer {
    let licence = app.licence(&caller, &number).await?;
    let context = context! {
        l => Value::from_serialize(&licence), amends => licence.version, number => number.as_str(),
    };
    view.page(&caller, "licence_form.html", context)
}

/// `POST /console/licences/{number}/amendment`.
pub async fn amend(
    app: web::Data<App>,
    Authority(caller): Authority,
    view: View,
    number: web::Path<String>,
    Form(form): Form,
) -> Answer {
    let mut sent = sent(&form);
    let version: u32 = form.text("version").parse().map_err(|_e| Problem::missing_if_match())?;
    // What the form does not show stays as it is.
    let seen = app.licence(&caller, &number).await?;
    keep_the_rest(&mut sent, &seen);
    let body = sent.to_string();
    let once = form.once(&caller, &format!("amend {number} {version}"), body.as_bytes())?;
    let amended = match read_document(&body) {
        Ok(document) => {
            let amended = app.amend(&caller, &number, document, version, Some(once)).await;
            amended.map(|_| number.to_string())
        }
        Err(error) => Err(error),
    };
    let context = context! { amends => version, number => number.as_str() };
    after_form(&caller, &view, amended, &sent, context)
}

/// Fields of a licence that its form does not have.
const NOT_IN_THE_FORM: [&str; 6] =
    ["brokers", "carriers", "conditions", "linked_licences", "authenticity", "superseded_by"];

fn keep_the_rest(sent: &mut serde_json::Value, seen: &LicenceReply) {
    let seen = serde_json::to_value(&seen.licence).unwrap_or_default();
    let Some(fields) = sent.as_object_mut() else { return };
    for name in NOT_IN_THE_FORM {
        if let Some(value) = seen.get(name).filter(|value| !value.is_null()) {
            fields.entry(name).or_insert_with(|| value.clone());
        }
    }
}

/// The document of a form: its fields, or the whole of it as it was pasted or dropped.
fn sent(form: &Fields) -> serde_json::Value {
    match given(form.text("document")) {
        Some(text) => {
            serde_json::from_str(text).unwrap_or(serde_json::Value::String(text.to_owned()))
        }
        None => {
            let mut document = form.document();
            let lines = document.get_mut("lines").and_then(serde_json::Value::as_array_mut);
            for (number, line) in (1_u32..).zip(lines.into_iter().flatten()) {
                if let Some(line) = line.as_object_mut() {
                    line.entry("line").or_insert_with(|| number.into());
                }
            }
            document
        }
    }
}

fn read_document(body: &str) -> Result<Document, Error> {
    Document::parse(body.as_bytes())
}

fn after_form(
    caller: &Caller,
    view: &View,
    done: Result<String, Error>,
    sent: &serde_json::Value,
    context: Value,
) -> Answer {
    let errors: Vec<FieldError> = match done {
        Ok(number) => return Ok(session::see(&address(&number))),
        Err(Error::Invalid(errors)) => errors,
        Err(Error::Stale(why) | Error::VersionMismatch(why)) => {
            vec![FieldError::new("", "conflict", why)]
        }
        Err(error) => return Err(error.into()),
    };
    let context = context! {
        l => Value::from_serialize(sent), errors => faults(&errors, |path| path), ..context
    };
    view.page_as(StatusCode::BAD_REQUEST, caller, "licence_form.html", context)
}

/// `POST /console/licences/{number}/decision`.
pub async fn decide(
    app: web::Data<App>,
    Authority(caller): Authority,
    view: View,
    number: web::Path<String>,
    Form(form): Form,
) -> Answer {
    let (word, version) = (form.text("decision"), form.text("version"));
    let decision = Decision::parse(word).ok_or(Error::NotFound)?;
    let reason = match wire::field::reason(given(form.text("reason"))) {
        Ok(reason) => reason,
        Err(errors) => {
            let shown = licence_context(&app, &caller, &number).await?;
            let context = context! { errors => faults(&errors, |path| path), ..shown };
            return view.page_as(StatusCode::BAD_REQUEST, &caller, "licence.html", context);
        }
    };
    let version: u32 = version.parse().map_err(|_e| Problem::missing_if_match())?;
    let body = format!("{version}\0{reason}");
    let once = form.once(&caller, &format!("{word} {number}"), body.as_bytes())?;
    let named = number.as_str().into();
    app.decide(&caller, named, decision, reason, Some(version), Some(once)).await?;
    Ok(session::see(&address(&number)))
}
