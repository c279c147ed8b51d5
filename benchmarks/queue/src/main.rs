//! effectum with jobs that do nothing: how many it takes in and ends in a second, with 32 workers. It comes with
//! SQLite's default `synchronous`, which it gives no way to change.

use clap::Parser;
use effectum::{Job, JobRunner, Queue, RunningJob, Worker};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

const NAME: &str = "send";
const LIMIT: Duration = Duration::from_secs(120);

#[derive(Parser)]
struct Args {
    /// The database; what was there is removed.
    #[arg(long)]
    db: PathBuf,
    #[arg(long)]
    count: u64,
    #[arg(long, default_value_t = 32)]
    concurrency: u16,
}

#[derive(Debug)]
struct Done(AtomicU64);

#[derive(serde::Serialize, Clone)]
struct Payload {
    document: String,
    operation: String,
    body: String,
}

async fn nothing(_job: RunningJob, done: Arc<Done>) -> Result<(), String> {
    done.0.fetch_add(1, Relaxed);
    Ok(())
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Outcome<()> {
    let args = Args::parse();
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", args.db.display()));
    }
    let queue = Queue::new(&args.db).await?;
    let payload = Payload {
        document: "PO-00000001".into(),
        operation: "confirm".into(),
        body: "x".repeat(200),
    };
    let mut left = args.count;
    while left > 0 {
        let some = left.min(100);
        let jobs: Result<Vec<_>, _> = (0..some)
            .map(|_| Job::builder(NAME).json_payload(&payload).map(|job| job.build()))
            .collect();
        queue.add_jobs(jobs?).await?;
        left -= some;
    }
    let done = Arc::new(Done(AtomicU64::new(0)));
    let (begun, cpu) = (Instant::now(), cpu_us());
    let worker = Worker::builder(&queue, Arc::clone(&done))
        .jobs([JobRunner::builder(NAME, nothing).build()])
        .min_concurrency(args.concurrency)
        .max_concurrency(args.concurrency * 2)
        .build()
        .await?;
    while done.0.load(Relaxed) < args.count {
        if begun.elapsed() > LIMIT {
            return Err(format!("it stalled at {} jobs", done.0.load(Relaxed)).into());
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let n = args.count as f64;
    println!(
        "{}",
        serde_json::json!({ "what": "effectum", "n": args.count, "per_s": n / begun.elapsed().as_secs_f64(),
                            "cpu_us_per": (cpu_us() - cpu) / n })
    );
    drop(worker);
    Ok(())
}

/// User and system time of all threads, microseconds; Linux counts in hundredths of a second.
fn cpu_us() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let fields = after.split_whitespace().skip(11).take(2);
    fields.filter_map(|t| t.parse::<f64>().ok()).sum::<f64>() * 10_000.0
}
