//! Single firearms: their trail, and reports of those lost, stolen, seized or found.
use super::body::JsonBody;
use super::caller::OfficerOrAuthority;
use super::idempotency::Key;
use super::page::parameters;
use super::problem::Problem;
use super::reply::recorded;
use crate::app::App;
use crate::app::recorder::request_digest;
use crate::domain::serial::FirearmKey;
use crate::wire;
use crate::wire::FieldError;
use crate::wire::Reader;
use crate::wire::serial::Described;
use crate::wire::serial::SerialReportRequest;
use actix_web::FromRequest;
use actix_web::HttpRequest;
use actix_web::HttpResponse;
use actix_web::dev::Payload;
use actix_web::web;
use std::future::Ready;
use std::future::ready;

/// Which firearm: `?serial=&make=&model=&country=`.
pub struct Firearm(FirearmKey);

/// Reads which one from a query.
pub fn read(query: &str) -> Result<FirearmKey, Problem> {
    let (mut serial, mut make, mut model, mut country) = (None, None, None, None);
    parameters(query, |name, value| {
        let slot = match name {
            "serial" => &mut serial,
            "make" => &mut make,
            "model" => &mut model,
            "country" => &mut country,
            _ => return Err("no such parameter here".to_owned()),
        };
        *slot = Some(value.to_owned());
        Ok(())
    })?;
    let mut reader = Reader::default();
    let described = Described {
        serial: serial.as_deref(),
        make: make.as_deref(),
        model: model.as_deref(),
        country: country.as_deref(),
    };
    let firearm = described.read(&mut reader, "country");
    // What is read like a document's fields stands in the query here.
    let named = |error: FieldError| FieldError {
        path: format!("?{}", error.path.trim_start_matches('/')),
        ..error
    };
    let refused = |errors: Vec<FieldError>| errors.into_iter().map(named).collect();
    reader.finish(firearm).map_err(|errors| Problem::invalid(refused(errors)))
}

impl FromRequest for Firearm {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(read(request.query_string()).map(Self))
    }
}

/// `GET /v1/serials`.
pub async fn trail(
    app: web::Data<App>,
    OfficerOrAuthority(caller): OfficerOrAuthority,
    Firearm(firearm): Firearm,
) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(app.serial_trail(&caller, firearm).await?))
}

/// `POST /v1/serials/reports`.
pub async fn report(
    app: web::Data<App>,
    OfficerOrAuthority(caller): OfficerOrAuthority,
    key: Key,
    JsonBody(body): JsonBody,
) -> Result<HttpResponse, Problem> {
    let request = wire::field::read(body.as_bytes(), |sent: SerialReportRequest| sent.read())?;
    let once = key.once(&caller, request_digest("serial report", body.as_bytes()));
    Ok(recorded(app.report_serial(&caller, request, once).await?))
}
