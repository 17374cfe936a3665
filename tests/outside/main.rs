//! Our documents and records checked by programs that nobody here wrote: PyJWT, python-cwt, jose, zbar,
//! golang.org/x/mod and sigstore-python; and signed by
//! keys in a token of SoftHSM2. `target/outside` holds what `.ci/run` installs of them.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may stop"
)]

mod credentials;
mod log;
mod token;
mod tools;
