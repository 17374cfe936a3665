//! The stream of alerts: exactly once and in order, however often its reader is cut.
use super::harness::*;
use super::support;
use serde_json::Value;
use serde_json::json;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

/// How long a busy machine may take over anything here.
const PATIENCE: Duration = Duration::from_mins(2);

/// One event as a browser would have it.
#[derive(Debug, Clone, Default, PartialEq)]
struct Event {
    id: String,
    event: String,
    data: String,
}

impl Event {
    fn json(&self) -> Value {
        serde_json::from_str(&self.data).unwrap()
    }
}

/// A reader of server-sent events.
struct Stream {
    response: reqwest::Response,
    text: String,
    /// The last id seen, of an event or not: what the reader comes back with.
    id: String,
    comments: Vec<String>,
    retry_ms: u64,
}

impl Stream {
    async fn open(service: &Service, token: &str, query: &str, from: &str) -> Self {
        let response = Self::try_open(service, token, query, from).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-store");
        let (text, id) = (String::new(), from.to_owned());
        let mut stream = Self { response, text, id, comments: Vec::new(), retry_ms: 0 };
        // The place comes before anything else, so that nobody is cut without one.
        let block = stream.block().await.unwrap();
        assert!(stream.take(&block).is_none() && !stream.id.is_empty(), "{block}");
        stream
    }

    async fn try_open(
        service: &Service,
        token: &str,
        query: &str,
        from: &str,
    ) -> reqwest::Response {
        let url = format!("http://{}/v1/alerts/stream{query}", service.api);
        let mut request = service.client.get(url).bearer_auth(token);
        if !from.is_empty() {
            request = request.header("Last-Event-ID", from);
        }
        request.send().await.unwrap()
    }

    /// The next block of lines; nothing where the stream has ended.
    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                return Some(block);
            }
            let chunk = tokio::time::timeout(PATIENCE, self.response.chunk()).await.unwrap();
            self.text.push_str(std::str::from_utf8(&chunk.ok()??).unwrap());
        }
    }

    fn take(&mut self, block: &str) -> Option<Event> {
        let mut event = Event::default();
        for line in block.lines() {
            match line.split_once(": ").unwrap() {
                ("", comment) => self.comments.push(comment.to_owned()),
                ("id", id) => id.clone_into(&mut self.id),
                ("event", word) => word.clone_into(&mut event.event),
                ("data", data) => data.clone_into(&mut event.data),
                ("retry", ms) => self.retry_ms = ms.parse().unwrap(),
                other => panic!("{other:?}"),
            }
        }
        self.id.clone_into(&mut event.id);
        (!event.data.is_empty()).then_some(event)
    }

    async fn next(&mut self) -> Option<Event> {
        loop {
            let block = self.block().await?;
            if let Some(event) = self.take(&block) {
                return Some(event);
            }
        }
    }
}

/// A declaration that holds, under a reference of its own.
fn held(reference: &str) -> Value {
    let mut declaration = cartridges(reference, "60000");
    declaration["ucr"] = json!(null);
    declaration.as_object_mut().unwrap().remove("ucr");
    declaration
}

#[tokio::test]
async fn what_happens_to_an_alert_reaches_the_stream_at_once() {
    let service = start();
    service.issue_sample().await;
    let officer = token("FR", "officer");
    let mut stream = Stream::open(&service, &officer, "", "").await;
    assert_eq!(stream.retry_ms, 2000);
    let verified = service.verify(&sample("hold")).await.json();
    let raised = stream.next().await.unwrap();
    let told = raised.json();
    assert_eq!((raised.event.as_str(), &told["alert"]["status"]), ("raised", &json!("open")));
    assert_eq!(told["alert"]["verification"], verified["id"]);
    assert_eq!(told["alert"]["severity"], "hold");
    let path = format!("/v1/alerts/{}", told["alert"]["id"].as_str().unwrap());
    service.post(&format!("{path}/acknowledgement"), &officer, &json!({"note": "looking"})).await;
    let body = json!({"outcome": "false_alert"});
    service.post(&format!("{path}/resolution"), &officer, &body).await;
    let taken = stream.next().await.unwrap();
    assert_eq!(
        (taken.event.as_str(), &taken.json()["change_note"]),
        ("acknowledged", &json!("looking"))
    );
    assert_eq!(taken.json()["by"], "https://login.example/FR#officer-1");
    let done = stream.next().await.unwrap();
    assert_eq!(
        (done.event.as_str(), &done.json()["alert"]["outcome"]),
        ("resolved", &json!("false_alert"))
    );
    // Replayed from the beginning it is told as it was, not as it is.
    let mut again = Stream::open(&service, &officer, "", "1.0").await;
    for first in [raised, taken, done] {
        assert_eq!(again.next().await.unwrap(), first);
    }
}

#[tokio::test]
async fn a_list_says_where_the_stream_goes_on() {
    let service = start();
    service.issue_sample().await;
    let officer = token("FR", "officer");
    service.verify(&sample("hold")).await;
    let list = service.get("/v1/alerts", &officer).await;
    assert_eq!(list.json()["items"].as_array().unwrap().len(), 1);
    let second = service.verify(&sample("refer")).await.json();
    let mut stream = Stream::open(&service, &officer, "", list.header("last-event-id")).await;
    assert_eq!(stream.next().await.unwrap().json()["alert"]["verification"], second["id"]);
}

