//! The authority's receipts: outstanding, overdue, short; asked for, answered, confirmed.
use super::alerts::given;
use super::fields::Fields;
use super::fields::Form;
use super::fields::faults;
use super::session;
use super::view::Answer;
use super::view::View;
use crate::app::App;
use crate::app::Caller;
use crate::app::Error;
use crate::app::receipting::Asking;
use crate::http::caller::Authority;
use crate::http::page::next_cursor;
use crate::http::receipts::ReceiptPage;
use crate::wire::FieldError;
use crate::wire::receipt::ReceiptReply;
use crate::wire::receipt::ReceiptStepRequest;
use actix_web::http::StatusCode;
use actix_web::web;
use minijinja::Value;
use minijinja::context;
use uuid::Uuid;

/// `GET /console/receipts`.
pub async fn list(
    app: web::Data<App>,
    Authority(caller): Authority,
    view: View,
    page: ReceiptPage,
) -> Answer {
    let ReceiptPage { asked, overdue, after, limit } = page;
    let (status, result) = (asked.status.clone(), asked.result.clone());
    let chosen = match (overdue, status.as_deref(), result.as_deref()) {
        (true, ..) => "overdue",
        (_, Some(status), _) => status,
        (_, _, Some(result)) => result,
        _ => "",
    };
    let (receipts, next) = app.receipts(&caller, asked, overdue, after, limit).await?;
    let context = context! {
        receipts => Value::from_serialize(receipts), next => next.map(next_cursor), chosen => chosen,
        query => match chosen {
            "" => String::new(),
            "overdue" => "&overdue=true".to_owned(),
            "short" => "&result=short".to_owned(),
            status => format!("&status={status}"),
        },
    };
    view.page(&caller, "receipts.html", context)
}

/// `GET /console/receipts/{id}`.
pub async fn read(
    app: web::Data<App>,
    Authority(caller): Authority,
    view: View,
    id: web::Path<Uuid>,
) -> Answer {
    let receipt = app.receipt(&caller, *id).await?;
    view.page(&caller, "receipt.html", shown(&caller, &receipt))
}

/// A receipt, and what the caller's State may do about it.
fn shown(caller: &Caller, receipt: &ReceiptReply) -> Value {
    let is_open = !matches!(receipt.status.as_str(), "confirmed" | "withdrawn");
    let own = |state: &str| is_open && state == caller.state.as_str();
    context! {
        asks => own(&receipt.exporting_state) && receipt.status != "requested",
        confirms => own(&receipt.exporting_state), answers => own(&receipt.importing_state),
        address => format!("/console/receipts/{}", receipt.id), r => Value::from_serialize(receipt),
    }
}

/// `POST /console/receipts/{id}/request`.
pub async fn request(
    app: web::Data<App>,
    Authority(caller): Authority,
    view: View,
    id: web::Path<Uuid>,
    Form(form): Form,
) -> Answer {
    step(&app, &caller, &view, *id, &form, Asking::Request).await
}

/// `POST /console/receipts/{id}/answer`.
pub async fn answer(
    app: web::Data<App>,
    Authority(caller): Authority,
    view: View,
    id: web::Path<Uuid>,
    Form(form): Form,
) -> Answer {
    step(&app, &caller, &view, *id, &form, Asking::Answer).await
}

/// `POST /console/receipts/{id}/confirmation`.
pub async fn confirm(
    app: web::Data<App>,
    Authority(caller): Authority,
    view: View,
    id: web::Path<Uuid>,
    Form(form): Form,
) -> Answer {
    step(&app, &caller, &view, *id, &form, Asking::Confirmation).await
}

async fn step(
    app: &App,
    caller: &Caller,
    view: &View,
    id: Uuid,
    form: &Fields,
    asking: Asking,
) -> Answer {
    let own = |name: &str| given(form.text(name)).map(str::to_owned);
    let (received, document, note) = (own("received"), own("document"), own("note"));
    let body = format!("{received:?}\0{document:?}\0{note:?}");
    let sent = ReceiptStepRequest { received, document, note };
    let once = form.once(caller, &format!("receipt {asking:?} {id}"), body.as_bytes())?;
    let (is_answer, takes_document) = (asking == Asking::Answer, asking != Asking::Request);
    let done = match sent.read(is_answer, takes_document).map_err(Error::Invalid) {
        Ok(step) => app.receipt_step(caller, id, asking, step, Some(once)).await,
        Err(error) => Err(error),
    };
    let errors: Vec<FieldError> = match done {
        Ok(_) => return Ok(session::see(&format!("/console/receipts/{id}"))),
        Err(Error::Invalid(errors)) => errors,
        Err(Error::Stale(why)) => vec![FieldError::new("", "conflict", why)],
        Err(error) => return Err(error.into()),
    };
    let receipt = app.receipt(caller, id).await?;
    let context = context! {
        errors => faults(&errors, |path| path), ..shown(caller, &receipt)
    };
    view.page_as(StatusCode::BAD_REQUEST, caller, "receipt.html", context)
}
