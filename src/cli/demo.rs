//! `demo`: the service on embedded SQLite with sample data, a token for each role and three requests.
use super::Failed;
use super::complain;
use super::data;
use super::say;
use super::serve;
use super::token;
use passavant::app::import::Whose;
use passavant::app::sign_in::Chooser;
use passavant::app::sign_in::Person;
use passavant::app::sign_in::Sample;
use passavant::clock::Clock;
use passavant::clock::Ids;
use passavant::clock::SystemClock;
use passavant::clock::SystemIds;
use passavant::config::Config;
use passavant::credential::Algorithm;
use passavant::demo;
use passavant::domain::Date;
use passavant::http::Server;
use passavant::outbound::key_ring;
use passavant::outbound::key_ring::KeyRing;
use passavant::outbound::local_issuer::Claims;
use passavant::outbound::local_issuer::LocalIssuer;
use passavant::telemetry;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

/// Where the sample service keeps its data.
pub(crate) const DATA_DIR: &str = "passavant-data/demo";
/// The file there with its settings, for the other commands.
const SETTINGS: &str = "settings.toml";
/// Longest life of a token.
const LIFE_S: i64 = 900;

/// What may be set.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Where its data are kept.
    #[arg(long, default_value = DATA_DIR)]
    data_dir: PathBuf,
    /// Where the API listens.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Where operations listen.
    #[arg(long, default_value = "127.0.0.1:9090")]
    ops_listen: SocketAddr,
}

/// Runs it.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failed> {
    let home = token::open(&arguments.data_dir, "FR")?;
    let abroad = token::open(&arguments.data_dir, "KE")?;
    let settings = settings(arguments, [("FR", &home.1), ("KE", &abroad.1)]);
    // Other commands read them from there; the environment, which may name a real database, is not asked.
    std::fs::write(arguments.data_dir.join(SETTINGS), &settings)?;
    let config = Config::stated(&settings)?;
    telemetry::start(&config.log)?;
    let today = jiff::tz::TimeZone::get("Europe/Paris")?.to_datetime(SystemClock.now()).date();
    import(&config, today)?;
    sign(&config)?;
    let folder = arguments.data_dir.clone();
    let chooser = chooser(&arguments.data_dir, today)?;
    serve::run(
        config,
        |app| app.sign_in.let_choose(chooser),
        move |server| announce(server, &folder, &home, &abroad, today),
    )
}

fn settings(arguments: &Arguments, issuers: [(&str, &String); 2]) -> String {
    let data_dir = token::quoted(&arguments.data_dir.display().to_string());
    let (listen, operations) = (arguments.listen, arguments.ops_listen);
    let issuers = issuers.map(|(state, name)| token::trusted(&arguments.data_dir, state, name));
    format!(
        "# The sample service's settings, written when it starts.\n\
         [node]\norigin = \"passavant.example/node-1\"\nstate = \"FR\"\ndata_dir = {data_dir}\n\n\
         [http]\nlisten = \"{listen}\"\nops_listen = \"{operations}\"\n\n\
         [console]\nenabled = true\n\n\
         [log]\nformat = \"text\"\nfilter = \"warn\"\n\n{}",
        issuers.join("\n")
    )
}

/// Who can be chosen in the console, and what to try it with.
fn chooser(data_dir: &std::path::Path, today: Date) -> Result<Chooser, Failed> {
    let mut issuers = Vec::new();
    for state in ["FR", "KE"] {
        let (issuer, name) = token::open(data_dir, state)?;
        issuers.push((state.to_owned(), issuer, name));
    }
    let person = |role: &str, state: &str, number: u8| Person {
        id: if number == 1 {
            format!("{role}-{state}")
        } else {
            format!("{role}-{state}-{number}")
        },
        subject: format!("{role}-{number}"),
        state: state.to_owned(),
        role: role.to_owned(),
        posts: if role == "officer" { token::default_posts(state) } else { Vec::new() },
        operator: (role == "carrier").then(|| token::CARRIER.to_owned()),
    };
    let people = [
        ("officer", "FR", 1),
        ("officer", "FR", 2),
        ("officer", "KE", 1),
        ("authority", "FR", 1),
        ("authority", "KE", 1),
        ("carrier", "FR", 1),
        ("auditor", "FR", 1),
    ];
    let people = people.map(|(role, state, number)| person(role, state, number)).to_vec();
    let samples = demo::declarations(today).into_iter().map(|sample| Sample {
        verdict: sample.verdict.to_owned(),
        declaration: sample.declaration.to_string(),
    });
    Ok(Chooser::new(token::AUDIENCE, issuers, people, samples.collect()))
}

