//! Witnesses are the other States. As a witness, this service cosigns the checkpoints of their logs, each
//! only where it continues the one before; as a log, it has its own cosigned by them. Only hashes
//! cross the border, and a State that forks or rolls back its log finds no witness for it.
mod commands;

use super::App;
use super::Error;
use super::recorder::Done;
use crate::audit::checkpoint;
use crate::audit::cosign;
use crate::audit::cosign::AddCheckpoint;
use crate::audit::cosign::Witness;
use crate::audit::proof;
use crate::clock::Ids;
use crate::config::Config;
use crate::domain::Country;
use crate::domain::Timestamp;
use crate::outbound::key_file;
use crate::outbound::witness::Answer;
use crate::outbound::witness::Remote;
use crate::storage;
use crate::storage::Db;
use crate::storage::witness::CosignatureRow;
use commands::Alone;
use commands::Keep;
use commands::See;
use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

/// Cosignatures looked at for the latest checkpoint that has enough of them.
const LATEST_MAX: i64 = 1000;

/// What this service is to others as a witness, and who witnesses for it.
pub struct Witnesses {
    own: Witness,
    /// Verifier keys of others' logs by origin.
    logs: BTreeMap<String, String>,
    remotes: Vec<Remote>,
    quorum: usize,
    /// Since when the log here is ahead of what enough witnesses have cosigned; 0 while it is not.
    behind_since_s: AtomicI64,
    alerted: AtomicBool,
    /// Checkpoints of others that were refused because they do not continue what was seen.
    pub conflicts: AtomicU64,
    /// Cosignatures given.
    pub given: AtomicU64,
    /// Cosignatures received.
    pub received: AtomicU64,
}

/// How a witness answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Cosigned: the line.
    Cosigned(String),
    /// Another size was seen last: that size.
    Seen(u64),
    /// The body does not read, or its sizes do not fit.
    Malformed(String),
    /// No such log is witnessed here.
    Unknown,
    /// The log has not signed it.
    NotSigned,
    /// It does not continue what was seen.
    Fork(String),
}

impl Witnesses {
    /// Reads the key and the settings.
    pub fn open(config: &Config, ids: &dyn Ids) -> Result<Self, Error> {
        let settings = &config.witness;
        let mut seed = [0; 32];
        let (left, right) = seed.split_at_mut(16);
        left.copy_from_slice(&ids.nonce());
        right.copy_from_slice(&ids.nonce());
        let file = if settings.key_file.as_os_str().is_empty() {
            config.node.data_dir.join("witness.key")
        } else {
            settings.key_file.clone()
        };
        let key = key_file::open(&file, &seed).map_err(Error::Internal)?;
        let name = if settings.name.is_empty() { &config.node.origin } else { &settings.name };
        let named =
            |key: &String| (key.split('+').next().unwrap_or_default().to_owned(), key.clone());
        let remotes = settings.witnesses.iter();
        let remotes = remotes.map(|one| Remote::new(one, settings.timeout_ms));
        Ok(Self {
            own: Witness::new(name, key),
            logs: settings.logs.iter().map(named).collect(),
            remotes: remotes.collect::<Result<_, _>>().map_err(Error::Internal)?,
            quorum: settings.quorum,
            behind_since_s: AtomicI64::new(0),
            alerted: AtomicBool::new(false),
            conflicts: AtomicU64::new(0),
            given: AtomicU64::new(0),
            received: AtomicU64::new(0),
        })
    }

    /// What others verify this witness's cosignatures with.
    pub fn verifier_key(&self) -> String {
        self.own.verifier_key()
    }

    /// Figures that are read when they are asked for.
    pub(super) fn figures(&self, now: Timestamp) -> [(&'static str, &'static str, u64); 4] {
        [
            (
                "passavant_witness_behind_seconds",
                "For how long the log has been ahead of what enough witnesses have cosigned",
                self.behind_s(now),
            ),
            (
                "passavant_witness_received_total",
                "Cosignatures received from witnesses",
                self.received.load(Ordering::Relaxed),
            ),
            (
                "passavant_witness_given_total",
                "Cosignatures given to others' logs",
                self.given.load(Ordering::Relaxed),
            ),
            (
                "passavant_witness_conflicts_total",
                "Checkpoints of others refused because they do not continue what was cosigned",
                self.conflicts.load(Ordering::Relaxed),
            ),
        ]
    }

