//! The closed lists of words on the wire, by shape and field: what a reader knows, its description says.
use super::declaration;
use super::licence;

/// A field of a shape with the words that it may be.
pub type Words = (&'static str, &'static str, Vec<&'static str>);

/// Every field that is one of a closed list of words.
pub fn words() -> Vec<Words> {
    let mut words = declaration::words();
    words.extend(licence::words());
    words
}

/// The words of a list that a reader knows.
pub(super) fn of<T>(list: &[(&'static str, T)]) -> Vec<&'static str> {
    list.iter().map(|(word, _)| *word).collect()
}
