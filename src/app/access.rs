//! Who may come in.

/// The trusted issuers and their keys.
pub struct Access;
