//! Rego in `regorus`: one evaluation a declaration.
use crate::Engine;
use regorus::Value as Data;
use serde_json::Value;
use std::error::Error;

const POLICY: &str = include_str!("policy.rego");

/// The interpreter with the policy.
pub struct Rego(regorus::Engine);

impl Rego {
    /// Reads the policy.
    pub fn new() -> Result<Self, Box<dyn Error>> {
        let mut engine = regorus::Engine::new();
        engine.add_policy("policy.rego".to_owned(), POLICY.to_owned())?;
        Ok(Self(engine))
    }
}

impl Engine for Rego {
    fn decide(
        &mut self,
        declaration: Value,
        licences: Value,
    ) -> Result<&'static str, Box<dyn Error>> {
        let input = serde_json::json!({"declaration": declaration, "licences": licences});
        self.0.set_input(Data::from(input));
        let reasons = self.0.eval_rule("data.passavant.reasons".to_owned())?;
        let reasons = reasons.as_set()?;
        let mut words = Vec::with_capacity(reasons.len());
        for reason in reasons {
            words.push(reason.as_string()?.as_ref());
        }
        Ok(crate::verdict(words))
    }
}
