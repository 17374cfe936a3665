//! A licence on paper: everything that it says, and a code to scan at the post.
use super::scan::path_segment;
use super::view::Answer;
use super::view::View;
use crate::app::App;
use crate::http::caller::OfficerOrAuthority;
use crate::wire::licence::LicenceReply;
use crate::wire::preclearance::qr_svg;
use actix_web::HttpResponse;
use actix_web::web;
use minijinja::Value;
use minijinja::context;

/// What the code on the paper says: the licence's number, as the scan field understands it. A signed
/// credential, where there is one, takes its place here and nowhere else.
fn on_paper(licence: &LicenceReply) -> String {
    licence.licence.number.clone().unwrap_or_default()
}

/// `GET /console/licences/{number}/paper`.
pub async fn sheet(
    app: web::Data<App>,
    OfficerOrAuthority(caller): OfficerOrAuthority,
    view: View,
    number: web::Path<String>,
) -> Answer {
    let licence = app.licence(&caller, &number).await?;
    let printed_at = app.clock.now().to_string();
    let context = context! {
        address => format!("/console/licences/{}/paper", path_segment(&number)),
        printed_at => printed_at, l => Value::from_serialize(licence),
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
    let svg = qr_svg(&on_paper(&licence)).map_err(|error| vec![error])?;
    Ok(HttpResponse::Ok().content_type("image/svg+xml").body(svg))
}
