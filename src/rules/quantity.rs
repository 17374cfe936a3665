//! Section 3H, first half: quantities against the licence lines quoted.
use super::Case;
use super::Code;
use super::Findings;
use super::Severity;
use super::case::ItemCase;
use super::case::PriorUse;
use super::case::QuoteCase;
use crate::domain::Quantity;
use crate::domain::Unit;
use crate::domain::declaration::PersonalEffects;
use crate::domain::goods::Category;
use crate::domain::licence::Held;
use crate::domain::licence::Line;
use crate::domain::quantity::Dimension;

/// What one quote draws from its line.
struct Draw<'c, 'a> {
    item: &'c ItemCase<'a>,
    quote: &'c QuoteCase<'a>,
    held: &'a Held,
    line: &'a Line,
    share: Quantity,
}

/// 80 QUANTITY_EXCEEDS_AUTHORISED, 81 QUANTITY_EXCEEDS_BALANCE, 87 QUANTITY_WITHIN_TOLERANCE and 119
/// ALLOWANCE_EXCEEDED: what the items
/// draw from a licence line, added up in the order of the declaration and restated in the line's unit,
/// is no more than the line ever authorised (80) and no more than it has left (81): authorised, less
/// consumed, less what others have reserved. An item that takes the sum over the limit is held and draws
/// nothing, so that those after it are judged as if it were not there.
/// The balance is only asked of licences that the goods draw upon at this border or a later one: an export
/// licence shown at import has been drawn at export and may be empty. Discrete goods have no tolerance.
/// Goods measured by mass have one only where the profile or the State's overlay sets it; an excess
/// within it is made known, an excess above it holds. Pieces are whole also under a line in dozens or gross, where
/// less than half a piece is what restating them has added. Less than authorised is no finding. Items that
/// were released under this reference before are left to rule 5, and a spent licence for one shipment to
/// rule 83. At a post that is cut off from the register, a licence that it draws upon has left what was set aside
/// for it, and of others it knows what they had when its snapshot was taken: what is beyond that is referred,
/// since there may be more, and no tolerance applies.
pub(super) fn balance(case: &Case<'_>, findings: &mut Findings) {
    let mut draws = draws(case);
    draws.sort_by_key(|draw| std::ptr::from_ref(draw.line).addr());
    let mut current: Option<&Line> = None;
    let mut total = Quantity::ZERO;
    for draw in &draws {
        if !current.is_some_and(|line| std::ptr::eq(line, draw.line)) {
            (current, total) = (Some(draw.line), Quantity::ZERO);
        }
        // A sum that no customs field could state is over every limit.
        let with_this = total.plus(draw.share).unwrap_or(Quantity::MAX);
        // What is held draws nothing, so that the items after it are judged on their own.
        if !exceeds(case, draw, with_this, findings) {
            total = with_this;
        }
    }
}

fn draws<'c, 'a>(case: &'c Case<'a>) -> Vec<Draw<'c, 'a>> {
    let mut draws = Vec::with_capacity(case.items.len().saturating_mul(2));
    for item in case.items.iter().filter(|item| !case.is_released(item.item)) {
        for quote in &item.quotes {
            let (Some(held), Some(line)) = (quote.held(), quote.line) else {
                continue;
            };
            if line.category == item.item.category
                && let Some(share) = item.drawn_by(quote, line)
            {
                draws.push(Draw { item, quote, held, line, share });
            }
        }
    }
    draws
}

