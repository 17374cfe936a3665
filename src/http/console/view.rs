//! A page as it is written: its template, the words of its language, and what stands around it for
//! this browser and this person.
use super::PAGES;
use super::assets;
use super::session;
use super::session::Cookie;
use super::templates;
use super::words;
use super::words::Language;
use crate::app::App;
use crate::app::Caller;
use crate::app::Error;
use crate::app::sign_in;
use crate::app::sign_in::Person;
use crate::domain::Timestamp;
use crate::http::problem::Problem;
use actix_web::FromRequest;
use actix_web::HttpMessage;
use actix_web::HttpRequest;
use actix_web::HttpResponse;
use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::web;
use minijinja::Value;
use minijinja::context;
use serde::Deserialize;
use std::future::Ready;
use std::future::ready;
use std::sync::Arc;

/// What a page's handler gives.
pub type Answer = Result<HttpResponse, Problem>;

/// The home of the console.
pub const HOME: &str = "/console";

/// What a page needs to know of the browser in front of it.
#[derive(Clone)]
pub struct View {
    /// The language that it is written in.
    pub language: Language,
    /// Whether cookies are bound to TLS.
    pub secure: bool,
    app: web::Data<App>,
    browser: String,
    is_new_browser: bool,
    path: String,
    ends_at: Option<Timestamp>,
}

impl View {
    /// Of a request and the token of its session.
    pub fn new(
        app: &web::Data<App>,
        request: &HttpRequest,
        token: Option<&str>,
        secure: bool,
    ) -> Self {
        let headers = request.headers();
        let known = Cookie::Browser.read(headers, secure).filter(|name| is_a_name(name));
        let chosen = Cookie::Language.read(headers, secure);
        let accept = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        Self {
            language: chosen
                .and_then(|code| words::language(&code))
                .unwrap_or_else(|| words::accepted(accept.unwrap_or_default())),
            secure,
            app: app.clone(),
            is_new_browser: known.is_none(),
            browser: known.unwrap_or_else(|| app.sign_in.browser()),
            path: request.uri().path_and_query().map(ToString::to_string).unwrap_or_default(),
            ends_at: token.and_then(sign_in::ends_at),
        }
    }

    /// The name given to a browser that came without one.
    pub fn new_browser(&self) -> Option<&str> {
        self.is_new_browser.then_some(self.browser.as_str())
    }

    /// When the session ends.
    pub fn ends_at(&self) -> Option<Timestamp> {
        self.ends_at
    }

    /// What this browser's forms carry.
    pub fn form_token(&self) -> String {
        self.app.sign_in.form_token(&self.browser)
    }

    /// Whether a form was written for this browser.
    pub fn is_own_form(&self, token: &str) -> bool {
        self.app.sign_in.is_form_token(&self.browser, token)
    }

    /// A page for who has signed in.
    pub fn page(&self, caller: &Caller, template: &str, context: Value) -> Answer {
        self.page_as(StatusCode::OK, caller, template, context)
    }

    /// The same with another status.
    pub fn page_as(
        &self,
        status: StatusCode,
        caller: &Caller,
        template: &str,
        context: Value,
    ) -> Answer {
        self.write(status, Some(caller), template, context)
    }

    /// A page for anyone.
    pub fn open_page(&self, template: &str, context: Value) -> Answer {
        self.write(StatusCode::OK, None, template, context)
    }

    /// A refusal as a page: to sign in, where that is what is missing.
    pub fn refusal(&self, request: &HttpRequest, problem: &Problem) -> HttpResponse {
        let status = problem.status();
        let caller = request.extensions().get::<Arc<Caller>>().cloned();
        let page = if status == StatusCode::UNAUTHORIZED {
            let next = if request.method().is_safe() { self.path.as_str() } else { HOME };
            let ended = self.ends_at.is_some();
            self.write(status, None, "sign_in.html", self.sign_in_context(next, ended))
        } else {
            let context = context! {
                status => status.as_u16(), code => problem.code(), detail => problem.detail(),
                errors => Value::from_serialize(problem.errors()),
            };
            self.write(status, caller.as_deref(), "refused.html", context)
        };
        page.unwrap_or_else(HttpResponse::from_error)
    }

    /// What the page to sign in shows.
    pub fn sign_in_context(&self, next: &str, ended: bool) -> Value {
        let people = self.app.sign_in.chooser().map(|chooser| numbered(chooser.people()));
        context! {
            next => own_path(next), ended => ended, ways => self.app.sign_in.ways(),
            people => Value::from_serialize(people.unwrap_or_default()),
        }
    }

