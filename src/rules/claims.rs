//! Section 3G, second half: goods that are something else than their papers say, and claims to be
//! outside the law.
use super::Case;
use super::Code;
use super::Findings;
use super::Severity;
use super::case::ItemCase;
use super::questions::ANTIQUE_YEAR_MAX;
use crate::domain::Quantity;
use crate::domain::declaration::Declaration;
use crate::domain::declaration::PersonalEffects;
use crate::domain::declaration::ScopeGround;
use crate::domain::goods::Category;
use crate::domain::goods::HsCode;
use crate::domain::goods::Movement;
use crate::domain::goods::PartKind;
use crate::domain::goods::Purpose;
use crate::domain::party::Party;
use crate::domain::party::names_agree;

/// 72 TARIFF_CODE_IMPLAUSIBLE: the tariff code goes with the declared class. Firearms are in 9301.90, 9302
/// and 9303; parts in 9305; complete rounds in 9306.21 and 9306.30; components of ammunition in 9306.29,
/// 9306.30 (which mixes them with rounds), 3601 and 3603. So referred are firearms under tools, machines,
/// toys or antiques, live firearms under 9304 (air guns) or 9307 (swords), artillery of 9301.10 and
/// 9301.20, rounds under 9306.90 (munitions of war) or 3604 (fireworks). A proven antique or deactivated
/// firearm may stand under 9705 or 9706. An item without a code is not looked at.
pub(super) fn tariff_plausible(case: &Case<'_>, findings: &mut Findings) {
    for item in &case.items {
        let Some(hs) = item.item.hs else { continue };
        let class = item.item.category;
        let collected =
            matches!(hs.heading(), 9705 | 9706) && (item.is_antique() || item.is_deactivated());
        if collected || goes_with(hs, class) {
            continue;
        }
        let usual = usual_codes(class);
        let finding = findings.add(Code::TariffCodeImplausible).on_item(item, "hs");
        finding
            .declared(hs)
            .licensed(usual)
            .says(format_args!("{hs} declared for {}, which belongs in {usual}", class.as_str()));
    }
}

fn goes_with(hs: HsCode, class: Category) -> bool {
    let (heading, six) = (hs.heading(), hs.six());
    match class {
        Category::Firearm => six == 930_190 || heading == 9302 || heading == 9303,
        Category::Part => heading == 9305,
        Category::Ammunition => six == 930_621 || six == 930_630,
        Category::AmmunitionComponent => {
            matches!(six, 930_629 | 930_630) || heading == 3601 || heading == 3603
        }
    }
}

fn usual_codes(class: Category) -> &'static str {
    match class {
        Category::Firearm => "9301.90, 9302 or 9303",
        Category::Part => "9305",
        Category::Ammunition => "9306.21 or 9306.30",
        Category::AmmunitionComponent => "9306.29, 9306.30, 3601 or 3603",
    }
}

