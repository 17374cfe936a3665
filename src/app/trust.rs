//! Whom this service believes: its own authority's keys, those of other States' authorities, and what
//! their lists say of a licence. What a check shows is a fact for the rules; it never says what is left
//! of a licence, for only the register that holds it knows that.
mod pinned;
mod record;

pub use pinned::pinned;
pub(super) use record::CredentialRecord;
pub(super) use record::fact;
pub(super) use record::record;
pub(super) use record::word;

use super::Error;
use super::cut_off::CutOff;
use crate::config::Config;
use crate::credential::Claims;
use crate::credential::KeyError;
use crate::credential::KeySet;
use crate::credential::Opened;
use crate::credential::Signer;
use crate::credential::status::Standing;
use crate::domain::Country;
use crate::domain::Text;
use crate::domain::Timestamp;
use crate::outbound::authority::Authority;
use crate::outbound::key_ring;
use crate::outbound::key_ring::KeyRing;
use crate::outbound::pkcs11::Token;
use crate::rules::case::CredentialFact;
use crate::rules::case::LicenceFact;
use crate::rules::case::Lookup;
use crate::rules::case::Proof;
use crate::storage;
use crate::storage::Db;
use parking_lot::RwLock;
use std::path::PathBuf;
use std::sync::Arc;

/// What a check of a credential has shown.
#[derive(Debug, Clone)]
pub struct Checked {
    /// Whether it is authentic and stands.
    pub proof: Proof,
    /// A stable word for why.
    pub code: &'static str,
    /// Why.
    pub why: String,
    /// The credential, where it reads.
    pub opened: Option<Opened>,
    /// Whose key signed it: the State, and where the key is known from.
    pub key: Option<(Country, &'static str)>,
    /// What the status list says.
    pub status: Option<Seen>,
}

/// What is known of a credential's status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Where it stands.
    pub standing: Standing,
    /// As of when.
    pub as_of: i64,
    /// How old that is.
    pub age_s: i64,
}

/// Whom this service believes.
pub struct Trust {
    state: Country,
    issuer: String,
    key_dir: PathBuf,
    given: Option<Arc<dyn Signer>>,
    token: Option<Arc<Token>>,
    ring: RwLock<Arc<KeyRing>>,
    authorities: Vec<Authority>,
    status_age_s_max: i64,
    cool_down_s: u64,
    cut_off: Option<CutOff>,
}

impl Trust {
    /// Reads the key ring and what is known of other authorities.
    pub fn open(config: &Config, token: Option<Arc<Token>>) -> Result<Self, Error> {
        let settings = &config.trust;
        let internal = |words: String| Error::Internal(words);
        let given = match settings.signing_key.split_once(':') {
            None => None,
            Some((algorithm, secret)) => {
                let algorithm = crate::credential::Algorithm::parse(algorithm)
                    .ok_or_else(|| internal("trust.signing_key: EdDSA or ES256".to_owned()))?;
                let key = key_ring::soft(algorithm, secret)
                    .map_err(|words| internal(format!("trust.signing_key: {words}")))?;
                let key: Arc<dyn Signer> = Arc::new(key);
                Some(key)
            }
        };
        let (dir, lists_max) = (&config.node.data_dir, settings.lists_max);
        let authorities = settings.authorities.iter();
        let authorities = authorities
            .map(|one| Authority::new(one, dir, lists_max).map_err(internal))
            .collect::<Result<_, _>>()?;
        let state = Country::parse(&config.node.state)
            .map_err(|invalid| internal(format!("node.state: {}", invalid.detail)))?;
        let trust = Self {
            state,
            issuer: settings.issuer(&config.node.origin),
            key_dir: settings.key_dir(dir),
            given,
            token,
            ring: RwLock::default(),
            authorities,
            status_age_s_max: settings.status_age_s_max,
            cool_down_s: settings.cool_down_s,
            cut_off: None,
        };
        trust.read_ring().map_err(internal)?;
        Ok(trust)
    }

