//! Releases, their amendments and reversals.
use super::body::JsonBody;
use super::caller::Officer;
use super::caller::OfficerOrAuthority;
use super::idempotency::Key;
use super::idempotency::RequiredKey;
use super::if_match::IfMatch;
use super::prefer::Prefer;
use super::prefer::proven;
use super::problem::Problem;
use super::reply::address;
use super::reply::at_version;
use super::reply::located;
use crate::app::App;
use crate::app::recorder::request_digest;
use crate::wire;
use crate::wire::release::AmendmentBody;
use crate::wire::release::ConfirmationRequest;
use crate::wire::release::ReleaseRequest;
use crate::wire::release::ReversalRequest;
use actix_web::HttpResponse;
use actix_web::web;
use uuid::Uuid;

/// `POST /v1/releases`.
pub async fn release(
    app: web::Data<App>,
    Officer(caller): Officer,
    key: RequiredKey,
    prefer: Prefer,
    JsonBody(body): JsonBody,
) -> Result<HttpResponse, Problem> {
    let (verification, against) =
        wire::field::read(body.as_bytes(), |sent: ReleaseRequest| sent.parts())?;
    let once = key.once(&caller, request_digest("release", body.as_bytes()));
    let act = app.release(&caller, verification, against, once).await?;
    let address = address(&act, "/v1/releases");
    Ok(located(proven(&app, &caller, prefer, act).await?, address))
}

/// `POST /v1/releases/{id}/reversal`.
pub async fn reverse(
    app: web::Data<App>,
    Officer(caller): Officer,
    id: web::Path<Uuid>,
    if_match: IfMatch,
    key: Key,
    prefer: Prefer,
    JsonBody(body): JsonBody,
) -> Result<HttpResponse, Problem> {
    let reason = wire::field::read(body.as_bytes(), |sent: ReversalRequest| {
        wire::field::reason(sent.reason.as_deref())
    })?;
    let asked = if_match.of(&format!("reversal {id}"));
    let once = key.once(&caller, request_digest(&asked, body.as_bytes()));
    let act = app.reverse(&caller, *id, reason, if_match.0, once).await?;
    proven(&app, &caller, prefer, act).await
}

/// `POST /v1/releases/{id}/amendment`.
pub async fn amend(
    app: web::Data<App>,
    Officer(caller): Officer,
    id: web::Path<Uuid>,
    if_match: IfMatch,
    key: Key,
    prefer: Prefer,
    JsonBody(body): JsonBody,
) -> Result<HttpResponse, Problem> {
    let (declaration, reason) =
        wire::field::read(body.as_bytes(), |sent: AmendmentBody| sent.parts())?;
    let asked = if_match.of(&format!("amendment {id}"));
    let once = key.once(&caller, request_digest(&asked, body.as_bytes()));
    let act = app.amend_release(&caller, *id, declaration, reason, if_match.0, once).await?;
    proven(&app, &caller, prefer, act).await
}

/// `POST /v1/releases/{id}/confirmation`.
pub async fn confirm(
    app: web::Data<App>,
    Officer(caller): Officer,
    id: web::Path<Uuid>,
    key: RequiredKey,
    prefer: Prefer,
    JsonBody(body): JsonBody,
) -> Result<HttpResponse, Problem> {
    let note = wire::field::read(body.as_bytes(), |sent: ConfirmationRequest| {
        wire::field::note(sent.note.as_deref())
    })?;
    let once = key.once(&caller, request_digest(&format!("confirmation {id}"), body.as_bytes()));
    let act = app.confirm_override(&caller, *id, note, once).await?;
    proven(&app, &caller, prefer, act).await
}

/// `GET /v1/releases/{id}`.
pub async fn read(
    app: web::Data<App>,
    OfficerOrAuthority(caller): OfficerOrAuthority,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    let release = app.read_release(&caller, *id).await?;
    Ok(at_version(release.version, release))
}
