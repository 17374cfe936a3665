//! The auditor's trail: the logs, their entries, one with its proof that the browser verifies for
//! itself, the entries of a case, and the same as files to hand on.
use super::scan::path_segment;
use super::view::Answer;
use super::view::View;
use crate::app::App;
use crate::app::Error;
use crate::app::dossier::ENTRIES_MAX;
use crate::http::caller::Auditor;
use crate::wire::audit::EntryReply;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::web;
use minijinja::Value;
use minijinja::context;
use serde::Deserialize;
use serde_json::json;

/// Entries of a page.
const ENTRIES: u16 = 50;
/// Logs shown.
const LOGS: u16 = 100;

/// Which entries of which log; the node's own without one.
#[derive(Debug, Deserialize)]
pub struct From {
    from: Option<u64>,
    log: Option<String>,
}

/// `GET /console/log`: from an index on; without one, the latest.
pub async fn list(
    app: web::Data<App>,
    Auditor(caller): Auditor,
    view: View,
    asked: web::Query<From>,
) -> Answer {
    let log = asked.log.as_deref().filter(|log| !log.is_empty());
    let note = app.checkpoint(log).await?;
    let mut lines = note.lines();
    let origin = lines.next().unwrap_or_default().to_owned();
    let size: u64 = lines.next().and_then(|size| size.parse().ok()).unwrap_or_default();
    let page = u64::from(ENTRIES);
    let from = asked.from.unwrap_or_else(|| size.saturating_sub(page)).min(size.saturating_sub(1));
    let (entries, next) = app.entries(&caller, log, from, ENTRIES).await?;
    let entries: Vec<Value> = entries.iter().rev().map(summary).collect();
    let (logs, _) = app.logs(0, LOGS).await?;
    let context = context! {
        origin => origin, size => size.to_string(), checkpoint => note, entries => entries,
        newer => next, older => (from > 0).then(|| from.saturating_sub(page)),
        logs => Value::from_serialize(logs),
    };
    view.page(&caller, "log.html", context)
}

/// What a line of the log shows of an entry.
fn summary(entry: &EntryReply) -> Value {
    let body: serde_json::Value = serde_json::from_str(entry.entry.get()).unwrap_or_default();
    context! { index => entry.index, log => entry.log, ..summary_of(&body) }
}

fn summary_of(body: &serde_json::Value) -> Value {
    let text = |name: &str| body.get(name).and_then(serde_json::Value::as_str).map(str::to_owned);
    let reference = body.pointer("/reference/value").and_then(serde_json::Value::as_str);
    let subject = reference.map(str::to_owned).or_else(|| text("reference"));
    let subject = subject.or_else(|| text("licence")).or_else(|| text("number"));
    context! {
        kind => text("kind"), at => text("at"),
        verification => text("verification").filter(|_| text("kind").as_deref() == Some("verification")),
        post => text("border_post"), verdict => text("verdict"), subject => subject,
    }
}

/// `GET /console/log/{index}`.
pub async fn entry(
    app: web::Data<App>,
    Auditor(caller): Auditor,
    view: View,
    index: web::Path<u64>,
    asked: web::Query<From>,
) -> Answer {
    let origin = origin(&app, &asked);
    let proof = app.proof(&caller, &origin, *index).await?;
    let shown: serde_json::Value = serde_json::from_str(&proof.entry).unwrap_or_default();
    let context = context! {
        proof => Value::from_serialize(&proof),
        entry => summary_of(&shown), pretty => serde_json::to_string_pretty(&shown).unwrap_or_default(),
        evidence => format!("/console/log/{index}/evidence?log={}", path_segment(&origin)),
    };
    view.page(&caller, "entry.html", context)
}

/// `GET /console/log/{index}/evidence`: entry, proof, checkpoint and key in one file.
pub async fn evidence(
    app: web::Data<App>,
    Auditor(caller): Auditor,
    index: web::Path<u64>,
    asked: web::Query<From>,
) -> Answer {
    let proof = app.proof(&caller, &origin(&app, &asked), *index).await?;
    let name = format!("attachment; filename=\"passavant-entry-{index}.json\"");
    Ok(HttpResponse::Ok().insert_header((header::CONTENT_DISPOSITION, name)).json(proof))
}

/// The log asked for, or this node's.
fn origin(app: &App, asked: &From) -> String {
    let asked = asked.log.clone().filter(|log| !log.is_empty());
    asked.unwrap_or_else(|| app.config.node.origin.clone())
}

/// Which case: a consignment's or a declaration's reference.
#[derive(Debug, Deserialize)]
pub struct Of {
    of: Option<String>,
}

impl Of {
    fn sought(&self) -> &str {
        self.of.as_deref().unwrap_or_default().trim()
    }
}

/// `GET /console/log/case`: every entry of a case, in order, to read and to print.
pub async fn case(
    app: web::Data<App>,
    Auditor(caller): Auditor,
    view: View,
    of: web::Query<Of>,
) -> Answer {
    let sought = of.sought();
    if sought.is_empty() {
        return view.page(&caller, "trail.html", context! {});
    }
    let dossier = app.dossier(&caller, sought).await?;
    let status = if dossier.entries.is_empty() { StatusCode::NOT_FOUND } else { StatusCode::OK };
    let context = context! {
        of => sought, entries => dossier.entries.iter().map(summary).collect::<Vec<_>>(),
        is_cut => dossier.is_cut, most => ENTRIES_MAX,
    };
    view.page_as(status, &caller, "trail.html", context)
}

/// `GET /console/log/case/evidence`: every entry of a case with its proof, its log's checkpoint and key.
pub async fn case_evidence(
    app: web::Data<App>,
    Auditor(caller): Auditor,
    of: web::Query<Of>,
) -> Answer {
    let dossier = app.proven_dossier(&caller, of.sought()).await?;
    if dossier.entries.is_empty() {
        return Err(Error::NotFound.into());
    }
    let name = "attachment; filename=\"passavant-case.json\"";
    let file = json!({"of": of.sought(), "entries": dossier.entries, "truncated": dossier.is_cut});
    Ok(HttpResponse::Ok().insert_header((header::CONTENT_DISPOSITION, name)).json(file))
}
