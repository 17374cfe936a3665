//! From the wire to the lists that the rules read.
use super::Agreement;
use super::Counts;
use super::Document;
use super::Embargo;
use super::Holidays;
use super::Period;
use super::Post;
use super::Refusal;
use super::Sought;
use super::State;
use super::Watched;
use crate::domain::Country;
use crate::domain::Date;
use crate::domain::Invalid;
use crate::domain::Locode;
use crate::domain::Text;
use crate::domain::goods::folded_calibre;
use crate::domain::lists as domain;
use crate::domain::lists::Effect;
use crate::domain::party::ID_CHARS_MAX;
use crate::domain::serial::Serial;
use crate::domain::serial::folded_name;
use crate::wire::declaration::CATEGORIES;
use crate::wire::declaration::serial;
use crate::wire::field::At;
use crate::wire::field::FieldError;
use crate::wire::field::Reader;
use crate::wire::field::TEXT_CHARS_MAX;
use crate::wire::field::date;
use crate::wire::field::one_of;
use std::collections::HashMap;

/// Most entries of one list.
const ENTRIES_MAX: usize = 1_000_000;
/// Most names of one calibre.
const NAMES_MAX: usize = 50;

/// Reads every section.
pub(super) fn lists(sent: &Document, edition: String) -> Result<domain::Lists, Vec<FieldError>> {
    let mut reader = Reader::default();
    let r = &mut reader;
    let at = At::Root("");
    let mut lists = domain::Lists { edition: edition.into(), ..domain::Lists::default() };
    r.text(&at.field("note"), sent.note.as_deref(), TEXT_CHARS_MAX);
    lists.embargoes = section(r, &at.field("embargoes"), sent.embargoes.as_ref(), Embargo::read);
    lists.watched = section(r, &at.field("watched"), sent.watched.as_ref(), Watched::read)
        .into_iter()
        .collect();
    for (serial, sought) in section(r, &at.field("sought"), sent.sought.as_ref(), Sought::read) {
        lists.sought.add(serial, sought);
    }
    lists.calibres = calibres(r, &at.field("calibres"), sent.calibres.as_ref());
    section(r, &at.field("posts"), sent.posts.as_ref(), |r, at, post| {
        let post = Post::read(r, at, post)?;
        let twice = lists.posts.insert(post.code, post).is_some();
        refuse_second(r, &at.field("code"), twice);
        Some(())
    });
    lists.agreements =
        section(r, &at.field("agreements"), sent.agreements.as_ref(), Agreement::read);
    for (country, day) in section(r, &at.field("holidays"), sent.holidays.as_ref(), Holidays::read)
        .into_iter()
        .flatten()
    {
        lists.holidays.add(country, day);
    }
    lists.refusals = section(r, &at.field("refusals"), sent.refusals.as_ref(), Refusal::read)
        .into_iter()
        .collect();
    section(r, &at.field("states"), sent.states.as_ref(), |r, at, state| {
        let (country, facts) = State::read(r, at, state)?;
        let twice = lists.states.insert(country, facts).is_some();
        refuse_second(r, &at.field("country"), twice);
        Some(())
    });
    reader.finish(Some(lists))
}

/// Numbers the groups; a name in two of them would make unlike calibres equal.
fn calibres(
    r: &mut Reader,
    at: &At<'_>,
    groups: Option<&Vec<Vec<String>>>,
) -> HashMap<String, u32> {
    let mut calibres: HashMap<String, u32> = HashMap::new();
    let mut number = 0_u32;
    section(r, at, groups, |r, at, names| {
        number = number.saturating_add(1);
        if names.is_empty() {
            r.error(at, "empty", "a group of calibre names has at least one");
        }
        r.list(at, names, NAMES_MAX, |r, at, name| {
            let name = folded_calibre(&r.text(at, Some(name), TEXT_CHARS_MAX)?);
            let other = calibres.insert(name, number);
            refuse_second(r, at, other.is_some_and(|other| other != number));
            Some(())
        });
        Some(())
    });
    calibres
}

