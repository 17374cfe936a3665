//! Several licences from one file.
use super::fields::Form;
use super::view::Answer;
use super::view::View;
use crate::app::App;
use crate::app::Error;
use crate::app::import::Whose;
use crate::http::caller::Authority;
use crate::wire::FieldError;
use actix_web::http::StatusCode;
use actix_web::web;
use minijinja::Value;
use minijinja::context;
use serde_json::value::RawValue;

/// `POST /console/licences/import`: what the API's bulk import does, as far as a form is allowed to be.
pub async fn import(
    app: web::Data<App>,
    Authority(caller): Authority,
    view: View,
    Form(form): Form,
) -> Answer {
    let lines = match lines(form.text("lines")) {
        Ok(lines) => lines,
        Err(error) => {
            let context = context! { errors => Value::from_serialize([error]) };
            return view.page_as(StatusCode::BAD_REQUEST, &caller, "imported.html", context);
        }
    };
    let once = Some(form.once(&caller, "import", lines.as_bytes())?);
    let recorded = match app.first_report(once.as_ref()).await? {
        Some(first) => first,
        None => {
            let (importer, actor) = (app.clone(), caller.clone());
            let work = move || importer.import(&actor, Whose::Own, lines.as_bytes(), |_| {});
            let report = web::block(work).await;
            let report = report.map_err(|error| Error::Internal(error.to_string()))??;
            app.keep_report(&report, once).await?
        }
    };
    let report: serde_json::Value = serde_json::from_str(&recorded.reply)
        .map_err(|error| Error::Internal(format!("an import's report: {error}")))?;
    view.page(&caller, "imported.html", context! { report => Value::from_serialize(report) })
}

/// One document a line, also out of an array.
fn lines(text: &str) -> Result<String, FieldError> {
    if !text.starts_with('[') {
        return Ok(text.to_owned());
    }
    let all: Vec<Box<RawValue>> = serde_json::from_str(text)
        .map_err(|error| FieldError::new("", "not_json", error.to_string()))?;
    let line = |one: &RawValue| one.get().replace(['\n', '\r'], " ");
    Ok(all.iter().map(|one| line(one)).collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_is_one_document_a_line() {
        assert_eq!(lines("{\"a\":1}\n{\"a\":2}").unwrap(), "{\"a\":1}\n{\"a\":2}");
        assert_eq!(lines("[{\"a\":\n1}, {\"a\":2}]").unwrap(), "{\"a\": 1}\n{\"a\":2}");
        assert_eq!(lines("[{\"a\":1}").unwrap_err().code, "not_json");
    }
}
