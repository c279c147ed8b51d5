//! The log's folder, and Loki's way to it.

use super::files::{file_in, written};
use super::{Check, Installation, bytes, files::span};
use crate::log::{LOGS_DIR, LokiSettings, PROGRAMS, backlog};
use crate::tls;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(10);
const BLIND: &str = "Nobody can tell afterwards what happened.";
/// Lines that Loki does not have yet are nothing unusual up to this.
const BACKLOG_WARN_BYTES: u64 = 1 << 20;

pub fn checks(installation: &Installation) -> Vec<Check> {
    let dir = installation.data_dir.join(LOGS_DIR);
    if !dir.is_dir() {
        return vec![Check::ok(
            "log",
            "none yet; the window and `countersign serve` write it",
        )];
    }
    let shown = dir.display();
    let mut found = vec![match (file_in(&dir), size(&dir)) {
        (Ok(()), Ok((size, last))) => {
            let age = span(installation.clock.now().0.saturating_sub(last));
            Check::ok("log", format!("{shown}, {}, last written {age} ago", bytes(size)))
        }
        (Err(error), _) | (_, Err(error)) => {
            Check::fail("log", format!("{shown} cannot be written"), BLIND, "mend its rights").says(error)
        }
    }];
    if installation.settings().log.loki.is_some() {
        found.push(waiting(installation));
    }
    found
}

fn size(dir: &std::path::Path) -> std::io::Result<(u64, i64)> {
    let (mut size, mut last) = (0, 0);
    for entry in std::fs::read_dir(dir)? {
        let found = entry?.metadata()?;
        size += found.len();
        last = last.max(written(&found).0);
    }
    Ok((size, last))
}

/// What Loki does not have yet.
fn waiting(installation: &Installation) -> Check {
    let dir = installation.data_dir.join(LOGS_DIR);
    let mut waits = 0;
    for program in PROGRAMS {
        match backlog(&dir, program) {
            Ok(bytes) => waits += bytes,
            Err(error) => {
                return Check::fail(
                    "Loki queue",
                    "the log's files cannot be read",
                    BLIND,
                    "mend their rights",
                )
                .says(error);
            }
        }
    }
    let message = format!("{} of log lines wait", bytes(waits));
    if waits <= BACKLOG_WARN_BYTES {
        return Check::ok("Loki queue", message);
    }
    Check::warn(
        "Loki queue",
        message,
        "Lines are lost to Loki when their file goes before it has them (log.keepFiles).",
        "see the check of Loki below; lines are sent while the window or the service runs",
    )
}

pub async fn outside(installation: &Installation) -> Vec<Check> {
    match installation.settings().log.loki {
        Some(loki) => vec![reach(installation, &loki).await],
        None => Vec::new(),
    }
}

async fn reach(installation: &Installation, loki: &LokiSettings) -> Check {
    let name = "Loki";
    let wait = "Lines wait in the files meanwhile, and none is lost while its file is kept.";
    if let Some(secret) = &loki.secret
        && let Err(error) = installation.secrets.get(secret)
    {
        return Check::fail(name, error.to_string(), wait, "add the secret; it is used at once");
    }
    tls::provider();
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(PATIENCE)
        .build();
    let host = loki.url.host_str().unwrap_or_default();
    let address = format!("{}/ready", loki.url.as_str().trim_end_matches('/'));
    let answer = match client {
        Ok(client) => client.get(address).send().await,
        Err(error) => Err(error),
    };
    match answer {
        Ok(answer) if answer.status().is_server_error() => Check::warn(
            name,
            format!("{host} answers {}", answer.status().as_u16()),
            wait,
            "look at Loki",
        ),
        // A gateway before it may know no such address, and answers all the same.
        Ok(answer) => Check::ok(name, format!("{host} answers {}", answer.status().as_u16())),
        Err(error) => Check::warn(
            name,
            format!("{host} does not answer"),
            wait,
            "look at log.loki.url of the settings, and at the way there (name, firewall, certificate)",
        )
        .says(error.without_url()),
    }
}
