//! What the officer's pages say and lead to, in the cases in which somebody would be misled.
use super::console::FORM;
use super::console::OWN;
use super::console::form_token;
use super::console::session;
use super::console::with_console;
use super::harness::*;
use reqwest::Method;
use serde_json::Value;
use serde_json::json;

/// An officer in front of the pages.
struct Person<'a> {
    service: &'a Service,
    cookie: String,
}

impl Person<'_> {
    async fn opens(&self, path: &str) -> Answer {
        let headers = [("Cookie", &*self.cookie)];
        plain(self.service.send(Method::GET, path, "", &headers, None).await)
    }

    /// Sends a form; leads to the page that it names.
    async fn sends(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let form = form_token();
        let own = [("form", &*form), ("key", "0123456789")];
        let fields = own.iter().chain(fields);
        let sent = reqwest::Url::parse_with_params("http://form/", fields).unwrap();
        let headers = [("Cookie", &*self.cookie), FORM, OWN];
        let body = sent.query().map(str::to_owned);
        let answer = self.service.send(Method::POST, path, "", &headers, body).await;
        match answer.header("location").to_owned() {
            to if to.is_empty() => plain(answer),
            to => self.opens(&to).await,
        }
    }
}

/// Slashes are escaped in attributes; a reader of this file need not mind.
fn plain(answer: Answer) -> Answer {
    Answer { text: answer.text.replace("&#x2f;", "/").replace("&#x27;", "'"), ..answer }
}

fn officer<'a>(service: &'a Service, subject: &str) -> Person<'a> {
    Person { service, cookie: session(&token_of("FR", "officer", subject)) }
}

fn says(page: &Answer, words: &[&str]) {
    for word in words {
        assert!(page.text.contains(word), "{word}: {} {}", page.status, page.text);
    }
}

fn does_not_say(page: &Answer, words: &[&str]) {
    for word in words {
        assert!(!page.text.contains(word), "{word}: {} {}", page.status, page.text);
    }
}