/// 77 ANTIQUE_CLAIM_INVALID: a firearm claimed to be an antique was made in 1899 or before: 1899 may be
/// one, 1900 never is, whatever its age or its tariff heading. An unknown year is referred, and so are a year in
/// which no firearm was made yet and antiques that are not declared in pieces, since the age is each one's own. The claim is
/// judged whether or not a licence is quoted, because papers that call a modern firearm an antique are
/// wrong on either ground. Where it has failed and no licence is quoted, that one is missing too (10). That the
/// year fits is necessary, not sufficient: national law may still count the firearm as modern, so that the
/// claim is made known (79). Parts and ammunition are no antiques: such a claim is referred, and changes nothing.
pub(super) fn antique_claim(case: &Case<'_>, findings: &mut Findings) {
    for item in case.items.iter().filter(|item| item.item.antique) {
        if item.is_antique() {
            if item.pieces().is_none() {
                let finding = findings.add(Code::AntiqueClaimInvalid).on_item(item, "unit");
                finding.severity(Severity::Refer).remedy("Declare the number of pieces");
                finding.declared(item.item.unit).says(format_args!(
                    "{} {} of firearms are claimed to be antiques, which are judged piece by piece",
                    item.item.quantity, item.item.unit
                ));
            }
            continue;
        }
        if !item.is_firearm() {
            let finding = findings.add(Code::AntiqueClaimInvalid).on_item(item, "antique");
            finding.severity(Severity::Refer).remedy("Withdraw the claim").says(format_args!(
                "{} is claimed to be an antique, which only a firearm can be",
                item.item.category.as_str()
            ));
            continue;
        }
        let finding = findings.add(Code::AntiqueClaimInvalid).on_item(item, "manufacture_year");
        finding.licensed(format_args!("{ANTIQUE_YEAR_MAX} or before"));
        if let Some(year) = item.made_in() {
            finding.declared(year).says(format_args!(
                "claimed to be an antique, made in {year}; no firearm made after {ANTIQUE_YEAR_MAX} is one"
            ));
            continue;
        }
        finding.severity(Severity::Refer).remedy("State and prove the year of manufacture");
        if let Some(year) = item.item.manufacture_year {
            finding.declared(year).says(format_args!(
                "claimed to be an antique, and no firearm was made in the year {year}"
            ));
        } else {
            finding.says("claimed to be an antique, and the year of manufacture is not stated");
        }
    }
}

/// 78 DEACTIVATION_UNPROVEN: a firearm claimed to be deactivated comes with a certificate, the authority
/// that gave it, and that certificate covers every serial declared, one for each firearm. Without all of it it is a live firearm
/// and everything that is asked of one is asked: licence (10), marking, quantity. A proven deactivation is made known (79). Only a firearm can be deactivated: such a claim for
/// parts or ammunition is referred, and changes nothing.
pub(super) fn deactivation(case: &Case<'_>, findings: &mut Findings) {
    for item in &case.items {
        let Some(proof) = &item.item.deactivation else {
            continue;
        };
        if item.is_deactivated() {
            continue;
        }
        let finding = findings.add(Code::DeactivationUnproven).on_item(item, "deactivation");
        if !item.is_firearm() {
            finding.severity(Severity::Refer).remedy("Withdraw the claim").says(format_args!(
                "{} is claimed to be deactivated, which only a firearm can be",
                item.item.category.as_str()
            ));
            continue;
        }
        let uncovered = item.uncovered(&proof.serials);
        match (&proof.certificate, &proof.authority, uncovered) {
            (None, _, _) => finding.says("claimed to be deactivated, and no certificate is stated"),
            (Some(certificate), None, _) => finding.declared(certificate).says(format_args!(
                "certificate {certificate} is stated without the authority that gave it"
            )),
            (Some(certificate), Some(_), Some(serial)) => finding
                .declared(&serial)
                .says(format_args!("certificate {certificate} does not cover serial {serial}")),
            (Some(certificate), Some(_), None) => finding.declared(certificate).says(format_args!(
                "not every firearm has a serial of its own that certificate {certificate} could be compared with"
            )),
        };
    }
}

