//! Pages of lists: `?limit=&after=`, where `after` is the opaque cursor of the page before.
use super::problem::Problem;
use crate::wire::FieldError;
use crate::wire::field::ERRORS_MAX;
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
/// What an alert's status may be asked for.
const STATUSES: [&str; 2] = ["open", "acknowledged"];

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
    let mut seen = Vec::new();
    for (name, value) in query.into_inner() {
        let sound = match name.as_str() {
            "limit" => limit(&value).map(|limit| read.page.limit = limit),
            "after" => cursor(&value).map(|after| read.page.after = after),
            "status" if with_status => {
                STATUSES.contains(&value.as_str()).then(|| read.status = Some(value.clone()))
            }
            _ => None,
        };
        let fault = match name.as_str() {
            _ if seen.contains(&name) => Some("stands twice".to_owned()),
            _ if sound.is_some() => None,
            "limit" => Some(format!("a number from 1 to {LIMIT_MAX}")),
            "after" => Some("the cursor that the page before gave as next".to_owned()),
            "status" if with_status => Some(format!("one of {}", STATUSES.join(", "))),
            _ => Some("no such parameter here".to_owned()),
        };
        errors
            .extend(fault.map(|fault| FieldError::new(format!("?{name}"), "invalid_query", fault)));
        seen.push(name);
    }
    errors.truncate(ERRORS_MAX);
    if errors.is_empty() { Ok(read) } else { Err(Problem::invalid(errors)) }
}

fn limit(text: &str) -> Option<u16> {
    let digits = text.bytes().all(|c| c.is_ascii_digit());
    text.parse().ok().filter(|limit| digits && (1..=LIMIT_MAX).contains(limit))
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

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::body::MessageBody;
    use actix_web::test::TestRequest;

    fn page(query: &str, with_status: bool) -> Result<StatusPage, Problem> {
        let request = TestRequest::with_uri(&format!("/v1/alerts?{query}")).to_http_request();
        read(&request, with_status)
    }

    fn next_of(reply: HttpResponse) -> String {
        let body = reply.into_body().try_into_bytes().unwrap();
        let page: serde_json::Value = serde_json::from_slice(&body).unwrap();
        page["next"].as_str().unwrap().to_owned()
    }

    #[test]
    fn a_page_starts_at_the_beginning_where_nothing_is_said() {
        assert_eq!(page("", false).unwrap().page, Page { after: 0, limit: 50 });
        assert_eq!(page("limit=200", false).unwrap().page.limit, 200);
    }

    #[test]
    fn the_cursor_of_a_page_opens_the_next_one() {
        for row in [1, 77, i64::MAX] {
            let next = next_of(page_reply(&[1], Some(row)));
            assert_eq!(page(&format!("after={next}"), false).unwrap().page.after, row);
        }
    }

    #[test]
    fn what_is_not_understood_is_refused_by_name() {
        let faults = [
            ("limit=0", "?limit"),
            ("limit=201", "?limit"),
            ("limit=", "?limit"),
            ("limit=%2B5", "?limit"),
            ("limit=5&limit=6", "?limit"),
            ("after=7", "?after"),
            ("after=__________8", "?after"),
            ("after=", "?after"),
            ("befor=x", "?befor"),
            ("status=open", "?status"),
        ];
        for (query, name) in faults {
            let problem = page(query, false).unwrap_err();
            assert!(problem.to_string().contains(name), "{query}: {problem}");
        }
    }

    #[test]
    fn alerts_are_asked_for_by_status() {
        assert_eq!(page("status=open", true).unwrap().status.as_deref(), Some("open"));
        assert!(page("status=closed", true).is_err());
    }
}
