//! Posts that may be cut off: what is set aside for them, what they go on with, and their return.
use super::body::JsonBody;
use super::body::LargeJsonBody;
use super::body::NoBody;
use super::caller::Authority;
use super::caller::Officer;
use super::caller::OfficerOrAuthority;
use super::idempotency::Key;
use super::page::Page;
use super::page::page_reply;
use super::problem::Problem;
use super::reply::recorded;
use crate::app::App;
use crate::app::recorder::request_digest;
use crate::wire;
use crate::wire::post::AllowanceRequest;
use crate::wire::post::LossRequest;
use crate::wire::post::ReturnRequest;
use crate::wire::post::SnapshotRequest;
use actix_web::HttpResponse;
use actix_web::web;
use uuid::Uuid;

/// `GET /v1/posts/{post}`.
pub async fn read(
    app: web::Data<App>,
    OfficerOrAuthority(caller): OfficerOrAuthority,
    post: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(app.post(&caller, &post).await?))
}

/// `GET /v1/posts/{post}/allowances`.
pub async fn allowances(
    app: web::Data<App>,
    OfficerOrAuthority(caller): OfficerOrAuthority,
    post: web::Path<String>,
    page: Page,
) -> Result<HttpResponse, Problem> {
    let (rows, next) = app.allowances(&caller, &post, page.after, page.limit).await?;
    Ok(page_reply(&rows, next))
}

/// `POST /v1/posts/{post}/allowances`.
pub async fn set_aside(
    app: web::Data<App>,
    Authority(caller): Authority,
    post: web::Path<String>,
    key: Key,
    JsonBody(body): JsonBody,
) -> Result<HttpResponse, Problem> {
    let request = wire::field::read(body.as_bytes(), |sent: AllowanceRequest| sent.read())?;
    let once = key.once(&caller, request_digest(&format!("allowance {post}"), body.as_bytes()));
    Ok(recorded(app.set_aside(&caller, &post, request, once).await?))
}

/// `POST /v1/posts/{post}/allowances/{id}/withdrawal`.
pub async fn withdraw(
    app: web::Data<App>,
    Authority(caller): Authority,
    path: web::Path<(String, Uuid)>,
    key: Key,
    _: NoBody,
) -> Result<HttpResponse, Problem> {
    let (post, id) = path.into_inner();
    let once = key.once(&caller, request_digest(&format!("no allowance {post} {id}"), b""));
    Ok(recorded(app.withdraw_allowance(&caller, &post, id, once).await?))
}

/// `POST /v1/posts/{post}/allowances/{id}/loss`.
pub async fn lose(
    app: web::Data<App>,
    Authority(caller): Authority,
    path: web::Path<(String, Uuid)>,
    key: Key,
    JsonBody(body): JsonBody,
) -> Result<HttpResponse, Problem> {
    let (post, id) = path.into_inner();
    let reason = wire::field::read(body.as_bytes(), |sent: LossRequest| {
        wire::field::reason(sent.reason.as_deref())
    })?;
    let once = key.once(&caller, request_digest(&format!("loss {post} {id}"), body.as_bytes()));
    Ok(recorded(app.lose_allowance(&caller, &post, id, reason, once).await?))
}

/// `POST /v1/posts/{post}/snapshots`.
pub async fn snapshot(
    app: web::Data<App>,
    Officer(caller): Officer,
    post: web::Path<String>,
    key: Key,
    JsonBody(body): JsonBody,
) -> Result<HttpResponse, Problem> {
    let parts = wire::field::read(body.as_bytes(), |sent: SnapshotRequest| sent.parts())?;
    let once = key.once(&caller, request_digest(&format!("snapshot {post}"), body.as_bytes()));
    Ok(recorded(app.take_snapshot(&caller, &post, parts, once).await?))
}

/// `POST /v1/posts/{post}/returns`.
pub async fn join(
    app: web::Data<App>,
    Officer(caller): Officer,
    post: web::Path<String>,
    key: Key,
    LargeJsonBody(body): LargeJsonBody,
) -> Result<HttpResponse, Problem> {
    let request: ReturnRequest = wire::field::shape(body.as_bytes())?;
    let once = key.once(&caller, request_digest(&format!("return {post}"), body.as_bytes()));
    Ok(recorded(app.join_post(&caller, &post, request, once).await?))
}
