//! The facts of a scenario: the licences quoted as they stand, and what else the register knows.
use passavant::domain::Country;
use passavant::domain::Locode;
use passavant::domain::Quantity;
use passavant::domain::Text;
use passavant::domain::Unit;
use passavant::domain::consignment::Direction;
use passavant::domain::consignment::Sighting;
use passavant::domain::declaration::Declaration;
use passavant::domain::goods::Category;
use passavant::domain::goods::Movement;
use passavant::domain::goods::PartKind;
use passavant::domain::licence::Drawn;
use passavant::domain::licence::Held;
use passavant::domain::licence::Standing;
use passavant::domain::licence::Status;
use passavant::domain::serial::Serial;
use passavant::rules::Facts;
use passavant::rules::case::CredentialFact;
use passavant::rules::case::LicenceFact;
use passavant::rules::case::Lookup;
use passavant::rules::case::PriorUse;
use passavant::rules::case::Proof;
use passavant::rules::case::ReportFact;
use passavant::rules::case::SerialFact;
use passavant::rules::case::StopFact;
use passavant::rules::cover::CoverFact;
use passavant::rules::likeness::AlikeFact;
use passavant::rules::likeness::AlikeOf;
use passavant::rules::offline::Offline;
use passavant::rules::offline::SetAside;
use passavant::rules::outward::Kind;
use passavant::rules::outward::Moved;
use passavant::rules::outward::Outward;
use passavant::rules::parts::PartFact;
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;

