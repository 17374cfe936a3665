//! Consignments: exits, entries, and the timeline over every post.
use super::body::JsonBody;
use super::caller::Follower;
use super::caller::Officer;
use super::idempotency::Key;
use super::page::FirstSeen;
use super::problem::Problem;
use super::reply::recorded;
use crate::app::App;
use crate::app::recorder::request_digest;
use crate::domain::consignment::Direction;
use crate::wire;
use crate::wire::consignment::EntryRequest;
use crate::wire::consignment::ExitRequest;
use actix_web::HttpResponse;
use actix_web::web;

/// `POST /v1/exits`.
pub async fn exit(
    app: web::Data<App>,
    Officer(caller): Officer,
    key: Key,
    JsonBody(body): JsonBody,
) -> Result<HttpResponse, Problem> {
    let request = wire::field::read(body.as_bytes(), |sent: ExitRequest| sent.read())?;
    let once = key.once(&caller, request_digest("exit", body.as_bytes()));
    Ok(recorded(app.cross(&caller, Direction::Exit, request, once).await?))
}

/// `POST /v1/entries`.
pub async fn entry(
    app: web::Data<App>,
    Officer(caller): Officer,
    key: Key,
    JsonBody(body): JsonBody,
) -> Result<HttpResponse, Problem> {
    let request = wire::field::read(body.as_bytes(), |sent: EntryRequest| sent.read())?;
    let once = key.once(&caller, request_digest("entry", body.as_bytes()));
    Ok(recorded(app.cross(&caller, Direction::Entry, request, once).await?))
}

/// `GET /v1/consignments/{ucr}`.
pub async fn read(
    app: web::Data<App>,
    Follower(caller): Follower,
    ucr: web::Path<String>,
    FirstSeen(first_seen): FirstSeen,
) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(app.consignment(&caller, &ucr, first_seen).await?))
}
