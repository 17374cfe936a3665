//! Section 3G, first half: whether the goods are those of the licence lines quoted.
use super::Case;
use super::Code;
use super::Finding;
use super::Findings;
use super::Severity;
use super::case::ItemCase;
use super::case::QuoteCase;
use crate::domain::Country;
use crate::domain::Text;
use crate::domain::codes::Tariff;
use crate::domain::codes::tariff;
use crate::domain::declaration::Item;
use crate::domain::goods::Category;
use crate::domain::goods::HsCode;
use crate::domain::goods::folded_calibre;
use crate::domain::goods::is_chambering_of;
use crate::domain::licence::Licence;
use crate::domain::licence::Line;
use crate::domain::lists::Lists;
use crate::domain::party::names_agree;
use crate::domain::serial::SerialIndex;

/// 70 GOODS_NOT_COVERED: every licence quoted has a line of the item's class (firearm, part, ammunition,
/// component of ammunition), and where the declarant names a line, that line exists and is of that class.
/// A licence for rifles covers no cartridges, and one for cartridges no cases or primers. Two lines
/// of the class with none named are not this finding but an allocation that is incomplete (84).
/// Components of ammunition need no licence where no State concerned subjects them to authorisation
/// (article 3(c)); a licence that is quoted for them and does not cover them is then only referred. Where the class differs, rules 71 and 73 to 75 have nothing to compare and stay silent.
pub(super) fn goods_covered(case: &Case<'_>, findings: &mut Findings) {
    for item in &case.items {
        let class = item.item.category;
        for quote in &item.quotes {
            let Some(licence) = quote.licence() else { continue };
            let number = &licence.number;
            match (quote.line, quote.quote.line) {
                (Some(line), _) if line.category != class => {
                    not_covered(case, item, quote, licence, findings).says(format_args!(
                        "line {} of {number} is for {}, the item is {}",
                        line.line,
                        words(line.category),
                        words(class)
                    ));
                }
                (None, Some(quoted)) => {
                    not_covered(case, item, quote, licence, findings).says(format_args!(
                        "{number} has no line {quoted}; its lines are for {}",
                        Classes(licence)
                    ));
                }
                (None, None) if licence.lines.iter().all(|line| line.category != class) => {
                    not_covered(case, item, quote, licence, findings).says(format_args!(
                        "{number} has no line for {}; its lines are for {}",
                        words(class),
                        Classes(licence)
                    ));
                }
                (Some(_), _) | (None, None) => {}
            }
        }
    }
}

fn not_covered<'f>(
    case: &Case<'_>,
    item: &ItemCase<'_>,
    quote: &QuoteCase<'_>,
    licence: &Licence,
    findings: &'f mut Findings,
) -> &'f mut Finding {
    let finding = findings.add(Code::GoodsNotCovered).on(item, quote);
    if !case.is_controlled(item.item) {
        finding.severity(Severity::Refer).remedy("Withdraw the quote; these goods need no licence");
    }
    finding.declared(item.item.category.as_str()).licensed(Classes(licence))
}

fn words(class: Category) -> &'static str {
    match class {
        Category::Firearm => "firearms",
        Category::Part => "parts",
        Category::Ammunition => "ammunition",
        Category::AmmunitionComponent => "components of ammunition",
    }
}

/// The lines of a licence with their classes, in words.
struct Classes<'a>(&'a Licence);

impl std::fmt::Display for Classes<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, line) in self.0.lines.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{} ({})", words(line.category), line.line)?;
        }
        Ok(())
    }
}

/// Every item with every licence line of its class that is quoted for it.
fn compared<'c, 'a>(
    case: &'c Case<'a>,
) -> impl Iterator<Item = (&'c ItemCase<'a>, &'c QuoteCase<'a>, &'a Line)> {
    case.items.iter().flat_map(|item| {
        item.quotes.iter().filter_map(move |quote| {
            let line = quote.line.filter(|line| line.category == item.item.category)?;
            Some((item, quote, line))
        })
    })
}

/// 71 TARIFF_CODE_MISMATCH: the tariff code of the item is that of the licence line, compared at six
/// digits, the only ones that States share: `93033000` and `9303.30.41` are the same code here. Codes of
/// different editions of the nomenclature are equal where the one replaced the other (9301.11 and 9301.19
/// became 9301.10; 9305.21 and 9305.29 became 9305.20; 9306.10 became 9306.30; 9305.90, 3603, 9705 and 9706 were divided). A line without a
/// code compares with nothing. Whether the code goes with the class at all is rule 72, which may be
/// found beside this one.
pub(super) fn tariff_code(case: &Case<'_>, findings: &mut Findings) {
    for (item, quote, line) in compared(case) {
        let (Some(declared), Some(licensed)) = (item.item.hs, line.hs) else {
            continue;
        };
        if !same_six(declared, licensed) {
            let finding =
                findings.add(Code::TariffCodeMismatch).on(item, quote).at(item.path("hs"));
            finding.declared(declared).licensed(licensed).says(format_args!(
                "{declared} declared, {licensed} on line {} of {}: they differ within six digits",
                line.line, quote.quote.number
            ));
        }
    }
}