    /// The same for a post that is cut off from the register: it believes a snapshot.
    pub(super) fn resting_on(self, db: &mut Db, post: &str) -> Result<Self, Error> {
        Ok(Self { cut_off: CutOff::open(db, post)?, ..self })
    }

    /// What it rests on, where this process serves such a post.
    pub fn cut_off(&self) -> Option<&CutOff> {
        self.cut_off.as_ref()
    }

    /// Reads the key ring again: keys are made and rotated by commands while the service runs.
    pub fn read_ring(&self) -> Result<(), String> {
        let ring = KeyRing::open(&self.key_dir, self.token.as_ref())?;
        let ring = match &self.given {
            Some(signer) => ring.with_signer(Arc::clone(signer)),
            None => ring,
        };
        *self.ring.write() = Arc::new(ring);
        Ok(())
    }

    /// The `iss` of this State's credentials.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// This State's keys as they are published.
    pub fn published(&self) -> KeySet {
        self.ring.read().published()
    }

    /// What signs for this State's authority.
    pub fn signer(&self) -> Result<Arc<dyn Signer>, Error> {
        let ring = Arc::clone(&self.ring.read());
        ring.signer().cloned().ok_or_else(|| {
            Error::Stale("the authority has no key that signs: `passavant key generate`".to_owned())
        })
    }

