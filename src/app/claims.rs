//! What a command will decide on, named before anything of its batch is decided: so that all of it
//! is read at once, and locked in one order where several nodes share the database.
use super::cases::Subject;
use super::judge::sha256;
use super::recorder::Once;
use crate::domain::Text;
use crate::domain::declaration::Declaration;
use crate::domain::serial::Serial;
use std::collections::BTreeSet;

/// What a batch's commands named.
#[derive(Debug, Default)]
pub struct Claims {
    licences: BTreeSet<Text>,
    names: Vec<u64>,
    keys: Vec<[u8; 32]>,
    cases: BTreeSet<Subject>,
}

impl Claims {
    /// A licence.
    pub fn licence(&mut self, number: &Text) {
        self.licences.insert(number.clone());
    }

    /// A licence that there may not be yet: two nodes that make the same one wait for each other.
    pub fn new_licence(&mut self, number: &Text) {
        self.licence(number);
        self.name("licence", number.as_bytes());
    }

    /// Anything else, by what it is and what it is called.
    pub fn name(&mut self, kind: &str, name: &[u8]) {
        let mut bytes = Vec::with_capacity(kind.len() + name.len() + 1);
        bytes.extend_from_slice(kind.as_bytes());
        bytes.push(0);
        bytes.extend_from_slice(name);
        let [a, b, c, d, e, f, g, h, ..] = sha256(&bytes);
        self.names.push(u64::from_be_bytes([a, b, c, d, e, f, g, h]));
    }

    /// What an alert may be open on: it is read, and nobody else raises or ends one.
    pub fn case(&mut self, subject: Subject) {
        self.name("case", &subject);
        self.cases.insert(subject);
    }

    /// An alert that is to be worked on, by the subject on which it is open.
    pub fn open_alert(&mut self, subject: Option<&[u8]>) {
        if let Some(subject) = subject {
            self.name("case", subject);
        }
    }

    /// A caller's key: a request that comes to two nodes is decided at one.
    pub fn once(&mut self, once: &Once) {
        let digest = once.digest();
        self.name("key", &digest);
        self.keys.push(digest);
    }

    /// Everything that a release of a declaration rests on: the licences that it quotes, its
    /// reference, and the firearms that it moves.
    pub fn declaration(&mut self, declaration: &Declaration) {
        for number in declaration.licence_numbers() {
            self.licences.insert(number);
        }
        let reference = &declaration.reference;
        self.name(reference.kind.as_str(), reference.value.as_bytes());
        if let Some(outward) = declaration.temporary.as_ref().and_then(|t| t.outward.as_ref()) {
            self.name("outward", outward.as_bytes());
        }
        if let Some(ucr) = super::linked::consignment(declaration) {
            self.name("consignment", ucr.as_bytes());
        }
        for item in &declaration.items {
            // By serial alone: what else is stated of a firearm may differ from time to time.
            for mark in item.marks_of_identity().iter() {
                self.firearm(mark);
            }
        }
    }

    /// A firearm, and with it those whose serials only look like its own.
    pub fn firearm(&mut self, serial: &Serial) {
        self.name("firearm", serial.folded().as_bytes());
    }

    /// The licences, sorted.
    pub fn licences(&self) -> impl Iterator<Item = &Text> {
        self.licences.iter()
    }

    /// What alerts may be open on.
    pub fn cases(&self) -> &BTreeSet<Subject> {
        &self.cases
    }

    /// Everything else.
    pub fn names(&self) -> &[u64] {
        &self.names
    }

    /// Digests of the callers and their keys.
    pub fn keys(&self) -> &[[u8; 32]] {
        &self.keys
    }
}
