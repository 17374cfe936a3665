//! Alerts: what waits for the officers of a post.
use super::body::JsonBody;
use super::caller::Officer;
use super::idempotency::Key;
use super::page::StatusPage;
use super::page::page_reply;
use super::problem::Problem;
use super::reply::recorded;
use crate::app::App;
use crate::app::release::request_digest;
use crate::wire;
use crate::wire::alert::AcknowledgementRequest;
use actix_web::HttpResponse;
use actix_web::web;

/// `GET /v1/alerts`.
pub async fn list(
    app: web::Data<App>,
    Officer(caller): Officer,
    page: StatusPage,
) -> Result<HttpResponse, Problem> {
    let (alerts, next) =
        app.alerts(&caller, page.status.as_deref(), page.page.after, page.page.limit).await?;
    Ok(page_reply(&alerts, next))
}

/// `POST /v1/alerts/{id}/acknowledgement`.
pub async fn acknowledge(
    app: web::Data<App>,
    Officer(caller): Officer,
    id: web::Path<i64>,
    key: Key,
    JsonBody(body): JsonBody,
) -> Result<HttpResponse, Problem> {
    let request: AcknowledgementRequest = wire::field::shape(body.as_bytes())?;
    let note = wire::field::note(request.note.as_deref())?;
    let once = key.once(&caller, request_digest(&format!("acknowledgement {id}"), body.as_bytes()));
    Ok(recorded(app.acknowledge(&caller, *id, note, once).await?))
}
