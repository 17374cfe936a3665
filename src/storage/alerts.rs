//! Alerts and what happened to them.
use super::Db;
use super::Result;
use super::in_runs;
use super::kept;
use super::on;
use super::schema::alert;
use super::schema::alert_event;
use diesel::prelude::*;
use diesel::sql_types::Binary;
use diesel::sql_types::Nullable;
use diesel::sql_types::Text;

/// A further look, among what happens to an alert.
const SEEN_AGAIN: &str = "seen_again";

/// An alert as it stands.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = alert, treat_none_as_default_value = false)]
pub struct AlertRow {
    /// UUID.
    pub id: Vec<u8>,
    /// The State whose officers or authority it is for.
    pub state: String,
    /// `officer` or `authority`.
    pub addressee: String,
    /// The post.
    pub border_post: Option<String>,
    /// What kind of alert.
    pub kind: String,
    /// `inform`, `refer` or `hold`.
    pub severity: String,
    /// What it is about, JSON.
    pub about: String,
    /// The consignment.
    pub ucr: Option<String>,
    /// Codes, a JSON list.
    pub codes: String,
    /// In words.
    pub message: Option<String>,
    /// `open`, `acknowledged` or `resolved`.
    pub status: String,
    /// How it was resolved.
    pub outcome: Option<String>,
    /// When it was raised.
    pub raised_us: i64,
    /// The log of the entry that raised it.
    pub log_id: i64,
    /// That entry's index.
    pub log_index: i64,
    /// By what it is found again while it is open; nothing once it is resolved.
    pub subject: Option<Vec<u8>>,
}

/// A step in an alert's life.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = alert_event, treat_none_as_default_value = false)]
pub struct EventRow {
    /// The log of the entry that records it.
    pub log_id: i64,
    /// That entry's index.
    pub log_index: i64,
    /// The alert.
    pub alert_id: Vec<u8>,
    /// What happened.
    pub change: String,
    /// How it was resolved.
    pub outcome: Option<String>,
    /// In words.
    pub note: Option<String>,
    /// Who; nobody where the service did it.
    pub actor: Option<String>,
    /// When.
    pub at_us: i64,
}

/// Whose alerts.
#[derive(Debug, Clone)]
pub enum Whose {
    /// Those of officers at posts.
    Posts(Vec<String>),
    /// Those of the authority.
    Authority,
}

/// A place in the order of alerts: when one was raised, its log and its index there.
pub type Place = (i64, i64, i64);

/// Which alerts.
#[derive(Debug, Clone)]
pub struct Filter {
    /// Of which State.
    pub state: String,
    /// Whose.
    pub whose: Whose,
    /// At which post.
    pub post: Option<String>,
    /// How heavy.
    pub severity: Option<&'static str>,
    /// Standing how.
    pub status: Option<&'static str>,
    /// Of which kind.
    pub kind: Option<&'static str>,
    /// Raised since.
    pub since_us: Option<i64>,
    /// After which one.
    pub after: Option<Place>,
}

/// Writes alerts and what happened to them.
pub fn insert(db: &mut Db, alerts: &[AlertRow], events: &[EventRow]) -> Result<()> {
    in_runs!(db, alerts, (c, rows) => diesel::insert_into(alert::table).values(rows).execute(c));
    in_runs!(db, events, (c, rows) => diesel::insert_into(alert_event::table).values(rows).execute(c));
    Ok(())
}

