//! Pre-clearances: a carrier announces goods and follows what becomes of it.
use super::body::JsonBody;
use super::caller::Carrier;
use super::idempotency::Key;
use super::page::Page;
use super::page::page_reply;
use super::problem::Problem;
use super::reply::made;
use super::reply::recorded;
use crate::app::App;
use crate::app::recorder::request_digest;
use crate::wire;
use crate::wire::preclearance::PreclearanceBody;
use crate::wire::preclearance::WithdrawalRequest;
use actix_web::HttpResponse;
use actix_web::web;
use uuid::Uuid;

/// `POST /v1/preclearances`.
pub async fn lodge(
    app: web::Data<App>,
    Carrier(caller): Carrier,
    key: Key,
    JsonBody(body): JsonBody,
) -> Result<HttpResponse, Problem> {
    let (declaration, reserve) =
        wire::field::read(body.as_bytes(), |sent: PreclearanceBody| sent.parts())?;
    let once = key.once(&caller, request_digest("preclearance", body.as_bytes()));
    Ok(made(app.preclear(&caller, declaration, reserve, once).await?, "/v1/preclearances"))
}

/// `GET /v1/preclearances`.
pub async fn list(
    app: web::Data<App>,
    Carrier(caller): Carrier,
    page: Page,
) -> Result<HttpResponse, Problem> {
    let (items, next) = app.preclearances(&caller, page.after, page.limit).await?;
    Ok(page_reply(&items, next))
}

/// `GET /v1/preclearances/{id}`.
pub async fn read(
    app: web::Data<App>,
    Carrier(caller): Carrier,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(app.preclearance(&caller, *id).await?))
}

/// `POST /v1/preclearances/{id}/withdrawal`.
pub async fn withdraw(
    app: web::Data<App>,
    Carrier(caller): Carrier,
    id: web::Path<Uuid>,
    key: Key,
    JsonBody(body): JsonBody,
) -> Result<HttpResponse, Problem> {
    let reason = wire::field::read(body.as_bytes(), |sent: WithdrawalRequest| {
        sent.reason.map(|reason| wire::field::reason(Some(&reason))).transpose()
    })?;
    let once = key.once(&caller, request_digest(&format!("withdrawal {id}"), body.as_bytes()));
    Ok(recorded(app.withdraw(&caller, *id, reason, once).await?))
}

/// `GET /v1/preclearances/{id}/qr.svg`.
pub async fn svg(
    app: web::Data<App>,
    Carrier(caller): Carrier,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    let svg = wire::preclearance::qr_svg(&app.code(&caller, *id).await?);
    Ok(HttpResponse::Ok().content_type("image/svg+xml").body(svg.map_err(|error| vec![error])?))
}

/// `GET /v1/preclearances/{id}/qr.png`.
pub async fn png(
    app: web::Data<App>,
    Carrier(caller): Carrier,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    let png = wire::preclearance::qr_png(&app.code(&caller, *id).await?);
    Ok(HttpResponse::Ok().content_type("image/png").body(png.map_err(|error| vec![error])?))
}
