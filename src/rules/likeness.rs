//! Section 3I, further: firearms that stand twice in a declaration, and serials that are only taken for others.
use super::Case;
use super::Code;
use super::Findings;
use super::case::ItemCase;
use super::goods::stated_alike;
use super::questions::Further;
use super::serials::Away;
use crate::domain::Country;
use crate::domain::Text;
use crate::domain::declaration::Item;
use crate::domain::goods::Category;
use crate::domain::serial::Serial;
use crate::domain::serial::folded_name;
use std::borrow::Cow;
use std::collections::HashMap;

/// A declared serial that is not a known one and looks like it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlikeFact {
    /// The item's number.
    pub item: u32,
    /// The serial declared.
    pub serial: Serial,
    /// The known one.
    pub known: Serial,
    /// What is known of it.
    pub of: AlikeOf,
}

/// What is known of a serial that another looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AlikeOf {
    /// It was reported: as what, by whom, in which case.
    Reported(Text, Text, Text),
    /// It has moved the same way and not come back: under which licence and line.
    Moved(Text, u32),
}

/// 94 SERIAL_DUPLICATE and, within a declaration, 98 SERIAL_CONFUSABLE: no firearm stands twice in the declaration, within an item or in two. Firearms are the
/// same where class and serial (or alternative marking) agree and nothing that both state of maker, model and country of
/// manufacture differs: the same number of two makers is two firearms, a barrel that bears its rifle's number is not
/// the rifle, and a model that is left out the second time makes no second firearm. Two serials that only look alike (O for 0,
/// I for 1, B for 8, S for 5) may be one firearm read twice, and are referred, unless the licence lines quoted list both.
pub(super) fn duplicates(case: &Case<'_>, findings: &mut Findings) {
    if !may_repeat(case) {
        return;
    }
    let articles: Vec<Article<'_>> =
        case.items.iter().map(|item| Article::new(item.item)).collect();
    let mut seen: HashMap<(Category, u64), Vec<(&Serial, &Article<'_>)>> = HashMap::new();
    for (item, article) in case.items.iter().zip(&articles) {
        let mut repeated = Met::default();
        let mut misread = Met::default();
        for (index, serial) in article.marks.iter().enumerate() {
            let known = seen.entry((item.item.category, serial.look())).or_default();
            let of = |(_, other): &&(&Serial, &Article<'_>)| other.may_be(article);
            let mut alike = known.iter().filter(of);
            if let Some((_, first)) = alike.clone().find(|(other, _)| *other == serial) {
                repeated.add(index, serial, first.number);
            } else if let Some((other, first)) = alike.find(|(other, _)| serial.resembles(other))
                && !are_listed(item, serial, other)
            {
                misread.add(index, other, first.number);
            }
            known.push((serial, article));
        }
        if let Some((index, serial, first)) = repeated.first {
            let finding = findings.add(Code::SerialDuplicate).on_item(item, "serials");
            finding.at(place(item, index)).declared(serial).says(format_args!(
                "{serial} stands in item {first} and again in item {}{}",
                item.item.number,
                Further(repeated.count.saturating_sub(1))
            ));
        }
        if let Some((index, other, first)) = misread.first
            && let Some(serial) = article.marks.get(index)
        {
            let finding = findings.add(Code::SerialConfusable).on_item(item, "serials");
            finding.at(place(item, index)).declared(serial).licensed(other).says(format_args!(
                "{serial} looks like {other}, which stands in item {first}{}",
                Further(misread.count.saturating_sub(1))
            ));
        }
    }
}

/// The first of its kind that was met in an item, and how many there were.
#[derive(Default)]
struct Met<'a> {
    first: Option<(usize, &'a Serial, u32)>,
    count: usize,
}

impl<'a> Met<'a> {
    fn add(&mut self, index: usize, serial: &'a Serial, number: u32) {
        self.first.get_or_insert((index, serial, number));
        self.count += 1;
    }
}

/// Whether the licence lines that an item quotes list both of two serials, so that they are two firearms.
fn are_listed(item: &ItemCase<'_>, a: &Serial, b: &Serial) -> bool {
    let mut lines = item.quotes.iter().filter_map(|quote| quote.line);
    lines.any(|line| line.serials.contains(a) && line.serials.contains(b))
}

/// 98 SERIAL_CONFUSABLE, of what the register knows: a declared serial that only looks like one that is reported lost, stolen
/// or seized, or that has moved the same way and is not known to have come back, may be that one misread, and is
/// referred, where maker, model and country of manufacture do not differ. One that the line quoted lists beside the
/// other is a firearm of its own, and an item that was released under this very reference is left to rule 5.
pub(super) fn alike(case: &Case<'_>, findings: &mut Findings) {
    for fact in &case.facts.alike {
        let Some(item) = case.items.iter().find(|item| item.item.number == fact.item) else {
            continue;
        };
        let has_moved = matches!(fact.of, AlikeOf::Moved(..));
        if has_moved && (case.is_released(item.item) || are_listed(item, &fact.serial, &fact.known))
        {
            continue;
        }
        let (serial, known) = (&fact.serial, &fact.known);
        let finding = findings.add(Code::SerialConfusable).on_item(item, "serials");
        finding.declared(serial).licensed(known);
        match &fact.of {
            AlikeOf::Reported(what, state, reference) => {
                finding.says(format_args!(
                    "{serial} looks like {known}, which was reported {what} by {state}: {reference}"
                ));
            }
            AlikeOf::Moved(licence, line) => {
                let away = Away { movement: case.declaration.movement, licence, line: *line };
                away.names(finding).says(format_args!("{serial} looks like {known}, which {away}"));
            }
        }
    }
}

/// Where a mark of identity stands in the declaration.
pub(super) fn place(item: &ItemCase<'_>, index: usize) -> String {
    let (list, index) = item.item.place_of_mark(index);
    item.path(&format!("{list}/{index}"))
}

/// What tells the articles of one item from those of another, but for their numbers.
struct Article<'a> {
    number: u32,
    make: Option<String>,
    model: Option<String>,
    country: Option<Country>,
    marks: Cow<'a, [Serial]>,
}

impl<'a> Article<'a> {
    fn new(item: &'a Item) -> Self {
        let fold = |name: &Option<Text>| name.as_deref().map(folded_name);
        Self {
            number: item.number,
            make: fold(&item.make),
            model: fold(&item.model),
            country: item.manufactured_in,
            marks: item.marks_of_identity(),
        }
    }

    /// Whether nothing that both state differs.
    fn may_be(&self, other: &Self) -> bool {
        stated_alike(self.make.as_ref(), other.make.as_ref())
            && stated_alike(self.model.as_ref(), other.model.as_ref())
            && stated_alike(self.country.as_ref(), other.country.as_ref())
    }
}

/// Whether two serials may be equal, told without allocation: false is certain.
fn may_repeat(case: &Case<'_>) -> bool {
    const WORDS: usize = 64;
    let mut bits = [0_u64; WORDS];
    let marked_otherwise = |item: &ItemCase<'_>| !item.item.alternative_markings.is_empty();
    if case.items.iter().any(marked_otherwise) {
        return true;
    }
    case.items.iter().flat_map(|item| &item.item.serials).any(|serial| {
        // The upper bits of the product mix every sign of the number.
        let look = serial.look().wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let word = usize::try_from(look >> 58).unwrap_or_default();
        let bit = 1_u64 << ((look >> 52) & 63);
        bits.get_mut(word).is_none_or(|word| {
            let met = *word & bit != 0;
            *word |= bit;
            met
        })
    })
}
