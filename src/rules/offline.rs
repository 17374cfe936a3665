//! Section 3M: a post that is cut off from the register judges on a signed snapshot, and releases no more
//! than was set aside for it beforehand.
use super::CLOCK_DIFFERENCE_S;
use super::Case;
use super::Code;
use super::Findings;
use super::case::ItemCase;
use crate::domain::Text;
use crate::domain::Timestamp;
use crate::domain::serial::Serial;

/// What a post that is cut off rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offline {
    /// The post.
    pub post: Text,
    /// When its snapshot was taken.
    pub as_of: Timestamp,
    /// When it ends.
    pub until: Timestamp,
    /// The licences quoted of which something was set aside for it.
    pub licences: Vec<Text>,
    /// The firearms declared that were not, with their items.
    pub unknown: Vec<(u32, Serial)>,
}

/// A declared firearm that is set aside for a post that may be cut off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// The item's number.
    pub item: u32,
    /// The serial.
    pub serial: Serial,
    /// The post.
    pub post: Text,
}

impl Offline {
    /// How old the snapshot is; `None` where the clock says that it has not been taken yet.
    pub fn age_ms(&self, now: Timestamp) -> Option<u64> {
        let age_ms = now.as_millisecond().saturating_sub(self.as_of.as_millisecond());
        if age_ms < -CLOCK_DIFFERENCE_S * 1000 {
            return None;
        }
        Some(u64::try_from(age_ms).unwrap_or_default())
    }

    /// Whether it may still be judged on.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.age_ms(now).is_some() && now < self.until
    }

    fn covers(&self, number: &Text) -> bool {
        self.licences.contains(number)
    }
}

/// 118 OFFLINE_VERDICT: the verdict was given by a post that was cut off from the register, on a signed
/// snapshot; it says of when. What has been decided since, such as a revocation, is not in it: the snapshot's
/// end bounds for how long, after it nothing clears any more (rule 13), and what was released meanwhile is
/// judged again on the register's own rows when the post returns.
pub(super) fn offline_verdict(case: &Case<'_>, findings: &mut Findings) {
    let Some(offline) = &case.facts.offline else { return };
    let finding = findings.add(Code::OfflineVerdict).at("/border_post").declared(offline.as_of);
    finding.licensed(offline.until).says(format_args!(
        "{} is cut off and judges on a snapshot of {}, {} s old, which ends at {}",
        offline.post,
        offline.as_of,
        offline.age_ms(case.now).unwrap_or_default() / 1000,
        offline.until
    ));
}

/// 120 NOT_SET_ASIDE: a post that is cut off clears only what was set aside for it: each item draws upon a
/// licence of which it has an allowance, and each firearm is one of those that nobody else may release
/// meanwhile. Of anything else it cannot know what has become of it, which is no reason to hold it and none to
/// clear it. How much of a licence was set aside is rule 119.
pub(super) fn not_set_aside(case: &Case<'_>, findings: &mut Findings) {
    let Some(offline) = &case.facts.offline else { return };
    if case.declaration.border_post.as_str() != offline.post.as_str() {
        let finding = findings.add(Code::NotSetAside).at("/border_post");
        finding.declared(case.declaration.border_post).licensed(&offline.post);
        finding.says(format_args!("this is what was set aside for {}", offline.post));
    }
    for item in &case.items {
        let drawn =
            item.quotes.iter().filter(|of| of.licence().is_some_and(|licence| case.draws(licence)));
        let (mut any, mut covered) = (false, true);
        for quote in drawn {
            any = true;
            if !offline.covers(&quote.quote.number) {
                covered = false;
                let finding = findings.add(Code::NotSetAside).on(item, quote);
                finding.says(format_args!(
                    "nothing of {} was set aside for {}",
                    quote.quote.number, offline.post
                ));
            }
        }
        if !any {
            let finding = findings.add(Code::NotSetAside).on_item(item, "licences");
            finding.says(format_args!(
                "item {} draws upon no licence of which anything was set aside for {}",
                item.item.number, offline.post
            ));
        } else if covered {
            firearms(offline, item, findings);
        }
    }
}

fn firearms(offline: &Offline, item: &ItemCase<'_>, findings: &mut Findings) {
    let mut unknown = offline.unknown.iter().filter(|(of, _)| *of == item.item.number);
    let Some((_, serial)) = unknown.next() else { return };
    let further = unknown.count();
    let finding = findings.add(Code::NotSetAside).on_item(item, "serials").declared(serial);
    if further == 0 {
        finding.says(format_args!("{serial} was not set aside for {}", offline.post));
    } else {
        finding.says(format_args!(
            "{serial} and {further} more were not set aside for {}",
            offline.post
        ));
    }
}

/// 121 FIREARM_SET_ASIDE: no other post releases a firearm that is set aside for one that may be cut off: it may be
/// leaving there. Once that post has returned, or the authority has taken the allowance back, it is free again.
pub(super) fn firearm_set_aside(case: &Case<'_>, findings: &mut Findings) {
    for fact in &case.facts.set_aside {
        let Some(item) = case.items.iter().find(|item| item.item.number == fact.item) else {
            continue;
        };
        let finding = findings.add(Code::FirearmSetAside).on_item(item, "serials");
        finding.declared(&fact.serial).licensed(&fact.post).says(format_args!(
            "{} is set aside for {}, which may be cut off",
            fact.serial, fact.post
        ));
    }
}
