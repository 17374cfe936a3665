//! Every error as RFC 9457 `application/problem+json`, with a stable code. The one place that knows
//! which failure is which status.
use crate::app::Error;
use crate::app::access::AccessError;
use crate::wire::FieldError;
use actix_web::HttpRequest;
use actix_web::HttpResponse;
use actix_web::ResponseError;
use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header;
use serde::Serialize;
use std::future::Ready;
use std::future::ready;

/// Seconds after which it is worth asking again.
pub const RETRY_AFTER_S: u32 = 1;

/// An error as it is answered.
#[derive(Debug, Clone, Serialize)]
pub struct Problem {
    #[serde(rename = "type")]
    kind: Box<str>,
    title: &'static str,
    status: u16,
    code: &'static str,
    detail: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
    #[serde(skip)]
    allow: Option<Box<str>>,
    #[serde(skip)]
    retry_after_s: u32,
}

impl Problem {
    /// A problem of a code: a status, a title and what is the matter this time.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("urn:passavant:problem:{code}").into(),
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            code,
            detail: detail.into(),
            errors: Vec::new(),
            allow: None,
            retry_after_s: RETRY_AFTER_S,
        }
    }

    /// Fields that cannot be used.
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [] => "the request cannot be used".to_owned(),
            [error] if error.path.is_empty() => error.detail.clone(),
            [error] => format!("{}: {}", error.path, error.detail),
            [error, rest @ ..] => {
                format!("{}: {} (and {} more)", error.path, error.detail, rest.len())
            }
        };
        Self { errors, ..Self::new(StatusCode::BAD_REQUEST, "invalid_request", detail) }
    }

    /// A header that the route insists on.
    pub fn header(name: &'static str, detail: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_header", format!("{name}: {detail}"))
    }

    /// An amendment must say which version it amends.
    pub fn missing_if_match() -> Self {
        let detail = "If-Match must name the version that you have seen, such as \"3\"";
        Self::new(StatusCode::PRECONDITION_REQUIRED, "if_match_required", detail)
    }

    /// A head that is longer than is read.
    pub fn head_too_large(bytes_max: usize) -> Self {
        let detail = format!("the address and the headers are longer than {bytes_max} bytes");
        Self::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "head_too_large", detail)
    }

    /// Too many requests.
    pub fn too_many() -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_requests",
            "you ask more often than you may",
        )
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// What is the matter this time.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The fields that cannot be used.
    pub fn errors(&self) -> &[FieldError] {
        &self.errors
    }

    /// The code, for the log.
    pub fn code(&self) -> &'static str {
        self.code
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status()
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        let status = self.status();
        let mut response = HttpResponse::build(status);
        response.insert_header((header::CONTENT_TYPE, "application/problem+json"));
        if matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
            response.insert_header((header::RETRY_AFTER, self.retry_after_s));
        }
        if status == StatusCode::UNAUTHORIZED {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer error=\"invalid_token\""));
        }
        if let Some(allow) = &self.allow {
            response.insert_header((header::ALLOW, allow.as_ref()));
        }
        let body = serde_json::to_string(self).unwrap_or_default();
        response.body(body)
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let words = error.to_string();
        match error {
            Error::NotFound => {
                Self::new(StatusCode::NOT_FOUND, "not_found", "there is no such object")
            }
            Error::Forbidden(why) => Self::new(StatusCode::FORBIDDEN, "forbidden", why),
            Error::Invalid(errors) => Self::invalid(errors),
            Error::Stale(why) => Self::new(StatusCode::CONFLICT, "conflict", why),
            Error::VersionMismatch(why) => {
                Self::new(StatusCode::PRECONDITION_FAILED, "version_mismatch", why)
            }
            Error::Gone(why) => Self::new(StatusCode::GONE, "gone", why),
            Error::KeyReused => {
                let detail = "this Idempotency-Key stands with another request";
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused", detail)
            }
            Error::TooOften(why, retry_after_s) => {
                let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", why);
                Self { retry_after_s, ..problem }
            }
            Error::Unavailable(why) => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", why)
            }
            Error::Storage(cause) if cause.is_passing() => {
                tracing::error!(%cause, "the database does not answer");
                Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "unavailable",
                    "the database does not answer",
                )
            }
            Error::Storage(_) | Error::Internal(_) => {
                tracing::error!(cause = %words, "an internal error");
                Self::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "internal",
                    "the service failed; nothing was recorded",
                )
            }
        }
    }
}

impl From<Vec<FieldError>> for Problem {
    fn from(errors: Vec<FieldError>) -> Self {
        Self::invalid(errors)
    }
}

impl From<AccessError> for Problem {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::Invalid(why) => Self::new(StatusCode::UNAUTHORIZED, "invalid_token", why),
            AccessError::Unavailable => {
                let detail = "the keys of the token's issuer cannot be read now";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "issuer_unavailable", detail)
            }
        }
    }
}

/// No such route.
pub async fn not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not_found", "there is no such route")
}

