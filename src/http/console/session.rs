//! Around every page: the session's token is put where the API looks for it, what comes from another
//! site is refused before anything is read of it, and a refusal becomes a page.
use super::view::View;
use crate::app::App;
use crate::app::sign_in::FLOW_S;
use crate::app::sign_in::Renewal;
use crate::http::peer::by_tls;
use crate::http::problem::Problem;
use actix_web::Error;
use actix_web::HttpMessage;
use actix_web::HttpRequest;
use actix_web::HttpResponse;
use actix_web::body::BoxBody;
use actix_web::body::MessageBody;
use actix_web::dev::ServiceRequest;
use actix_web::dev::ServiceResponse;
use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::http::header::HeaderMap;
use actix_web::http::header::HeaderValue;
use actix_web::middleware::Next;
use actix_web::web;

/// Where a page asks for its session to go on.
pub const RENEWAL: &str = "/console/sign-in/renewal";
/// How long a browser's name and its language are kept.
const YEAR_S: u32 = 31_536_000;

/// The cookies of the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cookie {
    /// The sealed token.
    Session,
    /// The browser's name, from which the tokens of its forms are made.
    Browser,
    /// The language chosen.
    Language,
    /// A sign-in on its way.
    Flow,
    /// What the session goes on by.
    Renewal,
}

impl Cookie {
    fn name(self) -> &'static str {
        match self {
            Self::Session => "passavant-session",
            Self::Browser => "passavant-browser",
            Self::Language => "passavant-language",
            Self::Flow => "passavant-sign-in",
            Self::Renewal => "passavant-renewal",
        }
    }

    /// Its full name: bound to this host and to TLS, unless this is a trial on the machine itself.
    fn full_name(self, secure: bool) -> String {
        let prefix = if secure { "__Host-" } else { "" };
        format!("{prefix}{}", self.name())
    }

    /// What the browser sent of it.
    pub fn read(self, headers: &HeaderMap, secure: bool) -> Option<String> {
        let name = self.full_name(secure);
        let sent = headers.get_all(header::COOKIE).filter_map(|value| value.to_str().ok());
        let mut found = sent
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(key, _)| *key == name);
        let (_, value) = found.next()?;
        // Two of one name: somebody else has set one of them.
        found.next().is_none().then(|| value.to_owned())
    }

    /// The header that sets it; an empty value ends it.
    pub fn set(self, value: &str, secure: bool) -> String {
        let life = match (self, value.is_empty()) {
            (_, true) => "; Max-Age=0".to_owned(),
            (Self::Session | Self::Renewal, false) => String::new(),
            (Self::Browser | Self::Language, false) => format!("; Max-Age={YEAR_S}"),
            (Self::Flow, false) => format!("; Max-Age={FLOW_S}"),
        };
        // Who comes back from the issuer comes from another site.
        let site = if self == Self::Flow { "Lax" } else { "Strict" };
        let tls = if secure { "; Secure" } else { "" };
        let name = self.full_name(secure);
        format!("{name}={value}; Path=/; HttpOnly; SameSite={site}{tls}{life}")
    }
}

/// Whether cookies are bound to TLS: always but on a service that listens on the machine itself.
pub fn secure(app: &App, headers: &HeaderMap) -> bool {
    let http = &app.config.http;
    http.behind_proxy || by_tls(http, headers)
}

