//! The checks of `countersign doctor`, in the order that they are shown.

use super::Check;
use crate::cli::settings::{Settings, reason};
use crate::cli::{host, terminal, token};
use std::path::{Path, PathBuf};
use sync_engine::partner::{Secrets, load_file};
use sync_engine::store::StoreReport;

const DISK_WARN_BYTES: u64 = 2 << 30;
const DISK_FAIL_BYTES: u64 = 200 << 20;
/// A log this long means that no checkpoint got through.
const WAL_WARN_BYTES: u64 = 256 << 20;

pub fn all(settings: &Settings) -> Vec<Check> {
    let mut found = vec![data_folder(&settings.data_dir), settings_file(settings)];
    found.extend(disk_space(&settings.data_dir));
    found.push(token_file(&settings.data_dir));
    found.extend(database(settings));
    found.extend(partners(settings));
    found
}

fn data_folder(dir: &Path) -> Check {
    let name = "data folder";
    let shown = dir.display();
    match std::fs::metadata(dir) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Check::warn(
            name,
            format!("{shown} does not exist yet"),
            "`countersign serve` makes it; or name another one with --data-dir",
        ),
        Err(e) => Check::fail(
            name,
            format!("{shown}: {}", reason(&e)),
            "mend its rights, or name another one with --data-dir",
        ),
        Ok(found) if !found.is_dir() => {
            Check::fail(name, format!("{shown} is a file"), "name a folder with --data-dir")
        }
        Ok(_) => match tempfile_in(dir) {
            Ok(()) => Check::ok(name, shown.to_string()),
            Err(e) => Check::fail(
                name,
                format!("{shown} cannot be written: {}", reason(&e)),
                "mend its rights",
            ),
        },
    }
}

/// Whether a file can be made there; it is removed again.
fn tempfile_in(dir: &Path) -> std::io::Result<()> {
    let path = dir.join(format!(".doctor-{}", std::process::id()));
    std::fs::OpenOptions::new().write(true).create_new(true).open(&path)?;
    std::fs::remove_file(&path)
}

fn settings_file(settings: &Settings) -> Check {
    let shown = |path: &Path| path.display().to_string();
    let file = settings
        .file
        .as_deref()
        .map_or_else(|| "none, defaults hold".to_owned(), shown);
    let printed = settings.letterhead.company.name.as_deref();
    let message = format!(
        "{file}; company {}; partners in {}",
        settings.company,
        settings.partners_dir.display()
    );
    match printed {
        Some(name) => Check::ok("settings", format!("{message}; pages are headed {name}")),
        None => Check::warn(
            "settings",
            message,
            "printed pages have no company header: set letterhead.company in settings.json",
        ),
    }
}

fn disk_space(dir: &Path) -> Option<Check> {
    let existing = dir.ancestors().find(|d| d.exists())?;
    let free = free_bytes(existing)?;
    let message = format!("{} free", terminal::bytes(free));
    Some(if free < DISK_FAIL_BYTES {
        Check::fail("disk", message, "make room: a full disk stops every save")
    } else if free < DISK_WARN_BYTES {
        Check::warn(
            "disk",
            message,
            "make room before it is full: a full disk stops every save",
        )
    } else {
        Check::ok("disk", message)
    })
}

#[cfg(unix)]
fn free_bytes(dir: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(dir).ok()?;
    Some(found.f_bavail.saturating_mul(found.f_frsize))
}

#[cfg(not(unix))]
fn free_bytes(_: &Path) -> Option<u64> {
    None
}

fn token_file(dir: &Path) -> Check {
    let path = dir.join("token");
    if !path.exists() {
        return Check::ok("token", "none yet; `countersign serve` makes it");
    }
    match token::only_for_owner(&path) {
        Ok(()) => Check::ok("token", path.display().to_string()),
        Err(failure) => Check::fail("token", failure.message, failure.hint.unwrap_or_default()),
    }
}