/// Whether the goods up to this item are more than there is; says so.
fn exceeds(case: &Case<'_>, draw: &Draw<'_, '_>, total: Quantity, findings: &mut Findings) -> bool {
    let line = draw.line;
    let balance = draw.held.balance(line);
    let left = line.quantity.saturating_minus(balance.consumed).saturating_minus(balance.reserved);
    let offline = case.facts.offline.as_ref();
    let is_over = |limit| total > limit && line.unit.settled(total, limit) > limit;
    let (code, limit) = if is_over(line.quantity) {
        (Code::QuantityExceedsAuthorised, line.quantity)
    } else if is_over(left)
        && case.is_ahead(&draw.held.licence)
        && !case.has_had_its_shipment(draw.held)
    {
        let beyond = offline.map_or(Code::QuantityExceedsBalance, |_| Code::AllowanceExceeded);
        (beyond, left)
    } else {
        return false;
    };
    let tolerated = offline.is_none() && is_tolerated(case, line.unit, total, limit);
    let code = if tolerated { Code::QuantityWithinTolerance } else { code };
    let finding = findings.add(code).on(draw.item, draw.quote).at(draw.item.path("quantity"));
    finding.declared(total).licensed(limit);
    let together = if total == draw.share { "" } else { " together with the items before it" };
    if let Some(offline) = offline.filter(|_| code == Code::AllowanceExceeded) {
        finding.says(format_args!(
            "{total} declared{together}, {left} left of what was set aside for {}",
            offline.post
        ));
    } else if limit == line.quantity {
        finding.says(format_args!("{total} declared{together}, {limit} authorised"));
    } else {
        finding.says(format_args!(
            "{total} declared{together}, {left} left of {authorised} ({} consumed, {} reserved)",
            balance.consumed,
            balance.reserved,
            authorised = line.quantity,
        ));
    }
    if !tolerated && code != Code::AllowanceExceeded {
        let further = limit.saturating_minus(total.saturating_minus(draw.share));
        finding.remedy(if further.is_zero() {
            "Quote a further licence".to_owned()
        } else {
            format!("Declare at most {further} {}, or quote a further licence", line.unit)
        });
    }
    !tolerated
}

pub(super) fn is_tolerated(case: &Case<'_>, unit: Unit, total: Quantity, limit: Quantity) -> bool {
    if unit.dimension() != Some(Dimension::Mass) {
        return false;
    }
    let overlay = case.state.and_then(|state| case.lists.states.get(&state));
    let overlay = overlay.map_or(0, |facts| facts.mass_tolerance_permille);
    is_within(total, limit, case.profile.mass_tolerance_permille.max(overlay))
}

/// Whether what exceeds a limit could be an error of measurement of so many tenths of a per cent.
fn is_within(total: Quantity, limit: Quantity, permille: u16) -> bool {
    let excess = total.saturating_minus(limit);
    i128::from(excess.micros()) * 1000 <= i128::from(total.micros()) * i128::from(permille)
}

/// 82 UNIT_NOT_CONVERTIBLE: the declared quantity can be restated in the unit of each licence line. Articles and
/// masses are different dimensions and never convert: kilograms of cartridges are not rounds. Dozens, hundreds
/// and thousands (DZN, CEN, MIL, T3) are multiples of one and convert. Groups (SET, NMP, 10) convert by
/// the content that the declaration states for them, and not without one; a licence line in groups measures
/// nothing, since what its groups hold is stated nowhere. Firearms are counted one by one, whether or not a
/// licence is quoted: no weight and no group without a content says how many there are, and no line by weight how
/// many may go. What is counted goes whole: half a cartridge is none, half a hundred are fifty. Packages
/// (BX, CS) and CQ, which has
/// become a package, are no units of quantity, and CTG is a content gram, not a cartridge.
pub(super) fn unit(case: &Case<'_>, findings: &mut Findings) {
    for item in &case.items {
        if item.pieces().is_some_and(|pieces| pieces.as_count().is_none()) {
            let (quantity, unit) = (item.item.quantity, item.item.unit);
            let finding = findings.add(Code::UnitNotConvertible).on_item(item, "quantity");
            finding.declared(quantity).remedy("Declare whole pieces");
            finding.says(format_args!("{quantity} {unit} are no whole number of pieces"));
        }
        let declared = item.item.unit;
        let failed = item.quotes.iter().find_map(|quote| {
            let line = quote.line.filter(|line| line.category == item.item.category)?;
            (!is_measured(item, quote, line)).then_some((quote, line))
        });
        let Some((quote, line)) = failed else {
            if item.is_live_firearm() && item.pieces().is_none() {
                let finding = findings.add(Code::UnitNotConvertible).on_item(item, "unit");
                finding.declared(declared).licensed(Unit::C62).says(Uncounted(declared));
            }
            continue;
        };
        let licensed = line.unit;
        let finding = findings.add(Code::UnitNotConvertible).on(item, quote).at(item.path("unit"));
        finding.declared(declared).licensed(licensed);
        match declared.dimension() {
            _ if licensed.dimension() == Some(Dimension::Group) => finding.says(format_args!(
                "the licence counts in {licensed} and does not state what one holds"
            )),
            None => finding.says(format_args!(
                "{declared} is no unit of quantity for these goods; the licence counts in {licensed}"
            )),
            Some(Dimension::Group) if item.item.content.is_none() => finding.says(format_args!(
                "{declared} counts groups and their content is not stated; the licence counts in {licensed}"
            )),
            Some(_) if item.is_live_firearm() && item.pieces().is_none() => {
                finding.says(Uncounted(declared))
            }
            Some(Dimension::Group | Dimension::Count | Dimension::Mass) => finding.says(
                format_args!("{declared} cannot be restated in {licensed}, in which the licence counts"),
            ),
        };
    }
}

