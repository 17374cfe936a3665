//! Keys that lie in a token: a module of hardware, or a key service, behind a PKCS#11 library. One thread
//! talks to it, so that a token that hangs keeps nobody but that thread; callers give up in time. What the log
//! needs goes before what others ask for. No signature leaves that does not verify under the public key.
mod desk;

use crate::config;
use crate::signing::Algorithm;
use crate::signing::KeyError;
use crate::signing::PublicKey;
use crate::signing::Signer;
use crossbeam_channel::Receiver;
use crossbeam_channel::Sender;
use crossbeam_channel::bounded;
use crossbeam_channel::select_biased;
use desk::Desk;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

/// What may wait for the token: so much of the log's, and so much of others'.
const WAITING_MAX: usize = 256;
/// Largest file with a PIN.
const PIN_BYTES_MAX: u64 = 1024;

/// Something for the token to do.
type Work = Box<dyn FnOnce(&mut Desk) + Send>;

/// A token.
pub struct Token {
    first: Sender<Work>,
    others: Sender<Work>,
    within: Duration,
}

/// What to do next: anything of the log before anything else. Nothing once nobody can ask any more.
fn next(first: &Receiver<Work>, others: &Receiver<Work>) -> Option<Work> {
    select_biased! {
        recv(first) -> work => work.ok(),
        recv(others) -> work => work.ok(),
    }
}

impl Token {
    /// The token of the settings, where there is one. Nothing is asked of it yet.
    pub fn open(settings: &config::Pkcs11) -> Result<Option<Arc<Self>>, String> {
        if !settings.is_used() {
            return Ok(None);
        }
        let pin = if settings.pin_file.as_os_str().is_empty() {
            settings.pin.clone()
        } else {
            read_pin(&settings.pin_file)?
        };
        let mut desk = Desk::new(&settings.module, &settings.token, pin);
        let (first, of_log) = bounded::<Work>(WAITING_MAX);
        let (others, of_others) = bounded::<Work>(WAITING_MAX);
        std::thread::Builder::new()
            .name("token".to_owned())
            .spawn(move || {
                while let Some(work) = next(&of_log, &of_others) {
                    work(&mut desk);
                }
            })
            .map_err(|error| format!("pkcs11: its thread cannot start: {error}"))?;
        let within = Duration::from_millis(settings.timeout_ms);
        Ok(Some(Arc::new(Self { first, others, within })))
    }

    /// Whether it answers and lets this service in.
    pub fn answers(&self) -> Result<(), KeyError> {
        self.ask(&self.others, Desk::answers)
    }

    /// The key that the token has under a label.
    pub fn key(self: &Arc<Self>, label: &str) -> Result<TokenKey, KeyError> {
        let asked = label.to_owned();
        let public = self.ask(&self.others, move |desk| desk.public(&asked))?;
        Ok(TokenKey::new(Some(Arc::clone(self)), label, public))
    }

    /// Makes a key in the token, under a label that it does not have yet.
    pub fn generate(&self, label: &str, algorithm: Algorithm) -> Result<PublicKey, KeyError> {
        let label = label.to_owned();
        self.ask(&self.others, move |desk| desk.generate(&label, algorithm))
    }

    /// Takes a key's secret half away for good.
    pub fn destroy(&self, label: &str) -> Result<(), KeyError> {
        let label = label.to_owned();
        self.ask(&self.others, move |desk| desk.destroy(&label))
    }

    /// Has the token do something, for as long as a caller can wait.
    fn ask<T: Send + 'static>(
        &self,
        queue: &Sender<Work>,
        work: impl FnOnce(&mut Desk) -> Result<T, KeyError> + Send + 'static,
    ) -> Result<T, KeyError> {
        let (tell, told) = bounded(1);
        let (began, within) = (Instant::now(), self.within);
        let work = move |desk: &mut Desk| {
            // Nobody waits for what has waited too long itself.
            if began.elapsed() < within {
                let _ = tell.send(work(desk));
            }
        };
        let hangs = || {
            let ms = within.as_millis();
            KeyError::Unavailable(format!(
                "the token does not answer within pkcs11.timeout_ms, {ms}"
            ))
        };
        queue.try_send(Box::new(work)).map_err(|_full| hangs())?;
        told.recv_timeout(within).unwrap_or_else(|_late| Err(hangs()))
    }
}

/// Reads a PIN from a file that only its owner may read.
fn read_pin(file: &Path) -> Result<String, String> {
    let failed =
        |error: &dyn std::fmt::Display| format!("pkcs11.pin_file {}: {error}", file.display());
    let metadata = std::fs::metadata(file).map_err(|error| failed(&error))?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        let words = format!("mode {mode:o}: others than its owner may read it; chmod 600");
        return Err(failed(&words));
    }
    if metadata.len() > PIN_BYTES_MAX {
        return Err(failed(&"too long for a PIN"));
    }
    let text = std::fs::read_to_string(file).map_err(|error| failed(&error))?;
    let pin = text.trim_end_matches(['\n', '\r']);
    if pin.is_empty() { Err(failed(&"it is empty")) } else { Ok(pin.to_owned()) }
}

