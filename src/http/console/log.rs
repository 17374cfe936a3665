//! The auditor's log: entries, one with its proof that the browser verifies for itself, and the same
//! as a file to hand on.
use super::view::Answer;
use super::view::View;
use crate::app::App;
use crate::http::caller::Auditor;
use crate::wire::audit::EntryReply;
use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web;
use minijinja::Value;
use minijinja::context;
use serde::Deserialize;

/// Entries of a page.
const ENTRIES: u16 = 50;

/// Which entries.
#[derive(Debug, Deserialize)]
pub struct From {
    from: Option<u64>,
}

/// `GET /console/log`: from an index on; without one, the latest.
pub async fn list(
    app: web::Data<App>,
    Auditor(caller): Auditor,
    view: View,
    from: web::Query<From>,
) -> Answer {
    let note = app.checkpoint(None).await?;
    let mut lines = note.lines();
    let origin = lines.next().unwrap_or_default().to_owned();
    let size: u64 = lines.next().and_then(|size| size.parse().ok()).unwrap_or_default();
    let page = u64::from(ENTRIES);
    let from = from.from.unwrap_or_else(|| size.saturating_sub(page)).min(size.saturating_sub(1));
    let (entries, next) = app.entries(&caller, None, from, ENTRIES).await?;
    let entries: Vec<Value> = entries.iter().rev().map(summary).collect();
    let context = context! {
        origin => origin, size => size.to_string(), checkpoint => note, entries => entries,
        newer => next, older => (from > 0).then(|| from.saturating_sub(page)),
    };
    view.page(&caller, "log.html", context)
}

/// What a line of the log shows of an entry.
fn summary(entry: &EntryReply) -> Value {
    let body: serde_json::Value = serde_json::from_str(entry.entry.get()).unwrap_or_default();
    let text = |name: &str| body.get(name).and_then(serde_json::Value::as_str).map(str::to_owned);
    let reference = body.pointer("/reference/value").and_then(serde_json::Value::as_str);
    let subject = reference.map(str::to_owned).or_else(|| text("reference"));
    let subject = subject.or_else(|| text("licence")).or_else(|| text("number"));
    context! {
        index => entry.index, kind => text("kind"), at => text("at"),
        post => text("border_post"), verdict => text("verdict"), subject => subject,
    }
}

/// `GET /console/log/{index}`.
pub async fn entry(
    app: web::Data<App>,
    Auditor(caller): Auditor,
    view: View,
    index: web::Path<u64>,
) -> Answer {
    let origin = origin(&app).await?;
    let proof = app.proof(&caller, &origin, *index).await?;
    let shown: serde_json::Value = serde_json::from_str(&proof.entry).unwrap_or_default();
    let context = context! {
        proof => Value::from_serialize(&proof),
        pretty => serde_json::to_string_pretty(&shown).unwrap_or_default(),
        evidence => format!("/console/log/{index}/evidence"),
    };
    view.page(&caller, "entry.html", context)
}

/// `GET /console/log/{index}/evidence`: entry, proof, checkpoint and key in one file.
pub async fn evidence(
    app: web::Data<App>,
    Auditor(caller): Auditor,
    index: web::Path<u64>,
) -> Answer {
    let origin = origin(&app).await?;
    let proof = app.proof(&caller, &origin, *index).await?;
    let name = format!("attachment; filename=\"passavant-entry-{index}.json\"");
    Ok(HttpResponse::Ok().insert_header((header::CONTENT_DISPOSITION, name)).json(proof))
}

/// This node's log.
async fn origin(app: &App) -> Result<String, crate::app::Error> {
    let note = app.checkpoint(None).await?;
    Ok(note.lines().next().unwrap_or_default().to_owned())
}
