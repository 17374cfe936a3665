//! Section 3I, second half: which firearms these are, by their serial numbers.
use super::Case;
use super::Code;
use super::Finding;
use super::Findings;
use super::Severity;
use super::allocation::shares_listed;
use super::case::ItemCase;
use super::case::QuoteCase;
use super::likeness::place;
use super::questions::Further;
use crate::domain::Text;
use crate::domain::Unit;
use crate::domain::goods::Category;
use crate::domain::goods::Movement;
use crate::domain::licence::Licence;
use crate::domain::licence::Line;
use crate::domain::lists::Sought;
use crate::domain::quantity::convert;
use crate::domain::serial::Serial;
use crate::domain::serial::SerialIndex;
use crate::domain::serial::folded_name;
use std::collections::HashMap;

/// Most serials that one message names.
const NAMED_MAX: usize = 5;

/// 93 SERIAL_NOT_ON_LICENCE and, for licences, 98 SERIAL_CONFUSABLE: where the lines quoted list serials, each
/// declared serial is on one of them, compared without case and separators but with every leading zero. One
/// that is absent holds the item. One that is absent and looks like a listed serial (O for 0, I for 1, B for 8,
/// S for 5) is referred instead: it may be a misreading, and it is never taken for the listed one. Where an
/// item is split and one of the lines lists no serials, as many may be absent as that line covers; from a line that lists
/// serials no more is drawn than it lists of those declared. An alternative
/// marking is looked up like a serial, so that nothing passes a list by being marked in another way, and parts
/// whose serials the lines list and the declaration does not state are referred.
/// A line that lists none takes the serials at its first release; that is made known once for the item, for
/// the licence that this border draws upon and as far as they are not bound to it already. Whether the
/// same firearm stands under another licence is rule 95.
pub(super) fn serials_on_licence(case: &Case<'_>, findings: &mut Findings) {
    let mut indexes = Indexes::default();
    for item in &case.items {
        let marks = item.item.marks_of_identity();
        if marks.is_empty() && item.item.category != Category::Part {
            continue;
        }
        for (head, licence) in item.heads() {
            let lines = || {
                item.peers(licence)
                    .filter_map(|quote| Some((quote, quote.line?)))
                    .filter(|(_, line)| line.category == item.item.category)
            };
            if lines().all(|(_, line)| line.serials.is_empty()) {
                if let Some((quote, line)) = lines().next() {
                    binding(case, item, quote, line, &marks, findings);
                }
                continue;
            }
            if marks.is_empty() {
                let finding = findings.add(Code::SerialNotOnLicence).on(item, head);
                finding.at(item.path("serials")).severity(Severity::Refer).says(format_args!(
                    "{} lists the serials of these parts and none is declared",
                    head.quote.number
                ));
            }
            let absent: Vec<&Serial> = marks
                .iter()
                .filter(|serial| !lines().any(|(_, line)| indexes.lists(line, serial)))
                .collect();
            if !absent.is_empty() {
                let open = lines().filter(|(_, line)| line.serials.is_empty());
                let room = open.filter_map(|(quote, _)| pieces(item, quote)).sum::<i64>();
                let listed: Vec<&Line> = lines().map(|(_, line)| line).collect();
                if i64::try_from(absent.len()).is_ok_and(|absent| absent > room) {
                    let absent = Absent { marks: &marks, absent, room };
                    not_listed(item, head, &absent, &listed, findings);
                    continue;
                }
            }
            if lines().nth(1).is_some() {
                shares_listed(item, licence, &marks, findings);
            }
        }
    }
}

/// What of an item's marks of identity no list has, and how many the lines without a list take.
struct Absent<'m> {
    marks: &'m [Serial],
    absent: Vec<&'m Serial>,
    room: i64,
}

/// Looks serials up on licence lines. Serials are mostly declared in the order in which a licence
/// lists them, so the one after the last found is tried first; long lists are hashed once.
#[derive(Default)]
struct Indexes<'a> {
    long: HashMap<usize, SerialIndex<'a>>,
    last: Option<&'a Line>,
    next: usize,
}

impl<'a> Indexes<'a> {
    fn lists(&mut self, line: &'a Line, serial: &Serial) -> bool {
        let list = &line.serials;
        let next = self.last.filter(|last| std::ptr::eq(*last, line)).map_or(0, |_| self.next);
        let place = if list.get(next) == Some(serial) {
            Some(next)
        } else if SerialIndex::is_short(list) {
            list.iter().position(|listed| listed == serial)
        } else {
            let addr = std::ptr::from_ref(line).addr();
            let index = self.long.entry(addr).or_insert_with(|| SerialIndex::new(list));
            return index.contains(serial);
        };
        if let Some(place) = place {
            (self.last, self.next) = (Some(line), place + 1);
        }
        place.is_some()
    }
}

