//! Licences: issue, read, amend, decide, ledger, import.
use super::body::JsonBody;
use super::body::LinesBody;
use super::caller::Authority;
use super::caller::OfficerOrAuthority;
use super::idempotency::Key;
use super::if_match::IfMatch;
use super::page::Page;
use super::page::page_reply;
use super::problem::Problem;
use super::reply::at_version;
use super::reply::made;
use super::reply::recorded;
use crate::app::App;
use crate::app::Error;
use crate::app::import::Whose;
use crate::app::licences::Decision;
use crate::app::licences::Document;
use crate::app::recorder::request_digest;
use crate::wire;
use crate::wire::licence::DecisionRequest;
use actix_web::HttpResponse;
use actix_web::web;

/// `POST /v1/licences`.
pub async fn issue(
    app: web::Data<App>,
    Authority(caller): Authority,
    key: Key,
    JsonBody(body): JsonBody,
) -> Result<HttpResponse, Problem> {
    let document = Document::parse(body.as_bytes())?;
    let once = key.once(&caller, request_digest("licence", body.as_bytes()));
    Ok(made(app.issue(&caller, document, once).await?, "/v1/licences"))
}

/// `GET /v1/licences`.
pub async fn list(
    app: web::Data<App>,
    Authority(caller): Authority,
    page: Page,
) -> Result<HttpResponse, Problem> {
    let (licences, next) = app.licences(&caller, page.after, page.limit).await?;
    Ok(page_reply(&licences, next))
}

/// `GET /v1/licences/{number}`.
pub async fn read(
    app: web::Data<App>,
    OfficerOrAuthority(caller): OfficerOrAuthority,
    number: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let licence = app.licence(&caller, &number).await?;
    Ok(at_version(licence.version, licence))
}

/// `PUT /v1/licences/{number}`.
pub async fn amend(
    app: web::Data<App>,
    Authority(caller): Authority,
    number: web::Path<String>,
    IfMatch(version): IfMatch,
    key: Key,
    JsonBody(body): JsonBody,
) -> Result<HttpResponse, Problem> {
    let version = version.ok_or_else(Problem::missing_if_match)?;
    let document = Document::parse(body.as_bytes())?;
    let once =
        key.once(&caller, request_digest(&format!("amend {number} {version}"), body.as_bytes()));
    Ok(recorded(app.amend(&caller, &number, document, version, once).await?))
}

/// `GET /v1/licences/{number}/ledger`.
pub async fn ledger(
    app: web::Data<App>,
    Authority(caller): Authority,
    number: web::Path<String>,
    page: Page,
) -> Result<HttpResponse, Problem> {
    let (rows, next) = app.ledger(&caller, &number, page.after, page.limit).await?;
    Ok(page_reply(&rows, next))
}

/// `GET /v1/licences/{number}/versions`.
pub async fn versions(
    app: web::Data<App>,
    Authority(caller): Authority,
    number: web::Path<String>,
    page: Page,
) -> Result<HttpResponse, Problem> {
    let (versions, next) = app.versions(&caller, &number, page.after, page.limit).await?;
    Ok(page_reply(&versions, next))
}

/// `POST /v1/licences/{number}/suspension` and the other decisions.
pub async fn decide(
    app: web::Data<App>,
    Authority(caller): Authority,
    path: web::Path<(String, String)>,
    if_match: IfMatch,
    key: Key,
    JsonBody(body): JsonBody,
) -> Result<HttpResponse, Problem> {
    let (number, word) = path.into_inner();
    let decision = Decision::parse(&word).ok_or(Error::NotFound)?;
    let reason = wire::field::read(body.as_bytes(), |sent: DecisionRequest| {
        wire::field::reason(sent.reason.as_deref())
    })?;
    let asked = if_match.of(&format!("{word} {number}"));
    let once = key.once(&caller, request_digest(&asked, body.as_bytes()));
    Ok(recorded(app.decide(&caller, number.into(), decision, reason, if_match.0, once).await?))
}

/// `POST /v1/licences/import`: NDJSON, one licence a line.
pub async fn import(
    app: web::Data<App>,
    Authority(caller): Authority,
    key: Key,
    LinesBody(lines): LinesBody,
) -> Result<HttpResponse, Problem> {
    let once = key.once(&caller, request_digest("import", &lines));
    if let Some(first) = app.first_report(once.as_ref()).await? {
        return Ok(recorded(first));
    }
    let (importer, actor) = (app.clone(), caller.clone());
    let report = web::block(move || importer.import(&actor, Whose::Own, &*lines, |_| {})).await;
    let report = report.map_err(|error| Error::Internal(error.to_string()))??;
    Ok(recorded(app.keep_report(&report, once).await?))
}