/// 79 SCOPE_EXEMPTION_UNPROVEN and SCOPE_EXEMPTION_CLAIMED: a claim that the movement is outside the law
/// (State to State, armed forces and authorities, recognised collectors and museums) states its evidence
/// and a ground that the law applied here knows. The Protocol itself only knows transfers between States;
/// the others are grounds of Union law. Whether the evidence is good is nothing that the register knows, so
/// that a person decides on a claim with evidence as on one without. The same goes for the reference of an exemption
/// from licensing, unless the goods move by a simplified route that the other rules judge: as accompanied
/// personal effects of a hunter or sport shooter where the law has that route, or, where the law spares them a licence,
/// as the return of goods whose first movement the register knows (101 to 104). Personal effects are what leaves with a named
/// hunter to hunt or with a named sport shooter to shoot: firearms, of which the law sets no number, rounds within its limit (86), and
/// parts, the essential ones only where each bears a mark. Temporary entry has no such route, and neither have
/// components of ammunition, firearms of heading 9301 or of category A, which that law leaves out, and goods for another
/// consignee or final recipient than the one who travels or exports them. Components of ammunition that no State
/// concerned subjects to authorisation are made known, and referred where nothing tells them from complete rounds: under
/// 9306.30, which mixes both, and where lots are stated, as of rounds. Those, antiques (77) and deactivated firearms (78) whose
/// claims hold are made known: nothing passes without a licence in silence.
pub(super) fn scope_claim(case: &Case<'_>, findings: &mut Findings) {
    for item in &case.items {
        claimed_exempt(case, item, findings);
    }
    let Some(claim) = &case.declaration.scope else {
        return;
    };
    let ground = match claim.ground {
        ScopeGround::StateTransfer => "a transfer between States",
        ScopeGround::ArmedForces => "a movement of armed forces or public authorities",
        ScopeGround::Collector => "a movement of a recognised collector or museum",
    };
    let known = claim.ground == ScopeGround::StateTransfer || case.profile.wider_exclusions;
    match &claim.evidence {
        Some(evidence) if known => {
            let finding = findings.add(Code::ScopeExemptionClaimed).at("/scope_claim");
            finding.declared(evidence).says(format_args!("claimed to be {ground}: {evidence}"));
        }
        Some(evidence) => {
            let finding = findings.add(Code::ScopeExemptionUnproven).at("/scope_claim/ground");
            finding.declared(evidence).says(format_args!(
                "claimed to be {ground}, which {} does not leave out of its scope",
                case.profile.id
            ));
        }
        None => {
            findings
                .add(Code::ScopeExemptionUnproven)
                .at("/scope_claim/evidence")
                .says(format_args!("claimed to be {ground}, and nothing is stated that proves it"));
        }
    }
}

fn claimed_exempt(case: &Case<'_>, item: &ItemCase<'_>, findings: &mut Findings) {
    let mut claimed = |field: &str, severity, what: std::fmt::Arguments<'_>| {
        let finding = findings.add(Code::ScopeExemptionClaimed).on_item(item, field);
        finding.severity(severity).says(what);
    };
    if item.is_antique() {
        let year = item.item.manufacture_year.unwrap_or_default();
        claimed(
            "manufacture_year",
            Severity::Inform,
            format_args!("an antique, said to be made in {year}"),
        );
    }
    if let Some(proof) = item.item.deactivation.as_ref().filter(|_| item.is_deactivated()) {
        let certificate = proof.certificate.as_deref().unwrap_or_default();
        claimed(
            "deactivation",
            Severity::Inform,
            format_args!("deactivated, by certificate {certificate}"),
        );
    }
    if item.quotes.is_empty() && !case.is_controlled(item.item) {
        let (field, severity, why) = uncontrolled(item);
        claimed(
            field,
            severity,
            format_args!("components of ammunition, which need no licence{why}"),
        );
    }
    if let Some(reference) = &item.item.exemption {
        let severity =
            if is_on_simplified_route(case, item) { Severity::Inform } else { Severity::Refer };
        claimed(
            "exemption",
            severity,
            format_args!("claimed to need no licence by exemption {reference}"),
        );
    }
}

/// What makes components that need no licence known, and what may make complete rounds of them.
fn uncontrolled(item: &ItemCase<'_>) -> (&'static str, Severity, &'static str) {
    match item.item.hs.map(HsCode::six) {
        _ if !item.item.lots.is_empty() => {
            ("lots", Severity::Refer, ": lots are stated, as of complete rounds")
        }
        Some(930_630) => ("hs", Severity::Refer, ": 9306.30 is the code of complete rounds too"),
        // Without a code they are referred as well (1).
        Some(_) | None => ("category", Severity::Inform, ""),
    }
}

