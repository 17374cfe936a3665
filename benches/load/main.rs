//! The load generator: it starts the real service as a process of its own over a fresh folder, asks
//! it what border posts ask, measures, and then checks that every answer was true and durable.
//!
//! ```sh
//! cargo build --release --bins --examples
//! target/release/examples/load verify
//! target/release/examples/load verify --rate 10000
//! target/release/examples/load release
//! target/release/examples/load mixed
//! target/release/examples/load compare --peers target/peers/release/peers
//! ```
#![expect(
    clippy::float_arithmetic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a measurement prints figures, and stops where its data are wrong"
)]

mod client;
mod compare;
mod expected;
mod mixed;
mod pgbench;
mod random;
mod register;
mod runs;
mod series;
mod servers;
mod service;
mod svg;
mod traffic;
mod workload;

use clap::Parser;
use client::Failed;
use std::path::PathBuf;

/// Measures the service.
#[derive(Debug, Parser)]
#[command(about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// The service's binary; by default the one that was built with this program.
    #[arg(long, global = true)]
    server: Option<PathBuf>,
    /// Where the data of a run are kept; emptied first.
    #[arg(long, global = true, default_value = "target/load")]
    dir: PathBuf,
    /// A PostgreSQL database in place of the embedded one; whatever it holds is dropped first.
    #[arg(long, global = true)]
    database: Option<String>,
    /// Seconds of each run.
    #[arg(long, global = true, default_value_t = 5)]
    seconds: u32,
    /// Connections of the client.
    #[arg(long, global = true, default_value_t = 128)]
    connections: usize,
    /// Licences in the register, two to a pair.
    #[arg(long, global = true, default_value_t = 100_000)]
    licences: u32,
    /// Licences kept in memory.
    #[arg(long, global = true, default_value_t = 200_000)]
    cached: u32,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Verifications.
    Verify(runs::Verify),
    /// Releases: of one licence until nothing is left of it, or spread.
    Release(runs::Release),
    /// Verifications, releases, reads and changes of licences together.
    Mixed {
        /// Arrivals a second; without it, as many as are answered.
        #[arg(long)]
        rate: Option<u32>,
    },
    /// Latency against load.
    Latency(series::Latency),
    /// Growth of the register.
    Growth(series::Growth),
    /// Growth of the trail.
    Trail(series::Trail),
    /// Kills the service under load, and starts it again.
    Restart,
    /// The service beside what a user would pick instead.
    Compare(compare::Compare),
    /// One of those, alone.
    Serve(servers::Serve),
}

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<(), Failed> {
    let arguments = Arguments::parse();
    match &arguments.command {
        Command::Verify(verify) => runs::verify(&arguments, verify),
        Command::Release(release) => runs::release(&arguments, release),
        Command::Mixed { rate } => runs::mixed(&arguments, *rate),
        Command::Latency(latency) => series::latency(&arguments, latency),
        Command::Growth(growth) => series::growth(&arguments, growth),
        Command::Trail(trail) => series::trail(&arguments, trail),
        Command::Restart => series::restart(&arguments),
        Command::Compare(compare) => compare::compare(&arguments, compare),
        Command::Serve(serve) => {
            servers::serve(serve, runs::today()?, arguments.pairs(), &arguments.dir)
        }
    }
}