    /// For how long the log here has been ahead of its witnesses, in seconds.
    pub fn behind_s(&self, now: Timestamp) -> u64 {
        let since = self.behind_since_s.load(Ordering::SeqCst);
        let behind = if since == 0 { 0 } else { now.as_second().saturating_sub(since) };
        u64::try_from(behind).unwrap_or_default()
    }
}

impl App {
    /// Cosigns a checkpoint of another log, where it continues what was cosigned before.
    pub async fn add_checkpoint(&self, body: &str) -> Result<Verdict, Error> {
        let sent = match AddCheckpoint::read(body) {
            Ok(sent) => sent,
            Err(error) => return Ok(Verdict::Malformed(error.to_string())),
        };
        let origin = cosign::origin(&sent.note);
        let Some(key) = self.witnesses.logs.get(origin) else { return Ok(Verdict::Unknown) };
        let Ok((size, root)) = checkpoint::verify(&sent.note, key) else {
            return Ok(Verdict::NotSigned);
        };
        if sent.old > size {
            let words = format!("old is {}, the checkpoint is of {size}", sent.old);
            return Ok(Verdict::Malformed(words));
        }
        let name = origin.to_owned();
        let seen = self.readers.read(move |db| storage::witness::seen(db, &name)).await?;
        let (last, note) = seen.unwrap_or_default();
        if last != sent.old {
            return Ok(Verdict::Seen(last));
        }
        let continued = match last {
            0 => sent.proof.is_empty(),
            last => checkpoint::verify(&note, key).is_ok_and(|(_, old_root)| {
                if last == size {
                    sent.proof.is_empty() && root == old_root
                } else {
                    proof::is_consistent(&sent.proof, (size, root), (last, old_root))
                }
            }),
        };
        if !continued {
            return Ok(self.forked(origin, last, size));
        }
        let now = self.clock.now();
        let command = See {
            origin: origin.to_owned(),
            old: sent.old,
            size,
            note: sent.note.clone(),
            at_us: now.as_microsecond(),
        };
        let recorded = self.recorder.submit(Box::new(command)).await?;
        if recorded.outcome == Done::Refused {
            return Ok(match recorded.reply.parse() {
                Ok(seen) => Verdict::Seen(seen),
                Err(_) => self.forked(origin, last, size),
            });
        }
        let at_s = u64::try_from(now.as_second()).unwrap_or_default();
        let line = self.witnesses.own.cosign(&sent.note, at_s);
        let line = line.map_err(|error| Error::Internal(format!("a cosignature: {error}")))?;
        self.witnesses.given.fetch_add(1, Ordering::Relaxed);
        Ok(Verdict::Cosigned(line))
    }

    fn forked(&self, origin: &str, seen: u64, size: u64) -> Verdict {
        self.witnesses.conflicts.fetch_add(1, Ordering::Relaxed);
        tracing::error!(
            origin,
            seen,
            size,
            "a log that is witnessed here does not continue what was cosigned: forked or rolled back"
        );
        Verdict::Fork(format!("it does not continue the tree of {seen} that was cosigned here"))
    }

    /// Has the latest checkpoint of this node's log cosigned by those who have not cosigned it yet, and
    /// alerts the authority where too few have for too long.
    pub async fn ask_witnesses(&self) -> Result<(), Error> {
        let witnesses = &self.witnesses;
        if witnesses.remotes.is_empty() {
            return Ok(());
        }
        let origin = self.config.node.origin.clone();
        let latest = move |db: &mut Db| {
            let Some(log) = storage::log::by_origin(db, &origin)? else { return Ok(None) };
            let latest = storage::log::latest_checkpoint(db, log.id)?;
            Ok::<_, Error>(latest.map(|(size, note)| (log.id, size, note)))
        };
        let Some((log_id, size, note)) = self.readers.read(latest).await? else { return Ok(()) };
        let mut cosigned = 0;
        for remote in &witnesses.remotes {
            match self.ask_one(remote, log_id, size, &note).await {
                Ok(()) => cosigned += 1,
                Err(why) => {
                    tracing::warn!(witness = remote.key, why, "a witness does not cosign");
                }
            }
        }
        let now = self.clock.now();
        if cosigned >= witnesses.quorum {
            witnesses.behind_since_s.store(0, Ordering::SeqCst);
            witnesses.alerted.store(false, Ordering::SeqCst);
            return Ok(());
        }
        let since = witnesses.behind_since_s.load(Ordering::SeqCst);
        if since == 0 {
            witnesses.behind_since_s.store(now.as_second(), Ordering::SeqCst);
            return Ok(());
        }
        let behind = now.as_second().saturating_sub(since);
        let late = behind >= self.config.witness.alert_after_s;
        if late && !witnesses.alerted.swap(true, Ordering::SeqCst) {
            let words = format!(
                "{cosigned} of {} witnesses have cosigned the log {} for {behind} s, {} are needed",
                witnesses.remotes.len(),
                self.config.node.origin,
                witnesses.quorum
            );
            let state = Country::parse(&self.config.node.state)
                .map_err(|invalid| Error::Internal(invalid.detail))?;
            let told = self.recorder.submit(Box::new(Alone { state, words })).await;
            if told.is_err() {
                witnesses.alerted.store(false, Ordering::SeqCst);
            }
            told?;
        }
        Ok(())
    }

