//! The States whose borders are one: the Union is a single customs territory, so that what was released at one
//! Member State's post has been released for the others (UCC 173, 174).
use crate::domain::Country;
use crate::domain::Date;
use crate::domain::Timestamp;
use crate::domain::calendar::utc_day;
use crate::domain::lists::Lists;
use std::sync::Arc;

/// A State with those whose customs territory it shares on a day.
#[derive(Debug, Clone)]
pub struct Territory {
    state: Country,
    lists: Arc<Lists>,
    day: Date,
}

impl Territory {
    /// By the lists in force at an instant.
    pub fn new(state: Country, lists: &Arc<Lists>, now: Timestamp) -> Self {
        Self { state, lists: Arc::clone(lists), day: utc_day(now) }
    }

    /// The State whose post asks.
    pub fn state(&self) -> Country {
        self.state
    }

    /// Whether another State's border is this one's too.
    pub fn includes(&self, other: &str) -> bool {
        other == self.state.as_str()
            || (self.is_member(self.state)
                && Country::parse(other).is_ok_and(|other| self.is_member(other)))
    }

    /// All of them, by their codes.
    pub fn states(&self) -> Vec<&str> {
        let mut states = vec![self.state.as_str()];
        if self.is_member(self.state) {
            let others = self.lists.states.keys();
            let others = others.filter(|other| **other != self.state && self.is_member(**other));
            states.extend(others.map(Country::as_str));
        }
        states
    }

    fn is_member(&self, state: Country) -> bool {
        self.lists.is_european_union(state, self.day)
    }
}
