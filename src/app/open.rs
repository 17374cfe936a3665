//! The application put together: one value that every handler shares.
use super::Error;
use super::access::Access;
use super::audit_log;
use super::audit_log::LogWriter;
use super::book::Book;
use super::deadlines::AtPost;
use super::deadlines::Pending;
use super::foreign::Registers;
use super::limits::Limits;
use super::lists;
use super::memory;
use super::post::Post;
use super::recorder::Recorder;
use super::sign_in::SignIn;
use super::status_lists::StatusLists;
use super::stream::Streams;
use super::trust::Trust;
use super::witness::Witnesses;
use super::writer::Writer;
use crate::audit::checkpoint::Signer;
use crate::cache::Cache;
use crate::cache::past::Past;
use crate::clock::Clock;
use crate::clock::Ids;
use crate::config;
use crate::config::Config;
use crate::domain::Timestamp;
use crate::domain::lists::Lists;
use crate::outbound::pkcs11::Token;
use crate::storage;
use crate::storage::Db;
use crate::storage::Readers;
use crate::storage::WriteBack;
use crate::storage::feed::Feed;
use parking_lot::Mutex;
use parking_lot::RwLock;
use prometheus::IntCounterVec;
use prometheus::Opts;
use prometheus::Registry;
use std::fs::File;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Documents that the writer remembers between batches.
const DOCUMENTS_MAX: NonZeroUsize = NonZeroUsize::MIN.saturating_add(9_999);

/// The service, without its doors.
pub struct App {
    /// Settings.
    pub config: Config,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Identifiers and nonces.
    pub ids: Arc<dyn Ids>,
    /// Who may come in.
    pub access: Access,
    /// How often callers may ask.
    pub limits: Limits,
    /// Hot licences.
    pub cache: Arc<Cache>,
    /// What has never been released.
    pub past: Arc<Past>,
    /// Whom it believes, and who signs for its State.
    pub trust: Arc<Trust>,
    pub(super) status_lists: StatusLists,
    /// Witnesses, and what this service is to others as one.
    pub witnesses: Witnesses,
    /// Where state changes.
    pub recorder: Recorder,
    /// Signing in to the console.
    pub sign_in: SignIn,
    /// Streams of alerts.
    pub streams: Arc<Streams>,
    /// Counts of what is open and due.
    pub pending: Pending,
    /// Counters and gauges.
    pub registry: Registry,
    pub(super) readers: Readers,
    pub(super) lists: Arc<RwLock<Arc<Lists>>>,
    pub(super) verdicts: IntCounterVec,
    pub(super) feed: Option<Mutex<Feed>>,
    pub(super) events: Arc<tokio::sync::Notify>,
    pub(super) courier: Post,
    pub(super) latest: audit_log::Latest,
    pub(super) registers: Registers,
    /// Held for as long as this process owns the data folder.
    _lock: File,
}