/// A route that does not know the method: says which ones it knows.
pub fn method_not_allowed(allow: &str) -> impl Fn() -> Ready<Problem> + Clone + use<> {
    let detail = format!("this route knows {allow}");
    let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail);
    let problem = Problem { allow: Some(allow.into()), ..problem };
    move || ready(problem.clone())
}

impl actix_web::Responder for Problem {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse<BoxBody> {
        // As an error, so that the request's log line finds the code.
        HttpResponse::from_error(self)
    }
}

/// What the framework itself refuses, in the same form.
pub fn from_framework(error: &actix_web::Error) -> Problem {
    let status = error.as_response_error().status_code();
    let detail = error.to_string();
    match status {
        StatusCode::NOT_FOUND => Problem::new(status, "not_found", "there is no such object"),
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(status, "too_large", detail),
        StatusCode::REQUEST_TIMEOUT => Problem::new(status, "timeout", detail),
        status if status.is_client_error() => Problem::new(status, "invalid_request", detail),
        status => {
            tracing::error!(cause = %detail, "an internal error");
            Problem::new(status, "internal", "the service failed; nothing was recorded")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::body::MessageBody;
    use serde_json::Value;

    fn answered(problem: &Problem) -> (u16, HttpResponse, Value) {
        let response = problem.error_response();
        let body = problem.error_response().into_body().try_into_bytes().unwrap();
        (response.status().as_u16(), response, serde_json::from_slice(&body).unwrap())
    }

    #[test]
    fn every_failure_of_a_use_case_has_its_status_and_code() {
        let words = || "of the matter".to_owned();
        let field = FieldError::new("/number", "required", "this field is required");
        let expected = [
            (Error::NotFound, 404, "not_found"),
            (Error::Forbidden("not your post"), 403, "forbidden"),
            (Error::Invalid(vec![field]), 400, "invalid_request"),
            (Error::Stale(words()), 409, "conflict"),
            (Error::VersionMismatch(words()), 412, "version_mismatch"),
            (Error::Gone("too far behind"), 410, "gone"),
            (Error::KeyReused, 422, "idempotency_key_reused"),
            (Error::TooOften("of late", 7), 429, "too_many_requests"),
            (Error::Unavailable("the queue is full"), 503, "unavailable"),
            (Error::Internal(words()), 500, "internal"),
        ];
        for (error, status, code) in expected {
            let (answered, response, body) = answered(&Problem::from(error));
            assert_eq!((answered, body["code"].as_str()), (status, Some(code)));
            assert_eq!(body["status"], status);
            assert_eq!(body["type"], format!("urn:passavant:problem:{code}"));
            let kind = response.headers().get(header::CONTENT_TYPE).unwrap();
            assert_eq!(kind, "application/problem+json");
            let wait = response.headers().get(header::RETRY_AFTER).is_some();
            assert_eq!(wait, matches!(status, 429 | 503), "{code}");
        }
    }

    #[test]
    fn fields_are_named_and_causes_are_not_shown() {
        let field = FieldError::new("/number", "required", "this field is required");
        let (_, _, body) = answered(&Problem::from(Error::Invalid(vec![field])));
        assert_eq!(body["errors"][0]["path"], "/number");
        let (_, _, body) = answered(&Problem::from(Error::Internal("key 7 in /secret".to_owned())));
        assert!(!body.to_string().contains("secret"), "{body}");
    }

    #[test]
    fn a_bad_token_is_answered_as_bearer_tokens_are() {
        let (status, response, _) = answered(&AccessError::Invalid("it has expired").into());
        let challenge = response.headers().get(header::WWW_AUTHENTICATE).unwrap();
        assert_eq!((status, challenge.to_str().unwrap()), (401, "Bearer error=\"invalid_token\""));
        let (status, response, _) = answered(&AccessError::Unavailable.into());
        assert_eq!((status, response.headers().contains_key(header::RETRY_AFTER)), (503, true));
    }

    #[actix_web::test]
    async fn an_unknown_method_is_told_the_known_ones() {
        let (status, response, body) = answered(&method_not_allowed("GET, PUT")().await);
        assert_eq!((status, body["code"].as_str()), (405, Some("method_not_allowed")));
        assert_eq!(response.headers().get(header::ALLOW).unwrap(), "GET, PUT");
    }

    #[test]
    fn what_the_framework_refuses_takes_the_same_form() {
        let expected = [
            (actix_web::error::ErrorNotFound("x"), 404, "not_found"),
            (actix_web::error::ErrorPayloadTooLarge("x"), 413, "too_large"),
            (actix_web::error::ErrorRequestTimeout("x"), 408, "timeout"),
            (actix_web::error::ErrorBadRequest("x"), 400, "invalid_request"),
            (actix_web::error::ErrorInternalServerError("cause"), 500, "internal"),
        ];
        for (error, status, code) in expected {
            let (answered, _, body) = answered(&from_framework(&error));
            assert_eq!((answered, body["code"].as_str()), (status, Some(code)));
            assert!(!body.to_string().contains("cause"));
        }
    }
}