/// A page of alerts, oldest first.
pub fn page(db: &mut Db, filter: &Filter, limit: i64) -> Result<Vec<AlertRow>> {
    let mut query = alert::table.filter(alert::state.eq(&filter.state)).into_boxed();
    query = match &filter.whose {
        Whose::Posts(posts) => query
            .filter(alert::addressee.eq("officer"))
            .filter(alert::border_post.eq_any(posts.iter().map(|post| Some(post.as_str())))),
        Whose::Authority => query.filter(alert::addressee.eq("authority")),
    };
    if let Some(post) = &filter.post {
        query = query.filter(alert::border_post.eq(post));
    }
    if let Some(severity) = filter.severity {
        query = query.filter(alert::severity.eq(severity));
    }
    if let Some(status) = filter.status {
        query = query.filter(alert::status.eq(status));
    }
    if let Some(kind) = filter.kind {
        query = query.filter(alert::kind.eq(kind));
    }
    if let Some(since_us) = filter.since_us {
        query = query.filter(alert::raised_us.ge(since_us));
    }
    if let Some((at, log, index)) = filter.after {
        let later = alert::log_id.gt(log).or(alert::log_id.eq(log).and(alert::log_index.gt(index)));
        query = query
            .filter(alert::raised_us.ge(at))
            .filter(alert::raised_us.gt(at).or(alert::raised_us.eq(at).and(later)));
    }
    Ok(query
        .order((alert::raised_us, alert::log_id, alert::log_index))
        .limit(limit)
        .select(AlertRow::as_select())
        .load(db)?)
}

/// Steps in the life of a consignment's alerts: when, in which log, at which index; the first ones.
pub fn steps_of(db: &mut Db, ucr: &str, limit: i64) -> Result<Vec<(i64, i64, i64)>> {
    Ok(alert_event::table
        .inner_join(alert::table)
        .filter(alert::ucr.eq(ucr))
        .order((alert_event::at_us, alert_event::log_id, alert_event::log_index))
        .limit(limit)
        .select((alert_event::at_us, alert_event::log_id, alert_event::log_index))
        .load(db)?)
}

/// Alerts to one addressee that follow from an alert, raised within a time: oldest first.
pub fn following(
    db: &mut Db,
    row: &AlertRow,
    matter: &str,
    until_us: i64,
    limit: i64,
) -> Result<Vec<AlertRow>> {
    let mut query = alert::table
        .filter(alert::state.eq(&row.state).and(alert::addressee.eq(&row.addressee)))
        .filter(alert::raised_us.ge(row.raised_us).and(alert::raised_us.le(until_us)))
        .filter(alert::about.like(format!("%{matter}%")).and(alert::id.ne(&row.id)))
        .into_boxed();
    if let Some(post) = &row.border_post {
        query = query.filter(alert::border_post.eq(post));
    }
    let query = query.order((alert::raised_us, alert::log_id, alert::log_index)).limit(limit);
    Ok(query.select(AlertRow::as_select()).load(db)?)
}

/// Reads one.
pub fn read(db: &mut Db, id: &[u8]) -> Result<Option<AlertRow>> {
    Ok(alert::table.find(id).select(AlertRow::as_select()).first(db).optional()?)
}

/// What happened to alerts but for further looks, oldest first.
pub fn events_of(db: &mut Db, alerts: &[Vec<u8>]) -> Result<Vec<EventRow>> {
    Ok(alert_event::table
        .filter(alert_event::alert_id.eq_any(alerts).and(alert_event::change.ne(SEEN_AGAIN)))
        .order((alert_event::at_us, alert_event::log_id, alert_event::log_index))
        .select(EventRow::as_select())
        .load(db)?)
}

/// The latest further looks at what an alert is about, the last one first.
pub fn looks_of(db: &mut Db, alert: &[u8], limit: i64) -> Result<Vec<EventRow>> {
    Ok(alert_event::table
        .filter(alert_event::alert_id.eq(alert).and(alert_event::change.eq(SEEN_AGAIN)))
        .order((
            alert_event::at_us.desc(),
            alert_event::log_id.desc(),
            alert_event::log_index.desc(),
        ))
        .limit(limit)
        .select(EventRow::as_select())
        .load(db)?)
}

/// Those that are open on some subjects, oldest first.
pub fn open_on(db: &mut Db, subjects: &[&[u8]]) -> Result<Vec<AlertRow>> {
    if let Db::Sqlite(c) = db {
        // One by one: a question of another length each time is parsed each time.
        let mut rows = Vec::new();
        for subject in subjects {
            let on = alert::table.filter(alert::subject.eq(subject));
            rows.extend(on.select(AlertRow::as_select()).load(c)?);
        }
        rows.sort_by_key(|row: &AlertRow| (row.raised_us, row.log_id, row.log_index));
        return Ok(rows);
    }
    Ok(alert::table
        .filter(alert::subject.eq_any(subjects))
        .order((alert::raised_us, alert::log_id, alert::log_index))
        .select(AlertRow::as_select())
        .load(db)?)
}

