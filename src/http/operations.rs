//! What those who run the service ask it: is it well, may it be sent requests, what are its figures.
use super::openapi;
use super::problem::Problem;
use super::problem::RETRY_AFTER_S;
use super::seen;
use super::shown;
use crate::app::App;
use crate::app::Error;
use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web;
use prometheus::Encoder;
use prometheus::TextEncoder;
use serde_json::json;
use std::fmt::Write;
use std::sync::Arc;
use utoipa_swagger_ui::Config;

/// Routes of both listeners: health, readiness and the documentation.
pub fn open(service: &mut web::ServiceConfig) {
    service
        .service(shown("/healthz", seen().to(healthz)))
        .service(shown("/readyz", seen().to(readyz)))
        .service(shown("/openapi.json", seen().to(description)))
        .service(shown("/docs", seen().to(docs)))
        .service(shown("/docs/{file:.*}", seen().to(docs_file)));
}

/// Routes of the operations listener alone.
pub fn inside(service: &mut web::ServiceConfig) {
    service.service(shown("/metrics", seen().to(metrics)));
}

async fn healthz() -> HttpResponse {
    HttpResponse::Ok().json(json!({"status": "ok"}))
}

async fn readyz(app: web::Data<App>) -> HttpResponse {
    let reasons = app.unready();
    if reasons.is_empty() {
        return HttpResponse::Ok().json(json!({"status": "ready"}));
    }
    HttpResponse::ServiceUnavailable()
        .insert_header((header::RETRY_AFTER, RETRY_AFTER_S))
        .json(json!({"status": "not ready", "reasons": reasons}))
}

async fn description() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(openapi::json())
}

async fn docs() -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header((header::LOCATION, "/docs/")).finish()
}

/// A file of the documentation page, all of which stands in the binary.
async fn docs_file(file: web::Path<String>) -> Result<HttpResponse, Problem> {
    // Without a validator: the page asks nobody elsewhere.
    let config = Config::from("/openapi.json").validator_url("none");
    let found = utoipa_swagger_ui::serve(&file, Arc::new(config))
        .map_err(|error| Error::Internal(format!("the documentation page: {error}")))?;
    let file = found.ok_or(Error::NotFound)?;
    Ok(HttpResponse::Ok().content_type(file.content_type).body(file.bytes.into_owned()))
}

async fn metrics(app: web::Data<App>) -> HttpResponse {
    let mut text = Vec::new();
    if let Err(error) = TextEncoder::new().encode(&app.registry.gather(), &mut text) {
        tracing::error!(%error, "the metrics cannot be written");
    }
    let mut text = String::from_utf8(text).unwrap_or_default();
    for (name, help, value) in app.figures() {
        let kind = if name.ends_with("_total") { "counter" } else { "gauge" };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}");
    }
    let name = "passavant_alerts_unresolved_at_post";
    let _ = writeln!(text, "# HELP {name} Alerts that are not resolved\n# TYPE {name} gauge");
    for (state, post, count) in app.alerts_by_post() {
        let post = post.unwrap_or_default();
        let _ = writeln!(text, "{name}{{state=\"{state}\",border_post=\"{post}\"}} {count}");
    }
    HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(text)
}