    /// Asks one witness, once more where it has seen another size than is known here.
    async fn ask_one(
        &self,
        remote: &Remote,
        log_id: i64,
        size: i64,
        note: &str,
    ) -> Result<(), String> {
        let words = |error: Error| error.to_string();
        let key = remote.key.clone();
        let known = self.readers.read(move |db| storage::witness::cosigned(db, log_id, &key)).await;
        let mut old = known.map_err(|error| error.to_string())?;
        let new = u64::try_from(size).map_err(|error| error.to_string())?;
        if old == new {
            return Ok(());
        }
        for _ in 0..2 {
            if old > new {
                return Err(format!("it has seen {old} entries, the log has {new}"));
            }
            let prove = move |db: &mut Db| {
                let tile = |level, at| storage::log::tile(db, log_id, level, at).ok().flatten();
                let steps = old > 0 && old < new;
                Ok::<_, Error>(if steps {
                    proof::consistency(old, new, tile)
                } else {
                    Some(Vec::new())
                })
            };
            let hashes = self.readers.read(prove).await.map_err(words)?;
            let proof = hashes.ok_or("the step cannot be proven")?;
            let body = AddCheckpoint { old, proof, note: note.to_owned() }.write();
            match remote.add(body).await {
                Answer::Seen(seen) => old = seen,
                Answer::No(why) => return Err(why),
                Answer::Cosigned(lines) => {
                    let good = |line: &&str| cosign::verify(note, line, &remote.key).is_ok();
                    let line = lines.split_inclusive('\n').find(good);
                    let line = line.ok_or("its cosignature does not verify")?.to_owned();
                    let at_us = self.clock.now().as_microsecond();
                    let witness = remote.key.clone();
                    let row = CosignatureRow { log_id, size, witness, line, at_us };
                    self.recorder.submit(Box::new(Keep(row))).await.map_err(words)?;
                    self.witnesses.received.fetch_add(1, Ordering::Relaxed);
                    return Ok(());
                }
            }
        }
        Err("it goes on seeing another size".to_owned())
    }

    /// The latest checkpoint of a log that enough witnesses have cosigned, with their lines below it.
    pub async fn witnessed_checkpoint(&self, origin: Option<&str>) -> Result<String, Error> {
        let origin = origin.unwrap_or(&self.config.node.origin).to_owned();
        let quorum = self.witnesses.quorum.max(1);
        let keys: Vec<String> =
            self.witnesses.remotes.iter().map(|remote| remote.key.clone()).collect();
        let read = move |db: &mut Db| {
            let log = storage::log::by_origin(db, &origin)?.ok_or(Error::NotFound)?;
            let rows = storage::witness::latest(db, log.id, LATEST_MAX)?;
            let known = rows.into_iter().filter(|row| keys.contains(&row.witness));
            let mut by_size: BTreeMap<i64, Vec<String>> = BTreeMap::new();
            for row in known {
                by_size.entry(row.size).or_default().push(row.line);
            }
            let enough = by_size.into_iter().rev().find(|(_, lines)| lines.len() >= quorum);
            let (size, lines) = enough.ok_or(Error::NotFound)?;
            let size =
                u64::try_from(size).map_err(|_e| Error::Internal("a cosigned size".to_owned()))?;
            let note = storage::log::checkpoint_of(db, log.id, size)?.ok_or(Error::NotFound)?;
            Ok(format!("{note}{}", lines.concat()))
        };
        self.readers.read(read).await
    }
}
