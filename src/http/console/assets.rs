//! What the pages bring along: one stylesheet and the modules. They stand in the binary under a name
//! that changes with any of them, so that a browser may keep them for a year.
use crate::app::Error;
use crate::http::problem::Problem;
use actix_web::HttpResponse;
use actix_web::web;
use sha2::Digest;
use sha2::Sha256;
use std::borrow::Cow;
use std::sync::LazyLock;

macro_rules! assets {
    ($($file:literal $kind:literal),+ $(,)?) => {
        /// Every asset: name, type, content.
        const ASSETS: &[(&str, &str, &str)] =
            &[$(($file, $kind, include_str!(concat!("assets/", $file)))),+];
    };
}

assets! {
    "console.css" "text/css; charset=utf-8",
    "console.js" "text/javascript; charset=utf-8",
    "scan.js" "text/javascript; charset=utf-8",
    "items.js" "text/javascript; charset=utf-8",
    "proof.js" "text/javascript; charset=utf-8",
    "alerts.js" "text/javascript; charset=utf-8",
    "batch.js" "text/javascript; charset=utf-8",
    "done.js" "text/javascript; charset=utf-8",
    "icon.svg" "image/svg+xml",
}

/// The present edition of all assets.
pub fn edition() -> &'static str {
    static EDITION: LazyLock<String> = LazyLock::new(|| {
        let mut digest = Sha256::new();
        for (name, _, content) in ASSETS {
            digest.update(name);
            digest.update([0]);
            digest.update(content);
            digest.update([0]);
        }
        digest.finalize().iter().take(8).fold(String::new(), |mut hex, byte| {
            use std::fmt::Write;
            // Writing to a String cannot fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    });
    &EDITION
}

/// `GET /console/assets/{edition}/{file}`.
pub async fn file(path: web::Path<(String, String)>) -> Result<HttpResponse, Problem> {
    let (asked, file) = path.into_inner();
    let found = ASSETS.iter().find(|(name, ..)| *name == file && asked == edition());
    let (name, kind, content) = found.ok_or(Error::NotFound)?;
    Ok(HttpResponse::Ok().content_type(*kind).body(fresh(name, content).into_owned()))
}

/// The content; in a debug build as it stands on disk now, so that work on a page needs no building.
#[cfg(debug_assertions)]
fn fresh(name: &str, content: &'static str) -> Cow<'static, str> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/src/http/console/assets/");
    std::fs::read_to_string(format!("{file}{name}")).map_or(Cow::Borrowed(content), Cow::Owned)
}

#[cfg(not(debug_assertions))]
fn fresh(_: &str, content: &'static str) -> Cow<'static, str> {
    Cow::Borrowed(content)
}
