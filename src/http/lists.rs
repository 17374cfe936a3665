//! The reference lists that the rules read.
use super::body::LargeJsonBody;
use super::caller::Authority;
use super::caller::OfficerOrAuthority;
use super::idempotency::Key;
use super::problem::Problem;
use super::reply::recorded;
use crate::app::App;
use crate::app::recorder::request_digest;
use actix_web::HttpResponse;
use actix_web::web;

/// `GET /v1/lists`: the edition in force.
pub async fn read(
    app: web::Data<App>,
    _caller: OfficerOrAuthority,
) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().content_type("application/json").body(app.lists_in_force().await?))
}

/// `PUT /v1/lists`: puts another edition in force.
pub async fn load(
    app: web::Data<App>,
    Authority(caller): Authority,
    key: Key,
    LargeJsonBody(body): LargeJsonBody,
) -> Result<HttpResponse, Problem> {
    let once = key.once(&caller, request_digest("lists", body.as_bytes()));
    Ok(recorded(app.load_lists(&caller, body, once).await?))
}
