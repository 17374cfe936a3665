//! Deadlines: what is due by when. What nobody has settled by then is put before those who can; no
//! deadline releases anything.
use super::Country;
use super::Locode;
use super::Timestamp;
use super::alert::About;
use super::alert::words;

words! {
    /// What is due.
    Kind {
        /// Customs inform the authority of goods held (rule 110).
        CustomsNotice = "customs_notice",
        /// The authority decides on a doubt (rule 111).
        DecisionOnDoubt = "decision_on_doubt",
        /// The authority decides on a movement that is not compliant (rule 111).
        DecisionOnBreach = "decision_on_breach",
        /// Goods that have left arrive (rule 113).
        Arrival = "arrival",
        /// The receipt of goods that have left is confirmed (rule 112).
        Receipt = "receipt",
        /// Goods that were let through for a time come back (rule 102).
        Return = "return",
        /// The exit of goods released for export is confirmed (rule 114).
        Exit = "exit",
        /// The authority checks after the shipment (rule 116).
        PostShipmentCheck = "post_shipment_check",
        /// The authority reviews a licence (rule 116).
        Review = "review",
    }
}

words! {
    /// Where a deadline stands.
    Status {
        /// It has not come, or nobody has looked yet.
        Pending = "pending",
        /// It has passed, and everyone who is to be told has been.
        Escalated = "escalated",
        /// What was due has been done, or is no longer due.
        Settled = "settled",
        /// It is not as it was written, and was logged as an error.
        Unreadable = "unreadable",
    }
}

/// A deadline to be set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deadline {
    /// What is due.
    pub kind: Kind,
    /// What it is about: an identifier or a number, once for each kind.
    pub subject: String,
    /// When.
    pub due: Timestamp,
    /// The State whose law and calendar count, and whose people are told.
    pub state: Country,
    /// The post, where there is one.
    pub post: Option<Locode>,
    /// The profile of law under which it was set.
    pub profile: &'static str,
    /// What it is about.
    pub about: About,
    /// The event from which it counts.
    pub from: Timestamp,
}
