//! A release in two clicks: what it will draw, and the act.
use super::fields::Form;
use super::scan::verdict_context;
use super::view::Answer;
use super::view::View;
use crate::app::App;
use crate::app::Error;
use crate::app::recorder::Done;
use crate::http::caller::Officer;
use crate::wire::verification::Verification;
use actix_web::http::StatusCode;
use actix_web::web;
use minijinja::Value;
use minijinja::context;
use uuid::Uuid;

/// `GET /console/verifications/{id}/release`: what it would draw now.
pub async fn confirm(
    app: web::Data<App>,
    Officer(caller): Officer,
    view: View,
    id: web::Path<Uuid>,
) -> Answer {
    let seen = app.verification(&caller, *id).await?;
    let preview = app.preview(&caller, *id).await?;
    let context = context! {
        v => Value::from_serialize(&seen.verification),
        d => Value::from_serialize(&seen.declaration),
        preview => Value::from_serialize(preview),
    };
    view.page(&caller, "release.html", context)
}

/// `POST /console/verifications/{id}/release`.
pub async fn release(
    app: web::Data<App>,
    Officer(caller): Officer,
    view: View,
    id: web::Path<Uuid>,
    Form(form): Form,
) -> Answer {
    let once = form.once(&caller, "release", id.as_bytes())?;
    let recorded = app.release(&caller, *id, None, once).await?;
    if recorded.outcome != Done::Refused {
        let release: serde_json::Value = serde_json::from_str(&recorded.reply)
            .map_err(|error| Error::Internal(format!("a release: {error}")))?;
        let context = context! { r => Value::from_serialize(release) };
        return view.page(&caller, "released.html", context);
    }
    // Decided again it no longer clears: that verdict is the one to show.
    let refused: Verification = serde_json::from_str(&recorded.reply)
        .map_err(|error| Error::Internal(format!("a verdict: {error}")))?;
    let refused = Uuid::parse_str(&refused.id)
        .map_err(|error| Error::Internal(format!("a verdict's identifier: {error}")))?;
    let seen = app.verification(&caller, refused).await?;
    let shown = verdict_context(&app, &caller, &seen, None).await?;
    let context = context! { not_released => true, ..shown };
    view.page_as(StatusCode::CONFLICT, &caller, "verdict.html", context)
}
