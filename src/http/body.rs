//! Request bodies: JSON, as text, of a limited size and within a limited time.
use super::problem::Problem;
use crate::app::App;
use crate::app::Error;
use crate::config::Http;
use crate::wire;
use actix_web::FromRequest;
use actix_web::HttpRequest;
use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::http::header::HeaderMap;
use actix_web::web;
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use futures_util::future::poll_immediate;
use std::time::Duration;

/// A JSON body as it was sent.
pub struct JsonBody(pub String);

/// A JSON body that may be as large as a bulk import.
pub struct LargeJsonBody(pub String);

/// Lines of JSON as they were sent, in bytes.
pub struct LinesBody(pub Vec<u8>);

/// No body, or one that says nothing: a field that nobody would read is refused, not ignored.
pub struct NoBody;

/// How long and how large a body may be.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes.
    pub bytes_max: usize,
    /// From the request's head to the body's last byte: who sends a byte now and then must not hold
    /// a connection for ever.
    pub time: Duration,
}

impl Limits {
    /// Of a JSON body.
    pub fn json(http: &Http) -> Self {
        Self { bytes_max: http.body_bytes_max, time: Duration::from_secs(http.body_timeout_s) }
    }

    /// Of a bulk import, or an edition of the lists.
    pub fn import(http: &Http) -> Self {
        Self { bytes_max: http.import_bytes_max, time: Duration::from_secs(http.import_timeout_s) }
    }
}

impl FromRequest for JsonBody {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let text = json_text(request, payload, Limits::json);
        Box::pin(async move { Ok(Self(text.await?)) })
    }
}

impl FromRequest for LargeJsonBody {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let text = json_text(request, payload, Limits::import);
        Box::pin(async move { Ok(Self(text.await?)) })
    }
}

impl FromRequest for LinesBody {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let form = lines_form(request.headers());
        let bytes = bytes(request, payload, form, Limits::import);
        Box::pin(async move { Ok(Self(bytes.await?)) })
    }
}

impl FromRequest for NoBody {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let form = plain(request.headers());
        let bytes = bytes(request, payload, form, Limits::json);
        Box::pin(async move {
            let bytes = bytes.await?;
            if !bytes.is_empty() {
                wire::field::shape::<Nothing>(&bytes)?;
            }
            Ok(Self)
        })
    }
}

/// A document of no fields.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// A body that says that it is JSON, as text.
fn json_text(
    request: &HttpRequest,
    payload: &mut Payload,
    limits: fn(&Http) -> Limits,
) -> impl Future<Output = Result<String, Problem>> + use<> {
    let bytes = bytes(request, payload, json_form(request.headers()), limits);
    async move {
        let not_text =
            |_| Problem::new(StatusCode::BAD_REQUEST, "invalid_request", "the body is not UTF-8");
        String::from_utf8(bytes.await?).map_err(not_text)
    }
}

/// A body of a form that is taken, within its limits.
fn bytes(
    request: &HttpRequest,
    payload: &mut Payload,
    form: Result<(), Problem>,
    limits: fn(&Http) -> Limits,
) -> impl Future<Output = Result<Vec<u8>, Problem>> + use<> {
    let limits = request
        .app_data::<web::Data<App>>()
        .map(|app| limits(&app.config.http))
        .ok_or_else(|| Error::Internal("the service is not set up".to_owned()));
    let payload = web::Payload::from_request(request, payload);
    async move {
        form?;
        let limits = limits?;
        let payload = payload.await.map_err(|error| Error::Internal(error.to_string()))?;
        whole(payload, limits).await
    }
}

/// Reads a body within its limits.
pub async fn whole(payload: web::Payload, limits: Limits) -> Result<Vec<u8>, Problem> {
    let mut reading = std::pin::pin!(read(payload, limits.bytes_max));
    // Nearly every body is there with its head and needs no clock, which is large and is made only now.
    if let Some(read) = poll_immediate(reading.as_mut()).await {
        return read;
    }
    Box::pin(tokio::time::timeout(limits.time, reading)).await.unwrap_or_else(|_| {
        let detail = format!("the body took longer than {} s to arrive", limits.time.as_secs());
        Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "timeout", detail))
    })
}

async fn read(mut payload: web::Payload, bytes_max: usize) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    while let Some(chunk) = payload.next().await {
        let cut_short = |error: PayloadError| {
            let detail = format!("the body was cut short: {error}");
            Problem::new(StatusCode::BAD_REQUEST, "invalid_request", detail)
        };
        let chunk = chunk.map_err(cut_short)?;
        if bytes.len() + chunk.len() > bytes_max {
            let detail = format!("the body is longer than {bytes_max} bytes");
            return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn refused(code: &'static str, detail: &str) -> Problem {
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, code, detail)
}

/// Whether a body says that it is JSON as it stands: named once, and not compressed.
fn json_form(headers: &HeaderMap) -> Result<(), Problem> {
    if !is_of(headers, &["application/json"]) {
        return Err(refused("not_json", "the body must be application/json"));
    }
    plain(headers)
}

/// The same of lines, under any of the names that are in use for them.
fn lines_form(headers: &HeaderMap) -> Result<(), Problem> {
    const KINDS: &[&str] = &["application/x-ndjson", "application/ndjson", "application/jsonl"];
    if !is_of(headers, KINDS) {
        return Err(refused("not_json", "the body must be application/x-ndjson"));
    }
    plain(headers)
}

fn is_of(headers: &HeaderMap, kinds: &[&str]) -> bool {
    let mut types = headers.get_all(header::CONTENT_TYPE);
    let named = types.next().and_then(|value| value.to_str().ok());
    let named = named.and_then(|value| value.split(';').next()).map(str::trim);
    let is_one = |named: &str| kinds.iter().any(|kind| named.eq_ignore_ascii_case(kind));
    named.is_some_and(is_one) && types.next().is_none()
}

/// Whether it is not compressed.
fn plain(headers: &HeaderMap) -> Result<(), Problem> {
    let mut codings = headers.get_all(header::CONTENT_ENCODING);
    if codings.any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(refused("content_coding", "the body must not be compressed"));
    }
    Ok(())
}