/// Whether it can be told how much of a line the goods are. What a group of the licence's holds is stated
/// nowhere, even where the goods are declared in such groups too, and firearms are counted one by one.
fn is_measured(item: &ItemCase<'_>, quote: &QuoteCase<'_>, line: &Line) -> bool {
    let counted = item.pieces().is_some() && line.unit.dimension() == Some(Dimension::Count);
    line.unit.dimension() != Some(Dimension::Group)
        && (counted || !item.is_live_firearm())
        && item.drawn_by(quote, line).is_some()
}

/// Says of a unit that it counts no firearms.
struct Uncounted(Unit);

impl std::fmt::Display for Uncounted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} does not count firearms, which are licensed and marked one by one", self.0)
    }
}

/// 83 SHIPMENT_COUNT_EXCEEDED: a licence for a single shipment has not had it. The first release closes it,
/// whatever it left over: the remainder is lost, and a second shipment needs a further licence even where
/// the balance would allow it. Further items of the declaration whose release closed it belong to the
/// same shipment and are not held, whether they are declared together with those released or alone; a declaration
/// of another content under its number is another shipment (5). What is held of the licence that this border draws upon, for goods that
/// a carrier has announced or for a post that may be cut off, is that shipment until it is freed or taken over by its release; further items of the declaration
/// for which it is held belong to it. Licences for many shipments are never found here, and neither is an
/// export licence that is shown at import as proof.
pub(super) fn shipment_count(case: &Case<'_>, findings: &mut Findings) {
    for item in case.items.iter().filter(|item| !case.is_released(item.item)) {
        for quote in &item.quotes {
            let Some(held) = quote.held() else { continue };
            let why = if case.is_ahead(&held.licence) && case.has_had_its_shipment(held) {
                "has had it; what that left is lost"
            } else if case.is_spoken_for(held) {
                "it is reserved for other goods"
            } else {
                continue;
            };
            findings
                .add(Code::ShipmentCountExceeded)
                .on(item, quote)
                .declared("a further shipment")
                .licensed("one shipment")
                .says(format_args!("{} is for one shipment and {why}", quote.quote.number));
        }
    }
}

