//! Who is on the other side: the peer of the connection, or what a proxy in front says of it. A
//! proxy is believed where the settings name one, and only its own word: the last, for the caller
//! can have written all that stand before it.
use crate::config::Http;
use actix_web::http::header::HeaderMap;
use actix_web::http::header::HeaderName;
use actix_web::http::header::X_FORWARDED_FOR;
use actix_web::http::header::X_FORWARDED_PROTO;
use std::net::IpAddr;
use std::net::SocketAddr;

/// The address by which refusals are counted.
pub fn address(http: &Http, headers: &HeaderMap, peer: Option<SocketAddr>) -> Option<IpAddr> {
    let told = if http.behind_proxy { last(headers, &X_FORWARDED_FOR) } else { None };
    told.and_then(read).or_else(|| peer.map(|peer| peer.ip()))
}

/// Whether the caller came by TLS, which this service or the proxy ends.
pub fn by_tls(http: &Http, headers: &HeaderMap) -> bool {
    let told = || last(headers, &X_FORWARDED_PROTO).is_some_and(|proto| proto == "https");
    http.tls() || (http.behind_proxy && told())
}

fn last<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get_all(name).last()?.to_str().ok()?.rsplit(',').next().map(str::trim)
}

/// An address, with a port or without.
fn read(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use actix_web::test::TestRequest;

    fn http(behind_proxy: bool) -> Http {
        Http { behind_proxy, ..Config::embedded().unwrap().http }
    }

    fn counted(behind_proxy: bool, forwarded: &[&str]) -> String {
        let mut request = TestRequest::default();
        for value in forwarded {
            request = request.append_header((X_FORWARDED_FOR, *value));
        }
        let request = request.to_http_request();
        let peer = "192.0.2.1:4711".parse().ok();
        address(&http(behind_proxy), request.headers(), peer).unwrap().to_string()
    }

    #[test]
    fn without_a_proxy_nobody_is_believed_about_the_address() {
        assert_eq!(counted(false, &["198.51.100.7"]), "192.0.2.1");
    }

    #[test]
    fn a_proxy_is_believed_and_what_the_caller_wrote_before_it_is_not() {
        for (forwarded, address) in [
            (&["198.51.100.7"][..], "198.51.100.7"),
            (&["203.0.113.9, 198.51.100.7"], "198.51.100.7"),
            (&["203.0.113.9", "198.51.100.7"], "198.51.100.7"),
            (&["198.51.100.7:52100"], "198.51.100.7"),
            (&["2001:db8::7"], "2001:db8::7"),
            (&["[2001:db8::7]"], "2001:db8::7"),
            (&["[2001:db8::7]:52100"], "2001:db8::7"),
        ] {
            assert_eq!(counted(true, forwarded), address, "{forwarded:?}");
        }
    }

    #[test]
    fn where_the_proxy_names_no_address_its_own_counts() {
        for forwarded in [&[][..], &[""], &["unknown"], &["198.51.100.7, unknown"]] {
            assert_eq!(counted(true, forwarded), "192.0.2.1", "{forwarded:?}");
        }
    }

    #[test]
    fn tls_is_what_this_service_or_its_proxy_ends() {
        let request = |proto: &str| {
            TestRequest::default().insert_header((X_FORWARDED_PROTO, proto)).to_http_request()
        };
        let (https, http_only) = (request("https"), request("https, http"));
        assert!(by_tls(&http(true), https.headers()));
        assert!(!by_tls(&http(true), http_only.headers()));
        assert!(!by_tls(&http(false), https.headers()));
        let own = Http { tls_cert_file: "cert.pem".into(), ..http(false) };
        assert!(by_tls(&own, http_only.headers()));
    }
}