/// A key that lies in a token.
pub struct TokenKey {
    token: Option<Arc<Token>>,
    label: String,
    public: PublicKey,
    is_first: bool,
}

impl TokenKey {
    /// The key under a label; without a token it says so when it is to sign.
    pub fn new(token: Option<Arc<Token>>, label: &str, public: PublicKey) -> Self {
        Self { token, label: label.to_owned(), public, is_first: false }
    }

    /// The log's key: it signs before what others ask for.
    pub fn served_first(self) -> Self {
        Self { is_first: true, ..self }
    }
}

impl Signer for TokenKey {
    fn public(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let Some(token) = &self.token else {
            let words = format!("key {:?} lies in a token, and pkcs11.module is empty", self.label);
            return Err(KeyError::Unavailable(words));
        };
        let (label, asked) = (self.label.clone(), message.to_vec());
        let algorithm = self.public.algorithm();
        let queue = if self.is_first { &token.first } else { &token.others };
        let signature = token.ask(queue, move |desk| desk.sign(&label, algorithm, &asked))?;
        if !self.public.verify(message, &signature) {
            let words = format!(
                "what the token signs with {:?} does not verify under {}",
                self.label,
                self.public.kid()
            );
            return Err(KeyError::Unavailable(words));
        }
        Ok(signature)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    #[test]
    fn a_pin_is_read_from_a_file_that_only_its_owner_reads() {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("pin");
        let mode = |mode| {
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        std::fs::write(&file, "0012\n").unwrap();
        mode(0o640);
        let refused = read_pin(&file).unwrap_err();
        assert!(refused.contains("pkcs11.pin_file") && refused.contains("640"), "{refused}");
        mode(0o600);
        assert_eq!(read_pin(&file).unwrap(), "0012");
        std::fs::write(&file, "\n").unwrap();
        assert!(read_pin(&file).unwrap_err().contains("empty"));
    }

    #[test]
    fn a_library_that_is_not_there_is_named_by_its_setting() {
        let settings = config::Pkcs11 {
            module: "/nowhere/hsm.so".into(),
            token: "border".to_owned(),
            pin: "geheim".to_owned(),
            pin_file: "".into(),
            log_key: String::new(),
            timeout_ms: 2000,
        };
        let token = Token::open(&settings).unwrap().unwrap();
        let said = token.key("log").map(|_| ()).unwrap_err().to_string();
        assert!(said.contains("pkcs11.module /nowhere/hsm.so"), "{said}");
        assert!(!said.contains("geheim"));
    }

    #[test]
    fn a_token_that_hangs_keeps_nobody_for_long_and_nothing_late_is_signed() {
        let ((first, _), (others, waiting)) = (bounded::<Work>(1), bounded::<Work>(1));
        let token = Token { first, others, within: Duration::from_millis(50) };
        let said = token.ask(&token.others, |_| Ok(())).unwrap_err().to_string();
        assert!(said.contains("pkcs11.timeout_ms"), "{said}");
        assert!(token.ask(&token.others, |_| Ok(())).is_err(), "the queue is full");
        let mut desk = Desk::new(Path::new("/nowhere"), "border", String::new());
        let (ran, seen) = bounded(1);
        waiting.recv().unwrap()(&mut desk);
        let late = token.ask(&token.others, move |_| {
            let _ = ran.send(());
            Ok(())
        });
        assert!(late.is_err());
        waiting.recv().unwrap()(&mut desk);
        assert!(seen.try_recv().is_err(), "what nobody waits for is not done");
    }

    #[test]
    fn the_log_s_signatures_wait_for_no_others() {
        let (first, of_log) = bounded::<Work>(WAITING_MAX);
        let (others, of_others) = bounded::<Work>(WAITING_MAX);
        let token = Arc::new(Token { first, others, within: Duration::from_millis(1) });
        let public = crate::signing::SoftKey::new(Algorithm::EdDsa, &[1; 32]).unwrap();
        let key = || TokenKey::new(Some(Arc::clone(&token)), "log", public.public().clone());
        let authority = key();
        for _ in 0..=WAITING_MAX {
            assert!(authority.sign(b"a list").is_err(), "nobody is at the desk yet");
        }
        assert_eq!((of_others.len(), of_others.is_full()), (WAITING_MAX, true));
        assert!(key().served_first().sign(b"a checkpoint").is_err());
        assert_eq!(of_log.len(), 1, "there is room for it");
        assert!(next(&of_log, &of_others).is_some() && of_log.is_empty(), "it goes before them");
        assert_eq!(of_others.len(), WAITING_MAX);
        assert!(next(&of_log, &of_others).is_some());
        assert_eq!(of_others.len(), WAITING_MAX - 1);
    }
}
