//! Series of runs: latency against load, growth of the register and of the trail, and what happens
//! after the power is cut.
use crate::Arguments;
use crate::client::Failed;
use crate::client::Pace;
use crate::client::count;
use crate::register;
use crate::register::Acknowledged;
use crate::runs;
use crate::runs::Material;
use crate::runs::choices;
use crate::runs::measured;
use crate::runs::schedule;
use crate::svg;
use crate::svg::Axis;
use crate::svg::Line;
use crate::traffic::Heads;
use crate::traffic::Verifications;
use crate::workload::Spread;
use std::path::PathBuf;
use std::time::Duration;
use std::time::Instant;

/// Latency against load.
#[derive(Debug, clap::Args)]
pub struct Latency {
    /// Arrivals a second, one run each.
    #[arg(long, value_delimiter = ',', default_value = "1000,2000,5000,10000,15000,20000,25000")]
    rates: Vec<u32>,
    /// Where the plot is written.
    #[arg(long)]
    plot: Option<PathBuf>,
}

/// Growth of the register.
#[derive(Debug, clap::Args)]
pub struct Growth {
    /// Licences in the register, one run each.
    #[arg(long, value_delimiter = ',', default_value = "10000,100000,1000000,10000000")]
    sizes: Vec<u32>,
    /// Arrivals a second.
    #[arg(long, default_value_t = 5000)]
    rate: u32,
    /// Of a hundred licences, how many are kept in memory.
    #[arg(long, default_value_t = 20)]
    kept_percent: u32,
    /// Where the plot is written.
    #[arg(long)]
    plot: Option<PathBuf>,
}

/// Growth of the trail.
#[derive(Debug, clap::Args)]
pub struct Trail {
    /// Verdicts in all.
    #[arg(long, default_value_t = 1_000_000)]
    verdicts: u32,
    /// Where the plot is written.
    #[arg(long)]
    plot: Option<PathBuf>,
}

fn percentiles() -> Vec<Line> {
    ["p50", "p99", "p99.9"].map(|name| Line { name: name.to_owned(), points: Vec::new() }).into()
}

fn put(lines: &mut [Line], x: f64, ran: &crate::client::Ran) {
    for (line, percent) in lines.iter_mut().zip([50.0, 99.0, 99.9]) {
        line.points.push((x, ran.at(percent)));
    }
}

/// `latency`.
pub fn latency(arguments: &Arguments, latency: &Latency) -> Result<(), Failed> {
    let material = Material::new(100)?;
    let pairs = arguments.pairs();
    let choices = choices(Spread::Zipf(pairs, 1.1), pairs, 0);
    let service = arguments.service(material.today)?;
    let process = service.start()?;
    let heads = Heads::new("/v1/verifications", arguments.connections)?;
    let mut traffic =
        Verifications::new(&heads, &material.bodies, &choices, &material.expected, pairs);
    let warm = Pace::Closed(Duration::from_secs(2));
    measured(&process, arguments.connections, &warm, &mut traffic, "warming up")?;
    let mut lines = percentiles();
    for rate in &latency.rates {
        let pace = Pace::Open(schedule(*rate, arguments.seconds));
        let title = format!("offered {rate}/s");
        let ran = measured(&process, arguments.connections, &pace, &mut traffic, &title)?;
        put(&mut lines, f64::from(*rate), &ran);
    }
    let acknowledged = Acknowledged { verdicts: traffic.verdicts, ..Acknowledged::default() };
    process.stop()?;
    register::check(&service, &acknowledged)?;
    if let Some(file) = &latency.plot {
        let (x, y) = (
            Axis { name: "verdicts offered a second", log: false },
            Axis { name: "milliseconds", log: true },
        );
        svg::plot(file, "Latency of a durable verdict against load (open loop)", &x, &y, &lines)?;
    }
    Ok(())
}

