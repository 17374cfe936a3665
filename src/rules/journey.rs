//! What the crossings that customs has recorded say of a consignment's journey, beside what its
//! declarations list: rules 63 and 64 over every post that has seen it.
use super::Case;
use super::Code;
use super::Findings;
use super::route::Passing;
use super::route::passed;
use crate::domain::Country;
use crate::domain::consignment::Direction;
use crate::domain::consignment::Sighting;
use crate::domain::declaration::Leg;
use crate::domain::party::names_agree;

/// The journey as it was declared.
#[derive(Debug, Clone, Copy, Default)]
pub struct Planned<'a> {
    /// From.
    pub from: Option<Country>,
    /// States between the two, in order.
    pub route: &'a [Leg],
    /// To.
    pub to: Option<Country>,
}

/// Something about the journey that is not as it was declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deviation {
    /// `ROUTE_DEVIATION` or `TRANSHIPMENT_UNDECLARED`.
    pub code: Code,
    /// The sighting's place in the list.
    pub sighting: usize,
    /// The reason in words.
    pub message: String,
}

/// Puts what was recorded on the way before whoever judges the goods now, where it is not as they
/// declare it: of one of the two codes.
pub(super) fn observed(case: &Case<'_>, code: Code, findings: &mut Findings) {
    // Most goods are seen for the first time, and nothing can be made of that.
    if case.facts.observed.is_empty() {
        return;
    }
    let declaration = case.declaration;
    let planned = Planned {
        from: declaration.country_of_export,
        route: &declaration.route,
        to: declaration.country_of_import,
    };
    let sightings = case.facts.observed.iter().cloned();
    let sightings: Vec<Sighting> =
        sightings.map(|seen| Sighting { state: seen.state_in(case.lists), ..seen }).collect();
    for deviation in deviations(&planned, &sightings).into_iter().filter(|of| of.code == code) {
        let finding = findings.add(code).at("/ucr");
        if let Some(seen) = sightings.get(deviation.sighting) {
            finding.declared(seen.post);
        }
        finding.says(format_args!("{}", deviation.message));
    }
}

/// Every deviation of sightings, the earliest first, from the journey declared.
pub fn deviations(planned: &Planned<'_>, sightings: &[Sighting]) -> Vec<Deviation> {
    let states: Vec<Country> = planned
        .from
        .into_iter()
        .chain(planned.route.iter().map(|leg| leg.country))
        .chain(planned.to)
        .collect();
    let mut found = Vec::new();
    let mut add = |code, sighting, message: String| {
        found.push(Deviation { code, sighting, message });
    };
    let passings = sightings.iter().map(|seen| Passing {
        post: seen.post,
        state: seen.state,
        exit: seen.direction == Direction::Exit,
        at: seen.at,
    });
    passed(&states, passings, |index, reason| {
        add(Code::RouteDeviation, index, reason.to_string());
    });
    if let (Some(from), Some(first)) = (planned.from, sightings.first())
        && first.direction == Direction::Entry
        && first.state != Some(from)
    {
        let reason = format!("entry at {} while no exit from {from} was confirmed", first.post);
        add(Code::RouteDeviation, 0, reason);
    }
    for (index, pair) in sightings.windows(2).enumerate() {
        let [before, after] = pair else { continue };
        let (Some(old), Some(new)) = (&before.vehicle, &after.vehicle) else { continue };
        if names_agree(old, new) || is_transhipped(planned, &states, before, after) {
            continue;
        }
        let reason = format!(
            "seen in {new} at {}, in {old} at {} before; no transhipment is declared between them",
            after.post, before.post
        );
        add(Code::TranshipmentUndeclared, index + 1, reason);
    }
    found.sort_by_key(|deviation| deviation.sighting);
    found
}