/// Reads a section, which must be there.
fn section<T, U>(
    r: &mut Reader,
    at: &At<'_>,
    list: Option<&Vec<T>>,
    read: impl FnMut(&mut Reader, &At<'_>, &T) -> Option<U>,
) -> Vec<U> {
    let list = r.required(at, list).map(Vec::as_slice).unwrap_or_default();
    r.list(at, list, ENTRIES_MAX, read)
}

fn refuse_second(r: &mut Reader, at: &At<'_>, twice: bool) {
    if twice {
        r.error(at, "duplicate", "this stands in the list already");
    }
}

fn effect(r: &mut Reader, at: &At<'_>, from: Option<&str>, until: Option<&str>) -> Effect {
    let from = r.word(&at.field("from"), from, date);
    let until = r.word(&at.field("until"), until, date);
    if from.zip(until).is_some_and(|(from, until)| until < from) {
        r.error(&at.field("until"), "before_from", "the last day is before the first");
    }
    Effect { from, until }
}

fn country(r: &mut Reader, at: &At<'_>, text: Option<&str>) -> Option<Country> {
    let country = r.word(at, text, Country::parse);
    r.required(at, country)
}

fn text(r: &mut Reader, at: &At<'_>, text: Option<&str>) -> Option<Text> {
    let text = r.text(at, text, TEXT_CHARS_MAX);
    r.required(at, text)
}

impl Embargo {
    fn read(r: &mut Reader, at: &At<'_>, sent: &Self) -> Option<domain::Embargo> {
        let effect = effect(r, at, sent.from.as_deref(), sent.until.as_deref());
        let country = country(r, &at.field("country"), sent.country.as_deref());
        let instrument = text(r, &at.field("instrument"), sent.instrument.as_deref());
        Some(domain::Embargo { country: country?, instrument: instrument?, effect })
    }
}

impl Watched {
    fn read(r: &mut Reader, at: &At<'_>, sent: &Self) -> Option<domain::Watched> {
        let effect = effect(r, at, sent.from.as_deref(), sent.until.as_deref());
        let id = r.number(&at.field("id"), sent.id.as_deref(), ID_CHARS_MAX);
        let name = r.text(&at.field("name"), sent.name.as_deref(), TEXT_CHARS_MAX);
        if sent.id.is_none() && sent.name.is_none() {
            r.error(&at.field("id"), "required", "an identifier or a name is required");
        }
        let source = text(r, &at.field("source"), sent.source.as_deref());
        Some(domain::Watched { id, name, source: source?, effect })
    }
}

impl Sought {
    fn read(r: &mut Reader, at: &At<'_>, sent: &Self) -> Option<(Serial, domain::Sought)> {
        let effect = effect(r, at, sent.from.as_deref(), sent.until.as_deref());
        let reference = text(r, &at.field("reference"), sent.reference.as_deref());
        let number = r.required(&at.field("serial"), sent.serial.as_deref());
        let number = number.and_then(|number| serial(r, &at.field("serial"), number));
        let make = r.text(&at.field("make"), sent.make.as_deref(), TEXT_CHARS_MAX);
        let model = r.text(&at.field("model"), sent.model.as_deref(), TEXT_CHARS_MAX);
        let (make, model) =
            (make.map(|name| folded_name(&name)), model.map(|name| folded_name(&name)));
        Some((number?, domain::Sought { make, model, reference: reference?, effect }))
    }
}

impl Agreement {
    fn read(r: &mut Reader, at: &At<'_>, sent: &Self) -> Option<domain::TransitAgreement> {
        let effect = effect(r, at, sent.from.as_deref(), sent.until.as_deref());
        let id = text(r, &at.field("id"), sent.id.as_deref());
        let beneficiary = country(r, &at.field("beneficiary"), sent.beneficiary.as_deref());
        let transit = country(r, &at.field("transit"), sent.transit.as_deref());
        let categories =
            r.list(&at.field("categories"), &sent.categories, CATEGORIES.len(), |r, at, text| {
                r.word(at, Some(text), |t| one_of(t, CATEGORIES))
            });
        Some(domain::TransitAgreement {
            id: id?,
            beneficiary: beneficiary?,
            transit: transit?,
            categories,
            effect,
        })
    }
}

impl Refusal {
    fn read(r: &mut Reader, at: &At<'_>, sent: &Self) -> Option<domain::Refusal> {
        let effect = effect(r, at, sent.from.as_deref(), sent.until.as_deref());
        let state = country(r, &at.field("state"), sent.state.as_deref());
        let reference = text(r, &at.field("reference"), sent.reference.as_deref());
        let recipient = r.number(&at.field("recipient"), sent.recipient.as_deref(), ID_CHARS_MAX);
        let recipient = r.required(&at.field("recipient"), recipient);
        let exporter = r.number(&at.field("exporter"), sent.exporter.as_deref(), ID_CHARS_MAX);
        let category =
            r.word(&at.field("category"), sent.category.as_deref(), |t| one_of(t, CATEGORIES));
        Some(domain::Refusal {
            state: state?,
            reference: reference?,
            recipient: recipient?,
            exporter,
            category,
            effect,
        })
    }
}

impl Post {
    fn read(r: &mut Reader, at: &At<'_>, sent: &Self) -> Option<domain::BorderPost> {
        let code = r.word(&at.field("code"), sent.code.as_deref(), Locode::parse);
        let code = r.required(&at.field("code"), code);
        let country = country(r, &at.field("country"), sent.country.as_deref());
        let zone = r.word(&at.field("zone"), sent.zone.as_deref(), |name| {
            let unknown =
                |_| Invalid::new("unknown_time_zone", format!("{name:?} is not an IANA time zone"));
            jiff::tz::TimeZone::get(name).map_err(unknown)
        });
        let zone = r.required(&at.field("zone"), zone);
        let name = r.text(&at.field("name"), sent.name.as_deref(), TEXT_CHARS_MAX);
        let empowered = match &sent.empowered {
            None => Some(Effect::default()),
            Some(counts) => counts.read(r, &at.field("empowered")),
        };
        let code = code?;
        let name = name.unwrap_or_else(|| code.as_str().into());
        Some(domain::BorderPost { code, name, country: country?, zone: zone?, empowered })
    }
}

impl Holidays {
    fn read(r: &mut Reader, at: &At<'_>, sent: &Self) -> Option<Vec<(Country, Date)>> {
        let country = country(r, &at.field("country"), sent.country.as_deref());
        let days = r.list(&at.field("days"), &sent.days, ENTRIES_MAX, |r, at, text| {
            r.word(at, Some(text), date)
        });
        let country = country?;
        Some(days.into_iter().map(|day| (country, day)).collect())
    }
}

impl State {
    fn read(r: &mut Reader, at: &At<'_>, sent: &Self) -> Option<(Country, domain::StateFacts)> {
        let counts = |r: &mut Reader, field, counts: &Option<Counts>| {
            counts.as_ref().and_then(|counts| counts.read(r, &at.field(field)))
        };
        let facts = domain::StateFacts {
            connected: counts(r, "connected", &sent.connected),
            european_union: counts(r, "european_union", &sent.european_union),
            party: counts(r, "party", &sent.party),
            // Not known counts as yes: what may need a licence does not pass without one.
            controls_components: sent.controls_components.unwrap_or(true),
            accepts_tacit_consent: sent.accepts_tacit_consent,
            mass_tolerance_permille: sent.mass_tolerance_permille,
            decision: sent.decision(r, at),
            post_shipment_check_days: days(
                r,
                &at.field("post_shipment_check_days"),
                sent.post_shipment_check_days,
            ),
        };
        Some((country(r, &at.field("country"), sent.country.as_deref())?, facts))
    }

    fn decision(&self, r: &mut Reader, at: &At<'_>) -> Option<domain::DecisionPeriod> {
        let place = at.field("decision_extended_days");
        let (first, extended) = (
            days(r, &at.field("decision_days"), self.decision_days),
            days(r, &place, self.decision_extended_days),
        );
        if extended.is_some() && first.is_none_or(|first| extended < Some(first)) {
            r.error(&place, "shorter_than_first", "the longer period is at least decision_days");
        }
        let first = first?;
        let extended = extended.unwrap_or(first);
        let working_days = self.decision_in_working_days;
        Some(domain::DecisionPeriod { first, extended, working_days })
    }
}

/// Most days of a period that a State lays down.
const DAYS_MAX: u16 = 366;

fn days(r: &mut Reader, at: &At<'_>, days: Option<u16>) -> Option<u16> {
    if days.is_some_and(|days| !(1..=DAYS_MAX).contains(&days)) {
        r.error(at, "not_a_period", format!("1 to {DAYS_MAX} days"));
        return None;
    }
    days
}

impl Counts {
    fn read(&self, r: &mut Reader, at: &At<'_>) -> Option<Effect> {
        match self {
            Self::Always(counts) => counts.then(Effect::default),
            Self::Between(Period { from, until }) => {
                Some(effect(r, at, from.as_deref(), until.as_deref()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::Country;
    use crate::domain::goods::folded_calibre;

    /// Reads lists of which those that are left out are empty.
    fn filled(json: &str) -> Result<crate::domain::lists::Lists, Vec<String>> {
        let mut lists: serde_json::Value = serde_json::from_str(json).unwrap();
        for name in crate::wire::lists::counts(&crate::wire::lists::Document::default()).keys() {
            let fields = lists.as_object_mut().unwrap();
            fields.entry(*name).or_insert_with(|| serde_json::json!([]));
        }
        read(&lists.to_string())
    }

    fn read(json: &str) -> Result<crate::domain::lists::Lists, Vec<String>> {
        crate::wire::lists::read(json.as_bytes()).map_err(|errors| {
            errors.into_iter().map(|error| format!("{} {}", error.path, error.code)).collect()
        })
    }

    #[test]
    fn the_built_in_edition_reads() {
        let lists = read(include_str!("../../../data/lists.json")).unwrap();
        let day = "2026-11-23".parse().unwrap();
        assert!(lists.is_european_union(Country::parse("FR").unwrap(), day));
        assert!(!lists.is_european_union(Country::parse("GB").unwrap(), day));
        assert!(
            lists.is_european_union(Country::parse("GB").unwrap(), "2019-01-01".parse().unwrap())
        );
    }

    #[test]
    fn calibres_of_one_group_are_equal_and_lookalikes_are_not() {
        let lists = read(include_str!("../../../data/lists.json")).unwrap();
        let group = |name: &str| lists.calibres.get(&folded_calibre(name)).copied().unwrap();
        assert_eq!(group("9mm Luger"), group("9 x 19"));
        assert_eq!(group("5,7×28 mm"), group("5.7x28mm FN"));
        assert_ne!(group(".223 Remington"), group("5.56x45 mm"));
        assert_ne!(group(".308 Winchester"), group("7.62x51"));
    }

    #[test]
    fn what_stands_twice_is_refused() {
        let faults = filled(
            r#"{"calibres": [["9x19"], ["9 x 19 mm"]], "states": [{"country": "FR"}, {"country": "FR"}],
                "posts": [{"code": "FRLEH", "country": "FR", "zone": "Europe/Paris"},
                          {"code": "FRLEH", "country": "FR", "zone": "Europe/Paris"}]}"#,
        );
        let expected =
            ["/calibres/1/0 duplicate", "/posts/1/code duplicate", "/states/1/country duplicate"];
        assert_eq!(faults.unwrap_err(), expected);
    }

    #[test]
    fn every_fault_is_named_with_its_place() {
        let faults = filled(
            r#"{"posts": [{"code": "FRLEH", "country": "FR", "zone": "Europe/Nowhere"}], "watched": [{"source": "x"}],
                "embargoes": [{"country": "fr", "instrument": "x", "from": "2026-02-01", "until": "2026-01-01"}]}"#,
        );
        let expected = [
            "/embargoes/0/until before_from",
            "/embargoes/0/country not_a_country_code",
            "/watched/0/id required",
            "/posts/0/zone unknown_time_zone",
        ];
        assert_eq!(faults.unwrap_err(), expected);
        assert_eq!(filled(r#"{"embargos": []}"#).unwrap_err(), ["/embargos unknown_field"]);
    }

    #[test]
    fn every_list_is_named_and_none_is_read_by_position() {
        let missed = read(r#"{"note": "x"}"#).unwrap_err();
        assert_eq!(missed.len(), 9, "{missed:?}");
        assert!(missed.iter().all(|fault| fault.ends_with(" required")), "{missed:?}");
        assert_eq!(read(r#"["x"]"#).unwrap_err(), [" wrong_type"]);
        let days = r#"{"posts": [], "states": [{"country": "FR", "party": ["2026-01-01", "2026-02-01"]}]}"#;
        assert_eq!(filled(days).unwrap_err(), ["/states/0/party wrong_type"]);
    }

    #[test]
    fn an_edition_is_named_by_its_content() {
        let built_in = include_str!("../../../data/lists.json");
        let edition = |text: &str| read(text).unwrap().edition;
        assert_ne!(edition(built_in), edition(&format!("{built_in} ")));
        assert_eq!(edition(built_in).as_str(), crate::wire::lists::edition(built_in.as_bytes()));
    }
}
