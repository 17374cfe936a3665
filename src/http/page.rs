//! Pages of lists: `?limit=&after=`, where `after` is the opaque cursor of the page before.
use super::problem::Problem;
use crate::wire::FieldError;
use actix_web::FromRequest;
use actix_web::HttpRequest;
use actix_web::HttpResponse;
use actix_web::dev::Payload;
use actix_web::web;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use std::future::Ready;
use std::future::ready;

/// Most entries of a page, and how many where none is said.
const LIMIT_MAX: u16 = 200;
const LIMIT: u16 = 50;

/// Which page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// The row before it.
    pub after: i64,
    /// How many entries.
    pub limit: u16,
}

/// Which page of what stands so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusPage {
    /// The page.
    pub page: Page,
    /// `open` or `acknowledged`.
    pub status: Option<String>,
}

/// A page.
#[derive(Serialize)]
struct Reply<'a, T> {
    items: &'a [T],
    next: Option<String>,
}

/// A page with the cursor of the next one.
pub fn page_reply<T: Serialize>(items: &[T], next: Option<i64>) -> HttpResponse {
    let next = next.map(|row| URL_SAFE_NO_PAD.encode(row.to_be_bytes()));
    HttpResponse::Ok().json(Reply { items, next })
}

fn cursor(text: &str) -> Option<i64> {
    let bytes: [u8; 8] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
    Some(i64::from_be_bytes(bytes)).filter(|row| *row >= 0)
}

fn read(request: &HttpRequest, with_status: bool) -> Result<StatusPage, Problem> {
    let query = web::Query::<Vec<(String, String)>>::from_query(request.query_string());
    let query = query.map_err(|error| {
        Problem::invalid(vec![FieldError::new("", "invalid_query", error.to_string())])
    })?;
    let mut read = StatusPage { page: Page { after: 0, limit: LIMIT }, status: None };
    let mut errors = Vec::new();
    for (name, value) in query.into_inner() {
        let sound = match name.as_str() {
            "limit" => value
                .parse()
                .ok()
                .filter(|limit| (1..=LIMIT_MAX).contains(limit))
                .map(|limit| read.page.limit = limit),
            "after" => cursor(&value).map(|after| read.page.after = after),
            "status" if with_status => ["open", "acknowledged"]
                .contains(&value.as_str())
                .then(|| read.status = Some(value.clone())),
            _ => None,
        };
        if sound.is_none() {
            let detail = format!(
                "{name}={value}: limit is 1 to {LIMIT_MAX}, after is the cursor of the page before"
            );
            errors.push(FieldError::new(format!("?{name}"), "invalid_query", detail));
        }
    }
    if errors.is_empty() { Ok(read) } else { Err(Problem::invalid(errors)) }
}

impl FromRequest for Page {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(read(request, false).map(|read| read.page))
    }
}

impl FromRequest for StatusPage {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(read(request, true))
    }
}
