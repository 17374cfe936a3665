//! Runs of the service alone.
use crate::Arguments;
use crate::client;
use crate::client::Failed;
use crate::client::Pace;
use crate::client::Ran;
use crate::client::count;
use crate::expected;
use crate::mixed::Doors;
use crate::mixed::Mixed;
use crate::random::Random;
use crate::register;
use crate::register::Acknowledged;
use crate::service::Process;
use crate::service::Service;
use crate::traffic::Choice;
use crate::traffic::Heads;
use crate::traffic::Once;
use crate::traffic::Verifications;
use crate::workload;
use crate::workload::Body;
use crate::workload::Spread;
use passavant::clock::Clock;
use passavant::clock::SystemClock;
use passavant::domain::Date;
use passavant::rules::Outcome;
use std::path::PathBuf;
use std::time::Duration;

/// Choices made ahead; a longer run goes round again.
const CHOICES: usize = 1 << 20;

/// What is asked of verifications.
#[derive(Debug, clap::Args)]
pub struct Verify {
    /// Arrivals a second; without it, as many as are answered.
    #[arg(long)]
    rate: Option<u32>,
    /// Exponent of Zipf's law over the licences; without it, each as often as the others.
    #[arg(long)]
    zipf: Option<f64>,
    /// How many of a thousand declarations do not fit.
    #[arg(long, default_value_t = 100)]
    misfits: u32,
    /// How many of a thousand quote licences that the register does not have.
    #[arg(long, default_value_t = 0)]
    unknown: u32,
    /// How often.
    #[arg(long, default_value_t = 1)]
    rounds: u32,
}

/// What is asked of releases.
#[derive(Debug, clap::Args)]
pub struct Release {
    /// How many.
    #[arg(long, default_value_t = 100_000)]
    count: u32,
    /// Over all licences in place of one.
    #[arg(long)]
    spread: bool,
}

/// Everything that is fixed before anyone is asked.
pub struct Material {
    /// The day of the licences and declarations.
    pub today: Date,
    /// The declarations.
    pub bodies: Vec<Body>,
    /// Their verdicts.
    pub expected: [Vec<Outcome>; 2],
}

impl Material {
    /// Makes it.
    pub fn new(misfits: u32) -> Result<Self, Failed> {
        let (now, today) = (SystemClock.now(), today()?);
        let bodies = workload::bodies(today, misfits);
        let verdicts = |known| expected::verdicts(&bodies, today, now, known);
        let expected = [verdicts(true)?, verdicts(false)?];
        let bytes: usize = bodies.iter().map(|body| body.text.len()).sum();
        let clear = expected[0].iter().filter(|outcome| **outcome == Outcome::Clear).count();
        eprintln!(
            "{} declarations of {} bytes, {clear} of them clear",
            bodies.len(),
            bytes / bodies.len()
        );
        Ok(Self { today, bodies, expected })
    }
}

/// The day in France.
pub fn today() -> Result<Date, Failed> {
    Ok(jiff::tz::TimeZone::get("Europe/Paris")?.to_datetime(SystemClock.now()).date())
}

/// Which declaration quotes which pair, made ahead.
pub fn choices(spread: Spread, pairs: u32, unknown: u32) -> Vec<Choice> {
    let mut random = Random::new(1);
    let chosen = spread.choices(&mut random, CHOICES);
    let choice = |pair| {
        let away = random.below(1000) < unknown;
        Choice {
            body: random.below(workload::BODIES),
            pair: if away { pairs + pair } else { pair },
        }
    };
    chosen.into_iter().map(choice).collect()
}

/// Arrivals at random moments, so many a second.
pub fn schedule(rate: u32, seconds: u32) -> Vec<u64> {
    let mut random = Random::new(2);
    let (mut at, mean, end) = (0.0, 1e9 / f64::from(rate), 1e9 * f64::from(seconds));
    let mut schedule = Vec::new();
    loop {
        at += random.interval(mean);
        if at >= end {
            return schedule;
        }
        schedule.push(nanos(at));
    }
}

#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "times of a run are small and positive"
)]
fn nanos(value: f64) -> u64 {
    value.round() as u64
}

impl Arguments {
    /// The service's binary.
    pub fn server(&self) -> Result<PathBuf, Failed> {
        let built = std::env::current_exe()?;
        let beside = built
            .parent()
            .and_then(|examples| examples.parent())
            .map(|folder| folder.join("passavant"));
        self.server.clone().or(beside).ok_or_else(|| "no server".into())
    }

    /// Pairs in the register.
    pub fn pairs(&self) -> u32 {
        (self.licences / 2).max(1)
    }

    /// A service over a fresh folder, with its licences.
    pub fn service(&self, today: Date) -> Result<Service, Failed> {
        self.service_of(today, self.pairs(), self.cached)
    }

    /// The same with so many pairs, and so many licences kept in memory.
    pub fn service_of(&self, today: Date, pairs: u32, kept: u32) -> Result<Service, Failed> {
        let url = self.database.as_deref();
        let service = Service::prepare(&self.server()?, &self.dir, url, kept)?;
        register::fill(&service, today, pairs)?;
        Ok(service)
    }

    fn pace(&self, rate: Option<u32>) -> Pace {
        match rate {
            Some(rate) => Pace::Open(schedule(rate, self.seconds)),
            None => Pace::Closed(Duration::from_secs(u64::from(self.seconds))),
        }
    }
}

