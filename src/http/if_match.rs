//! `If-Match`: the version that the caller has seen.
use super::problem::Problem;
use actix_web::FromRequest;
use actix_web::HttpRequest;
use actix_web::dev::Payload;
use actix_web::http::header;
use std::future::Ready;
use std::future::ready;

/// The version, where one is named.
pub struct IfMatch(pub Option<u32>);

impl FromRequest for IfMatch {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let Some(value) = request.headers().get(header::IF_MATCH) else {
            return ready(Ok(Self(None)));
        };
        let text =
            value.to_str().unwrap_or_default().trim().trim_start_matches("W/").trim_matches('"');
        let version = text.parse().map(|version| Self(Some(version)));
        ready(version.map_err(|_e| Problem::header("If-Match", "a version such as \"3\"")))
    }
}
