//! The page of a case: an alert with everything about it, the same as a file.
use super::fields::faults;
use super::scan::as_given;
use super::scan::verdict_context;
use super::view::Answer;
use super::view::View;
use crate::app::App;
use crate::app::Caller;
use crate::app::Role;
use crate::app::preview::Seen;
use crate::http::caller::AuditorOrState;
use crate::http::caller::OfficerOrAuthority;
use crate::http::problem::Problem;
use crate::wire::FieldError;
use crate::wire::alert::AlertReply;
use crate::wire::verification::AuditReference;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::web;
use minijinja::Value;
use minijinja::context;
use serde_json::json;
use std::collections::BTreeSet;
use uuid::Uuid;

/// `GET /console/alerts/{id}`.
pub async fn page(
    app: web::Data<App>,
    OfficerOrAuthority(caller): OfficerOrAuthority,
    view: View,
    id: web::Path<Uuid>,
) -> Answer {
    shown(&app, &caller, &view, *id, &[]).await
}

/// A case, and what is wrong with a form of its page.
pub async fn shown(
    app: &App,
    caller: &Caller,
    view: &View,
    id: Uuid,
    errors: &[FieldError],
) -> Answer {
    let alert = app.alert(caller, id).await?;
    let seen = app.verdict_of_alert(caller, id).await?;
    let verdict = match &seen {
        Some(seen) if caller.role == Role::Officer => {
            verdict_context(app, caller, seen, None).await?
        }
        Some(seen) => as_given(seen),
        None => context! {},
    };
    let following = app.following(caller, id).await?;
    let steps = alert.history.as_deref().unwrap_or_default();
    let ucr = alert.about.ucr.clone();
    let declared = seen.as_ref().and_then(|seen| seen.declaration.get("ucr"));
    let declared = declared.and_then(serde_json::Value::as_str).map(str::to_owned);
    let context = context! {
        is_referred => steps.iter().any(|step| step.change == "referred"),
        asks => alert.kind == "referral" && alert.severity != "inform",
        ucr => ucr.or(declared), following => Value::from_serialize(&following),
        errors => faults(errors, |path| path),
        alert => Value::from_serialize(&alert), address => format!("/console/alerts/{id}"),
        ..verdict
    };
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    view.page_as(status, caller, "case.html", context)
}

/// `GET /console/alerts/{id}/evidence`: the case as a file, each entry of the trail that it names with
/// its proof.
pub async fn evidence(
    app: web::Data<App>,
    OfficerOrAuthority(caller): OfficerOrAuthority,
    id: web::Path<Uuid>,
) -> Answer {
    let alert = app.alert(&caller, *id).await?;
    let seen = app.verdict_of_alert(&caller, *id).await?;
    let following = app.following(&caller, *id).await?;
    let proofs = proofs(&app, &caller, &alert, seen.as_ref()).await?;
    let case = json!({
        "alert": alert, "following": following, "verification": seen.as_ref().map(|s| &s.verification),
        "declaration": seen.as_ref().map(|seen| &seen.declaration), "entries": proofs,
    });
    let name = format!("attachment; filename=\"passavant-case-{id}.json\"");
    Ok(HttpResponse::Ok().insert_header((header::CONTENT_DISPOSITION, name)).json(case))
}

/// `GET /console/verifications/{id}/evidence`: the case with everything that its entries are digests of, to be
/// checked by whoever has the file, without this service.
pub async fn proven(
    app: web::Data<App>,
    AuditorOrState(caller): AuditorOrState,
    id: web::Path<Uuid>,
) -> Answer {
    let evidence = app.evidence(&caller, *id).await?;
    let name = format!("attachment; filename=\"passavant-evidence-{id}.json\"");
    Ok(HttpResponse::Ok().insert_header((header::CONTENT_DISPOSITION, name)).json(evidence))
}

/// The entries that a case names, as far as they are the caller's to see.
async fn proofs(
    app: &App,
    caller: &Caller,
    alert: &AlertReply,
    seen: Option<&Seen>,
) -> Result<Vec<crate::wire::audit::ProofReply>, Problem> {
    let verdict = seen.and_then(|seen| seen.verification.audit.as_ref());
    let steps = alert.history.iter().flatten().map(|step| &step.audit);
    let places: BTreeSet<(&str, u64)> = verdict
        .into_iter()
        .chain(steps)
        .map(|AuditReference { log, index }| (log.as_str(), *index))
        .collect();
    let mut proofs = Vec::with_capacity(places.len());
    for (log, index) in places {
        match app.proof(caller, log, index).await {
            Ok(proof) => proofs.push(proof),
            Err(crate::app::Error::NotFound) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(proofs)
}
