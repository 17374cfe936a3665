//! The load generator: it starts the real service as a process of its own over a fresh folder, asks
//! it what border posts ask, measures, and then checks that every answer was true and durable.
//!
//! ```sh
//! cargo build --release --bins --examples
//! target/release/examples/load verify --closed
//! target/release/examples/load verify --rate 10000
//! target/release/examples/load release
//! target/release/examples/load mixed
//! target/release/examples/load compare --peers benches/peers/target/release/peers
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
mod random;
mod register;
mod runs;
mod servers;
mod service;
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
    /// Another database than the embedded one, which must be empty.
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
        Command::Compare(compare) => compare::compare(&arguments, compare),
        Command::Serve(serve) => {
            servers::serve(serve, runs::today()?, arguments.pairs(), &arguments.dir)
        }
    }
}
