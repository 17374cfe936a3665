//! An authority looks through its licences, and at who has used one where.
use super::App;
use super::Caller;
use super::Error;
use super::history::Paged;
use super::history::cut;
use super::release::timestamp;
use super::release::uuid;
use crate::domain::Quantity;
use crate::storage;
use crate::storage::Db;
use crate::storage::register::Sought;
use crate::storage::register::UseRow;
use crate::wire::licence::LicenceReply;
use crate::wire::verification::instant;
use serde::Serialize;

/// Licences whose documents are looked through for a name or a serial: the latest. Numbers are looked
/// for among all.
pub const SEARCHED_MAX: i64 = 20_000;
/// Uses shown of one licence.
const USES_MAX: i64 = 100;

/// Statuses that may be asked for.
pub const STATUSES: [&str; 6] =
    ["active", "suspended", "revoked", "annulled", "surrendered", "superseded"];

/// A use of a licence.
#[derive(Debug, Serialize)]
pub struct LicenceUse {
    /// The release.
    pub release: String,
    /// State of the post.
    pub state: String,
    /// The post.
    pub border_post: String,
    /// How the release stands.
    pub status: String,
    /// The declaration's reference.
    pub declaration: String,
    /// When.
    pub released_at: String,
    /// The item.
    pub item: i64,
    /// The licence's line.
    pub line: i64,
    /// How much, in the line's unit.
    pub quantity: String,
}

impl App {
    /// A page of the licences of the caller's State whose number, names or serials hold a text.
    pub async fn search_licences(
        &self,
        caller: &Caller,
        text: &str,
        status: Option<&'static str>,
        after: i64,
        limit: u16,
    ) -> Result<Paged<LicenceReply>, Error> {
        let sought = Sought {
            state: caller.state.to_string(),
            text: text.to_owned(),
            status,
            after,
            limit: i64::from(limit) + 1,
            searched_max: SEARCHED_MAX,
        };
        let page = move |db: &mut Db| {
            let (shown, next) = cut(storage::register::search(db, &sought)?, limit, |(id, _)| *id);
            let numbers: Vec<&str> = shown.iter().map(|(_, number)| number.as_str()).collect();
            let mut rows = storage::licences::read(db, &numbers)?;
            rows.sort_by_key(|row| row.id);
            Ok::<_, Error>((rows, next))
        };
        let (rows, next) = self.readers.read(page).await?;
        Ok((rows.into_iter().map(super::history::licence_reply).collect::<Result<_, _>>()?, next))
    }

    /// What has drawn on a licence of the caller's State, the latest first.
    pub async fn licence_uses(
        &self,
        caller: &Caller,
        number: &str,
    ) -> Result<Vec<LicenceUse>, Error> {
        let id = self.own_licence(caller, number).await?.id;
        let rows = self.readers.read(move |db| storage::register::uses(db, id, USES_MAX)).await?;
        rows.into_iter().map(shown).collect()
    }
}

fn shown(row: UseRow) -> Result<LicenceUse, Error> {
    let quantity = Quantity::from_micros(row.drawn).map(|quantity| quantity.to_string());
    Ok(LicenceUse {
        release: uuid(&row.release_id)?.to_string(),
        state: row.state,
        border_post: row.border_post,
        status: row.status,
        declaration: row.reference,
        released_at: instant(timestamp(row.at_us)?),
        item: row.item,
        line: row.line,
        quantity: quantity.unwrap_or_default(),
    })
}
