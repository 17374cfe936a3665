//! Licences that another State keeps in its own register. They are asked for before anything is judged,
//! and again before a release enters the writer; what came back is a fact like any other, recorded with the
//! document, so that the verdict can be derived again. No answer refers; it is never "not found".
#[cfg(test)]
mod tests;

use super::App;
use super::Caller;
use super::Error;
use super::book;
use super::claims::Claims;
use super::facts_record;
use super::judge::Presented;
use super::judge::json;
use crate::clock::Ids;
use crate::config::Config;
use crate::domain::Country;
use crate::domain::Text;
use crate::domain::Timestamp;
use crate::domain::licence::Held;
use crate::outbound::key_file;
use crate::outbound::registry;
use crate::outbound::registry::Register;
use crate::outbound::registry::Silence;
use crate::rules::case::Facts;
use crate::rules::case::ForeignFact;
use crate::rules::case::Lookup;
use ed25519_dalek::SigningKey;
use lru::LruCache;
use parking_lot::Mutex;
use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

/// Licences of other registers kept in memory, for the moment that they may be shown again.
const KEPT_MAX: NonZeroUsize = NonZeroUsize::MIN.saturating_add(9_999);
/// Licences of other registers asked for by one declaration; beyond that they are not known.
const ASKED_MAX: usize = 50;

/// What a register has said of a number, or that it has said nothing.
#[derive(Debug, Clone)]
pub struct Foreign {
    lookup: Lookup,
    fact: ForeignFact,
}

/// A licence as a register states it: where it stands, and its document.
#[derive(Debug, Serialize, Deserialize)]
struct Stated {
    version: u32,
    status: String,
    shipments: u32,
    #[serde(default, skip_serializing_if = "facts_record::is_none")]
    decisions: u32,
    drawn: Vec<facts_record::DrawnRecord>,
    document: String,
}

/// What a register signs.
#[derive(Debug, Serialize, Deserialize)]
struct Signed {
    /// The State whose register it is.
    iss: String,
    /// The State that asked.
    aud: String,
    /// The number.
    sub: String,
    /// The word by which the asker knows that this answers its request, and no earlier one.
    nonce: String,
    iat: i64,
    licence: Option<Stated>,
}

/// How recent an answer must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Recent {
    /// One that is kept will do, for as long as the settings allow.
    Kept,
    /// Asked for now.
    Now,
}

/// The registers of other States, and this one's key.
pub struct Registers {
    own: SigningKey,
    registers: Vec<Register>,
    kept: Mutex<LruCache<Text, Foreign>>,
}

impl Registers {
    /// The registers as the settings say; this one's key is read, or made, and its public half put
    /// beside it for the others.
    pub fn open(config: &Config, ids: &dyn Ids) -> Result<Self, Error> {
        let mut seed = [0; 32];
        let (left, right) = seed.split_at_mut(16);
        left.copy_from_slice(&ids.nonce());
        right.copy_from_slice(&ids.nonce());
        let named = &config.registry.key_file;
        let own_file = config.node.data_dir.join("registry.key");
        let file: &Path = if named.as_os_str().is_empty() { &own_file } else { named };
        let own = key_file::open(file, &seed).map_err(Error::Internal)?;
        let public = config.node.data_dir.join("registry.jwks");
        std::fs::write(&public, registry::key_set(&own).to_string())
            .map_err(|error| Error::Internal(format!("{}: {error}", public.display())))?;
        let registers = config.registry.registers.iter().map(Register::new);
        let registers = registers.collect::<Result<_, _>>().map_err(Error::Internal)?;
        Ok(Self { own, registers, kept: Mutex::new(LruCache::new(KEPT_MAX)) })
    }

    /// The register that keeps a number, where it is another State's.
    fn of(&self, number: &str) -> Option<&Register> {
        self.registers
            .iter()
            .find(|register| register.prefixes.iter().any(|prefix| number.starts_with(prefix)))
    }

    fn kept(&self, register: &Register, number: &Text, now: Timestamp) -> Option<Foreign> {
        let foreign = self.kept.lock().get(number).cloned()?;
        let age_ms = age_ms(foreign.fact.as_of?, now);
        (age_ms <= register.cache_ms).then_some(foreign)
    }

    async fn ask(
        &self,
        register: &Register,
        number: &Text,
        state: Country,
        nonce: [u8; 16],
        now: Timestamp,
    ) -> Foreign {
        let nonce = format!("{:032x}", u128::from_be_bytes(nonce));
        let answer = register.ask(&self.own, number, &nonce, now).await;
        let read = answer.and_then(|claims| {
            read(claims, register.state, state, number, &nonce).map_err(|why| {
                tracing::warn!(state = register.state.as_str(), why, "a register's reply");
                Silence::NotBelieved(why)
            })
        });
        let mut fact = ForeignFact {
            number: number.clone(),
            state: register.state,
            // It holds our own word, so it is no older than the question.
            as_of: read.is_ok().then_some(now),
            document: None,
        };
        let lookup = match read {
            Err(_) => Lookup::Unavailable,
            Ok(None) => Lookup::NotFound,
            Ok(Some((held, document))) => {
                fact.document = Some(document);
                Lookup::Held(held)
            }
        };
        let foreign = Foreign { lookup, fact };
        let mut kept = self.kept.lock();
        // Only what is there is kept: what is not may be issued at any moment.
        if matches!(foreign.lookup, Lookup::Held(_)) {
            kept.put(number.clone(), foreign.clone());
        } else {
            kept.pop(number);
        }
        foreign
    }

