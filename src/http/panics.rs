//! A handler that panics is a defect of one route: its caller is answered like any other, with the
//! headers, the log line and the metrics of every reply, and the connection stays.
use super::problem::Problem;
use actix_web::Error;
use actix_web::HttpResponse;
use actix_web::body::BoxBody;
use actix_web::body::MessageBody;
use actix_web::dev::ServiceRequest;
use actix_web::dev::ServiceResponse;
use actix_web::http::StatusCode;
use actix_web::middleware::Next;
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;

/// Whether anything was recorded before the panic is not known here, so it is not said.
const DETAIL: &str =
    "the service failed; the same request with the same Idempotency-Key tells what became of it";

/// Wraps a resource, where the request is routed already and may be kept beside its handler. The
/// cause is logged by the panic hook.
pub async fn caught(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let kept = request.request().clone();
    // What a panic leaves half done is dropped with the future; locks do not poison.
    match AssertUnwindSafe(next.call(request)).catch_unwind().await {
        Ok(answered) => answered.map(ServiceResponse::map_into_boxed_body),
        Err(_panic) => {
            let problem = Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", DETAIL);
            Ok(ServiceResponse::new(kept, HttpResponse::from_error(problem)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::closed;
    use super::super::request_log;
    use actix_web::App;
    use actix_web::HttpResponse;
    use actix_web::body::MessageBody;
    use actix_web::http::header;
    use actix_web::middleware::from_fn;
    use actix_web::test;
    use actix_web::web;

    async fn fails() -> HttpResponse {
        panic!("the cause")
    }

    #[actix_web::test]
    async fn a_handler_that_panics_is_answered_as_every_failure_is() {
        let app = App::new()
            .wrap(from_fn(request_log::around))
            .service(closed(web::resource("/fails/{id}").route(web::get().to(fails))));
        let app = test::init_service(app).await;
        for _ in 0..2 {
            let request = test::TestRequest::with_uri("/fails/7").to_request();
            let response = test::call_service(&app, request).await;
            assert_eq!(response.status(), 500);
            let headers = response.headers();
            assert_eq!(headers.get(header::CONTENT_TYPE).unwrap(), "application/problem+json");
            assert_eq!(headers.get("x-content-type-options").unwrap(), "nosniff");
            assert_eq!(response.request().match_pattern().as_deref(), Some("/fails/{id}"));
            let body = response.into_body().try_into_bytes().unwrap();
            let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(problem["code"], "internal");
            assert!(!problem.to_string().contains("the cause"), "{problem}");
        }
    }
}