/// Prints one run.
pub fn print(title: &str, ran: &Ran, cpu_s: f64) {
    println!(
        "{title:28} {:9.0}/s  p50 {:7.3}  p99 {:7.3}  p99.9 {:8.3}  max {:8.3} ms  {:6.1} us of server CPU each",
        ran.rate(),
        ran.at(50.0),
        ran.at(99.0),
        ran.at(99.9),
        count(ran.latency.max()) / 1e6,
        cpu_s * 1e6 / count(ran.answered.max(1)),
    );
}

/// Runs traffic against a server and prints the run.
pub fn measured(
    process: &Process,
    connections: usize,
    pace: &Pace,
    traffic: &mut impl client::Traffic,
    title: &str,
) -> Result<Ran, Failed> {
    let before = process.cpu_s()?;
    let ran = client::run(process.api, connections, pace, traffic, title)?;
    print(title, &ran, process.cpu_s()? - before);
    Ok(ran)
}

/// `verify`.
pub fn verify(arguments: &Arguments, verify: &Verify) -> Result<(), Failed> {
    let material = Material::new(verify.misfits)?;
    let pairs = arguments.pairs();
    let spread = verify.zipf.map_or(Spread::Uniform(pairs), |s| Spread::Zipf(pairs, s));
    let choices = choices(spread, pairs, verify.unknown);
    let service = arguments.service(material.today)?;
    let before = register::trail_bytes(&service);
    let process = service.start()?;
    let heads = Heads::new("/v1/verifications", arguments.connections)?;
    let mut traffic =
        Verifications::new(&heads, &material.bodies, &choices, &material.expected, pairs);
    let pace = arguments.pace(verify.rate);
    if let Pace::Open(schedule) = &pace {
        println!(
            "offered {:.0}/s",
            count(u64::try_from(schedule.len())?) / f64::from(arguments.seconds)
        );
    }
    for _ in 0..verify.rounds {
        measured(&process, arguments.connections, &pace, &mut traffic, "verify")?;
    }
    println!("server memory {:.1} MB", count(process.memory()?) / 1e6);
    let acknowledged = Acknowledged { verdicts: traffic.verdicts, ..Acknowledged::default() };
    process.stop()?;
    register::check(&service, &acknowledged)?;
    if let (Ok((bytes, entries)), Ok((bytes_before, entries_before))) =
        (register::trail_bytes(&service), before)
    {
        let each = count(u64::try_from(bytes - bytes_before)?)
            / count(u64::try_from(entries - entries_before)?);
        println!("audit trail {each:.0} bytes on disk a verdict");
    }
    Ok(())
}

/// `release`.
pub fn release(arguments: &Arguments, release: &Release) -> Result<(), Failed> {
    let material = Material::new(0)?;
    let service = arguments.service(material.today)?;
    let process = service.start()?;
    let pairs = if release.spread { arguments.pairs() } else { 1 };
    let bodies: Vec<Vec<u8>> = (0..release.count)
        .map(|number| workload::one_round(material.today, number % pairs, u64::from(number)))
        .collect();
    let heads = Heads::new("/v1/verifications", arguments.connections)?;
    let everything = Pace::Closed(Duration::from_hours(1));
    let mut verifications = Once::new(&heads, &bodies, false);
    measured(
        &process,
        arguments.connections,
        &everything,
        &mut verifications,
        "verified for release",
    )?;
    let bodies: Vec<Vec<u8>> = verifications
        .ids
        .iter()
        .map(|id| format!("{{\"verification\":\"{id}\"}}").into_bytes())
        .collect();
    let heads = Heads::new("/v1/releases", arguments.connections)?;
    let mut releases = Once::new(&heads, &bodies, true);
    let title = if release.spread { "releases, spread" } else { "releases of one licence" };
    measured(&process, arguments.connections, &everything, &mut releases, title)?;
    let acknowledged = Acknowledged {
        verdicts: [verifications.done, 0, 0],
        released: releases.done,
        refused: releases.refused,
        in_flight: 0,
    };
    process.stop()?;
    register::check(&service, &acknowledged)?;
    Ok(())
}

/// Derives every verdict of a stopped service again.
pub fn replay(service: &Service) -> Result<(), Failed> {
    let said = service.run(&["audit", "replay", "--all"])?;
    eprintln!("replayed: {}", said.trim());
    if said.contains(" 0 differ") { Ok(()) } else { Err("NOT HONEST: verdicts differ".into()) }
}

/// `mixed`: of a hundred requests 85 verify, 10 release, 4 read a licence, 1 suspends or reinstates one.
pub fn mixed(arguments: &Arguments, rate: Option<u32>) -> Result<(), Failed> {
    let material = Material::new(100)?;
    let pairs = arguments.pairs();
    // The last tenth of the pairs is that whose licences change; the others are verified and released.
    let quoted = (pairs - pairs / 10).max(1);
    let choices = choices(Spread::Zipf(quoted, 1.1), quoted, 0);
    let service = arguments.service(material.today)?;
    let process = service.start()?;
    let doors = Doors::new(arguments.connections)?;
    let mut traffic =
        Mixed::new(&material, &choices, (quoted, pairs), &doors, arguments.connections)?;
    for _ in 0..3 {
        measured(
            &process,
            arguments.connections,
            &arguments.pace(rate),
            &mut traffic,
            "mixed 85/10/4/1",
        )?;
    }
    println!("{}", traffic.said());
    let acknowledged = traffic.acknowledged();
    process.stop()?;
    register::check(&service, &acknowledged)
}
