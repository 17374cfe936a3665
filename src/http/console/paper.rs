//! A licence on paper: everything that it says, and a code to scan at the post.
use super::scan::path_segment;
use super::view::Answer;
use super::view::View;
use crate::app::App;
use crate::app::Caller;
use crate::app::Error;
use crate::http::caller::OfficerOrAuthority;
use crate::wire::licence::LicenceReply;
use crate::wire::preclearance::qr_svg;
use crate::wire::qr;
use actix_web::HttpResponse;
use actix_web::web;
use minijinja::Value;
use minijinja::context;

/// The credential that goes on the paper: its authority prints it signed, so that any State can check it
/// alone. Where nothing is signed (another's licence, one that does not stand, no key, no room in a code)
/// there is the number, as the scan field understands it.
async fn on_paper(
    app: &App,
    caller: &Caller,
    licence: &LicenceReply,
) -> Result<Option<String>, Error> {
    let number = licence.licence.number.as_deref().unwrap_or_default();
    match app.credential(caller, number, None).await {
        Ok(credential) => Ok(credential.paper),
        Err(Error::NotFound | Error::Stale(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// `GET /console/licences/{number}/paper`.
pub async fn sheet(
    app: web::Data<App>,
    OfficerOrAuthority(caller): OfficerOrAuthority,
    view: View,
    number: web::Path<String>,
) -> Answer {
    let licence = app.licence(&caller, &number).await?;
    let is_signed = on_paper(&app, &caller, &licence).await?.is_some();
    let printed_at = app.clock.now().to_string();
    let context = context! {
        address => format!("/console/licences/{}/paper", path_segment(&number)),
        printed_at => printed_at, is_signed => is_signed, l => Value::from_serialize(licence),
    };
    view.page(&caller, "paper.html", context)
}

/// `GET /console/licences/{number}/qr.svg`.
pub async fn code(
    app: web::Data<App>,
    OfficerOrAuthority(caller): OfficerOrAuthority,
    number: web::Path<String>,
) -> Answer {
    let licence = app.licence(&caller, &number).await?;
    let svg = match on_paper(&app, &caller, &licence).await? {
        Some(credential) => qr::paper_svg(&credential),
        None => qr_svg(licence.licence.number.as_deref().unwrap_or_default()),
    };
    Ok(HttpResponse::Ok().content_type("image/svg+xml").body(svg.map_err(|error| vec![error])?))
}
