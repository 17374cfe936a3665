//! The watermark counts the batches that nodes tell one another of, and the feed says what each has
//! changed: licences, and traces of what has a history from now on.
use super::Db;
use super::Error;
use super::Result;
use super::feed_schema::feed;
use super::feed_schema::watermark;
use diesel::prelude::*;
use serde::Deserialize;
use serde::Serialize;

/// The name under which nodes tell each other at once that licences have changed.
pub const CHANNEL: &str = "passavant_licences";

/// Batches that the feed keeps: a node that was cut off for longer reads everything again.
const KEPT: i64 = 10_000;
/// How often, in batches, older ones are removed.
const PRUNE_EVERY: i64 = 256;

/// What a batch tells other nodes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct News {
    /// Numbers of the licences that it changed.
    pub licences: Vec<String>,
    /// What has a history from now on.
    pub traces: Vec<TraceRow>,
    /// What changed is more than a balance, and the others are told now.
    pub at_once: bool,
}

/// Something that has a history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum TraceRow {
    /// A declaration's reference: its numbering and its value.
    #[serde(rename = "reference")]
    Reference(String, String),
    /// A firearm: whose border, and its serial.
    #[serde(rename = "firearm")]
    Firearm(String, String),
    /// An import licence under which goods were released for export.
    #[serde(rename = "cover")]
    Cover(String),
}

/// A batch in the feed. The mark is drawn at random: a database that was put back, or a stand-by that
/// lost the last batches, gives its counts to others, and never their marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Queryable)]
pub struct Place {
    /// Its count.
    pub sequence: i64,
    /// What it is known by.
    pub mark: i64,
}

/// A batch that was heard of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Which.
    pub place: Place,
    /// What it says.
    pub news: News,
}

/// Writes into the feed what a batch tells the others, and gives its count; nothing to tell, no count. Nodes
/// wait for each other here until the one before has committed, so that whoever has heard of a count has heard
/// of every count below it; a batch comes here last. On the embedded database there is nobody to be told.
pub fn tell(db: &mut Db, news: &News, mark: i64) -> Result<Option<i64>> {
    let Db::Postgres(c) = db else { return Ok(None) };
    if news.licences.is_empty() && news.traces.is_empty() {
        return Ok(None);
    }
    let written = |error: serde_json::Error| Error::Bug(format!("the feed: {error}"));
    let licences = serde_json::to_string(&news.licences).map_err(written)?;
    let traces = serde_json::to_string(&news.traces).map_err(written)?;
    let sequence: i64 = diesel::update(watermark::table)
        .set(watermark::sequence.eq(watermark::sequence + 1))
        .returning(watermark::sequence)
        .get_result(c)?;
    diesel::insert_into(feed::table)
        .values((
            feed::sequence.eq(sequence),
            feed::mark.eq(mark),
            feed::licences.eq(licences),
            feed::traces.eq(traces),
        ))
        .execute(c)?;
    if sequence % PRUNE_EVERY == 0 {
        diesel::delete(feed::table.filter(feed::sequence.le(sequence - KEPT))).execute(c)?;
    }
    if news.at_once {
        diesel::sql_query(format!("NOTIFY {CHANNEL}")).execute(c)?;
    }
    Ok(Some(sequence))
}

/// Where it stands.
pub fn read(db: &mut Db) -> Result<i64> {
    Ok(watermark::table.select(watermark::sequence).first(db)?)
}

/// The last batch told of.
pub fn last(db: &mut Db) -> Result<Place> {
    let last = feed::table.order(feed::sequence.desc()).select((feed::sequence, feed::mark));
    let last: Option<Place> = last.first(db).optional()?;
    last.ok_or_else(|| Error::Corrupt("the feed is empty".to_owned()))
}

/// Whether a batch is one of this database's, as it was heard of.
pub fn holds(db: &mut Db, place: Place) -> Result<bool> {
    let found = feed::table.find(place.sequence).select(feed::mark).first(db).optional()?;
    Ok(found == Some(place.mark))
}

/// At most so many batches from a count on, in order; nothing where one of them does not read.
pub fn told_from(db: &mut Db, sequence: i64, limit: i64) -> Result<Option<Vec<Told>>> {
    let rows: Vec<(i64, i64, String, String)> = feed::table
        .filter(feed::sequence.ge(sequence))
        .order(feed::sequence)
        .limit(limit)
        .select((feed::sequence, feed::mark, feed::licences, feed::traces))
        .load(db)?;
    let told = |(sequence, mark, licences, traces): (i64, i64, String, String)| {
        let licences = serde_json::from_str(&licences).ok()?;
        let traces = serde_json::from_str(&traces).ok()?;
        let news = News { licences, traces, at_once: false };
        Some(Told { place: Place { sequence, mark }, news })
    };
    Ok(rows.into_iter().map(told).collect())
}
