//! `GET /v1/alerts/stream`: server-sent events, as the HTML standard writes them.
use super::alert_query::take;
use super::caller::OfficerOrAuthority;
use super::caller::Token;
use super::page::parameters;
use super::problem::Problem;
use crate::app::App;
use crate::app::alerts::Query;
use crate::app::stream::AlertStream;
use crate::app::stream::Cursor;
use crate::app::stream::Full;
use crate::app::stream::Next;
use actix_web::FromRequest;
use actix_web::HttpRequest;
use actix_web::HttpResponse;
use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::web;
use actix_web::web::Bytes;
use std::convert::Infallible;
use std::future::Ready;
use std::future::ready;

const LAST_EVENT_ID: &str = "Last-Event-ID";

/// Which events, and from which place on.
pub struct From {
    query: Query,
    place: Option<Cursor>,
}

fn read(request: &HttpRequest) -> Result<From, Problem> {
    let mut query = Query::default();
    parameters(request.query_string(), |name, value| take(&mut query, name, value))?;
    let mut values = request.headers().get_all(LAST_EVENT_ID);
    let Some(value) = values.next() else { return Ok(From { query, place: None }) };
    let place = value.to_str().ok().and_then(Cursor::parse).filter(|_| values.next().is_none());
    let bad = || Problem::header(LAST_EVENT_ID, "the id of an event of this stream");
    Ok(From { query, place: Some(place.ok_or_else(bad)?) })
}

impl FromRequest for From {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(read(request))
    }
}

/// Opens a stream.
pub async fn open(
    app: web::Data<App>,
    OfficerOrAuthority(caller): OfficerOrAuthority,
    token: Token,
    from: From,
) -> Result<HttpResponse, Problem> {
    let seat = app.streams.enter(&caller, from.place.as_ref()).map_err(full)?;
    let app = app.into_inner();
    let retry_ms = app.config.stream.retry_ms;
    let stream = app.alert_stream(caller, token.0, from.query, from.place, seat).await?;
    // The place comes first, so that who is cut before the first event comes back to here.
    let hello = format!("retry: {retry_ms}\nid: {}\n\n", stream.place());
    let begin = futures_util::stream::once(ready(Ok::<_, Infallible>(Bytes::from(hello))));
    let events = futures_util::StreamExt::chain(
        begin,
        futures_util::stream::unfold(Some(stream), |stream| async {
            let (text, stream) = written(stream?).await;
            Some((Ok(Bytes::from(text)), stream))
        }),
    );
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header(("x-accel-buffering", "no"))
        .streaming(Box::pin(events)))
}

/// What comes next, and the stream where it goes on.
async fn written(mut stream: AlertStream) -> (String, Option<AlertStream>) {
    match stream.next().await {
        Next::Event(id, event, data) => {
            (format!("id: {id}\nevent: {event}\ndata: {data}\n\n"), Some(stream))
        }
        Next::Beat(id) => (format!(": beat\nid: {id}\n\n"), Some(stream)),
        Next::End(why) => (format!(": {why}\n\n"), None),
    }
}

fn full(full: Full) -> Problem {
    match full {
        Full::Caller => Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_streams",
            "you have as many streams open as you may",
        ),
        Full::Node => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "this node has as many streams open as it may",
        ),
    }
}
