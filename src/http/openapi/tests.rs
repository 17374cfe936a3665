//! The description against the route table.
use super::*;
use std::collections::HashSet;

fn operations() -> impl Iterator<Item = (&'static Route, Value)> {
    let document: Value = serde_json::from_str(json()).unwrap();
    ROUTES.iter().map(move |route| {
        let path = route.path.replace(":.*}", "}");
        (route, document["paths"][path][route.method.to_lowercase()].clone())
    })
}

#[test]
fn every_route_stands_with_its_roles_under_a_name_of_its_own() {
    let mut names = HashSet::new();
    for (route, operation) in operations() {
        let roles: Vec<&str> = route.roles.iter().map(|role| role.as_str()).collect();
        assert_eq!(operation["x-roles"], json!(roles), "{} {}", route.method, route.path);
        let name = operation["operationId"].as_str().unwrap().to_owned();
        assert!(names.insert(name), "{operation}");
    }
}

#[test]
fn every_parameter_of_a_path_is_described() {
    for (route, operation) in operations() {
        let described = operation["parameters"].as_array().unwrap().iter();
        let described = described.filter(|parameter| parameter["in"] == "path").count();
        assert_eq!(described, route.path.matches('{').count(), "{}", route.path);
    }
}

#[test]
fn a_release_needs_its_key_and_may_be_refused_with_the_findings() {
    let (_, release) = operations()
        .find(|(route, _)| (route.method, route.path) == ("POST", "/v1/releases"))
        .unwrap();
    let parameters = release["parameters"].as_array().unwrap();
    let key = parameters.iter().find(|key| key["name"] == "Idempotency-Key").unwrap();
    assert_eq!(key["required"], true);
    assert!(release["responses"]["201"].is_object() && release["responses"]["409"].is_object());
}
