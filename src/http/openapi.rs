//! The API's description, OpenAPI 3.1: the paths from the route table, the shapes from the wire.
use super::ROUTES;
use super::Route;
use crate::app::import::ImportReport;
use crate::domain::alert::Kind;
use crate::domain::alert::Severity;
use crate::domain::alert::Status;
use crate::wire;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;
use std::sync::LazyLock;
use utoipa::OpenApi;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Passavant",
        description = "Border-post verification of import, export and transit licences for firearms, their parts and \
            components, and ammunition. Quantities are decimal strings, times RFC 3339, countries ISO 3166-1 alpha-2, \
            units UN/ECE Rec 20, places UN/LOCODE. Unknown fields are refused by name. A mismatch between goods and \
            licence is a verdict, not an error."
    ),
    components(schemas(
        wire::FieldError,
        wire::alert::AcknowledgementRequest,
        wire::alert::AlertEvent,
        wire::alert::AlertReply,
        wire::alert::AnswerRequest,
        wire::alert::ReferralRequest,
        wire::alert::ResolutionRequest,
        wire::arrival::ArrivalReply,
        wire::arrival::ArrivalRequest,
        wire::serial::SerialReportReply,
        wire::serial::SerialReportRequest,
        wire::serial::SerialTrail,
        wire::receipt::ReceiptReply,
        wire::receipt::ReceiptStepRequest,
        wire::consignment::ConsignmentReply,
        wire::consignment::CrossingReply,
        wire::consignment::EntryRequest,
        wire::consignment::ExitRequest,
        wire::audit::EntryReply,
        wire::audit::LogReply,
        wire::audit::ProofReply,
        wire::declaration::Declaration,
        wire::licence::DecisionRequest,
        wire::licence::LedgerReply,
        wire::licence::Licence,
        wire::licence::LicenceReply,
        wire::licence::VersionReply,
        wire::lists::Document,
        wire::preclearance::PreclearanceReply,
        wire::preclearance::PreclearanceRequest,
        wire::preclearance::WithdrawalRequest,
        wire::release::AmendmentRequest,
        wire::release::ConfirmationRequest,
        wire::release::ReleaseHistory,
        wire::release::ReleaseReply,
        wire::release::ReleaseRequest,
        wire::release::ReversalRequest,
        wire::verification::Verification,
        wire::verification::VerificationRequest,
        wire::webhook::DeadLetterReply,
        wire::webhook::KeysReply,
        wire::webhook::ReplayReply,
        wire::webhook::ReplayRequest,
        wire::webhook::WebhookReply,
        wire::webhook::WebhookRequest,
        ImportReport,
    ))
)]
struct Shapes;

/// The description, JSON.
pub fn json() -> &'static str {
    static DESCRIPTION: LazyLock<String> = LazyLock::new(written);
    &DESCRIPTION
}

