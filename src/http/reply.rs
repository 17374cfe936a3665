//! Replies to what the recorder has recorded.
use crate::app::recorder::Done;
use crate::app::recorder::Recorded;
use actix_web::HttpResponse;
use actix_web::http::header;
use serde_json::Value;
use serde_json::json;

/// An act's reply: done, created, or refused with every finding.
pub fn recorded(recorded: Recorded) -> HttpResponse {
    let mut response = match recorded.outcome {
        Done::Done => HttpResponse::Ok(),
        Done::Created => HttpResponse::Created(),
        Done::Refused => return refused(&recorded.reply),
    };
    if let Some(version) = recorded.version {
        response.insert_header((header::ETAG, format!("\"{version}\"")));
    }
    response.content_type("application/json").body(recorded.reply)
}

/// What no longer clears: a problem that carries the verdict.
fn refused(reply: &str) -> HttpResponse {
    let verification: Value = serde_json::from_str(reply).unwrap_or_default();
    let findings = verification.get("findings").cloned().unwrap_or_default();
    let verdict = verification.get("verdict").and_then(Value::as_str).unwrap_or("hold");
    let problem = json!({
        "type": "urn:passavant:problem:release_refused",
        "title": "Conflict",
        "status": 409,
        "code": "release_refused",
        "detail": format!("decided again, the verdict is {verdict}; nothing was released"),
        "findings": findings,
        "verification": verification,
    });
    HttpResponse::Conflict().content_type("application/problem+json").body(problem.to_string())
}