impl App {
    /// Opens the database, the log and everything else that a node needs; refuses where another
    /// process holds the data folder.
    pub fn open(
        config: Config,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        access: Access,
    ) -> Result<Self, Error> {
        let lock = lock(&config.node.data_dir)?;
        let mut db = ready(&config.database)?;
        let now = clock.now();
        let in_force = Arc::new(RwLock::new(Arc::new(lists::in_force(&mut db, now)?)));
        let (token, signer) = keys(&config, Some(&mut db), ids.as_ref())?;
        let remembered = memory::read(&config.node.data_dir, &config.node.origin)?;
        let log = LogWriter::open(&mut db, signer, remembered.as_deref(), now, ids.as_ref())?;
        let latest = log.latest();
        let cache = Arc::new(empty_cache(&config.cache, now));
        let feed = db.is_shared().then(|| Feed::open(&config.database, &mut db).map(Mutex::new));
        let feed = feed.transpose()?;
        let past = Arc::new(Past::new());
        let events = Arc::new(tokio::sync::Notify::new());
        let registers = Registers::open(&config, ids.as_ref())?;
        let trust =
            Arc::new(Trust::open(&config, token)?.resting_on(&mut db, &config.offline.post)?);
        let witnesses = Witnesses::open(&config, ids.as_ref())?;
        let courier = Post::open(&config, &mut db, ids.as_ref(), now)?;
        let streams = Arc::new(Streams::new(&config.stream, &mut db)?);
        let writer = Writer {
            write_back: WriteBack::start(&config.database, &mut db)?,
            settings: config.database.clone(),
            db: Some(db),
            log,
            book: Book::new(DOCUMENTS_MAX),
            clock: Arc::clone(&clock),
            ids: Arc::clone(&ids),
            lists: Arc::clone(&in_force),
            cache: Arc::clone(&cache),
            past: Arc::clone(&past),
            trust: Arc::clone(&trust),
            is_one_of_several: feed.is_some(),
            events: Arc::clone(&events),
            streams: Arc::clone(&streams),
        };
        let recorder = Recorder::start(writer, &config.recorder)?;
        let verdicts = IntCounterVec::new(
            Opts::new("passavant_verdicts_total", "Verdicts by outcome"),
            &["verdict"],
        )
        .map_err(|error| metric(&error))?;
        let registry = Registry::new();
        registry.register(Box::new(verdicts.clone())).map_err(|error| metric(&error))?;
        Ok(Self {
            readers: Readers::open(&config.database)?,
            limits: Limits::new(&config.rate),
            sign_in: SignIn::open(&config, Arc::clone(&ids))?,
            config,
            clock,
            ids,
            access,
            cache,
            past,
            trust,
            witnesses,
            status_lists: StatusLists::default(),
            recorder,
            streams,
            pending: Pending::default(),
            registry,
            lists: in_force,
            verdicts,
            feed,
            events,
            courier,
            latest,
            registers,
            _lock: lock,
        })
    }

    /// Why the service should not be sent requests; nothing where it should.
    pub fn unready(&self) -> Vec<&'static str> {
        let mut reasons = Vec::new();
        if self.recorder.is_fenced() {
            reasons.push("this node may not go on with its log");
        }
        if self.recorder.is_stuck() {
            reasons.push("the database keeps the writer waiting");
        }
        if self.recorder.is_unsigned() {
            reasons.push("the log's key does not sign");
        } else if self.recorder.is_failing() && !self.recorder.is_fenced() {
            reasons.push("the database does not record");
        }
        let age_ms = self.cache.age_ms(self.clock.now());
        if age_ms.is_none_or(|age_ms| age_ms > self.config.cache.age_ms_max) {
            reasons.push("the database does not answer");
        }
        reasons
    }

    /// Alerts that are not resolved, by State and post.
    pub fn alerts_by_post(&self) -> Vec<AtPost> {
        self.pending.alerts.lock().clone()
    }

    /// Figures that are read when they are asked for: name, help, value.
    pub fn figures(&self) -> Vec<(&'static str, &'static str, u64)> {
        let (kept, hits, misses) = self.cache.counts();
        let counts = &self.recorder.counts;
        let waiting = u64::try_from(self.recorder.waiting()).unwrap_or(u64::MAX);
        let mut figures = self.courier.figures();
        figures.extend(self.witnesses.figures(self.clock.now()));
        figures.extend(self.registers.figures());
        figures.extend(self.figures_of_the_past());
        figures.extend([
            ("passavant_cache_licences", "Licences kept in memory", kept),
            ("passavant_cache_hits_total", "Licence look-ups answered from memory", hits),
            ("passavant_cache_misses_total", "Licence look-ups that went to the database", misses),
            ("passavant_cache_bytes", "Memory of the licences kept", self.cache.bytes()),
            ("passavant_recorder_waiting", "Commands that wait to be recorded", waiting),
            (
                "passavant_recorder_batches_total",
                "Batches committed",
                counts.batches.load(Ordering::Relaxed),
            ),
            (
                "passavant_recorder_commands_total",
                "Commands committed",
                counts.commands.load(Ordering::Relaxed),
            ),
            (
                "passavant_recorder_batches_again_total",
                "Batches decided again because another node came in between",
                counts.again.load(Ordering::Relaxed),
            ),
            (
                "passavant_streams_open",
                "Streams of alerts open",
                u64::try_from(self.streams.count()).unwrap_or(u64::MAX),
            ),
            (
                "passavant_streams_too_slow_total",
                "Streams ended because their reader was too slow",
                self.streams.too_slow.load(Ordering::Relaxed),
            ),
            (
                "passavant_alerts_unresolved",
                "Alerts that are not resolved",
                self.pending.alerts.lock().iter().map(|(.., count)| count).sum(),
            ),
            (
                "passavant_deadlines_pending",
                "Deadlines that nobody has settled",
                self.pending.deadlines.load(Ordering::Relaxed),
            ),
            (
                "passavant_deadlines_overdue",
                "Deadlines that have passed and are not escalated yet",
                self.pending.overdue.load(Ordering::Relaxed),
            ),
            (
                "passavant_deadlines_escalated_total",
                "Deadlines escalated by this node",
                self.pending.escalated.load(Ordering::Relaxed),
            ),
            (
                "passavant_recorder_turned_away_total",
                "Callers turned away",
                counts.turned_away.load(Ordering::Relaxed),
            ),
        ]);
        figures
    }
}

