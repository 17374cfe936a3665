//! Rule 76: parts that make up complete firearms, declared together or released before under the
//! consignment's reference.
use super::Case;
use super::Code;
use super::Findings;
use super::case::ItemCase;
use crate::domain::Quantity;
use crate::domain::Text;
use crate::domain::goods::Category;
use crate::domain::goods::PartKind;
use crate::domain::party::names_agree;
use crate::domain::quantity::Dimension;

/// Parts of one kind that other declarations of the consignment had released before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartFact {
    /// Which part; `None` where that was not stated.
    pub part: Option<PartKind>,
    /// Maker.
    pub make: Option<Text>,
    /// Model.
    pub model: Option<Text>,
    /// How many pieces; `None` where some were not declared in pieces.
    pub pieces: Option<Quantity>,
    /// Over how many items.
    pub items: u32,
}

/// Kinds of part that a firearm is made up of: frame or receiver, barrel, and what closes it.
const KINDS: u32 = 3;

/// Parts declared now, or released before.
struct Piece<'c, 'a> {
    item: Option<&'c ItemCase<'a>>,
    part: Option<PartKind>,
    make: Option<&'c Text>,
    model: Option<&'c Text>,
    pieces: Option<Quantity>,
    /// How many kinds of part they may be, where that is not stated.
    kinds: u32,
}

impl<'c, 'a> Piece<'c, 'a> {
    fn declared(item: &'c ItemCase<'a>) -> Self {
        let pieces = item.pieces();
        // An item is goods of one kind, unless it is so many sets or so many kilograms of them.
        let assorted = pieces.is_none() || item.item.unit.dimension() == Some(Dimension::Group);
        Self {
            item: Some(item),
            part: item.item.part,
            make: item.item.make.as_ref(),
            model: item.item.model.as_ref(),
            pieces,
            kinds: if assorted { KINDS } else { 1 },
        }
    }

    fn before(fact: &'c PartFact) -> Self {
        Self {
            item: None,
            part: fact.part,
            make: fact.make.as_ref(),
            model: fact.model.as_ref(),
            pieces: fact.pieces,
            kinds: if fact.pieces.is_none() { KINDS } else { fact.items },
        }
    }

    fn is_frame(&self) -> bool {
        self.part == Some(PartKind::FrameOrReceiver)
    }

    /// Whether both may belong to one make and model.
    fn fits(&self, other: &Self) -> bool {
        let differ = |a: Option<&Text>, b: Option<&Text>| matches!((a, b), (Some(a), Some(b)) if !names_agree(a, b));
        !differ(self.make, other.make) && !differ(self.model, other.model)
    }
}

/// 76 COMPLETE_FIREARM_AS_PARTS: the parts of one consignment do not make up complete firearms, that is
/// frame or receiver, barrel, and bolt, breech block, slide or cylinder for each. Looked at are the parts declared and those
/// that other declarations under the same unique consignment reference (UCR), or other items of the same declaration, have had released the same way at the borders of the customs territory. Found on every item of
/// frames or receivers for which there are such sets among the parts that do not belong to another make
/// or model; a make or model left open may belong to any. Frames and barrels without bolts or slides are
/// parts, however many, and suppressors complete nothing. An item of which it is not stated which part it is may be the
/// one that lacks, in sets or by weight all of them, and one item of parts that are said to be of another kind may be as well. Parts that are not counted in pieces (a weight, sets
/// whose content is not stated) may be any number of them. A person decides, since spare parts in equal
/// numbers are lawful too.
pub(super) fn complete_as_parts(case: &Case<'_>, findings: &mut Findings) {
    let declared = case.items.iter().filter(|item| item.item.category == Category::Part);
    let mut parts: Vec<Piece<'_, '_>> = declared.map(Piece::declared).collect();
    if parts.is_empty() {
        return;
    }
    parts.extend(case.facts.linked.iter().map(Piece::before));
    let mut found: Vec<usize> = Vec::new();
    for (index, core) in parts.iter().enumerate() {
        let mut earlier = parts.iter().take(index);
        let is_core = core.is_frame()
            || (core.part.is_none()
                && !parts.iter().any(|part| part.is_frame() && part.fits(core))
                && !earlier.any(|part| part.part.is_none() && part.fits(core)));
        let Some(sets) = is_core.then(|| Sets::around(core, &parts)).flatten() else { continue };
        let own = core.item.or_else(|| {
            let belongs =
                |part: &&Piece<'_, '_>| part.part != Some(PartKind::Suppressor) && part.fits(core);
            parts.iter().filter(belongs).find_map(|part| part.item)
        });
        let Some(item) = own.filter(|item| !found.contains(&item.index)) else { continue };
        found.push(item.index);
        sets.say(item, findings);
    }
}

/// What there is for a set of parts.
struct Sets {
    /// Frames or receivers, barrels, and what closes them; `None` where some are not counted.
    counts: [Option<Quantity>; 3],
    /// Whether kinds that lack are made up for by parts of which it is not known what they are.
    open: bool,
    /// Whether some were released before.
    before: bool,
}

impl Sets {
    /// Counts what fits a frame, or parts that may be one; `None` where that completes no firearm.
    fn around(core: &Piece<'_, '_>, parts: &[Piece<'_, '_>]) -> Option<Self> {
        let zero = Some(Quantity::ZERO);
        let (mut counts, mut unstated, mut other, mut before) = ([zero; 3], 0_u32, 0_u32, false);
        if core.is_frame() {
            counts = [core.pieces, zero, zero];
            before = core.item.is_none();
        }
        let [_, barrels, actions] = &mut counts;
        for part in parts.iter().filter(|part| part.fits(core)) {
            let count = match part.part {
                Some(PartKind::Barrel) => &mut *barrels,
                Some(PartKind::BoltOrBreechBlock | PartKind::SlideOrCylinder) => &mut *actions,
                Some(PartKind::FrameOrReceiver | PartKind::Suppressor) => continue,
                Some(PartKind::Other) => {
                    other = 1;
                    continue;
                }
                None => {
                    unstated = unstated.saturating_add(part.kinds);
                    before |= part.item.is_none();
                    continue;
                }
            };
            *count = count.zip(part.pieces).and_then(|(sum, pieces)| sum.plus(pieces));
            before |= part.item.is_none();
        }
        let lacks = counts.iter().filter(|count| **count == zero).count();
        let open = u32::try_from(lacks).unwrap_or(KINDS);
        (open <= unstated.saturating_add(other)).then_some(Self { counts, open: open > 0, before })
    }

    fn say(&self, item: &ItemCase<'_>, findings: &mut Findings) {
        let together = if self.before { ", with those released before," } else { "" };
        let finding = findings.add(Code::CompleteFirearmAsParts).on_item(item, "part");
        match self.counts {
            [Some(frames), Some(barrels), Some(actions)] if !self.open => {
                let sets = frames.min(barrels).min(actions);
                finding.declared(format_args!("{frames} frames or receivers")).says(format_args!(
                    "{frames} frames or receivers, {barrels} barrels and {actions} bolts, slides or cylinders{together} make up {sets} complete firearms"
                ));
            }
            _ if self.open => {
                finding.remedy("State which part each item is").says(format_args!(
                    "parts of which it is not stated which they are{together} may make up complete firearms"
                ));
            }
            _ => {
                let (quantity, unit) = (item.item.quantity, item.item.unit);
                finding.declared(format_args!("{quantity} {unit} of parts")).says(format_args!(
                    "frames or receivers, barrels and bolts, slides or cylinders{together}, not all of them counted in pieces, may make up complete firearms"
                ));
            }
        }
    }
}
