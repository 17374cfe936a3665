//! `GET /v1/whoami`: what the token makes of its bearer, for those who connect a system.
use super::caller::Anyone;
use actix_web::HttpResponse;
use serde_json::json;

/// Says who the caller is.
pub async fn whoami(Anyone(caller): Anyone) -> HttpResponse {
    let posts: Vec<&str> = caller.posts.iter().map(crate::domain::Locode::as_str).collect();
    HttpResponse::Ok().json(json!({
        "issuer": caller.issuer.as_str(),
        "subject": caller.subject.as_str(),
        "state": caller.state.as_str(),
        "role": caller.role.as_str(),
        "posts": posts,
        "operator": caller.operator.as_deref(),
    }))
}