fn written() -> String {
    let mut document = serde_json::to_value(Shapes::openapi()).unwrap_or_default();
    let mut paths = Map::new();
    for route in ROUTES {
        let path = route.path.replace(":.*}", "}");
        let operations = paths.entry(path).or_insert_with(|| json!({}));
        if let Some(operations) = operations.as_object_mut() {
            operations.insert(route.method.to_lowercase(), operation(route));
        }
    }
    if let Some(document) = document.as_object_mut() {
        document.insert("paths".to_owned(), Value::Object(paths));
        let bearer = json!({"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}});
        if let Some(components) = document.get_mut("components").and_then(Value::as_object_mut) {
            components.insert("securitySchemes".to_owned(), bearer);
            if let Some(schemas) = components.get_mut("schemas").and_then(Value::as_object_mut) {
                schemas.insert("Problem".to_owned(), problem());
            }
        }
    }
    document.to_string()
}

/// What a route takes and gives, by the name of its shape.
fn shapes(route: &Route) -> (Option<&'static str>, &'static str) {
    match (route.method, route.path) {
        ("POST", "/v1/verifications") => (Some("VerificationRequest"), "Verification"),
        ("POST", "/v1/preclearances") => (Some("PreclearanceRequest"), "PreclearanceReply"),
        ("POST", "/v1/preclearances/{id}/withdrawal") => {
            (Some("WithdrawalRequest"), "PreclearanceReply")
        }
        ("GET", "/v1/preclearances" | "/v1/preclearances/{id}") => (None, "PreclearanceReply"),
        ("POST", "/v1/releases") => (Some("ReleaseRequest"), "ReleaseReply"),
        ("POST", "/v1/releases/{id}/reversal") => (Some("ReversalRequest"), "ReleaseReply"),
        ("POST", "/v1/releases/{id}/confirmation") => (Some("ConfirmationRequest"), "ReleaseReply"),
        ("GET", "/v1/releases/{id}") => (None, "ReleaseHistory"),
        ("POST", "/v1/releases/{id}/amendment") => (Some("AmendmentRequest"), "ReleaseReply"),
        ("POST", "/v1/licences") | ("PUT", "/v1/licences/{number}") => {
            (Some("Licence"), "LicenceReply")
        }
        ("POST", "/v1/licences/import") => (None, "ImportReport"),
        ("POST", "/v1/licences/{number}/{decision}") => (Some("DecisionRequest"), "LicenceReply"),
        ("GET", "/v1/licences" | "/v1/licences/{number}") => (None, "LicenceReply"),
        ("GET", "/v1/licences/{number}/ledger") => (None, "LedgerReply"),
        ("GET", "/v1/licences/{number}/versions") => (None, "VersionReply"),
        ("POST", "/v1/alerts/{id}/acknowledgement") => {
            (Some("AcknowledgementRequest"), "AlertReply")
        }
        ("POST", "/v1/alerts/{id}/referral") => (Some("ReferralRequest"), "AlertReply"),
        ("POST", "/v1/alerts/{id}/decision") => (Some("AnswerRequest"), "AlertReply"),
        ("GET", "/v1/alerts/stream") => (None, "AlertEvent"),
        ("POST", "/v1/alerts/{id}/resolution") => (Some("ResolutionRequest"), "AlertReply"),
        ("GET", "/v1/alerts" | "/v1/alerts/{id}") => (None, "AlertReply"),
        ("POST", "/v1/exits") => (Some("ExitRequest"), "CrossingReply"),
        ("POST", "/v1/entries") => (Some("EntryRequest"), "CrossingReply"),
        ("GET", "/v1/serials") => (None, "SerialTrail"),
        ("POST", "/v1/serials/reports") => (Some("SerialReportRequest"), "SerialReportReply"),
        ("POST", "/v1/arrivals") => (Some("ArrivalRequest"), "ArrivalReply"),
        ("GET", "/v1/receipts" | "/v1/receipts/{id}") => (None, "ReceiptReply"),
        (
            "POST",
            "/v1/receipts/{id}/request"
            | "/v1/receipts/{id}/answer"
            | "/v1/receipts/{id}/confirmation",
        ) => (Some("ReceiptStepRequest"), "ReceiptReply"),
        ("GET", "/v1/consignments/{ucr}") => (None, "ConsignmentReply"),
        ("POST", "/v1/webhooks") | ("PUT", "/v1/webhooks/{id}") => {
            (Some("WebhookRequest"), "WebhookReply")
        }
        ("GET", "/v1/webhooks") | ("GET" | "DELETE", "/v1/webhooks/{id}") => (None, "WebhookReply"),
        ("GET", "/v1/webhooks/keys") => (None, "KeysReply"),
        ("GET", "/v1/webhooks/{id}/dead-letters") => (None, "DeadLetterReply"),
        ("POST", "/v1/webhooks/{id}/replay") => (Some("ReplayRequest"), "ReplayReply"),
        ("PUT", "/v1/lists") => (Some("Document"), "Document"),
        ("GET", "/v1/lists") => (None, "Document"),
        ("GET", "/v1/audit/logs") => (None, "LogReply"),
        ("GET", "/v1/audit/entries") => (None, "EntryReply"),
        ("GET", "/v1/audit/entries/{log:.*}/{index}/proof") => (None, "ProofReply"),
        _ => (None, ""),
    }
}

/// Of the database's logs one is meant.
const OF_LOG: [&str; 3] = ["/v1/audit/checkpoint", "/v1/audit/tile/{path:.*}", "/v1/audit/entries"];

/// Lists come in pages.
const PAGED: &[&str] = &[
    "/v1/preclearances",
    "/v1/licences",
    "/v1/licences/{number}/ledger",
    "/v1/licences/{number}/versions",
    "/v1/alerts",
    "/v1/audit/logs",
    "/v1/audit/entries",
    "/v1/webhooks",
    "/v1/webhooks/{id}/dead-letters",
    "/v1/receipts",
];

fn reference(name: &str) -> Value {
    match name {
        "" => json!({}),
        name => json!({"$ref": format!("#/components/schemas/{name}")}),
    }
}

fn operation(route: &Route) -> Value {
    let (request, reply) = shapes(route);
    let paged = route.method == "GET" && PAGED.contains(&route.path);
    let items = json!({"type": "array", "items": reference(reply)});
    let page = json!({"type": "object", "properties": {"items": items, "next": {"type": ["string", "null"]}}});
    let reply = if paged { page } else { reference(reply) };
    let roles: Vec<&str> = route.roles.iter().map(|role| role.as_str()).collect();
    let mut operation = json!({
        "operationId": operation_id(route),
        "summary": route.summary,
        "description": format!("Roles: {}.", roles.join(", ")),
        "x-roles": roles,
        "security": [{"bearer": []}],
        "parameters": parameters(route, paged),
        "responses": responses(route, &reply),
    });
    let body = match (request, route.path) {
        (Some(name), _) => {
            json!({"required": true, "content": {"application/json": {"schema": reference(name)}}})
        }
        (None, "/v1/licences/import") => {
            json!({"required": true, "content": {"application/x-ndjson": {"schema": reference("Licence")}}})
        }
        (None, _) => return operation,
    };
    if let Some(operation) = operation.as_object_mut() {
        operation.insert("requestBody".to_owned(), body);
    }
    operation
}

/// A name for code that is made from the description: `post_releases_id_reversal`.
fn operation_id(route: &Route) -> String {
    let path = route.path.trim_start_matches("/v1/").replace(":.*}", "");
    let words = path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.fold(route.method.to_lowercase(), |id, word| format!("{id}_{word}"))
}

/// Routes that make an object.
const CREATING: &[&str] = &[
    "/v1/verifications",
    "/v1/preclearances",
    "/v1/releases",
    "/v1/licences",
    "/v1/exits",
    "/v1/entries",
    "/v1/webhooks",
    "/v1/arrivals",
    "/v1/serials/reports",
];

fn responses(route: &Route, reply: &Value) -> Value {
    let kind = match route.path {
        "/v1/audit/checkpoint" => "text/plain",
        "/v1/alerts/stream" => "text/event-stream",
        "/v1/audit/tile/{path:.*}" => "application/octet-stream",
        "/v1/preclearances/{id}/qr.svg" => "image/svg+xml",
        "/v1/preclearances/{id}/qr.png" => "image/png",
        _ => "application/json",
    };
    let done = json!({"description": "Done", "content": {kind: {"schema": reply}}});
    let not_done = |description, name| {
        let schema = reference(name);
        json!({"description": description, "content": {"application/problem+json": {"schema": schema}}})
    };
    let status =
        if route.method == "POST" && CREATING.contains(&route.path) { "201" } else { "200" };
    let mut responses =
        json!({status: done, "default": not_done("Not done; the code says why", "Problem")});
    if let Some(responses) = responses.as_object_mut()
        && route.path.starts_with("/v1/releases")
    {
        let words = "Decided again, it no longer clears, or the release stands otherwise by now";
        responses.insert("409".to_owned(), not_done(words, "Problem"));
    }
    json!(responses)
}

fn parameters(route: &Route, paged: bool) -> Vec<Value> {
    let text = json!({"type": "string"});
    let mut parameters: Vec<Value> = route
        .path
        .split('{')
        .skip(1)
        .filter_map(|rest| rest.split(['}', ':']).next())
        .map(|name| json!({"name": name, "in": "path", "required": true, "schema": text}))
        .collect();
    if paged {
        parameters.push(json!({"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 200}}));
        parameters.push(json!({"name": "after", "in": "query", "schema": text}));
    }
    if route.path == "/v1/serials" {
        for name in ["serial", "make", "model", "country"] {
            let required = name == "serial";
            parameters
                .push(json!({"name": name, "in": "query", "required": required, "schema": text}));
        }
    }
    if route.path == "/v1/receipts" {
        for name in ["status", "result", "overdue", "ucr"] {
            parameters.push(json!({"name": name, "in": "query", "schema": text}));
        }
    }
    if OF_LOG.contains(&route.path) {
        parameters.push(json!({"name": "log", "in": "query", "description": "The log's origin; the answering node's own without it", "schema": text}));
    }
    if route.path == "/v1/consignments/{ucr}" {
        let schema = json!({"type": "string", "format": "date"});
        parameters.push(json!({"name": "first_seen", "in": "query", "schema": schema}));
    }
    parameters.extend(alert_parameters(route));
    if route.method != "GET" && route.path != "/v1/licences/import" {
        let required = matches!(route.path, "/v1/releases" | "/v1/releases/{id}/confirmation");
        parameters.push(json!({"name": "Idempotency-Key", "in": "header", "required": required, "schema": text}));
    }
    if route.method == "PUT" && route.path == "/v1/licences/{number}" {
        parameters
            .push(json!({"name": "If-Match", "in": "header", "required": true, "schema": text}));
    }
    parameters
}

/// What alerts are asked for by, in the list and in the stream.
fn alert_parameters(route: &Route) -> Vec<Value> {
    let words = |words: &mut dyn Iterator<Item = &'static str>| json!({"type": "string", "enum": words.collect::<Vec<_>>()});
    let query = |name, schema: Value| json!({"name": name, "in": "query", "schema": schema});
    let mut parameters = vec![
        query("post", json!({"type": "string"})),
        query("severity", words(&mut Severity::ALL.iter().map(|word| word.as_str()))),
        query("kind", words(&mut Kind::ALL.iter().map(|word| word.as_str()))),
    ];
    match (route.method, route.path) {
        ("GET", "/v1/alerts") => {
            let statuses = words(&mut Status::ALL.iter().map(|word| word.as_str()));
            parameters.push(query("status", statuses));
            parameters.push(query("since", json!({"type": "string", "format": "date-time"})));
            parameters
        }
        ("GET", "/v1/alerts/stream") => {
            let schema = json!({"type": "string"});
            parameters.push(json!({"name": "Last-Event-ID", "in": "header", "schema": schema}));
            parameters
        }
        _ => Vec::new(),
    }
}

fn problem() -> Value {
    json!({
        "type": "object",
        "description": "RFC 9457. `code` is stable; `errors` names every field that cannot be used.",
        "required": ["type", "title", "status", "code", "detail"],
        "properties": {
            "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"},
            "code": {"type": "string"}, "detail": {"type": "string"},
            "errors": {"type": "array", "items": reference("FieldError")},
            "verification": reference("Verification"),
            "findings": {"type": "array", "description": "Of a release that is refused: those of its verification", "items": {}}
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn operations() -> impl Iterator<Item = (&'static Route, Value)> {
        let document: Value = serde_json::from_str(json()).unwrap();
        ROUTES.iter().map(move |route| {
            let path = route.path.replace(":.*}", "}");
            (route, document["paths"][path][route.method.to_lowercase()].clone())
        })
    }

    #[test]
    fn every_route_stands_with_its_roles_under_a_name_of_its_own() {
        let mut names = HashSet::new();
        for (route, operation) in operations() {
            let roles: Vec<&str> = route.roles.iter().map(|role| role.as_str()).collect();
            assert_eq!(operation["x-roles"], json!(roles), "{} {}", route.method, route.path);
            let name = operation["operationId"].as_str().unwrap().to_owned();
            assert!(names.insert(name), "{operation}");
        }
    }

    #[test]
    fn every_parameter_of_a_path_is_described() {
        for (route, operation) in operations() {
            let described = operation["parameters"].as_array().unwrap().iter();
            let described = described.filter(|parameter| parameter["in"] == "path").count();
            assert_eq!(described, route.path.matches('{').count(), "{}", route.path);
        }
    }

    #[test]
    fn a_release_needs_its_key_and_may_be_refused_with_the_findings() {
        let (_, release) = operations()
            .find(|(route, _)| (route.method, route.path) == ("POST", "/v1/releases"))
            .unwrap();
        let parameters = release["parameters"].as_array().unwrap();
        let key = parameters.iter().find(|key| key["name"] == "Idempotency-Key").unwrap();
        assert_eq!(key["required"], true);
        assert!(release["responses"]["201"].is_object() && release["responses"]["409"].is_object());
    }
}
