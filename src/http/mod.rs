//! The doors. The whole API is the table below: who may do what, where. A handler extracts, calls
//! and wraps; permission is the type of its argument.
mod alert_query;
mod alerts;
mod arrivals;
mod audit;
mod body;
mod caller;
mod consignments;
pub mod console;
mod credentials;
mod idempotency;
mod if_match;
mod licences;
mod lists;
pub mod openapi;
mod operations;
mod page;
mod panics;
mod peer;
mod posts;
mod preclearances;
mod prefer;
mod problem;
mod receipts;
mod registry;
mod releases;
mod reply;
mod request_log;
mod serials;
mod server;
mod stream;
mod verifications;
mod webhooks;
mod whoami;
mod witness;

use crate::app::Role;
use crate::app::Role::Admin;
use crate::app::Role::Auditor;
use crate::app::Role::Authority;
use crate::app::Role::Carrier;
use crate::app::Role::Officer;
use actix_web::Resource;
use actix_web::dev::HttpServiceFactory;
use actix_web::guard;
use actix_web::middleware::from_fn;
use actix_web::web;

pub use problem::Problem;
pub use server::Server;

/// One line of the route table.
pub struct Route {
    /// `GET`, `POST`, `PUT` or `DELETE`.
    pub method: &'static str,
    /// The path, with its parameters in braces.
    pub path: &'static str,
    /// Who may.
    pub roles: &'static [Role],
    /// What it does.
    pub summary: &'static str,
    /// Whether `HEAD` is answered beside `GET`.
    has_head: bool,
    add: fn(Resource) -> Resource,
}

macro_rules! route {
    (GET $path:literal, $roles:expr, $handler:path, $summary:literal) => {
        Route {
            method: "GET",
            path: $path,
            roles: $roles,
            summary: $summary,
            has_head: true,
            add: |resource| resource.route(seen().to($handler)),
        }
    };
    // A stream has no end of which its head could tell.
    (STREAM $path:literal, $roles:expr, $handler:path, $summary:literal) => {
        Route {
            method: "GET",
            path: $path,
            roles: $roles,
            summary: $summary,
            has_head: false,
            add: |resource| resource.route(web::get().to($handler)),
        }
    };
    ($method:ident $path:literal, $roles:expr, $handler:path, $summary:literal) => {
        Route {
            method: stringify!($method),
            path: $path,
            roles: $roles,
            summary: $summary,
            has_head: false,
            add: |resource| resource.route(route!(@$method).to($handler)),
        }
    };
    (@POST) => { web::post() };
    (@PUT) => { web::put() };
    (@DELETE) => { web::delete() };
}

const EVERYONE: &[Role] = &[Officer, Authority, Carrier, Auditor, Admin];
const READERS: &[Role] = &[Officer, Authority];
const FOLLOWERS: &[Role] = &[Officer, Authority, Carrier];
const TELLERS: &[Role] = &[Authority, Admin];
const TRAIL: &[Role] = &[Auditor, Officer, Authority];

