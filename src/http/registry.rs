//! This State's register, for those of others.
use super::caller::RegisterOfAnother;
use super::page::parameters;
use super::problem::Problem;
use crate::app::App;
use crate::wire::FieldError;
use actix_web::HttpRequest;
use actix_web::HttpResponse;
use actix_web::web;

/// Longest word by which an asker knows the answer to its question.
const NONCE_CHARS_MAX: usize = 64;

/// `GET /v1/registry/licences/{number}?nonce=`: what stands here, signed.
pub async fn licence(
    app: web::Data<App>,
    RegisterOfAnother(caller): RegisterOfAnother,
    number: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let mut nonce = None;
    parameters(request.query_string(), |name, value| {
        let sound = (16..=NONCE_CHARS_MAX).contains(&value.len())
            && value.bytes().all(|c| c.is_ascii_alphanumeric());
        match name {
            "nonce" if sound => nonce = Some(value.to_owned()),
            "nonce" => return Err("16 to 64 letters and digits".to_owned()),
            _ => return Err("no such parameter here".to_owned()),
        }
        Ok(())
    })?;
    let nonce = nonce.ok_or_else(|| {
        Problem::invalid(vec![FieldError::new("?nonce", "required", "16 to 64 letters and digits")])
    })?;
    let signed = app.registry_licence(&caller, &number, nonce).await?;
    Ok(HttpResponse::Ok().content_type("application/jose").body(signed))
}