/// An officer's word against a release.
#[derive(Deserialize)]
struct SentStop {
    case: String,
    at: String,
    holds: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SentLicence {
    document: passavant::wire::licence::Licence,
    status: Option<String>,
    version: Option<u32>,
    #[serde(default)]
    shipments: u32,
    #[serde(default)]
    decisions: u32,
    #[serde(default)]
    drawn: Vec<SentDrawn>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SentDrawn {
    line: u32,
    #[serde(default = "nothing")]
    reserved: String,
    #[serde(default = "nothing")]
    consumed: String,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct SentFacts {
    /// Numbers of licences about which the register cannot be asked.
    unavailable: Vec<String>,
    data_age_ms: Option<u64>,
    data_age_unknown: bool,
    history_unavailable: bool,
    is_announced: bool,
    lapsed: Option<String>,
    serials: Vec<SentSerial>,
    reported: Vec<SentReport>,
    alike: Vec<SentAlike>,
    prior_uses: Vec<SentUse>,
    carried: Option<String>,
    outward: Option<SentOutward>,
    observed: Vec<SentSighting>,
    stopped: Option<SentStop>,
    credentials: Vec<SentCredential>,
    offline: Option<SentOffline>,
    set_aside: Vec<SentSetAside>,
    linked: Vec<SentParts>,
    covered: Vec<SentCover>,
    #[serde(default)]
    spoken_for: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SentCover {
    licence: String,
    line: Option<u32>,
    unit: String,
    quantity: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SentParts {
    part: Option<PartKind>,
    make: Option<String>,
    model: Option<String>,
    pieces: Option<String>,
    items: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SentOffline {
    post: String,
    as_of: String,
    until: String,
    licences: Vec<String>,
    #[serde(default)]
    unknown: Vec<(u32, String)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SentSetAside {
    item: u32,
    serial: String,
    post: String,
}

/// A serial that looks like a known one: as which it was reported, by whom and in which case, or the licence and
/// line under which it has moved.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SentAlike {
    item: u32,
    serial: String,
    known: String,
    reported: Option<(String, String, String)>,
    moved: Option<(String, u32)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SentSighting {
    border_post: String,
    direction: String,
    at: String,
    vehicle: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SentCredential {
    index: u32,
    licence: Option<String>,
    proof: String,
    why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SentSerial {
    item: u32,
    serial: String,
    licence: String,
    line: u32,
    movement: String,
    settled: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SentReport {
    item: u32,
    serial: String,
    what: String,
    state: String,
    reference: String,
    is_described_alike: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SentUse {
    item: u32,
    release: String,
    at: String,
    same_content: bool,
    #[serde(default)]
    licences: Vec<String>,
    #[serde(default)]
    is_another: bool,
    renumbered: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SentOutward {
    released_on: String,
    #[serde(default = "an_export")]
    movement: String,
    #[serde(default)]
    temporary: bool,
    #[serde(default, rename = "return")]
    is_return: bool,
    /// The ends and who received; without them, those of the bases or of the way back.
    from: Option<String>,
    to: Option<String>,
    consignee: Option<String>,
    /// Whether the register keeps nothing of the ends.
    #[serde(default)]
    without_ends: bool,
    exporter: Option<String>,
    person: Option<String>,
    serials: Vec<String>,
    rounds: String,
    /// What the firearms and the rounds are; without it, those of the bases.
    firearms: Option<SentKind>,
    ammunition: Option<SentKind>,
    /// Whether the register keeps nothing of what they are.
    #[serde(default)]
    undescribed: bool,
    /// Goods of other classes.
    #[serde(default)]
    goods: Vec<SentMoved>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SentMoved {
    class: String,
    /// Nothing where they were not declared in pieces.
    pieces: Option<String>,
    kind: SentKind,
    #[serde(default)]
    marks: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SentKind {
    make: Option<String>,
    model: Option<String>,
    country: Option<String>,
    calibre: Option<String>,
}

impl SentKind {
    fn kind(&self) -> Kind {
        let text = |of: &Option<String>| of.as_deref().map(Into::into);
        Kind {
            make: text(&self.make),
            model: text(&self.model),
            country: text(&self.country),
            calibre: text(&self.calibre),
        }
    }
}

fn an_export() -> String {
    "export".to_owned()
}

fn nothing() -> String {
    "0".to_owned()
}

/// A text of a case.
pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is not a text"))
}

/// Reads the facts that belong to a declaration.
pub(crate) fn read(case: &Value, declaration: &Declaration) -> Facts {
    let licences: Vec<SentLicence> =
        serde_json::from_value(case["licences"].clone()).expect("licences");
    let sent: SentFacts = serde_json::from_value(case["facts"].clone()).expect("facts");
    let fact = |number: Text| {
        let found = licences.iter().find(|sent| sent.document.number.as_deref() == Some(&*number));
        let lookup = match found {
            _ if sent.unavailable.iter().any(|other| *other == *number) => Lookup::Unavailable,
            Some(licence) => Lookup::Held(held(licence)),
            None => Lookup::NotFound,
        };
        LicenceFact { number, lookup }
    };
    Facts {
        reported: sent.reported.into_iter().map(report).collect(),
        alike: sent.alike.into_iter().map(alike).collect(),
        foreign: Vec::new(),
        observed: sent.observed.into_iter().map(sighting).collect(),
        stopped: sent.stopped.map(|sent| StopFact {
            case: sent.case.as_str().into(),
            at: sent.at.parse().expect("an instant"),
            holds: sent.holds,
        }),
        credentials: sent.credentials.into_iter().map(credential).collect(),
        licences: declaration.licence_numbers().into_iter().map(fact).collect(),
        data_age_ms: (!sent.data_age_unknown).then(|| sent.data_age_ms.unwrap_or(0)),
        prior_uses: sent.prior_uses.into_iter().map(prior_use).collect(),
        carried: sent.carried.as_deref().map_or_else(Quantity::default, quantity),
        serials: sent.serials.into_iter().map(serial_fact).collect(),
        outward: sent.outward.map(outward),
        history_available: !sent.history_unavailable,
        is_announced: sent.is_announced,
        lapsed: sent.lapsed.map(|at| at.parse().expect("an instant")),
        offline: sent.offline.map(offline),
        linked: sent.linked.into_iter().map(parts).collect(),
        covered: sent.covered.into_iter().map(cover).collect(),
        spoken_for: sent.spoken_for.into_iter().map(Into::into).collect(),
        set_aside: sent
            .set_aside
            .into_iter()
            .map(|of| SetAside { item: of.item, serial: serial(&of.serial), post: of.post.into() })
            .collect(),
    }
}

fn report(sent: SentReport) -> ReportFact {
    ReportFact {
        item: sent.item,
        serial: serial(&sent.serial),
        what: sent.what.into(),
        state: sent.state.into(),
        reference: sent.reference.into(),
        is_described_alike: sent.is_described_alike,
    }
}

fn alike(sent: SentAlike) -> AlikeFact {
    let of = match (sent.reported, sent.moved) {
        (Some((what, state, reference)), _) => {
            AlikeOf::Reported(what.into(), state.into(), reference.into())
        }
        (None, moved) => {
            let (licence, line) = moved.expect("a report or a move");
            AlikeOf::Moved(licence.into(), line)
        }
    };
    AlikeFact { item: sent.item, serial: serial(&sent.serial), known: serial(&sent.known), of }
}

fn cover(sent: SentCover) -> CoverFact {
    CoverFact {
        licence: sent.licence.into(),
        line: sent.line,
        unit: Unit::parse(&sent.unit).expect("a unit"),
        quantity: quantity(&sent.quantity),
    }
}

fn parts(sent: SentParts) -> PartFact {
    PartFact {
        part: sent.part,
        make: sent.make.map(Into::into),
        model: sent.model.map(Into::into),
        pieces: sent.pieces.as_deref().map(quantity),
        items: sent.items,
    }
}

fn offline(sent: SentOffline) -> Offline {
    Offline {
        post: sent.post.into(),
        as_of: sent.as_of.parse().expect("an instant"),
        until: sent.until.parse().expect("an instant"),
        licences: sent.licences.into_iter().map(Text::from).collect(),
        unknown: sent.unknown.into_iter().map(|(item, of)| (item, serial(&of))).collect(),
    }
}

fn sighting(sent: SentSighting) -> Sighting {
    let post = Locode::parse(&sent.border_post).expect("a post");
    Sighting {
        post,
        state: post.country(),
        direction: Direction::parse(&sent.direction).expect("a direction"),
        at: sent.at.parse().expect("an instant"),
        vehicle: sent.vehicle.map(Text::from),
    }
}

fn held(sent: &SentLicence) -> Held {
    let licence = sent.document.read(sent.version.unwrap_or(1), "").expect("a sound licence");
    let status = sent.status.as_deref().unwrap_or("active");
    let drawn = sent.drawn.iter().map(|drawn| Drawn {
        line: drawn.line,
        reserved: quantity(&drawn.reserved),
        consumed: quantity(&drawn.consumed),
    });
    let standing = Standing {
        status: Status::parse(status).expect("a status"),
        shipments: sent.shipments,
        decisions: sent.decisions,
        drawn: drawn.collect(),
    };
    Held { licence: Arc::new(licence), standing }
}

fn quantity(text: &str) -> Quantity {
    Quantity::parse(text).expect("a quantity")
}

fn serial(text: &str) -> Serial {
    Serial::parse(text).expect("a serial")
}

fn movement(text: &str) -> Movement {
    [Movement::Export, Movement::Import, Movement::Transit]
        .into_iter()
        .find(|movement| movement.as_str() == text)
        .expect("a movement")
}

fn serial_fact(sent: SentSerial) -> SerialFact {
    SerialFact {
        item: sent.item,
        serial: serial(&sent.serial),
        licence: sent.licence.into(),
        line: sent.line,
        movement: movement(&sent.movement),
        settled: sent.settled,
    }
}

fn prior_use(sent: SentUse) -> PriorUse {
    PriorUse {
        item: sent.item,
        release: sent.release.into(),
        at: sent.at.parse().expect("an instant"),
        same_content: sent.same_content,
        licences: sent.licences.into_iter().map(Text::from).collect(),
        is_another: sent.is_another,
        renumbered: sent.renumbered,
    }
}

fn credential(sent: SentCredential) -> CredentialFact {
    CredentialFact {
        index: sent.index,
        licence: sent.licence.map(Into::into),
        proof: match sent.proof.as_str() {
            "validated" => Proof::Validated,
            "failed" => Proof::Failed,
            "unverified" => Proof::Unverified,
            other => panic!("{other} is no proof"),
        },
        why: sent.why.into(),
    }
}

fn outward(sent: SentOutward) -> Outward {
    let goods = goods(&sent);
    let ends = if sent.movement == "import" { ("KE", "FR") } else { ("FR", "KE") };
    let end = |of: &Option<String>, base: &str| {
        let of = Country::parse(of.as_deref().unwrap_or(base)).expect("a country");
        Some(of).filter(|_| !sent.without_ends)
    };
    Outward {
        released_on: sent.released_on.parse().expect("a day"),
        movement: movement(&sent.movement),
        is_temporary: sent.temporary,
        is_return: sent.is_return,
        from: end(&sent.from, ends.0),
        to: end(&sent.to, ends.1),
        consignee: sent.consignee.map(Into::into),
        exporter: sent.exporter.map(Into::into),
        person: sent.person.map(Into::into),
        goods,
    }
}

fn goods(sent: &SentOutward) -> Vec<Moved> {
    let marks = |texts: &[String]| texts.iter().map(|text| serial(text)).collect::<Vec<_>>();
    let firearms = marks(&sent.serials);
    let pieces = quantity(&firearms.len().to_string());
    let mut goods = vec![
        Moved {
            kind: Some(
                sent.firearms
                    .as_ref()
                    .map_or_else(|| kind("Verney-Carron", Some("Impact")), SentKind::kind),
            ),
            pieces,
            marks: firearms,
            ..Moved::nothing(Category::Firearm)
        },
        Moved {
            kind: Some(
                sent.ammunition.as_ref().map_or_else(|| kind("Sologne", None), SentKind::kind),
            ),
            pieces: quantity(&sent.rounds),
            ..Moved::nothing(Category::Ammunition)
        },
    ];
    goods.extend(sent.goods.iter().map(|of| {
        Moved {
            class: [Category::Part, Category::AmmunitionComponent]
                .into_iter()
                .find(|class| class.as_str() == of.class)
                .expect("another class"),
            pieces: of.pieces.as_deref().map(quantity).unwrap_or_default(),
            kind: Some(of.kind.kind()),
            is_uncounted: of.pieces.is_none(),
            marks: marks(&of.marks),
        }
    }));
    if sent.undescribed {
        for of in &mut goods {
            of.kind = None;
        }
    }
    goods
}

/// What the goods of the bases are.
fn kind(make: &str, model: Option<&str>) -> Kind {
    Kind {
        make: Some(make.into()),
        model: model.map(Into::into),
        country: Some("FR".into()),
        calibre: Some("7.62x51mm".into()),
    }
}