/// Whether a change of the means of transport is declared for a State from one sighting to the next.
fn is_transhipped(
    planned: &Planned<'_>,
    states: &[Country],
    before: &Sighting,
    after: &Sighting,
) -> bool {
    let place = |seen: &Sighting| states.iter().position(|state| Some(*state) == seen.state);
    let (from, to) = (place(before).unwrap_or_default(), place(after).unwrap_or(states.len()));
    let between = states.get(from.min(to)..states.len().min(from.max(to) + 1)).unwrap_or_default();
    planned.route.iter().any(|leg| leg.transhipment == Some(true) && between.contains(&leg.country))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Locode;

    fn country(code: &str) -> Country {
        Country::parse(code).unwrap()
    }

    fn seen(post: &str, direction: Direction, day: u8, vehicle: Option<&str>) -> Sighting {
        let post = Locode::parse(post).unwrap();
        Sighting {
            post,
            state: post.country(),
            direction,
            at: format!("2026-11-{day:02}T08:00:00Z").parse().unwrap(),
            vehicle: vehicle.map(Into::into),
        }
    }

    fn leg(code: &str, transhipment: Option<bool>) -> Leg {
        Leg { country: country(code), mode: None, transhipment }
    }

    fn codes(route: &[Leg], sightings: &[Sighting]) -> Vec<(Code, usize)> {
        let planned = Planned { from: Some(country("FR")), route, to: Some(country("KE")) };
        let found = deviations(&planned, sightings);
        found.into_iter().map(|deviation| (deviation.code, deviation.sighting)).collect()
    }

    #[test]
    fn a_journey_as_it_was_declared_is_no_deviation() {
        use Direction::Entry;
        use Direction::Exit;
        let route = [leg("AE", Some(false))];
        let ship = Some("IMO 9319466");
        let sightings = [
            seen("FRLEH", Exit, 1, ship),
            seen("AEJEA", Entry, 5, Some("IMO9319466")),
            seen("AEJEA", Exit, 6, None),
            seen("KEMBA", Entry, 9, ship),
        ];
        assert_eq!(codes(&route, &sightings), []);
        assert_eq!(codes(&route, &[]), []);
    }

    #[test]
    fn posts_off_the_route_missing_exits_and_going_back_deviate() {
        use Direction::Entry;
        use Direction::Exit;
        let route = [leg("AE", None)];
        let off = [seen("FRLEH", Exit, 1, None), seen("UGEBB", Entry, 5, None)];
        assert_eq!(codes(&route, &off), [(Code::RouteDeviation, 1)]);
        let no_exit = [
            seen("FRLEH", Exit, 1, None),
            seen("AEJEA", Entry, 5, None),
            seen("KEMBA", Entry, 9, None),
        ];
        assert_eq!(codes(&route, &no_exit), [(Code::RouteDeviation, 2)]);
        let never_left = [seen("AEJEA", Entry, 5, None)];
        assert_eq!(codes(&route, &never_left), [(Code::RouteDeviation, 0)]);
        let back = [
            seen("FRLEH", Exit, 1, None),
            seen("KEMBA", Entry, 5, None),
            seen("KEMBA", Exit, 6, None),
            seen("AEJEA", Entry, 9, None),
        ];
        assert_eq!(codes(&route, &back), [(Code::RouteDeviation, 3)]);
    }

    #[test]
    fn another_vehicle_is_a_transhipment_unless_it_was_declared() {
        use Direction::Entry;
        use Direction::Exit;
        let sightings = [
            seen("FRLEH", Exit, 1, Some("IMO9319466")),
            seen("AEJEA", Entry, 5, Some("IMO9319466")),
            seen("AEJEA", Exit, 6, Some("IMO9000001")),
            seen("KEMBA", Entry, 9, Some("IMO9000001")),
        ];
        let undeclared = [leg("AE", Some(false))];
        assert_eq!(codes(&undeclared, &sightings), [(Code::TranshipmentUndeclared, 2)]);
        assert_eq!(codes(&[leg("AE", Some(true))], &sightings), []);
        let elsewhere = [leg("AE", None), leg("TZ", Some(true))];
        assert_eq!(codes(&elsewhere, &sightings), [(Code::TranshipmentUndeclared, 2)]);
    }
}
