//! Request bodies: JSON, as text, of a limited size.
use super::problem::Problem;
use crate::app::App;
use crate::app::Error;
use actix_web::FromRequest;
use actix_web::HttpRequest;
use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::web;
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;

/// A JSON body as it was sent.
pub struct JsonBody(pub String);

impl FromRequest for JsonBody {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let is_json = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split(';').next())
            .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"));
        let limit =
            request.app_data::<web::Data<App>>().map_or(0, |app| app.config.http.body_bytes_max);
        let payload = web::Payload::from_request(request, payload);
        Box::pin(async move {
            if !is_json {
                let detail = "the body must be application/json";
                return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json", detail));
            }
            let payload = payload.await.map_err(|error| Error::Internal(error.to_string()))?;
            let bytes = whole(payload, limit).await?;
            let not_text = |_| {
                Problem::new(StatusCode::BAD_REQUEST, "invalid_request", "the body is not UTF-8")
            };
            Ok(Self(String::from_utf8(bytes).map_err(not_text)?))
        })
    }
}

/// Reads a body of at most so many bytes.
pub async fn whole(mut payload: web::Payload, bytes_max: usize) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    while let Some(chunk) = payload.next().await {
        let cut_short = |error: actix_web::error::PayloadError| {
            Problem::new(
                StatusCode::BAD_REQUEST,
                "invalid_request",
                format!("the body was cut short: {error}"),
            )
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
