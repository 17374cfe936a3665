//! The States between export and import that the goods pass: those declared as the route and those
//! that customs has observed beside it, at this post or at others.
use crate::domain::Country;
use crate::domain::consignment::Sighting;
use crate::domain::declaration::Crossing;
use crate::domain::declaration::Declaration;
use crate::domain::declaration::Leg;
use crate::domain::goods::Movement;
use crate::domain::lists::Lists;

/// Where a passage is known from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source<'a> {
    /// A leg of the declared route, with its place in it.
    Declared(usize, &'a Leg),
    /// An observed crossing into a State that is not declared, with its place in the list.
    Observed(usize),
    /// A crossing that a post has recorded here of the consignment, into a State that is not declared.
    Recorded,
    /// The post itself, where goods in transit stand in a State that is not declared.
    Post,
}

/// A State that the goods pass between export and import; one of the two is never one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Passage<'a> {
    /// The State.
    pub country: Country,
    /// Where it is known from.
    pub source: Source<'a>,
}

impl Passage<'_> {
    /// Whether the declarant has named the State.
    pub fn is_declared(&self) -> bool {
        matches!(self.source, Source::Declared(..))
    }

    /// JSON Pointer to where it is known from.
    pub fn path(&self) -> String {
        match self.source {
            Source::Declared(index, _) => format!("/route/{index}"),
            Source::Observed(index) => format!("/crossings/{index}"),
            Source::Recorded => "/ucr".to_owned(),
            Source::Post => "/border_post".to_owned(),
        }
    }
}

/// The State of a crossing's post.
pub(super) fn state_of(crossing: &Crossing, lists: &Lists) -> Option<Country> {
    let post = lists.posts.get(&crossing.post);
    post.map_or_else(|| crossing.post.country(), |post| Some(post.country))
}

/// Every declared call, then every State observed that is not declared, once.
pub(super) fn passages<'a>(
    declaration: &'a Declaration,
    recorded: &[Sighting],
    lists: &Lists,
    state: Option<Country>,
) -> Vec<Passage<'a>> {
    let ends = [declaration.country_of_export, declaration.country_of_import];
    let mut passages: Vec<Passage<'a>> = declaration
        .route
        .iter()
        .enumerate()
        .map(|(index, leg)| Passage { country: leg.country, source: Source::Declared(index, leg) })
        .collect();
    let mut observe = |country: Option<Country>, source: Source<'a>| {
        if let Some(country) = country
            && passages.iter().all(|known| known.country != country)
        {
            passages.push(Passage { country, source });
        }
    };
    for (index, crossing) in declaration.crossings.iter().enumerate() {
        observe(state_of(crossing, lists), Source::Observed(index));
    }
    if declaration.movement == Movement::Transit {
        observe(state, Source::Post);
    }
    for seen in recorded {
        observe(seen.state_in(lists), Source::Recorded);
    }
    passages.retain(|passage| !ends.contains(&Some(passage.country)));
    passages
}