/// Whether the goods move without a licence by a route whose conditions the rules on temporary
/// movements and personal effects judge.
fn is_on_simplified_route(case: &Case<'_>, item: &ItemCase<'_>) -> bool {
    let Some(temporary) = &case.declaration.temporary else { return false };
    let returns = case.profile.simplified_returns && case.first_movement().is_some();
    temporary.purpose.is_some()
        && temporary.evidence.is_some()
        && (returns || is_personal_effects(case, item))
}

/// Whether an item leaves as accompanied personal effects of a hunter or sport shooter, where the law has
/// that route (Regulation 258/2012, article 9(1)(a)).
pub(super) fn is_personal_effects(case: &Case<'_>, item: &ItemCase<'_>) -> bool {
    let Some(temporary) = &case.declaration.temporary else { return false };
    let limit = match (temporary.effects, temporary.purpose) {
        (Some(PersonalEffects::Hunter), Some(Purpose::Hunting)) => case.profile.hunter_rounds_max,
        (Some(PersonalEffects::SportShooter), Some(Purpose::SportShooting)) => {
            case.profile.sport_rounds_max
        }
        _ => None,
    };
    limit.is_some()
        && case.declaration.movement == Movement::Export
        && temporary.person.as_deref().is_some_and(|person| stay_with(case.declaration, person))
        && !is_left_out(item)
        && may_accompany(item)
}

/// Whether nobody else receives the goods than the person who travels with them or who exports them.
fn stay_with(declaration: &Declaration, person: &str) -> bool {
    let is_own = |party: &Party| {
        names_agree(&party.id, person)
            || names_agree(&party.name, person)
            || declaration.exporter.as_ref().is_some_and(|exporter| exporter.id == party.id)
    };
    [&declaration.consignee, &declaration.final_recipient].into_iter().flatten().all(is_own)
}

/// Whether the law that has the route leaves such goods out: what is made for military use or fires fully
/// automatically (Regulation 258/2012, article 3(1)).
fn is_left_out(item: &ItemCase<'_>) -> bool {
    let control = item.item.control.as_deref().unwrap_or_default();
    let mut signs = control.chars().filter(|c| c.is_alphanumeric()).map(|c| c.to_ascii_uppercase());
    let category_a = signs.next() == Some('A') && signs.next().is_none_or(|c| c.is_ascii_digit());
    category_a || item.item.hs.is_some_and(|hs| hs.heading() == 9301)
}

/// Whether the route has a place for goods of this kind.
fn may_accompany(item: &ItemCase<'_>) -> bool {
    match item.item.category {
        Category::Firearm | Category::Ammunition => true,
        Category::AmmunitionComponent => false,
        Category::Part => {
            let marks = u32::try_from(item.item.marks_of_identity().len()).unwrap_or(u32::MAX);
            matches!(item.item.part, Some(PartKind::Suppressor | PartKind::Other))
                || item.pieces().is_some_and(|pieces| pieces <= Quantity::whole(marks))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_has_its_headings() {
        let goes = |hs: &str, class| goes_with(HsCode::parse(hs).unwrap(), class);
        for good in ["930190", "930200", "930310", "93033000", "930390"] {
            assert!(goes(good, Category::Firearm), "{good}");
        }
        for bad in ["930110", "930120", "930400", "930700", "970610", "950300", "820559", "930510"]
        {
            assert!(!goes(bad, Category::Firearm), "{bad}");
        }
        assert!(goes("930591", Category::Part));
        assert!(!goes("930200", Category::Part));
        for (hs, round, component) in [
            ("930621", true, false),
            ("930629", false, true),
            ("930630", true, true),
            ("930690", false, false),
            ("360100", false, true),
            ("360330", false, true),
            ("360410", false, false),
        ] {
            assert_eq!(goes(hs, Category::Ammunition), round, "{hs}");
            assert_eq!(goes(hs, Category::AmmunitionComponent), component, "{hs}");
        }
    }
}
