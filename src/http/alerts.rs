//! Alerts: what waits for the officers of a post and for the authority of a State.
use super::alert_query::AlertPage;
use super::alert_query::place_cursor;
use super::body::JsonBody;
use super::caller::Authority;
use super::caller::Officer;
use super::caller::OfficerOrAuthority;
use super::idempotency::Key;
use super::page::page_of;
use super::problem::Problem;
use super::reply::recorded;
use crate::app::App;
use crate::app::recorder::request_digest;
use crate::wire;
use crate::wire::alert::AcknowledgementRequest;
use crate::wire::alert::AnswerRequest;
use crate::wire::alert::ReferralRequest;
use crate::wire::alert::ResolutionRequest;
use actix_web::HttpResponse;
use actix_web::http::header::HeaderName;
use actix_web::http::header::HeaderValue;
use actix_web::web;
use uuid::Uuid;

/// Where a stream goes on from a list: `Last-Event-ID`, as the stream takes it.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// `GET /v1/alerts`.
pub async fn list(
    app: web::Data<App>,
    OfficerOrAuthority(caller): OfficerOrAuthority,
    page: AlertPage,
) -> Result<HttpResponse, Problem> {
    let page = app.alerts(&caller, page.query, page.limit).await?;
    let mut reply = page_of(&page.alerts, page.next.map(place_cursor));
    if let Ok(place) = HeaderValue::from_str(&page.stream) {
        reply.headers_mut().insert(LAST_EVENT_ID, place);
    }
    Ok(reply)
}

/// `GET /v1/alerts/{id}`.
pub async fn read(
    app: web::Data<App>,
    OfficerOrAuthority(caller): OfficerOrAuthority,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(app.alert(&caller, *id).await?))
}

/// `POST /v1/alerts/{id}/acknowledgement`.
pub async fn acknowledge(
    app: web::Data<App>,
    OfficerOrAuthority(caller): OfficerOrAuthority,
    id: web::Path<Uuid>,
    key: Key,
    JsonBody(body): JsonBody,
) -> Result<HttpResponse, Problem> {
    let note = wire::field::read(body.as_bytes(), |sent: AcknowledgementRequest| {
        wire::field::note(sent.note.as_deref())
    })?;
    let once = key.once(&caller, request_digest(&format!("acknowledgement {id}"), body.as_bytes()));
    Ok(recorded(app.acknowledge(&caller, *id, note, once).await?))
}

/// `POST /v1/alerts/{id}/resolution`.
pub async fn resolve(
    app: web::Data<App>,
    OfficerOrAuthority(caller): OfficerOrAuthority,
    id: web::Path<Uuid>,
    key: Key,
    JsonBody(body): JsonBody,
) -> Result<HttpResponse, Problem> {
    let parts = wire::field::read(body.as_bytes(), |sent: ResolutionRequest| sent.parts())?;
    let once = key.once(&caller, request_digest(&format!("resolution {id}"), body.as_bytes()));
    Ok(recorded(app.resolve(&caller, *id, parts, once).await?))
}

/// `POST /v1/alerts/{id}/referral`.
pub async fn refer(
    app: web::Data<App>,
    Officer(caller): Officer,
    id: web::Path<Uuid>,
    key: Key,
    JsonBody(body): JsonBody,
) -> Result<HttpResponse, Problem> {
    let parts = wire::field::read(body.as_bytes(), |sent: ReferralRequest| sent.parts())?;
    let once = key.once(&caller, request_digest(&format!("referral {id}"), body.as_bytes()));
    Ok(recorded(app.refer(&caller, *id, parts, once).await?))
}

/// `POST /v1/alerts/{id}/decision`.
pub async fn answer(
    app: web::Data<App>,
    Authority(caller): Authority,
    id: web::Path<Uuid>,
    key: Key,
    JsonBody(body): JsonBody,
) -> Result<HttpResponse, Problem> {
    let parts = wire::field::read(body.as_bytes(), |sent: AnswerRequest| sent.parts())?;
    let once = key.once(&caller, request_digest(&format!("decision {id}"), body.as_bytes()));
    Ok(recorded(app.answer(&caller, *id, parts, once).await?))
}
