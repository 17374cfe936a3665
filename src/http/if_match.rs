//! `If-Match`: the version that the caller has seen.
use super::problem::Problem;
use actix_web::FromRequest;
use actix_web::HttpRequest;
use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::http::header::HeaderMap;
use std::future::Ready;
use std::future::ready;

/// The version, where one is named.
pub struct IfMatch(pub Option<u32>);

impl FromRequest for IfMatch {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(read(request.headers()).map(Self))
    }
}

impl IfMatch {
    /// What is asked for, told apart by the version: seen at another one it is another request.
    pub fn of(&self, request: &str) -> String {
        self.0.map_or_else(|| request.to_owned(), |version| format!("{request} {version}"))
    }
}

fn read(headers: &HeaderMap) -> Result<Option<u32>, Problem> {
    let mut values = headers.get_all(header::IF_MATCH);
    let Some(value) = values.next() else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    let digits = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
    let plain = digits.bytes().all(|c| c.is_ascii_digit()) && values.next().is_none();
    let version = digits.parse().ok().filter(|_| plain);
    version.map(Some).ok_or_else(|| Problem::header("If-Match", "one version such as \"3\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn version(values: &[&str]) -> Result<Option<u32>, Problem> {
        let mut request = TestRequest::default();
        for value in values {
            request = request.append_header((header::IF_MATCH, *value));
        }
        read(request.to_http_request().headers())
    }

    #[test]
    fn reads_the_version_of_an_etag() {
        assert_eq!(version(&[]).unwrap(), None);
        assert_eq!(version(&["\"3\""]).unwrap(), Some(3));
        assert_eq!(version(&["3"]).unwrap(), Some(3), "the quotes are often forgotten");
    }

    #[test]
    fn refuses_what_names_no_single_version() {
        let bad =
            ["", "*", "\"\"", "\"3", "W/\"3\"", "+3", "-1", "\"3\", \"4\"", "4294967296", "é"];
        for bad in bad {
            assert_eq!(version(&[bad]).unwrap_err().code(), "invalid_header", "{bad}");
        }
        assert!(version(&["\"3\"", "\"4\""]).is_err());
    }
}
