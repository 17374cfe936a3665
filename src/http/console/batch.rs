//! A carrier's many announcements at once: the page takes the file apart and sends one after the
//! other, so that each is an act of its own with its own answer.
use super::fields::Form;
use super::shipments::lodged;
use super::view::Answer;
use super::view::View;
use crate::app::App;
use crate::app::Error;
use crate::http::caller::Carrier;
use crate::wire::FieldError;
use actix_web::http::StatusCode;
use actix_web::web;
use minijinja::Value;
use minijinja::context;

/// Declarations of one file.
const BATCH_MAX: u32 = 500;

/// `GET /console/shipments/batch`.
pub async fn page(Carrier(caller): Carrier, view: View) -> Answer {
    view.page(&caller, "batch.html", context! { most => BATCH_MAX })
}

/// `POST /console/shipments/batch`: one of them; the answer is its row.
pub async fn one(
    app: web::Data<App>,
    Carrier(caller): Carrier,
    view: View,
    Form(form): Form,
) -> Answer {
    let number = form.text("number");
    let (status, row) = match lodged(&app, &caller, &form).await {
        Ok(reply) => {
            let reply: serde_json::Value = serde_json::from_str(&reply)
                .map_err(|error| Error::Internal(format!("a pre-clearance: {error}")))?;
            (StatusCode::OK, context! { number => number, s => Value::from_serialize(reply) })
        }
        Err(Error::Invalid(errors)) => {
            let errors = Value::from_serialize(errors);
            (StatusCode::BAD_REQUEST, context! { number => number, errors => errors })
        }
        Err(Error::Stale(why)) => {
            let errors = Value::from_serialize([FieldError::new("", "conflict", why)]);
            (StatusCode::CONFLICT, context! { number => number, errors => errors })
        }
        Err(error) => return Err(error.into()),
    };
    view.page_as(status, &caller, "batch_row.html", row)
}
