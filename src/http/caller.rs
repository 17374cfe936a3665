//! Callers as proofs: a handler that takes an `Officer` can only be reached by one.
use super::page;
use super::peer;
use super::problem::Problem;
use crate::app::App;
use crate::app::Caller;
use crate::app::Role;
use crate::app::access::AccessError;
use actix_web::FromRequest;
use actix_web::HttpMessage;
use actix_web::HttpRequest;
use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::web;
use futures_util::future::LocalBoxFuture;
use std::future::Ready;
use std::future::ready;
use std::sync::Arc;

/// Declares a proof of one of several roles.
macro_rules! proof {
    ($(#[$doc:meta])* $name:ident: $($role:ident),+) => {
        $(#[$doc])*
        pub struct $name(pub Arc<Caller>);

        impl FromRequest for $name {
            type Error = Problem;
            type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

            fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
                let request = request.clone();
                Box::pin(async move { Ok(Self(admitted(&request, &[$(Role::$role),+]).await?)) })
            }
        }
    };
}

proof! {
    /// A customs officer.
    Officer: Officer
}
proof! {
    /// A licensing authority.
    Authority: Authority
}
proof! {
    /// A carrier or freight forwarder.
    Carrier: Carrier
}
proof! {
    /// An auditor.
    Auditor: Auditor
}
proof! {
    /// An officer or an authority.
    OfficerOrAuthority: Officer, Authority
}
proof! {
    /// Those who may follow a consignment.
    Follower: Officer, Authority, Carrier
}
proof! {
    /// Those who say where a State's systems are told of events.
    AuthorityOrAdmin: Authority, Admin
}
proof! {
    /// Another State's register.
    RegisterOfAnother: Register
}
proof! {
    /// Those with a part in the audit trail.
    AuditorOrState: Auditor, Officer, Authority
}
proof! {
    /// Any caller.
    Anyone: Officer, Authority, Carrier, Auditor, Admin
}

async fn admitted(request: &HttpRequest, roles: &[Role]) -> Result<Arc<Caller>, Problem> {
    let internal =
        || Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the service is not set up");
    let app = request.app_data::<web::Data<App>>().cloned().ok_or_else(internal)?;
    let peer = peer::address(&app.config.http, request.headers(), request.peer_addr());
    let caller = match authenticated(&app, request).await {
        Ok(caller) => caller,
        // Who guesses at tokens is slowed down before anyone else.
        Err(_) if peer.is_some_and(|peer| !app.limits.may_be_refused(peer)) => {
            return Err(Problem::too_many());
        }
        Err(error) => return Err(error.into()),
    };
    if !app.limits.may_ask(&caller) {
        return Err(Problem::too_many());
    }
    request.extensions_mut().insert(Arc::clone(&caller));
    if roles.contains(&caller.role) {
        page::none_but_described(request)?;
        return Ok(caller);
    }
    let detail = format!("this route is not for the role {}", caller.role.as_str());
    Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", detail))
}

/// The token that the caller came in with, for what outlives its request.
pub struct Token(pub String);

impl FromRequest for Token {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(bearer(request).map(|token| Self(token.to_owned())).map_err(Problem::from))
    }
}

async fn authenticated(app: &App, request: &HttpRequest) -> Result<Arc<Caller>, AccessError> {
    app.access.authenticate(bearer(request)?).await
}

fn bearer(request: &HttpRequest) -> Result<&str, AccessError> {
    let mut values = request.headers().get_all(header::AUTHORIZATION);
    let value = values.next().ok_or(AccessError::Invalid("no token was sent"))?;
    if values.next().is_some() {
        return Err(AccessError::Invalid("more than one token was sent"));
    }
    let value = value.to_str().map_err(|_e| AccessError::Invalid("the token is not ASCII"))?;
    let (scheme, token) =
        value.split_once(' ').ok_or(AccessError::Invalid("Authorization: Bearer <token>"))?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(AccessError::Invalid("Authorization: Bearer <token>"));
    }
    Ok(token.trim())
}
