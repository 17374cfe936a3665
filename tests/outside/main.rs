//! Our documents and records checked by programs that nobody here wrote: PyJWT, python-cwt, jose, zbar,
//! golang.org/x/mod and sigstore-python. `target/outside` holds what `.ci/run` installs of them.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may stop"
)]

mod credentials;
mod log;
mod tools;
