//! Signing in to the console: the sealed cookie that carries a token, and where tokens come from. A
//! session is a token that `Access` would take from anyone; nothing here makes a caller by itself.
mod chooser;
mod oidc;
mod renewal;
mod seal;

pub use chooser::Chooser;
pub use chooser::Person;
pub use chooser::Sample;
pub use oidc::FLOW_S;
pub use oidc::SignedIn;
pub use renewal::Renewal;
pub use seal::Purpose;
pub use seal::Sealer;

use super::Error;
use crate::clock::Ids;
use crate::config::Config;
use crate::domain::Timestamp;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use std::sync::Arc;

/// Longest token that a session carries: a browser keeps 4096 bytes of a cookie, and sealing adds a
/// third.
pub const SESSION_TOKEN_BYTES_MAX: usize = 2_900;

/// What signing in needs.
pub struct SignIn {
    sealer: Sealer,
    ids: Arc<dyn Ids>,
    /// The sample service's choice of roles; never there in a real one.
    chooser: Option<Chooser>,
    ways: Vec<oidc::Way>,
    session_s_max: i64,
    attempts: renewal::Attempts,
}

/// When a token ends.
#[derive(Deserialize)]
struct Ends {
    exp: i64,
}

impl SignIn {
    /// Takes up the key under which sessions are sealed.
    pub fn open(config: &Config, ids: Arc<dyn Ids>) -> Result<Self, Error> {
        let file = &config.console.key_file;
        let own = config.node.data_dir.join("console.key");
        let file = if file.as_os_str().is_empty() { own.as_path() } else { file.as_path() };
        let console = &config.console;
        let ways = console.sign_in.iter().map(|way| oidc::Way::open(&console.public_url, way));
        let ways = ways.collect::<Result<_, _>>()?;
        let sealer = Sealer::open(file, ids.as_ref())?;
        let session_s_max = console.session_s_max;
        let attempts = renewal::Attempts::default();
        Ok(Self { sealer, ids, chooser: None, ways, session_s_max, attempts })
    }

    /// Lets whoever comes choose a role: for the sample service and the tests alone, which is why no
    /// setting leads here.
    pub fn let_choose(&mut self, chooser: Chooser) {
        self.chooser = Some(chooser);
    }

    /// The choice of roles, where there is one.
    pub fn chooser(&self) -> Option<&Chooser> {
        self.chooser.as_ref()
    }

    /// Seals a token into a session.
    pub fn session(&self, token: &str) -> Result<String, Error> {
        if token.len() > SESSION_TOKEN_BYTES_MAX {
            return Err(Error::Unavailable(
                "the issuer's token is too long for a browser's cookie",
            ));
        }
        self.sealer.seal(Purpose::Session, token.as_bytes(), self.ids.as_ref())
    }

    /// The token of a session that this service has sealed.
    pub fn token(&self, session: &str) -> Option<String> {
        String::from_utf8(self.sealer.open_sealed(Purpose::Session, session)?).ok()
    }

    /// A name for a browser that has none yet, from which the tokens of its forms are made.
    pub fn browser(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.ids.nonce())
    }

    /// Whether a form was written for a browser.
    pub fn is_form_token(&self, browser: &str, token: &str) -> bool {
        self.sealer.is_mark(browser, token)
    }

    /// What the forms of a browser carry, which no other site can know.
    pub fn form_token(&self, browser: &str) -> String {
        self.sealer.mark(browser)
    }
}

/// The instant at which a token ends, for words: whether it is good is for `Access` to say.
pub fn ends_at(token: &str) -> Option<Timestamp> {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let ends: Ends = serde_json::from_slice(&payload).ok()?;
    Timestamp::from_second(ends.exp).ok()
}
