//! Bulk import of licences: one JSON document a line. Each good record is issued, one that stands
//! already in the same words is left alone, and each bad one is reported with its line number; a
//! second run changes nothing.
use super::App;
use super::Caller;
use super::Error;
use super::batch::Batch;
use super::claims::Claims;
use super::licences::Document;
use super::licences::Issue;
use super::recorder::Command;
use super::recorder::Done;
use super::recorder::Once;
use super::recorder::Recorded;
use super::recorder::Stop;
use crate::storage;
use crate::storage::Db;
use crate::wire::FieldError;
use serde::Serialize;
use std::io::BufRead;
use utoipa::ToSchema;

/// Longest line.
pub const LINE_BYTES_MAX: usize = 1024 * 1024;
/// Records decided in one turn of the writer, so that verifications need not wait long.
const RECORDS_PER_COMMAND: usize = 100;
/// Most bad records reported one by one.
pub const ERRORS_MAX: usize = 1000;

/// A record that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct BadRecord {
    /// Its line, from 1.
    pub line: u64,
    /// The licence's number, where it could be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// What is wrong.
    pub errors: Vec<FieldError>,
}

/// What an import did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct ImportReport {
    /// Licences issued.
    pub imported: u64,
    /// Licences that stood already in the same words.
    pub unchanged: u64,
    /// Records not taken.
    pub refused: u64,
    /// The records not taken, the first thousand.
    pub errors: Vec<BadRecord>,
}

impl ImportReport {
    fn refuse(&mut self, bad: BadRecord) {
        self.refused += 1;
        if self.errors.len() < ERRORS_MAX {
            self.errors.push(bad);
        }
    }
}

/// Whose licences are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// Those of the caller's State.
    Own,
    /// Those of every State: the operator at the machine vouches for the file.
    Any,
}

/// Records decided together, each for itself.
struct Several {
    records: Vec<(u64, Document)>,
    caller: Caller,
}

/// What became of each record of one command.
#[derive(Debug, Default, Serialize, serde::Deserialize)]
struct Became {
    imported: u64,
    unchanged: u64,
    refused: Vec<(u64, String, Vec<FieldError>)>,
}

impl Command for Several {
    fn once(&self) -> Option<&Once> {
        None
    }

    fn claims(&self, _: &mut Db, claims: &mut Claims) -> Result<(), Stop> {
        self.records
            .iter()
            .for_each(|(_, document)| claims.new_licence(&document.licence().number));
        Ok(())
    }

    fn decide(&self, batch: &mut Batch<'_>) -> Result<Recorded, Stop> {
        let mut became = Became::default();
        for (line, document) in &self.records {
            let number = document.licence().number.to_string();
            let issue = Issue {
                document: document.clone(),
                caller: self.caller.clone(),
                once: None,
                same_is_done: true,
            };
            match issue.decide(batch) {
                Ok(recorded) if recorded.outcome == Done::Created => became.imported += 1,
                Ok(_) => became.unchanged += 1,
                Err(Stop::Refuse(Error::Invalid(errors))) => {
                    became.refused.push((*line, number, errors));
                }
                // The code beside these words says already that it is a conflict.
                Err(Stop::Refuse(Error::Stale(words))) => {
                    became.refused.push((*line, number, conflict(words)));
                }
                Err(Stop::Refuse(error)) => {
                    became.refused.push((*line, number, conflict(error.to_string())));
                }
                Err(broken) => return Err(broken),
            }
        }
        Ok(Recorded { outcome: Done::Done, reply: super::judge::json(&became)?, version: None })
    }
}

fn conflict(words: String) -> Vec<FieldError> {
    vec![FieldError::new("/number", "conflict", words)]
}

/// The report of an import, kept under the key that the caller gave it.
struct Reported {
    reply: String,
    once: Once,
}

impl Command for Reported {
    fn once(&self) -> Option<&Once> {
        Some(&self.once)
    }

    fn claims(&self, _db: &mut Db, _claims: &mut Claims) -> Result<(), Stop> {
        Ok(())
    }

    fn decide(&self, _batch: &mut Batch<'_>) -> Result<Recorded, Stop> {
        Ok(done(self.reply.clone()))
    }
}

fn done(reply: String) -> Recorded {
    Recorded { outcome: Done::Done, reply, version: None }
}

impl App {
    /// The report of an import under a key, where there was one.
    pub async fn first_report(&self, once: Option<&Once>) -> Result<Option<Recorded>, Error> {
        let Some(once) = once.cloned() else { return Ok(None) };
        let digest = once.digest();
        let read = move |db: &mut Db| storage::idempotency::read(db, &[digest]);
        match self.readers.read(read).await?.pop() {
            None => Ok(None),
            Some(first) if first.request_sha256 == once.request_sha256 => {
                Ok(Some(done(first.reply)))
            }
            Some(_) => Err(Error::KeyReused),
        }
    }

