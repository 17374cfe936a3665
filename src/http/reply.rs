//! Replies to what the recorder has recorded.
use crate::app::recorder::Done;
use crate::app::recorder::Recorded;
use actix_web::HttpResponse;
use actix_web::http::header;
use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;
use serde_json::json;
use std::fmt::Display;
use std::fmt::Write;

/// An act's reply: done, created, or refused with every finding.
pub fn recorded(recorded: Recorded) -> HttpResponse {
    let mut response = match recorded.outcome {
        Done::Done => HttpResponse::Ok(),
        Done::Created => HttpResponse::Created(),
        Done::Refused => return refused(&recorded.reply),
    };
    if let Some(version) = recorded.version {
        response.insert_header(etag(version));
    }
    response.content_type("application/json").body(recorded.reply)
}

/// The reply to an act that makes an object, with the address at which it is read under `home`.
pub fn made(act: Recorded, home: &str) -> HttpResponse {
    let address = address(&act, home);
    located(recorded(act), address)
}

/// A reply with the address of what was made.
pub fn located(mut reply: HttpResponse, address: Option<header::HeaderValue>) -> HttpResponse {
    if let Some(address) = address {
        reply.headers_mut().insert(header::LOCATION, address);
    }
    reply
}

/// What objects are read by.
#[derive(Deserialize)]
struct Named {
    #[serde(alias = "number")]
    id: String,
}

/// The address of the object that an act has made, where it has made one.
pub fn address(act: &Recorded, home: &str) -> Option<header::HeaderValue> {
    if act.outcome != Done::Created {
        return None;
    }
    let named: Named = serde_json::from_str(&act.reply).ok()?;
    let mut address = format!("{home}/");
    for byte in named.id.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            address.push(char::from(byte));
        } else {
            // Writing into a text does not fail.
            let _ = write!(address, "%{byte:02X}");
        }
    }
    header::HeaderValue::try_from(address).ok()
}

/// An object as it stands, with the version to be named in `If-Match`.
pub fn at_version(version: impl Display, object: impl Serialize) -> HttpResponse {
    HttpResponse::Ok().insert_header(etag(version)).json(object)
}

fn etag(version: impl Display) -> (header::HeaderName, String) {
    (header::ETAG, format!("\"{version}\""))
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
        "detail": format!("decided again, the verdict is {verdict}; nothing was changed"),
        "findings": findings,
        "verification": verification,
    });
    HttpResponse::Conflict().content_type("application/problem+json").body(problem.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::body::MessageBody;

    fn reply(outcome: Done, version: Option<u32>) -> HttpResponse {
        let reply = r#"{"verdict":"hold","findings":[{"code":"SERIAL_UNKNOWN"}]}"#.to_owned();
        recorded(Recorded { outcome, reply, version })
    }

    fn header(response: &HttpResponse, name: header::HeaderName) -> Option<&str> {
        response.headers().get(name).map(|value| value.to_str().unwrap())
    }

    #[test]
    fn what_was_done_is_answered_with_the_version_it_led_to() {
        let created = reply(Done::Created, Some(3));
        assert_eq!(created.status(), 201);
        assert_eq!(header(&created, header::ETAG), Some("\"3\""));
        let done = reply(Done::Done, None);
        assert_eq!((done.status().as_u16(), header(&done, header::ETAG)), (200, None));
        assert_eq!(header(&done, header::CONTENT_TYPE), Some("application/json"));
    }

    #[test]
    fn what_was_made_is_found_under_its_name() {
        let act =
            |outcome, reply: &str| Recorded { outcome, reply: reply.to_owned(), version: None };
        let made = made(act(Done::Created, r#"{"number":"FR/É 1","x":{"id":1}}"#), "/v1/licences");
        assert_eq!(header(&made, header::LOCATION), Some("/v1/licences/FR%2F%C3%89%201"));
        assert_eq!(address(&act(Done::Done, r#"{"id":"1"}"#), "/v1/licences"), None);
        assert_eq!(address(&act(Done::Refused, r#"{"id":"1"}"#), "/v1/licences"), None);
    }

    #[test]
    fn what_no_longer_clears_is_a_problem_that_carries_the_verdict() {
        let refused = reply(Done::Refused, None);
        assert_eq!(refused.status(), 409);
        assert_eq!(header(&refused, header::CONTENT_TYPE), Some("application/problem+json"));
        let body = refused.into_body().try_into_bytes().unwrap();
        let problem: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(problem["code"], "release_refused");
        assert_eq!(problem["findings"][0]["code"], "SERIAL_UNKNOWN");
        assert_eq!(problem["verification"]["verdict"], "hold");
    }
}
