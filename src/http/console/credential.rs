//! A credential that was scanned from paper or taken from a file: whether it is authentic, by whose key and
//! as of when; and the way on, to the licence where the register here has it, and to the goods.
use super::scan::path_segment;
use super::view::Answer;
use super::view::View;
use crate::app::App;
use crate::app::Caller;
use crate::app::Error;
use crate::wire::credential::CredentialCheckRequest;
use minijinja::Value;
use minijinja::context;
use serde_json::json;

/// Whether what was scanned, pasted or dropped may be a credential: paper says so itself, and a file begins
/// as every JWS does.
pub fn is_one(text: &str) -> bool {
    text.starts_with("PV1:") || (text.starts_with("ey") && text.split('.').count() == 3)
}

/// Which of a verdict's shapes a result has.
fn shape(result: &str) -> &'static str {
    match result {
        "authentic" => "clear",
        "unverified" => "refer",
        _ => "hold",
    }
}

/// What a check has shown.
pub async fn shown(app: &App, caller: &Caller, view: &View, text: &str) -> Answer {
    let request = CredentialCheckRequest { credential: Some(text.to_owned()) };
    let checked = app.check_credential(request.text()?).await?;
    let number = checked.licence.clone().filter(|_| checked.document.is_some());
    let known = match &number {
        Some(number) => match app.licence(caller, number).await {
            Ok(_) => Some(format!("/console/licences/{}", path_segment(number))),
            Err(Error::NotFound) => None,
            Err(error) => return Err(error.into()),
        },
        None => None,
    };
    let context = context! {
        shown => shape(&checked.result), text => text, known => known,
        c => Value::from_serialize(&checked),
    };
    view.page(caller, "credential.html", context)
}

/// The form of a declaration, as far as the licence says what will stand in it: not how much, and not
/// which firearms, for that is what is in front of the officer.
pub async fn declare(
    app: &App,
    caller: &Caller,
    view: &View,
    (text, posts): (&str, Vec<String>),
) -> Answer {
    let request = CredentialCheckRequest { credential: Some(text.to_owned()) };
    let checked = app.check_credential(request.text()?).await?;
    let Some(document) = &checked.document else { return Err(Error::NotFound.into()) };
    let of = |name: &str| document.get(name).cloned().unwrap_or_default();
    let party = |name: &str| {
        let party = of(name);
        json!({"name": party.get("name"), "id": party.get("id")})
    };
    let number = of("number");
    let lines = of("lines").as_array().cloned().unwrap_or_default();
    let items: Vec<serde_json::Value> = lines
        .iter()
        .map(|line| {
            let mut item = json!({"licences": [{"number": number, "line": line.get("line")}]});
            for field in [
                "category",
                "hs",
                "description",
                "make",
                "model",
                "calibre",
                "country_of_manufacture",
                "unit",
            ] {
                if let (Some(value), Some(item)) = (line.get(field), item.as_object_mut()) {
                    item.insert(field.to_owned(), value.clone());
                }
            }
            item
        })
        .collect();
    let declaration = json!({
        "movement": of("kind"), "country_of_export": of("country_of_export"),
        "country_of_import": of("country_of_import"), "exporter": party("exporter"),
        "consignee": party("consignee"), "final_recipient": party("final_recipient"),
        "items": items, "credentials": [text],
    });
    let context = context! { d => Value::from_serialize(declaration), posts => posts };
    view.page(caller, "declaration.html", context)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_is_told_from_numbers_and_declarations() {
        for credential in ["PV1:NCFOXN", "eyJhbGciOiJFZERTQSJ9.eyJpc3MiOiJ4In0.AAAA"] {
            assert!(is_one(credential), "{credential}");
        }
        for other in ["26FR000000000101A8", "FR-EXP-2026-000412", "{\"a\": 1}", "ey", "1.2.3", ""] {
            assert!(!is_one(other), "{other}");
        }
    }
}
