//! `cedar-policy`: one request for each licence line that an item quotes, twelve a declaration. What has to
//! be added up or looked up is done before, for the language does neither.
use crate::Engine;
use cedar_policy::Authorizer;
use cedar_policy::Context;
use cedar_policy::Entities;
use cedar_policy::EntityUid;
use cedar_policy::PolicySet;
use cedar_policy::Request;
use cedar_policy::RestrictedExpression;
use serde_json::Value;
use std::collections::HashMap;
use std::error::Error;

const POLICIES: &str = include_str!("policies.cedar");

/// The authorizer with its policies.
pub struct Cedar {
    authorizer: Authorizer,
    policies: PolicySet,
    entities: Entities,
    who: EntityUid,
    action: EntityUid,
    what: EntityUid,
}

impl Cedar {
    /// Reads the policies; each is called by its annotation.
    pub fn new() -> Result<Self, Box<dyn Error>> {
        let mut policies = PolicySet::new();
        for policy in POLICIES.parse::<PolicySet>()?.policies() {
            let name = policy.annotation("id").ok_or("a policy without a name")?;
            policies.add(policy.new_id(name.parse()?))?;
        }
        Ok(Self {
            authorizer: Authorizer::new(),
            policies,
            entities: Entities::empty(),
            who: "Declarant::\"any\"".parse()?,
            action: "Action::\"move\"".parse()?,
            what: "Goods::\"any\"".parse()?,
        })
    }
}

fn text(value: &Value) -> RestrictedExpression {
    RestrictedExpression::new_string(value.as_str().unwrap_or_default().to_owned())
}

fn folded(value: &Value) -> RestrictedExpression {
    RestrictedExpression::new_string(value.as_str().unwrap_or_default().to_uppercase())
}

fn six(value: &Value) -> RestrictedExpression {
    let code = value.as_str().unwrap_or_default();
    RestrictedExpression::new_string(code.get(..6).unwrap_or(code).to_owned())
}

fn texts(value: &Value) -> RestrictedExpression {
    RestrictedExpression::new_set(value.as_array().into_iter().flatten().map(text))
}

/// A date as a number that compares.
fn day(value: &Value) -> RestrictedExpression {
    let digits = value.as_str().unwrap_or_default().bytes().take(10).filter(u8::is_ascii_digit);
    RestrictedExpression::new_long(digits.fold(0, |day, digit| day * 10 + i64::from(digit - b'0')))
}

fn quantity(value: &Value) -> i64 {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or(i64::MAX)
}

/// What items and lines are compared by.
fn goods(of: &Value) -> Result<RestrictedExpression, Box<dyn Error>> {
    Ok(RestrictedExpression::new_record([
        ("category".to_owned(), text(&of["category"])),
        ("hs".to_owned(), six(&of["hs"])),
        ("calibre".to_owned(), folded(&of["calibre"])),
        ("make".to_owned(), folded(&of["make"])),
        ("model".to_owned(), folded(&of["model"])),
        ("unit".to_owned(), text(&of["unit"])),
        ("serials".to_owned(), texts(&of["serials"])),
    ])?)
}

/// What declarations and licences are compared by.
fn papers(of: &Value) -> Vec<(String, RestrictedExpression)> {
    vec![
        ("country_of_export".to_owned(), text(&of["country_of_export"])),
        ("country_of_import".to_owned(), text(&of["country_of_import"])),
        ("exporter".to_owned(), text(&of["exporter"]["id"])),
        ("consignee".to_owned(), text(&of["consignee"]["id"])),
        ("final_recipient".to_owned(), text(&of["final_recipient"]["id"])),
    ]
}

impl Engine for Cedar {
    fn decide(
        &mut self,
        declaration: Value,
        licences: Value,
    ) -> Result<&'static str, Box<dyn Error>> {
        let items = declaration["items"].as_array().ok_or("no items")?;
        let quotes = || {
            items.iter().flat_map(|item| {
                item["licences"].as_array().into_iter().flatten().map(move |quote| (item, quote))
            })
        };
        let mut wanted: HashMap<(&str, i64), i64> = HashMap::new();
        for (item, quote) in quotes() {
            let line = (
                quote["number"].as_str().unwrap_or_default(),
                quote["line"].as_i64().unwrap_or_default(),
            );
            *wanted.entry(line).or_default() += quantity(&item["quantity"]);
        }
        let mut reasons: Vec<String> = Vec::new();
        for (item, quote) in quotes() {
            let number = quote["number"].as_str().unwrap_or_default();
            let Some(licence) = licences.get(number) else {
                reasons.push("b_licence_not_found".to_owned());
                continue;
            };
            let lines = licence["lines"].as_array().ok_or("no lines")?;
            let Some(line) = lines.iter().find(|line| line["line"] == quote["line"]) else {
                reasons.push("b_line_not_found".to_owned());
                continue;
            };
            let mut declared = papers(&declaration);
            declared.push(("day".to_owned(), day(&declaration["accepted_at"])));
            declared.push(("border_post".to_owned(), text(&declaration["border_post"])));
            let mut licensed = papers(licence);
            licensed.push(("from".to_owned(), day(&licence["valid_from"])));
            licensed.push(("until".to_owned(), day(&licence["valid_until"])));
            licensed.push(("border_posts".to_owned(), texts(&licence["border_posts"])));
            let taken = wanted
                .get(&(number, quote["line"].as_i64().unwrap_or_default()))
                .copied()
                .unwrap_or_default();
            let context = Context::from_pairs([
                ("declared".to_owned(), RestrictedExpression::new_record(declared)?),
                ("licensed".to_owned(), RestrictedExpression::new_record(licensed)?),
                ("item".to_owned(), goods(item)?),
                ("line".to_owned(), goods(line)?),
                ("wanted".to_owned(), RestrictedExpression::new_long(taken)),
                (
                    "available".to_owned(),
                    RestrictedExpression::new_long(quantity(&line["quantity"])),
                ),
            ])?;
            let request = Request::new(
                self.who.clone(),
                self.action.clone(),
                self.what.clone(),
                context,
                None,
            )?;
            let response = self.authorizer.is_authorized(&request, &self.policies, &self.entities);
            if let Some(error) = response.diagnostics().errors().next() {
                return Err(error.to_string().into());
            }
            reasons.extend(
                response
                    .diagnostics()
                    .reason()
                    .map(ToString::to_string)
                    .filter(|name| name != "permitted"),
            );
        }
        Ok(crate::verdict(reasons.iter().map(String::as_str)))
    }
}
