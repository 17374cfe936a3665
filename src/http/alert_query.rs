//! Which alerts: `?post=&severity=&status=&kind=&since=&limit=&after=`.
use super::page::LIMIT;
use super::page::LIMIT_MAX;
use super::page::limit;
use super::page::parameters;
use super::problem::Problem;
use crate::app::alerts::Query;
use crate::domain::Locode;
use crate::domain::alert::Kind;
use crate::domain::alert::Severity;
use crate::domain::alert::Status;
use crate::wire::field::instant;
use actix_web::FromRequest;
use actix_web::HttpRequest;
use actix_web::dev::Payload;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::future::Ready;
use std::future::ready;

/// When an alert was raised, its log and its index there.
type Place = (i64, i64, i64);

/// A page of alerts.
#[derive(Debug, Clone)]
pub struct AlertPage {
    /// Which alerts.
    pub query: Query,
    /// How many at most.
    pub limit: u16,
}

/// The cursor of the page after an alert.
pub fn place_cursor((at, log, index): Place) -> String {
    let bytes = [at.to_be_bytes(), log.to_be_bytes(), index.to_be_bytes()].concat();
    URL_SAFE_NO_PAD.encode(bytes)
}

fn place(text: &str) -> Option<Place> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (parts, []) = bytes.as_chunks::<8>() else { return None };
    let &[at, log, index] = parts else { return None };
    let place = (i64::from_be_bytes(at), i64::from_be_bytes(log), i64::from_be_bytes(index));
    (place.0 >= 0 && place.1 >= 0 && place.2 >= 0).then_some(place)
}

fn words(all: impl Iterator<Item = &'static str>) -> String {
    format!("one of {}", all.collect::<Vec<_>>().join(", "))
}

/// Takes one of the parameters that say which alerts; says what it ought to be where it is not.
pub fn take(query: &mut Query, name: &str, value: &str) -> Result<(), String> {
    let sound = match name {
        "post" => Locode::parse(value).ok().map(|post| query.post = Some(post)),
        "severity" => Severity::parse(value).map(|severity| query.severity = Some(severity)),
        "kind" => Kind::parse(value).map(|kind| query.kind = Some(kind)),
        _ => return Err("no such parameter here".to_owned()),
    };
    sound.ok_or_else(|| match name {
        "post" => "a UN/LOCODE such as FRLEH".to_owned(),
        "severity" => words(Severity::ALL.iter().map(|severity| severity.as_str())),
        _ => words(Kind::ALL.iter().map(|kind| kind.as_str())),
    })
}

fn read(request: &HttpRequest) -> Result<AlertPage, Problem> {
    let mut page = AlertPage { query: Query::default(), limit: LIMIT };
    parameters(request.query_string(), |name, value| {
        let query = &mut page.query;
        match name {
            "limit" => limit(value)
                .map(|limit| page.limit = limit)
                .ok_or_else(|| format!("a number from 1 to {LIMIT_MAX}")),
            "after" => place(value)
                .map(|place| query.after = Some(place))
                .ok_or_else(|| "the cursor that the page before gave as next".to_owned()),
            "status" => Status::parse(value)
                .map(|status| query.status = Some(status))
                .ok_or_else(|| words(Status::ALL.iter().map(|status| status.as_str()))),
            "since" => instant(value)
                .map(|(since, _)| query.since = Some(since))
                .map_err(|invalid| invalid.detail),
            _ => take(query, name, value),
        }
    })?;
    Ok(page)
}

impl FromRequest for AlertPage {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(read(request))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn page(query: &str) -> Result<AlertPage, Problem> {
        read(&TestRequest::with_uri(&format!("/v1/alerts?{query}")).to_http_request())
    }

    #[test]
    fn alerts_are_asked_for_by_post_severity_status_kind_and_age() {
        let words = "post=FRLEH&severity=hold&status=open&kind=mismatch&since=2026-11-25T08:00:00Z";
        let query = page(words).unwrap().query;
        assert_eq!(query.post.unwrap().as_str(), "FRLEH");
        assert_eq!((query.severity, query.status), (Some(Severity::Hold), Some(Status::Open)));
        assert_eq!((query.kind, query.since.is_some()), (Some(Kind::Mismatch), true));
        assert_eq!(page("limit=7").unwrap().limit, 7);
    }

    #[test]
    fn a_page_leads_to_the_next_one() {
        for next in [(1, 1, 0), (1_700_000_000_000_000, 3, i64::MAX)] {
            let after = place_cursor(next);
            assert_eq!(page(&format!("after={after}")).unwrap().query.after, Some(next));
        }
    }

    #[test]
    fn what_is_not_understood_is_refused_by_name() {
        let faults = [
            "post=Le+Havre",
            "severity=block",
            "status=closed",
            "kind=other",
            "since=yesterday",
            "since=2026-11-25T08:00:00%2B01:00&since=2026-11-25T08:00:00Z",
            "after=AAAAAAAAAAI",
            "after=__________8",
            "limit=0",
            "posts=FRLEH",
        ];
        for query in faults {
            let name = format!("?{}", query.split('=').next().unwrap());
            let problem = page(query).unwrap_err();
            assert!(problem.to_string().contains(&name), "{query}: {problem}");
        }
    }
}