#[tokio::test]
async fn a_stream_tells_only_what_its_reader_may_see_and_asked_for() {
    let service = start();
    service.issue_sample().await;
    let mut foreign = Stream::open(&service, &token("DE", "officer"), "", "").await;
    let mut authority = Stream::open(&service, &token("FR", "authority"), "", "").await;
    let officer = token("FR", "officer");
    let mut holds = Stream::open(&service, &officer, "?severity=hold&post=FRLEH", "").await;
    let mut elsewhere = Stream::open(&service, &officer, "?post=FRMRS", "").await;
    for verdict in ["refer", "hold"] {
        service.verify(&sample(verdict)).await;
    }
    assert_eq!(holds.next().await.unwrap().json()["alert"]["severity"], "hold");
    for stream in [&mut foreign, &mut authority, &mut elsewhere] {
        let heard = tokio::time::timeout(Duration::from_millis(300), stream.next()).await;
        assert!(heard.is_err(), "{heard:?}");
    }
}

#[tokio::test]
async fn a_quiet_stream_gives_a_sign_of_life_and_its_place() {
    let service = start_with(|config| config.stream.beat_s = 1);
    service.issue_sample().await;
    let mut stream = Stream::open(&service, &token("DE", "officer"), "", "").await;
    let before = stream.id.clone();
    service.verify(&sample("hold")).await;
    let began = Instant::now();
    while stream.id == before {
        let block = stream.block().await.unwrap();
        assert!(stream.take(&block).is_none(), "{block}");
        assert!(began.elapsed() < PATIENCE);
    }
    assert_eq!(stream.comments.last().map(String::as_str), Some("beat"));
}

#[tokio::test]
async fn a_stream_ends_with_its_token() {
    let service = start();
    let short = short_token("FR", "officer", 2);
    let began = Instant::now();
    let mut stream = Stream::open(&service, &short, "", "").await;
    assert_eq!(stream.next().await, None);
    assert_eq!(stream.comments, ["the token has ended"]);
    assert!(began.elapsed() < Duration::from_secs(30), "it does not wait for a beat");
}

