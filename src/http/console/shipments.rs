//! The carrier's shipments: announce goods by form or file, and follow what becomes of them.
use super::alerts::given;
use super::fields::Fields;
use super::fields::Form;
use super::fields::faults;
use super::fields::in_declaration;
use super::scan::bare;
use super::scan::number_items;
use super::session;
use super::view::Answer;
use super::view::View;
use crate::app::App;
use crate::app::Caller;
use crate::app::Error;
use crate::http::caller::Carrier;
use crate::http::page::Page;
use crate::http::page::next_cursor;
use crate::wire;
use crate::wire::FieldError;
use crate::wire::preclearance::PreclearanceBody;
use actix_web::http::StatusCode;
use actix_web::web;
use minijinja::Value;
use minijinja::context;
use uuid::Uuid;

/// `GET /console/shipments`.
pub async fn list(app: web::Data<App>, Carrier(caller): Carrier, view: View, page: Page) -> Answer {
    let (shipments, next) = app.preclearances(&caller, page.after, page.limit).await?;
    let context = context! {
        shipments => Value::from_serialize(shipments), next => next.map(next_cursor),
    };
    view.page(&caller, "shipments.html", context)
}

/// `GET /console/shipments/new`.
pub async fn new(app: web::Data<App>, Carrier(caller): Carrier, view: View) -> Answer {
    let samples = app.sign_in.chooser().map(|chooser| chooser.samples().to_vec());
    let context = context! {
        announces => true, samples => Value::from_serialize(samples.unwrap_or_default()),
    };
    view.page(&caller, "declaration.html", context)
}

/// Lodges what a form says, by its fields or by a declaration as the API takes it; the reply.
pub async fn lodged(app: &App, caller: &Caller, form: &Fields) -> Result<String, Error> {
    let reserve = form.text("reserve") == "yes";
    let declaration = match given(form.text("declaration")) {
        Some(text) => bare(text).map_err(Error::Invalid)?,
        None => written(form).to_string(),
    };
    let body = format!("{{\"declaration\":{declaration},\"reserve\":{reserve}}}");
    let once = form.once(caller, "preclearance", body.as_bytes());
    let once = once.map_err(|problem| Error::Invalid(problem.errors().to_vec()))?;
    let read = wire::field::shape::<PreclearanceBody>(body.as_bytes());
    let (declaration, reserve) =
        read.and_then(|request| request.parts()).map_err(Error::Invalid)?;
    Ok(app.preclear(caller, declaration, reserve, Some(once)).await?.reply)
}

fn written(form: &Fields) -> serde_json::Value {
    let mut document = form.document();
    number_items(&mut document);
    document
}

/// `POST /console/shipments/new`.
pub async fn lodge(
    app: web::Data<App>,
    Carrier(caller): Carrier,
    view: View,
    Form(form): Form,
) -> Answer {
    let lodged = lodged(&app, &caller, &form).await;
    let document = written(&form);
    let errors: Vec<FieldError> = match lodged {
        Ok(reply) => {
            let reply: serde_json::Value = serde_json::from_str(&reply)
                .map_err(|error| Error::Internal(format!("a pre-clearance: {error}")))?;
            let id = reply.get("id").and_then(serde_json::Value::as_str).unwrap_or_default();
            return Ok(session::see(&format!("/console/shipments/{id}")));
        }
        Err(Error::Invalid(errors)) => errors,
        Err(error) => return Err(error.into()),
    };
    let context = context! {
        announces => true, d => Value::from_serialize(&document),
        errors => faults(&errors, in_declaration), text => form.text("declaration"),
    };
    view.page_as(StatusCode::BAD_REQUEST, &caller, "declaration.html", context)
}

/// `GET /console/shipments/{id}`: the result, and the code to show at the post.
pub async fn read(
    app: web::Data<App>,
    Carrier(caller): Carrier,
    view: View,
    id: web::Path<Uuid>,
) -> Answer {
    shown(&app, &caller, &view, *id, &[]).await
}

/// A shipment, and what is wrong with the form of its page.
async fn shown(app: &App, caller: &Caller, view: &View, id: Uuid, errors: &[FieldError]) -> Answer {
    let shipment = app.preclearance(caller, id).await?;
    let context = context! {
        s => Value::from_serialize(shipment), address => format!("/console/shipments/{id}"),
        errors => faults(errors, |path| path),
    };
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    view.page_as(status, caller, "shipment.html", context)
}

/// `POST /console/shipments/{id}/withdrawal`.
pub async fn withdraw(
    app: web::Data<App>,
    Carrier(caller): Carrier,
    view: View,
    id: web::Path<Uuid>,
    Form(form): Form,
) -> Answer {
    let reason = given(form.text("reason"));
    let reason = match reason.map(|reason| wire::field::reason(Some(reason))).transpose() {
        Ok(reason) => reason,
        Err(errors) => return shown(&app, &caller, &view, *id, &errors).await,
    };
    let once = form.once(&caller, &format!("withdrawal {id}"), form.text("reason").as_bytes())?;
    app.withdraw(&caller, *id, reason, Some(once)).await?;
    Ok(session::see(&format!("/console/shipments/{id}")))
}
