//! The API's description, OpenAPI 3.1: the paths from the route table, the shapes from the wire. Each
//! answer of the tests is held against it.
mod forms;
mod shapes;

use super::ROUTES;
use super::Route;
use crate::wire;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;
use shapes::Gives;
use shapes::Shape;
use shapes::Takes;
use std::sync::LazyLock;
use utoipa::OpenApi;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Passavant",
        description = "Border-post verification of import, export and transit licences for firearms, their parts and \
            components, and ammunition. Quantities are decimal strings, times RFC 3339, countries ISO 3166-1 alpha-2, \
            units UN/ECE Rec 20, places UN/LOCODE. Unknown fields are refused by name; a field that is null is one that is not \
            stated. A mismatch between goods and licence is a verdict, not an error."
    ),
    components(schemas(
        crate::app::import::ImportReport,
        crate::audit::evidence::Evidence,
        wire::FieldError,
        wire::alert::AcknowledgementRequest,
        wire::alert::AlertEvent,
        wire::alert::AlertReply,
        wire::alert::AnswerRequest,
        wire::alert::ReferralRequest,
        wire::alert::ResolutionRequest,
        wire::alert::StoppageRequest,
        wire::arrival::ArrivalReply,
        wire::arrival::ArrivalRequest,
        wire::audit::Entry,
        wire::audit::EntryReply,
        wire::audit::LogReply,
        wire::audit::ProofReply,
        wire::consignment::ConsignmentReply,
        wire::consignment::CrossingReply,
        wire::consignment::EntryRequest,
        wire::consignment::ExitRequest,
        wire::credential::CredentialCheckReply,
        wire::credential::CredentialCheckRequest,
        wire::credential::CredentialReply,
        wire::declaration::Declaration,
        wire::licence::DecisionRequest,
        wire::licence::LedgerReply,
        wire::licence::Licence,
        wire::licence::LicenceReply,
        wire::licence::VersionReply,
        wire::lists::Document,
        wire::post::AllowanceReply,
        wire::post::AllowanceRequest,
        wire::post::LossRequest,
        wire::post::PostReply,
        wire::post::ReturnReply,
        wire::post::ReturnRequest,
        wire::post::SnapshotReply,
        wire::post::SnapshotRequest,
        wire::preclearance::PreclearanceReply,
        wire::preclearance::PreclearanceRequest,
        wire::preclearance::WithdrawalRequest,
        wire::receipt::ReceiptReply,
        wire::receipt::ReceiptStepRequest,
        wire::release::AmendmentRequest,
        wire::release::ConfirmationRequest,
        wire::release::ReleaseHistory,
        wire::release::ReleaseReply,
        wire::release::ReleaseRequest,
        wire::release::ReversalRequest,
        wire::serial::SerialReportReply,
        wire::serial::SerialReportRequest,
        wire::serial::SerialTrail,
        wire::verification::Verification,
        wire::verification::VerificationRequest,
        wire::webhook::DeadLetterReply,
        wire::webhook::KeysReply,
        wire::webhook::ReplayReply,
        wire::webhook::ReplayRequest,
        wire::webhook::WebhookReply,
        wire::webhook::WebhookRequest,
    ))
)]
struct Described;

/// Replies that carry the proof of what they say where that is preferred.
const PROVEN: &[&str] = &["Verification", "ReleaseReply"];

/// The description, JSON.
pub fn json() -> &'static str {
    static DESCRIPTION: LazyLock<String> = LazyLock::new(|| written().to_string());
    &DESCRIPTION
}

fn written() -> Value {
    let mut document = serde_json::to_value(Described::openapi()).unwrap_or_default();
    let mut paths = Map::new();
    for route in ROUTES {
        let operations = paths.entry(path(route)).or_insert_with(|| json!({}));
        put(operations, &route.method.to_lowercase(), operation(route));
    }
    for (path, summary, gives) in shapes::OPEN {
        paths.insert((*path).to_owned(), json!({"get": open(path, summary, *gives)}));
    }
    put(&mut document, "paths", Value::Object(paths));
    if let Some(components) = document.get_mut("components") {
        let bearer = json!({"type": "http", "scheme": "bearer", "bearerFormat": "JWT"});
        put(components, "securitySchemes", json!({"bearer": bearer}));
        if let Some(schemas) = components.get_mut("schemas").and_then(Value::as_object_mut) {
            schemas.extend(shapes::written_by_hand());
            forms::refine(schemas);
            for reply in PROVEN {
                if let Some(properties) =
                    schemas.get_mut(*reply).and_then(|it| it.get_mut("properties"))
                {
                    put(properties, "proof", reference("ProofReply"));
                }
            }
        }
    }
    document
}