fn database(settings: &Settings) -> Vec<Check> {
    let store = match host::store(settings) {
        Ok(store) => store,
        Err(failure) if failure.exit == crate::cli::failure::Exit::NotFound => {
            return vec![Check::warn(
                "database",
                failure.message,
                failure.hint.unwrap_or_default(),
            )];
        }
        Err(failure) => {
            let advice = failure.hint.unwrap_or_else(|| "nothing was changed in it".to_owned());
            return vec![Check::fail("database", failure.message, advice)];
        }
    };
    match store.doctor() {
        Ok(report) => database_checks(&report),
        Err(e) => vec![Check::fail(
            "database",
            e.to_string(),
            "restore a backup, and keep this file",
        )],
    }
}

fn database_checks(report: &StoreReport) -> Vec<Check> {
    let mut found = Vec::new();
    let sizes = format!(
        "{}, schema {}, {} and {} of log",
        report.path,
        report.schema_version,
        terminal::bytes(report.database_bytes),
        terminal::bytes(report.wal_bytes)
    );
    found.push(if report.wal_bytes > WAL_WARN_BYTES {
        Check::warn(
            "database",
            sizes,
            "the log is long: stop programs that read the database, and start again",
        )
    } else {
        Check::ok("database", sizes)
    });
    let pragmas = format!("journal {}, synchronous {}", report.journal_mode, report.synchronous);
    let durable = report.journal_mode.eq_ignore_ascii_case("wal")
        && (report.synchronous.eq_ignore_ascii_case("full") || report.synchronous == "2");
    found.push(if durable {
        Check::ok("durability", pragmas)
    } else {
        Check::fail(
            "durability",
            pragmas,
            "what is saved may be lost: move the data folder to a local disk",
        )
    });
    found.push(if report.quick_check.eq_ignore_ascii_case("ok") {
        Check::ok("integrity", "quick_check ok")
    } else {
        Check::fail(
            "integrity",
            report.quick_check.clone(),
            "stop Countersign, keep this file, and restore a backup",
        )
    });
    found.push(match report.audit.broken_at {
        None => Check::ok("audit", format!("{} rows, the chain holds", report.audit.rows)),
        Some(id) => Check::fail(
            "audit",
            format!("the chain breaks at row {id}: it was altered, removed or reordered"),
            "keep this file and compare it with a backup",
        ),
    });
    found
}

/// Each configuration file, and whether its secrets are there.
fn partners(settings: &Settings) -> Vec<Check> {
    let dir = &settings.partners_dir;
    let none = |message: String| {
        let advice = "put a configuration file there, or try: countersign sandbox --write-partner DIR";
        vec![Check::warn("partners", message, advice)]
    };
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return none(format!("{} does not exist", dir.display())),
        Err(e) => {
            let message = format!("{} cannot be read: {}", dir.display(), reason(&e));
            return vec![Check::fail(
                "partners",
                message,
                "mend its rights, or name another with --partners-dir",
            )];
        }
    };
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|e| e.path()))
        .filter(|path| path.is_file() && path.extension().is_some_and(|e| e == "json"))
        .collect();
    files.sort();
    if files.is_empty() {
        return none(format!("there is no configuration file in {}", dir.display()));
    }
    let secrets = host::secrets(&settings.data_dir);
    files.iter().map(|file| partner(file, secrets.as_ref())).collect()
}

fn partner(file: &Path, secrets: &dyn Secrets) -> Check {
    let config = match load_file(file) {
        Ok(config) => config,
        Err(errors) => {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            let first = errors.to_string();
            let message = match errors.mistakes.len() {
                1 => first,
                n => format!("{n} mistakes, the first: {}", first.lines().next().unwrap_or_default()),
            };
            let advice = format!("countersign partner check {}", file.display());
            return Check::fail(format!("partner file {name}"), message, advice);
        }
    };
    let name = format!("partner {}", config.id());
    let missing: Vec<String> = config
        .secret_names()
        .into_iter()
        .filter_map(|secret| secrets.get(secret).err().map(|e| e.to_string()))
        .collect();
    match missing.first() {
        None => Check::ok(name, format!("{}, its secrets are there", file.display())),
        Some(first) => Check::fail(
            name,
            first.clone(),
            "polling and delivering wait until the secret is there",
        ),
    }
}
