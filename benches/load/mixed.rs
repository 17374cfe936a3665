//! What a day at the border is made of: verifications, releases of what was verified, reads of licences,
//! and licences that their authority suspends and reinstates.
use crate::client::Failed;
use crate::client::Traffic;
use crate::random::Random;
use crate::register::Acknowledged;
use crate::runs::Material;
use crate::service::token;
use crate::traffic::Choice;
use crate::traffic::Heads;
use crate::traffic::Verifications;
use crate::traffic::after;
use crate::workload;
use std::io::Write;

/// What a ticket's top bits say of its request; where they say nothing it is a verification.
const KIND: u32 = 60;
const TO_RELEASE: u64 = 1;
const RELEASE: u64 = 2;
const READ: u64 = 3;
const CHANGE: u64 = 4;

/// The heads of verifications and of releases.
pub struct Doors {
    verify: Heads,
    release: Heads,
}

impl Doors {
    /// For so many connections.
    pub fn new(connections: usize) -> Result<Self, Failed> {
        Ok(Self {
            verify: Heads::new("/v1/verifications", connections)?,
            release: Heads::new("/v1/releases", connections)?,
        })
    }
}

/// The traffic.
pub struct Mixed<'a> {
    material: &'a Material,
    verifications: Verifications<'a>,
    random: Random,
    doors: &'a Doors,
    authority: Vec<String>,
    quoted: u32,
    pairs: u32,
    references: u64,
    /// Verified and not released yet.
    waiting: Vec<String>,
    changes: u32,
    to_release: u64,
    released: u64,
    read: u64,
    changed: u64,
}

impl<'a> Mixed<'a> {
    /// Verifies and releases the first pairs, changes the others.
    pub fn new(
        material: &'a Material,
        choices: &'a [Choice],
        (quoted, pairs): (u32, u32),
        doors: &'a Doors,
        connections: usize,
    ) -> Result<Self, Failed> {
        let verifications = Verifications::new(
            &doors.verify,
            &material.bodies,
            choices,
            &material.expected,
            quoted,
        );
        let token = |number| token("FR", "authority", number);
        Ok(Self {
            material,
            verifications,
            random: Random::new(3),
            doors,
            authority: (0..connections).map(token).collect::<Result<_, _>>()?,
            quoted,
            pairs,
            references: 0,
            waiting: Vec::new(),
            changes: 0,
            to_release: 0,
            released: 0,
            read: 0,
            changed: 0,
        })
    }

    /// What was done of each.
    pub fn said(&self) -> String {
        let verified = self.verifications.verdicts.iter().sum::<u64>() + self.to_release;
        format!(
            "{verified} verified, {} released, {} licences read, {} suspended or reinstated",
            self.released, self.read, self.changed
        )
    }

    /// What must be found again.
    pub fn acknowledged(&self) -> Acknowledged {
        let [clear, refer, hold] = self.verifications.verdicts;
        let verdicts = [clear + self.to_release, refer, hold];
        Acknowledged { verdicts, released: self.released, refused: 0, in_flight: 0 }
    }

    fn by_authority(
        &self,
        connection: usize,
        target: &str,
        body: &str,
        request: &mut Vec<u8>,
    ) -> Option<()> {
        let token = self.authority.get(connection % self.authority.len())?;
        write!(
            request,
            "{target} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Authorization: Bearer {token}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .ok()
    }
}

impl Traffic for Mixed<'_> {
    fn next(&mut self, connection: usize, request: &mut Vec<u8>) -> Option<u64> {
        match self.random.below(100) {
            0..75 => self.verifications.next(connection, request),
            75..85 => {
                self.references += 1;
                let pair = self.random.below(self.quoted);
                let body = workload::one_round(self.material.today, pair, self.references);
                self.doors.verify.write(connection, body.len(), request).ok()?;
                request.extend_from_slice(&body);
                Some(TO_RELEASE << KIND)
            }
            85..95 => {
                let Some(id) = self.waiting.pop() else {
                    return self.verifications.next(connection, request);
                };
                let body = format!("{{\"verification\":\"{id}\"}}");
                self.doors.release.write_keyed(connection, &id, body.len(), request).ok()?;
                request.extend_from_slice(body.as_bytes());
                Some(RELEASE << KIND)
            }
            95..99 => {
                let pair = self.random.below(self.quoted);
                let target = format!("GET /v1/licences/{}{pair:08}", workload::EXPORT);
                self.by_authority(connection, &target, "", request)?;
                Some(READ << KIND)
            }
            _ => {
                // One licence after the other is suspended, and in the next round reinstated.
                let several = (self.pairs - self.quoted).max(1);
                let pair = self.quoted + self.changes % several;
                let suspends = (self.changes / several).is_multiple_of(2);
                self.changes += 1;
                let word = if suspends { "suspension" } else { "reinstatement" };
                let target = format!("POST /v1/licences/{}{pair:08}/{word}", workload::EXPORT);
                self.by_authority(connection, &target, "{\"reason\":\"a measurement\"}", request)?;
                Some(CHANGE << KIND)
            }
        }
    }

    fn answered(&mut self, ticket: u64, status: u16, body: &[u8]) -> Result<(), Failed> {
        let kind = ticket >> KIND;
        if kind == 0 {
            return self.verifications.answered(ticket, status, body);
        }
        if !(200..300).contains(&status) {
            return Err(format!("{status}: {}", String::from_utf8_lossy(body)).into());
        }
        match kind {
            TO_RELEASE => {
                self.to_release += 1;
                self.waiting.push(after(body, b"\"id\":\"").ok_or("no id")?.to_owned());
            }
            RELEASE => self.released += 1,
            READ => self.read += 1,
            _ => self.changed += 1,
        }
        Ok(())
    }
}
