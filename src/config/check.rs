//! What is wrong with settings that read well: every reason at once, each by the setting's name, so
//! that an operator mends the file in one go.
mod keys;
mod offline;

use super::Access;
use super::Authority;
use super::Config;
use super::Http;
use super::Issuer;
use super::Pkcs11;
use super::Register;
use super::SignIn;
use super::Stream;
use super::Webhooks;
use super::Witness;
use crate::domain::Country;
use std::collections::HashSet;

const ROLES: [&str; 6] = ["officer", "authority", "carrier", "auditor", "admin", "register"];
const ALGORITHMS: [&str; 3] = ["EdDSA", "ES256", "RS256"];
const FORMATS: [&str; 2] = ["json", "text"];

/// Heads that hold a token and that the framework still reads.
const HEAD_BYTES: std::ops::RangeInclusive<usize> = 16_384..=131_072;

/// Threads that the framework serves with at most.
const WORKERS_MAX: usize = 512;

/// What must hold, and the reason to give where it does not.
type Demand = (bool, &'static str);

/// Everything that stops the service from running on these settings.
pub(super) fn problems(config: &Config) -> Vec<String> {
    let mut problems = unmet(&node_and_data(config));
    problems.extend(unmet(&http(&config.http)));
    problems.extend(unmet(&access(&config.access)));
    problems.extend(unmet(&rate_and_log(config)));
    problems.extend(unmet(&webhooks(&config.webhooks)));
    for (index, way) in config.console.sign_in.iter().enumerate() {
        let at = |problem: String| format!("console.sign_in[{index}].{problem}");
        problems.extend(unmet(&sign_in(config, way)).into_iter().map(at));
    }
    problems.extend(unmet(&stream(&config.stream)));
    for (index, register) in config.registry.registers.iter().enumerate() {
        let at = |problem: String| format!("registry.registers[{index}].{problem}");
        problems.extend(unmet(&register_of_another(register, config)).into_iter().map(at));
    }
    problems.extend(unmet(&trust(config)));
    problems.extend(unmet(&pkcs11(&config.pkcs11)));
    problems.extend(unmet(&witness(&config.witness)));
    problems.extend(unmet(&offline::demands(config)));
    problems.extend(unmet(&keys::named(config)));
    for (index, authority) in config.trust.authorities.iter().enumerate() {
        let at = |problem: String| format!("trust.authorities[{index}].{problem}");
        problems.extend(unmet(&another(config, authority)).into_iter().map(at));
    }
    let mut names = HashSet::new();
    for (index, issuer) in config.access.issuers.iter().enumerate() {
        let at = |problem: String| format!("access.issuers[{index}].{problem}");
        problems.extend(unmet(&trusted(issuer)).into_iter().map(at));
        if !names.insert(issuer.issuer.as_str()) {
            problems.push(at("issuer: stands twice, and speaks for one State only".to_owned()));
        }
    }
    problems
}

fn unmet(demands: &[Demand]) -> Vec<String> {
    demands.iter().filter(|(met, _)| !met).map(|(_, reason)| (*reason).to_owned()).collect()
}

fn node_and_data(config: &Config) -> Vec<Demand> {
    let origin = &config.node.origin;
    let named =
        !origin.is_empty() && !origin.contains('+') && !origin.contains(char::is_whitespace);
    let recorder = &config.recorder;
    vec![
        (
            named,
            "node.origin: a name for the audit log, without spaces and '+', such as customs.example/node-1",
        ),
        (is_state(&config.node.state), "node.state: the State's two letters"),
        (
            !config.node.data_dir.as_os_str().is_empty(),
            "node.data_dir: a folder for the service's files",
        ),
        (
            ["sqlite://", "postgres://", "postgresql://"]
                .iter()
                .any(|scheme| config.database.url.starts_with(scheme)),
            "database.url: sqlite://FILE or postgres://HOST/NAME",
        ),
        (
            (100..=60_000).contains(&config.database.statement_timeout_ms),
            "database.statement_timeout_ms: 100 to 60000",
        ),
        (config.database.read_connections > 0, "database.read_connections: at least 1"),
        (recorder.batch_commands_max > 0, "recorder.batch_commands_max: at least 1"),
        (
            recorder.queue_commands_max >= recorder.batch_commands_max,
            "recorder.queue_commands_max: at least recorder.batch_commands_max",
        ),
        (
            (100..=60_000).contains(&recorder.answer_within_ms),
            "recorder.answer_within_ms: 100 to 60000",
        ),
        (config.cache.licences_max > 0, "cache.licences_max: at least 1"),
        (config.cache.age_ms_max > 0, "cache.age_ms_max: at least 1"),
        (
            config.preclearance.misses_per_hour_max > 0,
            "preclearance.misses_per_hour_max: at least 1",
        ),
        (
            config.preclearance.lodgings_per_hour_max > 0,
            "preclearance.lodgings_per_hour_max: at least 1",
        ),
        (config.preclearance.waiting_max > 0, "preclearance.waiting_max: at least 1"),
        (
            (60..=86_400).contains(&config.release.confirm_within_s),
            "release.confirm_within_s: 60 to 86400",
        ),
        (
            (1..=3600).contains(&config.preclearance.lapse_every_s),
            "preclearance.lapse_every_s: 1 to 3600",
        ),
    ]
}

fn http(http: &Http) -> Vec<Demand> {
    let tls = http.tls();
    let key = !http.tls_key_file.as_os_str().is_empty();
    // Port 0 is another free port each time, so the two cannot meet there.
    let apart = http.listen != http.ops_listen || http.listen.port() == 0;
    vec![
        (tls == key, "http.tls_cert_file and http.tls_key_file: both or neither"),
        (
            tls || http.behind_proxy || http.listen.ip().is_loopback(),
            "http.listen: beyond loopback only with TLS, or with http.behind_proxy = true where a proxy ends TLS",
        ),
        (apart, "http.ops_listen: another address than http.listen"),
        (
            HEAD_BYTES.contains(&http.head_bytes_max),
            "http.head_bytes_max: 16384, for a token alone may have 8192, to 131072",
        ),
        (http.body_bytes_max >= 1024, "http.body_bytes_max: at least 1024"),
        (
            http.import_bytes_max >= http.body_bytes_max,
            "http.import_bytes_max: at least http.body_bytes_max",
        ),
        (http.workers <= WORKERS_MAX, "http.workers: 1 to 512, or 0 for one a processor"),
        (http.connections_max > 0, "http.connections_max: at least 1"),
        (http.head_timeout_s > 0, "http.head_timeout_s: at least 1"),
        (http.body_timeout_s > 0, "http.body_timeout_s: at least 1"),
        (http.import_timeout_s > 0, "http.import_timeout_s: at least 1"),
        (http.shutdown_s > 0, "http.shutdown_s: at least 1"),
    ]
}

fn access(access: &Access) -> Vec<Demand> {
    vec![
        ((0..=60).contains(&access.leeway_s), "access.leeway_s: 0 to 60"),
        ((1..=900).contains(&access.token_life_s_max), "access.token_life_s_max: 1 to 900"),
        (access.tokens_max > 0, "access.tokens_max: at least 1"),
        (access.keys_refresh_s > 0, "access.keys_refresh_s: at least 1"),
        (
            !access.issuers.is_empty(),
            "access.issuers: nobody could come in without a trusted issuer",
        ),
    ]
}

fn rate_and_log(config: &Config) -> Vec<Demand> {
    let (rate, log) = (&config.rate, &config.log);
    vec![
        (rate.requests_per_s > 0, "rate.requests_per_s: at least 1"),
        (rate.requests_burst > 0, "rate.requests_burst: at least 1"),
        (rate.refused_per_s > 0, "rate.refused_per_s: at least 1"),
        (rate.refused_burst > 0, "rate.refused_burst: at least 1"),
        (FORMATS.contains(&log.format.as_str()), "log.format: json or text"),
        (
            (900..=86_400).contains(&config.console.session_s_max),
            "console.session_s_max: 900 to 86400",
        ),
        (
            // Where people sign in, each way to do so insists on it.
            config.console.public_url.is_empty()
                || !config.console.sign_in.is_empty()
                || is_private_to_read(&config.console.public_url),
            "console.public_url: https (http only on loopback)",
        ),
        ((10..=100).contains(&config.retention.years), "retention.years: 10 to 100"),
    ]
}

fn register_of_another(register: &Register, config: &Config) -> Vec<Demand> {
    let prefixes = register.prefixes.iter().all(|prefix| !prefix.is_empty());
    vec![
        (
            is_state(&register.state) && register.state != config.node.state,
            "state: another State's two letters",
        ),
        (prefixes, "prefixes: what numbers begin with, not empty"),
        (
            is_private_to_read(&register.url),
            "url: https (http only on loopback), for its replies are of trade",
        ),
        (!register.issuer.is_empty(), "issuer: the iss under which it knows this service"),
        (!register.audience.is_empty(), "audience: the aud that it asks for"),
        (!register.key.is_empty(), "key: its public key, whpk_ and base64"),
        ((10..=10_000).contains(&register.timeout_ms), "timeout_ms: 10 to 10000"),
        (register.cache_ms <= 5_000, "cache_ms: 0 to 5000"),
    ]
}

fn webhooks(webhooks: &Webhooks) -> Vec<Demand> {
    let networks = webhooks.networks.iter().all(|text| text.parse::<ipnet::IpNet>().is_ok());
    let waits = (1..=100).contains(&webhooks.retry_ms.len())
        && webhooks.retry_ms.iter().all(|wait| (1..=86_400_000).contains(wait));
    vec![
        (networks, "webhooks.networks: networks such as 10.20.0.0/16"),
        ((10..=60_000).contains(&webhooks.timeout_ms), "webhooks.timeout_ms: 10 to 60000"),
        (waits, "webhooks.retry_ms: 1 to 100 waits of 1 to 86400000"),
        ((1..=2_592_000).contains(&webhooks.give_up_s), "webhooks.give_up_s: 1 to 2592000"),
        ((1..=100).contains(&webhooks.attempts_min), "webhooks.attempts_min: 1 to 100"),
        (
            (1..=webhooks.concurrent_max).contains(&webhooks.per_webhook_max),
            "webhooks.per_webhook_max: 1 to webhooks.concurrent_max",
        ),
        ((1..=10_000).contains(&webhooks.concurrent_max), "webhooks.concurrent_max: 1 to 10000"),
        ((1..=1_000).contains(&webhooks.per_state_max), "webhooks.per_state_max: 1 to 1000"),
        (webhooks.waiting_max > 0, "webhooks.waiting_max: at least 1"),
        ((1..=3_650).contains(&webhooks.keep_days), "webhooks.keep_days: 1 to 3650"),
    ]
}

fn stream(stream: &Stream) -> Vec<Demand> {
    vec![
        (stream.streams_max > 0, "stream.streams_max: at least 1"),
        (stream.streams_of_caller_max > 0, "stream.streams_of_caller_max: at least 1"),
        ((16..=1_000_000).contains(&stream.buffer_events), "stream.buffer_events: 16 to 1000000"),
        (stream.replay_events_max > 0, "stream.replay_events_max: at least 1"),
        ((1..=300).contains(&stream.beat_s), "stream.beat_s: 1 to 300"),
        ((100..=60_000).contains(&stream.retry_ms), "stream.retry_ms: 100 to 60000"),
    ]
}

fn trust(config: &Config) -> Vec<Demand> {
    let trust = &config.trust;
    let own = trust.issuer.is_empty() || is_private_to_read(&trust.issuer);
    let mut states: Vec<&str> = trust.authorities.iter().map(|one| one.state.as_str()).collect();
    states.sort_unstable();
    states.dedup();
    let signing_key = trust.signing_key.is_empty()
        || trust
            .signing_key
            .split_once(':')
            .is_some_and(|(algorithm, _)| matches!(algorithm, "EdDSA" | "ES256"));
    vec![
        (own, "trust.issuer: an https address (http only on loopback)"),
        (signing_key, "trust.signing_key: EdDSA:SECRET or ES256:SECRET"),
        ((60..=2_592_000).contains(&trust.status_life_s), "trust.status_life_s: 60 to 2592000"),
        (
            (1..=trust.status_life_s).contains(&trust.status_ttl_s),
            "trust.status_ttl_s: 1 to trust.status_life_s",
        ),
        ((1..=2_592_000).contains(&trust.status_age_s_max), "trust.status_age_s_max: 1 to 2592000"),
        ((1..=86_400).contains(&trust.refresh_s), "trust.refresh_s: 1 to 86400"),
        ((1..=100_000).contains(&trust.lists_max), "trust.lists_max: 1 to 100000"),
        (
            states.len() == trust.authorities.len(),
            "trust.authorities: one for each State, and a State stands twice",
        ),
    ]
}

fn another(config: &Config, authority: &Authority) -> Vec<Demand> {
    vec![
        (is_state(&authority.state), "state: the State's two letters"),
        (authority.state != config.node.state, "state: this State's own keys are in trust.key_dir"),
        (is_private_to_read(&authority.issuer), "issuer: https (http only on loopback)"),
        (
            authority.jwks_url.is_some() != authority.jwks_file.is_some(),
            "jwks_url or jwks_file: one of the two",
        ),
        (
            authority.jwks_url.as_deref().is_none_or(is_private_to_read),
            "jwks_url: https (http only on loopback), for who can change the keys on their way can issue licences",
        ),
    ]
}

fn pkcs11(pkcs11: &Pkcs11) -> Vec<Demand> {
    let (used, filed) = (pkcs11.is_used(), !pkcs11.pin_file.as_os_str().is_empty());
    let others = filed
        || [&pkcs11.token, &pkcs11.pin, &pkcs11.log_key].iter().any(|setting| !setting.is_empty());
    vec![
        (used || !others, "pkcs11.module: the PKCS#11 library, for the others of pkcs11 are set"),
        (!used || !pkcs11.token.is_empty(), "pkcs11.token: the label of the token with the keys"),
        (
            !used || filed == pkcs11.pin.is_empty(),
            "pkcs11.pin_file or pkcs11.pin (from the environment): one of the two",
        ),
        ((100..=60_000).contains(&pkcs11.timeout_ms), "pkcs11.timeout_ms: 100 to 60000"),
    ]
}

fn witness(witness: &Witness) -> Vec<Demand> {
    let named = |key: &String| key.splitn(3, '+').filter(|part| !part.is_empty()).count() == 3;
    let asked = &witness.witnesses;
    vec![
        (
            !witness.name.contains('+') && !witness.name.contains(char::is_whitespace),
            "witness.name: without spaces and '+'",
        ),
        (witness.logs.iter().all(named), "witness.logs: verifier keys, NAME+HASH+KEY"),
        (
            asked.iter().all(|one| named(&one.key)),
            "witness.witnesses: each with its verifier key, NAME+HASH+KEY",
        ),
        (
            asked.iter().all(|one| is_private_to_read(&one.url)),
            "witness.witnesses: each with an https address (http only on loopback)",
        ),
        (
            asked.is_empty() || (1..=asked.len()).contains(&witness.quorum),
            "witness.quorum: 1 to the number of witnesses",
        ),
        ((10..=3_600_000).contains(&witness.every_ms), "witness.every_ms: 10 to 3600000"),
        ((10..=60_000).contains(&witness.timeout_ms), "witness.timeout_ms: 10 to 60000"),
        ((1..=86_400).contains(&witness.alert_after_s), "witness.alert_after_s: 1 to 86400"),
    ]
}

fn trusted(issuer: &Issuer) -> Vec<Demand> {
    let roles =
        !issuer.roles.is_empty() && issuer.roles.iter().all(|role| ROLES.contains(&role.as_str()));
    vec![
        (!issuer.issuer.is_empty(), "issuer: its iss"),
        // A caller's key is `iss#sub`: with a '#' in iss, two callers could share one.
        (!issuer.issuer.contains('#'), "issuer: without '#'"),
        (is_state(&issuer.state), "state: the State's two letters"),
        (roles, "roles: some of officer, authority, carrier, auditor, admin, register"),
        (!issuer.audience.is_empty(), "audience: the aud of tokens for this service"),
        (
            issuer.jwks_url.is_some() != issuer.jwks_file.is_some(),
            "jwks_url or jwks_file: one of the two",
        ),
        (
            issuer.ca_file.is_none() || issuer.jwks_url.is_some(),
            "ca_file: vouches for a jwks_url, and there is none",
        ),
        (
            issuer.algorithms.iter().all(|name| ALGORITHMS.contains(&name.as_str())),
            "algorithms: some of EdDSA, ES256, RS256",
        ),
        (
            issuer.jwks_url.as_deref().is_none_or(is_private_to_read),
            "jwks_url: https (http only on loopback), for who can change the keys on their way can mint tokens",
        ),
    ]
}

fn sign_in(config: &Config, way: &SignIn) -> Vec<Demand> {
    let trusted = config.access.issuers.iter().any(|issuer| issuer.issuer == way.issuer);
    vec![
        (!way.name.is_empty(), "name: what people call it"),
        (trusted, "issuer: one of access.issuers, whose tokens the API takes"),
        (is_private_to_read(&way.issuer), "issuer: https (http only on loopback)"),
        (!way.client_id.is_empty(), "client_id: as what the issuer knows this service"),
        (way.scope.split(' ').any(|word| word == "openid"), "scope: openid among its words"),
        (
            is_private_to_read(&config.console.public_url),
            "issuer: needs console.public_url, https (http only on loopback), to send people back to",
        ),
    ]
}

fn is_state(code: &str) -> bool {
    Country::parse(code).is_ok_and(Country::is_assigned)
}

/// Whether nobody on the way can change what is read from an address.
pub(crate) fn is_private_to_read(url: &str) -> bool {
    let Ok(url) = reqwest::Url::parse(url) else { return false };
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let loopback = host == "localhost"
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    !host.is_empty() && (url.scheme() == "https" || (url.scheme() == "http" && loopback))
}
