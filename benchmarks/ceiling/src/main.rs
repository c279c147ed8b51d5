//! What the machine allows: pages in and answers out with one writer thread and grouped commits, and without mapping,
//! version chain, canonical form, audit, search, retries and leases that mean anything. Not a product; a limit.

mod db;
mod drain;
mod ingest;

use clap::{Parser, Subcommand};
use std::path::PathBuf;

pub type Error = Box<dyn std::error::Error + Send + Sync>;
pub type Outcome<T> = Result<T, Error>;

#[derive(Parser)]
struct Args {
    /// The stub partner's address.
    #[arg(long)]
    base: String,
    /// The database; what was there is removed.
    #[arg(long)]
    db: PathBuf,
    #[arg(long)]
    count: u64,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// `count` orders, each checked against the schema and stored byte for byte with its hash.
    Ingest {
        #[arg(long)]
        schema: PathBuf,
        /// Most orders in one commit.
        #[arg(long, default_value_t = 1000)]
        batch: usize,
    },
    /// `count` stored bodies to the stub.
    Drain {
        #[arg(long)]
        body: PathBuf,
        #[arg(long, default_value_t = 32)]
        concurrency: usize,
    },
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Outcome<()> {
    let args = Args::parse();
    let db = db::open(&args.db)?;
    let partner = Partner::sign_in(args.base).await?;
    let line = match args.command {
        Command::Ingest { schema, batch } => ingest::run(partner, db, &schema, args.count, batch).await?,
        Command::Drain { body, concurrency } => drain::run(partner, db, &body, args.count, concurrency).await?,
    };
    println!("{line}");
    Ok(())
}

/// The stub partner, signed in.
#[derive(Clone)]
pub struct Partner {
    client: reqwest::Client,
    base: String,
    authorization: String,
}

impl Partner {
    async fn sign_in(base: String) -> Outcome<Self> {
        let client = reqwest::Client::builder()
            .tcp_nodelay(true)
            .pool_max_idle_per_host(64)
            .build()?;
        let form = "grant_type=client_credentials&client_id=a&client_secret=b";
        let asked = client.post(format!("{base}/oauth/token")).body(form);
        let token: serde_json::Value = asked.send().await?.json().await?;
        let token = token["access_token"].as_str().ok_or("no token")?;
        Ok(Self {
            authorization: format!("Bearer {token}"),
            client,
            base,
        })
    }

    pub async fn page(self, after: u64) -> reqwest::Result<bytes::Bytes> {
        let url = format!("{}/api/purchase-orders?after={after}&limit=100", self.base);
        let asked = self.client.get(url).header("authorization", &self.authorization);
        asked.send().await?.error_for_status()?.bytes().await
    }

    pub async fn operate(&self, key: &str, body: String) -> reqwest::Result<u16> {
        let asked = self.client.post(format!("{}/api/operations", self.base));
        let asked = asked
            .header("authorization", &self.authorization)
            .header("content-type", "application/json")
            .header("idempotency-key", key);
        let answer = asked.body(body).send().await?;
        let status = answer.status().as_u16();
        answer.bytes().await?;
        Ok(status)
    }
}

/// Wall and CPU time of this process since it was made.
pub struct Stopwatch(std::time::Instant, f64);

impl Stopwatch {
    pub fn start() -> Self {
        Self(std::time::Instant::now(), cpu_us())
    }

    pub fn stop(self, what: &str, count: u64) -> serde_json::Value {
        let n = count.max(1) as f64;
        serde_json::json!({
            "what": what, "n": count, "per_s": n / self.0.elapsed().as_secs_f64(), "cpu_us_per": (cpu_us() - self.1) / n
        })
    }
}

/// User and system time of all threads, microseconds; Linux counts in hundredths of a second.
fn cpu_us() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let fields = after.split_whitespace().skip(11).take(2);
    fields.filter_map(|t| t.parse::<f64>().ok()).sum::<f64>() * 10_000.0
}
