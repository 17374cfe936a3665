//! Webhooks: where the systems of a State want to be told.
use super::body::JsonBody;
use super::body::NoBody;
use super::caller::Anyone;
use super::caller::AuthorityOrAdmin;
use super::idempotency::Key;
use super::if_match::IfMatch;
use super::page::NamedPage;
use super::page::Page;
use super::page::named_cursor;
use super::page::page_of;
use super::page::page_reply;
use super::problem::Problem;
use super::reply::at_version;
use super::reply::made;
use super::reply::recorded;
use crate::app::App;
use crate::app::recorder::request_digest;
use crate::wire;
use crate::wire::webhook::ReplayRequest;
use crate::wire::webhook::WebhookRequest;
use actix_web::HttpResponse;
use actix_web::web;
use uuid::Uuid;

/// `GET /v1/webhooks`.
pub async fn list(
    app: web::Data<App>,
    AuthorityOrAdmin(caller): AuthorityOrAdmin,
    page: NamedPage,
) -> Result<HttpResponse, Problem> {
    let (webhooks, next) = app.webhooks(&caller, page.after, page.limit).await?;
    Ok(page_of(&webhooks, next.map(named_cursor)))
}

/// `POST /v1/webhooks`.
pub async fn make(
    app: web::Data<App>,
    AuthorityOrAdmin(caller): AuthorityOrAdmin,
    key: Key,
    JsonBody(body): JsonBody,
) -> Result<HttpResponse, Problem> {
    let wanted = wire::field::read(body.as_bytes(), |sent: WebhookRequest| sent.read())?;
    let once = key.once(&caller, request_digest("webhook", body.as_bytes()));
    Ok(made(app.make_webhook(&caller, wanted, once).await?, "/v1/webhooks"))
}

/// `GET /v1/webhooks/{id}`.
pub async fn read(
    app: web::Data<App>,
    AuthorityOrAdmin(caller): AuthorityOrAdmin,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    let webhook = app.webhook(&caller, *id).await?;
    Ok(at_version(webhook.version, webhook))
}

/// `PUT /v1/webhooks/{id}`.
pub async fn change(
    app: web::Data<App>,
    AuthorityOrAdmin(caller): AuthorityOrAdmin,
    id: web::Path<Uuid>,
    if_match: IfMatch,
    key: Key,
    JsonBody(body): JsonBody,
) -> Result<HttpResponse, Problem> {
    let wanted = wire::field::read(body.as_bytes(), |sent: WebhookRequest| sent.read())?;
    let asked = if_match.of(&format!("webhook {id}"));
    let once = key.once(&caller, request_digest(&asked, body.as_bytes()));
    Ok(recorded(app.change_webhook(&caller, *id, wanted, if_match.0, once).await?))
}

/// `DELETE /v1/webhooks/{id}`.
pub async fn delete(
    app: web::Data<App>,
    AuthorityOrAdmin(caller): AuthorityOrAdmin,
    id: web::Path<Uuid>,
    if_match: IfMatch,
    key: Key,
    _: NoBody,
) -> Result<HttpResponse, Problem> {
    let asked = if_match.of(&format!("no webhook {id}"));
    let once = key.once(&caller, request_digest(&asked, b""));
    Ok(recorded(app.delete_webhook(&caller, *id, if_match.0, once).await?))
}

/// `POST /v1/webhooks/{id}/replay`.
pub async fn replay(
    app: web::Data<App>,
    AuthorityOrAdmin(caller): AuthorityOrAdmin,
    id: web::Path<Uuid>,
    key: Key,
    JsonBody(body): JsonBody,
) -> Result<HttpResponse, Problem> {
    let from = wire::field::read(body.as_bytes(), |sent: ReplayRequest| sent.read())?;
    let once = key.once(&caller, request_digest(&format!("replay {id}"), body.as_bytes()));
    Ok(recorded(app.replay_events(&caller, *id, from, once).await?))
}

/// `GET /v1/webhooks/{id}/dead-letters`.
pub async fn dead_letters(
    app: web::Data<App>,
    AuthorityOrAdmin(caller): AuthorityOrAdmin,
    id: web::Path<Uuid>,
    page: Page,
) -> Result<HttpResponse, Problem> {
    let (letters, next) = app.dead_letters(&caller, *id, page.after, page.limit).await?;
    Ok(page_reply(&letters, next))
}

/// `GET /v1/webhooks/keys`.
pub async fn keys(app: web::Data<App>, _caller: Anyone) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(app.webhook_keys().await?))
}
