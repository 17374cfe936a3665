//! The console: each user's job in a browser. The whole of it is the table below. A page is a route,
//! a proof of role and the use case that the API calls, whose reply is the template's context; the
//! only thing of its own is how a person signs in, which `session` turns into the API's own token.
mod alerts;
mod assets;
mod batch;
mod case;
mod credential;
mod crossings;
mod fields;
mod import;
mod journeys;
mod licences;
mod log;
mod overview;
mod paper;
mod receipts;
mod release;
mod scan;
mod session;
mod shipments;
mod sign_in;
mod stoppage;
mod templates;
mod view;
mod words;

use super::panics;
use super::preclearances;
use super::problem;
use super::stream;
use crate::app::App;
use crate::app::Role;
use crate::app::Role::Auditor;
use crate::app::Role::Authority;
use crate::app::Role::Carrier;
use crate::app::Role::Officer;
use actix_web::HttpResponse;
use actix_web::Resource;
use actix_web::http::header;
use actix_web::middleware::from_fn;
use actix_web::web;

/// One line of the console's table.
pub struct Page {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// The path.
    pub path: &'static str,
    /// Who may; nobody named: who has not signed in as well.
    pub roles: &'static [Role],
    /// Under which word it stands in the menu, if it does.
    pub menu: Option<&'static str>,
    add: fn(Resource) -> Resource,
}

macro_rules! page {
    ($method:ident $path:literal, $roles:expr, $handler:path $(, $menu:literal)?) => {
        Page {
            method: stringify!($method),
            path: $path,
            roles: $roles,
            menu: page!(@menu $($menu)?),
            add: |resource| resource.route(page!(@$method).to($handler)),
        }
    };
    (@GET) => { super::seen() };
    (@POST) => { web::post() };
    (@menu) => { None };
    (@menu $menu:literal) => { Some($menu) };
}

/// Pages that need no sign-in.
const OPEN: &[Role] = &[];
const READERS: &[Role] = &[Officer, Authority];
const TRAIL: &[Role] = &[Auditor, Officer, Authority];
const FOLLOWERS: &[Role] = &[Officer, Authority, Carrier];

