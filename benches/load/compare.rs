//! The service beside what a user would pick instead: in one run, in turns, the same declarations on
//! the same machine, and the same verdicts insisted upon.
use crate::Arguments;
use crate::client::Failed;
use crate::client::Pace;
use crate::client::count;
use crate::pgbench::InDatabase;
use crate::register;
use crate::register::Acknowledged;
use crate::runs;
use crate::runs::Material;
use crate::service::Process;
use crate::service::Service;
use crate::traffic::Heads;
use crate::traffic::Verifications;
use crate::workload;
use crate::workload::Spread;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// Connections of pgbench.
const IN_DATABASE_CLIENTS: usize = 16;

/// What is compared, and how.
#[derive(Debug, clap::Args)]
pub struct Compare {
    /// Turns.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// A PostgreSQL database for the service and for the design with one transaction a request; whatever
    /// it holds is dropped first.
    #[arg(long)]
    postgres: Option<String>,
    /// The same, or another, for the function under pgbench.
    #[arg(long)]
    pgbench: Option<String>,
    /// The server of policy engines (benches/peers).
    #[arg(long)]
    peers: Option<PathBuf>,
    /// Connections to the database of the design with one transaction a request.
    #[arg(long, default_value_t = 4)]
    pool: usize,
    /// Only those whose name holds this word, and the ceiling.
    #[arg(long)]
    only: Option<String>,
    /// How many of a thousand declarations do not fit.
    #[arg(long, default_value_t = 100)]
    misfits: u32,
}

struct Contender {
    name: &'static str,
    process: Process,
    service: Option<Service>,
    verdicts: [u64; 3],
    judges: bool,
    rates: Vec<f64>,
    cpu_us: Vec<f64>,
    p99: Vec<f64>,
}

fn median(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

fn contenders(
    arguments: &Arguments,
    compare: &Compare,
    material: &Material,
) -> Result<Vec<Contender>, Failed> {
    let own = std::env::current_exe()?;
    let wanted = |name: &str| compare.only.as_ref().is_none_or(|only| name.contains(only.as_str()));
    let mut all = Vec::new();
    let mut add = |name, process, service: Option<Service>, judges| {
        all.push(Contender {
            name,
            process,
            service,
            judges,
            verdicts: [0; 3],
            rates: Vec::new(),
            cpu_us: Vec::new(),
            p99: Vec::new(),
        });
    };
    let serve = |arguments_of: &[&str]| {
        let mut command = Command::new(&own);
        command.args(["serve"]).args(arguments_of);
        command.args([
            "--licences",
            &arguments.licences.to_string(),
            "--pool",
            &compare.pool.to_string(),
        ]);
        command.arg("--dir").arg(&arguments.dir);
        Process::start(&mut command)
    };
    add("ceiling: bare actix", serve(&["bare"])?, None, false);
    if wanted("rules in the bare shell") {
        add("rules in the bare shell", serve(&["rules"])?, None, true);
    }
    if wanted("passavant, SQLite") {
        let service = arguments.service(material.today)?;
        add("passavant, SQLite", service.start()?, Some(service), true);
    }
    if wanted("one transaction each, SQLite") {
        add("one transaction each, SQLite", serve(&["rows"])?, None, true);
    }
    if let Some(url) = &compare.postgres {
        if wanted("passavant, PostgreSQL") {
            let dir = arguments.dir.with_extension("postgres");
            let service =
                Service::prepare(&arguments.server()?, &dir, Some(url), arguments.cached)?;
            register::fill(&service, material.today, arguments.pairs())?;
            add("passavant, PostgreSQL", service.start()?, Some(service), true);
        }
        if wanted("one transaction each, PostgreSQL") {
            add(
                "one transaction each, PostgreSQL",
                serve(&["rows", "--rows-in", url])?,
                None,
                true,
            );
        }
    }
    if let Some(peers) = &compare.peers {
        for (kind, name) in
            [("cedar", "cedar-policy in the shell"), ("rego", "regorus in the shell")]
        {
            if wanted(name) {
                let file = arguments.dir.with_extension("licences.json");
                let documents = serde_json::json!(workload::pair(material.today, 0));
                std::fs::write(&file, documents.to_string())?;
                let mut command = Command::new(peers);
                add(name, Process::start(command.arg(kind).arg(&file))?, None, true);
            }
        }
    }
    Ok(all)
}

/// `compare`.
pub fn compare(arguments: &Arguments, compare: &Compare) -> Result<(), Failed> {
    let material = Material::new(compare.misfits)?;
    let pairs = arguments.pairs();
    let choices = runs::choices(Spread::Uniform(pairs), pairs, 0);
    let mut all = contenders(arguments, compare, &material)?;
    let heads = Heads::new("/v1/verifications", arguments.connections)?;
    let pace = Pace::Closed(Duration::from_secs(u64::from(arguments.seconds)));
    let mut in_database = match &compare.pgbench {
        Some(url) => Some(InDatabase::prepare(url, &arguments.dir, &material, pairs)?),
        None => None,
    };
    let mut in_database_rates = Vec::new();
    for round in 1..=compare.rounds {
        println!("round {round}");
        if let Some(in_database) = &mut in_database {
            in_database_rates.push(in_database.run(arguments.seconds, IN_DATABASE_CLIENTS)?);
        }
        for contender in &mut all {
            let mut traffic =
                Verifications::new(&heads, &material.bodies, &choices, &material.expected, pairs);
            traffic.judges = contender.judges;
            let before = contender.process.cpu_s()?;
            let ran = runs::measured(
                &contender.process,
                arguments.connections,
                &pace,
                &mut traffic,
                contender.name,
            )?;
            contender
                .cpu_us
                .push((contender.process.cpu_s()? - before) * 1e6 / count(ran.answered));
            contender.rates.push(ran.rate());
            contender.p99.push(ran.at(99.0));
            for (sum, more) in contender.verdicts.iter_mut().zip(traffic.verdicts) {
                *sum += more;
            }
        }
    }
    println!(
        "\n| medians of {} rounds of {} s | verdicts/s | of the ceiling | server CPU, us | p99, ms |",
        compare.rounds, arguments.seconds
    );
    println!("| --- | ---: | ---: | ---: | ---: |");
    let ceiling = median(&all.first().ok_or("nothing was compared")?.rates);
    for contender in &all {
        let rate = median(&contender.rates);
        println!(
            "| {} | {rate:.0} | {:.2} | {:.1} | {:.2} |",
            contender.name,
            rate / ceiling,
            median(&contender.cpu_us),
            median(&contender.p99)
        );
    }
    if let Some(in_database) = in_database {
        in_database.check()?;
        let rate = median(&in_database_rates);
        println!("| PL/pgSQL under pgbench | {rate:.0} | {:.2} | | |", rate / ceiling);
    }
    for contender in all {
        let acknowledged = Acknowledged { verdicts: contender.verdicts, ..Acknowledged::default() };
        contender.process.stop()?;
        if let Some(service) = contender.service {
            register::check(&service, &acknowledged)?;
        }
    }
    Ok(())
}