/// Wraps every page.
pub async fn around(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let Some(app) = request.app_data::<web::Data<App>>().cloned() else {
        return Ok(next.call(request).await?.map_into_boxed_body());
    };
    let is_secure = secure(&app, request.headers());
    let token = Cookie::Session
        .read(request.headers(), is_secure)
        .and_then(|session| app.sign_in.token(&session));
    let (token, renewed) = renewed(&app, &request, token, is_secure).await;
    let view = View::new(&app, request.request(), token.as_deref(), is_secure);
    // Nobody signs in here by a header: a page is for the browser that has the cookie.
    request.headers_mut().remove(header::AUTHORIZATION);
    let bearer = token.and_then(|token| HeaderValue::from_str(&format!("Bearer {token}")).ok());
    if let Some(bearer) = bearer {
        request.headers_mut().insert(header::AUTHORIZATION, bearer);
    }
    request.extensions_mut().insert(view.clone());
    let mut response = if is_foreign(request.request()) {
        let detail = "the request does not come from a page of this console";
        let problem = Problem::new(StatusCode::FORBIDDEN, "foreign_request", detail);
        request.into_response(HttpResponse::from_error(problem))
    } else {
        next.call(request).await?.map_into_boxed_body()
    };
    if let Some(problem) = response.response().error().and_then(|e| e.as_error::<Problem>()) {
        let page = view.refusal(response.request(), &problem.clone());
        response = ServiceResponse::new(response.request().clone(), page);
    }
    let browser = view.new_browser().map(|name| Cookie::Browser.set(name, is_secure));
    for cookie in renewed.into_iter().chain(browser) {
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
    Ok(response)
}

/// The token with which a request goes on, renewed where it is about to end, and the cookies that say so.
/// Pages that begin or end a session themselves are left alone.
async fn renewed(
    app: &App,
    request: &ServiceRequest,
    token: Option<String>,
    is_secure: bool,
) -> (Option<String>, Vec<String>) {
    let path = request.path();
    let own = ["/console/sign-in", "/console/sign-out", "/console/assets"];
    if path != RENEWAL && own.iter().any(|own| path.starts_with(own)) {
        return (token, Vec::new());
    }
    let Some(cookie) = Cookie::Renewal.read(request.headers(), is_secure) else {
        return (token, Vec::new());
    };
    let now = app.clock.now();
    match app.sign_in.renew(&app.access, token.as_deref(), &cookie, now).await {
        Renewal::AsItIs => (token, Vec::new()),
        Renewal::Over => (token, vec![Cookie::Renewal.set("", is_secure)]),
        Renewal::Renewed(fresh, next) => match app.sign_in.session(&fresh) {
            Ok(sealed) => {
                let next = Cookie::Renewal.set(next.as_deref().unwrap_or_default(), is_secure);
                (Some(fresh), vec![Cookie::Session.set(&sealed, is_secure), next])
            }
            Err(error) => {
                tracing::warn!(%error, "a renewed token is not kept");
                (token, vec![Cookie::Renewal.set("", is_secure)])
            }
        },
    }
}

/// Whether a request that changes something comes from another site, or does not say from where.
fn is_foreign(request: &HttpRequest) -> bool {
    if request.method().is_safe() {
        return false;
    }
    let text = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return site != "same-origin";
    }
    // An older browser says at least from which host.
    let host = text("host").unwrap_or_default();
    let origin = text("origin").and_then(|origin| origin.split_once("://"));
    origin.is_none_or(|(_, origin)| origin != host)
}

/// Goes to another page.
pub fn see(path: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, path)).finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn only_a_page_of_this_console_may_change_anything() {
        let post = |headers: &[(&str, &str)]| {
            let mut request = TestRequest::post().insert_header(("host", "a.example"));
            for (name, value) in headers {
                request = request.insert_header((*name, *value));
            }
            is_foreign(&request.to_http_request())
        };
        assert!(!post(&[("sec-fetch-site", "same-origin")]));
        for site in ["same-site", "cross-site", "none", ""] {
            assert!(post(&[("sec-fetch-site", site), ("origin", "https://a.example")]), "{site}");
        }
        assert!(!post(&[("origin", "https://a.example")]), "an older browser");
        for origin in
            ["https://b.example", "https://a.example.evil", "null", "https://a.example:8443"]
        {
            assert!(post(&[("origin", origin)]), "{origin}");
        }
        assert!(post(&[]), "it does not say from where");
    }

    #[test]
    fn a_cookie_is_read_as_it_was_set_and_never_when_it_stands_twice() {
        let secure = Cookie::Session.set("abc", true);
        assert!(secure.starts_with("__Host-passavant-session=abc; "), "{secure}");
        for word in ["Path=/", "HttpOnly", "SameSite=Strict", "Secure"] {
            assert!(secure.contains(word), "{secure}");
        }
        assert!(!Cookie::Session.set("abc", false).contains("Secure"));
        assert!(Cookie::Session.set("", true).contains("Max-Age=0"));
        let read = |value: &str| {
            let request = TestRequest::default().insert_header(("cookie", value)).to_http_request();
            Cookie::Session.read(request.headers(), true)
        };
        assert_eq!(read("x=1; __Host-passavant-session=abc").as_deref(), Some("abc"));
        assert_eq!(read("passavant-session=abc"), None, "not bound to this host");
        assert_eq!(read("__Host-passavant-session=a; __Host-passavant-session=b"), None);
    }
}
