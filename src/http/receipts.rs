//! Receipts: what the exporting State asks, the importing State answers, the exporting State confirms.
use super::body::JsonBody;
use super::caller::Authority;
use super::idempotency::Key;
use super::page::LIMIT;
use super::page::LIMIT_MAX;
use super::page::cursor;
use super::page::limit;
use super::page::page_reply;
use super::page::parameters;
use super::problem::Problem;
use super::reply::recorded;
use crate::app::App;
use crate::app::receipting::Asked;
use crate::app::receipting::Asking;
use crate::app::recorder::request_digest;
use crate::domain::number;
use crate::domain::reference::REFERENCE_CHARS_MAX;
use crate::wire;
use crate::wire::receipt::ReceiptStepRequest;
use actix_web::FromRequest;
use actix_web::HttpRequest;
use actix_web::HttpResponse;
use actix_web::dev::Payload;
use actix_web::web;
use std::future::Ready;
use std::future::ready;
use uuid::Uuid;

pub(super) const STATUSES: [&str; 5] =
    ["outstanding", "requested", "answered", "confirmed", "withdrawn"];
pub(super) const RESULTS: [&str; 6] =
    ["nothing", "partial", "complete", "short", "differs", "surplus"];

/// Which receipts: `?status=&result=&overdue=true&ucr=&limit=&after=`.
#[derive(Debug)]
pub struct ReceiptPage {
    /// By what.
    pub asked: Asked,
    /// Only those that are overdue.
    pub overdue: bool,
    /// The row before the page.
    pub after: i64,
    /// How many.
    pub limit: u16,
}

fn read(query: &str) -> Result<ReceiptPage, Problem> {
    let mut page = ReceiptPage { asked: Asked::default(), overdue: false, after: 0, limit: LIMIT };
    let one_of = |words: &[&str], value: &str| {
        let known = words.contains(&value).then(|| Some(value.to_owned()));
        known.ok_or_else(|| format!("one of {}", words.join(", ")))
    };
    parameters(query, |name, value| {
        match name {
            "status" => page.asked.status = one_of(&STATUSES, value)?,
            "result" => page.asked.result = one_of(&RESULTS, value)?,
            "overdue" if value == "true" => page.overdue = true,
            "overdue" => return Err("true, or left out".to_owned()),
            "ucr" if value.len() > REFERENCE_CHARS_MAX => {
                return Err(format!("at most {REFERENCE_CHARS_MAX} characters"));
            }
            "ucr" => {
                let ucr = number::plain(value).map_err(|invalid| invalid.detail)?;
                page.asked.ucr = Some(ucr.to_string());
            }
            "limit" => {
                let fault = || format!("a number from 1 to {LIMIT_MAX}");
                page.limit = limit(value).ok_or_else(fault)?;
            }
            "after" => {
                let fault = || "the cursor that the page before gave as next".to_owned();
                page.after = cursor(value).ok_or_else(fault)?;
            }
            _ => return Err("no such parameter here".to_owned()),
        }
        Ok(())
    })?;
    Ok(page)
}

impl FromRequest for ReceiptPage {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(read(request.query_string()))
    }
}

/// `GET /v1/receipts`.
pub async fn list(
    app: web::Data<App>,
    Authority(caller): Authority,
    page: ReceiptPage,
) -> Result<HttpResponse, Problem> {
    let ReceiptPage { asked, overdue, after, limit } = page;
    let (receipts, next) = app.receipts(&caller, asked, overdue, after, limit).await?;
    Ok(page_reply(&receipts, next))
}

/// `GET /v1/receipts/{id}`.
pub async fn one(
    app: web::Data<App>,
    Authority(caller): Authority,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(app.receipt(&caller, *id).await?))
}

/// `POST /v1/receipts/{id}/request`.
pub async fn request(
    app: web::Data<App>,
    Authority(caller): Authority,
    id: web::Path<Uuid>,
    key: Key,
    JsonBody(body): JsonBody,
) -> Result<HttpResponse, Problem> {
    let step =
        wire::field::read(body.as_bytes(), |sent: ReceiptStepRequest| sent.read(false, false))?;
    let once = key.once(&caller, request_digest(&format!("receipt request {id}"), body.as_bytes()));
    Ok(recorded(app.receipt_step(&caller, *id, Asking::Request, step, once).await?))
}

/// `POST /v1/receipts/{id}/answer`.
pub async fn answer(
    app: web::Data<App>,
    Authority(caller): Authority,
    id: web::Path<Uuid>,
    key: Key,
    JsonBody(body): JsonBody,
) -> Result<HttpResponse, Problem> {
    let step =
        wire::field::read(body.as_bytes(), |sent: ReceiptStepRequest| sent.read(true, true))?;
    let once = key.once(&caller, request_digest(&format!("receipt answer {id}"), body.as_bytes()));
    Ok(recorded(app.receipt_step(&caller, *id, Asking::Answer, step, once).await?))
}

/// `POST /v1/receipts/{id}/confirmation`.
pub async fn confirm(
    app: web::Data<App>,
    Authority(caller): Authority,
    id: web::Path<Uuid>,
    key: Key,
    JsonBody(body): JsonBody,
) -> Result<HttpResponse, Problem> {
    let step =
        wire::field::read(body.as_bytes(), |sent: ReceiptStepRequest| sent.read(false, true))?;
    let route = format!("receipt confirmation {id}");
    let once = key.once(&caller, request_digest(&route, body.as_bytes()));
    Ok(recorded(app.receipt_step(&caller, *id, Asking::Confirmation, step, once).await?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receipts_are_asked_for_by_status_result_and_delay() {
        let page = read("status=answered&result=short&overdue=true&ucr=6FR1-A&limit=7").unwrap();
        assert_eq!(page.asked.status.as_deref(), Some("answered"));
        assert_eq!(page.asked.result.as_deref(), Some("short"));
        assert_eq!((page.asked.ucr.as_deref(), page.overdue), (Some("6FR1-A"), true));
        assert_eq!((page.limit, page.after), (7, 0));
        for bad in ["status=late", "result=good", "overdue=1", "after=x", "state=FR", "limit=0"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