fn same_six(a: HsCode, b: HsCode) -> bool {
    if a.six() == b.six() {
        return true;
    }
    let ((a_first, a_last), (b_first, b_last)) = (in_force(a), in_force(b));
    a_first <= b_last && b_first <= a_last
}

/// The codes of the 2022 edition that an older one has become, from the first to the last: one that was divided
/// ended in a nought for each digit by which its parts differ.
fn in_force(code: HsCode) -> (u32, u32) {
    let six = code.six();
    match tariff(code) {
        Tariff::Usable | Tariff::Unknown => (six, six),
        Tariff::Replaced(Some(by)) => (by, by),
        Tariff::Replaced(None) if six.is_multiple_of(100) => (six, six + 99),
        Tariff::Replaced(None) => (six, six + 9),
    }
}

/// 73 MAKE_MODEL_MISMATCH: make, model and country of manufacture are those of the licence line, where both sides state
/// them, with case, accents and punctuation set aside. A difference is referred. It holds the goods where
/// a declared serial or alternative marking is one that this line lists: the licence then says that this very firearm is another
/// model, or made elsewhere. What only one side states is not a difference, and a line that leaves the
/// make open covers any.
pub(super) fn make_and_model(case: &Case<'_>, findings: &mut Findings) {
    for (item, quote, line) in compared(case) {
        let goods = item.item;
        // Nearly every item says what its line says, to the letter.
        if stated_alike(goods.manufactured_in.as_ref(), line.manufactured_in.as_ref())
            && stated_alike(goods.make.as_ref(), line.make.as_ref())
            && stated_alike(goods.model.as_ref(), line.model.as_ref())
        {
            continue;
        }
        for (field, declared, licensed) in described(goods, line) {
            let (Some(declared), Some(licensed)) = (declared, licensed) else {
                continue;
            };
            if names_agree(declared, licensed) {
                continue;
            }
            let listed = SerialIndex::new(&line.serials);
            let marks = goods.marks_of_identity();
            let known = marks.iter().find(|serial| listed.contains(serial));
            let finding = findings.add(Code::MakeModelMismatch).on(item, quote);
            finding.at(item.path(field)).declared(declared).licensed(licensed);
            let field = field.replace('_', " ");
            if let Some(serial) = known {
                finding.severity(Severity::Block).says(format_args!(
                    "{field} {declared} declared, but {} lists {serial} as {licensed}",
                    quote.quote.number
                ));
            } else {
                finding.says(format_args!(
                    "{field} {declared} declared, {licensed} on line {} of {}",
                    line.line, quote.quote.number
                ));
            }
        }
    }
}

/// Whether two sides say the same, to the letter, or one of them says nothing.
pub(super) fn stated_alike<T: PartialEq>(a: Option<&T>, b: Option<&T>) -> bool {
    a.zip(b).is_none_or(|(a, b)| a == b)
}

/// What an item and a line each say of maker, model and country of manufacture.
fn described<'c>(
    goods: &'c Item,
    line: &'c Line,
) -> [(&'static str, Option<&'c str>, Option<&'c str>); 3] {
    let code = |country: &'c Option<Country>| country.as_ref().map(Country::as_str);
    [
        ("make", goods.make.as_deref(), line.make.as_deref()),
        ("model", goods.model.as_deref(), line.model.as_deref()),
        ("country_of_manufacture", code(&goods.manufactured_in), code(&line.manufactured_in)),
    ]
}

/// How two calibres relate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Calibres {
    /// Written alike, or in one group of the list of names.
    Same,
    /// In different groups.
    Different,
    /// Written differently, and the list does not tell.
    Unmapped,
}

/// Compares two calibres by their folded names, then by the list's groups of equals.
pub(super) fn calibres(a: &str, b: &str, lists: &Lists) -> Calibres {
    if a == b {
        return Calibres::Same;
    }
    let (a, b) = (folded_calibre(a), folded_calibre(b));
    match (lists.calibres.get(&a), lists.calibres.get(&b)) {
        _ if a == b => Calibres::Same,
        (Some(a), Some(b)) if a == b => Calibres::Same,
        _ if is_chambering_of(&a, &b) || is_chambering_of(&b, &a) => Calibres::Unmapped,
        (Some(_), Some(_)) => Calibres::Different,
        (None, _) | (_, None) => Calibres::Unmapped,
    }
}

