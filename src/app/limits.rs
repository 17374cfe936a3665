//! How often callers may ask.
use super::Caller;
use crate::config;
use governor::DefaultKeyedRateLimiter;
use governor::Quota;
use governor::RateLimiter;
use std::net::IpAddr;
use std::num::NonZeroU32;

/// Limits by caller, and by address for those who have not come in.
pub struct Limits {
    callers: DefaultKeyedRateLimiter<String>,
    refused: DefaultKeyedRateLimiter<IpAddr>,
}

/// Keys beyond which those that have been quiet are forgotten at once.
const KEYS_MAX: usize = 100_000;

impl Limits {
    /// The configured limits.
    pub fn new(rate: &config::Rate) -> Self {
        let quota = |per_s: u32, burst: u32| {
            let one = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
            Quota::per_second(one(per_s)).allow_burst(one(burst))
        };
        Self {
            callers: RateLimiter::keyed(quota(rate.requests_per_s, rate.requests_burst)),
            refused: RateLimiter::keyed(quota(rate.refused_per_s, rate.refused_burst)),
        }
    }

    /// Whether a caller may ask once more now.
    pub fn may_ask(&self, caller: &Caller) -> bool {
        self.callers.check_key(&caller.key()).is_ok()
    }

    /// Whether an address may be refused once more now; beyond that it is told to wait.
    pub fn may_be_refused(&self, peer: IpAddr) -> bool {
        if self.refused.len() > KEYS_MAX {
            self.forget_the_quiet();
        }
        self.refused.check_key(&peer).is_ok()
    }

    /// Forgets those who have not asked for a while.
    pub fn forget_the_quiet(&self) {
        self.callers.retain_recent();
        self.refused.retain_recent();
    }
}
