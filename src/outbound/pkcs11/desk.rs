//! The one who talks to the token: finds it by its label, signs in, and begins anew once where a session
//! was lost. A PIN that was refused is not tried again, for a token locks itself after a few.
use crate::signing::Algorithm;
use crate::signing::KeyError;
use crate::signing::Malformed;
use crate::signing::PublicKey;
use cryptoki::context::CInitializeArgs;
use cryptoki::context::CInitializeFlags;
use cryptoki::context::Pkcs11;
use cryptoki::error::Error;
use cryptoki::error::RvError;
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::eddsa::EddsaParams;
use cryptoki::mechanism::eddsa::EddsaSignatureScheme;
use cryptoki::object::Attribute;
use cryptoki::object::AttributeType;
use cryptoki::object::ObjectClass;
use cryptoki::object::ObjectHandle;
use cryptoki::session::Session;
use cryptoki::session::UserType;
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;
use sha2::Digest;
use sha2::Sha256;
use std::collections::HashMap;
use std::path::Path;
use std::path::PathBuf;

/// Ed25519 as a curve's parameters: by its name, which the first modules knew alone, and by its number
/// (RFC 8410).
const ED25519_NAMED: &[u8] = b"\x13\x0cedwards25519";
const ED25519: &[u8] = b"\x06\x03\x2b\x65\x70";
/// P-256 by its number.
const P256: &[u8] = b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";

/// A session that is signed in, and the keys that were found in it.
struct Open {
    session: Session,
    keys: HashMap<String, ObjectHandle>,
}

/// Whoever talks to the token.
pub(super) struct Desk {
    module: PathBuf,
    label: String,
    pin: AuthPin,
    library: Option<Pkcs11>,
    open: Option<Open>,
    /// Why the token does not let this service in.
    locked_out: Option<String>,
}

/// Why something did not succeed.
enum Stop {
    /// The library says so.
    Said(Error),
    /// In our words, which name the setting.
    Words(String),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Said(error)
    }
}

impl From<Malformed> for Stop {
    fn from(error: Malformed) -> Self {
        Self::Words(error.0)
    }
}

impl From<Stop> for KeyError {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Said(error) => Self::Unavailable(format!("the token: {error}")),
            Stop::Words(words) => Self::Unavailable(words),
        }
    }
}

type Found<T> = Result<T, Stop>;

impl Desk {
    pub fn new(module: &Path, label: &str, pin: String) -> Self {
        Self {
            module: module.to_path_buf(),
            label: label.to_owned(),
            pin: AuthPin::from(pin),
            library: None,
            open: None,
            locked_out: None,
        }
    }

    /// Whether the token is there and lets this service in.
    pub fn answers(&mut self) -> Result<(), KeyError> {
        self.twice(|open| Ok(open.session.get_session_info().map(drop)?))
    }

    /// Signs: 64 bytes, as JOSE, COSE and signed notes write them.
    pub fn sign(
        &mut self,
        label: &str,
        algorithm: Algorithm,
        message: &[u8],
    ) -> Result<Vec<u8>, KeyError> {
        self.twice(|open| {
            let key = match open.keys.get(label) {
                Some(key) => *key,
                None => {
                    let key = one(&open.session, label, ObjectClass::PRIVATE_KEY)?;
                    open.keys.insert(label.to_owned(), key);
                    key
                }
            };
            Ok(match algorithm {
                Algorithm::EdDsa => {
                    let pure = EddsaParams::new(EddsaSignatureScheme::Ed25519);
                    open.session.sign(&Mechanism::Eddsa(pure), key, message)?
                }
                Algorithm::Es256 => {
                    open.session.sign(&Mechanism::Ecdsa, key, &Sha256::digest(message))?
                }
            })
        })
    }

    /// The public half of a key that signs.
    pub fn public(&mut self, label: &str) -> Result<PublicKey, KeyError> {
        self.twice(|open| {
            one(&open.session, label, ObjectClass::PRIVATE_KEY)?;
            let public = one(&open.session, label, ObjectClass::PUBLIC_KEY)?;
            read_public(&open.session, label, public)
        })
    }