pub(super) fn pieces(item: &ItemCase<'_>, quote: &QuoteCase<'_>) -> Option<i64> {
    let share = quote.quote.quantity.unwrap_or(item.item.quantity);
    convert(share, item.item.unit, item.item.content, Unit::C62)?.as_count()
}

fn binding(
    case: &Case<'_>,
    item: &ItemCase<'_>,
    quote: &QuoteCase<'_>,
    line: &Line,
    marks: &[Serial],
    findings: &mut Findings,
) {
    let draws = quote.licence().is_some_and(|licence: &Licence| case.draws(licence));
    if !draws || !item.is_live_firearm() || case.is_released(item.item) {
        return;
    }
    let bound = case.facts.serials.iter().filter(|fact| {
        fact.item == item.item.number
            && fact.licence == quote.quote.number
            && fact.line == line.line
    });
    let new = marks.len().saturating_sub(bound.count());
    if new > 0 {
        let finding = findings.add(Code::SerialNotOnLicence).on(item, quote);
        finding.at(item.path("serials")).severity(Severity::Inform);
        finding.declared(format_args!("{new} serials")).licensed("none listed");
        finding.remedy("None").says(format_args!(
            "line {} of {} lists no serials; {new} of those declared are bound to it at release",
            line.line, quote.quote.number
        ));
    }
}

fn not_listed(
    item: &ItemCase<'_>,
    head: &QuoteCase<'_>,
    marks: &Absent<'_>,
    lines: &[&Line],
    findings: &mut Findings,
) {
    let Absent { absent, room, .. } = marks;
    let field = if item.item.serials.is_empty() { "alternative_markings" } else { "serials" };
    let (strange, alike) = told_apart(marks, lines);
    if let Some((serial, listed)) = alike.first() {
        let finding = findings.add(Code::SerialConfusable).on(item, head).at(item.path(field));
        let more = alike.len().saturating_sub(1);
        finding.declared(serial).licensed(listed).says(format_args!(
            "{serial} is declared, {} lists {listed}: only signs that look alike differ{}",
            head.quote.number,
            Further(more)
        ));
    }
    if strange.is_empty() {
        return;
    }
    let named: Vec<&str> = strange.iter().take(NAMED_MAX).map(|serial| serial.as_str()).collect();
    let more = strange.len().saturating_sub(named.len());
    let named = named.join(", ");
    let finding = findings.add(Code::SerialNotOnLicence).on(item, head).at(item.path(field));
    finding.declared(&named).licensed(format_args!("serials of {}", head.quote.number));
    if *room == 0 {
        finding.says(format_args!(
            "not among the serials of {}: {named}{}",
            head.quote.number,
            Further(more)
        ));
    } else {
        finding.says(format_args!(
            "{} serials are on no list, and the lines without a list cover {room}",
            absent.len()
        ));
    }
}

/// Parts absent serials into those that resemble nothing listed and those that do, with what they
/// resemble. A listed serial that is declared too is another firearm's.
fn told_apart<'s>(
    marks: &Absent<'s>,
    lines: &[&'s Line],
) -> (Vec<&'s Serial>, Vec<(&'s Serial, &'s Serial)>) {
    let declared = SerialIndex::new(marks.marks);
    let listed = lines.iter().flat_map(|line| line.serials.iter());
    let looks: HashMap<u64, &Serial> = listed
        .filter(|serial| !declared.contains(serial))
        .map(|serial| (serial.look(), serial))
        .collect();
    let (mut strange, mut alike) = (Vec::new(), Vec::new());
    for serial in &marks.absent {
        match looks.get(&serial.look()).filter(|listed| serial.resembles(listed)) {
            Some(listed) => alike.push((*serial, *listed)),
            None => strange.push(*serial),
        }
    }
    (strange, alike)
}

