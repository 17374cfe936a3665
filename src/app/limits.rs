//! How often callers may ask.
use super::Caller;
use crate::config;
use crate::domain::Text;
use governor::DefaultKeyedRateLimiter;
use governor::Quota;
use governor::RateLimiter;
use std::net::IpAddr;
use std::net::Ipv6Addr;
use std::num::NonZeroU32;

/// Limits by caller, and by address for those who have not come in.
pub struct Limits {
    callers: DefaultKeyedRateLimiter<(Text, Text)>,
    refused: DefaultKeyedRateLimiter<IpAddr>,
}

/// Addresses remembered at once. Beyond it every refusal asks to wait until the quiet ones have been
/// forgotten, which nobody feels who has a token.
const ADDRESSES_MAX: usize = 100_000;

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
        self.callers.check_key(&(caller.issuer.clone(), caller.subject.clone())).is_ok()
    }

    /// Whether an address may be refused once more now; beyond that it is told to wait.
    pub fn may_be_refused(&self, peer: IpAddr) -> bool {
        self.refused.len() < ADDRESSES_MAX && self.refused.check_key(&network(peer)).is_ok()
    }

    /// Forgets those who have not asked for a while.
    pub fn forget_the_quiet(&self) {
        self.callers.retain_recent();
        self.refused.retain_recent();
    }
}

/// Who is counted as one: an address of IPv4, the network of a subscriber (/64) of IPv6, where one
/// machine has as many addresses as it likes.
fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        let rate = config::Rate {
            requests_per_s: 1,
            requests_burst: 1,
            refused_per_s: 1,
            refused_burst: 2,
        };
        Limits::new(&rate)
    }

    #[test]
    fn addresses_of_one_ipv6_network_share_one_allowance() {
        let limits = limits();
        let refused = |n: u16| limits.may_be_refused(format!("2001:db8::{n:x}").parse().unwrap());
        assert_eq!((1..5).map(refused).collect::<Vec<_>>(), [true, true, false, false]);
        assert!(limits.may_be_refused("2001:db8:0:1::1".parse().unwrap()), "another network");
    }

    #[test]
    fn an_ipv4_address_is_the_same_when_it_is_written_as_ipv6() {
        let limits = limits();
        for peer in ["192.0.2.1", "::ffff:192.0.2.1"] {
            assert!(limits.may_be_refused(peer.parse().unwrap()), "{peer}");
        }
        assert!(!limits.may_be_refused("192.0.2.1".parse().unwrap()));
        assert!(limits.may_be_refused("192.0.2.2".parse().unwrap()), "another address");
    }
}