/// A page of the subjects on which alerts are open, with the alerts, in their order.
pub fn subjects(db: &mut Db, after: &[u8], limit: i64) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
    let rows: Vec<(Vec<u8>, Option<Vec<u8>>)> = alert::table
        .filter(alert::subject.is_not_null().and(alert::id.gt(after)))
        .order(alert::id)
        .limit(limit)
        .select((alert::id, alert::subject))
        .load(db)?;
    Ok(rows.into_iter().map(|(id, subject)| (id, subject.unwrap_or_default())).collect())
}

/// The alert to which an entry of a log made something happen.
pub fn at(db: &mut Db, (log_id, log_index): (i64, i64)) -> Result<Option<AlertRow>> {
    Ok(alert_event::table
        .inner_join(alert::table)
        .filter(alert_event::log_id.eq(log_id).and(alert_event::log_index.eq(log_index)))
        .select(AlertRow::as_select())
        .first(db)
        .optional()?)
}

kept! {
    [Sqlite Pg] LookAgain {
        "UPDATE alert SET severity = " severity: &'a str as Text,
        ", codes = " codes: &'a str as Text,
        ", about = " about: &'a str as Text,
        ", ucr = " ucr: Option<&'a str> as Nullable<Text>,
        " WHERE id = " id: &'a [u8] as Binary,
    } ""
}

/// Writes what a further look has found.
pub fn look_again(db: &mut Db, row: &AlertRow) -> Result<()> {
    let AlertRow { id, severity, codes, about, ucr, .. } = row;
    let look = LookAgain { severity, codes, about, ucr: ucr.as_deref(), id };
    on!(db, c => look.execute(c))?;
    Ok(())
}

/// Sets where one stands that is not resolved.
pub fn put(db: &mut Db, id: &[u8], status: &str) -> Result<()> {
    diesel::update(alert::table.find(id)).set(alert::status.eq(status)).execute(db)?;
    Ok(())
}

/// Resolves one: what comes up again is a new one.
pub fn resolve(db: &mut Db, id: &[u8], outcome: &str) -> Result<()> {
    let nothing = None::<Vec<u8>>;
    diesel::update(alert::table.find(id))
        .set((alert::status.eq("resolved"), alert::outcome.eq(outcome), alert::subject.eq(nothing)))
        .execute(db)?;
    Ok(())
}

/// What happened in a log from an index on and below another, in its order, with the alerts as they
/// stand.
pub fn events(
    db: &mut Db,
    log_id: i64,
    (from, below): (i64, i64),
    limit: i64,
) -> Result<Vec<(EventRow, AlertRow)>> {
    Ok(alert_event::table
        .inner_join(alert::table)
        .filter(alert_event::log_id.eq(log_id))
        .filter(alert_event::log_index.ge(from).and(alert_event::log_index.lt(below)))
        .order(alert_event::log_index)
        .limit(limit)
        .select((EventRow::as_select(), AlertRow::as_select()))
        .load(db)?)
}

/// The index of the event that stands so many events behind another, where there are that many.
pub fn event_beyond(db: &mut Db, log_id: i64, from: i64, events: i64) -> Result<Option<i64>> {
    Ok(alert_event::table
        .filter(alert_event::log_id.eq(log_id).and(alert_event::log_index.ge(from)))
        .order(alert_event::log_index)
        .offset(events)
        .limit(1)
        .select(alert_event::log_index)
        .first(db)
        .optional()?)
}

/// Alerts that are not resolved: the State, the post where there is one, how many.
pub fn count_unresolved(db: &mut Db) -> Result<Vec<(String, Option<String>, i64)>> {
    Ok(alert::table
        .filter(alert::status.eq_any(["open", "acknowledged"]))
        .group_by((alert::state, alert::border_post))
        .order((alert::state, alert::border_post))
        .select((alert::state, alert::border_post, diesel::dsl::count_star()))
        .load(db)?)
}
