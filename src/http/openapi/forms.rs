//! What the types of the wire do not say of themselves: which fields must be stated, which words they
//! may be, in which form numbers and dates are written, and how long lists may be.
use super::put;
use crate::domain::declaration;
use crate::domain::licence;
use crate::wire;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

const COUNTRY: &str = "^[A-Z]{2}$";
const LOCODE: &str = "^[A-Z]{2}[A-Z2-9]{3}$";
const QUANTITY: &str = r"^(0|[1-9][0-9]{0,9})(\.[0-9]{1,6})?$";
const CHANGE: &str = r"^-?(0|[1-9][0-9]{0,9})(\.[0-9]{1,6})?$";
const UNIT: &str = "^[A-Z0-9]{1,3}$";
const UUID: &str = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$";

/// Fields that name a country.
const COUNTRIES: &[&str] = &[
    "country",
    "country_of_export",
    "country_of_import",
    "country_of_manufacture",
    "import_country",
    "issuing_state",
    "state",
    "stock_country",
];

/// Fields that a request must state, by shape. A test asks the service for them.
const REQUIRED: &[(&str, &[&str])] = &[
    ("Agreement", &["id", "beneficiary", "transit"]),
    ("AmendmentRequest", &["reason", "declaration"]),
    ("AnswerRequest", &["decision", "reason"]),
    ("ArrivalRequest", &["border_post", "arrived_at"]),
    ("ArrivedItem", &["category", "quantity", "unit"]),
    ("Carrier", &["id", "name"]),
    ("Condition", &["code"]),
    ("Consent", &["form"]),
    ("Content", &["quantity", "unit"]),
    ("CredentialCheckRequest", &["credential"]),
    ("Crossing", &["border_post", "direction", "at"]),
    ("DecisionRequest", &["reason"]),
    ("Declaration", &["reference", "movement", "border_post", "items"]),
    ("Embargo", &["country", "instrument"]),
    ("EntryRequest", &["ucr", "border_post", "entered_at"]),
    ("ExitRequest", &["border_post", "exited_at"]),
    ("Fulfilment", &["licence", "condition", "evidence"]),
    ("Holidays", &["country"]),
    ("Item", &["item", "category", "quantity", "unit"]),
    ("Leg", &["country"]),
    (
        "Licence",
        &[
            "number",
            "kind",
            "issuing_state",
            "issued_on",
            "valid_from",
            "use",
            "country_of_export",
            "country_of_import",
            "exporter",
            "consignee",
            "lines",
        ],
    ),
    ("Line", &["line", "category", "quantity", "unit"]),
    ("Lot", &["number"]),
    ("Mark", &["serial"]),
    ("Observation", &["type"]),
    ("OverrideRequest", &["reason"]),
    ("Paper", &["type", "reference"]),
    ("Party", &["id", "name"]),
    ("Post", &["code", "country", "zone"]),
    ("PreclearanceRequest", &["declaration"]),
    ("Quote", &["number"]),
    ("Reference", &["type", "value"]),
    ("Refusal", &["state", "reference", "recipient"]),
    ("ReleaseRequest", &["verification"]),
    ("ResolutionRequest", &["outcome"]),
    ("ReversalRequest", &["reason"]),
    ("ScopeClaim", &["ground"]),
    ("StoppageRequest", &["measure", "reason"]),
    ("SerialReportRequest", &["report", "serial", "reference"]),
    ("Sought", &["serial", "reference"]),
    ("State", &["country"]),
    ("TransitState", &["country"]),
    ("WithdrawalRequest", &["reason"]),
    ("Watched", &["source"]),
    ("WebhookRequest", &["url"]),
];

/// Requests that state one of two fields.
const ONE_OF_TWO: &[(&str, [&str; 2])] = &[
    ("ArrivalRequest", ["ucr", "reference"]),
    ("ExitRequest", ["release", "ucr"]),
    ("ReplayRequest", ["from_event", "since"]),
    ("VerificationRequest", ["declaration", "preclearance"]),
    ("Watched", ["id", "name"]),
];

