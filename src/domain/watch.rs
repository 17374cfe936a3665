//! Parties watched and transactions refused, indexed so that long lists cost a look-up and not a walk.
use super::Text;
use super::lists::Refusal;
use super::lists::Watched;
use super::party::Party;
use super::party::name_index;
use std::collections::HashMap;

/// The watch list, to be asked by identifier and by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WatchList {
    entries: Vec<Watched>,
    by_id: HashMap<Text, Vec<usize>>,
    by_name: HashMap<u64, Vec<usize>>,
}

impl FromIterator<Watched> for WatchList {
    fn from_iter<I: IntoIterator<Item = Watched>>(entries: I) -> Self {
        let mut list = Self::default();
        for (index, entry) in entries.into_iter().enumerate() {
            if let Some(id) = &entry.id {
                list.by_id.entry(id.clone()).or_default().push(index);
            }
            if let Some(name) = &entry.name {
                list.by_name.entry(name_index(name)).or_default().push(index);
            }
            list.entries.push(entry);
        }
        list
    }
}

impl WatchList {
    /// Whether nobody is watched.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entries that match a party by identifier or by name.
    pub fn of<'a>(&'a self, party: &'a Party) -> impl Iterator<Item = &'a Watched> {
        let by_id = self.by_id.get(&*party.id);
        let by_name = self.by_name.get(&name_index(&party.name));
        let indexes = by_id.into_iter().flatten();
        let indexes = indexes.chain(
            by_name
                .into_iter()
                .flatten()
                .filter(move |index| by_id.is_none_or(|known| !known.contains(index))),
        );
        indexes
            .filter_map(|index| self.entries.get(*index))
            .filter(|entry| entry.matches(&party.id, &party.name))
    }
}

/// Refusals by the recipient refused.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RefusalList(HashMap<Text, Vec<Refusal>>);

impl FromIterator<Refusal> for RefusalList {
    fn from_iter<I: IntoIterator<Item = Refusal>>(refusals: I) -> Self {
        let mut list = Self::default();
        for refusal in refusals {
            list.0.entry(refusal.recipient.clone()).or_default().push(refusal);
        }
        list
    }
}

impl RefusalList {
    /// Whether nothing has been refused.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What a recipient has been refused.
    pub fn of(&self, recipient: &str) -> &[Refusal] {
        self.0.get(recipient).map(Vec::as_slice).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::lists::Effect;

    fn watched(id: Option<&str>, name: Option<&str>) -> Watched {
        Watched {
            id: id.map(Text::new),
            name: name.map(Text::new),
            source: "list 7".into(),
            effect: Effect::default(),
        }
    }

    #[test]
    fn an_entry_is_found_once_by_identifier_or_by_folded_name() {
        let list: WatchList = [
            watched(Some("KE1"), Some("Société Rhône")),
            watched(None, Some("Savannah Outfitters")),
            watched(Some("KE2"), None),
        ]
        .into_iter()
        .collect();
        let hits =
            |id: &str, name: &str| list.of(&Party { id: id.into(), name: name.into() }).count();
        assert_eq!(hits("KE1", "SOCIETE RHONE"), 1);
        assert_eq!(hits("KE9", "savannah-outfitters"), 1);
        assert_eq!(hits("KE2", "Another"), 1);
        assert_eq!(hits("KE3", "Savannah Outfitter"), 0);
    }
}
