//! Posts that may be cut off: what is set aside for them, what they are given to go on with, and what they
//! bring back.
use super::declaration::positive;
use super::declaration::serials_once;
use super::field::At;
use super::field::FieldError;
use super::field::Reader;
use crate::domain::Quantity;
use crate::domain::Text;
use crate::domain::licence::LINES_MAX;
use crate::domain::serial::Serial;
use serde::Deserialize;
use serde::Serialize;
use utoipa::ToSchema;

/// Longest verifier key.
const KEY_CHARS_MAX: usize = 300;
/// Most entries of one return; a post that recorded more returns in pieces.
pub const RETURN_ENTRIES_MAX: usize = 2000;

/// `POST /v1/posts/{post}/allowances`.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AllowanceRequest {
    /// The licence.
    pub licence: Option<String>,
    /// What is set aside of its lines. Of a licence for a single shipment that is all of it.
    pub lines: Vec<AllowanceLineRequest>,
}

/// What is set aside of a line.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AllowanceLineRequest {
    /// The line.
    pub line: Option<u32>,
    /// How much, in the line's unit.
    pub quantity: Option<String>,
    /// Of firearms, which: nobody else releases them meanwhile.
    pub serials: Vec<String>,
}

/// What is to be set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The licence.
    pub licence: Text,
    /// Of its lines.
    pub lines: Vec<WantedLine>,
}

/// Of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedLine {
    /// The line.
    pub line: u32,
    /// How much.
    pub quantity: Quantity,
    /// Which firearms.
    pub serials: Vec<Serial>,
}

impl AllowanceRequest {
    /// Reads it.
    pub fn read(&self) -> Result<Wanted, Vec<FieldError>> {
        let (mut r, root) = (Reader::default(), At::Root(""));
        let at = root.field("licence");
        let licence = r.licence_number(&at, self.licence.as_deref());
        let licence = r.required(&at, licence);
        let at = root.field("lines");
        if self.lines.is_empty() {
            r.error(&at, "required", "at least one line");
        }
        let lines = r.list(&at, &self.lines, LINES_MAX, line);
        for (index, sent) in self.lines.iter().enumerate().take(LINES_MAX) {
            let twice = self.lines.iter().take(index).any(|other| other.line == sent.line);
            if let Some(line) = sent.line.filter(|_| twice) {
                let words = format!("line {line} stands twice");
                r.error(&at.index(index).field("line"), "duplicate", words);
            }
        }
        r.finish(licence.map(|licence| Wanted { licence, lines }))
    }
}

fn line(r: &mut Reader, at: &At<'_>, sent: &AllowanceLineRequest) -> Option<WantedLine> {
    let number = r.required(&at.field("line"), sent.line);
    let quantity = r.word(&at.field("quantity"), sent.quantity.as_deref(), positive);
    let quantity = r.required(&at.field("quantity"), quantity);
    let list = at.field("serials");
    let serials = serials_once(r, &list, &sent.serials);
    Some(WantedLine { line: number?, quantity: quantity?, serials })
}

/// An allowance as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AllowanceReply {
    /// Its identifier.
    pub id: String,
    /// The post.
    pub border_post: String,
    /// The licence.
    pub licence: String,
    /// `set_aside`; `out` once a post was given it; then `returned`, or `lost`; or `withdrawn`.
    pub status: String,
    /// The post's log that was given it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<String>,
    /// Why it is lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Its lines.
    pub lines: Vec<AllowanceLineReply>,
    /// When it was set aside.
    pub set_aside_at: String,
    /// When it last changed.
    pub changed_at: String,
}

/// A line of an allowance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AllowanceLineReply {
    /// The line.
    pub line: u32,
    /// How much was set aside.
    pub quantity: String,
    /// How much of it the post has drawn, as far as it has returned.
    pub drawn: String,
    /// The firearms that are set aside still.
    pub serials: Vec<String>,
}

/// `POST /v1/posts/{post}/allowances/{id}/loss`.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LossRequest {
    /// Why it counts as used up.
    pub reason: Option<String>,
}

/// `POST /v1/posts/{post}/snapshots`.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SnapshotRequest {
    /// The verifier key of the post's own log, NAME+HASH+KEY (`passavant post key`).
    pub key: Option<String>,
    /// How long it is to serve, in seconds; as long as the service's settings allow where it is not said.
    pub life_s: Option<u32>,
}

impl SnapshotRequest {
    /// The key and the life.
    pub fn parts(&self) -> Result<(Text, Option<u32>), Vec<FieldError>> {
        let (mut r, root) = (Reader::default(), At::Root(""));
        let at = root.field("key");
        let key = r.text(&at, self.key.as_deref(), KEY_CHARS_MAX);
        let key = r.required(&at, key);
        if self.life_s == Some(0) {
            r.error(&root.field("life_s"), "out_of_range", "at least 1");
        }
        r.finish(key.map(|key| (key, self.life_s)))
    }
}