/// 74 CALIBRE_MISMATCH: the calibre is that of the licence line. Two names mean one calibre where they
/// are written alike (case, spaces and punctuation set aside, and a closing `mm` after a decimal or a length; the decimal point
/// counts, and of a single number the leading point and `mm` as well) or where the list of calibre names puts them in one group. Names in two groups hold the goods:
/// .223 Remington is not 5.56x45, .308 Winchester is not 7.62x51, close as they are. Where a name is in no
/// group a person decides, and so where one side names a gauge and the other its cartridges of one chamber length. A calibre that one side leaves open is no difference.
pub(super) fn calibre(case: &Case<'_>, findings: &mut Findings) {
    for (item, quote, line) in compared(case) {
        let (Some(declared), Some(licensed)) = (&item.item.calibre, &line.calibre) else {
            continue;
        };
        let relation = calibres(declared, licensed, case.lists);
        if relation == Calibres::Same {
            continue;
        }
        let finding = findings.add(Code::CalibreMismatch).on(item, quote).at(item.path("calibre"));
        finding.declared(declared).licensed(licensed);
        if relation == Calibres::Different {
            finding.says(format_args!(
                "{declared} declared, {licensed} on line {} of {}: two different calibres",
                line.line, quote.quote.number
            ));
        } else {
            finding.severity(Severity::Refer).says(format_args!(
                "{declared} declared, {licensed} on line {} of {}; the list of names does not tell whether they are one",
                line.line, quote.quote.number
            ));
        }
    }
}

/// 75 CONTROL_CATEGORY_MISMATCH: the military or civil control category is that of the licence line, where
/// both state one of the same list. A category covers its subdivisions: a line for `ML1` covers goods of
/// `ML1.a`, but not of `ML10`, and a line for `ML1.a` does not cover all of `ML1`. A military category
/// (`ML..`) and a civil one (`A` to `D`) cannot be compared and are no difference; the category is never
/// derived from the tariff code and never required.
pub(super) fn control_category(case: &Case<'_>, findings: &mut Findings) {
    for (item, quote, line) in compared(case) {
        let (Some(declared), Some(licensed)) = (&item.item.control, &line.control) else {
            continue;
        };
        if !covers(licensed, declared) {
            let finding = findings.add(Code::ControlCategoryMismatch).on(item, quote);
            finding.at(item.path("control_list")).declared(declared).licensed(licensed);
            finding.says(format_args!(
                "{declared} declared, {licensed} on line {} of {}",
                line.line, quote.quote.number
            ));
        }
    }
}

fn covers(licensed: &Text, declared: &Text) -> bool {
    if licensed == declared {
        return true;
    }
    let fold = |text: &str| -> String {
        text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect()
    };
    let (licensed, declared) = (fold(licensed), fold(declared));
    if licensed.starts_with("ML") != declared.starts_with("ML") {
        return true;
    }
    let ends_in_digit = licensed.ends_with(|c: char| c.is_ascii_digit());
    declared
        .strip_prefix(&licensed)
        .is_some_and(|rest| rest.chars().next().is_none_or(|c| c.is_ascii_digit() != ends_in_digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tariff_codes_agree_over_editions_and_national_digits() {
        let same = |a, b| same_six(HsCode::parse(a).unwrap(), HsCode::parse(b).unwrap());
        assert!(same("93033000", "9303304130"));
        assert!(same("930111", "930110"));
        assert!(same("930529", "930521"));
        assert!(same("360300", "360330"));
        assert!(same("930610", "930630") && same("930590", "930599") && same("930100", "930190"));
        assert!(!same("930610", "930621") && !same("930590", "930510"));
        assert!(!same("360310", "360330"));
        assert!(!same("930320", "930330"));
        assert!(!same("930510", "930520"));
    }

    #[test]
    fn a_control_category_covers_its_subdivisions_only() {
        let covers = |licensed: &str, declared: &str| covers(&licensed.into(), &declared.into());
        assert!(covers("ML1", "ml 1.a"));
        assert!(covers("ML1", "B"));
        assert!(covers("B", "B1"));
        assert!(!covers("ML1", "ML10"));
        assert!(!covers("ML1.a", "ML1"));
        assert!(!covers("ML3", "ML1"));
        assert!(!covers("B", "A"));
    }

    #[test]
    fn calibres_of_two_groups_differ_and_unknown_ones_are_undecided() {
        let mut lists = Lists::default();
        for (name, group) in [("5.56x45", 1), ("5.56 NATO", 1), (".223 Rem", 2)] {
            lists.calibres.insert(folded_calibre(name), group);
        }
        assert_eq!(calibres("5.56x45mm", "5,56×45", &lists), Calibres::Same);
        assert_eq!(calibres("5.56 NATO", "5.56x45mm", &lists), Calibres::Same);
        assert_eq!(calibres(".223 Rem", "5.56x45mm", &lists), Calibres::Different);
        assert_eq!(calibres(".300 BLK", "5.56x45mm", &lists), Calibres::Unmapped);
    }
}