/// Every route of the API. Those of one path stand together.
#[rustfmt::skip]
pub const ROUTES: &[Route] = &[
    route!(GET "/v1/whoami", EVERYONE, whoami::whoami, "Who the token makes you"),
    route!(POST "/v1/verifications", &[Officer], verifications::verify, "Check a declaration at the border; it changes no balance and is recorded before the reply"),
    route!(POST "/v1/verifications/{id}/stoppage", &[Officer], verifications::stop, "Hold goods that clear, or refer them to the authority; nothing is released under the reference until the case is closed"),
    route!(GET "/v1/verifications/{id}/evidence", TRAIL, verifications::evidence, "The case with every entry, proof, checkpoint and licence version, to be checked without this service"),
    route!(GET "/v1/preclearances", &[Carrier], preclearances::list, "Your pre-clearances, in the order of lodging"),
    route!(POST "/v1/preclearances", &[Carrier], preclearances::lodge, "Check a declaration ahead of arrival; with reserve the quantities are held until the goods are presented, 30 days at most"),
    route!(GET "/v1/preclearances/{id}", &[Carrier], preclearances::read, "One of your pre-clearances, with its code as a picture"),
    route!(GET "/v1/preclearances/{id}/qr.svg", &[Carrier], preclearances::svg, "Its code to be scanned, SVG"),
    route!(GET "/v1/preclearances/{id}/qr.png", &[Carrier], preclearances::png, "Its code to be scanned, PNG"),
    route!(POST "/v1/preclearances/{id}/withdrawal", &[Carrier], preclearances::withdraw, "Withdraw a pre-clearance; what it held is available again"),
    route!(POST "/v1/releases", &[Officer], releases::release, "Decide again on the database's own rows and draw the licences; 409 with the findings where it no longer clears"),
    route!(GET "/v1/releases/{id}", READERS, releases::read, "A release, with every state in which it stood"),
    route!(POST "/v1/releases/{id}/confirmation", &[Officer], releases::confirm, "Confirm, as a second officer, a release against the advice"),
    route!(POST "/v1/releases/{id}/reversal", &[Officer], releases::reverse, "Undo a release; what it drew is available again"),
    route!(POST "/v1/releases/{id}/amendment", &[Officer], releases::amend, "Set a release to what the declaration should have said; absolute figures"),
    route!(GET "/v1/licences", &[Authority], licences::list, "The licences of your State"),
    route!(POST "/v1/licences", &[Authority], licences::issue, "Issue a licence of your State"),
    route!(POST "/v1/licences/import", &[Authority], licences::import, "Import licences of your State, one JSON document a line"),
    route!(GET "/v1/licences/{number}", READERS, licences::read, "A licence that names your State, with its balances"),
    route!(PUT "/v1/licences/{number}", &[Authority], licences::amend, "Amend a licence seen at the version in If-Match; what was consumed stays consumed"),
    route!(GET "/v1/licences/{number}/ledger", &[Authority], licences::ledger, "Every movement of the licence's balances"),
    route!(GET "/v1/licences/{number}/versions", &[Authority], licences::versions, "Every version of the licence"),
    route!(POST "/v1/licences/{number}/credential", &[Authority], credentials::issue, "The licence's credential, signed: for files and for paper; checked by other States alone"),
    route!(GET "/v1/licences/{number}/credential/qr.svg", &[Authority], credentials::svg, "The credential as a picture for paper, SVG"),
    route!(GET "/v1/licences/{number}/credential/qr.png", &[Authority], credentials::png, "The credential as a picture for paper, PNG"),
    route!(POST "/v1/licences/{number}/{decision}", &[Authority], licences::decide, "Suspension, reinstatement, revocation, annulment or surrender"),
    route!(POST "/v1/credentials/verify", READERS, credentials::verify, "Check a credential: authentic or not, by which key, as of which status list; never what is left of the licence"),
    route!(GET "/v1/alerts", READERS, alerts::list, "Alerts for your posts, or for your authority, oldest first"),
    route!(STREAM "/v1/alerts/stream", READERS, stream::open, "What happens to your alerts as it happens: server-sent events, resumed by Last-Event-ID"),
    route!(GET "/v1/alerts/{id}", READERS, alerts::read, "An alert with its history"),
    route!(POST "/v1/alerts/{id}/acknowledgement", READERS, alerts::acknowledge, "Take note of an alert"),
    route!(POST "/v1/alerts/{id}/resolution", READERS, alerts::resolve, "Resolve an alert: released after check, refused, seized or false alert"),
    route!(POST "/v1/alerts/{id}/referral", &[Officer], alerts::refer, "Inform the authority of what an alert is about and ask for its decision"),
    route!(POST "/v1/alerts/{id}/decision", &[Authority], alerts::answer, "Answer a referral: release advised, refuse, or extend the period; nothing is released by it"),
    route!(POST "/v1/exits", &[Officer], consignments::exit, "Goods have left your State; the period for the proof of receipt runs from here"),
    route!(POST "/v1/entries", &[Officer], consignments::entry, "Goods on their way have entered your State"),
    route!(POST "/v1/arrivals", &[Officer], arrivals::arrive, "What the importing post found, in part or in full, compared with what left"),
    route!(GET "/v1/receipts", &[Authority], receipts::list, "Receipts to which your State is party: outstanding, requested, answered, confirmed, overdue, short"),
    route!(GET "/v1/receipts/{id}", &[Authority], receipts::one, "A receipt with what has arrived and what happened to it"),
    route!(POST "/v1/receipts/{id}/request", &[Authority], receipts::request, "The exporting State asks whether the goods were received"),
    route!(POST "/v1/receipts/{id}/answer", &[Authority], receipts::answer, "The importing State answers"),
    route!(POST "/v1/receipts/{id}/confirmation", &[Authority], receipts::confirm, "The exporting State confirms the receipt"),
    route!(GET "/v1/consignments/{ucr}", FOLLOWERS, consignments::read, "The timeline of one shipment over every post"),
    route!(GET "/v1/serials", READERS, serials::trail, "The trail of one firearm: licensed, released, gone, arrived, exported again, reported"),
    route!(POST "/v1/serials/reports", READERS, serials::report, "A firearm was lost, stolen, seized or found"),
    route!(GET "/v1/posts/{post}", READERS, posts::read, "A post that may be cut off: its logs, and how far they have joined"),
    route!(GET "/v1/posts/{post}/allowances", READERS, posts::allowances, "What is or was set aside for a post"),
    route!(POST "/v1/posts/{post}/allowances", &[Authority], posts::set_aside, "Set quantities and firearms of a licence aside for a post that may be cut off"),
    route!(POST "/v1/posts/{post}/allowances/{id}/withdrawal", &[Authority], posts::withdraw, "Take back what no post has been given yet"),
    route!(POST "/v1/posts/{post}/allowances/{id}/loss", &[Authority], posts::lose, "Count as used up what a post will not bring back"),
    route!(POST "/v1/posts/{post}/snapshots", &[Officer], posts::snapshot, "What a post goes on with while it is cut off, signed; it may release what was set aside for it until that ends"),
    route!(POST "/v1/posts/{post}/returns", &[Officer], posts::join, "Entries of the post's own log, in their order; what it released is booked, what it has given up comes back"),
    route!(GET "/v1/lists", READERS, lists::read, "The edition of the reference lists in force"),
    route!(PUT "/v1/lists", &[Authority], lists::load, "Put another edition of the reference lists in force"),
    route!(GET "/v1/audit/logs", TRAIL, audit::logs, "The logs of the database: one of each node that shares it"),
    route!(GET "/v1/audit/checkpoint", TRAIL, audit::checkpoint, "The log's latest signed checkpoint"),
    route!(GET "/v1/audit/tile/{path:.*}", TRAIL, audit::tile, "A tile of the log, as tlog-tiles names it; bundles of entries are for the home auditors"),
    route!(GET "/v1/audit/entries", TRAIL, audit::entries, "Entries that concern you"),
    route!(GET "/v1/audit/entries/{log:.*}/{index}/proof", TRAIL, audit::proof, "The proof that an entry stands in the signed tree"),
    route!(GET "/v1/registry/licences/{number}", &[Role::Register], registry::licence, "What this register says of a number to another State's, signed"),
    route!(GET "/v1/webhooks", TELLERS, webhooks::list, "Where the systems of your State are told of events"),
    route!(POST "/v1/webhooks", TELLERS, webhooks::make, "Have events told to a system of your State"),
    route!(GET "/v1/webhooks/keys", EVERYONE, webhooks::keys, "The keys with which events are signed"),
    route!(GET "/v1/webhooks/{id}", TELLERS, webhooks::read, "A webhook of your State"),
    route!(PUT "/v1/webhooks/{id}", TELLERS, webhooks::change, "Set a webhook to what is wanted of it now"),
    route!(DELETE "/v1/webhooks/{id}", TELLERS, webhooks::delete, "Delete a webhook and what still waits for it"),
    route!(GET "/v1/webhooks/{id}/dead-letters", TELLERS, webhooks::dead_letters, "Events that could not be delivered"),
    route!(POST "/v1/webhooks/{id}/replay", TELLERS, webhooks::replay, "Have events told again, from one of them or from an instant on"),
];

/// Puts the table's routes into an application.
pub fn configure(service: &mut web::ServiceConfig) {
    for routes in ROUTES.chunk_by(|a, b| a.path == b.path) {
        let Some(first) = routes.first() else { continue };
        let known = |route: &Route| [Some(route.method), route.has_head.then_some("HEAD")];
        let allow: Vec<&str> = routes.iter().flat_map(known).flatten().collect();
        let resource = web::resource(first.path)
            .default_service(web::to(problem::method_not_allowed(&allow.join(", "))));
        service
            .service(closed(routes.iter().fold(resource, |resource, route| (route.add)(resource))));
    }
}

/// `GET`, and `HEAD` for those who only knock.
fn seen() -> actix_web::Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

/// What is there to be looked at under a path, and nothing else.
fn shown(path: &str, route: actix_web::Route) -> impl HttpServiceFactory + 'static {
    let others = web::to(problem::method_not_allowed("GET, HEAD"));
    closed(web::resource(path).route(route).default_service(others))
}

/// A resource with nothing more to add: what goes wrong in it stays in it.
fn closed(resource: Resource) -> impl HttpServiceFactory + 'static {
    resource.wrap(from_fn(panics::caught))
}