    /// Has the authority's key sign, on a thread that may wait: the key may lie in a token.
    pub async fn sign<T: Send + 'static>(
        &self,
        sign: impl FnOnce(&dyn Signer) -> Result<T, KeyError> + Send + 'static,
    ) -> Result<T, Error> {
        let signer = self.signer()?;
        let signed = tokio::task::spawn_blocking(move || sign(signer.as_ref())).await;
        match signed.map_err(|error| Error::Internal(format!("a signature: {error}")))? {
            Ok(signed) => Ok(signed),
            Err(KeyError::Unavailable(cause)) => {
                tracing::error!(%cause, "the authority's key does not sign");
                Err(Error::Unavailable("the authority's key does not sign now"))
            }
            Err(KeyError::Unusable(words)) => Err(Error::Internal(words)),
        }
    }

    /// The address of a status list.
    pub fn list_uri(&self, list: u64) -> String {
        format!("{}/v1/status-lists/{list}", self.issuer)
    }

    /// Reads what credentials need to be checked and is not known yet: keys, and status lists that are
    /// older than is worth it.
    pub async fn look_up(&self, texts: &[Text], now: Timestamp) {
        for opened in texts.iter().filter_map(|text| Opened::read(text).ok()) {
            let issuer = &opened.claims().iss;
            let of = |authority: &&Authority| authority.issuer == *issuer;
            let Some(authority) = self.authorities.iter().find(of) else { continue };
            if authority.keys().get(opened.kid()).is_none() {
                authority.refresh_keys(now, self.cool_down_s).await;
            }
            // Nobody is sent to an address by a credential that its authority has not signed.
            if authority.keys().get(opened.kid()).is_some_and(|key| opened.is_signed_by(key)) {
                let uri = &opened.claims().status.status_list.uri;
                authority.refresh_list(uri, now, self.cool_down_s).await;
            }
        }
    }

    /// Reads again what is published by others.
    pub async fn refresh(&self, now: Timestamp) {
        for authority in &self.authorities {
            authority.refresh_keys(now, self.cool_down_s).await;
            for uri in authority.known_lists() {
                authority.refresh_list(&uri, now, self.cool_down_s).await;
            }
        }
    }

    /// Checks a credential on what is known here; nobody is asked.
    pub fn check(&self, db: &mut Db, text: &str, now: Timestamp) -> Result<Checked, Error> {
        let opened = match Opened::read(text) {
            Ok(opened) => opened,
            Err(error) => return Ok(unread(&error.0)),
        };
        let claims = opened.claims();
        if let Some(cut_off) = self.cut_off().filter(|_| claims.iss == self.issuer) {
            return Ok(cut_off.credential(opened, self.state));
        }
        if claims.iss == self.issuer {
            let keys = self.published();
            let checked = signed(opened, &keys, self.state, "own");
            return Ok(in_time(self.own_status(db, checked, now)?, now));
        }
        let authority = self.authorities.iter().find(|authority| authority.issuer == claims.iss);
        let Some(authority) = authority else {
            let why = format!("{} is no authority that is known here", claims.iss);
            return Ok(Checked { opened: Some(opened), ..open("issuer_unknown", why) });
        };
        let checked = signed(opened, &authority.keys(), authority.state, authority.source());
        Ok(in_time(self.list_status(authority, checked, now), now))
    }

    /// Where a credential of this State stands: the register itself knows.
    fn own_status(&self, db: &mut Db, checked: Checked, now: Timestamp) -> Result<Checked, Error> {
        let Some(claims) = believed(&checked) else { return Ok(checked) };
        let place = &claims.status.status_list;
        let list = self.own_list(&place.uri);
        let at = list.and_then(|list| super::credentials::place(list, place.idx));
        let all = storage::credentials::count(db)?;
        let Some(at) = at.filter(|at| *at < all) else {
            let why = "it names a place in no status list of this register".to_owned();
            return Ok(Checked { proof: Proof::Failed, code: "status_unknown", why, ..checked });
        };
        let fallen = storage::credentials::fallen(db, at, at.saturating_add(1))?;
        let standing = fallen.first().map_or(Standing::Valid, super::credentials::standing);
        let seen = Seen { standing, as_of: now.as_second(), age_s: 0 };
        Ok(with_status(checked, seen))
    }

    fn own_list(&self, uri: &str) -> Option<u64> {
        let number = uri.strip_prefix(self.issuer.as_str())?.strip_prefix("/v1/status-lists/")?;
        number.parse().ok().filter(|list: &u64| list.to_string() == number)
    }

    /// Where a credential of another authority stands, by its list as it is known.
    fn list_status(&self, authority: &Authority, checked: Checked, now: Timestamp) -> Checked {
        let Some(claims) = believed(&checked) else { return checked };
        let place = &claims.status.status_list;
        if !authority.owns(&place.uri) {
            let why = format!("its status list {} is not its authority's", place.uri);
            return Checked { proof: Proof::Failed, code: "status_elsewhere", why, ..checked };
        }
        let unverified = |code, why: &str| {
            let (checked, why) = (checked.clone(), why.to_owned());
            Checked { proof: Proof::Unverified, code, why, ..checked }
        };
        let Some(list) = authority.list(&place.uri, now) else {
            return unverified("status_unknown", "no status list of it is known that tells");
        };
        let age_s = now.as_second().saturating_sub(list.iat).max(0);
        let Some(standing) = list.get(place.idx) else {
            return unverified("status_unknown", "its status list does not reach as far");
        };
        let seen = Seen { standing, as_of: list.iat, age_s };
        let checked = with_status(checked, seen);
        // A list that says that it has fallen says so however old it is.
        if checked.proof == Proof::Validated
            && (age_s > self.status_age_s_max || now.as_second() >= list.exp)
        {
            let why = format!("its status list is {age_s} s old");
            return Checked { proof: Proof::Unverified, code: "status_stale", why, ..checked };
        }
        checked
    }

    /// Checks a declaration's credentials and compares them with the register.
    pub fn facts(
        &self,
        db: &mut Db,
        texts: &[Text],
        licences: &[LicenceFact],
        now: Timestamp,
    ) -> Result<Vec<CredentialFact>, Error> {
        let mut facts = Vec::with_capacity(texts.len());
        for (index, text) in (0_u32..).zip(texts) {
            let checked = self.check(db, text, now)?;
            let (proof, why) = against_register(&checked, licences);
            let number = checked.opened.and_then(|opened| opened.claims().number());
            facts.push(CredentialFact { index, licence: number, proof, why: why.into() });
        }
        Ok(facts)
    }
}

fn open(code: &'static str, why: String) -> Checked {
    Checked { proof: Proof::Unverified, code, why, opened: None, key: None, status: None }
}

