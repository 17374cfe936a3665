//! To which addresses we may be sent by others: a receiver's URL comes from a caller, and its name may
//! lead anywhere. The check stands between resolving and connecting, so that a name which is
//! public when it is entered and private when it is used leads nowhere.
use ipnet::IpNet;
use reqwest::dns::Addrs;
use reqwest::dns::Name;
use reqwest::dns::Resolve;
use reqwest::dns::Resolving;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::sync::Arc;

/// Networks of IPv4 that are not the public Internet (IANA's registry of special purposes, multicast
/// and the reserved rest).
const SPECIAL_V4: [&str; 16] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.31.196.0/24",
    "192.52.193.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/3",
];
/// The one block of IPv6 that is public, and what is special within it: among it the networks that
/// wrap addresses of IPv4.
const PUBLIC_V6: &str = "2000::/3";
const SPECIAL_V6: [&str; 5] =
    ["2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20"];

/// Which addresses may be reached.
#[derive(Debug, Clone)]
pub struct Reach {
    allowed: Arc<[IpNet]>,
    special: Arc<[IpNet]>,
    public_v6: Option<IpNet>,
}

impl Reach {
    /// Public addresses, and those of the networks named.
    pub fn new(networks: &[String]) -> Result<Self, String> {
        let read = |text: &str| text.parse::<IpNet>().map_err(|error| format!("{text}: {error}"));
        let allowed = networks.iter().map(|text| read(text)).collect::<Result<_, _>>()?;
        let special =
            SPECIAL_V4.into_iter().chain(SPECIAL_V6).map(read).collect::<Result<_, _>>()?;
        Ok(Self { allowed, special, public_v6: Some(read(PUBLIC_V6)?) })
    }

    /// Whether an address may be reached.
    pub fn admits(&self, address: IpAddr) -> bool {
        // An address of IPv4 written as one of IPv6 is what it wraps.
        let address = address.to_canonical();
        let within = |networks: &[IpNet]| networks.iter().any(|network| network.contains(&address));
        if within(&self.allowed) {
            return true;
        }
        let public = address.is_ipv4()
            || self.public_v6.as_ref().is_some_and(|network| network.contains(&address));
        public && !within(&self.special)
    }

    /// Whether a URL leads to something that may be reached as far as it says itself: over TLS, without
    /// a user, to a name or to an address that is admitted.
    pub fn admits_url(&self, url: &str) -> Result<reqwest::Url, &'static str> {
        let read = reqwest::Url::parse(url).map_err(|_e| "not a URL")?;
        if read.scheme() != "https" {
            return Err("https only");
        }
        if !read.username().is_empty() || read.password().is_some() {
            return Err("no user and no password may stand in it");
        }
        if read.fragment().is_some() {
            return Err("no fragment may stand in it");
        }
        let host = read.host_str().unwrap_or_default();
        let literal = host.trim_matches(['[', ']']).parse::<IpAddr>();
        match literal {
            Ok(address) if !self.admits(address) => Err("not a public address"),
            Err(_) if host.is_empty() => Err("it names no host"),
            _ => Ok(read),
        }
    }
}

impl Resolve for Reach {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let admitted: Vec<SocketAddr> =
                found.filter(|found| reach.admits(found.ip())).collect();
            if admitted.is_empty() {
                return Err(format!("{} has no public address", name.as_str()).into());
            }
            let addresses: Addrs = Box::new(admitted.into_iter());
            Ok(addresses)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(networks: &[&str]) -> Reach {
        let networks: Vec<String> = networks.iter().map(|text| (*text).to_owned()).collect();
        Reach::new(&networks).unwrap()
    }

    #[test]
    fn only_public_addresses_are_admitted() {
        let reach = reach(&[]);
        let admitted = |text: &str| reach.admits(text.parse().unwrap());
        for public in ["8.8.8.8", "193.0.6.139", "2a00:1450:4007:80e::200e", "::ffff:8.8.8.8"] {
            assert!(admitted(public), "{public}");
        }
        for other in [
            "127.0.0.1",
            "10.1.2.3",
            "172.31.255.255",
            "192.168.0.1",
            "169.254.169.254",
            "100.100.100.200",
            "0.0.0.0",
            "255.255.255.255",
            "224.0.0.1",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "2002:a00:1::",
            "2001::1",
            "2001:db8::1",
        ] {
            assert!(!admitted(other), "{other}");
        }
    }

    #[test]
    fn a_network_that_is_named_is_admitted_and_no_other() {
        let reach = reach(&["10.20.0.0/16", "::1/128"]);
        let admitted = |text: &str| reach.admits(text.parse().unwrap());
        assert!(admitted("10.20.255.1") && admitted("::1") && admitted("::ffff:10.20.0.1"));
        assert!(!admitted("10.21.0.1") && !admitted("127.0.0.1"));
    }

    #[test]
    fn a_url_says_where_it_must_not_lead() {
        let reach = reach(&[]);
        for (url, why) in [
            ("http://receiver.example/", "https only"),
            ("https://user:secret@receiver.example/", "no user"),
            ("https://user@receiver.example/", "no user"),
            ("https://127.0.0.1/", "not a public address"),
            ("https://2130706433/", "not a public address"),
            ("https://0x7f.1/", "not a public address"),
            ("https://[::1]/", "not a public address"),
            ("https://[::ffff:10.0.0.1]/", "not a public address"),
            ("https://receiver.example/#x", "no fragment"),
            ("receiver.example", "not a URL"),
        ] {
            let refused = reach.admits_url(url).unwrap_err();
            assert!(refused.contains(why), "{url}: {refused}");
        }
        assert!(reach.admits_url("https://receiver.example:8443/hooks?x=1").is_ok());
        assert!(reach.admits_url("https://8.8.8.8/").is_ok());
    }

    #[tokio::test]
    async fn a_name_that_leads_to_a_private_address_leads_nowhere() {
        let name: Name = "localhost".parse().unwrap();
        let refused = reach(&[]).resolve(name).await.err().unwrap();
        assert!(refused.to_string().contains("no public address"), "{refused}");
        let name: Name = "localhost".parse().unwrap();
        let mut found = reach(&["127.0.0.0/8"]).resolve(name).await.unwrap();
        assert!(found.all(|found| found.ip() == IpAddr::from([127, 0, 0, 1])));
    }
}