/// 95 SERIAL_ALREADY_MOVED: the register does not know the same firearm (maker, model, country of manufacture and
/// serial) as having crossed in the same direction, at whichever post of the customs territory (of a State, or of all Member States of the Union), without
/// coming back or being received since: only the opposite movement, import after export or export after import, settles that, and no transit. A firearm
/// that went out on hunting trips and returned may go out again, and one that another maker numbered alike
/// is another firearm. One that was let through in transit and has not been imported since is on its way through or has left: it is not exported
/// anew, unless that is where the transit leaves, under its own number or as its consignment; neither does another Member State's letting it on ask for anybody. An item that was released under this very reference is left to rule 5.
pub(super) fn already_moved(case: &Case<'_>, findings: &mut Findings) {
    for fact in &case.facts.serials {
        let movement = case.declaration.movement;
        let is_inside = fact.movement == Movement::Transit && movement == Movement::Export;
        if fact.settled || fact.movement != movement && !is_inside {
            continue;
        }
        let item = case.items.iter().find(|item| item.item.number == fact.item);
        let Some(item) = item.filter(|item| !case.is_released(item.item)) else {
            continue;
        };
        let finding = findings.add(Code::SerialAlreadyMoved).on_item(item, "serials");
        finding.declared(&fact.serial);
        let away = Away { movement: fact.movement, licence: &fact.licence, line: fact.line };
        away.names(finding).says(format_args!("{} {away}", fact.serial));
    }
}

/// A firearm that has moved and is not known to have come back: which way, and under which licence and line, where
/// that may be told.
pub(super) struct Away<'a> {
    pub movement: Movement,
    pub licence: &'a Text,
    pub line: u32,
}

impl Away<'_> {
    /// Names the licence and the line in a finding.
    pub fn names<'f>(&self, finding: &'f mut Finding) -> &'f mut Finding {
        if self.licence.is_empty() {
            finding
        } else {
            finding.licence(self.licence, None).line(self.line)
        }
    }
}

impl std::fmt::Display for Away<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "has a release for {} ", self.movement.as_str())?;
        if self.licence.is_empty() {
            f.write_str("in another State of the customs territory")?;
        } else {
            write!(f, "under line {} of {}", self.line, self.licence)?;
        }
        f.write_str(" and is not known to have come back or arrived")
    }
}

/// 96 SERIAL_REPORTED_SOUGHT and, for sought firearms, 98 SERIAL_CONFUSABLE: no declared serial or alternative
/// marking is reported lost, stolen or sought on the reference date or today: a report is a fact about the
/// firearm, which acceptance before it does not undo. What either side leaves open does not clear the firearm. Where the
/// serial is the same and make, model or country of manufacture is not, the item is referred: serials repeat between makers, and
/// one maker has more names than one, so that a person compares. A serial
/// that only looks like a sought one (O for 0, I for 1, B for 8, S for 5) is referred as well, where make and model do not
/// differ. Whatever bears a serial is looked up: antiques, deactivated firearms, parts, and firearms declared as such.
pub(super) fn sought(case: &Case<'_>, findings: &mut Findings) {
    for report in &case.facts.reported {
        let Some(item) = case.items.iter().find(|item| item.item.number == report.item) else {
            continue;
        };
        let finding = findings.add(Code::SerialReportedSought).on_item(item, "serials");
        let asked = asked_where_described_otherwise(finding, report.is_described_alike);
        finding.declared(&report.serial).says(format_args!(
            "{} was reported {} by {}: {}{asked}",
            report.serial, report.what, report.state, report.reference
        ));
    }
    let list = &case.lists.sought;
    if list.is_empty() {
        return;
    }
    for item in &case.items {
        for (index, serial) in item.item.marks_of_identity().iter().enumerate() {
            for (other, sought) in list.near(serial) {
                let (exact, alike) = (other == serial, may_be(item, sought));
                if !case.is_known(sought.effect) || !(exact || alike && serial.resembles(other)) {
                    continue;
                }
                let code = if exact { Code::SerialReportedSought } else { Code::SerialConfusable };
                let finding = findings.add(code).on_item(item, "serials");
                finding.at(place(item, index)).declared(serial);
                if exact {
                    let asked = asked_where_described_otherwise(finding, alike);
                    finding.says(format_args!("{serial} is sought: {}{asked}", sought.reference));
                } else {
                    finding.licensed(other).says(format_args!(
                        "{serial} looks like {other}, which is sought: {}",
                        sought.reference
                    ));
                }
            }
        }
    }
}

/// One serial with two descriptions: another maker's firearm, or another name for the maker.
fn asked_where_described_otherwise(finding: &mut Finding, is_alike: bool) -> &'static str {
    if is_alike {
        return "";
    }
    finding.severity(Severity::Refer).remedy("Compare the firearm with the report's description");
    ", described otherwise than here"
}

fn may_be(item: &ItemCase<'_>, sought: &Sought) -> bool {
    let agree = |declared: &Option<Text>, sought: &Option<String>| !matches!((declared, sought), (Some(declared), Some(sought)) if folded_name(declared) != *sought);
    agree(&item.item.make, &sought.make) && agree(&item.item.model, &sought.model)
}
