//! Credentials: issued for licences, checked when presented; the authority's keys and status lists, open to
//! everyone.
use super::body::JsonBody;
use super::body::NoBody;
use super::caller::Authority;
use super::caller::OfficerOrAuthority;
use super::idempotency::Key;
use super::problem::Problem;
use super::seen;
use super::shown;
use crate::app::App;
use crate::app::Error;
use crate::app::recorder::request_digest;
use crate::wire;
use crate::wire::credential::CredentialCheckRequest;
use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web;

/// How long others may keep the keys, in seconds.
const KEYS_KEPT_S: u32 = 300;

/// `POST /v1/licences/{number}/credential`.
pub async fn issue(
    app: web::Data<App>,
    Authority(caller): Authority,
    number: web::Path<String>,
    key: Key,
    _: NoBody,
) -> Result<HttpResponse, Problem> {
    let once = key.once(&caller, request_digest(&format!("credential {number}"), b""));
    Ok(HttpResponse::Ok().json(app.credential(&caller, &number, once).await?))
}

/// `GET /v1/licences/{number}/credential/qr.svg`.
pub async fn svg(
    app: web::Data<App>,
    Authority(caller): Authority,
    number: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let paper = app.credential(&caller, &number, None).await?.paper;
    let svg = wire::qr::paper_svg(&paper.ok_or_else(no_room)?).map_err(|error| vec![error])?;
    Ok(HttpResponse::Ok().content_type("image/svg+xml").body(svg))
}

/// `GET /v1/licences/{number}/credential/qr.png`.
pub async fn png(
    app: web::Data<App>,
    Authority(caller): Authority,
    number: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let paper = app.credential(&caller, &number, None).await?.paper;
    let png = wire::qr::paper_png(&paper.ok_or_else(no_room)?).map_err(|error| vec![error])?;
    Ok(HttpResponse::Ok().content_type("image/png").body(png))
}

fn no_room() -> Error {
    Error::Stale("the licence has no room in a QR code: its file has".to_owned())
}

/// `POST /v1/credentials/verify`.
pub async fn verify(
    app: web::Data<App>,
    _: OfficerOrAuthority,
    JsonBody(body): JsonBody,
) -> Result<HttpResponse, Problem> {
    let text = wire::field::read(body.as_bytes(), CredentialCheckRequest::text)?;
    Ok(HttpResponse::Ok().json(app.check_credential(text).await?))
}

/// What everyone may read: keys and status lists.
pub fn open(service: &mut web::ServiceConfig) {
    service
        .service(shown("/.well-known/jwks.json", seen().to(jwks)))
        .service(shown("/v1/status-lists/{list}", seen().to(status_list)));
}

async fn jwks(app: web::Data<App>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, format!("max-age={KEYS_KEPT_S}")))
        .content_type("application/jwk-set+json")
        .body(app.trust.published().jwks().to_string())
}

async fn status_list(
    app: web::Data<App>,
    list: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let number: u64 = list.parse().map_err(|_e| Error::NotFound)?;
    let text = app.status_list(number).await?;
    Ok(HttpResponse::Ok().content_type("application/statuslist+jwt").body(text))
}