/// Words of short lists, most of them of replies.
const WORDS: &[(&str, &str, &[&str])] = &[
    ("FindingReply", "severity", &["inform", "refer", "block"]),
    ("FindingReply", "remedy_by", &["declarant", "officer", "authority", "nobody"]),
    ("AnswerRequest", "decision", &["release_advised", "refuse", "extend"]),
    ("ItemVerdict", "verdict", &["clear", "refer", "hold"]),
    ("LicenceReply", "status", STATUSES),
    ("ReferralRequest", "grounds", &["doubt", "non_compliance"]),
    (
        "ReceiptStepRequest",
        "received",
        &["nothing", "partial", "complete", "short", "differs", "surplus"],
    ),
    ("ReleaseHistory", "status", RELEASE_STATUSES),
    ("ReleaseReply", "status", RELEASE_STATUSES),
    ("SerialReportRequest", "report", &["lost", "stolen", "seized", "found"]),
    ("StoppageRequest", "measure", &["hold", "refer"]),
    ("ResolutionRequest", "outcome", &["released_after_check", "refused", "seized", "false_alert"]),
    ("Verification", "verdict", &["clear", "refer", "hold"]),
    ("VersionReply", "status", STATUSES),
];
/// Of an override, pending until it is confirmed, or expired.
const RELEASE_STATUSES: &[&str] = &["released", "reversed", "pending", "expired"];
const STATUSES: &[&str] =
    &["active", "suspended", "revoked", "annulled", "surrendered", "superseded"];

/// Longest lists, and whether they may be empty.
const LISTS: &[(&str, &str, usize, usize)] = &[
    ("Declaration", "items", 1, declaration::ITEMS_MAX),
    ("Item", "alternative_markings", 0, declaration::ITEM_SERIALS_MAX),
    ("Item", "licences", 0, declaration::ITEM_QUOTES_MAX),
    ("Item", "marks", 0, declaration::ITEM_SERIALS_MAX),
    ("Item", "serials", 0, declaration::ITEM_SERIALS_MAX),
    ("Licence", "lines", 1, licence::LINES_MAX),
    ("Line", "serials", 0, licence::LINE_SERIALS_MAX),
];

/// Writes all of it into the shapes, and once more into those that are put together of others.
pub fn refine(schemas: &mut Map<String, Value>) {
    describe(schemas);
    for (shape, fields) in ONE_OF_TWO {
        if let Some(schema) = schemas.get_mut(*shape).and_then(Value::as_object_mut) {
            let one = fields.map(|field| json!({"required": [field]}));
            schema.insert("anyOf".to_owned(), json!(one));
        }
    }
    announced(schemas);
    let together = schemas
        .iter()
        .filter_map(|(name, schema)| Some((name.clone(), put_together(schemas, schema)?)))
        .collect::<Vec<_>>();
    schemas.extend(together);
    describe(schemas);
}

/// A declaration that customs have not numbered yet.
fn announced(schemas: &mut Map<String, Value>) {
    const NAME: &str = "AnnouncedDeclaration";
    let mut declaration = schemas.get("Declaration").cloned().unwrap_or_default();
    if let Some(required) = declaration.get_mut("required").and_then(Value::as_array_mut) {
        required.retain(|field| field != "reference");
    }
    if let Some(declaration) = declaration.as_object_mut() {
        let one = ["reference", "ucr"].map(|field| json!({"required": [field]}));
        declaration.insert("anyOf".to_owned(), json!(one));
    }
    schemas.insert(NAME.to_owned(), declaration);
    if let Some(property) = property(schemas, "PreclearanceRequest", "declaration") {
        property.insert("$ref".to_owned(), format!("#/components/schemas/{NAME}").into());
    }
}

fn describe(schemas: &mut Map<String, Value>) {
    for (shape, fields) in REQUIRED {
        if let Some(schema) = schemas.get_mut(*shape) {
            require(schema, fields);
        }
    }
    let said = WORDS.iter().map(|(shape, field, words)| (*shape, *field, words.to_vec()));
    for (shape, field, words) in said.chain(wire::words()) {
        if let Some(property) = property(schemas, shape, field) {
            property.insert("enum".to_owned(), listed(property, words));
        }
    }
    for (shape, field, least, most) in LISTS {
        if let Some(property) = property(schemas, shape, field) {
            property.insert("minItems".to_owned(), json!(least));
            property.insert("maxItems".to_owned(), json!(most));
        }
    }
    for (shape, schema) in schemas.iter_mut() {
        let stated = schema.get("required").cloned().unwrap_or_default();
        let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
        for (field, property) in properties.into_iter().flatten() {
            write_form(shape, field, property);
            let is_stated = stated.as_array().is_some_and(|all| all.iter().any(|of| of == field));
            let kind = property.get("type").and_then(Value::as_str);
            if let Some(kind @ ("array" | "boolean" | "integer")) = kind.filter(|_| !is_stated) {
                // Null stands for what is not stated, as it does where the type says so itself.
                put(property, "type", json!([kind, "null"]));
            }
        }
    }
}

