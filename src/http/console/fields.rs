//! Forms as they are sent. A form's fields are named by JSON Pointers into the document that the API
//! takes, so that a form is that document and the API's own errors point at its fields.
use super::view::View;
use crate::app::App;
use crate::app::Caller;
use crate::app::Error;
use crate::app::recorder::Once;
use crate::app::recorder::request_digest;
use crate::http::body::Limits;
use crate::http::body::whole;
use crate::http::problem::Problem;
use crate::wire::FieldError;
use actix_web::FromRequest;
use actix_web::HttpMessage;
use actix_web::HttpRequest;
use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::web;
use futures_util::future::LocalBoxFuture;
use serde_json::Map;
use serde_json::Value;
use std::collections::BTreeMap;

/// Most fields of a form.
const FIELDS_MAX: usize = 20_000;
/// Deepest pointer.
const DEPTH_MAX: usize = 8;

/// A form of this console, sent by the browser that it was written for.
pub struct Form(pub Fields);

/// Its fields.
#[derive(Debug, Clone)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// A field's text without the space around it; empty where it was not sent.
    pub fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.trim())
    }

    /// The document that the fields named by pointers make. A field left empty is not in it, and a
    /// row left empty leaves no gap.
    pub fn document(&self) -> Value {
        let mut root = Node::default();
        for (name, value) in &self.0 {
            let Some(pointer) = name.strip_prefix('/') else { continue };
            let (pointer, kind) = pointer.split_once('|').unwrap_or((pointer, ""));
            let path: Vec<&str> = pointer.split('/').collect();
            if value.trim().is_empty() || path.len() > DEPTH_MAX {
                continue;
            }
            let node = path
                .iter()
                .fold(&mut root, |node, step| node.children.entry((*step).to_owned()).or_default());
            node.leaf = Some(leaf(kind, value.trim()));
        }
        root.value()
    }

    /// The act under the form's key: sent again unchanged it is the same act, changed it is another.
    pub fn once(&self, caller: &Caller, route: &str, body: &[u8]) -> Result<Once, Problem> {
        let key = self.text("key");
        let sound = (8..=64).contains(&key.len()) && key.bytes().all(|c| c.is_ascii_graphic());
        if !sound {
            return Err(Problem::header("key", "the form came without the key of its act"));
        }
        let request_sha256 = request_digest(route, body);
        let [a, b, c, d, ..] = request_sha256;
        let key = format!("console-{key}-{a:02x}{b:02x}{c:02x}{d:02x}");
        Ok(Once { caller: caller.key(), key, request_sha256 })
    }
}

/// What is wrong with which field of a form, for its page; the API's paths are the fields' names once
/// `name` has taken away what a form has not.
pub fn faults(errors: &[FieldError], name: impl Fn(&str) -> &str) -> minijinja::Value {
    let by_name: BTreeMap<&str, &FieldError> =
        errors.iter().map(|error| (name(&error.path), error)).collect();
    minijinja::Value::from_serialize(by_name)
}

/// The name of a declaration's field, which the API finds in a request.
pub fn in_declaration(path: &str) -> &str {
    path.strip_prefix("/declaration").unwrap_or(path)
}

/// A place in the document while it is put together.
#[derive(Debug, Default)]
struct Node {
    leaf: Option<Value>,
    children: BTreeMap<String, Node>,
}

impl Node {
    fn value(self) -> Value {
        if let Some(leaf) = self.leaf {
            return leaf;
        }
        let number = |step: &str| step.parse::<u32>().ok();
        if self.children.keys().all(|step| number(step).is_some()) && !self.children.is_empty() {
            let mut rows: Vec<_> = self.children.into_iter().collect();
            rows.sort_by_key(|(step, _)| number(step));
            return Value::Array(rows.into_iter().map(|(_, node)| node.value()).collect());
        }
        let fields = self.children.into_iter().map(|(step, node)| (step, node.value()));
        Value::Object(fields.collect::<Map<_, _>>())
    }
}

