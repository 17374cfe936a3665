//! Alerts: what waits, as it comes, and the work on it.
use super::fields::Form;
use super::session;
use super::view::Answer;
use super::view::View;
use crate::app::App;
use crate::app::Caller;
use crate::app::Error;
use crate::app::alerts::AlertsPage;
use crate::app::alerts::Query;
use crate::domain::Timestamp;
use crate::domain::alert::Severity;
use crate::domain::alert::Status;
use crate::http::alert_query::AlertPage;
use crate::http::alert_query::place_cursor;
use crate::http::caller::Authority;
use crate::http::caller::Officer;
use crate::http::caller::OfficerOrAuthority;
use crate::wire;
use crate::wire::FieldError;
use crate::wire::alert::AnswerRequest;
use crate::wire::alert::ReferralRequest;
use crate::wire::alert::ResolutionRequest;
use actix_web::web;
use minijinja::Value;
use minijinja::context;
use uuid::Uuid;

/// Alerts looked through for the one of a verdict.
const OF_A_VERDICT_MAX: u16 = 50;

/// `GET /console/alerts`: those that are open, unless others are asked for.
pub async fn list(
    app: web::Data<App>,
    OfficerOrAuthority(caller): OfficerOrAuthority,
    view: View,
    page: AlertPage,
) -> Answer {
    let status = page.query.status.unwrap_or(Status::Open);
    let query = Query { status: Some(status), ..page.query };
    let severity = query.severity.map(Severity::as_str).unwrap_or_default();
    let post = query.post.as_ref().map(ToString::to_string).unwrap_or_default();
    let posts: Vec<String> = caller.posts.iter().map(ToString::to_string).collect();
    let AlertsPage { alerts, next, stream } = app.alerts(&caller, query, page.limit).await?;
    let chosen = context! { status => status.as_str(), severity => severity, post => post };
    let context = context! {
        alerts => Value::from_serialize(alerts), next => next.map(place_cursor),
        chosen => chosen, posts => posts, place => stream, beat_s => app.config.stream.beat_s,
    };
    view.page(&caller, "alerts.html", context)
}

/// `GET /console/alerts/{id}/card`: an alert as it stands in the list, for a page that has heard of it.
pub async fn card(
    app: web::Data<App>,
    OfficerOrAuthority(caller): OfficerOrAuthority,
    view: View,
    id: web::Path<Uuid>,
) -> Answer {
    let alert = app.alert(&caller, *id).await?;
    view.page(&caller, "alert_card.html", context! { alert => Value::from_serialize(alert) })
}

fn case(id: Uuid) -> String {
    format!("/console/alerts/{id}")
}

/// `POST /console/alerts/{id}/acknowledgement`.
pub async fn acknowledge(
    app: web::Data<App>,
    OfficerOrAuthority(caller): OfficerOrAuthority,
    view: View,
    id: web::Path<Uuid>,
    Form(form): Form,
) -> Answer {
    let note = match wire::field::note(given(form.text("note"))) {
        Ok(note) => note,
        Err(errors) => return again(&app, &caller, &view, *id, &errors).await,
    };
    let once =
        form.once(&caller, &format!("acknowledgement {id}"), form.text("note").as_bytes())?;
    app.acknowledge(&caller, *id, note, Some(once)).await?;
    Ok(session::see(&case(*id)))
}

/// `POST /console/alerts/{id}/resolution`.
pub async fn resolve(
    app: web::Data<App>,
    OfficerOrAuthority(caller): OfficerOrAuthority,
    view: View,
    id: web::Path<Uuid>,
    Form(form): Form,
) -> Answer {
    let (outcome, note) = (form.text("outcome"), form.text("note"));
    let own = |text: &str| given(text).map(str::to_owned);
    let asked = ResolutionRequest { outcome: own(outcome), note: own(note) };
    let parts = match asked.parts() {
        Ok(parts) => parts,
        Err(errors) => return again(&app, &caller, &view, *id, &errors).await,
    };
    let body = format!("{outcome}\0{note}");
    let once = form.once(&caller, &format!("resolution {id}"), body.as_bytes())?;
    app.resolve(&caller, *id, parts, Some(once)).await?;
    Ok(session::see(&case(*id)))
}

/// `POST /console/alerts/{id}/referral`.
pub async fn refer(
    app: web::Data<App>,
    Officer(caller): Officer,
    view: View,
    id: web::Path<Uuid>,
    Form(form): Form,
) -> Answer {
    let (grounds, note) = (form.text("grounds"), form.text("note"));
    let own = |text: &str| given(text).map(str::to_owned);
    let asked = ReferralRequest { grounds: own(grounds), note: own(note) };
    let parts = match asked.parts() {
        Ok(parts) => parts,
        Err(errors) => return again(&app, &caller, &view, *id, &errors).await,
    };
    let body = format!("{grounds}\0{note}");
    let once = form.once(&caller, &format!("referral {id}"), body.as_bytes())?;
    app.refer(&caller, *id, parts, Some(once)).await?;
    Ok(session::see(&case(*id)))
}

/// `POST /console/alerts/{id}/decision`: the authority answers a referral.
pub async fn answer(
    app: web::Data<App>,
    Authority(caller): Authority,
    view: View,
    id: web::Path<Uuid>,
    Form(form): Form,
) -> Answer {
    let (decision, reason) = (form.text("decision"), form.text("reason"));
    let own = |text: &str| given(text).map(str::to_owned);
    let asked = AnswerRequest { decision: own(decision), reason: own(reason) };
    let parts = match asked.parts() {
        Ok(parts) => parts,
        Err(errors) => return again(&app, &caller, &view, *id, &errors).await,
    };
    let body = format!("{decision}\0{reason}");
    let once = form.once(&caller, &format!("decision {id}"), body.as_bytes())?;
    app.answer(&caller, *id, parts, Some(once)).await?;
    Ok(session::see(&case(*id)))
}

/// The case once more, with what is wrong with its form.
async fn again(app: &App, caller: &Caller, view: &View, id: Uuid, errors: &[FieldError]) -> Answer {
    super::case::shown(app, caller, view, id, errors).await
}

/// A field that was filled in.
pub fn given(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

/// The alert that a verdict has raised or taken further, if it is the caller's to see.
pub async fn of_verdict(
    app: &App,
    caller: &Caller,
    verification: &str,
    since: Option<Timestamp>,
) -> Result<Option<Value>, Error> {
    if let Ok(id) = Uuid::parse_str(verification)
        && let Some(alert) = app.alert_of_verdict(caller, id).await?
    {
        return Ok(Some(Value::from_serialize(alert)));
    }
    // A post that was cut off has recorded its verdict in a log of its own.
    let query = Query { since, ..Query::default() };
    let page = app.alerts(caller, query, OF_A_VERDICT_MAX).await?;
    let own = page
        .alerts
        .into_iter()
        .find(|alert| alert.about.verification.as_deref() == Some(verification));
    Ok(own.map(Value::from_serialize))
}
