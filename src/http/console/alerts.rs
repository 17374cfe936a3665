//! Alerts: what waits, the work on it, and the page of a case.
use super::fields::Form;
use super::scan::verdict_context;
use super::session;
use super::view::Answer;
use super::view::View;
use crate::app::App;
use crate::app::Error;
use crate::app::Role;
use crate::app::alerts::AlertsPage;
use crate::app::alerts::Query;
use crate::domain::alert::Severity;
use crate::domain::alert::Status;
use crate::http::alert_query::AlertPage;
use crate::http::alert_query::place_cursor;
use crate::http::caller::OfficerOrAuthority;
use crate::wire;
use crate::wire::alert::ResolutionRequest;
use actix_web::web;
use minijinja::Value;
use minijinja::context;
use uuid::Uuid;

/// Alerts looked through for the one of a verdict.
const OF_A_VERDICT_MAX: u16 = 50;

/// `GET /console/alerts`.
pub async fn list(
    app: web::Data<App>,
    OfficerOrAuthority(caller): OfficerOrAuthority,
    view: View,
    page: AlertPage,
) -> Answer {
    let shown = |word: Option<&'static str>| word.unwrap_or_default();
    let chosen = context! {
        status => shown(page.query.status.map(Status::as_str)),
        severity => shown(page.query.severity.map(Severity::as_str)),
        post => page.query.post.map(|post| post.to_string()).unwrap_or_default(),
    };
    let posts: Vec<String> = caller.posts.iter().map(ToString::to_string).collect();
    let AlertsPage { alerts, next, .. } = app.alerts(&caller, page.query, page.limit).await?;
    let context = context! {
        alerts => Value::from_serialize(alerts), next => next.map(place_cursor),
        chosen => chosen, posts => posts,
    };
    view.page(&caller, "alerts.html", context)
}

/// `GET /console/alerts/{id}`: everything about a case.
pub async fn case(
    app: web::Data<App>,
    OfficerOrAuthority(caller): OfficerOrAuthority,
    view: View,
    id: web::Path<Uuid>,
) -> Answer {
    let alert = app.alert(&caller, *id).await?;
    let verification = alert.about.verification.as_deref().and_then(|id| Uuid::parse_str(id).ok());
    let verdict = match verification.filter(|_| caller.role == Role::Officer) {
        Some(verification) => match app.verification(&caller, verification).await {
            Ok(seen) => verdict_context(&app, &caller, &seen, None).await?,
            Err(Error::NotFound) => context! {},
            Err(error) => return Err(error.into()),
        },
        None => context! {},
    };
    let context = context! {
        alert => Value::from_serialize(alert), address => format!("/console/alerts/{id}"), ..verdict
    };
    view.page(&caller, "case.html", context)
}

/// `POST /console/alerts/{id}/acknowledgement`.
pub async fn acknowledge(
    app: web::Data<App>,
    OfficerOrAuthority(caller): OfficerOrAuthority,
    id: web::Path<Uuid>,
    Form(form): Form,
) -> Answer {
    let note = wire::field::note(given(form.text("note")))?;
    let once =
        form.once(&caller, &format!("acknowledgement {id}"), form.text("note").as_bytes())?;
    app.acknowledge(&caller, *id, note, Some(once)).await?;
    Ok(session::see(&format!("/console/alerts/{id}")))
}

/// `POST /console/alerts/{id}/resolution`.
pub async fn resolve(
    app: web::Data<App>,
    OfficerOrAuthority(caller): OfficerOrAuthority,
    id: web::Path<Uuid>,
    Form(form): Form,
) -> Answer {
    let (outcome, note) = (form.text("outcome"), form.text("note"));
    let own = |text: &str| given(text).map(str::to_owned);
    let parts = ResolutionRequest { outcome: own(outcome), note: own(note) }.parts()?;
    let body = format!("{outcome}\0{note}");
    let once = form.once(&caller, &format!("resolution {id}"), body.as_bytes())?;
    app.resolve(&caller, *id, parts, Some(once)).await?;
    Ok(session::see(&format!("/console/alerts/{id}")))
}

/// A field that was filled in.
pub fn given(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

/// The alert that a verdict has raised, if it is the caller's to see.
pub async fn of_verdict(
    app: &App,
    caller: &crate::app::Caller,
    verification: &str,
    since: Option<crate::domain::Timestamp>,
) -> Result<Option<(String, String)>, Error> {
    let query = Query { since, ..Query::default() };
    let page = app.alerts(caller, query, OF_A_VERDICT_MAX).await?;
    let own = page
        .alerts
        .into_iter()
        .find(|alert| alert.about.verification.as_deref() == Some(verification));
    Ok(own.map(|alert| (alert.id, alert.status)))
}