    /// Keeps the report of an import under the caller's key, where one was given. Two that came at once
    /// have imported the same, and both get the first one's report.
    pub async fn keep_report(
        &self,
        report: &ImportReport,
        once: Option<Once>,
    ) -> Result<Recorded, Error> {
        let reply = super::judge::json(report)?;
        match once {
            None => Ok(done(reply)),
            Some(once) => self.recorder.submit(Box::new(Reported { reply, once })).await,
        }
    }

    /// Imports licences, one a line; `progress` is told the bytes read so far. It waits for the
    /// writer, so it belongs on a thread that may wait.
    pub fn import(
        &self,
        caller: &Caller,
        whose: Whose,
        mut lines: impl BufRead,
        mut progress: impl FnMut(u64),
    ) -> Result<ImportReport, Error> {
        let mut report = ImportReport::default();
        let (mut line, mut read_bytes, mut records) =
            (0_u64, 0_u64, Vec::with_capacity(RECORDS_PER_COMMAND));
        let mut buffer = Vec::new();
        loop {
            buffer.clear();
            let read = read_line(&mut lines, &mut buffer)?;
            if read == 0 {
                break;
            }
            line += 1;
            read_bytes += read;
            match record(caller, whose, &buffer) {
                Ok(None) => {}
                Ok(Some(document)) => records.push((line, document)),
                Err((number, errors)) => report.refuse(BadRecord { line, number, errors }),
            }
            if records.len() == RECORDS_PER_COMMAND {
                self.import_records(caller, std::mem::take(&mut records), &mut report)?;
                progress(read_bytes);
            }
        }
        self.import_records(caller, records, &mut report)?;
        progress(read_bytes);
        report.errors.sort_by_key(|bad| bad.line);
        Ok(report)
    }

    fn import_records(
        &self,
        caller: &Caller,
        records: Vec<(u64, Document)>,
        report: &mut ImportReport,
    ) -> Result<(), Error> {
        if records.is_empty() {
            return Ok(());
        }
        let command = Several { records, caller: caller.clone() };
        let recorded = self.recorder.submit_blocking(Box::new(command))?;
        let became: Became = serde_json::from_str(&recorded.reply)
            .map_err(|error| Error::Internal(error.to_string()))?;
        report.imported += became.imported;
        report.unchanged += became.unchanged;
        for (line, number, errors) in became.refused {
            report.refuse(BadRecord { line, number: Some(number), errors });
        }
        Ok(())
    }
}

/// Reads one line; an empty one is no record.
fn record(caller: &Caller, whose: Whose, line: &[u8]) -> Result<Option<Document>, Refusal> {
    if line.len() > LINE_BYTES_MAX {
        let detail = format!("longer than {LINE_BYTES_MAX} bytes");
        return Err((None, vec![FieldError::new("", "too_long", detail)]));
    }
    let line = line.trim_ascii();
    if line.is_empty() {
        return Ok(None);
    }
    let mut number = None;
    let document = Document::parse_named(line, &mut number);
    let refusal = |error| {
        let words = Error::to_string(&error);
        let errors = if let Error::Invalid(errors) = error {
            errors
        } else {
            vec![FieldError::new("", "refused", words)]
        };
        (number.clone(), errors)
    };
    let document = document.map_err(refusal)?;
    if whose == Whose::Own {
        caller.must_issue(document.licence()).map_err(refusal)?;
    }
    Ok(Some(document))
}

/// A record's number, where it could be read, and what is wrong with it.
type Refusal = (Option<String>, Vec<FieldError>);

/// Reads one line, keeping no more of it than the limit and one byte; gives the bytes read.
fn read_line(lines: &mut impl BufRead, buffer: &mut Vec<u8>) -> Result<u64, Error> {
    let mut read = 0;
    loop {
        let available = lines
            .fill_buf()
            .map_err(|error| Error::Internal(format!("the file cannot be read: {error}")))?;
        if available.is_empty() {
            return Ok(read);
        }
        let end = available.iter().position(|byte| *byte == b'\n');
        let taken = end.map_or(available.len(), |end| end + 1);
        let room = (LINE_BYTES_MAX + 1).saturating_sub(buffer.len()).min(taken);
        buffer.extend_from_slice(available.get(..room).unwrap_or_default());
        lines.consume(taken);
        read += u64::try_from(taken).unwrap_or(0);
        if end.is_some() {
            return Ok(read);
        }
    }
}
