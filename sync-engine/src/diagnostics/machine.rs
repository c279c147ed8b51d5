//! The program and the machine that it runs on.

use crate::doctor::{Installation, free_bytes};
use serde_json::{Value, json};

pub fn about(installation: &Installation) -> Value {
    json!({
        "made": installation.clock.now().to_rfc3339(),
        "version": env!("CARGO_PKG_VERSION"),
        "os": std::env::consts::OS,
        "arch": std::env::consts::ARCH,
        "system": first(&["/etc/os-release"], "PRETTY_NAME="),
        "kernel": first(&["/proc/sys/kernel/osrelease"], ""),
        "memory": first(&["/proc/meminfo"], "MemTotal:"),
        "processors": std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
        "freeBytes": free_bytes(&installation.data_dir),
        "company": installation.company,
        "partnersDir": installation.partners_dir.display().to_string(),
        "offsetMinutes": chrono::Local::now().offset().local_minus_utc() / 60,
    })
}

/// What follows `start` on a line of the first file that has it; nothing on other systems.
fn first(paths: &[&str], start: &str) -> Option<String> {
    let texts = paths.iter().filter_map(|path| std::fs::read_to_string(path).ok());
    texts
        .flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
        .find_map(|line| Some(line.strip_prefix(start)?.trim().trim_matches('"').to_owned()))
}
