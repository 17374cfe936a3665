//! `Idempotency-Key`: the same key with the same request gets the first reply.
use super::problem::Problem;
use crate::app::Caller;
use crate::app::recorder::Once;
use actix_web::FromRequest;
use actix_web::HttpRequest;
use actix_web::dev::Payload;
use std::future::Ready;
use std::future::ready;

const HEADER: &str = "Idempotency-Key";
/// Longest key.
const KEY_CHARS_MAX: usize = 255;

/// A key that may be given.
pub struct Key(Option<String>);

/// A key that must be given.
pub struct RequiredKey(String);

impl Key {
    /// The request under its key.
    pub fn once(self, caller: &Caller, request_sha256: [u8; 32]) -> Option<Once> {
        self.0.map(|key| Once { caller: caller.key(), key, request_sha256 })
    }
}

impl RequiredKey {
    /// The request under its key.
    pub fn once(self, caller: &Caller, request_sha256: [u8; 32]) -> Once {
        Once { caller: caller.key(), key: self.0, request_sha256 }
    }
}

fn read(request: &HttpRequest) -> Result<Option<String>, Problem> {
    let mut values = request.headers().get_all(HEADER);
    let Some(value) = values.next() else { return Ok(None) };
    let text = value.to_str().unwrap_or_default();
    let sound =
        (1..=KEY_CHARS_MAX).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_graphic());
    if sound && values.next().is_none() {
        return Ok(Some(text.to_owned()));
    }
    Err(Problem::header(HEADER, "one key of 1 to 255 visible ASCII characters"))
}

impl FromRequest for Key {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(read(request).map(Self))
    }
}

impl FromRequest for RequiredKey {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(read(request).and_then(|key| {
            key.map(Self).ok_or_else(|| Problem::header(HEADER, "a release needs a key"))
        }))
    }
}