    fn write(
        &self,
        status: StatusCode,
        caller: Option<&Caller>,
        template: &str,
        context: Value,
    ) -> Answer {
        let person = caller.map(|caller| {
            let posts: Vec<&str> = caller.posts.iter().map(crate::domain::Locode::as_str).collect();
            context! {
                role => caller.role.as_str(), state => caller.state.as_str(),
                subject => caller.subject.as_str(), posts => posts,
                ends_at => self.ends_at.map(|at| format!("{at:.0}")),
            }
        });
        let page = context! {
            language => self.language.code, direction => self.language.direction,
            languages => words::LANGUAGES.map(|language| context! { code => language.code, name => language.name }),
            form => self.form_token(), path => self.path.as_str(),
            assets => format!("/console/assets/{}", assets::edition()),
            menu => caller.map(|caller| self.menu(caller)), person => person,
            post_zone => "UTC", is_sample => self.app.sign_in.chooser().is_some(),
        };
        let written = templates::render(template, &context! { page => page, ..context });
        let html = written.map_err(|error| Error::Internal(format!("{template}: {error:#}")))?;
        Ok(HttpResponse::build(status).content_type("text/html; charset=utf-8").body(html))
    }

    fn menu(&self, caller: &Caller) -> Vec<Value> {
        let own = PAGES.iter().filter(|page| page.roles.contains(&caller.role));
        let at = self.path.split('?').next().unwrap_or_default();
        own.filter_map(|page| {
            let here = at == page.path || at.starts_with(&format!("{}/", page.path));
            Some(context! { path => page.path, word => page.menu?, here => here })
        })
        .collect()
    }
}

/// Who can be chosen; of several alike, each with its number.
fn numbered(people: &[Person]) -> Vec<Value> {
    let alike = |a: &Person, b: &Person| (&a.role, &a.state) == (&b.role, &b.state);
    let mut shown = Vec::with_capacity(people.len());
    for (before, person) in people.iter().enumerate() {
        let nth = people.iter().take(before).filter(|other| alike(other, person)).count() + 1;
        let is_one_of_many = people.iter().filter(|other| alike(other, person)).count() > 1;
        let number = is_one_of_many.then_some(nth);
        shown.push(context! { number => number, ..Value::from_serialize(person) });
    }
    shown
}

/// A browser's name as this service gives it.
fn is_a_name(name: &str) -> bool {
    name.len() == 22 && name.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_'))
}

/// A page of this console, whatever somebody has written into an address.
pub fn own_path(path: &str) -> &str {
    let own = path == HOME || path.starts_with("/console/") || path.starts_with("/console?");
    let sound = path.bytes().all(|c| c.is_ascii_graphic() && !matches!(c, b'\\' | b'"'));
    if own && sound { path } else { HOME }
}

impl FromRequest for View {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let view = request.extensions().get::<Self>().cloned();
        let missing = || Error::Internal("a page without its session".to_owned()).into();
        ready(view.ok_or_else(missing))
    }
}

/// Which language, and where to go back to.
#[derive(Debug, Deserialize)]
pub struct Choice {
    to: String,
    back: Option<String>,
}

/// `GET /console/language`.
pub async fn language(view: View, choice: web::Query<Choice>) -> Answer {
    let language = words::language(&choice.to).ok_or(Error::NotFound)?;
    let back = own_path(choice.back.as_deref().unwrap_or(HOME)).to_owned();
    let mut response = session::see(&back);
    let cookie = Cookie::Language.set(language.code, view.secure);
    if let Ok(cookie) = header::HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_people_alike_each_has_a_number() {
        let person = |role: &str, state: &str| Person {
            id: role.to_owned(),
            subject: role.to_owned(),
            state: state.to_owned(),
            role: role.to_owned(),
            posts: Vec::new(),
            operator: None,
        };
        let people = [("officer", "FR"), ("officer", "FR"), ("officer", "KE"), ("auditor", "FR")];
        let shown = numbered(&people.map(|(role, state)| person(role, state)));
        let numbers = shown.iter().map(|one| usize::try_from(one.get_attr("number").unwrap()).ok());
        assert_eq!(numbers.collect::<Vec<_>>(), [Some(1), Some(2), None, None]);
    }

    #[test]
    fn nobody_is_sent_to_another_site() {
        for own in ["/console", "/console/scan?q=1", "/console?x"] {
            assert_eq!(own_path(own), own);
        }
        for other in [
            "https://evil.example",
            "//evil.example",
            "/consoleevil",
            "/\\evil",
            "",
            "/console/\r\nSet-Cookie: a=b",
            "/console/\\evil",
            "javascript:alert(1)",
        ] {
            assert_eq!(own_path(other), HOME, "{other}");
        }
    }
}
