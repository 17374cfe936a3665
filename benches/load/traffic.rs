//! Verifications and releases as a client asks for them. Every single answer is compared with what
//! the rules say of its declaration.
use crate::client::Failed;
use crate::client::Traffic;
use crate::service::token;
use crate::workload::Body;
use passavant::rules::Outcome;
use std::io::Write;

/// A request's head, but for its length: one for each connection, which has a caller of its own.
pub struct Heads(Vec<Vec<u8>>);

impl Heads {
    /// Of requests to a path by officers.
    pub fn new(path: &str, connections: usize) -> Result<Self, Failed> {
        Self::of("POST", path, "FR", "officer", connections)
    }

    /// Of requests of a role in a State.
    pub fn of(
        method: &str,
        path: &str,
        state: &str,
        role: &str,
        connections: usize,
    ) -> Result<Self, Failed> {
        let head = |number| {
            let token = token(state, role, number)?;
            Ok(format!(
                "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
                 Authorization: Bearer {token}\r\n"
            )
            .into_bytes())
        };
        Ok(Self((0..connections).map(head).collect::<Result<_, Failed>>()?))
    }

    /// Writes one for a body of so many bytes.
    pub fn write(
        &self,
        connection: usize,
        length: usize,
        request: &mut Vec<u8>,
    ) -> Result<(), Failed> {
        let head = self.0.get(connection % self.0.len()).ok_or("no connection")?;
        request.extend_from_slice(head);
        write!(request, "Content-Length: {length}\r\n\r\n")?;
        Ok(())
    }

    /// The same, under an idempotency key.
    pub fn write_keyed(
        &self,
        connection: usize,
        key: &str,
        length: usize,
        request: &mut Vec<u8>,
    ) -> Result<(), Failed> {
        let head = self.0.get(connection % self.0.len()).ok_or("no connection")?;
        request.extend_from_slice(head);
        write!(request, "Idempotency-Key: {key}\r\nContent-Length: {length}\r\n\r\n")?;
        Ok(())
    }
}

/// One verification that is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Choice {
    /// Which declaration.
    pub body: u32,
    /// Which pair it quotes.
    pub pair: u32,
}

/// Verifications one after another.
pub struct Verifications<'a> {
    heads: &'a Heads,
    bodies: &'a [Body],
    choices: &'a [Choice],
    /// Verdicts by body, on pairs that the register has and on those that it has not.
    expected: &'a [Vec<Outcome>; 2],
    /// The first pair that the register does not have.
    unknown_from: u32,
    asked: usize,
    /// Verdicts given: clear, refer, hold.
    pub verdicts: [u64; 3],
    /// Whether the server judges at all.
    pub judges: bool,
}

impl<'a> Verifications<'a> {
    /// Asks for choices, from the first one on and round again.
    pub fn new(
        heads: &'a Heads,
        bodies: &'a [Body],
        choices: &'a [Choice],
        expected: &'a [Vec<Outcome>; 2],
        unknown_from: u32,
    ) -> Self {
        Self {
            heads,
            bodies,
            choices,
            expected,
            unknown_from,
            asked: 0,
            verdicts: [0; 3],
            judges: true,
        }
    }
}

impl Traffic for Verifications<'_> {
    fn next(&mut self, connection: usize, request: &mut Vec<u8>) -> Option<u64> {
        let at = self.asked % self.choices.len();
        let choice = self.choices.get(at)?;
        let body = self.bodies.get(usize::try_from(choice.body).ok()?)?;
        self.heads.write(connection, body.text.len(), request).ok()?;
        body.write(choice.pair, request);
        self.asked += 1;
        u64::try_from(at).ok()
    }

    fn answered(&mut self, ticket: u64, status: u16, body: &[u8]) -> Result<(), Failed> {
        if !self.judges && status == 201 {
            return Ok(());
        }
        let given = verdict(body).filter(|_| status == 200 || status == 201);
        let Some(given) = given else {
            return Err(format!("{status}: {}", String::from_utf8_lossy(body)).into());
        };
        let choice = self.choices.get(usize::try_from(ticket)?).ok_or("no such choice")?;
        let known = usize::from(choice.pair >= self.unknown_from);
        let expected =
            self.expected.get(known).and_then(|all| all.get(usize::try_from(choice.body).ok()?));
        if expected != Some(&given) {
            return Err(format!(
                "{given:?} in place of {expected:?}: {}",
                String::from_utf8_lossy(body)
            )
            .into());
        }
        self.verdicts
            [usize::from(u8::from(given >= Outcome::Refer) + u8::from(given == Outcome::Hold))] +=
            1;
        Ok(())
    }
}

/// The verdict in a reply.
pub fn verdict(reply: &[u8]) -> Option<Outcome> {
    Outcome::parse(after(reply, b"\"verdict\":\"")?)
}

/// The word in a reply that stands after a key.
pub fn after<'a>(reply: &'a [u8], key: &[u8]) -> Option<&'a str> {
    let at = reply.windows(key.len()).position(|bytes| bytes == key)? + key.len();
    let rest = reply.get(at..)?;
    let end = rest.iter().position(|byte| *byte == b'"')?;
    std::str::from_utf8(rest.get(..end)?).ok()
}

/// Requests with bodies of their own, asked once each; the identifiers of the answers are kept.
pub struct Once<'a> {
    heads: &'a Heads,
    bodies: &'a [Vec<u8>],
    keys: bool,
    asked: usize,
    /// Identifiers in the answers, by request.
    pub ids: Vec<String>,
    /// How many were answered with a success.
    pub done: u64,
    /// How many were refused by the rules (409).
    pub refused: u64,
}

impl<'a> Once<'a> {
    /// Asks for each body once; with `keys` each under an idempotency key of its own.
    pub fn new(heads: &'a Heads, bodies: &'a [Vec<u8>], keys: bool) -> Self {
        Self {
            heads,
            bodies,
            keys,
            asked: 0,
            ids: vec![String::new(); bodies.len()],
            done: 0,
            refused: 0,
        }
    }
}

impl Traffic for Once<'_> {
    fn next(&mut self, connection: usize, request: &mut Vec<u8>) -> Option<u64> {
        let body = self.bodies.get(self.asked)?;
        if self.keys {
            let key = format!("k{}", self.asked);
            self.heads.write_keyed(connection, &key, body.len(), request).ok()?;
        } else {
            self.heads.write(connection, body.len(), request).ok()?;
        }
        request.extend_from_slice(body);
        self.asked += 1;
        u64::try_from(self.asked - 1).ok()
    }

    fn answered(&mut self, ticket: u64, status: u16, body: &[u8]) -> Result<(), Failed> {
        match status {
            200 | 201 => self.done += 1,
            409 => self.refused += 1,
            _ => return Err(format!("{status}: {}", String::from_utf8_lossy(body)).into()),
        }
        if let (Some(id), Some(place)) =
            (after(body, b"\"id\":\""), self.ids.get_mut(usize::try_from(ticket)?))
        {
            id.clone_into(place);
        }
        Ok(())
    }
}