    /// Figures for the metrics.
    pub fn figures(&self) -> Vec<(&'static str, &'static str, u64)> {
        let (asked, failed) = self
            .registers
            .iter()
            .map(Register::counts)
            .fold((0, 0), |(asked, failed), (a, f)| (asked + a, failed + f));
        vec![
            ("passavant_registers_asked_total", "Requests to other States' registers", asked),
            ("passavant_registers_silent_total", "Of these, those without an answer", failed),
        ]
    }
}

fn age_ms(as_of: Timestamp, now: Timestamp) -> u64 {
    u64::try_from(now.as_millisecond().saturating_sub(as_of.as_millisecond())).unwrap_or_default()
}

/// Reads what a register has signed: an answer to this very question, about a licence of its own.
fn read(
    claims: Value,
    from: Country,
    to: Country,
    number: &Text,
    nonce: &str,
) -> Result<Option<(Held, Arc<str>)>, &'static str> {
    let signed: Signed = serde_json::from_value(claims).map_err(|_e| "it does not read")?;
    if signed.iss != from.as_str() || signed.aud != to.as_str() {
        return Err("it is of another register, or for another State");
    }
    if signed.nonce != nonce || signed.sub != number.as_str() {
        return Err("it answers another question");
    }
    let Some(stated) = signed.licence else { return Ok(None) };
    let licence = book::licence_of(number, stated.version, &stated.document)
        .map_err(|_e| "its document does not read")?;
    if licence.number != *number || licence.issuing_state != from {
        return Err("its document is of another licence");
    }
    let counts = (stated.shipments, stated.decisions);
    let standing = facts_record::standing(&stated.status, counts, stated.drawn)
        .ok_or("where it stands does not read")?;
    let held = Held { licence: Arc::new(licence), standing };
    Ok(Some((held, Arc::from(stated.document))))
}

/// Names the licences that other registers keep: there is no row to be locked for them.
pub(super) fn claim(foreign: &[Foreign], claims: &mut Claims) {
    for Foreign { fact, .. } in foreign {
        claims.name("licence", fact.number.as_bytes());
    }
}

/// Puts what registers have said in the place of what this one knows of the same numbers. The age of the
/// oldest answer counts as the age of the data.
pub(super) fn apply(facts: &mut Facts, foreign: &[Foreign], now: Timestamp) {
    for Foreign { lookup, fact } in foreign {
        for known in facts.licences.iter_mut().filter(|known| known.number == fact.number) {
            known.lookup.clone_from(lookup);
        }
        if let (Some(as_of), Some(age)) = (fact.as_of, facts.data_age_ms.as_mut()) {
            *age = (*age).max(age_ms(as_of, now));
        }
        facts.foreign.push(fact.clone());
    }
}

impl App {
    /// Asks other States' registers for the licences that a declaration quotes and that they keep.
    pub(super) async fn with_registers(
        &self,
        presented: Presented,
        recent: Recent,
    ) -> Result<Presented, Error> {
        if self.registers.registers.is_empty() {
            return Ok(presented);
        }
        // On the heap, for few requests come here and all would have to make room for it.
        Box::pin(self.ask_registers(presented, recent)).await
    }

    async fn ask_registers(
        &self,
        mut presented: Presented,
        recent: Recent,
    ) -> Result<Presented, Error> {
        let own = Country::parse(&self.config.node.state)
            .map_err(|error| Error::Internal(error.detail))?;
        let numbers = presented.declaration.licence_numbers();
        let theirs = numbers.iter().filter_map(|number| Some((number, self.registers.of(number)?)));
        let asked = theirs.enumerate().map(|(index, (number, register))| async move {
            let now = self.clock.now();
            if index >= ASKED_MAX {
                return silent(number, register);
            }
            if recent == Recent::Kept
                && let Some(kept) = self.registers.kept(register, number, now)
            {
                return kept;
            }
            self.registers.ask(register, number, own, self.ids.nonce(), now).await
        });
        presented.foreign = futures_util::future::join_all(asked).await.into();
        Ok(presented)
    }

    /// What this register says of a number to another State's: its own licences that name that State,
    /// and nothing of any other.
    pub async fn registry_licence(
        &self,
        caller: &Caller,
        number: &str,
        nonce: String,
    ) -> Result<String, Error> {
        let row = match self.licence_row(number).await {
            Ok(row) => Some(row),
            Err(Error::NotFound) => None,
            Err(error) => return Err(error),
        };
        let own = self.config.node.state.as_str();
        let licence = match row {
            None => None,
            Some(row) => {
                let licence = book::licence_of(number, row.version, &row.body)?;
                let told = caller.is_named_on(&licence) && licence.issuing_state.as_str() == own;
                told.then(|| Stated {
                    version: row.version,
                    status: row.standing.status.as_str().to_owned(),
                    shipments: row.standing.shipments,
                    decisions: row.standing.decisions,
                    drawn: facts_record::drawn(&row.standing),
                    document: row.body,
                })
            }
        };
        let signed = Signed {
            iss: own.to_owned(),
            aud: caller.state.to_string(),
            sub: number.to_owned(),
            nonce,
            iat: self.clock.now().as_second(),
            licence,
        };
        let claims: Value = serde_json::from_str(&json(&signed)?)
            .map_err(|error| Error::Internal(error.to_string()))?;
        Ok(registry::signed(&self.registers.own, registry::REPLY_TYPE, &claims))
    }
}

fn silent(number: &Text, register: &Register) -> Foreign {
    let fact =
        ForeignFact { number: number.clone(), state: register.state, as_of: None, document: None };
    Foreign { lookup: Lookup::Unavailable, fact }
}
