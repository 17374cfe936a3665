//! The words of the trade, valid by construction: nothing in here knows of a network, a
//! database, a clock or a wire format.
pub mod alert;
pub mod calendar;
pub mod codes;
pub mod consignment;
pub mod country;
pub mod deadline;
pub mod declaration;
pub mod event;
pub mod goods;
pub mod licence;
pub mod lists;
pub mod number;
mod packing;
pub mod party;
pub mod place;
pub mod quantity;
pub mod reference;
pub mod serial;
pub mod short_code;
pub mod text;
pub mod watch;

pub use country::Country;
pub use jiff::Timestamp;
pub use jiff::civil::Date;
pub use place::Locode;
pub use quantity::Quantity;
pub use quantity::Unit;
pub use text::Text;

/// Why a word cannot be what it is meant to be; the reader of a request turns it into a field
/// error with the field's path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// Stable machine-readable reason, such as `not_a_country_code`.
    pub code: &'static str,
    /// The reason in words, for the person who has to mend it.
    pub detail: String,
}

impl Invalid {
    /// An invalid word with its stable code and the reason in words.
    pub fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}