fn property<'s>(
    schemas: &'s mut Map<String, Value>,
    shape: &str,
    field: &str,
) -> Option<&'s mut Map<String, Value>> {
    schemas.get_mut(shape)?.pointer_mut(&format!("/properties/{field}"))?.as_object_mut()
}

/// The words that a field may be; null stands for one that is not stated.
fn listed(property: &Map<String, Value>, words: Vec<&'static str>) -> Value {
    let mut words: Vec<Value> = words.into_iter().map(Value::from).collect();
    if property.get("type").is_some_and(Value::is_array) {
        words.push(Value::Null);
    }
    words.into()
}

/// Fields that must be stated are not null either.
fn require(schema: &mut Value, fields: &[&str]) {
    for field in fields {
        let Some(property) = schema.pointer_mut(&format!("/properties/{field}")) else { continue };
        let Some(property) = property.as_object_mut() else { continue };
        property.remove("default");
        if let Some(kind) = property.get("type").and_then(|kind| kind.get(0)).cloned() {
            property.insert("type".to_owned(), kind);
        }
        let stated = property.get("oneOf").and_then(|choice| choice.get(1)).cloned();
        if let Some(Value::Object(stated)) = stated {
            *property = stated;
        }
    }
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("required".to_owned(), json!(fields));
    }
}

/// Adds the form in which a field of this name is written.
fn write_form(shape: &str, field: &str, property: &mut Value) {
    let Some(property) = property.as_object_mut() else { return };
    let of_texts =
        property.get("items").is_some_and(|items| items.get("type") == Some(&json!("string")));
    let is_text = property
        .get("type")
        .is_some_and(|kind| kind == "string" || kind.get(0) == Some(&json!("string")));
    let Some((keyword, form)) = form_of(shape, field) else { return };
    if is_text {
        property.insert(keyword.to_owned(), form.into());
    } else if of_texts && let Some(Value::Object(items)) = property.get_mut("items") {
        items.insert(keyword.to_owned(), form.into());
    }
}

fn form_of(shape: &str, field: &str) -> Option<(&'static str, &'static str)> {
    let pattern = |form| Some(("pattern", form));
    match (shape, field) {
        ("Post", "code") | (_, "border_post" | "border_posts" | "posts" | "post") => {
            pattern(LOCODE)
        }
        ("Agreement", "transit" | "beneficiary") => pattern(COUNTRY),
        (_, field) if COUNTRIES.contains(&field) => pattern(COUNTRY),
        (_, "quantity" | "authorised" | "reserved" | "consumed" | "available") => pattern(QUANTITY),
        (_, "consumed_change") => pattern(CHANGE),
        (_, "unit") => pattern(UNIT),
        ("Verification" | "ReleaseReply", "id") | (_, "verification" | "release") => pattern(UUID),
        ("KeyReply", "from" | "until") => Some(("format", "date-time")),
        (
            _,
            "dated" | "from" | "until" | "valid_from" | "valid_until" | "reference_date" | "days",
        ) => Some(("format", "date")),
        // An instant, or the day of a licence's issue.
        ("SerialEvent", "at") => None,
        (_, "at") => Some(("format", "date-time")),
        (_, field) if field.ends_with("_on") => Some(("format", "date")),
        (_, field) if field.ends_with("_at") => Some(("format", "date-time")),
        _ => None,
    }
}

/// The form of a parameter in a path.
pub fn of_parameter(path: &str, name: &str) -> Option<Value> {
    match name {
        "id" => Some(json!({"type": "string", "format": "uuid"})),
        "index" => Some(json!({"type": "integer", "minimum": 0})),
        "decision" if path.starts_with("/v1/licences/") => {
            let decisions = ["suspension", "reinstatement", "revocation", "annulment", "surrender"];
            Some(json!({"type": "string", "enum": decisions}))
        }
        _ => None,
    }
}

/// A shape that is put together of others, as one: as parts, those that refuse what they do not know
/// would refuse each other's fields.
fn put_together(schemas: &Map<String, Value>, schema: &Value) -> Option<Value> {
    let parts = schema.get("allOf")?.as_array()?;
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for part in parts {
        let name =
            part.get("$ref").and_then(Value::as_str).and_then(|name| name.rsplit('/').next());
        let part = name.map_or(Some(part), |name| schemas.get(name))?;
        properties.extend(part.get("properties").and_then(Value::as_object).cloned()?);
        required
            .extend(part.get("required").and_then(Value::as_array).cloned().unwrap_or_default());
    }
    required.sort_by_key(ToString::to_string);
    required.dedup();
    let description = schema.get("description").cloned().unwrap_or_default();
    Some(
        json!({"type": "object", "description": description, "properties": properties, "required": required}),
    )
}
