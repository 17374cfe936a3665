//! Pages of lists: `?limit=&after=`, where `after` is the opaque cursor of the page before.
use super::ROUTES;
use super::Route;
use super::openapi;
use super::problem::Problem;
use crate::domain::Date;
use crate::wire::FieldError;
use crate::wire::field::ERRORS_MAX;
use crate::wire::field::date;
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
use uuid::Uuid;

/// Most entries of a page, and how many where none is said.
pub(super) const LIMIT_MAX: u16 = 200;
pub(super) const LIMIT: u16 = 50;
/// Which page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// The row before it.
    pub after: i64,
    /// How many entries.
    pub limit: u16,
}

/// Which page of a list whose rows stand in the order of their identifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NamedPage {
    /// The identifier before it.
    pub after: Uuid,
    /// How many entries.
    pub limit: u16,
}

impl FromRequest for NamedPage {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(named(request.query_string()))
    }
}

fn named(query: &str) -> Result<NamedPage, Problem> {
    let mut page = NamedPage { after: Uuid::nil(), limit: LIMIT };
    parameters(query, |name, value| match name {
        "limit" => take_limit(value, &mut page.limit),
        "after" => {
            let bytes: Option<[u8; 16]> =
                URL_SAFE_NO_PAD.decode(value).ok().and_then(|bytes| bytes.try_into().ok());
            page.after = bytes.map(Uuid::from_bytes).ok_or_else(|| NOT_A_CURSOR.to_owned())?;
            Ok(())
        }
        _ => Err("no such parameter here".to_owned()),
    })?;
    Ok(page)
}

/// The cursor of the page after an identifier.
pub fn named_cursor(id: Uuid) -> String {
    URL_SAFE_NO_PAD.encode(id.as_bytes())
}

const NOT_A_CURSOR: &str = "the cursor that the page before gave as next";

fn take_limit(value: &str, taken: &mut u16) -> Result<(), String> {
    *taken = limit(value).ok_or_else(|| format!("a number from 1 to {LIMIT_MAX}"))?;
    Ok(())
}

/// Which of the consignments under a reference: the first day of one, or the latest.
pub struct FirstSeen(pub Option<Date>);

impl FromRequest for FirstSeen {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(first_seen(request.query_string()).map(Self))
    }
}

fn first_seen(query: &str) -> Result<Option<Date>, Problem> {
    let mut first = None;
    parameters(query, |name, value| match name {
        "first_seen" => date(value).map(|day| first = Some(day)).map_err(|invalid| invalid.detail),
        _ => Err("no such parameter here".to_owned()),
    })?;
    Ok(first)
}

/// A page.
#[derive(Serialize)]
struct Reply<'a, T> {
    items: &'a [T],
    next: Option<String>,
}

/// A page with the cursor of the next one.
pub fn page_reply<T: Serialize>(items: &[T], next: Option<i64>) -> HttpResponse {
    page_of(items, next.map(next_cursor))
}

/// The cursor of the page after a row.
pub fn next_cursor(row: i64) -> String {
    URL_SAFE_NO_PAD.encode(row.to_be_bytes())
}

/// A page with the cursor of the next one, whatever that is made of.
pub fn page_of<T: Serialize>(items: &[T], next: Option<String>) -> HttpResponse {
    HttpResponse::Ok().json(Reply { items, next })
}

pub(super) fn cursor(text: &str) -> Option<i64> {
    let bytes: [u8; 8] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
    Some(i64::from_be_bytes(bytes)).filter(|row| *row >= 0)
}

fn read(request: &HttpRequest) -> Result<Page, Problem> {
    Page::among(request.query_string(), |_, _| false)
}

impl Page {
    /// Reads which page from a query that may say more; what more, `other` takes or leaves.
    pub(super) fn among(
        query: &str,
        mut other: impl FnMut(&str, &str) -> bool,
    ) -> Result<Self, Problem> {
        let mut page = Self { after: 0, limit: LIMIT };
        parameters(query, |name, value| match name {
            "limit" => take_limit(value, &mut page.limit),
            "after" => {
                cursor(value).map(|after| page.after = after).ok_or_else(|| NOT_A_CURSOR.to_owned())
            }
            _ if other(name, value) => Ok(()),
            _ => Err("no such parameter here".to_owned()),
        })?;
        Ok(page)
    }
}

