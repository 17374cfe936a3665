//! A consignment on its way over several borders: where it was seen, in what, and which of the
//! journeys under its reference is meant.
use super::Country;
use super::Date;
use super::Locode;
use super::Text;
use super::Timestamp;
use super::calendar::utc_day;
use super::calendar::years_after;
use super::declaration::Declaration;
use super::lists::Lists;
use super::reference::ReferenceKind;

/// Most seals of one crossing.
pub const SEALS_MAX: usize = 99;
/// A UCR holds one digit of its year and comes round again after ten: what is first heard of it so
/// many years after a journey began is another journey.
pub const JOURNEY_YEARS: u16 = 5;

/// Which way goods were seen to cross a border.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// They left the State.
    Exit,
    /// They entered it.
    Entry,
}

impl Direction {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exit => "exit",
            Self::Entry => "entry",
        }
    }

    /// Reads the word back.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Exit, Self::Entry].into_iter().find(|direction| direction.as_str() == text)
    }
}

/// Goods seen at a post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// The post.
    pub post: Locode,
    /// Its State, where it is known.
    pub state: Option<Country>,
    /// Which way.
    pub direction: Direction,
    /// When.
    pub at: Timestamp,
    /// In what, where it was noted.
    pub vehicle: Option<Text>,
}

impl Sighting {
    /// The post's State, as the lists of the day have it, else as it was noted.
    pub fn state_in(&self, lists: &Lists) -> Option<Country> {
        lists.posts.get(&self.post).map(|post| post.country).or(self.state)
    }
}

impl Declaration {
    /// The consignment's reference: the UCR, or the declaration's own number where that is one.
    pub fn consignment(&self) -> Option<&Text> {
        let own = (self.reference.kind == ReferenceKind::Ucr).then_some(&self.reference.value);
        self.ucr.as_ref().or(own)
    }
}

/// Where the journeys of a reference begin in a list of instants, the earliest first.
pub fn journeys(instants: impl IntoIterator<Item = Timestamp>) -> Vec<usize> {
    let mut starts = Vec::new();
    let mut ends: Option<Date> = None;
    for (index, at) in instants.into_iter().enumerate() {
        if ends.is_none_or(|end| utc_day(at) >= end) {
            starts.push(index);
            ends = Some(years_after(utc_day(at), JOURNEY_YEARS));
        }
    }
    starts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_reference_that_comes_round_again_is_another_journey() {
        let instants = [
            at("2026-11-20T08:00:00Z"),
            at("2028-11-20T08:00:00Z"),
            at("2031-11-19T23:59:59Z"),
            at("2036-11-20T08:00:00Z"),
            at("2036-11-21T08:00:00Z"),
        ];
        assert_eq!(journeys(instants), [0, 3]);
        assert_eq!(journeys([]), Vec::<usize>::new());
        assert_eq!(journeys([at("2026-11-20T08:00:00Z"), at("2031-11-20T00:00:00Z")]), [0, 1]);
    }
}
