//! Each partner: its configuration, its secrets and certificates, and whether its addresses answer.

use super::files::span;
use super::{Check, Installation};
use crate::domain::Timestamp;
use crate::partner::{Answered, PartnerConfig, Reached, load_file};
use futures_util::future::join_all;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How long each address has to answer.
const PATIENCE: Duration = Duration::from_secs(10);
const DAY_MILLIS: i64 = 24 * 60 * 60 * 1000;
/// A certificate that ends sooner is told of.
const CERTIFICATE_DAYS: i64 = 30;
/// A clock that is off by more is told of: signatures and tokens begin to fail.
const SKEW_MS: i64 = 60_000;
const IDLE: &str = "Nothing is polled from this partner and nothing delivered to it; answers wait in the queue.";
const OLD_ONE: &str = "A running engine keeps the last good configuration; the next start has none.";

pub fn checks(installation: &Installation) -> Vec<Check> {
    let files = match files(&installation.partners_dir) {
        Ok(files) if files.is_empty() => {
            return vec![none(&installation.partners_dir, "there is no configuration file in")];
        }
        Ok(files) => files,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            return vec![none(&installation.partners_dir, "there is no folder")];
        }
        Err(e) => {
            let message = format!("{} cannot be read", installation.partners_dir.display());
            let advice = "mend its rights, or name another with --partners-dir";
            return vec![Check::fail("partners", message, IDLE, advice).says(e)];
        }
    };
    files.iter().flat_map(|file| of_file(installation, file)).collect()
}

fn none(dir: &Path, what: &str) -> Check {
    Check::warn(
        "partners",
        format!("{what} {}", dir.display()),
        "There is nobody to exchange with.",
        "put a configuration file there, or try: countersign sandbox --write-partner DIR",
    )
}

/// Every configuration file, in the order of their names.
///
/// # Errors
/// The folder cannot be read.
pub fn files(dir: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        let shown = path.file_name().unwrap_or_default().to_string_lossy();
        let is_config = shown.ends_with(".json") && !shown.ends_with(".schema.json") && !shown.starts_with('.');
        if is_config && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn of_file(installation: &Installation, file: &Path) -> Vec<Check> {
    let config = match load_file(file) {
        Ok(config) => config,
        Err(errors) => {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            let told = errors.to_string();
            let message = match errors.mistakes.len() {
                1 => "it has a mistake".to_owned(),
                n => format!("it has {n} mistakes, the first"),
            };
            let advice = format!("countersign partner check {}", file.display());
            let check = Check::fail(format!("partner file {name}"), message, OLD_ONE, advice);
            return vec![check.says(told.lines().next().unwrap_or_default())];
        }
    };
    let mut found = vec![secrets(installation, &config, file)];
    found.extend(certificates(installation, &config));
    found
}

fn secrets(installation: &Installation, config: &PartnerConfig, file: &Path) -> Check {
    let name = format!("partner {}", config.id());
    let names = config.secret_names().into_iter();
    let missing = names.filter_map(|secret| installation.secrets.get(secret).err()).next();
    match missing {
        None => Check::ok(name, format!("{}, its secrets are there", file.display())),
        Some(error) => Check::fail(
            name,
            error.to_string(),
            IDLE,
            "add the secret, or mend the store; it is used within a minute",
        ),
    }
}

fn certificates(installation: &Installation, config: &PartnerConfig) -> Vec<Check> {
    let now = installation.clock.now();
    let ends = config.certificate_ends(installation.secrets.as_ref()).into_iter();
    ends.filter_map(|(what, ends)| {
        let name = format!("partner {} {what}", config.id());
        let Some(ends) = ends else {
            let advice = "put the certificate there in PEM form, ours with its private key";
            return Some(Check::warn(
                name,
                "it cannot be read",
                "When it ends is not known.",
                advice,
            ));
        };
        let advice = "ask for a new one and put it in the old one's place; docs/partner/sign-in.md says where";
        ending(name, ends.0.saturating_sub(now.0), advice)
    })
    .collect()
}

fn ending(name: String, left: i64, advice: &str) -> Option<Check> {
    let why = "From its last day on no connection comes about.";
    if left < 0 {
        return Some(Check::fail(name, format!("it ended {} ago", span(-left)), why, advice));
    }
    (left < CERTIFICATE_DAYS * DAY_MILLIS).then(|| Check::warn(name, format!("it ends in {}", span(left)), why, advice))
}

/// Asks every partner whose configuration holds whether its addresses answer, all at once.
pub async fn outside(installation: &Installation) -> Vec<Check> {
    let files = files(&installation.partners_dir).unwrap_or_default();
    let asking = files
        .iter()
        .filter_map(|file| load_file(file).ok())
        .map(|config| async move {
            let (secrets, clock) = (Arc::clone(&installation.secrets), Arc::clone(&installation.clock));
            let reached = config.reach(secrets, clock, PATIENCE).await;
            let mut found = Vec::new();
            for one in &reached {
                found.extend(answered(&config, one, installation.clock.now()));
            }
            found
        });
    join_all(asking).await.into_iter().flatten().collect()
}

fn answered(config: &PartnerConfig, reached: &Reached, now: Timestamp) -> Vec<Check> {
    let name = format!("partner {} {}", config.id(), reached.what);
    match &reached.outcome {
        Ok(answered) => of_answer(&name, &reached.origin, answered, now),
        Err(error) => {
            let advice = match error.code {
                "partner.certificate" => {
                    "ask the partner for the root of its certificate (caCertificates), or whether somebody stands between"
                }
                "partner.address" => "say \"network\": \"private\" if the partner is on the company's network",
                "partner.credentials" => "mend clientCertificate: docs/partner/sign-in.md",
                _ => "look at the address in the configuration, and at the way there (name, firewall, proxy)",
            };
            let message = format!("{} does not answer ({})", reached.origin, error.code);
            vec![Check::fail(name, message, IDLE, advice).says(&error.message)]
        }
    }
}

fn of_answer(name: &str, origin: &str, answered: &Answered, now: Timestamp) -> Vec<Check> {
    let mut found = vec![Check::ok(
        name,
        format!("{origin} answers ({} without credentials)", answered.status),
    )];
    if let Some(skew) = answered.clock_skew_ms.filter(|skew| skew.abs() > SKEW_MS) {
        let than = if skew > 0 { "behind" } else { "ahead of" };
        found.push(Check::warn(
            format!("{name} clock"),
            format!("our clock is {} {than} the partner's", span(skew.abs())),
            "Signatures, tokens and time windows fail when clocks differ, and answers show the wrong moment.",
            "set this machine's clock by a time server; if it is right, tell the partner",
        ));
    }
    // Theirs is theirs to renew: it is said early enough to tell them.
    if let Some(ends) = answered.certificate_ends {
        let left = ends.0.saturating_sub(now.0);
        found.extend(ending(format!("{name} certificate"), left, "tell the partner"));
    }
    found
}