/// What a post goes on with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SnapshotReply {
    /// Its identifier.
    pub id: String,
    /// The post.
    pub border_post: String,
    /// The post's log.
    pub log: String,
    /// How many of that log's entries have joined.
    pub joined: u64,
    /// When it was taken.
    pub taken_at: String,
    /// When it ends.
    pub ends_at: String,
    /// The allowances in it.
    pub allowances: Vec<String>,
    /// The snapshot, signed: a compact JWS.
    pub snapshot: String,
}

/// A post as the register knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PostReply {
    /// The post.
    pub border_post: String,
    /// Its logs.
    pub logs: Vec<PostLogReply>,
}

/// A post's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PostLogReply {
    /// Its origin.
    pub log: String,
    /// What its checkpoints are verified with.
    pub key: String,
    /// How many of its entries have joined.
    pub joined: u64,
    /// The last snapshot that it was given.
    pub snapshot: String,
    /// The end of that.
    pub ends_at: String,
    /// Whether that has passed.
    pub has_ended: bool,
}

/// `POST /v1/posts/{post}/returns`: entries of the post's own log in their order, as they were signed, with what is kept
/// beside them.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ReturnRequest {
    /// The post's log.
    pub log: Option<String>,
    /// The index of the first entry.
    pub from: u64,
    /// The entries, to the byte.
    pub entries: Vec<String>,
    /// Every checkpoint signed over them, in order; the last one is of the last entry.
    pub checkpoints: Vec<String>,
    /// What the verdicts among them were judged on and what was answered.
    pub verdicts: Vec<ReturnedVerdict>,
    /// What the releases among them draw.
    pub releases: Vec<ReturnedRelease>,
}

impl ReturnRequest {
    /// The name of the log.
    pub fn log_name(&self) -> Result<String, Vec<FieldError>> {
        let (mut r, root) = (Reader::default(), At::Root(""));
        let at = root.field("log");
        let log = r.text(&at, self.log.as_deref(), KEY_CHARS_MAX);
        let log = r.required(&at, log);
        r.finish(log.map(|log| log.to_string()))
    }
}

/// What is kept beside a verdict's entry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ReturnedVerdict {
    /// The entry's index.
    pub index: u64,
    /// Who asked: issuer and subject.
    pub caller: String,
    /// The declaration as received.
    pub declaration: String,
    /// What was looked up.
    pub facts: String,
    /// What was answered, but for the audit reference.
    pub reply: String,
}

/// What is kept beside a release's entry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ReturnedRelease {
    /// The entry's index.
    pub index: u64,
    /// Who released: issuer and subject.
    pub caller: String,
    /// All that it draws.
    pub draws: Vec<ReturnedDraw>,
}

/// What a release draws from a line.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ReturnedDraw {
    /// The item.
    pub item: u32,
    /// The licence.
    pub licence: String,
    /// The line.
    pub line: u32,
    /// How much, in the line's unit.
    pub quantity: String,
}

/// What a return has come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReturnReply {
    /// The post.
    pub border_post: String,
    /// The post's log.
    pub log: String,
    /// How many of its entries have joined.
    pub joined: u64,
    /// How many of those were new.
    pub new: u64,
    /// How many releases were among the new ones.
    pub releases: u64,
    /// How many of them do not fit what the register knows by now; each was put before the post.
    pub conflicts: u64,
    /// Whether the post's snapshot had ended before they came.
    pub late: bool,
    /// The allowances that came back.
    pub returned: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_allowance_is_read_with_every_fault() {
        let line = |line, quantity: &str, serials: &[&str]| AllowanceLineRequest {
            line,
            quantity: Some(quantity.to_owned()),
            serials: serials.iter().map(|serial| (*serial).to_owned()).collect(),
        };
        let paths = |request: &AllowanceRequest| -> Vec<String> {
            request.read().unwrap_err().into_iter().map(|error| error.path).collect()
        };
        assert_eq!(paths(&AllowanceRequest::default()), ["/licence", "/lines"]);
        let licence = Some("FR-1".to_owned());
        let lines = vec![
            line(Some(1), "0", &[]),
            line(None, "1", &["A1", "A1"]),
            line(Some(3), "1", &[]),
            line(Some(3), "2", &[]),
        ];
        let request = AllowanceRequest { licence: licence.clone(), lines };
        assert_eq!(
            paths(&request),
            ["/lines/0/quantity", "/lines/1/line", "/lines/1/serials/1", "/lines/3/line"]
        );
        let request = AllowanceRequest { licence, lines: vec![line(Some(2), "10", &["A1"])] };
        assert_eq!(request.read().unwrap().lines.len(), 1);
    }

    #[test]
    fn a_snapshot_is_asked_for_with_a_key() {
        let request = SnapshotRequest { key: None, life_s: Some(0) };
        let paths: Vec<String> =
            request.parts().unwrap_err().into_iter().map(|error| error.path).collect();
        assert_eq!(paths, ["/key", "/life_s"]);
    }
}