    /// Makes a key that never leaves the token.
    pub fn generate(&mut self, label: &str, algorithm: Algorithm) -> Result<PublicKey, KeyError> {
        let library = self.library()?;
        let open = self.session()?;
        let there = [Attribute::Label(label.as_bytes().to_vec())];
        if !open.session.find_objects(&there).map_err(Stop::from)?.is_empty() {
            let words = format!("the token has something under {label:?} already");
            return Err(KeyError::Unusable(words));
        }
        // Beside the one that signs, which only reads; the token knows that its user is signed in.
        let slot = open.session.get_session_info().map_err(Stop::from)?.slot_id();
        let session = library.open_rw_session(slot).map_err(Stop::from)?;
        let (mechanism, curves): (_, &[&[u8]]) = match algorithm {
            Algorithm::EdDsa => (Mechanism::EccEdwardsKeyPairGen, &[ED25519, ED25519_NAMED]),
            Algorithm::Es256 => (Mechanism::EccKeyPairGen, &[P256]),
        };
        let mut refused = None;
        for curve in curves {
            match pair(&session, label, &mechanism, curve) {
                Ok(public) => return Ok(read_public(&session, label, public)?),
                Err(error) => refused = Some(error),
            }
        }
        Err(refused.map_or_else(|| KeyError::Unusable(label.to_owned()), |e| Stop::from(e).into()))
    }

    /// Takes a key's secret half away.
    pub fn destroy(&mut self, label: &str) -> Result<(), KeyError> {
        let library = self.library()?;
        let open = self.session()?;
        let slot = open.session.get_session_info().map_err(Stop::from)?.slot_id();
        let session = library.open_rw_session(slot).map_err(Stop::from)?;
        let key = one(&session, label, ObjectClass::PRIVATE_KEY)?;
        open.keys.remove(label);
        Ok(session.destroy_object(key).map_err(Stop::from)?)
    }

    /// Does something in the session; where that fails, once more in a new one.
    fn twice<T>(&mut self, mut work: impl FnMut(&mut Open) -> Found<T>) -> Result<T, KeyError> {
        if self.open.is_some() {
            match work(self.session()?) {
                Ok(done) => return Ok(done),
                Err(_lost) => self.close(),
            }
        }
        let done = work(self.session()?);
        if done.is_err() {
            self.close();
        }
        Ok(done?)
    }

    /// Closes the session; one that was lost is none any more.
    fn close(&mut self) {
        if let Some(open) = self.open.take() {
            let _ = open.session.close();
        }
    }

    fn library(&mut self) -> Found<Pkcs11> {
        if let Some(library) = &self.library {
            return Ok(library.clone());
        }
        let failed = |error: &dyn std::fmt::Display| {
            Stop::Words(format!("pkcs11.module {}: {error}", self.module.display()))
        };
        let library = Pkcs11::new(&self.module).map_err(|error| failed(&error))?;
        match library.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
            Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
            Err(error) => return Err(failed(&error)),
        }
        Ok(self.library.insert(library).clone())
    }

    /// The session, opened and signed in where there is none.
    fn session(&mut self) -> Found<&mut Open> {
        let open = match self.open.take() {
            Some(open) => open,
            None => self.sign_in()?,
        };
        Ok(self.open.insert(open))
    }

    fn sign_in(&mut self) -> Found<Open> {
        if let Some(why) = &self.locked_out {
            return Err(Stop::Words(why.clone()));
        }
        let library = self.library()?;
        let slot = self.slot(&library)?;
        let session = library.open_ro_session_no_drop(slot)?;
        let refused = match session.login(UserType::User, Some(&self.pin)) {
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => None,
            Err(Error::Pkcs11(error, _)) if is_of_the_pin(error) => {
                let words = format!(
                    "pkcs11.pin: token {:?} refuses it ({error:?}); it is not tried again before the next start",
                    self.label
                );
                self.locked_out = Some(words.clone());
                Some(Stop::Words(words))
            }
            Err(error) => Some(error.into()),
        };
        if let Some(refused) = refused {
            let _ = session.close();
            return Err(refused);
        }
        Ok(Open { session, keys: HashMap::new() })
    }

    fn slot(&self, library: &Pkcs11) -> Found<Slot> {
        let mut found = Vec::new();
        for slot in library.get_slots_with_token()? {
            // One that cannot be asked is not the one.
            let Ok(token) = library.get_token_info(slot) else { continue };
            if token.label().trim_end() == self.label {
                found.push(slot);
            }
        }
        match found.as_slice() {
            [slot] => Ok(*slot),
            [] => Err(Stop::Words(format!("pkcs11.token: there is no token {:?}", self.label))),
            _ => Err(Stop::Words(format!("pkcs11.token: several tokens are {:?}", self.label))),
        }
    }
}