fn unread(why: &str) -> Checked {
    Checked { proof: Proof::Failed, ..open("unreadable", format!("it does not read: {why}")) }
}

/// What a credential is once its signature has been looked at, with the keys of the authority that it names.
pub(super) fn signed(opened: Opened, keys: &KeySet, state: Country, from: &'static str) -> Checked {
    let Some(key) = keys.get(opened.kid()) else {
        let why =
            format!("key {} is not known to be of {}", opened.kid_text(), opened.claims().iss);
        return Checked { opened: Some(opened), ..open("key_unknown", why) };
    };
    let failed = |code, why: &str| Checked { proof: Proof::Failed, ..open(code, why.to_owned()) };
    if !opened.is_signed_by(key) {
        let failed = failed("signature", "its signature does not verify");
        return Checked { opened: Some(opened), ..failed };
    }
    let key = Some((state, from));
    let claims = opened.claims();
    let says = |field: &str| claims.licence.get(field).and_then(serde_json::Value::as_str);
    // An authority speaks for its own State alone, and of the licence that it names.
    if says("issuing_state") != Some(state.as_str()) {
        let failed = failed("another_state", "its authority does not issue for that State");
        return Checked { opened: Some(opened), key, ..failed };
    }
    if !says("number").is_some_and(|number| claims.is_of(number)) {
        let failed = failed("another_licence", "it names one licence and holds another");
        return Checked { opened: Some(opened), key, ..failed };
    }
    let why = "its authority has signed it".to_owned();
    let proof = Proof::Validated;
    Checked { proof, code: "authentic", why, opened: Some(opened), key, status: None }
}

/// The claims of a credential whose signature is good.
fn believed(checked: &Checked) -> Option<&Claims> {
    let opened = checked.opened.as_ref().filter(|_| checked.proof == Proof::Validated);
    opened.map(Opened::claims)
}

/// The same with what its status is.
pub(super) fn with_status(checked: Checked, seen: Seen) -> Checked {
    let (proof, code, why) = match seen.standing {
        Standing::Valid => {
            (Proof::Validated, "authentic", "its authority has signed it and it stands")
        }
        Standing::Invalid => {
            (Proof::Failed, "revoked", "its authority has signed it and it no longer stands")
        }
        Standing::Suspended => {
            (Proof::Failed, "suspended", "its authority has signed it and it is suspended")
        }
        Standing::Amended => {
            (Proof::Unverified, "amended", "its authority has issued another version since")
        }
        Standing::Other(_) => {
            (Proof::Unverified, "status_unknown", "its status is one that is not known here")
        }
    };
    Checked { proof, code, why: why.to_owned(), status: Some(seen), ..checked }
}

/// The same, where its time has not passed: the licence's last day is over everywhere.
pub(super) fn in_time(checked: Checked, now: Timestamp) -> Checked {
    let expiry = believed(&checked).and_then(|claims| claims.exp);
    if expiry.is_none_or(|exp| now.as_second() < exp) {
        return checked;
    }
    let why = "its authority has signed it, and its time has passed".to_owned();
    Checked { proof: Proof::Unverified, code: "expired", why, ..checked }
}

/// An authentic credential must also say what the register has.
fn against_register(checked: &Checked, licences: &[LicenceFact]) -> (Proof, String) {
    let as_is = || (checked.proof, checked.why.clone());
    let Some(claims) = believed(checked) else { return as_is() };
    let held = licences.iter().find(|fact| claims.is_of(&fact.number));
    let Some(Lookup::Held(held)) = held.map(|fact| &fact.lookup) else { return as_is() };
    let sent = serde_json::from_value::<crate::wire::licence::Licence>(claims.licence.clone());
    let read = sent.ok().and_then(|sent| sent.read(held.licence.version, "").ok());
    let same = read.is_some_and(|mut read| {
        read.authenticity = held.licence.authenticity;
        read == *held.licence
    });
    if same {
        return as_is();
    }
    let why = "its authority has signed it, and it says something else than the register has";
    (Proof::Unverified, why.to_owned())
}
