//! The audit trail: checkpoint, tiles, entries and proofs.
use super::caller::AuditorOrState;
use super::page::Page;
use super::page::page_reply;
use super::page::parameters;
use super::problem::Problem;
use crate::app::App;
use crate::app::Error;
use crate::audit::tile;
use actix_web::FromRequest;
use actix_web::HttpRequest;
use actix_web::HttpResponse;
use actix_web::dev::Payload;
use actix_web::web;
use std::future::Ready;
use std::future::ready;

/// Which log of the database: `?log=ORIGIN`; the answering node's own without it.
#[derive(Debug)]
pub struct OfLog(Option<String>);

impl FromRequest for OfLog {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let mut log = None;
        let read = parameters(request.query_string(), |name, value| match name {
            "log" => {
                log = Some(value.to_owned());
                Ok(())
            }
            _ => Err("no such parameter here".to_owned()),
        });
        ready(read.map(|()| Self(log)))
    }
}

/// The same, and a page of it.
#[derive(Debug)]
pub struct PageOfLog(Option<String>, Page);

impl FromRequest for PageOfLog {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let mut log = None;
        let page = Page::among(request.query_string(), |name, value| {
            if name == "log" {
                log = Some(value.to_owned());
            }
            name == "log"
        });
        ready(page.map(|page| Self(log, page)))
    }
}

/// `GET /v1/audit/logs`: every node that shares the database has one.
pub async fn logs(
    app: web::Data<App>,
    _caller: AuditorOrState,
    page: Page,
) -> Result<HttpResponse, Problem> {
    let (logs, next) = app.logs(page.after, page.limit).await?;
    Ok(page_reply(&logs, next))
}

/// Which log, and whether the latest checkpoint that enough witnesses have cosigned is meant:
/// `?witnessed=true`.
#[derive(Debug)]
pub struct Checkpoint {
    log: Option<String>,
    witnessed: bool,
}

impl FromRequest for Checkpoint {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let mut asked = Self { log: None, witnessed: false };
        let read = parameters(request.query_string(), |name, value| match (name, value) {
            ("log", origin) => {
                asked.log = Some(origin.to_owned());
                Ok(())
            }
            ("witnessed", "true" | "false") => {
                asked.witnessed = value == "true";
                Ok(())
            }
            ("witnessed", _) => Err("true or false".to_owned()),
            _ => Err("no such parameter here".to_owned()),
        });
        ready(read.map(|()| asked))
    }
}

/// `GET /v1/audit/checkpoint`: the latest signed note.
pub async fn checkpoint(
    app: web::Data<App>,
    _caller: AuditorOrState,
    asked: Checkpoint,
) -> Result<HttpResponse, Problem> {
    let log = asked.log.as_deref();
    let note = if asked.witnessed {
        app.witnessed_checkpoint(log).await?
    } else {
        app.checkpoint(log).await?
    };
    Ok(HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(note))
}

/// `GET /v1/audit/tile/{path}`: hashes for everyone with a part in the trail, bundles of entries for
/// auditors.
pub async fn tile(
    app: web::Data<App>,
    AuditorOrState(caller): AuditorOrState,
    path: web::Path<String>,
    OfLog(log): OfLog,
) -> Result<HttpResponse, Problem> {
    let path = tile::parse(&path).ok_or(Error::NotFound)?;
    Ok(HttpResponse::Ok()
        .content_type("application/octet-stream")
        .body(app.tile(&caller, log.as_deref(), path).await?))
}

/// `GET /v1/audit/entries`.
pub async fn entries(
    app: web::Data<App>,
    AuditorOrState(caller): AuditorOrState,
    PageOfLog(log, page): PageOfLog,
) -> Result<HttpResponse, Problem> {
    let from = u64::try_from(page.after).unwrap_or_default();
    let (entries, next) = app.entries(&caller, log.as_deref(), from, page.limit).await?;
    Ok(page_reply(&entries, next.and_then(|next| i64::try_from(next).ok())))
}

/// `GET /v1/audit/entries/{log}/{index}/proof`: the log's origin holds a slash, which may be sent
/// as it is or as `%2F`.
pub async fn proof(
    app: web::Data<App>,
    AuditorOrState(caller): AuditorOrState,
    path: web::Path<(String, u64)>,
) -> Result<HttpResponse, Problem> {
    let (origin, index) = path.into_inner();
    Ok(HttpResponse::Ok().json(app.proof(&caller, &origin, index).await?))
}
