//! What stands released under a declaration's own reference, and whether it belongs to the same declaration:
//! customs accept one under a number, its items may be let through one after the other, and a declaration of another
//! content under the number is another one (UCC 173).
use super::Error;
use super::judge::Presented;
use super::judge::sha256;
use super::territory::Territory;
use crate::audit::entry::hex;
use crate::domain::Country;
use crate::domain::Date;
use crate::domain::Quantity;
use crate::domain::Text;
use crate::domain::Timestamp;
use crate::domain::Unit;
use crate::domain::declaration::Declaration;
use crate::domain::declaration::Form;
use crate::domain::declaration::Item;
use crate::domain::declaration::Leg;
use crate::domain::declaration::ScopeClaim;
use crate::domain::declaration::Temporary;
use crate::domain::goods::Category;
use crate::domain::goods::Movement;
use crate::domain::quantity::convert;
use crate::domain::reference::ReferenceKind;
use crate::rules::case::PriorUse;
use crate::storage;
use crate::storage::Db;
use crate::storage::releases::Standing;
use uuid::Uuid;

/// An earlier release under the reference.
pub(super) struct Earlier {
    /// The release as it stands.
    pub standing: Standing,
    /// Its declaration.
    pub declaration: Declaration,
    /// Whether it was of this very declaration, to the byte.
    pub same_content: bool,
}

/// Releases that stand under a declaration's reference. A UCR may cover many shipments, so only the very
/// same declaration counts as the same use of it. An MRN is used up for the whole customs territory; in transit
/// each State lets its goods through once, and any other number is its State's own.
pub(super) fn earlier(
    db: &mut Db,
    declaration: &Declaration,
    content: &[u8],
    territory: &Territory,
    except: Option<Uuid>,
) -> Result<Vec<Earlier>, Error> {
    let reference = &declaration.reference;
    let is_shared =
        reference.kind == ReferenceKind::Mrn && declaration.movement != Movement::Transit;
    let is_ours = |state: &str| {
        state == territory.state().as_str() || (is_shared && territory.includes(state))
    };
    let mut found = Vec::new();
    let kind = reference.kind.as_str();
    for standing in storage::releases::standing(db, kind, &reference.value, is_ours)? {
        let same_content = standing.content_sha256 == content;
        if Some(standing.id) == except || !reference.is_same_use(same_content) {
            continue;
        }
        let released = Presented::read(standing.declaration.clone(), "").map_err(|error| {
            Error::Internal(format!("a released declaration does not read: {error}"))
        })?;
        found.push(Earlier { standing, declaration: released.declaration, same_content });
    }
    Ok(found)
}

/// The same as the rules look at it. What a State has released whose business this is not is named by nothing.
pub(super) fn prior_uses(
    earlier: &[Earlier],
    declaration: &Declaration,
    state: Country,
) -> Vec<PriorUse> {
    let mut uses = Vec::new();
    for of in earlier {
        let release = &of.standing;
        let is_another = !of.same_content && is_another(&of.declaration, declaration);
        let is_told = release.state == state.as_str()
            || release.states.iter().any(|named| named == state.as_str());
        uses.extend(release.items.iter().map(|item| PriorUse {
            item: *item,
            release: if is_told { release.id.to_string() } else { String::new() }.into(),
            at: release.at,
            same_content: of.same_content,
            licences: drawn_of(*item, &release.drawn),
            is_another,
            renumbered: renumbered(*item, of, declaration),
        }));
    }
    uses
}

/// The licences that one item drew.
pub(super) fn drawn_of(item: u32, drawn: &[(u32, Text)]) -> Vec<Text> {
    let own = drawn.iter().filter(|(of, _)| *of == item);
    own.map(|(_, number)| number.clone()).collect()
}

/// Rounds that were let through under the reference as personal effects, without a licence, in items that are not
/// declared now; the most that can be stated where they cannot be counted.
pub(super) fn carried(earlier: &[Earlier], declaration: &Declaration) -> Quantity {
    let mut rounds = Quantity::ZERO;
    for of in earlier.iter().filter(|of| of.declaration.movement == declaration.movement) {
        if of.declaration.temporary.as_ref().is_none_or(|temporary| temporary.effects.is_none()) {
            continue;
        }
        for item in of.declaration.items.iter().filter(|item| item.category == Category::Ammunition)
        {
            let is_declared = declaration.items.iter().any(|own| own.number == item.number);
            if !is_declared && drawn_of(item.number, &of.standing.drawn).is_empty() {
                let pieces = convert(item.quantity, item.unit, item.content, Unit::C62);
                let sum = pieces.and_then(|pieces| rounds.plus(pieces));
                rounds = sum.unwrap_or(Quantity::MAX);
            }
        }
    }
    rounds
}