/// `growth`.
pub fn growth(arguments: &Arguments, growth: &Growth) -> Result<(), Failed> {
    let material = Material::new(100)?;
    let mut lines = percentiles();
    for size in &growth.sizes {
        let pairs = (size / 2).max(1);
        let kept = u32::try_from(u64::from(*size) * u64::from(growth.kept_percent) / 100)?;
        let service = arguments.service_of(material.today, pairs, kept)?;
        let choices = choices(Spread::Zipf(pairs, 1.1), pairs, 0);
        let process = service.start()?;
        println!(
            "{size} licences, {kept} of them kept in memory: ready after {:.3} s",
            process.ready.as_secs_f64()
        );
        let heads = Heads::new("/v1/verifications", arguments.connections)?;
        let mut traffic =
            Verifications::new(&heads, &material.bodies, &choices, &material.expected, pairs);
        let pace = Pace::Open(schedule(growth.rate, arguments.seconds));
        measured(&process, arguments.connections, &pace, &mut traffic, "cold")?;
        let fill = Pace::Closed(Duration::from_secs(u64::from(arguments.seconds)));
        measured(&process, arguments.connections, &fill, &mut traffic, "as many as are answered")?;
        let ran = measured(&process, arguments.connections, &pace, &mut traffic, "warm")?;
        put(&mut lines, f64::from(*size), &ran);
        let figure = |name| process.metric(name);
        let (licences, bytes) =
            (figure("passavant_cache_licences")?, figure("passavant_cache_bytes")?);
        let (hits, misses) =
            (figure("passavant_cache_hits_total")?, figure("passavant_cache_misses_total")?);
        println!(
            "{licences:.0} kept of {:.0} bytes each, {:.1} % hits, memory {:.0} MB",
            bytes / licences.max(1.0),
            100.0 * hits / (hits + misses).max(1.0),
            count(process.memory()?) / 1e6
        );
        let acknowledged = Acknowledged { verdicts: traffic.verdicts, ..Acknowledged::default() };
        process.stop()?;
        register::check(&service, &acknowledged)?;
    }
    if let Some(file) = &growth.plot {
        let (x, y) = (
            Axis { name: "licences in the register", log: true },
            Axis { name: "milliseconds", log: true },
        );
        let title = format!(
            "Latency at {}/s against the register's size (open loop, Zipf 1.1)",
            growth.rate
        );
        svg::plot(file, &title, &x, &y, &lines)?;
    }
    Ok(())
}

/// `trail`.
pub fn trail(arguments: &Arguments, trail: &Trail) -> Result<(), Failed> {
    let material = Material::new(100)?;
    let pairs = arguments.pairs();
    let choices = choices(Spread::Zipf(pairs, 1.1), pairs, 0);
    let service = arguments.service(material.today)?;
    let process = service.start()?;
    let mut rates = Line { name: "verdicts/s".to_owned(), points: Vec::new() };
    let mut total = 0;
    let mut verdicts = [0; 3];
    while total < u64::from(trail.verdicts) {
        // Tokens live for a quarter of an hour.
        let heads = Heads::new("/v1/verifications", arguments.connections)?;
        let mut traffic =
            Verifications::new(&heads, &material.bodies, &choices, &material.expected, pairs);
        let pace = Pace::Closed(Duration::from_secs(u64::from(arguments.seconds)));
        let ran = measured(
            &process,
            arguments.connections,
            &pace,
            &mut traffic,
            &format!("after {total}"),
        )?;
        rates.points.push((count(total), ran.rate()));
        total += ran.answered;
        for (sum, more) in verdicts.iter_mut().zip(traffic.verdicts) {
            *sum += more;
        }
    }
    process.stop()?;
    register::check(&service, &Acknowledged { verdicts, ..Acknowledged::default() })?;
    if let Some(file) = &trail.plot {
        let (x, y) = (
            Axis { name: "entries in the trail", log: false },
            Axis { name: "durable verdicts a second", log: false },
        );
        svg::plot(file, "Throughput against the trail's length", &x, &y, &[rates])?;
    }
    Ok(())
}

/// `restart`: killed under load, how long until it is ready again, and is everything there?
pub fn restart(arguments: &Arguments) -> Result<(), Failed> {
    let material = Material::new(100)?;
    let pairs = arguments.pairs();
    let choices = choices(Spread::Zipf(pairs, 1.1), pairs, 0);
    let service = arguments.service(material.today)?;
    let process = service.start()?;
    println!("ready after {:.3} s", process.ready.as_secs_f64());
    let heads = Heads::new("/v1/verifications", arguments.connections)?;
    let mut traffic =
        Verifications::new(&heads, &material.bodies, &choices, &material.expected, pairs);
    let length = Duration::from_secs(u64::from(arguments.seconds));
    let killer = process.killer();
    let cut = std::thread::spawn(move || {
        std::thread::sleep(length);
        killer.kill()
    });
    let pace = Pace::Closed(length * 10);
    let ended = crate::client::run(
        process.api,
        arguments.connections,
        &pace,
        &mut traffic,
        "until the power is cut",
    );
    cut.join().map_err(|_panic| "the killer panicked")??;
    let lost = ended.err().ok_or("it answers although it was killed")?;
    eprintln!("killed after {:?} verdicts: {lost}", traffic.verdicts);
    drop(process);
    let began = Instant::now();
    let process = service.start()?;
    process.wait_until_ready()?;
    println!(
        "ready {:.3} s after kill -9, with {} licences",
        began.elapsed().as_secs_f64(),
        arguments.licences
    );
    process.stop()?;
    let acknowledged = Acknowledged {
        verdicts: traffic.verdicts,
        in_flight: arguments.connections,
        ..Acknowledged::default()
    };
    register::check(&service, &acknowledged)?;
    runs::replay(&service)
}
