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
        self.once_of(caller, || request_sha256)
    }

    /// The same, where the digest is only made for a request that has a key.
    pub fn once_of(self, caller: &Caller, digest: impl FnOnce() -> [u8; 32]) -> Option<Once> {
        self.0.map(|key| Once { caller: caller.key(), key, request_sha256: digest() })
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

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn request(keys: &[&str]) -> HttpRequest {
        let mut request = TestRequest::default();
        for key in keys {
            request = request.append_header((HEADER, *key));
        }
        request.to_http_request()
    }

    #[test]
    fn a_key_is_taken_as_it_was_sent() {
        let longest = "k".repeat(KEY_CHARS_MAX);
        for key in ["a", "6f1c-4d", "!~", longest.as_str()] {
            assert_eq!(read(&request(&[key])).unwrap().as_deref(), Some(key));
        }
        assert_eq!(read(&request(&[])).unwrap(), None);
    }

    #[test]
    fn a_key_that_two_readers_could_read_differently_is_refused() {
        let too_long = "k".repeat(KEY_CHARS_MAX + 1);
        for keys in [vec![""], vec!["a b"], vec!["é"], vec![too_long.as_str()], vec!["a", "a"]] {
            assert_eq!(read(&request(&keys)).unwrap_err().code(), "invalid_header", "{keys:?}");
        }
    }

    #[actix_web::test]
    async fn a_release_without_a_key_is_refused() {
        let refused = RequiredKey::extract(&request(&[])).await;
        assert_eq!(refused.err().map(|problem| problem.code()), Some("invalid_header"));
        assert!(Key::extract(&request(&[])).await.is_ok_and(|key| key.0.is_none()));
    }
}