#[tokio::test]
async fn goods_released_a_moment_ago_are_not_shown_as_if_others_might_go() {
    let service = with_console();
    service.issue_sample().await;
    let desk = officer(&service, "officer-1");
    let released = service.release(&sample("clear"), "k").await.json();
    let reference = released["declaration"].as_str().unwrap();
    let page = desk.sends("/console/scan", &[("q", reference)]).await;
    says(&page, &[r#"data-verdict="already""#, "Already released", "FRLEH"]);
    let verdict = format!("/console/verifications/{}", released["verification"].as_str().unwrap());
    let to_release = format!(r#"href="{verdict}/release""#);
    does_not_say(&page, &["Clear<", "You may release", &to_release, "data-stop>"]);
    // Who goes back to the form of the release is told the same.
    let back = desk.opens(&format!("{verdict}/release")).await;
    says(&back, &["Already released", released["id"].as_str().unwrap()]);
    does_not_say(&back, &["no longer clear", "data-release"]);
    // Judged again, it is what the rules say now.
    let again = desk.sends(&format!("{verdict}/again"), &[]).await;
    says(&again, &[r#"data-verdict="hold""#, "MRN_ALREADY_USED"]);
}

async fn asked(service: &Service, declaration: &Value) -> Value {
    let verification = service.verify(declaration).await.json();
    let reason = json!({"reason": "agreed by telephone, note 77"});
    let body = json!({"verification": verification["id"], "override": reason});
    service.post_once("/v1/releases", &token("FR", "officer"), "ask", &body).await.json()
}

#[tokio::test]
async fn a_second_officer_sees_what_there_is_to_consent_to_and_may_refuse() {
    let service = with_console();
    service.issue_sample().await;
    assert_eq!(service.release(&cartridges("FR-1", "49000"), "k").await.status, 201);
    let asked = asked(&service, &cartridges("FR-2", "3000")).await;
    let path = format!("/console/releases/{}", asked["id"].as_str().unwrap());
    let (second, by) = (officer(&service, "officer-2"), token("FR", "officer"));
    let page = second.opens(&path).await;
    says(&page, &["data-consent", "data-refuse", "data-asked-by", "Savannah Outfitters Ltd"]);
    // The goods, what is drawn of which line, and what no licence covers, before the act.
    let act = page.text.find("data-consent").unwrap();
    for figure in [r#"value="3000""#, r#"value="1000""#, r#"value="2000""#, "Rifle cartridges"] {
        let at = page.text.find(figure);
        assert!(at.is_some_and(|at| at < act), "{figure}: {}", page.text);
    }
    let own = Person { service: &service, cookie: session(&by) }.opens(&path).await;
    does_not_say(&own, &["data-consent"]);
    says(&own, &["data-take-back"]);
    // Without a reason the page comes back, and says so.
    let blank =
        second.sends(&format!("{path}/reversal"), &[("reason", "  "), ("version", "1")]).await;
    assert_eq!(blank.status, 400);
    says(&blank, &["data-refuse", "aria-invalid"]);
    let fields = [("reason", "the consignee denies it"), ("version", "1")];
    let refused = second.sends(&format!("{path}/reversal"), &fields).await;
    says(&refused, &["the consignee denies it"]);
    does_not_say(&refused, &["data-consent"]);
    let read = service.get(&path.replace("/console", "/v1"), &by).await.json();
    assert_eq!(read["status"], "reversed");
}

#[tokio::test]
async fn what_left_without_a_licence_is_on_the_page_of_its_release() {
    let service = with_console();
    service.issue_sample().await;
    let asked = asked(&service, &cartridges("FR-2", "53000")).await;
    let path = format!("/console/releases/{}/confirmation", asked["id"].as_str().unwrap());
    let page = officer(&service, "officer-2").sends(&path, &[("note", "seen")]).await;
    says(&page, &[r#"data-verdict="released""#, "data-beyond", r#"value="3000""#]);
}

#[tokio::test]
async fn an_exit_is_recorded_by_the_consignment_s_reference_alone() {
    let service = with_console();
    service.issue_sample().await;
    let desk = officer(&service, "officer-1");
    let declaration = cartridges("FR-1", "10");
    let ucr = declaration["ucr"].as_str().unwrap();
    assert_eq!(service.release(&declaration, "k").await.status, 201);
    let now =
        service.verify(&declaration).await.json()["evaluated_at"].as_str().unwrap().to_owned();
    let left = |release: Option<String>| {
        let mut fields = vec![
            ("direction", "exit".to_owned()),
            ("/ucr", ucr.to_owned()),
            ("/border_post", "FRLEH".to_owned()),
            ("at", now.clone()),
        ];
        fields.extend(release.map(|id| ("/release", id)));
        fields
    };
    let sends = async |fields: Vec<(&str, String)>| {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(k, v)| (*k, v.as_str())).collect();
        desk.sends("/console/crossings", &fields).await
    };
    let page = sends(left(None)).await;
    assert_eq!(page.status, 200, "{}", page.text);
    says(&page, &["The crossing is recorded"]);
    // Of several, the one that left is chosen.
    let mut ids = Vec::new();
    for reference in ["FR-2", "FR-3"] {
        let released = service.release(&cartridges(reference, "10"), reference).await.json();
        ids.push(released["id"].as_str().unwrap().to_owned());
    }
    let mut fields = left(None);
    fields[3].1 =
        service.verify(&declaration).await.json()["evaluated_at"].as_str().unwrap().into();
    let choice = sends(fields.clone()).await;
    assert_eq!(choice.status, 400, "{}", choice.text);
    says(&choice, &["FR-2", "FR-3", r#"name="/release""#, r#"id="/release""#]);
    let begun = desk.opens(&format!("/console/crossings?ucr={ucr}")).await;
    says(&begun, &["FR-2", "FR-3"]);
    fields.push(("/release", ids[1].clone()));
    let page = sends(fields).await;
    assert_eq!(page.status, 200, "{}", page.text);
    let rest = desk.opens(&format!("/console/crossings?ucr={ucr}")).await;
    does_not_say(&rest, &["FR-3"]);
}

#[tokio::test]
async fn a_scan_that_is_too_long_is_said_and_kept() {
    let service = with_console();
    let long = "X".repeat(101);
    let page = officer(&service, "officer-1").sends("/console/scan", &[("q", &long)]).await;
    assert_eq!(page.status, 400, "{}", page.text);
    says(&page, &["101 characters", &format!(r#"value="{long}""#)]);
}

#[tokio::test]
async fn what_is_wrong_with_a_form_is_named_by_its_words() {
    let service = with_console();
    service.issue_sample().await;
    let desk = officer(&service, "officer-1");
    let fields = [("/reference/value", "X"), ("/border_post", "FRLEH"), ("/items/0/unit", "C62")];
    let page = desk.sends("/console/declaration", &fields).await;
    assert_eq!(page.status, 400);
    says(
        &page,
        &[r##"<a href="#/movement">Movement</a>"##, "Item 1 · Quantity", "Kind of reference"],
    );
    does_not_say(&page, &["<code>/movement</code>"]);
    // A reason of blanks leads back to the form that lacks it.
    let verification = service.verify(&sample("refer")).await.json();
    let path = format!("/console/verifications/{}/override", verification["id"].as_str().unwrap());
    let page = desk.sends(&path, &[("reason", "   ")]).await;
    assert_eq!(page.status, 400, "{}", page.text);
    says(&page, &["data-ask", "aria-invalid", "required"]);
}

#[tokio::test]
async fn a_form_that_lacks_something_comes_back_with_what_is_wrong() {
    let service = with_console();
    service.issue_sample().await;
    let long = "x".repeat(501);
    let desk = officer(&service, "officer-1");
    let person = |token: &str| Person { service: &service, cookie: session(token) };
    let authority = person(&token("FR", "authority"));
    let carrier = person(&token("FR", "carrier"));
    let cleared = service.verify(&sample("clear")).await.json();
    let verdict = format!("/console/verifications/{}", cleared["id"].as_str().unwrap());
    let referred = service.verify(&sample("refer")).await.json();
    let alerts = service.get("/v1/alerts", &token("FR", "officer")).await.json();
    let alert = alerts["items"][0]["id"].as_str().unwrap();
    let case = format!("/console/alerts/{alert}");
    service
        .post(&format!("/v1/alerts/{alert}/referral"), &token("FR", "officer"), &json!({}))
        .await;
    let asked = service.get("/v1/alerts?kind=referral", &token("FR", "authority")).await.json();
    let referral = format!("/console/alerts/{}", asked["items"][0]["id"].as_str().unwrap());
    let body = json!({"verification": referred["id"], "override": {"reason": "the ship leaves"}});
    let asking = token_of("FR", "officer", "officer-2");
    let waiting = service.post_once("/v1/releases", &asking, "k", &body).await.json();
    let waiting = format!("/console/releases/{}", waiting["id"].as_str().unwrap());
    let licence = format!("/console/licences/{EXPORT}");
    let body = json!({"declaration": cartridges("FR-9", "1")});
    let lodged = service.post("/v1/preclearances", &token("FR", "carrier"), &body).await.json();
    let shipment = format!("/console/shipments/{}", lodged["id"].as_str().unwrap());
    let (blank, much) = (("reason", "  "), ("reason", &*long));
    let note = ("note", &*long);
    let forms = [
        (&desk, format!("{verdict}/stoppage"), vec![blank, ("measure", "hold")], "reason-fault"),
        (&desk, format!("{verdict}/stoppage"), vec![much, ("measure", "hold")], "reason-fault"),
        (&desk, format!("{verdict}/stoppage"), vec![("reason", "a smell")], "class=\"fault\""),
        (&desk, format!("{case}/acknowledgement"), vec![note], "note-fault"),
        (&desk, format!("{case}/resolution"), vec![note, ("outcome", "refused")], "note-fault"),
        (&desk, format!("{case}/resolution"), vec![("note", "x")], "class=\"fault\""),
        (&desk, format!("{case}/referral"), vec![note], "note-fault"),
        (
            &authority,
            format!("{referral}/decision"),
            vec![blank, ("decision", "refuse")],
            "reason-fault",
        ),
        (&desk, format!("{waiting}/confirmation"), vec![note], "note-fault"),
        (
            &authority,
            format!("{licence}/decision"),
            vec![blank, ("decision", "suspension"), ("version", "1")],
            "reason-fault",
        ),
        (&carrier, format!("{shipment}/withdrawal"), vec![much], "reason-fault"),
    ];
    for (person, path, fields, fault) in forms {
        let page = person.sends(&path, &fields).await;
        assert_eq!(page.status, 400, "{path}: {}", page.text);
        let form = format!("action=\"{path}\"");
        let form = if path.ends_with("/stoppage") || !path.starts_with("/console/alerts") {
            form
        } else {
            "data-inplace".to_owned()
        };
        says(&page, &[&form, fault]);
    }
}
