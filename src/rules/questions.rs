//! What more than one rule asks of a case: whether goods are firearms in law, which licences a
//! border draws upon, when the goods left.
use super::case::Case;
use super::case::ItemCase;
use super::case::QuoteCase;
use super::passage::state_of;
use crate::domain::Country;
use crate::domain::Date;
use crate::domain::Quantity;
use crate::domain::Unit;
use crate::domain::consignment::Direction;
use crate::domain::declaration::Item;
use crate::domain::goods::Category;
use crate::domain::goods::Movement;
use crate::domain::licence::Licence;
use crate::domain::lists::Effect;
use crate::domain::quantity::convert;
use crate::domain::serial::Serial;
use crate::domain::serial::SerialIndex;
use std::collections::HashSet;

/// Last year of manufacture of an antique: 1899 may be one, 1900 never is (article 3(a)).
pub const ANTIQUE_YEAR_MAX: u16 = 1899;
/// Before this year nobody made a firearm that is carried: an earlier one says nothing of the age.
const FIREARM_YEAR_MIN: u16 = 1280;

impl ItemCase<'_> {
    /// Whether a claim that it is no firearm in law has not failed: it holds, or it is that of an antique whose
    /// year is not known, which a person decides on (77). A claim that fails takes no licence's place.
    pub fn is_claimed_outside(&self) -> bool {
        let is_open = self.is_firearm() && self.item.antique && self.made_in().is_none();
        self.is_antique() || self.is_deactivated() || is_open
    }

    /// The year of manufacture, where one is stated that can be.
    pub fn made_in(&self) -> Option<u16> {
        self.item.manufacture_year.filter(|year| *year >= FIREARM_YEAR_MIN)
    }

    /// Whether it rests on an exemption in a licence's place. Beside a licence an exemption excuses nothing: who
    /// quotes one has it compared like any other.
    pub fn is_exempted(&self) -> bool {
        self.item.exemption.is_some() && self.quotes.is_empty()
    }

    /// Whether it is declared as a firearm.
    pub fn is_firearm(&self) -> bool {
        self.item.category == Category::Firearm
    }

    /// Whether an antique's claim holds: a firearm made in 1899 or before (article 3(a)).
    pub fn is_antique(&self) -> bool {
        self.is_firearm()
            && self.item.antique
            && self.made_in().is_some_and(|year| year <= ANTIQUE_YEAR_MAX)
    }

    /// Whether a deactivation is proven: certificate, authority, and each firearm has a serial of its own
    /// that is covered (article 9).
    pub fn is_deactivated(&self) -> bool {
        let proof = self.item.deactivation.as_ref().filter(|_| self.is_firearm());
        proof.is_some_and(|proof| {
            proof.certificate.is_some()
                && proof.authority.is_some()
                && self.uncovered(&proof.serials).is_none()
                && self.has_one_mark_each()
        })
    }

    /// Whether as many different marks of identity are declared as there are pieces.
    fn has_one_mark_each(&self) -> bool {
        let marks = self.item.marks_of_identity();
        let named = marks.iter().filter(|mark| !mark.says_none());
        let distinct = named.collect::<HashSet<&Serial>>().len();
        let pieces = self.pieces().and_then(Quantity::as_count);
        pieces.is_some_and(|pieces| i64::try_from(distinct) == Ok(pieces))
    }

    /// The first of its serials and alternative markings that is not on a list.
    pub fn uncovered(&self, list: &[Serial]) -> Option<Serial> {
        let list = SerialIndex::new(list);
        self.item.marks_of_identity().iter().find(|serial| !list.contains(serial)).cloned()
    }

    /// Whether it is a firearm in law: a claim that does not hold changes nothing.
    pub fn is_live_firearm(&self) -> bool {
        self.is_firearm() && !self.is_antique() && !self.is_deactivated()
    }
}

/// Whether two licences cover the same leg, so that an item is split between them: they are of one
/// kind, and in transit of one State.
fn are_alternatives(a: &Licence, b: &Licence) -> bool {
    a.kind == b.kind && (a.kind != Movement::Transit || a.issuing_state == b.issuing_state)
}

impl<'a> ItemCase<'a> {
    /// One quote for each group of licences that cover the same leg.
    pub fn heads(&self) -> impl Iterator<Item = (&QuoteCase<'a>, &'a Licence)> {
        self.quotes.iter().enumerate().filter_map(|(index, quote)| {
            let licence = quote.licence()?;
            let mut earlier = self.quotes.iter().take(index).filter_map(QuoteCase::licence);
            (!earlier.any(|other| are_alternatives(other, licence))).then_some((quote, licence))
        })
    }

