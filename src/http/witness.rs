//! `POST /witness/add-checkpoint` (C2SP tlog-witness): open to every log that is witnessed here, for the log
//! itself has signed what it sends. And under which key this service cosigns.
use super::body::Limits;
use super::body::whole;
use super::closed;
use super::peer;
use super::problem::Problem;
use super::problem::method_not_allowed;
use super::seen;
use super::shown;
use crate::app::App;
use crate::app::witness::Verdict;
use crate::audit::cosign::REQUEST_BYTES_MAX;
use actix_web::HttpRequest;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web;

/// Puts the two routes into an application.
pub fn open(service: &mut web::ServiceConfig) {
    let add = web::resource("/witness/add-checkpoint")
        .route(web::post().to(add))
        .default_service(web::to(method_not_allowed("POST")));
    service.service(closed(add)).service(shown("/witness/key", seen().to(key)));
}

async fn key(app: web::Data<App>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .body(format!("{}\n", app.witnesses.verifier_key()))
}

async fn add(
    app: web::Data<App>,
    request: HttpRequest,
    body: web::Payload,
) -> Result<HttpResponse, Problem> {
    let peer = peer::address(&app.config.http, request.headers(), request.peer_addr());
    let limits = Limits { bytes_max: REQUEST_BYTES_MAX, ..Limits::json(&app.config.http) };
    let bytes = whole(body, limits).await?;
    let Ok(text) = String::from_utf8(bytes) else {
        return Ok(plain(StatusCode::BAD_REQUEST, "not UTF-8"));
    };
    let verdict = app.add_checkpoint(&text).await?;
    // Who sends what nobody has signed is slowed down like one who guesses at tokens.
    let guessed = matches!(verdict, Verdict::Malformed(_) | Verdict::Unknown | Verdict::NotSigned);
    if guessed && peer.is_some_and(|peer| !app.limits.may_be_refused(peer)) {
        return Err(Problem::too_many());
    }
    Ok(match verdict {
        Verdict::Cosigned(line) => plain(StatusCode::OK, &line),
        Verdict::Seen(size) => {
            HttpResponse::Conflict().content_type("text/x.tlog.size").body(format!("{size}\n"))
        }
        Verdict::Malformed(why) => plain(StatusCode::BAD_REQUEST, &why),
        Verdict::Unknown => plain(StatusCode::NOT_FOUND, "this log is not witnessed here"),
        Verdict::NotSigned => plain(StatusCode::FORBIDDEN, "the log has not signed this"),
        Verdict::Fork(why) => plain(StatusCode::UNPROCESSABLE_ENTITY, &why),
    })
}

fn plain(status: StatusCode, text: &str) -> HttpResponse {
    HttpResponse::build(status).content_type("text/plain; charset=utf-8").body(text.to_owned())
}
