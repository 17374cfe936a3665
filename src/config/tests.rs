//! Each refusal by name, and the order in which file and defaults give way.
use super::*;

fn complete() -> Config {
    let mut config = Config::embedded().unwrap();
    config.node.origin = "customs.example/node-1".to_owned();
    config.node.state = "FR".to_owned();
    config.access.issuers.push(Issuer {
        issuer: "https://login.example".to_owned(),
        state: "FR".to_owned(),
        roles: vec!["officer".to_owned()],
        audience: "passavant".to_owned(),
        jwks_url: None,
        jwks_file: Some("keys.json".into()),
        ca_file: None,
        algorithms: Vec::new(),
    });
    config
}

type Spoil = (&'static str, fn(&mut Config));

fn each_is_refused_by_name(unsound: &[Spoil]) {
    for (setting, spoil) in unsound {
        let mut config = complete();
        spoil(&mut config);
        let ConfigError::Incomplete(reasons) = config.completed().unwrap_err() else {
            panic!("{setting}: read, and is refused for what it says")
        };
        assert_eq!(reasons.len(), 1, "{setting}: one fault, one reason: {reasons:?}");
        assert!(reasons[0].starts_with(setting), "{setting}: {reasons:?}");
    }
}

fn publish_at(config: &mut Config, url: &str) {
    config.access.issuers[0].jwks_file = None;
    config.access.issuers[0].jwks_url = Some(url.to_owned());
}

#[test]
fn complete_settings_are_taken() {
    let config = complete().completed().unwrap();
    assert_eq!(config.database.url, "sqlite:///var/lib/passavant/passavant.db");
}

#[test]
fn the_defaults_alone_are_refused_with_every_reason() {
    let refused = Config::embedded().unwrap().completed().unwrap_err().to_string();
    for reason in ["node.origin", "node.state", "access.issuers"] {
        assert!(refused.contains(reason), "{reason}: {refused}");
    }
}

#[test]
fn an_unsound_node_database_or_writer_is_refused() {
    each_is_refused_by_name(&[
        ("node.origin", |c| c.node.origin = String::new()),
        ("node.origin", |c| c.node.origin = "a b".to_owned()),
        ("node.origin", |c| c.node.origin = "a+b".to_owned()),
        ("node.state", |c| c.node.state = "UK".to_owned()),
        ("node.state", |c| c.node.state = "fr".to_owned()),
        ("node.data_dir", |c| c.node.data_dir = PathBuf::new()),
        ("database.url", |c| c.database.url = "mysql://db/passavant".to_owned()),
        ("database.statement_timeout_ms", |c| c.database.statement_timeout_ms = 0),
        ("database.read_connections", |c| c.database.read_connections = 0),
        ("recorder.queue_commands_max", |c| c.recorder.queue_commands_max = 1),
        ("recorder.answer_within_ms", |c| c.recorder.answer_within_ms = 0),
        ("recorder.batch_commands_max", |c| c.recorder.batch_commands_max = 0),
        ("cache.licences_max", |c| c.cache.licences_max = 0),
        ("cache.age_ms_max", |c| c.cache.age_ms_max = 0),
    ]);
}

#[test]
fn unsound_registers_are_refused() {
    fn with(config: &mut Config, change: fn(&mut Register)) {
        let mut register = Register {
            state: "KE".to_owned(),
            url: "https://register.example".to_owned(),
            prefixes: Vec::new(),
            issuer: "https://customs.example/register".to_owned(),
            audience: "passavant".to_owned(),
            key: "whpk_AAAA".to_owned(),
            ca_file: None,
            timeout_ms: 1500,
            cache_ms: 3000,
        };
        change(&mut register);
        config.registry.registers.push(register);
    }
    each_is_refused_by_name(&[
        ("registry.registers[0].state", |c| with(c, |r| r.state = "FR".to_owned())),
        ("registry.registers[0].url", |c| with(c, |r| r.url = "http://a.example".to_owned())),
        ("registry.registers[0].prefixes", |c| with(c, |r| r.prefixes.push(String::new()))),
        ("registry.registers[0].issuer", |c| with(c, |r| r.issuer.clear())),
        ("registry.registers[0].audience", |c| with(c, |r| r.audience.clear())),
        ("registry.registers[0].key", |c| with(c, |r| r.key.clear())),
        ("registry.registers[0].timeout_ms", |c| with(c, |r| r.timeout_ms = 0)),
        ("registry.registers[0].cache_ms", |c| with(c, |r| r.cache_ms = 5001)),
    ]);
}

#[test]
fn unsound_webhooks_are_refused() {
    each_is_refused_by_name(&[
        ("webhooks.networks", |c| c.webhooks.networks.push("10.20.0.0".to_owned())),
        ("webhooks.timeout_ms", |c| c.webhooks.timeout_ms = 0),
        ("webhooks.retry_ms", |c| c.webhooks.retry_ms.clear()),
        ("webhooks.retry_ms", |c| c.webhooks.retry_ms.push(0)),
        ("webhooks.give_up_s", |c| c.webhooks.give_up_s = 0),
        ("webhooks.attempts_min", |c| c.webhooks.attempts_min = 0),
        ("webhooks.per_webhook_max", |c| c.webhooks.per_webhook_max = 257),
        ("webhooks.concurrent_max", |c| c.webhooks.concurrent_max = 10_001),
        ("webhooks.per_state_max", |c| c.webhooks.per_state_max = 0),
        ("webhooks.waiting_max", |c| c.webhooks.waiting_max = 0),
        ("webhooks.keep_days", |c| c.webhooks.keep_days = 0),
    ]);
}

#[test]
fn unsound_doors_are_refused() {
    each_is_refused_by_name(&[
        ("http.tls_cert_file", |c| c.http.tls_cert_file = "cert.pem".into()),
        ("http.tls_cert_file", |c| c.http.tls_key_file = "key.pem".into()),
        ("http.listen", |c| c.http.listen = "0.0.0.0:8443".parse().unwrap()),
        ("http.listen", |c| c.http.listen = "[::]:8443".parse().unwrap()),
        ("http.ops_listen", |c| c.http.ops_listen = c.http.listen),
        ("http.head_bytes_max", |c| c.http.head_bytes_max = 8192),
        ("http.head_bytes_max", |c| c.http.head_bytes_max = 131_073),
        ("http.body_bytes_max", |c| c.http.body_bytes_max = 0),
        ("http.import_bytes_max", |c| c.http.import_bytes_max = 2048),
        ("http.connections_max", |c| c.http.connections_max = 0),
        ("http.head_timeout_s", |c| c.http.head_timeout_s = 0),
        ("http.body_timeout_s", |c| c.http.body_timeout_s = 0),
        ("http.import_timeout_s", |c| c.http.import_timeout_s = 0),
        ("http.shutdown_s", |c| c.http.shutdown_s = 0),
        ("http.workers", |c| c.http.workers = 513),
    ]);
}

#[test]
fn beyond_loopback_the_service_listens_with_tls_or_behind_a_proxy() {
    let mut config = complete();
    config.http.listen = "0.0.0.0:8443".parse().unwrap();
    config.http.behind_proxy = true;
    assert!(config.completed().is_ok());
    let mut config = complete();
    config.http.listen = "0.0.0.0:8443".parse().unwrap();
    config.http.tls_cert_file = "cert.pem".into();
    config.http.tls_key_file = "key.pem".into();
    assert!(config.completed().unwrap().tls());
}

#[test]
fn unsound_access_rates_and_logs_are_refused() {
    each_is_refused_by_name(&[
        ("access.leeway_s", |c| c.access.leeway_s = 61),
        ("access.leeway_s", |c| c.access.leeway_s = -1),
        ("access.token_life_s_max", |c| c.access.token_life_s_max = 3600),
        ("access.token_life_s_max", |c| c.access.token_life_s_max = 0),
        ("access.tokens_max", |c| c.access.tokens_max = 0),
        ("access.keys_refresh_s", |c| c.access.keys_refresh_s = 0),
        ("access.issuers", |c| c.access.issuers.clear()),
        ("rate.requests_per_s", |c| c.rate.requests_per_s = 0),
        ("rate.requests_burst", |c| c.rate.requests_burst = 0),
        ("rate.refused_per_s", |c| c.rate.refused_per_s = 0),
        ("rate.refused_burst", |c| c.rate.refused_burst = 0),
        ("log.format", |c| c.log.format = "xml".to_owned()),
        ("console.session_s_max", |c| c.console.session_s_max = 100_000),
        ("console.public_url", |c| c.console.public_url = "ftp://passavant.example".to_owned()),
        ("console.public_url", |c| c.console.public_url = "http://passavant.example".to_owned()),
        ("offline.post", |c| c.offline.post = "KEMBA".to_owned()),
        ("console.key_file", |c| c.console.key_file = "no-such.key".into()),
        ("webhooks.key_file", |c| c.webhooks.key_file = "no-such.key".into()),
        ("registry.key_file", |c| c.registry.key_file = "no-such.key".into()),
        ("witness.key_file", |c| c.witness.key_file = "no-such.key".into()),
    ]);
}

#[test]
fn an_issuer_that_cannot_be_trusted_as_it_stands_is_refused() {
    each_is_refused_by_name(&[
        ("access.issuers[0].issuer", |c| c.access.issuers[0].issuer = String::new()),
        ("access.issuers[0].issuer", |c| c.access.issuers[0].issuer = "https://x/#y".to_owned()),
        ("access.issuers[0].state", |c| c.access.issuers[0].state = "UK".to_owned()),
        ("access.issuers[0].roles", |c| c.access.issuers[0].roles = vec!["king".to_owned()]),
        ("access.issuers[0].roles", |c| c.access.issuers[0].roles.clear()),
        ("access.issuers[0].audience", |c| c.access.issuers[0].audience = String::new()),
        ("access.issuers[0].jwks_url or", |c| c.access.issuers[0].jwks_file = None),
        ("access.issuers[0].jwks_url or", |c| {
            c.access.issuers[0].jwks_url = Some("https://login.example/keys".to_owned());
        }),
        ("access.issuers[0].jwks_url:", |c| publish_at(c, "http://login.example/keys")),
        ("access.issuers[0].jwks_url:", |c| publish_at(c, "http://127.0.0.1.evil.example/keys")),
        ("access.issuers[0].jwks_url:", |c| publish_at(c, "file:///etc/keys.json")),
        ("access.issuers[0].jwks_url:", |c| publish_at(c, "keys")),
        ("access.issuers[0].ca_file", |c| c.access.issuers[0].ca_file = Some("ca.pem".into())),
        ("access.issuers[0].algorithms", |c| {
            c.access.issuers[0].algorithms = vec!["EdDSA".to_owned(), "HS256".to_owned()];
        }),
        ("access.issuers[0].algorithms", |c| {
            c.access.issuers[0].algorithms = vec!["none".to_owned()];
        }),
        ("access.issuers[1].issuer", |c| {
            let twin = Issuer { state: "KE".to_owned(), ..c.access.issuers[0].clone() };
            c.access.issuers.push(twin);
        }),
    ]);
}

#[test]
fn keys_are_read_over_https_or_from_this_machine() {
    for url in [
        "https://login.example/keys",
        "http://127.0.0.1:9/k",
        "http://[::1]:9/k",
        "http://localhost/k",
    ] {
        let mut config = complete();
        publish_at(&mut config, url);
        assert!(config.completed().is_ok(), "{url}");
    }
}

fn token(config: &mut Config) {
    config.pkcs11.module = "/usr/lib/hsm.so".into();
    config.pkcs11.token = "border".to_owned();
    config.pkcs11.pin = "0012".to_owned();
}

#[test]
fn a_token_that_cannot_be_used_as_it_is_set_is_refused() {
    let mut config = complete();
    token(&mut config);
    assert!(config.completed().is_ok());
    each_is_refused_by_name(&[
        ("pkcs11.module", |c| c.pkcs11.log_key = "log".to_owned()),
        ("pkcs11.module", |c| c.pkcs11.pin_file = "pin".into()),
        ("pkcs11.token", |c| {
            token(c);
            c.pkcs11.token = String::new();
        }),
        ("pkcs11.pin_file or pkcs11.pin", |c| {
            token(c);
            c.pkcs11.pin = String::new();
        }),
        ("pkcs11.pin_file or pkcs11.pin", |c| {
            token(c);
            c.pkcs11.pin_file = "pin".into();
        }),
        ("pkcs11.timeout_ms", |c| c.pkcs11.timeout_ms = 0),
    ]);
}

#[test]
fn a_pin_is_never_said() {
    let mut config = complete();
    token(&mut config);
    config.pkcs11.pin = "geheim".to_owned();
    assert!(!format!("{config:?}").contains("geheim"));
}

#[test]
fn a_misspelt_setting_is_refused_by_name() {
    for (misspelt, name) in [
        ("[http]\nlisten_on = \"x\"", "listen_on"),
        ("[htpp]\nlisten = \"127.0.0.1:1\"", "htpp"),
        (
            "[[access.issuers]]\nissuer = \"x\"\nstate = \"FR\"\nroles = []\naudience = \"a\"\njwks = \"x\"",
            "jwks",
        ),
    ] {
        let settings = Figment::from(Toml::string(DEFAULTS)).merge(Toml::string(misspelt));
        let refused = settings.extract::<Config>().unwrap_err().to_string();
        assert!(refused.contains(&format!("`{name}`")), "{refused}");
    }
}

#[test]
fn a_file_goes_over_the_defaults_and_a_missing_file_is_refused() {
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("node.toml");
    let issuer = "issuer = \"https://login.example\"\nstate = \"FR\"\nroles = [\"officer\"]\naudience = \"passavant\"\njwks_file = \"k\"";
    let text = format!(
        "[node]\norigin = \"customs.example/node-1\"\nstate = \"FR\"\n[cache]\nlicences_max = 7\n[[access.issuers]]\n{issuer}\n"
    );
    std::fs::write(&file, text).unwrap();
    let config = Config::load(Some(&file)).unwrap();
    assert_eq!((config.cache.licences_max, config.cache.age_ms_max), (7, 2000));
    let absent = Config::load(Some(&folder.path().join("absent.toml"))).unwrap_err();
    assert!(absent.to_string().contains("absent.toml"), "{absent}");
}

#[test]
fn a_password_is_never_said() {
    let mut config = complete();
    config.database.url = "postgres://passavant:geheim@db.example/p".to_owned();
    assert_eq!(config.database.redacted(), "postgres://passavant:***@db.example/p");
    assert!(!format!("{config:?}").contains("geheim"));
}