#[tokio::test]
async fn streams_are_counted_by_caller_and_in_all() {
    let service = start_with(|config| {
        (config.stream.streams_max, config.stream.streams_of_caller_max) = (3, 2);
    });
    let (first, second) = (token("FR", "officer"), token_of("FR", "officer", "officer-2"));
    let one = Stream::open(&service, &first, "", "").await;
    let _two = Stream::open(&service, &first, "", "").await;
    let refused = Stream::try_open(&service, &first, "", "").await;
    assert_eq!(
        (refused.status().as_u16(), refused.headers().contains_key("retry-after")),
        (429, true)
    );
    assert_eq!(refused.json::<Value>().await.unwrap()["code"], "too_many_streams");
    let _three = Stream::open(&service, &second, "", "").await;
    let refused = Stream::try_open(&service, &second, "", "").await;
    assert_eq!(refused.status(), 503);
    drop(one);
    let began = Instant::now();
    while Stream::try_open(&service, &first, "", "").await.status() != 200 {
        assert!(began.elapsed() < PATIENCE, "a stream that was closed gives its place back");
        service.verify(&sample("hold")).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn who_hangs_up_gives_its_place_back_at_once() {
    let service = start_with(|config| config.stream.streams_of_caller_max = 1);
    let officer = token("FR", "officer");
    for _ in 0..3 {
        let stream = Stream::open(&service, &officer, "", "").await;
        assert_eq!(Stream::try_open(&service, &officer, "", "").await.status(), 429);
        drop(stream);
        // Nothing happens that would be written to it, and a beat is far off.
        let began = Instant::now();
        while Stream::try_open(&service, &officer, "", "").await.status() != 200 {
            assert!(began.elapsed() < Duration::from_secs(8), "its place is free at once");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

#[tokio::test]
async fn who_comes_back_from_its_place_takes_its_own_seat_over() {
    let service = start_with(|config| config.stream.streams_of_caller_max = 2);
    let (officer, other) = (token("FR", "officer"), token_of("FR", "officer", "officer-2"));
    let mut lost = Stream::open(&service, &officer, "", "").await;
    let mut kept = Stream::open(&service, &officer, "", "").await;
    let place = lost.id.clone();
    assert_eq!(Stream::try_open(&service, &officer, "", "").await.status(), 429, "a new one");
    // The connection is lost and the service has not noticed: the reader comes back.
    let mut again = Stream::open(&service, &officer, "", &place).await;
    assert_eq!(lost.next().await, None);
    assert_eq!(lost.comments, ["its reader has come back"]);
    service.verify(&sample("hold")).await;
    assert!(again.next().await.is_some() && kept.next().await.is_some());
    assert_eq!(Stream::try_open(&service, &officer, "", "").await.status(), 429);
    let mut others = Stream::open(&service, &other, "", &place).await;
    assert!(others.next().await.is_some(), "a place is no key to another's seat");
    service.verify(&cartridges("FR-9", "60000")).await;
    assert!(again.next().await.is_some() && kept.next().await.is_some());
}

#[tokio::test]
async fn a_place_that_cannot_be_gone_on_from_is_refused() {
    let service = start_with(|config| config.stream.replay_events_max = 2);
    service.issue_sample().await;
    let officer = token("FR", "officer");
    let status = async |from: &str| {
        let refused = Stream::try_open(&service, &officer, "", from).await;
        let status = refused.status().as_u16();
        let code = if status == 200 {
            json!("")
        } else {
            refused.json::<Value>().await.unwrap()["code"].clone()
        };
        (status, code.as_str().unwrap().to_owned())
    };
    for bad in ["x", "1", "1.1~1.2", "-1.3"] {
        assert_eq!(status(bad).await, (400, "invalid_header".to_owned()), "{bad}");
    }
    assert_eq!(status("1.999999").await, (410, "gone".to_owned()), "another database's place");
    for n in 0..3 {
        assert_eq!(status("1.0").await.0, 200);
        service.verify(&held(&format!("FR-{n}"))).await;
    }
    assert_eq!(status("1.0").await, (410, "gone".to_owned()), "more than is replayed");
    let unknown = Stream::try_open(&service, &officer, "?status=open", "").await;
    assert_eq!(unknown.status(), 400, "a stream tells of every step");
}

/// Raises so many alerts at services in turn, by several officers at once; gives their verifications.
async fn raise(services: Vec<Arc<Service>>, count: usize, clients: usize) -> Vec<String> {
    let work = (0..clients).map(|client| {
        let services = services.clone();
        tokio::spawn(async move {
            let mut raised = Vec::new();
            for n in 0..count / clients {
                let service = &services[n % services.len()];
                let answer = service.verify(&held(&format!("FR-{client}-{n}"))).await;
                assert_eq!(answer.status, 201, "{}", answer.text);
                raised.push(answer.json()["id"].as_str().unwrap().to_owned());
            }
            raised
        })
    });
    let mut raised = Vec::new();
    for work in work.collect::<Vec<_>>() {
        raised.extend(work.await.unwrap());
    }
    raised
}

/// Reads until so many alerts have come, cut after a few events again and again, at services in turn;
/// gives each event's verification with the places of its id.
async fn read_cut(
    services: &[Arc<Service>],
    officer: &str,
    from: String,
    count: usize,
) -> Vec<(String, String)> {
    let (mut seen, mut place, mut cuts) = (Vec::new(), from, 0_usize);
    while seen.len() < count {
        let service = &services[cuts % services.len()];
        let mut stream = Stream::open(service, officer, "", &place).await;
        // Between nothing at all and a few dozen events, then the connection goes away.
        for _ in 0..(cuts * 7) % 41 {
            if seen.len() == count {
                break;
            }
            let event = stream.next().await.unwrap_or_else(|| panic!("the stream goes on"));
            let told = event.json();
            seen.push((told["alert"]["verification"].as_str().unwrap().to_owned(), event.id));
        }
        // A reader comes back with the last id that it has worked on, not with one on its way.
        place = seen.last().map_or(stream.id.clone(), |(_, id)| id.clone());
        cuts += 1;
    }
    assert!(cuts > count / 41, "{cuts}");
    seen
}

/// Each log's index only ever grows.
fn assert_in_order(seen: &[(String, String)]) {
    let mut reached: HashMap<String, i64> = HashMap::new();
    for (_, id) in seen {
        let mut moved = 0;
        for part in id.split('~') {
            let (log, index) = part.split_once('.').unwrap();
            let index: i64 = index.parse().unwrap();
            let before = reached.insert(log.to_owned(), index).unwrap_or_default();
            assert!(index >= before, "{id}");
            moved += i32::from(index > before);
        }
        assert!(moved >= 1, "{id}");
    }
}

async fn exactly_once(services: Vec<Arc<Service>>, count: usize) {
    services[0].issue_sample().await;
    let officer = token("FR", "officer");
    let from = Stream::open(&services[0], &officer, "", "").await.id.clone();
    let raising = tokio::spawn(raise(services.clone(), count, 8));
    let seen = read_cut(&services, &officer, from, count).await;
    let mut raised = raising.await.unwrap();
    assert_in_order(&seen);
    let mut told: Vec<String> = seen.into_iter().map(|(verification, _)| verification).collect();
    raised.sort_unstable();
    told.sort_unstable();
    assert_eq!(told, raised, "each once, and no other");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_alerts_reach_a_reader_that_is_cut_again_and_again_once_each() {
    exactly_once(vec![Arc::new(start())], 2000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_goes_from_node_to_node_misses_and_repeats_nothing() {
    // The embedded database has one node; several share a server.
    if !support::on_postgres() {
        return;
    }
    let first = start();
    let url = first.database_url.clone();
    let second = start_with(|config| {
        config.node.origin = "passavant.example/second".to_owned();
        config.database.url = url;
    });
    exactly_once(vec![Arc::new(first), Arc::new(second)], 2000).await;
}
