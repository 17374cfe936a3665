//! `Prefer: proof` (RFC 7240): the reply carries the proof of what it says.
use super::problem::Problem;
use super::reply::recorded;
use crate::app::App;
use crate::app::Caller;
use crate::app::judge::with_field;
use crate::app::recorder::Recorded;
use actix_web::FromRequest;
use actix_web::HttpRequest;
use actix_web::HttpResponse;
use actix_web::dev::Payload;
use actix_web::http::header::HeaderName;
use actix_web::http::header::HeaderValue;
use serde::Deserialize;
use std::future::Ready;
use std::future::ready;

const APPLIED: HeaderName = HeaderName::from_static("preference-applied");
const PROOF: &str = "proof";

/// What the caller would like to have beside the answer; what is not known is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prefer {
    proof: bool,
}

impl FromRequest for Prefer {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let values = request.headers().get_all("Prefer");
        let named = values.filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(','));
        let proof = named
            .filter_map(|preference| preference.split(';').next())
            .any(|name| name.trim().eq_ignore_ascii_case(PROOF));
        ready(Ok(Self { proof }))
    }
}

/// Where a reply says that it is recorded.
#[derive(Deserialize)]
struct Placed {
    audit: Place,
}

#[derive(Deserialize)]
struct Place {
    log: String,
    index: u64,
}

/// An act's reply, with the inclusion proof of its entry and the checkpoint that was signed when it was
/// committed, or a later one, where the caller would like to have them. Where they can no longer be had (a
/// first reply asked for again after its entry was archived), the reply goes without.
pub async fn proven(
    app: &App,
    caller: &Caller,
    prefer: Prefer,
    mut act: Recorded,
) -> Result<HttpResponse, Problem> {
    if !prefer.proof {
        return Ok(recorded(act));
    }
    let Ok(Placed { audit }) = serde_json::from_str::<Placed>(&act.reply) else {
        return Ok(recorded(act));
    };
    let Ok(proof) = app.proof(caller, &audit.log, audit.index).await else {
        return Ok(recorded(act));
    };
    act.reply = with_field(&act.reply, PROOF, serde_json::to_string(&proof).unwrap_or_default());
    let mut reply = recorded(act);
    reply.headers_mut().insert(APPLIED, HeaderValue::from_static(PROOF));
    Ok(reply)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[actix_web::test]
    async fn a_proof_is_given_to_who_would_like_it() {
        let prefer = async |value: &str| {
            let request = TestRequest::default().append_header(("Prefer", value)).to_http_request();
            Prefer::extract(&request).await.unwrap().proof
        };
        for asked in ["proof", "Proof", "return=minimal, proof", "proof; x=1"] {
            assert!(prefer(asked).await, "{asked}");
        }
        for other in ["", "proofs", "return=proof", "wait=10"] {
            assert!(!prefer(other).await, "{other}");
        }
    }
}
