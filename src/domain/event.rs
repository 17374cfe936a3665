//! What a State is told of as it happens: the kinds of events, and one of them.

/// A kind of event, by the word that a receiver chooses it by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EventKind {
    /// A verdict at the border referred a declaration to a person.
    VerdictRefer,
    /// A verdict at the border held a declaration.
    VerdictHold,
    /// A carrier's check ahead of arrival was made.
    PreclearanceMade,
    /// What it had reserved was freed again.
    PreclearanceLapsed,
    /// Goods were released.
    ReleaseMade,
    /// A release was set to other figures.
    ReleaseAmended,
    /// A release was undone.
    ReleaseReversed,
    /// An officer has asked to release against the verdict.
    OverrideRequested,
    /// A second officer has confirmed it.
    OverrideConfirmed,
    /// A second officer has refused it.
    OverrideRefused,
    /// A licence was issued.
    LicenceIssued,
    /// It was amended.
    LicenceAmended,
    /// It was suspended.
    LicenceSuspended,
    /// It is in force again.
    LicenceReinstated,
    /// It was revoked.
    LicenceRevoked,
    /// It was annulled.
    LicenceAnnulled,
    /// Its holder gave it back.
    LicenceSurrendered,
    /// An alert was raised.
    AlertRaised,
    /// An officer has taken note of it.
    AlertAcknowledged,
    /// It was resolved.
    AlertResolved,
    /// It was referred to the authority, or the authority took longer for it.
    AlertReferred,
    /// Goods have left.
    ExitRecorded,
    /// Goods have come in.
    EntryRecorded,
    /// Goods have arrived, all or in part.
    ArrivalRecorded,
    /// The exporting State asks for a receipt.
    ReceiptRequested,
    /// The importing State has answered.
    ReceiptAnswered,
    /// The exporting State has confirmed it.
    ReceiptConfirmed,
    /// A receipt is overdue.
    ReceiptOverdue,
}

impl EventKind {
    /// Every kind with its word.
    pub const ALL: [(&'static str, Self); 28] = [
        ("verdict.refer", Self::VerdictRefer),
        ("verdict.hold", Self::VerdictHold),
        ("preclearance.made", Self::PreclearanceMade),
        ("preclearance.lapsed", Self::PreclearanceLapsed),
        ("release.made", Self::ReleaseMade),
        ("release.amended", Self::ReleaseAmended),
        ("release.reversed", Self::ReleaseReversed),
        ("override.requested", Self::OverrideRequested),
        ("override.confirmed", Self::OverrideConfirmed),
        ("override.refused", Self::OverrideRefused),
        ("licence.issued", Self::LicenceIssued),
        ("licence.amended", Self::LicenceAmended),
        ("licence.suspended", Self::LicenceSuspended),
        ("licence.reinstated", Self::LicenceReinstated),
        ("licence.revoked", Self::LicenceRevoked),
        ("licence.annulled", Self::LicenceAnnulled),
        ("licence.surrendered", Self::LicenceSurrendered),
        ("alert.raised", Self::AlertRaised),
        ("alert.acknowledged", Self::AlertAcknowledged),
        ("alert.resolved", Self::AlertResolved),
        ("alert.referred", Self::AlertReferred),
        ("exit.recorded", Self::ExitRecorded),
        ("entry.recorded", Self::EntryRecorded),
        ("arrival.recorded", Self::ArrivalRecorded),
        ("receipt.requested", Self::ReceiptRequested),
        ("receipt.answered", Self::ReceiptAnswered),
        ("receipt.confirmed", Self::ReceiptConfirmed),
        ("receipt.overdue", Self::ReceiptOverdue),
    ];

    /// The word.
    pub fn as_str(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, kind)| *kind == self).map_or("", |(word, _)| word)
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(word, _)| *word == text).map(|(_, kind)| kind)
    }
}

/// Something that has happened, for the systems of the States that it concerns. It is thin: it names
/// things by their numbers and says nothing of persons.
#[derive(Debug, Clone)]
pub struct Event<D> {
    /// What.
    pub kind: EventKind,
    /// The States that are told (two letters), each once.
    pub states: Vec<String>,
    /// What it belongs to: the consignment's UCR or, where it has none, its reference; or a licence's
    /// number. Events of one key reach a receiver in their order.
    pub key: String,
    /// The particulars.
    pub data: D,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_one_word_of_its_own() {
        for (word, kind) in EventKind::ALL {
            assert_eq!((kind.as_str(), EventKind::parse(word)), (word, Some(kind)));
        }
        assert_eq!(EventKind::parse("release"), None);
    }
}