/// A field's value by the kind that its name ends in.
fn leaf(kind: &str, text: &str) -> Value {
    match kind {
        "list" => {
            let words = text.split(['\n', ',', ';']).map(str::trim).filter(|word| !word.is_empty());
            Value::Array(words.map(|word| Value::String(word.to_owned())).collect())
        }
        // What is no number is left as it is, so that the API says so of this field.
        "number" => {
            text.parse::<u32>().map_or_else(|_e| Value::String(text.to_owned()), Value::from)
        }
        "flag" => Value::Bool(text == "yes"),
        _ => Value::String(text.to_owned()),
    }
}

impl FromRequest for Form {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let limits = request.app_data::<web::Data<App>>().map(|app| Limits::json(&app.config.http));
        let view = request.extensions().get::<View>().cloned();
        let kind = request.headers().get(header::CONTENT_TYPE).cloned();
        let payload = web::Payload::from_request(request, payload);
        Box::pin(async move {
            let missing = || Error::Internal("a form without its session".to_owned());
            let (limits, view) = (limits.ok_or_else(missing)?, view.ok_or_else(missing)?);
            let kind = kind.as_ref().and_then(|kind| kind.to_str().ok()).unwrap_or_default();
            if !kind.starts_with("application/x-www-form-urlencoded") {
                let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
                return Err(Problem::new(status, "not_a_form", "the body must be a form"));
            }
            let payload = payload.await.map_err(|error| Error::Internal(error.to_string()))?;
            let bytes = whole(payload, limits).await?;
            read(&bytes, |token| view.is_own_form(token)).map(Self)
        })
    }
}

fn read(bytes: &[u8], is_own: impl Fn(&str) -> bool) -> Result<Fields, Problem> {
    let refused = |code, detail: &str| Problem::new(StatusCode::BAD_REQUEST, code, detail);
    let text = std::str::from_utf8(bytes)
        .map_err(|_e| refused("invalid_request", "the form is not UTF-8"))?;
    let fields = web::Query::<Vec<(String, String)>>::from_query(text)
        .map_err(|error| refused("invalid_request", &error.to_string()))?
        .into_inner();
    if fields.len() > FIELDS_MAX {
        return Err(refused("too_many", "the form has too many fields"));
    }
    let fields = Fields(fields);
    if !is_own(fields.text("form")) {
        let detail = "the form was not written for this browser; open its page again";
        return Err(Problem::new(StatusCode::FORBIDDEN, "foreign_form", detail));
    }
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fields(pairs: &[(&str, &str)]) -> Fields {
        Fields(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
    }

    #[test]
    fn a_form_is_the_document_that_its_pointers_make() {
        let sent = fields(&[
            ("form", "x"),
            ("/movement", " export "),
            ("/ucr", ""),
            ("/items/0/hs", "930330"),
            ("/items/0/serials|list", "A1\r\nA2, A3;\n\n"),
            ("/items/0/licences/0/number", ""),
            ("/items/0/licences/1/number", "FR-1"),
            ("/items/0/licences/1/line|number", "2"),
            ("/items/2/hs", "930630"),
            ("/items/10/hs", "930640"),
            ("/route/0/transhipment|flag", "no"),
            ("/items/2/licences/0/line|number", "two"),
        ]);
        assert_eq!(
            sent.document(),
            json!({
                "movement": "export",
                "items": [
                    {"hs": "930330", "serials": ["A1", "A2", "A3"], "licences": [{"number": "FR-1", "line": 2}]},
                    {"hs": "930630", "licences": [{"line": "two"}]},
                    {"hs": "930640"}
                ],
                "route": [{"transhipment": false}]
            })
        );
    }

    #[test]
    fn a_form_of_another_browser_is_refused() {
        let is_own = |token: &str| token == "token";
        assert!(read(b"form=token&q=1", is_own).is_ok());
        for foreign in ["q=1", "form=&q=1", "form=other", "form=toke"] {
            assert_eq!(read(foreign.as_bytes(), is_own).unwrap_err().code(), "foreign_form");
        }
        assert!(read(&[0xff, b'='], is_own).is_err());
    }

    #[test]
    fn a_deep_or_bare_pointer_breaks_nothing() {
        let deep = format!("/{}", ["0"; 50].join("/"));
        assert_eq!(fields(&[(&deep, "x"), ("/", "y")]).document(), json!({"": "y"}));
        assert_eq!(fields(&[("/a", "x"), ("/a/b", "y")]).document(), json!({"a": "x"}));
    }
}