/// Whether another try with the same PIN can only bring the token nearer to locking itself.
fn is_of_the_pin(error: RvError) -> bool {
    matches!(
        error,
        RvError::PinIncorrect
            | RvError::PinInvalid
            | RvError::PinLenRange
            | RvError::PinExpired
            | RvError::PinLocked
            | RvError::UserPinNotInitialized
    )
}

/// The one object of a class under a label.
fn one(session: &Session, label: &str, class: ObjectClass) -> Found<ObjectHandle> {
    let wanted = [Attribute::Class(class), Attribute::Label(label.as_bytes().to_vec())];
    let half = if class == ObjectClass::PRIVATE_KEY { "private" } else { "public" };
    match session.find_objects(&wanted)?.as_slice() {
        [object] => Ok(*object),
        [] => Err(Stop::Words(format!("the token has no {half} key {label:?}"))),
        _ => Err(Stop::Words(format!("the token has several {half} keys {label:?}"))),
    }
}

fn pair(
    session: &Session,
    label: &str,
    mechanism: &Mechanism<'_>,
    curve: &[u8],
) -> Result<ObjectHandle, Error> {
    let both = || {
        let label = label.as_bytes().to_vec();
        [Attribute::Token(true), Attribute::Label(label.clone()), Attribute::Id(label)]
    };
    let mut public = both().to_vec();
    public.extend([
        Attribute::EcParams(curve.to_vec()),
        Attribute::Verify(true),
        Attribute::Private(false),
    ]);
    let mut private = both().to_vec();
    private.extend([
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Sign(true),
    ]);
    Ok(session.generate_key_pair(mechanism, &public, &private)?.0)
}

/// Reads a public key, whichever way the module writes its curve and its point.
fn read_public(session: &Session, label: &str, key: ObjectHandle) -> Found<PublicKey> {
    let (mut curve, mut point) = (Vec::new(), Vec::new());
    for attribute in
        session.get_attributes(key, &[AttributeType::EcParams, AttributeType::EcPoint])?
    {
        if let Attribute::EcParams(bytes) = attribute {
            curve = bytes;
        } else if let Attribute::EcPoint(bytes) = attribute {
            point = bytes;
        }
    }
    // An octet string around the point, as the standard has it; some modules leave it away.
    let bare = match point.as_slice() {
        [4, 32, bytes @ ..] if bytes.len() == 32 => bytes,
        [4, 65, bytes @ ..] if bytes.len() == 65 => bytes,
        bytes => bytes,
    };
    match (curve.as_slice(), bare) {
        (ED25519 | ED25519_NAMED, bytes) => Ok(PublicKey::ed25519(bytes)?),
        (P256, [4, coordinates @ ..]) if coordinates.len() == 64 => {
            let (x, y) = coordinates.split_at(32);
            Ok(PublicKey::p256(x, y)?)
        }
        _ => Err(Stop::Words(format!("key {label:?} is neither of Ed25519 nor of P-256"))),
    }
}