/// Every page of the console. Those of one path stand together.
#[rustfmt::skip]
pub const PAGES: &[Page] = &[
    page!(GET "/console", OPEN, sign_in::home),
    page!(GET "/console/assets/{edition}/{file}", OPEN, assets::file),
    page!(GET "/console/language", OPEN, view::language),
    page!(GET "/console/sign-in", OPEN, sign_in::page),
    page!(POST "/console/sign-in/choice", OPEN, sign_in::choose),
    page!(GET "/console/sign-in/start", OPEN, sign_in::start),
    page!(GET "/console/sign-in/return", OPEN, sign_in::back),
    page!(GET "/console/sign-in/done", OPEN, sign_in::done),
    page!(GET "/console/sign-in/renewal", OPEN, sign_in::renewal),
    page!(POST "/console/sign-out", OPEN, sign_in::out),
    page!(GET "/console/scan", &[Officer], scan::page, "menu-scan"),
    page!(POST "/console/scan", &[Officer], scan::present),
    page!(GET "/console/declaration", &[Officer], scan::form),
    page!(POST "/console/declaration", &[Officer], scan::declare),
    page!(GET "/console/verifications/{id}", &[Officer], scan::verdict),
    page!(POST "/console/verifications/{id}/again", &[Officer], scan::again),
    page!(GET "/console/verifications/{id}/release", &[Officer], release::confirm),
    page!(POST "/console/verifications/{id}/release", &[Officer], release::release),
    page!(GET "/console/verifications/{id}/override", &[Officer], release::against),
    page!(POST "/console/verifications/{id}/override", &[Officer], release::ask),
    page!(GET "/console/verifications/{id}/evidence", TRAIL, case::proven),
    page!(GET "/console/verifications/{id}/stoppage", &[Officer], stoppage::page),
    page!(POST "/console/verifications/{id}/stoppage", &[Officer], stoppage::stop),
    page!(GET "/console/releases/{id}", READERS, release::read),
    page!(POST "/console/releases/{id}/confirmation", &[Officer], release::consent),
    page!(POST "/console/releases/{id}/reversal", &[Officer], release::reverse),
    page!(GET "/console/alerts", READERS, alerts::list, "menu-alerts"),
    page!(GET "/console/alerts/stream", READERS, stream::open),
    page!(GET "/console/alerts/{id}", READERS, case::page),
    page!(GET "/console/alerts/{id}/card", READERS, alerts::card),
    page!(GET "/console/alerts/{id}/evidence", READERS, case::evidence),
    page!(POST "/console/alerts/{id}/acknowledgement", READERS, alerts::acknowledge),
    page!(POST "/console/alerts/{id}/resolution", READERS, alerts::resolve),
    page!(POST "/console/alerts/{id}/referral", &[Officer], alerts::refer),
    page!(POST "/console/alerts/{id}/decision", &[Authority], alerts::answer),
    page!(GET "/console/licences", &[Authority], licences::list, "menu-licences"),
    page!(GET "/console/licences/new", &[Authority], licences::new),
    page!(POST "/console/licences/new", &[Authority], licences::issue),
    page!(POST "/console/licences/import", &[Authority], import::import),
    page!(GET "/console/licences/{number}", READERS, licences::read),
    page!(GET "/console/licences/{number}/paper", READERS, paper::sheet),
    page!(GET "/console/licences/{number}/qr.svg", READERS, paper::code),
    page!(GET "/console/licences/{number}/amendment", &[Authority], licences::amendment),
    page!(POST "/console/licences/{number}/amendment", &[Authority], licences::amend),
    page!(POST "/console/licences/{number}/decision", &[Authority], licences::decide),
    page!(GET "/console/receipts", &[Authority], receipts::list, "menu-receipts"),
    page!(GET "/console/receipts/{id}", &[Authority], receipts::read),
    page!(POST "/console/receipts/{id}/request", &[Authority], receipts::request),
    page!(POST "/console/receipts/{id}/answer", &[Authority], receipts::answer),
    page!(POST "/console/receipts/{id}/confirmation", &[Authority], receipts::confirm),
    page!(GET "/console/arrivals", &[Officer], crossings::arrival, "menu-arrivals"),
    page!(POST "/console/arrivals", &[Officer], crossings::arrive),
    page!(GET "/console/crossings", &[Officer], crossings::crossing),
    page!(POST "/console/crossings", &[Officer], crossings::cross),
    page!(GET "/console/shipments", &[Carrier], shipments::list, "menu-shipments"),
    page!(GET "/console/shipments/new", &[Carrier], shipments::new),
    page!(POST "/console/shipments/new", &[Carrier], shipments::lodge),
    page!(GET "/console/shipments/batch", &[Carrier], batch::page),
    page!(POST "/console/shipments/batch", &[Carrier], batch::one),
    page!(GET "/console/shipments/{id}", &[Carrier], shipments::read),
    page!(GET "/console/shipments/{id}/qr.svg", &[Carrier], preclearances::svg),
    page!(POST "/console/shipments/{id}/withdrawal", &[Carrier], shipments::withdraw),
    page!(GET "/console/consignments", FOLLOWERS, journeys::find, "menu-consignments"),
    page!(GET "/console/consignments/{ucr}", FOLLOWERS, journeys::read),
    page!(GET "/console/serials", READERS, journeys::life, "menu-serials"),
    page!(POST "/console/serials", READERS, journeys::report),
    page!(GET "/console/overview", READERS, overview::page, "menu-overview"),
    page!(GET "/console/log", &[Auditor], log::list, "menu-log"),
    page!(GET "/console/log/case", &[Auditor], log::case),
    page!(GET "/console/log/case/evidence", &[Auditor], log::case_evidence),
    page!(GET "/console/log/{index}", &[Auditor], log::entry),
    page!(GET "/console/log/{index}/evidence", &[Auditor], log::evidence),
];

/// Puts the console into an application, where the settings ask for it.
pub fn configure(app: &App, service: &mut web::ServiceConfig) {
    if !app.config.console.is_served() {
        return;
    }
    service.service(super::shown("/", super::seen().to(front)));
    for pages in PAGES.chunk_by(|a, b| a.path == b.path) {
        let Some(first) = pages.first() else { continue };
        let known = |page: &Page| if page.method == "GET" { "GET, HEAD" } else { page.method };
        let allow: Vec<&str> = pages.iter().map(known).collect();
        let resource = web::resource(first.path)
            .default_service(web::to(problem::method_not_allowed(&allow.join(", "))));
        let resource = pages.iter().fold(resource, |resource, page| (page.add)(resource));
        // What a panic leaves is turned into a page as well, so the session goes around it.
        let resource = resource.wrap(from_fn(panics::caught)).wrap(from_fn(session::around));
        service.service(resource);
    }
}

async fn front() -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, "/console")).finish()
}