impl Case<'_> {
    /// Whether a licence for one shipment has had it by another declaration: what has drawn it under this
    /// one's reference is the same shipment, item after item (Union Customs Code, article 194(2)).
    pub fn has_had_its_shipment(&self, held: &Held) -> bool {
        let number = &held.licence.number;
        let here = |prior: &PriorUse| !prior.is_another && prior.licences.contains(number);
        held.is_closed() && (held.standing.shipments > 1 || !self.facts.prior_uses.iter().any(here))
    }

    /// Whether the one shipment of a licence that this border draws upon is held for another declaration. What a
    /// post that is cut off was not given is rule 120's.
    pub fn is_spoken_for(&self, held: &Held) -> bool {
        self.facts.offline.is_none()
            && self.draws(&held.licence)
            && self.facts.spoken_for.contains(&held.licence.number)
    }
}

/// 86 PERSONAL_AMMUNITION_LIMIT: a hunter carries no more than 800 rounds and a sport shooter no more than 1200
/// (figures unconfirmed, profile parameters) as accompanied personal effects. Counted are the complete rounds
/// of all items of the declaration that draw upon no licence of the movement, whatever else they quote, thousands and dozens as what they are,
/// and those that items of the same declaration were released with before; the
/// item that takes the sum over the limit is held. What cannot be counted in rounds (kilograms, boxes, packs
/// whose content is not stated) is referred, since nothing shows how many there are. Rounds under a licence, or under one of which nothing is known
/// yet (11, 12), are not on the simplified route and have no limit but the licence's, and a load that is no personal effect is none of this rule's
/// business.
pub(super) fn personal_ammunition(case: &Case<'_>, findings: &mut Findings) {
    let effects = case.declaration.temporary.as_ref().and_then(|temporary| temporary.effects);
    let (who, limit) = match effects {
        Some(PersonalEffects::Hunter) => ("hunter", case.profile.hunter_rounds_max),
        Some(PersonalEffects::SportShooter) => ("sport shooter", case.profile.sport_rounds_max),
        None => return,
    };
    let Some(limit) = limit else { return };
    let before = case.facts.carried;
    let mut total = before;
    let draws = |quote: &QuoteCase<'_>| quote.licence().is_none_or(|licence| case.draws(licence));
    for item in &case.items {
        if item.item.category != Category::Ammunition || item.quotes.iter().any(draws) {
            continue;
        }
        if before == Quantity::MAX {
            let finding = findings.add(Code::PersonalAmmunitionLimit).on_item(item, "quantity");
            finding.severity(Severity::Refer).licensed(limit).says(format_args!(
                "rounds that cannot be counted were released under this reference before; a {who} may carry {limit}"
            ));
            continue;
        }
        let Some(rounds) = item.pieces() else {
            let (quantity, unit) = (item.item.quantity, item.item.unit);
            let finding = findings.add(Code::PersonalAmmunitionLimit).on_item(item, "unit");
            finding.severity(Severity::Refer).remedy("Declare the number of rounds");
            finding.declared(format_args!("{quantity} {unit}")).licensed(limit).says(format_args!(
                "{quantity} {unit} cannot be counted in rounds, of which a {who} may carry {limit}"
            ));
            continue;
        };
        total = total.plus(rounds).unwrap_or(Quantity::MAX);
        if total > Quantity::whole(limit) {
            let finding = findings.add(Code::PersonalAmmunitionLimit).on_item(item, "quantity");
            finding.declared(total).licensed(limit).says(format_args!(
                "{total} rounds without a licence{}, a {who} may carry {limit}",
                Before(before)
            ));
        }
    }
}

/// Says that some of the rounds were released before.
struct Before(Quantity);

impl std::fmt::Display for Before {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.is_zero() {
            return Ok(());
        }
        write!(f, ", {} of them released before", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tolerance_is_a_share_of_what_was_measured() {
        let q = |text: &str| Quantity::parse(text).unwrap();
        assert!(is_within(q("100.5"), q("100"), 5));
        assert!(!is_within(q("100.6"), q("100"), 5));
        assert!(!is_within(q("100.000001"), q("100"), 0));
        assert!(!is_within(q("0.1"), q("0"), 5));
        assert!(is_within(q("9999999999.999999"), q("9999999999"), 1));
    }
}