/// Whether two declarations under one number cannot be one: all that customs accept with the goods agrees in one,
/// and so does every item that both have.
pub(super) fn is_another(released: &Declaration, declared: &Declaration) -> bool {
    let (mut head, now) = (Header::of(released), Header::of(declared));
    // What is not stated yet is found by other rules, and is no other declaration.
    if now.accepted_at.is_none() {
        head.accepted_at = None;
    }
    head != now
        || declared.items.iter().any(|item| {
            let same = released.items.iter().find(|of| of.number == item.number);
            same.is_some_and(|of| goods(of) != goods(item))
        })
}

/// The number under which goods are declared now that were released under another one.
fn renumbered(item: u32, of: &Earlier, declared: &Declaration) -> Option<u32> {
    let before = of.declaration.items.iter().find(|before| before.number == item)?;
    let is_new = |own: &&Item| of.declaration.items.iter().all(|known| known.number != own.number);
    let mut own = declared.items.iter().filter(is_new);
    own.find(|own| goods(own) == Item { number: own.number, ..goods(before) }).map(|own| own.number)
}

/// What items of one declaration share, whichever of them are presented, at whichever post, and whatever
/// officers have seen since or the declarant shows beside them. A party is the same by identifier, however the
/// name is written.
#[derive(Debug, PartialEq)]
struct Header<'a> {
    accepted_at: Option<Timestamp>,
    movement: Movement,
    ucr: Option<&'a Text>,
    ends: (Option<Country>, Option<Country>),
    route: &'a [Leg],
    days: (Option<Date>, Option<Date>),
    form: Form,
    parties: [Option<&'a Text>; 6],
    brokers: Vec<&'a Text>,
    vehicle: Option<&'a Text>,
    scope: Option<&'a ScopeClaim>,
    temporary: Option<&'a Temporary>,
}

impl<'a> Header<'a> {
    fn of(of: &'a Declaration) -> Self {
        let carrier = of.carrier.as_ref();
        let parties = [
            carrier.map(|carrier| &carrier.party),
            of.declarant.as_ref(),
            of.exporter.as_ref(),
            of.consignee.as_ref(),
            of.final_recipient.as_ref(),
            of.owner.as_ref(),
        ];
        Self {
            accepted_at: of.accepted_at.map(|(at, _)| at),
            movement: of.movement,
            ucr: of.ucr.as_ref(),
            ends: (of.country_of_export, of.country_of_import),
            route: &of.route,
            days: (of.departs_on, of.arrives_on),
            form: of.form,
            parties: parties.map(|party| party.map(|party| &party.id)),
            brokers: of.brokers.iter().map(|party| &party.id).collect(),
            vehicle: carrier.and_then(|carrier| carrier.vehicle.as_ref()),
            scope: of.scope.as_ref(),
            temporary: of.temporary.as_ref(),
        }
    }
}

/// The same, for a post that is cut off from the register to compare with.
pub(super) fn header_digest(declaration: &Declaration) -> String {
    hex(&sha256(format!("{:?}", Header::of(declaration)).as_bytes()))
}

/// What an item is of, whatever it quotes and however it is described.
fn goods(item: &Item) -> Item {
    Item { description: None, licences: Vec::new(), exemption: None, ..item.clone() }
}

/// An earlier use as it is written down: the item, the release, when, whether of the same content, and the licences
/// that it drew.
pub(super) type UseRecord = (u32, String, i64, bool, Vec<String>);

/// What more there is to some of these: its place among them, whether it is of another declaration, and the item of now.
pub(super) type StrangeRecord = (usize, bool, Option<u32>);

/// Writes a use down.
pub(super) fn use_record(prior: &PriorUse) -> UseRecord {
    let licences = prior.licences.iter().map(ToString::to_string).collect();
    let at_us = prior.at.as_microsecond();
    (prior.item, prior.release.to_string(), at_us, prior.same_content, licences)
}

/// And what more there is to some.
pub(super) fn strange_uses(uses: &[PriorUse]) -> Vec<StrangeRecord> {
    let strange = uses.iter().enumerate();
    let strange = strange.filter(|(_, of)| of.is_another || of.renumbered.is_some());
    strange.map(|(index, of)| (index, of.is_another, of.renumbered)).collect()
}

/// Reads them back.
pub(super) fn read_uses(uses: Vec<UseRecord>, strange: &[StrangeRecord]) -> Option<Vec<PriorUse>> {
    let read = |(index, record): (usize, UseRecord)| {
        let (item, release, at_us, same_content, licences) = record;
        let more = strange.iter().find(|(of, ..)| *of == index);
        Some(PriorUse {
            item,
            release: release.into(),
            at: Timestamp::from_microsecond(at_us).ok()?,
            same_content,
            licences: licences.into_iter().map(Text::from).collect(),
            is_another: more.is_some_and(|(_, is_another, _)| *is_another),
            renumbered: more.and_then(|(.., renumbered)| *renumbered),
        })
    };
    uses.into_iter().enumerate().map(read).collect()
}