/// Reads the parameters of a query one by one; each may stand once, and every one that cannot be
/// used is reported with what it ought to be.
pub(super) fn parameters(
    query: &str,
    mut take: impl FnMut(&str, &str) -> Result<(), String>,
) -> Result<(), Problem> {
    let query = web::Query::<Vec<(String, String)>>::from_query(query).map_err(|error| {
        Problem::invalid(vec![FieldError::new("", "invalid_query", error.to_string())])
    })?;
    let (mut errors, mut seen) = (Vec::new(), Vec::new());
    for (name, value) in query.into_inner() {
        let taken =
            if seen.contains(&name) { Err("stands twice".to_owned()) } else { take(&name, &value) };
        if let Err(fault) = taken {
            errors.push(FieldError::new(format!("?{name}"), "invalid_query", fault));
        }
        seen.push(name);
    }
    errors.truncate(ERRORS_MAX);
    if errors.is_empty() { Ok(()) } else { Err(Problem::invalid(errors)) }
}

/// Refuses the parameters of a request to a route that takes none; the others read theirs themselves.
pub(super) fn none_but_described(request: &HttpRequest) -> Result<(), Problem> {
    if request.query_string().is_empty() {
        return Ok(());
    }
    let method = match request.method().as_str() {
        "HEAD" => "GET",
        other => other,
    };
    let pattern = request.match_pattern();
    let is_asked =
        |route: &&Route| route.method == method && Some(route.path) == pattern.as_deref();
    match ROUTES.iter().find(is_asked) {
        Some(route) if !openapi::takes_parameters(route) => {
            parameters(request.query_string(), |_, _| Err("no such parameter here".to_owned()))
        }
        _ => Ok(()),
    }
}

pub(super) fn limit(text: &str) -> Option<u16> {
    let digits = text.bytes().all(|c| c.is_ascii_digit());
    text.parse().ok().filter(|limit| digits && (1..=LIMIT_MAX).contains(limit))
}

impl FromRequest for Page {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(read(request))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::body::MessageBody;
    use actix_web::test::TestRequest;

    fn page(query: &str) -> Result<Page, Problem> {
        read(&TestRequest::with_uri(&format!("/v1/licences?{query}")).to_http_request())
    }

    fn next_of(reply: HttpResponse) -> String {
        let body = reply.into_body().try_into_bytes().unwrap();
        let page: serde_json::Value = serde_json::from_slice(&body).unwrap();
        page["next"].as_str().unwrap().to_owned()
    }

    #[test]
    fn a_page_starts_at_the_beginning_where_nothing_is_said() {
        assert_eq!(page("").unwrap(), Page { after: 0, limit: 50 });
        assert_eq!(page("limit=200").unwrap().limit, 200);
    }

    #[test]
    fn the_cursor_of_a_page_opens_the_next_one() {
        for row in [1, 77, i64::MAX] {
            let next = next_of(page_reply(&[1], Some(row)));
            assert_eq!(page(&format!("after={next}")).unwrap().after, row);
        }
    }

    #[test]
    fn the_cursor_of_an_identifier_opens_the_page_after_it() {
        let id = Uuid::from_u128(77);
        let next = named_cursor(id);
        assert_eq!(named(&format!("after={next}")).unwrap(), NamedPage { after: id, limit: 50 });
        assert_eq!(named("limit=2").unwrap(), NamedPage { after: Uuid::nil(), limit: 2 });
        for query in ["after=7", "after=", "limit=0", "limit=201", "before=x"] {
            let name = query.split('=').next().unwrap();
            let problem = named(query).unwrap_err().to_string();
            assert!(problem.contains(&format!("?{name}")), "{query}: {problem}");
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
            let problem = page(query).unwrap_err();
            assert!(problem.to_string().contains(name), "{query}: {problem}");
        }
    }
}