fn put(object: &mut Value, name: &str, value: Value) {
    if let Some(object) = object.as_object_mut() {
        object.insert(name.to_owned(), value);
    }
}

/// A route's path as descriptions write it.
fn path(route: &Route) -> String {
    route.path.replace(":.*}", "}")
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

fn operation(route: &Route) -> Value {
    let shape = shapes::of(route);
    let roles: Vec<&str> = route.roles.iter().map(|role| role.as_str()).collect();
    let mut operation = json!({
        "operationId": operation_id(route),
        "summary": route.summary,
        "description": format!("Roles: {}.", roles.join(", ")),
        "tags": [tag(route.path)],
        "x-roles": roles,
        "security": [{"bearer": []}],
        "parameters": parameters(route, shape),
        "responses": responses(route, shape),
    });
    let body = match shape.takes {
        Takes::Nothing => return operation,
        Takes::Json(name) => json!({"application/json": {"schema": reference(name)}}),
        Takes::Lines(name) => json!({"application/x-ndjson": {"schema": reference(name)}}),
    };
    put(&mut operation, "requestBody", json!({"required": true, "content": body}));
    operation
}

/// Something that is open to everyone who reaches the port.
fn open(path: &str, summary: &str, gives: Gives) -> Value {
    let words = path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let id = words.collect::<Vec<_>>().join("_");
    let mut responses = json!({"200": done(gives)});
    if path == "/readyz" {
        let unready = json!({"description": "Not ready; says why", "headers": headers(&["Retry-After"]),
            "content": content(gives)});
        put(&mut responses, "503", unready);
    }
    let mut operation = json!({"operationId": format!("get_{id}"), "summary": summary, "tags": ["operations"],
        "security": [], "responses": responses});
    if path.contains("{list}") {
        let schema = json!({"type": "integer", "minimum": 0});
        let list = json!({"name": "list", "in": "path", "required": true, "schema": schema});
        put(&mut operation, "parameters", json!([list]));
        if let Some(responses) = operation.get_mut("responses") {
            let plain = headers(&["X-Request-Id"]);
            put(responses, "404", refused("There is no such list", &plain));
            put(responses, "409", refused("The authority has no key that signs", &plain));
            let later = headers(&["X-Request-Id", "Retry-After"]);
            put(responses, "503", refused("Not now", &later));
        }
    }
    operation
}

/// A name for code that is made from the description: `post_releases_id_reversal`.
fn operation_id(route: &Route) -> String {
    let path = route.path.trim_start_matches("/v1/").replace(":.*}", "");
    let words = path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.fold(route.method.to_lowercase(), |id, word| format!("{id}_{word}"))
}

/// Routes are told apart by their first word.
fn tag(path: &str) -> &str {
    path.trim_start_matches("/v1/").split('/').next().unwrap_or_default()
}

fn content(gives: Gives) -> Value {
    match gives {
        Gives::One(name) => json!({"application/json": {"schema": reference(name)}}),
        Gives::Page(name) => {
            let items = json!({"type": "array", "items": reference(name)});
            let next = json!({"type": ["string", "null"], "description": "What to ask for `after`; null on the last page."});
            let page = json!({"type": "object", "required": ["items", "next"], "additionalProperties": false,
                "properties": {"items": items, "next": next}});
            json!({"application/json": {"schema": page}})
        }
        Gives::Kind(kind, name) => json!({kind: {"schema": reference(name)}}),
        Gives::Text(kind) => json!({kind: {"schema": {"type": "string"}}}),
        Gives::Bytes(kind) => json!({kind: {}}),
    }
}

/// Headers by name.
fn headers(names: &[&str]) -> Value {
    let described = |name: &str| match name {
        "ETag" => json!({"description": "The version, in quotes.", "schema": {"type": "string"}}),
        "Location" => json!({"description": "Where what was made is read.",
            "schema": {"type": "string", "format": "uri-reference"}}),
        "Retry-After" => json!({"description": "Seconds.", "schema": {"type": "integer"}}),
        _ => json!({"schema": {"type": "string"}}),
    };
    names.iter().map(|name| ((*name).to_owned(), described(name))).collect::<Map<_, _>>().into()
}

fn done(gives: Gives) -> Value {
    json!({"description": "Done", "headers": headers(&["X-Request-Id"]), "content": content(gives)})
}

/// Whether a route takes parameters in its query.
pub(super) fn takes_parameters(route: &Route) -> bool {
    let shape = shapes::of(route);
    matches!(shape.gives, Gives::Page(_)) || !(shape.query)().is_empty()
}

fn is_stream(shape: &Shape) -> bool {
    matches!(shape.gives, Gives::Text("text/event-stream"))
}

fn responses(route: &Route, shape: &Shape) -> Value {
    let mut responses = Map::new();
    let mut success = done(shape.gives);
    let has = [
        Some("X-Request-Id"),
        shape.has_version.then_some("ETag"),
        shape.made_at.map(|_| "Location"),
    ];
    let has: Vec<&str> = has.into_iter().flatten().collect();
    put(&mut success, "headers", headers(&has));
    if let Some(read) = shape.made_at.and_then(read_by) {
        put(&mut success, "links", read);
    }
    responses.insert(shape.status.to_string(), success);
    let writes = route.method != "GET";
    let problems = [
        (true, 400, "Fields, parameters or the body cannot be used"),
        (true, 401, "No token, or one that opens nothing here"),
        (true, 403, "Not for this role or post"),
        (
            route.path.contains('{') || shape.names_another,
            404,
            "No such object, or another State's",
        ),
        (writes, 408, "The body took too long"),
        (writes, 409, "Decided again it does not clear, or the object does not allow it by now"),
        (is_stream(shape), 410, "Last-Event-ID cannot be gone on from"),
        (shape.if_match, 412, "Another version is in force"),
        (writes, 413, "The body is too large"),
        (!matches!(shape.takes, Takes::Nothing), 415, "The body is of another kind, or compressed"),
        (writes, 422, "The Idempotency-Key stands with another request"),
        (shape.needs_version, 428, "If-Match is missing"),
        (true, 429, "Too many requests"),
        (true, 431, "The address and the headers are too long"),
        (true, 500, "A defect"),
        (true, 503, "Not now; the same request under the same key may be sent again"),
    ];
    for (_, status, words) in problems.into_iter().filter(|(can_be, ..)| *can_be) {
        let headers = match status {
            401 => headers(&["X-Request-Id", "WWW-Authenticate"]),
            429 | 503 => headers(&["X-Request-Id", "Retry-After"]),
            _ => headers(&["X-Request-Id"]),
        };
        responses.insert(status.to_string(), refused(words, &headers));
    }
    responses.into()
}

/// How what was made is read.
fn read_by(path: &'static str) -> Option<Value> {
    let route = ROUTES.iter().find(|route| route.method == "GET" && route.path == path)?;
    let name = path.split(['{', '}']).nth(1)?;
    let body = format!("$response.body#/{name}");
    Some(json!({"read": {"operationId": operation_id(route), "parameters": {name: body}}}))
}

fn refused(words: &str, headers: &Value) -> Value {
    let content = json!({"application/problem+json": {"schema": reference("Problem")}});
    json!({"description": words, "headers": headers, "content": content})
}

fn parameters(route: &Route, shape: &Shape) -> Vec<Value> {
    let text = || json!({"type": "string"});
    let mut parameters: Vec<Value> = route
        .path
        .split('{')
        .skip(1)
        .filter_map(|rest| rest.split(['}', ':']).next())
        .map(|name| {
            let schema = forms::of_parameter(route.path, name).unwrap_or_else(text);
            json!({"name": name, "in": "path", "required": true, "schema": schema})
        })
        .collect();
    let mut query = (shape.query)();
    if matches!(shape.gives, Gives::Page(_)) {
        let limit = json!({"type": "integer", "minimum": 1, "maximum": super::page::LIMIT_MAX,
            "default": super::page::LIMIT});
        query.push(shapes::optional("limit", limit));
        query.push(shapes::optional("after", text()));
    }
    parameters.extend(query.into_iter().map(|(name, required, schema)| {
        json!({"name": name, "in": "query", "required": required, "schema": schema})
    }));
    if is_stream(shape) {
        parameters.push(json!({"name": "Last-Event-ID", "in": "header", "schema": text()}));
    }
    if route.method != "GET" {
        let key = json!({"type": "string", "pattern": "^[!-~]{1,255}$"});
        parameters
            .push(json!({"name": "Idempotency-Key", "in": "header", "required": shape.needs_key,
            "schema": key}));
    }
    if PROVEN.iter().any(|reply| matches!(shape.gives, Gives::One(name) if name == *reply)) {
        let words = "`proof`: the reply carries the proof of its entry";
        parameters.push(
            json!({"name": "Prefer", "in": "header", "description": words, "schema": text()}),
        );
    }
    if shape.if_match {
        let version = json!({"type": "string", "pattern": "^\"?[0-9]+\"?$"});
        parameters.push(json!({"name": "If-Match", "in": "header",
            "required": shape.needs_version, "schema": version}));
    }
    parameters
}

#[cfg(test)]
mod tests;
