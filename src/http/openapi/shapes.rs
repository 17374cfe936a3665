//! What each route takes and gives. Every route of the table has its line here; a test says which has
//! not.
use super::super::Route;
use super::super::receipts::RESULTS;
use super::super::receipts::STATUSES;
use super::reference;
use crate::domain::alert::Kind;
use crate::domain::alert::Severity;
use crate::domain::alert::Status;
use crate::domain::reference::REFERENCE_CHARS_MAX;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

/// A request's body.
#[derive(Debug, Clone, Copy)]
pub enum Takes {
    /// None.
    Nothing,
    /// One document of a shape.
    Json(&'static str),
    /// One document of a shape a line.
    Lines(&'static str),
}

/// A reply's body.
#[derive(Debug, Clone, Copy)]
pub enum Gives {
    /// A document of a shape.
    One(&'static str),
    /// A page of documents of a shape.
    Page(&'static str),
    /// A document of a kind of its own and of a shape.
    Kind(&'static str, &'static str),
    /// Text of a kind.
    Text(&'static str),
    /// Bytes of a kind.
    Bytes(&'static str),
}

/// A parameter of a query, whether it must be stated, and what it may be.
pub type Parameter = (&'static str, bool, Value);

/// A parameter that may be left out.
pub fn optional(name: &'static str, schema: Value) -> Parameter {
    (name, false, schema)
}

/// What a route takes and gives.
pub struct Shape {
    method: &'static str,
    path: &'static str,
    /// The body that it takes.
    pub takes: Takes,
    /// The body that it gives.
    pub gives: Gives,
    /// The status where all goes well.
    pub status: u16,
    /// The route under which what it makes is read.
    pub made_at: Option<&'static str>,
    /// Whether the reply has an `ETag`.
    pub has_version: bool,
    /// Whether it looks at `If-Match`.
    pub if_match: bool,
    /// Whether it insists on it.
    pub needs_version: bool,
    /// Whether it insists on an `Idempotency-Key`.
    pub needs_key: bool,
    /// Whether it asks for something that may not be there, though not by its path.
    pub names_another: bool,
    /// Parameters of its query, those of pages left out.
    pub query: fn() -> Vec<Parameter>,
}

impl Shape {
    const fn new(method: &'static str, path: &'static str, takes: Takes, gives: Gives) -> Self {
        Self {
            method,
            path,
            takes,
            gives,
            status: 200,
            made_at: None,
            has_version: false,
            if_match: false,
            needs_version: false,
            needs_key: false,
            names_another: false,
            query: Vec::new,
        }
    }

    const fn creates(self) -> Self {
        Self { status: 201, ..self }
    }

    const fn makes(self, made_at: &'static str) -> Self {
        Self { made_at: Some(made_at), ..self.creates() }
    }

    const fn versioned(self) -> Self {
        Self { has_version: true, ..self }
    }

    const fn matched(self) -> Self {
        Self { if_match: true, ..self }
    }

    const fn insisting(self) -> Self {
        Self { needs_version: true, ..self.matched() }
    }

    const fn keyed(self) -> Self {
        Self { needs_key: true, ..self }
    }

    const fn naming_another(self) -> Self {
        Self { names_another: true, ..self }
    }

    const fn asked(self, query: fn() -> Vec<Parameter>) -> Self {
        Self { query, ..self }
    }
}

const fn get(path: &'static str, gives: Gives) -> Shape {
    Shape::new("GET", path, Takes::Nothing, gives)
}

const fn post(path: &'static str, takes: &'static str, gives: &'static str) -> Shape {
    Shape::new("POST", path, Takes::Json(takes), Gives::One(gives))
}

const fn put(path: &'static str, takes: &'static str, gives: &'static str) -> Shape {
    Shape::new("PUT", path, Takes::Json(takes), Gives::One(gives))
}

/// The shape of every route.
#[rustfmt::skip]
static SHAPES: &[Shape] = &[
    get("/v1/whoami", Gives::One("Whoami")),
    post("/v1/verifications", "VerificationRequest", "Verification").creates().naming_another(),
    post("/v1/verifications/{id}/stoppage", "StoppageRequest", "AlertReply").makes("/v1/alerts/{id}"),
    get("/v1/verifications/{id}/evidence", Gives::One("Evidence")),
    get("/v1/preclearances", Gives::Page("PreclearanceReply")),
    post("/v1/preclearances", "PreclearanceRequest", "PreclearanceReply").makes("/v1/preclearances/{id}"),
    get("/v1/preclearances/{id}", Gives::One("PreclearanceReply")),
    get("/v1/preclearances/{id}/qr.svg", Gives::Text("image/svg+xml")),
    get("/v1/preclearances/{id}/qr.png", Gives::Bytes("image/png")),
    post("/v1/preclearances/{id}/withdrawal", "WithdrawalRequest", "PreclearanceReply"),
    post("/v1/releases", "ReleaseRequest", "ReleaseReply").makes("/v1/releases/{id}").versioned().keyed().naming_another(),
    get("/v1/releases/{id}", Gives::One("ReleaseHistory")).versioned(),
    post("/v1/releases/{id}/confirmation", "ConfirmationRequest", "ReleaseReply").versioned().keyed(),
    post("/v1/releases/{id}/reversal", "ReversalRequest", "ReleaseReply").versioned().matched(),
    post("/v1/releases/{id}/amendment", "AmendmentRequest", "ReleaseReply").versioned().matched(),
    get("/v1/licences", Gives::Page("LicenceReply")),
    post("/v1/licences", "Licence", "LicenceReply").makes("/v1/licences/{number}").versioned(),
    Shape::new("POST", "/v1/licences/import", Takes::Lines("Licence"), Gives::One("ImportReport")),
    get("/v1/licences/{number}", Gives::One("LicenceReply")).versioned(),
    put("/v1/licences/{number}", "Licence", "LicenceReply").versioned().insisting(),
    get("/v1/licences/{number}/ledger", Gives::Page("LedgerReply")),
    get("/v1/licences/{number}/versions", Gives::Page("VersionReply")),
    Shape::new("POST", "/v1/licences/{number}/credential", Takes::Nothing, Gives::One("CredentialReply")),
    get("/v1/licences/{number}/credential/qr.svg", Gives::Text("image/svg+xml")),
    get("/v1/licences/{number}/credential/qr.png", Gives::Bytes("image/png")),
    post("/v1/licences/{number}/{decision}", "DecisionRequest", "LicenceReply").versioned().matched(),
    post("/v1/credentials/verify", "CredentialCheckRequest", "CredentialCheckReply"),
    get("/v1/alerts", Gives::Page("AlertReply")).asked(alerts),
    get("/v1/alerts/stream", Gives::Text("text/event-stream")).asked(alert_filters),
    get("/v1/alerts/{id}", Gives::One("AlertReply")),
    post("/v1/alerts/{id}/acknowledgement", "AcknowledgementRequest", "AlertReply"),
    post("/v1/alerts/{id}/resolution", "ResolutionRequest", "AlertReply"),
    post("/v1/alerts/{id}/referral", "ReferralRequest", "AlertReply"),
    post("/v1/alerts/{id}/decision", "AnswerRequest", "AlertReply"),
    post("/v1/exits", "ExitRequest", "CrossingReply").creates().naming_another(),
    post("/v1/entries", "EntryRequest", "CrossingReply").creates().naming_another(),
    post("/v1/arrivals", "ArrivalRequest", "ArrivalReply").creates().naming_another(),
    get("/v1/receipts", Gives::Page("ReceiptReply")).asked(receipts),
    get("/v1/receipts/{id}", Gives::One("ReceiptReply")),
    post("/v1/receipts/{id}/request", "ReceiptStepRequest", "ReceiptReply"),
    post("/v1/receipts/{id}/answer", "ReceiptStepRequest", "ReceiptReply"),
    post("/v1/receipts/{id}/confirmation", "ReceiptStepRequest", "ReceiptReply"),
    get("/v1/consignments/{ucr}", Gives::One("ConsignmentReply")).asked(first_seen),
    get("/v1/serials", Gives::One("SerialTrail")).asked(firearm),
    post("/v1/serials/reports", "SerialReportRequest", "SerialReportReply").creates(),
    get("/v1/posts/{post}", Gives::One("PostReply")),
    get("/v1/posts/{post}/allowances", Gives::Page("AllowanceReply")),
    post("/v1/posts/{post}/allowances", "AllowanceRequest", "AllowanceReply").creates(),
    Shape::new("POST", "/v1/posts/{post}/allowances/{id}/withdrawal", Takes::Nothing, Gives::One("AllowanceReply")),
    post("/v1/posts/{post}/allowances/{id}/loss", "LossRequest", "AllowanceReply"),
    post("/v1/posts/{post}/snapshots", "SnapshotRequest", "SnapshotReply").creates(),
    post("/v1/posts/{post}/returns", "ReturnRequest", "ReturnReply"),
    get("/v1/lists", Gives::One("ReferenceLists")),
    put("/v1/lists", "ReferenceLists", "ListsReply"),
    get("/v1/audit/logs", Gives::Page("LogReply")),
    get("/v1/audit/checkpoint", Gives::Text("text/plain")).naming_another().asked(checkpoint),
    get("/v1/audit/tile/{path:.*}", Gives::Bytes("application/octet-stream")).asked(of_log),
    get("/v1/audit/entries", Gives::Page("EntryReply")).naming_another().asked(of_log),
    get("/v1/audit/entries/{log:.*}/{index}/proof", Gives::One("ProofReply")),
    get("/v1/registry/licences/{number}", Gives::Text("application/jose")).asked(nonce),
    get("/v1/webhooks", Gives::Page("WebhookReply")),
    post("/v1/webhooks", "WebhookRequest", "WebhookReply").makes("/v1/webhooks/{id}").versioned(),
    get("/v1/webhooks/keys", Gives::One("KeysReply")),
    get("/v1/webhooks/{id}", Gives::One("WebhookReply")).versioned(),
    put("/v1/webhooks/{id}", "WebhookRequest", "WebhookReply").versioned().matched(),
    Shape::new("DELETE", "/v1/webhooks/{id}", Takes::Nothing, Gives::One("WebhookReply")).versioned().matched(),
    get("/v1/webhooks/{id}/dead-letters", Gives::Page("DeadLetterReply")),
    post("/v1/webhooks/{id}/replay", "ReplayRequest", "ReplayReply"),
];

/// What everyone may ask who reaches a port, with what it is for.
pub const OPEN: &[(&str, &str, Gives)] = &[
    ("/healthz", "Whether the process answers", Gives::One("Health")),
    ("/readyz", "Whether to send it requests", Gives::One("Readiness")),
    (
        "/.well-known/jwks.json",
        "The keys of this State's licensing authority",
        Gives::Kind("application/jwk-set+json", "KeySet"),
    ),
    (
        "/v1/status-lists/{list}",
        "Which of its licences still stand",
        Gives::Text("application/statuslist+jwt"),
    ),
    (
        "/witness/key",
        "Under which key this service cosigns others' logs",
        Gives::Text("text/plain"),
    ),
    ("/metrics", "Figures for Prometheus; on the operations port alone", Gives::Text("text/plain")),
];

/// The shape of a route; one that nobody has described gives nothing that could be held against it.
pub fn of(route: &Route) -> &'static Shape {
    static UNDESCRIBED: Shape = get("", Gives::Bytes("application/octet-stream"));
    let same = |shape: &&Shape| (shape.method, shape.path) == (route.method, route.path);
    SHAPES.iter().find(same).unwrap_or(&UNDESCRIBED)
}

fn first_seen() -> Vec<Parameter> {
    vec![optional("first_seen", json!({"type": "string", "format": "date"}))]
}

fn firearm() -> Vec<Parameter> {
    let text = || json!({"type": "string"});
    let others = ["make", "model", "country"].map(|name| optional(name, text()));
    [("serial", true, text())].into_iter().chain(others).collect()
}

fn receipts() -> Vec<Parameter> {
    vec![
        optional("status", one_of(STATUSES.into_iter())),
        optional("result", one_of(RESULTS.into_iter())),
        optional("overdue", one_of(["true"].into_iter())),
        optional("ucr", json!({"type": "string", "maxLength": REFERENCE_CHARS_MAX})),
    ]
}

/// By which the asker knows the answer to its question.
fn nonce() -> Vec<Parameter> {
    vec![("nonce", true, json!({"type": "string", "pattern": "^[A-Za-z0-9]{16,64}$"}))]
}

/// Which of the database's logs is meant; without it, the answering node's own.
fn of_log() -> Vec<Parameter> {
    vec![optional("log", json!({"type": "string"}))]
}

/// The same, and whether witnesses must have cosigned it.
fn checkpoint() -> Vec<Parameter> {
    let mut parameters = of_log();
    parameters.push(optional("witnessed", json!({"type": "boolean"})));
    parameters
}

/// What alerts are asked for by, in the list and in the stream.
fn alert_filters() -> Vec<Parameter> {
    vec![
        optional("post", json!({"type": "string"})),
        optional("severity", one_of(Severity::ALL.iter().map(|severity| severity.as_str()))),
        optional("kind", one_of(Kind::ALL.iter().map(|kind| kind.as_str()))),
    ]
}

fn alerts() -> Vec<Parameter> {
    let mut parameters = alert_filters();
    parameters.push(optional("status", one_of(Status::ALL.iter().map(|status| status.as_str()))));
    parameters.push(optional("since", json!({"type": "string", "format": "date-time"})));
    parameters
}

fn one_of(words: impl Iterator<Item = &'static str>) -> Value {
    json!({"type": "string", "enum": words.collect::<Vec<_>>()})
}

/// Shapes that no type of the wire stands for.
pub fn written_by_hand() -> Map<String, Value> {
    let text = || json!({"type": "string"});
    let texts = || json!({"type": "array", "items": {"type": "string"}});
    let object = |properties: Value, required: &[&str]| json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false});
    let whoami = json!({"issuer": text(), "subject": text(), "state": text(), "role": text(), "posts": texts(),
        "operator": {"type": ["string", "null"]}});
    let all = ["issuer", "subject", "state", "role", "posts", "operator"];
    let readiness = json!({"status": text(), "reasons": texts()});
    let shapes = [
        ("Whoami", object(whoami, &all)),
        ("Health", object(json!({"status": text()}), &["status"])),
        ("Readiness", object(readiness, &["status"])),
        ("ListsReply", object(json!({"edition": text()}), &["edition"])),
        ("KeySet", key_set()),
        ("Problem", problem()),
    ];
    shapes.into_iter().map(|(name, shape)| (name.to_owned(), shape)).collect()
}

fn key_set() -> Value {
    let key = json!({"type": "object", "required": ["kty"], "properties": {"kty": {"type": "string"}, "kid": {"type": "string"}}});
    json!({"type": "object", "description": "A set of public keys (RFC 7517).", "required": ["keys"],
        "properties": {"keys": {"type": "array", "items": key}}})
}

fn problem() -> Value {
    json!({
        "type": "object",
        "description": "RFC 9457. `code` is stable; `errors` names every field that cannot be used.",
        "required": ["type", "title", "status", "code", "detail"],
        "additionalProperties": false,
        "properties": {
            "type": {"type": "string", "format": "uri"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "code": {"type": "string"},
            "detail": {"type": "string"},
            "errors": {"type": "array", "items": reference("FieldError")},
            "verification": reference("Verification"),
            "findings": {
                "type": "array",
                "description": "Of a release that is refused: those of its verification",
                "items": reference("FindingReply")
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::ROUTES;
    use super::*;

    #[test]
    fn every_route_has_its_shape_and_no_other_has() {
        let routes: Vec<_> = ROUTES.iter().map(|route| (route.method, route.path)).collect();
        let shapes: Vec<_> = SHAPES.iter().map(|shape| (shape.method, shape.path)).collect();
        assert_eq!(shapes, routes);
    }
}