/// A cache of the size that the settings say, which has heard of everything so far.
fn empty_cache(settings: &config::Cache, now: Timestamp) -> Cache {
    let cache = Cache::new(NonZeroUsize::new(settings.licences_max).unwrap_or(NonZeroUsize::MIN));
    cache.heard(now);
    cache
}

/// The token that holds keys, where there is one, and the log's key, there or in a file; it is made where the
/// database, if there is one yet, does not hold the log.
pub fn keys(
    config: &Config,
    db: Option<&mut Db>,
    ids: &dyn Ids,
) -> Result<(Option<Arc<Token>>, Signer), Error> {
    let token = Token::open(&config.pkcs11).map_err(Error::Internal)?;
    let signer = audit_log::signer(config, token.as_ref(), db, ids)?;
    // Without it nothing but credentials is missing.
    if let Some(Err(cause)) = token.as_ref().map(|token| token.answers()) {
        tracing::error!(%cause, "the token does not answer, and no key of its signs");
    }
    Ok((token, signer))
}

/// The database, in the form that this version uses: an embedded one is brought to it, a shared one
/// must have been.
fn ready(settings: &config::Database) -> Result<Db, Error> {
    let mut db = storage::open(settings, storage::Use::Write)?;
    if !db.is_shared() {
        storage::migrate(&mut db)?;
        return Ok(db);
    }
    let pending = storage::pending(&mut db)?;
    if pending.is_empty() {
        return Ok(db);
    }
    Err(Error::Internal(format!(
        "the database lacks {}: run `passavant migrate` first",
        pending.join(", ")
    )))
}

fn metric(error: &prometheus::Error) -> Error {
    Error::Internal(format!("a metric: {error}"))
}

/// Takes the data folder for this process: two writers on one log would sign two histories.
pub fn lock(data_dir: &Path) -> Result<File, Error> {
    let internal = |what: &str, error: &dyn std::fmt::Display| {
        Error::Internal(format!("{what} {}: {error}", data_dir.display()))
    };
    std::fs::create_dir_all(data_dir)
        .map_err(|error| internal("the data folder cannot be made:", &error))?;
    let file = File::create(data_dir.join("passavant.lock"))
        .map_err(|error| internal("no lock file in", &error))?;
    file.try_lock()
        .map_err(|_e| Error::Unavailable("another process of the service holds the data folder"))?;
    Ok(file)
}
