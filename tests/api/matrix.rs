//! Every route by every role of every State: who is let in is what the route table says.
use super::harness::*;
use passavant::app::Role;
use passavant::http::ROUTES;
use reqwest::Method;

fn concrete(path: &str) -> String {
    path.replace("{id}", "019a0000-0000-7000-8000-000000000000")
        .replace("{number}", "NO-SUCH-LICENCE")
        .replace("{decision}", "suspension")
        .replace("{path:.*}", "0/000")
        .replace("{log:.*}", "no.such/log")
        .replace("{index}", "0")
        .replace("{post}", "FRLEH")
        .replace("{ucr}", "6FR00000000000000-NONE")
}

#[tokio::test]
async fn roles_are_let_in_as_the_table_says() {
    let service = start();
    for route in ROUTES {
        let method: Method = route.method.parse().unwrap();
        let path = concrete(route.path);
        for role in Role::ALL {
            for state in STATES {
                let token = token(state, role.as_str());
                let body = (method != Method::GET).then(|| "{}".to_owned());
                let headers = [("Idempotency-Key", "matrix"), ("If-Match", "\"1\"")];
                let answer = service.send(method.clone(), &path, &token, &headers, body).await;
                let case = format!(
                    "{method} {path} as {} of {state}: {} {}",
                    role.as_str(),
                    answer.status,
                    answer.text
                );
                if route.roles.contains(&role) {
                    assert!(!matches!(answer.status, 401 | 500..), "{case}");
                    let own_rule = route.path == "/v1/lists" && method == Method::PUT;
                    assert!(answer.status != 403 || own_rule, "{case}");
                } else {
                    assert_eq!(answer.status, 403, "{case}");
                }
            }
        }
        let answer = service
            .send(method.clone(), &path, "", &[], (method != Method::GET).then(|| "{}".to_owned()))
            .await;
        assert!(
            matches!(answer.status, 401 | 429),
            "{method} {path} without a token: {}",
            answer.status
        );
    }
}

#[tokio::test]
async fn another_state_s_licence_is_not_there() {
    let service = start();
    service.issue_sample().await;
    let read = async |state: &str, role: &str| {
        service.get(&format!("/v1/licences/{EXPORT}"), &token(state, role)).await.status
    };
    assert_eq!(read("FR", "authority").await, 200);
    assert_eq!(read("KE", "authority").await, 200, "it is named on it");
    assert_eq!(read("KE", "officer").await, 200);
    assert_eq!((read("DE", "authority").await, read("DE", "officer").await), (404, 404));
    let foreign = service.get(&format!("/v1/licences/{EXPORT}"), &token("DE", "authority")).await;
    let absent = service.get("/v1/licences/NO-SUCH-LICENCE", &token("DE", "authority")).await;
    assert_eq!(foreign.text, absent.text, "nothing tells them apart");
    for path in ["ledger", "versions"] {
        let path = format!("/v1/licences/{EXPORT}/{path}");
        assert_eq!(service.get(&path, &token("KE", "authority")).await.status, 404, "{path}");
    }
    let path = format!("/v1/licences/{EXPORT}/revocation");
    let body = serde_json::json!({"reason": "x"});
    assert_eq!(service.post(&path, &token("KE", "authority"), &body).await.status, 404);
    let own = service.get("/v1/licences", &token("KE", "authority")).await.json();
    assert_eq!(own["items"].as_array().unwrap().len(), 1);
}
