//! `POST /v1/verifications`: the check at the border.
use super::body::JsonBody;
use super::caller::AuditorOrState;
use super::caller::Officer;
use super::idempotency::Key;
use super::prefer::Prefer;
use super::prefer::proven;
use super::problem::Problem;
use super::reply::made;
use crate::app::App;
use crate::app::Error;
use crate::app::recorder::request_digest;
use crate::wire;
use crate::wire::alert::StoppageRequest;
use crate::wire::verification::Presented;
use crate::wire::verification::VerificationBody;
use actix_web::HttpResponse;
use actix_web::web;
use uuid::Uuid;

/// Verifies a declaration, or goods announced before, presented at the officer's post.
pub async fn verify(
    app: web::Data<App>,
    Officer(caller): Officer,
    key: Key,
    prefer: Prefer,
    JsonBody(body): JsonBody,
) -> Result<HttpResponse, Problem> {
    let once = key.once_of(&caller, || request_digest("verification", body.as_bytes()));
    if let Some(declaration) = wire::verification::only_declaration(&body) {
        match app.verify(&caller, declaration.to_owned(), once.clone()).await {
            // The whole body may say more about what is wrong with it.
            Err(Error::Invalid(_)) => {}
            done => return proven(&app, &caller, prefer, done?).await,
        }
    }
    let presented = wire::field::read(body.as_bytes(), |sent: VerificationBody| sent.presented())?;
    let act = match presented {
        Presented::Declared(declaration) => app.verify(&caller, declaration, once).await?,
        Presented::Announced(announced) => app.verify_announced(&caller, announced, once).await?,
    };
    proven(&app, &caller, prefer, act).await
}

/// `POST /v1/verifications/{id}/stoppage`: goods that clear stay all the same.
pub async fn stop(
    app: web::Data<App>,
    Officer(caller): Officer,
    id: web::Path<Uuid>,
    key: Key,
    JsonBody(body): JsonBody,
) -> Result<HttpResponse, Problem> {
    let parts = wire::field::read(body.as_bytes(), |sent: StoppageRequest| sent.parts())?;
    let once = key.once(&caller, request_digest(&format!("stoppage {id}"), body.as_bytes()));
    Ok(made(app.stop_goods(&caller, *id, parts, once).await?, "/v1/alerts"))
}

/// `GET /v1/verifications/{id}/evidence`: the case for those who check it without us.
pub async fn evidence(
    app: web::Data<App>,
    AuditorOrState(caller): AuditorOrState,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(app.evidence(&caller, *id).await?))
}
