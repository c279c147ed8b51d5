//! Wall time, CPU time and memory of this process, and percentiles.

use serde_json::{Value, json};
use std::time::Instant;

/// Linux counts CPU time in hundredths of a second (`USER_HZ`).
const TICK_US: f64 = 10_000.0;

pub struct Stopwatch {
    started: Instant,
    cpu_us: f64,
    written: f64,
}

impl Stopwatch {
    pub fn start() -> Self {
        Self {
            started: Instant::now(),
            cpu_us: cpu_us(),
            written: written_bytes(),
        }
    }

    /// Rate, wall, CPU and bytes written to the disk per operation, and the largest memory so far.
    pub fn stop(self, what: &str, count: u64) -> Value {
        let seconds = self.started.elapsed().as_secs_f64();
        let n = count.max(1) as f64;
        json!({
            "what": what,
            "n": count,
            "per_s": count as f64 / seconds,
            "wall_us_per": seconds * 1e6 / n,
            "cpu_us_per": (cpu_us() - self.cpu_us) / n,
            "disk_bytes_per": (written_bytes() - self.written) / n,
            "rss_mb": status_mb("VmHWM:"),
        })
    }
}

/// User and system time of all threads, microseconds.
pub fn cpu_us() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The second field is the program's name in parentheses and may hold blanks; utime and stime are 14 and 15.
    let after = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: f64 = after
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|t| t.parse::<f64>().ok())
        .sum();
    ticks * TICK_US
}

/// CPU time of this thread, microseconds.
pub fn thread_cpu_us() -> f64 {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    used.tv_sec as f64 * 1e6 + used.tv_nsec as f64 / 1e3
}

/// Bytes that this process has given to the disk.
fn written_bytes() -> f64 {
    let io = std::fs::read_to_string("/proc/self/io").unwrap_or_default();
    let written = io.lines().find_map(|l| l.strip_prefix("write_bytes:"));
    written.and_then(|b| b.trim().parse().ok()).unwrap_or(0.0)
}

pub fn status_mb(field: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|l| {
            l.strip_prefix(field)?
                .trim()
                .strip_suffix(" kB")?
                .trim()
                .parse::<f64>()
                .ok()
        })
        .unwrap_or(0.0)
        / 1024.0
}

/// `p50` and `p99` of the samples, microseconds.
pub fn percentiles(mut samples_us: Vec<f64>) -> (f64, f64) {
    samples_us.sort_by(f64::total_cmp);
    let at = |p: usize| samples_us.get((samples_us.len() * p / 100).min(samples_us.len().saturating_sub(1)));
    (at(50).copied().unwrap_or(0.0), at(99).copied().unwrap_or(0.0))
}
