//! A check with nothing but pinned keys and a status list at hand: no settings, no database, no network.
use super::Checked;
use super::Seen;
use super::in_time;
use super::open;
use super::signed;
use super::unread;
use super::with_status;
use crate::credential::KeySet;
use crate::credential::Opened;
use crate::credential::status;
use crate::domain::Country;
use crate::domain::Timestamp;
use crate::rules::case::Proof;

/// Checks a credential with an authority's pinned keys and, where there is one, its status list.
pub fn pinned(
    text: &str,
    keys: &KeySet,
    state: Country,
    list: Option<&str>,
    age_s_max: i64,
    now: Timestamp,
) -> Checked {
    let opened = match Opened::read(text) {
        Ok(opened) => opened,
        Err(error) => return unread(&error.0),
    };
    let place = opened.claims().status.status_list.clone();
    let checked = signed(opened, keys, state, "pinned");
    if checked.proof != Proof::Validated {
        return checked;
    }
    let unverified = |code, why: String| {
        let Checked { opened, key, .. } = checked.clone();
        Checked { opened, key, ..open(code, why) }
    };
    let Some(list) = list else {
        let why = "its authority has signed it; no status list is at hand".to_owned();
        return unverified("status_unknown", why);
    };
    let list = match status::read(&place.uri, list, |kid| keys.get(kid)) {
        Ok(list) => list,
        Err(error) => return unverified("status_unknown", format!("the status list: {error}")),
    };
    let Some(standing) = list.get(place.idx) else {
        return unverified("status_unknown", "its status list does not reach as far".to_owned());
    };
    let age_s = now.as_second().saturating_sub(list.iat);
    let seen = Seen { standing, as_of: list.iat, age_s };
    let checked = with_status(checked, seen);
    if checked.proof == Proof::Validated && (age_s > age_s_max || now.as_second() >= list.exp) {
        let why = format!("its status list is {age_s} s old");
        return Checked { proof: Proof::Unverified, code: "status_stale", why, ..checked };
    }
    in_time(checked, now)
}
