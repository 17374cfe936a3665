//! Lists.
use super::FieldError;
use crate::domain::lists::Lists;
/// Reads a document of lists.
pub fn read(_: &[u8]) -> Result<Lists, Vec<FieldError>> {
    Ok(Lists::default())
}
