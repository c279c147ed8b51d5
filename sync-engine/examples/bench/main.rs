//! The measured side of `cargo xtask bench`: each command measures one thing and prints one JSON line.
//! It lives here, and not in the product, so that it shares the engine's dependencies and ships with nothing.

mod exchange;
mod measure;
mod pdf;
mod queue;
mod reads;
mod setup;
mod stub;

/// As in the shipped programs.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use clap::{Parser, Subcommand};
use std::path::PathBuf;

#[derive(Parser)]
#[command(about = "The measured side of `cargo xtask bench`")]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// A partner that serves made-up orders as fast as it can and takes any operation. Prints its address.
    Stub {
        /// `pos.ndjson` of `benchmarks/fixtures/gen.mjs`.
        #[arg(long)]
        fixtures: PathBuf,
        /// How many orders there are.
        #[arg(long)]
        total: u64,
        /// Keep only so many lines of each order.
        #[arg(long)]
        lines: Option<usize>,
    },
    /// Orders per second from the stub into an empty store.
    Ingest(Work),
    /// Confirmations per second to the stub.
    Drain(Work),
    /// One answer saved, against one bare commit; quiet, and while orders come in.
    Enqueue(Work),
    /// Fills a store for `reads` and for the memory of `countersign serve`.
    Fill(Work),
    /// What a screen reads: lists, searches, one document, the counts.
    Reads(Work),
    /// Operations per second through the queue to a partner who does nothing.
    Queue(Work),
    /// Fills a store with answers that have not left, for `abandon` and `recover`.
    FillQueue(Work),
    /// Ends without a word, with requests in flight.
    Abandon(Work),
    /// From the start of the program until the first operation is on its way.
    Recover(Work),
    /// Writes the partner's configuration for a `countersign serve` that is to be measured.
    Configure(Work),
    /// One order as a PDF.
    Pdf {
        #[command(flatten)]
        work: Work,
        #[arg(long, default_value_t = 3.0)]
        seconds: f64,
        #[arg(long)]
        out: Option<PathBuf>,
    },
}

#[derive(clap::Args)]
struct Work {
    /// The stub's address.
    #[arg(long)]
    base: String,
    /// Where the store lies.
    #[arg(long)]
    dir: PathBuf,
    #[arg(long, default_value_t = 1)]
    count: u64,
}

fn main() {
    let begun = std::time::Instant::now();
    match sync_engine::engine::threads::runtime() {
        Ok(runtime) => runtime.block_on(measure(begun)),
        Err(error) => {
            eprintln!("bench: {error}");
            std::process::exit(1);
        }
    }
}

async fn measure(begun: std::time::Instant) {
    // reqwest asks for a provider although the stub speaks plain HTTP.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let result = match Args::parse().command {
        Command::Stub { fixtures, total, lines } => stub::serve(&fixtures, total, lines).await,
        Command::Ingest(w) => exchange::measure_ingest(&w.dir, &w.base, w.count).await,
        Command::Drain(w) => exchange::measure_drain(&w.dir, &w.base, w.count).await,
        Command::Enqueue(w) => exchange::measure_enqueue(&w.dir, &w.base, w.count).await,
        Command::Fill(w) => reads::fill(&w.dir, &w.base, w.count).await,
        Command::Reads(w) => reads::measure(&w.dir, &w.base).await,
        Command::Queue(w) => queue::measure(&w.dir, &w.base, w.count).await,
        Command::FillQueue(w) => queue::fill(&w.dir, &w.base, w.count).await,
        Command::Abandon(w) => queue::abandon(&w.dir, &w.base).await,
        Command::Recover(w) => queue::recover(&w.dir, &w.base, begun).await,
        Command::Configure(w) => setup::write_partner(&w.dir, &w.base),
        Command::Pdf { work: w, seconds, out } => pdf::measure(&w.dir, &w.base, seconds, out.as_deref()).await,
    };
    if let Err(error) = result {
        eprintln!("bench: {error}");
        std::process::exit(1);
    }
}

type Error = Box<dyn std::error::Error + Send + Sync>;
type Outcome = Result<(), Error>;