    /// Every quote of the group that a licence belongs to.
    pub fn peers(&self, of: &'a Licence) -> impl Iterator<Item = &QuoteCase<'a>> {
        self.quotes
            .iter()
            .filter(|quote| quote.licence().is_some_and(|other| are_alternatives(other, of)))
    }

    /// How many pieces the item is; `None` where its unit does not count pieces.
    pub fn pieces(&self) -> Option<Quantity> {
        convert(self.item.quantity, self.item.unit, self.item.content, Unit::C62)
    }
}

impl<'a> Case<'a> {
    /// The day of departure from the exporting State, where it is known: as a post has recorded it here, as
    /// the declaration lists it, else as it is announced. Goods that are presented later on their way had left by then,
    /// whatever is declared.
    pub fn departed(&self) -> Option<Date> {
        let from = self.declaration.country_of_export;
        let recorded =
            self.facts.observed.iter().filter(|seen| {
                seen.direction == Direction::Exit && seen.state_in(self.lists) == from
            });
        let listed = self.declaration.crossings.iter();
        let listed = listed.filter(|seen| seen.exit && state_of(seen, self.lists) == from);
        let mut exits = recorded
            .map(|seen| (seen.post, seen.at))
            .chain(listed.map(|seen| (seen.post, seen.at)));
        let observed = exits.next().and_then(|(post, at)| {
            let post = self.lists.posts.get(&post)?;
            Some(post.zone.to_datetime(at).date())
        });
        let day = observed.or(self.declaration.departs_on)?;
        if day <= self.reference_date
            || self.declaration.movement == Movement::Export
            || self.facts.is_announced
        {
            return Some(day);
        }
        Some(day.min(self.accepted_in(from)))
    }

    /// The day of acceptance here, or the latest on which it fell in a State, by the zones of its posts.
    fn accepted_in(&self, state: Option<Country>) -> Date {
        let at = self.declaration.accepted_at.map_or(self.now, |(at, _)| at);
        let there = self.lists.posts.values().filter(|post| Some(post.country) == state);
        let days = there.map(|post| post.zone.to_datetime(at).date());
        days.fold(self.reference_date, Date::max)
    }

    /// Whether an entry counts that is a fact about a firearm or a person, not a law in force on a day: one
    /// of the day of acceptance does, and so does one that has been learnt since.
    pub fn is_known(&self, effect: Effect) -> bool {
        effect.covers(self.reference_date) || effect.covers(self.today)
    }

    /// The day of departure, or the reference date where it is not known.
    pub fn departure(&self) -> Date {
        self.departed().unwrap_or(self.reference_date)
    }

    /// Whether a release at this border draws upon a licence: the licence of the movement, and in
    /// transit only that of the State crossed. The others are shown as proof.
    pub fn draws(&self, licence: &Licence) -> bool {
        licence.kind == self.declaration.movement
            && (licence.kind != Movement::Transit || self.state == Some(licence.issuing_state))
    }

    /// Whether the licence data are young enough to tell; a post that is cut off has its snapshot until that ends.
    pub fn is_fresh(&self) -> bool {
        let limit = self.profile.data_age_ms_max;
        match &self.facts.offline {
            Some(offline) => self.facts.data_age_ms.is_some() && offline.holds(self.now),
            None => self.facts.data_age_ms.is_some_and(|age| age <= limit),
        }
    }

    /// Whether goods at this border draw upon a licence now or at a later border; what they have
    /// drawn at an earlier one is no longer there and must not be missed.
    pub fn is_ahead(&self, licence: &Licence) -> bool {
        match self.declaration.movement {
            Movement::Export => true,
            Movement::Transit => licence.kind == Movement::Import || self.draws(licence),
            Movement::Import => licence.kind == Movement::Import,
        }
    }

    /// The quotes of licences that a test suspects. Every licence is tested once, however many items
    /// quote it, and where none is suspect nothing else is looked at.
    pub fn quoting<'c>(
        &'c self,
        suspect: impl Fn(&Licence) -> bool + 'c,
    ) -> impl Iterator<Item = (&'c ItemCase<'a>, &'c QuoteCase<'a>, &'a Licence)> + 'c {
        let any = self.held().any(|held| suspect(&held.licence));
        let items = if any { self.items.as_slice() } else { &[] };
        items
            .iter()
            .flat_map(|item| item.quotes.iter().map(move |quote| (item, quote)))
            .filter_map(|(item, quote)| quote.licence().map(|licence| (item, quote, licence)))
            .filter(move |(.., licence)| suspect(licence))
    }

    /// Whether a State's authority may license what the law of another asks for: its own always, and
    /// within the Union that of any Member State.
    pub fn may_issue(&self, issuing: Country, state: Country) -> bool {
        let member = |state| self.lists.is_european_union(state, self.reference_date);
        issuing == state || (member(issuing) && member(state))
    }

    /// Whether an item of this declaration has been released before: rule 5 judges that, and what
    /// that release drew and moved is no finding of its own.
    pub fn is_released(&self, item: &Item) -> bool {
        self.facts.prior_uses.iter().any(|prior| prior.item == item.number)
    }

    /// Whether goods of an item are subject to authorisation: components of ammunition are only
    /// where a State concerned says so (article 3(c)), be it one that the goods only pass (article 3(d)
    /// and (e)); a State of which nothing is known counts as saying so.
    pub fn is_controlled(&self, item: &Item) -> bool {
        let declaration = self.declaration;
        item.category != Category::AmmunitionComponent
            || [self.state, declaration.country_of_export, declaration.country_of_import]
                .into_iter()
                .flatten()
                .chain(self.passages.iter().map(|passage| passage.country))
                .any(|state| {
                    self.lists.states.get(&state).is_none_or(|facts| facts.controls_components)
                })
    }
}

/// How many more than those named, in words; nothing where there are none.
pub(super) struct Further(pub(super) usize);

impl std::fmt::Display for Further {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            0 => Ok(()),
            more => write!(f, " (and {more} more)"),
        }
    }
}
