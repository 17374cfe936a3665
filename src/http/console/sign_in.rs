//! Signing in and out.
use super::PAGES;
use super::fields::Form;
use super::session;
use super::session::Cookie;
use super::view::Answer;
use super::view::HOME;
use super::view::View;
use super::view::own_path;
use crate::app::App;
use crate::app::Caller;
use crate::app::Error;
use crate::http::caller::Anyone;
use actix_web::HttpRequest;
use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::http::header::HeaderValue;
use actix_web::web;
use minijinja::context;
use serde::Deserialize;

/// Where to go once signed in.
#[derive(Debug, Deserialize)]
pub struct Next {
    next: Option<String>,
}

/// `GET /console`: the first page of the role, or the page to sign in.
pub async fn home(Anyone(caller): Anyone, view: View) -> Answer {
    match first_page(&caller) {
        Some(path) => Ok(session::see(path)),
        None => view.page(&caller, "refused.html", context! { status => 403, code => "no_pages" }),
    }
}

fn first_page(caller: &Caller) -> Option<&'static str> {
    let own = PAGES.iter().filter(|page| page.menu.is_some());
    own.filter(|page| page.roles.contains(&caller.role)).map(|page| page.path).next()
}

/// `GET /console/sign-in`.
pub async fn page(view: View, next: web::Query<Next>) -> Answer {
    let next = next.next.as_deref().unwrap_or(HOME);
    view.open_page("sign_in.html", view.sign_in_context(next, false))
}

/// `POST /console/sign-in/choice`: the sample service's choice of roles; anywhere else there is no
/// such page.
pub async fn choose(app: web::Data<App>, view: View, Form(form): Form) -> Answer {
    let chooser = app.sign_in.chooser().ok_or(Error::NotFound)?;
    let token = chooser.mint(form.text("person"), app.clock.now())?;
    signed_in(&app, &view, &token, form.text("next"))
}

/// Which way to sign in, and where to go then.
#[derive(Debug, Deserialize)]
pub struct Start {
    way: usize,
    next: Option<String>,
}

/// `GET /console/sign-in/start`: to the issuer.
pub async fn start(app: web::Data<App>, view: View, start: web::Query<Start>) -> Answer {
    let next = own_path(start.next.as_deref().unwrap_or(HOME));
    let (address, flow) = app.sign_in.begin(start.way, next, app.clock.now()).await?;
    with_cookie(session::see(&address), &Cookie::Flow.set(&flow, view.secure))
}

/// What the issuer sends somebody back with.
#[derive(Debug, Deserialize)]
pub struct Returned {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
}

/// `GET /console/sign-in/return`: back from the issuer. The page that follows is asked for by this
/// console itself, so that the browser sends the new session along.
pub async fn back(
    app: web::Data<App>,
    view: View,
    request: HttpRequest,
    returned: web::Query<Returned>,
) -> Answer {
    let (Some(state), Some(code)) = (&returned.state, &returned.code) else {
        tracing::info!(error = returned.error.as_deref(), "a sign-in was not completed");
        return Err(Error::Forbidden("the issuer did not sign you in").into());
    };
    let flow = Cookie::Flow.read(request.headers(), view.secure).unwrap_or_default();
    let now = app.clock.now();
    let signed_in = app.sign_in.finish(&app.access, &flow, (state, code), now).await?;
    let sealed = app.sign_in.session(&signed_in.token)?;
    let next = own_path(&signed_in.next);
    let page = view.open_page("signed_in.html", context! { next => next })?;
    let page = with_cookie(page, &Cookie::Session.set(&sealed, view.secure))?;
    let renewal = signed_in.renewal.unwrap_or_default();
    let page = with_cookie(page, &Cookie::Renewal.set(&renewal, view.secure))?;
    with_cookie(page, &Cookie::Flow.set("", view.secure))
}

/// `GET /console/sign-in/done`: tells the page that asked for it, in the other window, to go on.
pub async fn done(Anyone(_): Anyone, view: View) -> Answer {
    view.open_page("signed_in.html", context! { next => HOME, closes => true })
}

/// `GET /console/sign-in/renewal`: when the session ends by now; what goes around every page has renewed it
/// where it may be.
pub async fn renewal(view: View) -> Answer {
    let ends_at = view.ends_at().map(|at| format!("{at:.0}"));
    Ok(HttpResponse::Ok().json(serde_json::json!({"ends_at": ends_at})))
}

/// `POST /console/sign-out`: nobody goes on by what the issuer has given either.
pub async fn out(app: web::Data<App>, view: View, request: HttpRequest, Form(_): Form) -> Answer {
    if let Some(renewal) = Cookie::Renewal.read(request.headers(), view.secure) {
        app.sign_in.revoke(&renewal).await;
    }
    let page = session::see("/console/sign-in");
    let page = with_cookie(page, &Cookie::Session.set("", view.secure))?;
    with_cookie(page, &Cookie::Renewal.set("", view.secure))
}

/// Starts the session of a token.
fn signed_in(app: &App, view: &View, token: &str, next: &str) -> Answer {
    let sealed = app.sign_in.session(token)?;
    let page = session::see(own_path(next));
    let page = with_cookie(page, &Cookie::Session.set(&sealed, view.secure))?;
    with_cookie(page, &Cookie::Renewal.set("", view.secure))
}

fn with_cookie(mut response: HttpResponse, cookie: &str) -> Answer {
    let cookie = HeaderValue::from_str(cookie)
        .map_err(|error| Error::Internal(format!("a cookie: {error}")))?;
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(response)
}