/// Lets the sample authority sign: it makes a key once.
fn sign(config: &Config) -> Result<(), Failed> {
    let folder = config.trust.key_dir(&config.node.data_dir);
    if KeyRing::open(&folder, None)?.keys().is_empty() {
        let mut seed = [0; 32];
        let (left, right) = seed.split_at_mut(16);
        left.copy_from_slice(&SystemIds.nonce());
        right.copy_from_slice(&SystemIds.nonce());
        key_ring::generate(&folder, Algorithm::EdDsa, &seed, SystemClock.now())?;
    }
    Ok(())
}

/// Puts the sample licences into the register, those that are not there yet.
fn import(config: &Config, today: Date) -> Result<(), Failed> {
    let lines: Vec<String> = demo::licences(today).iter().map(ToString::to_string).collect();
    let caller = data::operator(config)?;
    let app = data::open(config.clone())?;
    let report = app.import(&caller, Whose::Any, lines.join("\n").as_bytes(), |_| {});
    app.recorder.stop();
    for bad in report?.errors {
        // Those of an earlier day stand in other words, and stay.
        for error in bad.errors.iter().filter(|error| error.code != "conflict") {
            complain(&format!("line {}: {}: {}", bad.line, error.path, error.detail));
        }
    }
    Ok(())
}

fn announce(
    server: &Server,
    folder: &std::path::Path,
    (home, home_name): &(LocalIssuer, String),
    (abroad, abroad_name): &(LocalIssuer, String),
    today: Date,
) -> Result<(), Failed> {
    let (api, operations) = (server.api, server.operations);
    say(&format!(
        "Passavant listens on http://{api}  (console: http://{api}/console, documentation: http://{api}/docs/, metrics: http://{operations}/metrics)\n"
    ));
    say(&format!("Tokens, {LIFE_S} s each (more: passavant token --role officer):\n"));
    let posts = token::default_posts("FR");
    let mint = |issuer: &LocalIssuer, iss: &str, role: &str, posts: &[String]| {
        let operator = (role == "carrier").then_some(token::CARRIER);
        let sub = format!("{role}-1");
        let claims = Claims { iss, aud: token::AUDIENCE, sub: &sub, role, posts, operator };
        issuer.mint(&claims, SystemClock.now(), LIFE_S)
    };
    let officer = mint(home, home_name, "officer", &posts)?;
    say(&format!("officer FR (FRLEH, FRMRS)  {officer}"));
    for role in ["authority", "carrier", "auditor", "admin"] {
        say(&format!("{role} FR  {}", mint(home, home_name, role, &[])?));
    }
    say(&format!("authority KE  {}\n", mint(abroad, abroad_name, "authority", &[])?));
    for sample in demo::declarations(today) {
        let file = folder.join(format!("{}.json", sample.verdict));
        std::fs::write(&file, serde_json::json!({"declaration": sample.declaration}).to_string())?;
        say(&format!(
            "# {}: {}\ncurl -s http://{api}/v1/verifications -H 'Content-Type: application/json' -H 'Authorization: Bearer {officer}' --data @{}\n",
            sample.verdict,
            sample.title,
            file.display()
        ));
    }
    let settings = folder.join(SETTINGS);
    say(&format!("Its trail from outside: passavant audit verify --config {}", settings.display()));
    say("Stop with Ctrl-C; the data stay.");
    Ok(())
}
