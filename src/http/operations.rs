//! What those who run the service ask it: is it well, may it be sent requests, what are its figures.
use super::openapi;
use crate::app::App;
use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web;
use prometheus::Encoder;
use prometheus::TextEncoder;
use serde_json::json;
use std::fmt::Write;

/// Routes of both listeners: health, readiness and the documentation.
pub fn open(service: &mut web::ServiceConfig) {
    let page = utoipa_swagger_ui::Config::from("/openapi.json");
    service
        .route("/healthz", web::get().to(healthz))
        .route("/readyz", web::get().to(readyz))
        .route("/openapi.json", web::get().to(description))
        .route("/docs", web::get().to(docs))
        .service(utoipa_swagger_ui::SwaggerUi::new("/docs/{_:.*}").config(page));
}

/// Routes of the operations listener alone.
pub fn inside(service: &mut web::ServiceConfig) {
    service.route("/metrics", web::get().to(metrics));
}

async fn healthz() -> HttpResponse {
    HttpResponse::Ok().json(json!({"status": "ok"}))
}

async fn readyz(app: web::Data<App>) -> HttpResponse {
    let reasons = app.unready();
    if reasons.is_empty() {
        return HttpResponse::Ok().json(json!({"status": "ready"}));
    }
    HttpResponse::ServiceUnavailable().json(json!({"status": "not ready", "reasons": reasons}))
}

async fn description() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(openapi::json())
}

async fn docs() -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header((header::LOCATION, "/docs/")).finish()
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
    HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(text)
}
