//! `POST /v1/arrivals`: what the importing post found.
use super::body::JsonBody;
use super::caller::Officer;
use super::idempotency::Key;
use super::problem::Problem;
use super::reply::recorded;
use crate::app::App;
use crate::app::recorder::request_digest;
use crate::wire;
use crate::wire::arrival::ArrivalRequest;
use actix_web::HttpResponse;
use actix_web::web;

/// Records an arrival, in part or in full.
pub async fn arrive(
    app: web::Data<App>,
    Officer(caller): Officer,
    key: Key,
    JsonBody(body): JsonBody,
) -> Result<HttpResponse, Problem> {
    let request = wire::field::read(body.as_bytes(), |sent: ArrivalRequest| sent.read())?;
    let once = key.once(&caller, request_digest("arrival", body.as_bytes()));
    Ok(recorded(app.arrive(&caller, request, body, once).await?))
}
