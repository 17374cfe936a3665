//! A release in two clicks: what it will draw, and the act; against the advice by two officers; and what
//! has become of it.
use super::alerts::given;
use super::fields::Form;
use super::fields::faults;
use super::scan::already;
use super::scan::as_given;
use super::scan::verdict_context;
use super::session;
use super::view::Answer;
use super::view::View;
use crate::app::App;
use crate::app::Caller;
use crate::app::Error;
use crate::app::Role;
use crate::app::recorder::Done;
use crate::app::recorder::Recorded;
use crate::http::caller::Officer;
use crate::http::caller::OfficerOrAuthority;
use crate::http::problem::Problem;
use crate::wire;
use crate::wire::FieldError;
use crate::wire::release::ReleaseReply;
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
    let released = app.released_under(&caller, &seen.verification.declaration).await?;
    let context = context! {
        preview => Value::from_serialize(preview),
        already => Value::from_serialize(already(&released, &seen.verification)), ..as_given(&seen)
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
    released(&app, &caller, &view, &recorded).await
}

/// `GET /console/verifications/{id}/override`: what it would answer for.
pub async fn against(
    app: web::Data<App>,
    Officer(caller): Officer,
    view: View,
    id: web::Path<Uuid>,
) -> Answer {
    let seen = app.verification(&caller, *id).await?;
    view.page(&caller, "override.html", as_given(&seen))
}

/// `POST /console/verifications/{id}/override`: asks for a release against the advice.
pub async fn ask(
    app: web::Data<App>,
    Officer(caller): Officer,
    view: View,
    id: web::Path<Uuid>,
    Form(form): Form,
) -> Answer {
    let reason = match wire::field::reason(given(form.text("reason"))) {
        Ok(reason) => reason,
        Err(errors) => {
            let seen = app.verification(&caller, *id).await?;
            let context = context! { errors => faults(&errors, by_pointer), ..as_given(&seen) };
            return view.page_as(StatusCode::BAD_REQUEST, &caller, "override.html", context);
        }
    };
    let body = format!("{id}\0{reason}");
    let once = form.once(&caller, "override", body.as_bytes())?;
    let recorded = app.release(&caller, *id, Some(reason), once).await?;
    released(&app, &caller, &view, &recorded).await
}

/// `GET /console/releases/{id}`: a release as it stands, and as it stood before.
pub async fn read(
    app: web::Data<App>,
    OfficerOrAuthority(caller): OfficerOrAuthority,
    view: View,
    id: web::Path<Uuid>,
) -> Answer {
    page(&app, &caller, &view, *id, &[]).await
}

/// A release, what a second officer is asked to consent to where it waits for one, and what is wrong with a
/// form of its page.
async fn page(app: &App, caller: &Caller, view: &View, id: Uuid, errors: &[FieldError]) -> Answer {
    let release = app.read_release(caller, id).await?;
    let mut context = context! {
        r => Value::from_serialize(&release), errors => faults(errors, by_pointer),
        address => format!("/console/releases/{id}"),
    };
    if release.status == "pending"
        && caller.role == Role::Officer
        && let Some(consent) = app.consent(caller, id).await?
    {
        let verdict = Uuid::parse_str(&release.verification)
            .map_err(|error| Error::Internal(format!("a verdict's identifier: {error}")))?;
        let seen = app.verification(caller, verdict).await?;
        let goods = context! { consent => Value::from_serialize(consent), ..as_given(&seen) };
        context = context! { ..goods, ..context };
    }
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    view.page_as(status, caller, "release_page.html", context)
}

/// Errors of a form of one field are found by their path.
fn by_pointer(path: &str) -> &str {
    path
}

/// `POST /console/releases/{id}/confirmation`: the second officer's consent.
pub async fn consent(
    app: web::Data<App>,
    Officer(caller): Officer,
    view: View,
    id: web::Path<Uuid>,
    Form(form): Form,
) -> Answer {
    let note = match wire::field::note(given(form.text("note"))) {
        Ok(note) => note,
        Err(errors) => return page(&app, &caller, &view, *id, &errors).await,
    };
    let body = form.text("note").as_bytes();
    let once = form.once(&caller, &format!("confirmation {id}"), body)?;
    let recorded = app.confirm_override(&caller, *id, note, once).await?;
    released(&app, &caller, &view, &recorded).await
}

/// `POST /console/releases/{id}/reversal`: also of what waits for a second officer, who refuses it.
pub async fn reverse(
    app: web::Data<App>,
    Officer(caller): Officer,
    view: View,
    id: web::Path<Uuid>,
    Form(form): Form,
) -> Answer {
    let reason = match wire::field::reason(given(form.text("reason"))) {
        Ok(reason) => reason,
        Err(errors) => return page(&app, &caller, &view, *id, &errors).await,
    };
    let seen: u32 = form.text("version").parse().map_err(|_e| Problem::missing_if_match())?;
    let body = format!("{seen}\0{reason}");
    let once = form.once(&caller, &format!("reversal {id}"), body.as_bytes())?;
    app.reverse(&caller, *id, reason, Some(seen), Some(once)).await?;
    Ok(session::see(&format!("/console/releases/{id}")))
}

/// What has come of a release: it stands, it waits for a second officer, or here is why it does not.
async fn released(app: &App, caller: &Caller, view: &View, recorded: &Recorded) -> Answer {
    let broken = |error: serde_json::Error| Error::Internal(format!("what was recorded: {error}"));
    if recorded.outcome != Done::Refused {
        let release: ReleaseReply = serde_json::from_str(&recorded.reply).map_err(broken)?;
        if release.status == "pending" {
            return Ok(session::see(&format!("/console/releases/{}", release.id)));
        }
        let context = context! { r => Value::from_serialize(release) };
        return view.page(caller, "released.html", context);
    }
    // Decided again it no longer clears: that verdict is the one to show.
    let refused: Verification = serde_json::from_str(&recorded.reply).map_err(broken)?;
    let refused = Uuid::parse_str(&refused.id)
        .map_err(|error| Error::Internal(format!("a verdict's identifier: {error}")))?;
    let seen = app.verification(caller, refused).await?;
    let shown = verdict_context(app, caller, &seen, None).await?;
    let context = context! { not_released => true, ..shown };
    view.page_as(StatusCode::CONFLICT, caller, "verdict.html", context)
}
