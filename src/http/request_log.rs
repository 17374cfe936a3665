//! One line a request, the metrics, and the headers that every reply carries. The line's fields:
//! `request_id`, `method`, `route` (the pattern, never the path), `status`, `duration_us`,
//! `bytes_in` and `bytes_out` where they are known, `role`, `state`, `code` of a problem. No
//! personal data.
use super::peer::by_tls;
use super::problem::Problem;
use super::problem::from_framework;
use crate::app::App;
use crate::app::Caller;
use actix_web::Error;
use actix_web::HttpMessage;
use actix_web::HttpResponse;
use actix_web::ResponseError;
use actix_web::body::BodySize;
use actix_web::body::BoxBody;
use actix_web::body::MessageBody;
use actix_web::dev::ServiceRequest;
use actix_web::dev::ServiceResponse;
use actix_web::http::Method;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::http::header::CONTENT_LENGTH;
use actix_web::http::header::CONTENT_SECURITY_POLICY;
use actix_web::http::header::HeaderMap;
use actix_web::http::header::HeaderName;
use actix_web::http::header::HeaderValue;
use actix_web::middleware::Next;
use actix_web::web;
use prometheus::HistogramOpts;
use prometheus::HistogramVec;
use prometheus::IntCounterVec;
use prometheus::Opts;
use prometheus::Registry;
use std::sync::Arc;
use std::time::Instant;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longest request id taken over from the caller.
const REQUEST_ID_CHARS_MAX: usize = 64;

/// Headers of every reply.
const HEADERS: [(&str, &str); 5] = [
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cache-control", "no-store"),
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
];
/// The documentation page brings its own scripts and styles, and nothing from elsewhere.
const DOCS_POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";
/// The console's pages bring a stylesheet and modules of their own, nothing inline and nothing from
/// elsewhere.
const CONSOLE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/// The console's assets change their address with their content.
const FOR_GOOD: &str = "private, max-age=31536000, immutable";
const TRANSPORT_SECURITY: &str = "max-age=31536000";

/// Counters of requests.
#[derive(Clone)]
pub struct Metrics {
    requests: IntCounterVec,
    duration: HistogramVec,
}

impl Metrics {
    /// Counters in a registry.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let labels = &["method", "route", "status"];
        let requests =
            IntCounterVec::new(Opts::new("http_requests_total", "Requests answered"), labels)?;
        let buckets =
            vec![0.000_25, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0, 5.0];
        let options =
            HistogramOpts::new("http_request_duration_seconds", "Time to answer").buckets(buckets);
        let duration = HistogramVec::new(options, &["route"])?;
        registry.register(Box::new(requests.clone()))?;
        registry.register(Box::new(duration.clone()))?;
        Ok(Self { requests, duration })
    }
}

/// Wraps every request.
pub async fn around(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let began = Instant::now();
    let app = request.app_data::<web::Data<App>>().cloned();
    let metrics = request.app_data::<web::Data<Metrics>>().cloned();
    let id = request_id(&request, app.as_ref().map(web::Data::get_ref));
    let method = method_label(request.method());
    let bytes_in = length(request.headers());
    let tls = app.as_ref().is_some_and(|app| by_tls(&app.config.http, request.headers()));
    let head_bytes_max = app.as_ref().map_or(usize::MAX, |app| app.config.http.head_bytes_max);
    let mut response = if head_bytes(&request) > head_bytes_max {
        request.into_response(HttpResponse::from_error(Problem::head_too_large(head_bytes_max)))
    } else {
        framed(next.call(request).await?)
    };
    let route = response.request().match_pattern().unwrap_or_else(|| "unmatched".to_owned());
    let status = response.status().as_u16();
    dress(response.headers_mut(), &id, &route, status, tls);
    let elapsed = began.elapsed();
    if let Some(metrics) = metrics {
        metrics
            .requests
            .with_label_values(&[method, route.as_str(), status.to_string().as_str()])
            .inc();
        metrics.duration.with_label_values(&[route.as_str()]).observe(elapsed.as_secs_f64());
    }
    let caller = response.request().extensions().get::<Arc<Caller>>().cloned();
    let code = response
        .response()
        .error()
        .and_then(|error| error.as_error::<Problem>())
        .map(Problem::code);
    let bytes_out = match response.response().body().size() {
        BodySize::Sized(bytes) => Some(bytes),
        BodySize::None => Some(0),
        BodySize::Stream => None,
    };
    tracing::info!(
        target: "passavant::request",
        request_id = id.to_str().unwrap_or_default(),
        method,
        route,
        status,
        duration_us = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX),
        bytes_in,
        bytes_out,
        role = caller.as_ref().map(|caller| caller.role.as_str()),
        state = caller.as_ref().map(|caller| caller.state.to_string()),
        code,
        "request"
    );
    Ok(response)
}

/// The method as a word of a closed list: a series is kept for each, and anyone can make up methods.
fn method_label(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

/// Bytes of a head as it was sent, line ends and separators left out.
fn head_bytes(request: &ServiceRequest) -> usize {
    let headers = request.headers().iter();
    let address = request.uri().path_and_query().map_or(0, |address| address.as_str().len());
    headers.fold(address, |bytes, (name, value)| bytes + name.as_str().len() + value.len())
}

fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// A refusal of the framework's own (an unreadable path, a time-out) becomes a problem as well.
fn framed(response: ServiceResponse<impl MessageBody + 'static>) -> ServiceResponse<BoxBody> {
    let foreign = response.response().error().filter(|error| error.as_error::<Problem>().is_none());
    match foreign.map(from_framework) {
        Some(problem) => ServiceResponse::new(response.request().clone(), problem.error_response()),
        None => response.map_into_boxed_body(),
    }
}

/// The caller's own id where it is a sound one, otherwise a new one.
fn request_id(request: &ServiceRequest, app: Option<&App>) -> HeaderValue {
    let given = request.headers().get(&REQUEST_ID).filter(|value| {
        let bytes = value.as_bytes();
        (1..=REQUEST_ID_CHARS_MAX).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic)
    });
    let made = || {
        let id = app.map(|app| app.ids.uuid(app.clock.now()).to_string()).unwrap_or_default();
        HeaderValue::from_str(&id).unwrap_or(HeaderValue::from_static("-"))
    };
    given.cloned().unwrap_or_else(made)
}

fn dress(headers: &mut HeaderMap, id: &HeaderValue, route: &str, status: u16, tls: bool) {
    for (name, value) in HEADERS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    let policy = match route.split('/').nth(1) {
        Some("docs") => Some(DOCS_POLICY),
        Some("console") => Some(CONSOLE_POLICY),
        _ => None,
    };
    if let Some(policy) = policy {
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    }
    if route.starts_with("/console/assets/") && status == 200 {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(FOR_GOOD));
    }
    if tls {
        let name = HeaderName::from_static("strict-transport-security");
        headers.insert(name, HeaderValue::from_static(TRANSPORT_SECURITY));
    }
    headers.insert(REQUEST_ID, id.clone());
}
