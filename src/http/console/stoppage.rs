//! Goods that clear and are stopped all the same, in two clicks: why, and whether they are only held or the
//! authority is asked as well.
use super::alerts::given;
use super::fields::Form;
use super::fields::faults;
use super::scan::as_given;
use super::session;
use super::view::Answer;
use super::view::View;
use crate::app::App;
use crate::app::Error;
use crate::http::caller::Officer;
use crate::wire::alert::AlertReply;
use crate::wire::alert::StoppageRequest;
use actix_web::http::StatusCode;
use actix_web::web;
use minijinja::context;
use uuid::Uuid;

/// `GET /console/verifications/{id}/stoppage`.
pub async fn page(
    app: web::Data<App>,
    Officer(caller): Officer,
    view: View,
    id: web::Path<Uuid>,
) -> Answer {
    let seen = app.verification(&caller, *id).await?;
    view.page(&caller, "stoppage.html", as_given(&seen))
}

/// `POST /console/verifications/{id}/stoppage`: leads to the case.
pub async fn stop(
    app: web::Data<App>,
    Officer(caller): Officer,
    view: View,
    id: web::Path<Uuid>,
    Form(form): Form,
) -> Answer {
    let own = |name: &str| given(form.text(name)).map(str::to_owned);
    let asked = StoppageRequest { measure: own("measure"), reason: own("reason") };
    let parts = match asked.parts() {
        Ok(parts) => parts,
        Err(errors) => {
            let seen = app.verification(&caller, *id).await?;
            let context = context! { errors => faults(&errors, |path| path), ..as_given(&seen) };
            return view.page_as(StatusCode::BAD_REQUEST, &caller, "stoppage.html", context);
        }
    };
    let body = format!("{}\0{}", form.text("measure"), form.text("reason"));
    let once = form.once(&caller, &format!("stoppage {id}"), body.as_bytes())?;
    let recorded = app.stop_goods(&caller, *id, parts, Some(once)).await?;
    let alert: AlertReply = serde_json::from_str(&recorded.reply)
        .map_err(|error| Error::Internal(format!("what was recorded: {error}")))?;
    Ok(session::see(&format!("/console/alerts/{}", alert.id)))
}
