//! What has happened at a State's posts in the last day: verdicts and alerts by hour and post, and the
//! reasons most often found.
use super::App;
use super::Caller;
use super::Error;
use super::Role;
use crate::domain::Timestamp;
use crate::storage;
use crate::storage::Db;
use crate::storage::alerts::Whose;
use serde::Serialize;
use std::collections::BTreeMap;

/// Hours looked back upon.
pub const HOURS: i64 = 24;
/// Most verdicts and most alerts looked at, the latest first.
pub const LOOKED_AT_MAX: i64 = 50_000;
/// Reasons listed.
const REASONS_MAX: usize = 8;
/// Seconds of an hour.
const HOUR_S: i64 = 3600;

/// What was counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Verdicts that cleared.
    pub clear: u64,
    /// Verdicts that referred.
    pub refer: u64,
    /// Verdicts that held.
    pub hold: u64,
    /// Alerts raised.
    pub alerts: u64,
}

impl Count {
    fn add(&mut self, outcome: &str) {
        match outcome {
            "clear" => self.clear += 1,
            "refer" => self.refer += 1,
            _ => self.hold += 1,
        }
    }

    /// All verdicts.
    pub fn verdicts(&self) -> u64 {
        self.clear + self.refer + self.hold
    }
}

/// The last day.
#[derive(Debug, Serialize)]
pub struct Overview {
    /// Hour by hour, the oldest first: when each began, and what was counted.
    pub hours: Vec<(String, Count)>,
    /// Post by post.
    pub posts: BTreeMap<String, Count>,
    /// All of it.
    pub total: Count,
    /// Codes with how often alerts named them, the most frequent first.
    pub reasons: Vec<(String, u64)>,
    /// Whether there was more than is looked at.
    pub is_cut: bool,
}

impl App {
    /// The last day at the caller's posts; an authority sees all of its State.
    pub async fn overview(&self, caller: &Caller) -> Result<Overview, Error> {
        let now_s = self.clock.now().as_second();
        let first_s = (now_s.div_euclid(HOUR_S) - (HOURS - 1)) * HOUR_S;
        let state = caller.state.to_string();
        let whose = match caller.role {
            Role::Authority => Whose::Authority,
            Role::Officer | Role::Carrier | Role::Auditor | Role::Admin | Role::Register => {
                Whose::Posts(caller.posts.iter().map(ToString::to_string).collect())
            }
        };
        let read = move |db: &mut Db| {
            let (first_id, most) = (first_id(first_s), LOOKED_AT_MAX);
            let verdicts = storage::figures::verdicts(db, &state, &whose, &first_id, most)?;
            let since_us = first_s * 1_000_000;
            let alerts = storage::figures::alerts(db, &state, &whose, since_us, most)?;
            Ok::<_, Error>((verdicts, alerts))
        };
        let (verdicts, alerts) = self.readers.read(read).await?;
        counted(first_s, &verdicts, &alerts)
    }
}

/// The first identifier that a verdict of a second may have.
fn first_id(second: i64) -> Vec<u8> {
    let ms = u64::try_from(second).unwrap_or_default().saturating_mul(1000);
    let [_, _, time @ ..] = ms.to_be_bytes();
    [time.as_slice(), [0; 10].as_slice()].concat()
}

fn counted(
    first_s: i64,
    verdicts: &[storage::figures::Verdict],
    alerts: &[storage::figures::Alert],
) -> Result<Overview, Error> {
    let hour_of = |at_us: i64| at_us.div_euclid(HOUR_S * 1_000_000) * HOUR_S;
    let mut hours: BTreeMap<i64, Count> =
        (0..HOURS).map(|hour| (first_s + hour * HOUR_S, Count::default())).collect();
    let (mut posts, mut total) = (BTreeMap::<String, Count>::new(), Count::default());
    for (post, outcome, at_us) in verdicts {
        let Some(hour) = hours.get_mut(&hour_of(*at_us)) else { continue };
        hour.add(outcome);
        posts.entry(post.clone()).or_default().add(outcome);
        total.add(outcome);
    }
    let mut reasons = BTreeMap::<String, u64>::new();
    for (post, codes, at_us) in alerts {
        let Some(hour) = hours.get_mut(&hour_of(*at_us)) else { continue };
        hour.alerts += 1;
        total.alerts += 1;
        if let Some(post) = post {
            posts.entry(post.clone()).or_default().alerts += 1;
        }
        let codes: Vec<String> = serde_json::from_str(codes)
            .map_err(|error| Error::Internal(format!("an alert's codes: {error}")))?;
        for code in codes {
            *reasons.entry(code).or_default() += 1;
        }
    }
    let mut reasons: Vec<(String, u64)> = reasons.into_iter().collect();
    reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    reasons.truncate(REASONS_MAX);
    let began =
        |second: i64| Timestamp::from_second(second).map(|at| at.to_string()).unwrap_or_default();
    let most = usize::try_from(LOOKED_AT_MAX).unwrap_or(usize::MAX);
    Ok(Overview {
        hours: hours.into_iter().map(|(second, count)| (began(second), count)).collect(),
        posts,
        total,
        reasons,
        is_cut: verdicts.len() >= most || alerts.len() >= most,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_falls_into_the_day_is_counted_by_hour_and_post_and_nothing_else_is() {
        let first_s = 1_700_000_000_i64.div_euclid(HOUR_S) * HOUR_S;
        let at = |s: i64| (first_s + s) * 1_000_000;
        let verdict =
            |post: &str, outcome: &str, s: i64| (post.to_owned(), outcome.to_owned(), at(s));
        let verdicts = [
            verdict("FRLEH", "clear", 0),
            verdict("FRLEH", "hold", HOUR_S - 1),
            verdict("FRMRS", "refer", HOUR_S),
            verdict("FRMRS", "clear", -1),
            verdict("FRMRS", "clear", HOURS * HOUR_S),
        ];
        let codes = |list: &str, s: i64| (Some("FRLEH".to_owned()), list.to_owned(), at(s));
        let alerts = [codes(r#"["B","A"]"#, 5), codes(r#"["A"]"#, HOUR_S), codes(r#"["C"]"#, -9)];
        let overview = counted(first_s, &verdicts, &alerts).unwrap();
        assert_eq!(overview.hours.len(), 24);
        let [(_, first), (_, second), ..] = overview.hours.as_slice() else { panic!() };
        assert_eq!((first.clear, first.hold, first.alerts), (1, 1, 1));
        assert_eq!((second.refer, second.alerts), (1, 1));
        assert_eq!((overview.total.verdicts(), overview.total.alerts), (3, 2));
        assert_eq!(overview.posts["FRLEH"].alerts, 2);
        assert_eq!(overview.reasons, [("A".to_owned(), 2), ("B".to_owned(), 1)]);
        assert!(!overview.is_cut);
    }

    #[test]
    fn an_identifier_of_the_second_is_not_before_its_first_one() {
        use crate::clock::Ids;
        let at = Timestamp::from_second(1_700_000_000).unwrap();
        let id = crate::clock::SystemIds.uuid(at);
        assert!(id.as_bytes().as_slice() >= first_id(1_700_000_000).as_slice());
        assert!(id.as_bytes().as_slice() < first_id(1_700_000_001).as_slice());
    }
}
