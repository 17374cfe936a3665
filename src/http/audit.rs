//! The audit trail: checkpoint, tiles, entries and proofs.
use super::caller::AuditorOrState;
use super::page::Page;
use super::page::page_reply;
use super::problem::Problem;
use crate::app::App;
use crate::app::Error;
use crate::audit::tile;
use actix_web::HttpResponse;
use actix_web::web;

/// `GET /v1/audit/checkpoint`: the latest signed note.
pub async fn checkpoint(
    app: web::Data<App>,
    _caller: AuditorOrState,
) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .body(app.checkpoint(None).await?))
}

/// `GET /v1/audit/tile/{path}`: hashes for everyone with a part in the trail, bundles of entries for
/// auditors.
pub async fn tile(
    app: web::Data<App>,
    AuditorOrState(caller): AuditorOrState,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let path = tile::parse(&path).ok_or(Error::NotFound)?;
    Ok(HttpResponse::Ok()
        .content_type("application/octet-stream")
        .body(app.tile(&caller, None, path).await?))
}

/// `GET /v1/audit/entries`.
pub async fn entries(
    app: web::Data<App>,
    AuditorOrState(caller): AuditorOrState,
    page: Page,
) -> Result<HttpResponse, Problem> {
    let from = u64::try_from(page.after).unwrap_or_default();
    let (entries, next) = app.entries(&caller, None, from, page.limit).await?;
    Ok(page_reply(&entries, next.and_then(|next| i64::try_from(next).ok())))
}

/// `GET /v1/audit/entries/{log}/{index}/proof`: the log's origin holds a slash, which may be sent
/// as it is or as `%2F`.
pub async fn proof(
    app: web::Data<App>,
    AuditorOrState(caller): AuditorOrState,
    path: web::Path<(String, u64)>,
) -> Result<HttpResponse, Problem> {
    let (origin, index) = path.into_inner();
    Ok(HttpResponse::Ok().json(app.proof(&caller, &origin, index).await?))
}
