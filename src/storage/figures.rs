//! What has lately happened at posts, as few columns of many rows.
use super::Db;
use super::Result;
use super::alerts::Whose;
use super::schema::alert;
use super::schema::verification;
use diesel::prelude::*;

/// A verdict: at which post, what, when.
pub type Verdict = (String, String, i64);
/// An alert: at which post, the codes that it names (a JSON list), when it was raised.
pub type Alert = (Option<String>, String, i64);

/// Verdicts of a State at posts, or at all of its posts, the latest first. They are found by their
/// identifiers, which begin with the time.
pub fn verdicts(
    db: &mut Db,
    state: &str,
    whose: &Whose,
    first_id: &[u8],
    limit: i64,
) -> Result<Vec<Verdict>> {
    let mut query = verification::table
        .filter(verification::id.ge(first_id).and(verification::state.eq(state)))
        .into_boxed();
    if let Whose::Posts(posts) = whose {
        query = query.filter(verification::border_post.eq_any(posts));
    }
    let query = query.order(verification::id.desc()).limit(limit);
    Ok(query
        .select((verification::border_post, verification::outcome, verification::at_us))
        .load(db)?)
}

/// Alerts of a State to officers at posts, or to all of its officers, the latest first.
pub fn alerts(
    db: &mut Db,
    state: &str,
    whose: &Whose,
    since_us: i64,
    limit: i64,
) -> Result<Vec<Alert>> {
    let mut query = alert::table
        .filter(alert::state.eq(state).and(alert::raised_us.ge(since_us)))
        .filter(alert::addressee.eq("officer"))
        .into_boxed();
    if let Whose::Posts(posts) = whose {
        let posts = posts.iter().map(|post| Some(post.as_str()));
        query = query.filter(alert::border_post.eq_any(posts));
    }
    let query = query.order(alert::raised_us.desc()).limit(limit);
    Ok(query.select((alert::border_post, alert::codes, alert::raised_us)).load(db)?)
}
