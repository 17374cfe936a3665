//! Alerts: what is put before officers and authorities, to whom, about what, and what becomes of it.
use super::Country;
use super::Locode;
use serde::Deserialize;
use serde::Serialize;
use uuid::Uuid;

/// Declares a closed list of words.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $word:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$word_doc])* $word,)+
        }

        impl $name {
            /// Every one of them.
            pub const ALL: &'static [Self] = &[$(Self::$word,)+];

            /// The word on the wire and in the database.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$word => $text,)+
                }
            }

            /// Reads the word back.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|word| word.as_str() == text)
            }
        }
    };
}
pub(crate) use words;

words! {
    /// What an alert is about.
    Kind {
        /// Goods and licence do not agree.
        Mismatch = "mismatch",
        /// A reservation lapsed, or what it held is no longer there.
        Reservation = "reservation",
        /// Officers released against the advice.
        Override = "override",
        /// A consignment left its route, was transhipped unseen or never arrived.
        Consignment = "consignment",
        /// No receipt came in time.
        ReceiptOverdue = "receipt_overdue",
        /// What was received is not what left.
        ReceiptMismatch = "receipt_mismatch",
        /// Goods that were to return have not.
        Overstay = "overstay",
        /// A licence was annulled after goods had been released under it.
        AnnulledAfterRelease = "annulled_after_release",
        /// Somebody tries out licence numbers.
        Probing = "probing",
        /// A message to another system cannot be delivered.
        DeliveryFailed = "delivery_failed",
        /// What a post did while it was cut off does not fit what the register knows.
        PostReturn = "post_return",
        /// A period has ended and what was due by then has not been done.
        Deadline = "deadline",
        /// Customs inform the authority and ask for its decision.
        Referral = "referral",
        /// The authority has decided.
        Decision = "decision",
        /// An officer has stopped goods that clear.
        Stoppage = "stoppage",
    }
}

words! {
    /// How much an alert weighs; a mismatch weighs as its verdict does.
    Severity {
        /// To be known.
        Inform = "inform",
        /// A person decides.
        Refer = "refer",
        /// A legal condition is missing.
        Hold = "hold",
    }
}

words! {
    /// Where an alert stands. A resolved one stays so: what comes up again is a new alert.
    Status {
        /// Nobody has taken note of it.
        Open = "open",
        /// Somebody works on it.
        Acknowledged = "acknowledged",
        /// It is done.
        Resolved = "resolved",
    }
}

words! {
    /// How an alert ended.
    Outcome {
        /// Checked and released.
        ReleasedAfterCheck = "released_after_check",
        /// The movement was refused.
        Refused = "refused",
        /// The goods were seized.
        Seized = "seized",
        /// There was nothing in it.
        FalseAlert = "false_alert",
        /// The authority has no objection to a release.
        ReleaseAdvised = "release_advised",
    }
}

words! {
    /// A step in an alert's life.
    Change {
        /// It was raised.
        Raised = "raised",
        /// A further look at the same goods did not clear either.
        SeenAgain = "seen_again",
        /// Somebody took note.
        Acknowledged = "acknowledged",
        /// Customs informed the authority.
        Referred = "referred",
        /// The authority took the longer period.
        Extended = "extended",
        /// It was resolved.
        Resolved = "resolved",
    }
}

words! {
    /// On which ground customs inform the authority.
    Grounds {
        /// Doubt or suspicion (2025/41, 29(5)).
        Doubt = "doubt",
        /// The movement is not compliant (2025/41, 30).
        NonCompliance = "non_compliance",
    }
}

/// Who is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Addressee {
    /// The officers of a post of a State.
    Post(Country, Locode),
    /// The licensing authority of a State; the post that it is about, where there is one.
    Authority(Country, Option<Locode>),
}

impl Addressee {
    /// The State.
    pub fn state(self) -> Country {
        match self {
            Self::Post(state, _) | Self::Authority(state, _) => state,
        }
    }

    /// The post.
    pub fn post(self) -> Option<Locode> {
        match self {
            Self::Post(_, post) => Some(post),
            Self::Authority(_, post) => post,
        }
    }

    /// The role on the wire and in the database.
    pub fn role(self) -> &'static str {
        match self {
            Self::Post(..) => "officer",
            Self::Authority(..) => "authority",
        }
    }
}

/// What an alert or a deadline is about; it is kept as JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct About {
    /// A verification.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verification: Option<Uuid>,
    /// A release.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release: Option<Uuid>,
    /// A pre-clearance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preclearance: Option<Uuid>,
    /// A webhook.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook: Option<Uuid>,
    /// A receipt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Uuid>,
    /// The alert from which this one follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alert: Option<Uuid>,
    /// A licence, by number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
    /// A consignment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ucr: Option<String>,
    /// A declaration's reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub declaration: Option<String>,
}

/// A new alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAlert {
    /// What kind of alert.
    pub kind: Kind,
    /// Who is told.
    pub to: Addressee,
    /// How much it weighs.
    pub severity: Severity,
    /// What it is about.
    pub about: About,
    /// Codes, the heaviest first.
    pub codes: Vec<&'static str>,
    /// In words, without personal data.
    pub message: Option<String>,
}
