//! The timeline of a consignment, drawn over its route and told in order, and the life of a firearm.
use super::fields::Form;
use super::fields::faults;
use super::scan::path_segment;
use super::session;
use super::view::Answer;
use super::view::View;
use crate::app::App;
use crate::app::Error;
use crate::http::caller::Follower;
use crate::http::caller::OfficerOrAuthority;
use crate::http::page::FirstSeen;
use crate::http::serials;
use crate::wire;
use crate::wire::FieldError;
use crate::wire::consignment::ConsignmentReply;
use crate::wire::serial::SerialReportRequest;
use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web;
use minijinja::Value;
use minijinja::context;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Events written at one place of the drawing; the list below it has all.
const EVENTS_DRAWN_MAX: usize = 5;
/// The drawing's measures: from one place to the next, and the edge.
const STEP: usize = 220;
const EDGE: usize = 110;

/// What is looked for.
#[derive(Debug, Deserialize)]
pub struct Sought {
    ucr: Option<String>,
}

/// `GET /console/consignments`: finds one by its UCR.
pub async fn find(Follower(caller): Follower, view: View, sought: web::Query<Sought>) -> Answer {
    match sought.ucr.as_deref().map(str::trim).filter(|ucr| !ucr.is_empty()) {
        Some(ucr) => Ok(session::see(&format!("/console/consignments/{}", path_segment(ucr)))),
        None => view.page(&caller, "journeys.html", context! {}),
    }
}

/// `GET /console/consignments/{ucr}`.
pub async fn read(
    app: web::Data<App>,
    Follower(caller): Follower,
    view: View,
    ucr: web::Path<String>,
    FirstSeen(first_seen): FirstSeen,
) -> Answer {
    match app.consignment(&caller, &ucr, first_seen).await {
        Ok(journey) => {
            let context = context! {
                places => drawn(&journey), step => STEP, edge => EDGE, c => Value::from_serialize(&journey),
            };
            view.page(&caller, "journey.html", context)
        }
        Err(Error::NotFound) => {
            let context = context! { not_known => ucr.as_str() };
            view.page_as(StatusCode::NOT_FOUND, &caller, "journeys.html", context)
        }
        Err(error) => Err(error.into()),
    }
}

/// The places of the route from left to right, each with what happened there; at the end those that
/// nobody had declared.
fn drawn(journey: &ConsignmentReply) -> Vec<Value> {
    let mut states: Vec<&str> = Vec::new();
    let ends = [journey.country_of_export.as_deref(), journey.country_of_import.as_deref()];
    let route = journey.route.iter().map(String::as_str);
    for state in
        ends[..1].iter().flatten().copied().chain(route).chain(ends[1..].iter().flatten().copied())
    {
        if states.last() != Some(&state) {
            states.push(state);
        }
    }
    let declared = states.len();
    for event in &journey.events {
        if !states.contains(&event.state.as_str()) {
            states.push(&event.state);
        }
    }
    let moves = |kind: &str| matches!(kind, "release" | "exit" | "entry" | "arrival");
    let reached = |state: &str| journey.events.iter().any(|e| e.state == state && moves(&e.kind));
    let furthest = states.iter().take(declared).rposition(|state| reached(state));
    let places = states.iter().enumerate().map(|(n, state)| {
        let here: Vec<_> = journey.events.iter().filter(|event| event.state == *state).collect();
        let shown: Vec<Value> = here
            .iter()
            .take(EVENTS_DRAWN_MAX)
            .map(|event| context! { kind => event.kind, at => event.at, outcome => event.outcome })
            .collect();
        context! {
            state => state, x => EDGE + n * STEP, events => shown,
            more => here.len().saturating_sub(EVENTS_DRAWN_MAX), is_reached => reached(state),
            is_passed => furthest.is_some_and(|last| n > 0 && n <= last), is_declared => n < declared,
        }
    });
    places.collect()
}

/// `GET /console/serials`: the form, and where a serial is asked for its life.
pub async fn life(
    app: web::Data<App>,
    OfficerOrAuthority(caller): OfficerOrAuthority,
    view: View,
    request: HttpRequest,
) -> Answer {
    let asked = |name: &str| {
        let query = web::Query::<BTreeMap<String, String>>::from_query(request.query_string());
        query.ok().and_then(|query| query.get(name).cloned()).unwrap_or_default()
    };
    let posts: Vec<String> = caller.posts.iter().map(ToString::to_string).collect();
    let sought = context! {
        serial => asked("serial"), make => asked("make"), model => asked("model"),
        country => asked("country"),
    };
    if asked("serial").trim().is_empty() {
        let context = context! { sought => sought, posts => posts };
        return view.page(&caller, "serial.html", context);
    }
    let trail = app.serial_trail(&caller, serials::read(request.query_string())?).await?;
    let context =
        context! { sought => sought, posts => posts, trail => Value::from_serialize(trail) };
    view.page(&caller, "serial.html", context)
}

/// `POST /console/serials`: a firearm is reported lost, stolen, seized or found.
pub async fn report(
    app: web::Data<App>,
    OfficerOrAuthority(caller): OfficerOrAuthority,
    view: View,
    Form(form): Form,
) -> Answer {
    let sent = form.document();
    let body = sent.to_string();
    let once = form.once(&caller, "serial report", body.as_bytes())?;
    let read = wire::field::shape::<SerialReportRequest>(body.as_bytes());
    let done = match read.and_then(|request| request.read()).map_err(Error::Invalid) {
        Ok(report) => app.report_serial(&caller, report, Some(once)).await,
        Err(error) => Err(error),
    };
    let errors: Vec<FieldError> = match done {
        Ok(_) => {
            let serial = sent.get("serial").and_then(serde_json::Value::as_str).unwrap_or_default();
            let address = format!("/console/serials?serial={}", path_segment(serial));
            return Ok(session::see(&address));
        }
        Err(Error::Invalid(errors)) => errors,
        Err(error) => return Err(error.into()),
    };
    let posts: Vec<String> = caller.posts.iter().map(ToString::to_string).collect();
    let context = context! {
        d => Value::from_serialize(&sent), posts => posts, errors => faults(&errors, |path| path),
        sought => context! {},
    };
    view.page_as(StatusCode::BAD_REQUEST, &caller, "serial.html", context)
}
