//! What an officer sees of goods on the move: arrivals at the importing post, exits and entries.
use super::fields::Fields;
use super::fields::Form;
use super::fields::faults;
use super::view::Answer;
use super::view::View;
use crate::app::App;
use crate::app::Caller;
use crate::app::Error;
use crate::app::preview::Leaving;
use crate::app::recorder::Recorded;
use crate::domain::consignment::Direction;
use crate::http::caller::Officer;
use crate::wire;
use crate::wire::FieldError;
use crate::wire::arrival::ArrivalRequest;
use crate::wire::consignment::Crossing;
use crate::wire::consignment::EntryRequest;
use crate::wire::consignment::ExitRequest;
use crate::wire::consignment::Whose;
use actix_web::http::StatusCode;
use actix_web::web;
use minijinja::Value;
use minijinja::context;
use serde::Deserialize;
use uuid::Uuid;

/// What a form begins with.
#[derive(Debug, Default, Deserialize)]
pub struct Begins {
    ucr: Option<String>,
    release: Option<String>,
}

/// The goods of a consignment that may leave, to choose from.
fn to_choose(leaving: &[Leaving]) -> Value {
    context! { releases => Value::from_serialize(leaving) }
}

fn begun(caller: &Caller, begins: &Begins) -> Value {
    let d = serde_json::json!({"ucr": begins.ucr, "release": begins.release});
    context! { d => Value::from_serialize(d), posts => own_posts(caller) }
}

fn own_posts(caller: &Caller) -> Vec<String> {
    caller.posts.iter().map(ToString::to_string).collect()
}

/// `GET /console/arrivals`.
pub async fn arrival(Officer(caller): Officer, view: View, begins: web::Query<Begins>) -> Answer {
    view.page(&caller, "arrival.html", begun(&caller, &begins))
}

/// `POST /console/arrivals`.
pub async fn arrive(
    app: web::Data<App>,
    Officer(caller): Officer,
    view: View,
    Form(form): Form,
) -> Answer {
    let sent = form.document();
    let body = sent.to_string();
    let once = form.once(&caller, "arrival", body.as_bytes())?;
    let read = wire::field::shape::<ArrivalRequest>(body.as_bytes());
    let done = match read.and_then(|request| request.read()).map_err(Error::Invalid) {
        Ok(arrival) => app.arrive(&caller, arrival, body, Some(once)).await,
        Err(error) => Err(error),
    };
    after(&caller, &view, done, &sent, context! {}, ("arrival.html", "arrived.html"))
}

/// `GET /console/crossings`.
pub async fn crossing(
    app: web::Data<App>,
    Officer(caller): Officer,
    view: View,
    begins: web::Query<Begins>,
) -> Answer {
    let leaving = match &begins.ucr {
        Some(ucr) => app.leaving_under(&caller, ucr).await?,
        None => Vec::new(),
    };
    let context = context! { ..to_choose(&leaving), ..begun(&caller, &begins) };
    view.page(&caller, "crossing.html", context)
}

/// `POST /console/crossings`.
pub async fn cross(
    app: web::Data<App>,
    Officer(caller): Officer,
    view: View,
    Form(form): Form,
) -> Answer {
    let sent = form.document();
    let is_entry = form.text("direction") == "entry";
    let direction = if is_entry { Direction::Entry } else { Direction::Exit };
    let body = sent.to_string();
    let once = form.once(&caller, direction_word(is_entry), body.as_bytes())?;
    let read = if is_entry { read_entry(&form, &sent) } else { read_exit(&form, &sent) };
    let mut leaving = Vec::new();
    if !is_entry && let Some(ucr) = sent.get("ucr").and_then(serde_json::Value::as_str) {
        leaving = app.leaving_under(&caller, ucr).await?;
    }
    let read = match read.map_err(Error::Invalid) {
        Ok(crossing) => which(crossing, &leaving),
        Err(error) => Err(error),
    };
    let done = match read {
        Ok(crossing) => app.cross(&caller, direction, crossing, Some(once)).await,
        Err(error) => Err(error),
    };
    let mut sent = sent;
    if let Some(fields) = sent.as_object_mut() {
        fields.insert("direction".to_owned(), direction_word(is_entry).into());
        fields.insert("at".to_owned(), form.text("at").into());
    }
    after(&caller, &view, done, &sent, to_choose(&leaving), ("crossing.html", "crossed.html"))
}

/// An exit is of a release: of the only one of the consignment that has not left, or of the one chosen.
fn which(mut crossing: Crossing, leaving: &[Leaving]) -> Result<Crossing, Error> {
    match (&crossing.whose, leaving) {
        (Whose::Consignment(_), [only]) => {
            let id = Uuid::parse_str(&only.id)
                .map_err(|error| Error::Internal(format!("a release's identifier: {error}")))?;
            crossing.whose = Whose::Release(id);
        }
        (Whose::Consignment(_), [_, _, ..]) => {
            let words =
                format!("{} releases have not left: choose the one that does", leaving.len());
            return Err(Error::Invalid(vec![FieldError::new("/release", "required", words)]));
        }
        _ => {}
    }
    Ok(crossing)
}

fn direction_word(is_entry: bool) -> &'static str {
    if is_entry { "entry" } else { "exit" }
}

type Read = Result<Crossing, Vec<FieldError>>;

/// The form has one field for when, which the API calls by what was done; and it says whose goods cross by
/// the release, where one is chosen, or by the consignment.
fn timed(form: &Fields, sent: &serde_json::Value, (name, other): (&str, &str)) -> Vec<u8> {
    let mut sent = sent.clone();
    if let Some(fields) = sent.as_object_mut() {
        fields.remove(other);
    }
    if let Some(fields) = sent.as_object_mut()
        && !form.text("at").is_empty()
    {
        fields.insert(name.to_owned(), form.text("at").into());
    }
    sent.to_string().into_bytes()
}

fn read_exit(form: &Fields, sent: &serde_json::Value) -> Read {
    let other = if form.text("/release").is_empty() { "" } else { "ucr" };
    wire::field::shape::<ExitRequest>(&timed(form, sent, ("exited_at", other)))?.read()
}

fn read_entry(form: &Fields, sent: &serde_json::Value) -> Read {
    wire::field::shape::<EntryRequest>(&timed(form, sent, ("entered_at", "release")))?.read()
}

/// The name of a field in the form, which has one for either time.
fn in_form(path: &str) -> &str {
    match path {
        "/exited_at" | "/entered_at" => "at",
        path => path,
    }
}

/// The page after a form: what was recorded, or the form again with what is wrong with it.
fn after(
    caller: &Caller,
    view: &View,
    done: Result<Recorded, Error>,
    sent: &serde_json::Value,
    beside: Value,
    (form, page): (&str, &str),
) -> Answer {
    let errors: Vec<FieldError> = match done {
        Ok(recorded) => {
            let reply: serde_json::Value = serde_json::from_str(&recorded.reply)
                .map_err(|error| Error::Internal(format!("what was recorded: {error}")))?;
            return view.page(caller, page, context! { a => Value::from_serialize(reply) });
        }
        Err(Error::Invalid(errors)) => errors,
        Err(Error::Stale(why)) => vec![FieldError::new("", "conflict", why)],
        Err(Error::NotFound) => {
            vec![FieldError::new("/release", "not_found", "there is no such release at your posts")]
        }
        Err(error) => return Err(error.into()),
    };
    let context = context! {
        d => Value::from_serialize(sent), posts => own_posts(caller),
        errors => faults(&errors, in_form), ..beside
    };
    view.page_as(StatusCode::BAD_REQUEST, caller, form, context)
}
