//! `POST /v1/verifications`: the check at the border.
use super::body::JsonBody;
use super::caller::Officer;
use super::idempotency::Key;
use super::problem::Problem;
use super::reply::recorded;
use crate::app::App;
use crate::app::Error;
use crate::app::release::request_digest;
use crate::wire;
use crate::wire::verification::Presented;
use crate::wire::verification::VerificationBody;
use actix_web::HttpResponse;
use actix_web::web;

/// Verifies a declaration, or goods announced before, presented at the officer's post.
pub async fn verify(
    app: web::Data<App>,
    Officer(caller): Officer,
    key: Key,
    JsonBody(body): JsonBody,
) -> Result<HttpResponse, Problem> {
    let once = key.once_of(&caller, || request_digest("verification", body.as_bytes()));
    if let Some(declaration) = wire::verification::only_declaration(&body) {
        match app.verify(&caller, declaration.to_owned(), once.clone()).await {
            // The whole body may say more about what is wrong with it.
            Err(Error::Invalid(_)) => {}
            done => return Ok(recorded(done?)),
        }
    }
    let request: VerificationBody = wire::field::shape(body.as_bytes())?;
    Ok(recorded(match request.presented()? {
        Presented::Declared(declaration) => app.verify(&caller, declaration, once).await?,
        Presented::Announced(announced) => app.verify_announced(&caller, announced, once).await?,
    }))
}
