//! Folders, files, rights, room and backups.

use super::{Check, Installation, bytes};
use crate::domain::Timestamp;
use crate::settings::{BACKUPS_DIR, TOKEN_FILE, mode_open_to_others};
use std::path::Path;

const DISK_WARN_BYTES: u64 = 2 << 30;
const DISK_FAIL_BYTES: u64 = 200 << 20;
const DAY_MILLIS: i64 = 24 * 60 * 60 * 1000;
/// Without a schedule a backup by hand is asked for after this.
const BACKUP_DAYS: i64 = 7;
const FULL: &str = "A full disk stops every save: answers are refused, and partners are not polled.";
const ALONE: &str = "A disk that breaks takes everything with it that no backup holds.";
const UNSAFE: &str = "Everything that Countersign saves lies in this folder.";

pub fn checks(installation: &Installation) -> Vec<Check> {
    let mut found = vec![data_folder(&installation.data_dir), settings(installation)];
    found.extend(room(&installation.data_dir));
    found.extend(kind_of_disk(&installation.data_dir));
    found.push(token(&installation.data_dir));
    found
}

fn data_folder(dir: &Path) -> Check {
    let (name, shown) = ("data folder", dir.display());
    let elsewhere = "mend its rights, or name another folder with --data-dir";
    match std::fs::metadata(dir) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Check::warn(
            name,
            format!("{shown} does not exist yet"),
            "There is nothing to look at.",
            "`countersign serve` makes it; or name another one with --data-dir",
        ),
        Err(e) => Check::fail(name, format!("{shown} cannot be looked at"), UNSAFE, elsewhere).says(e),
        Ok(found) if !found.is_dir() => Check::fail(
            name,
            format!("{shown} is a file"),
            UNSAFE,
            "name a folder with --data-dir",
        ),
        Ok(_) => match file_in(dir) {
            Ok(()) => match mode_open_to_others(dir).filter(|mode| mode & 0o007 != 0) {
                None => Check::ok(name, shown.to_string()),
                Some(mode) => Check::warn(
                    name,
                    format!("every user of this machine may look into {shown} (mode {mode:o})"),
                    "They read what partners ordered and at what prices.",
                    format!("chmod o= {shown}"),
                ),
            },
            Err(e) => Check::fail(name, format!("{shown} cannot be written"), UNSAFE, elsewhere).says(e),
        },
    }
}

/// Whether a file can be made there; it is removed again.
pub fn file_in(dir: &Path) -> std::io::Result<()> {
    let path = dir.join(format!(".doctor-{}", std::process::id()));
    std::fs::OpenOptions::new().write(true).create_new(true).open(&path)?;
    std::fs::remove_file(&path)
}

fn settings(installation: &Installation) -> Check {
    let name = "settings";
    let file = match &installation.settings {
        Ok(settings) => settings,
        Err(error) => {
            return Check::fail(
                name,
                format!("{} is refused", error.path),
                "Neither the window nor the service starts with it.",
                "correct that place; docs/settings.md lists every field. The checks below go by the defaults",
            )
            .says(&error.reason);
        }
    };
    let shown = file
        .path
        .as_deref()
        .map_or_else(|| "none, defaults hold".to_owned(), |path| path.display().to_string());
    let message = format!(
        "{shown}; company {}; partners in {}",
        installation.company,
        installation.partners_dir.display()
    );
    match file.letterhead.as_ref().and_then(|l| l.company.name.as_deref()) {
        Some(_) => Check::ok(name, format!("{message}; pages have a company header")),
        None => Check::warn(
            name,
            message,
            "Printed pages do not say whose they are.",
            "set letterhead.company in settings.json",
        ),
    }
}

fn room(dir: &Path) -> Option<Check> {
    let existing = dir.ancestors().find(|d| d.exists())?;
    let free = free_bytes(existing)?;
    let message = format!("{} free", bytes(free));
    Some(if free < DISK_FAIL_BYTES {
        Check::fail("disk", message, FULL, "make room now")
    } else if free < DISK_WARN_BYTES {
        Check::warn("disk", message, FULL, "make room before it is full")
    } else {
        Check::ok("disk", message)
    })
}

/// Room that this user has on the disk of a folder; `None` where the system does not say.
#[cfg(unix)]
pub fn free_bytes(dir: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(dir).ok()?;
    Some(found.f_bavail.saturating_mul(found.f_frsize))
}

#[cfg(not(unix))]
pub fn free_bytes(_: &Path) -> Option<u64> {
    None
}

/// A network's file system, by the number that Linux gives it (statfs(2)).
#[cfg(target_os = "linux")]
fn kind_of_disk(dir: &Path) -> Option<Check> {
    const NETWORK: [(i64, &str); 5] = [
        (0x6969, "NFS"),
        (0x517b, "SMB"),
        (0xff53_4d42, "CIFS"),
        (0xfe53_4d42, "SMB 2"),
        (0x0102_1997, "9P"),
    ];
    let existing = dir.ancestors().find(|d| d.exists())?;
    let found = rustix::fs::statfs(existing).ok()?;
    let number = found.f_type & 0xffff_ffff;
    let (_, name) = NETWORK.iter().find(|(known, _)| *known == number)?;
    Some(Check::fail(
        "disk",
        format!("the data folder is on a network share ({name})"),
        "Locks and syncs of a share do not hold what a local disk holds: what was saved may be lost or damaged.",
        "move the data folder to a local disk, and back it up to the share",
    ))
}

#[cfg(not(target_os = "linux"))]
fn kind_of_disk(_: &Path) -> Option<Check> {
    None
}

fn token(dir: &Path) -> Check {
    let path = dir.join(TOKEN_FILE);
    if !path.exists() {
        return Check::ok("token file", "none yet; `countersign serve` makes it");
    }
    let shown = path.display();
    match mode_open_to_others(&path) {
        None => Check::ok("token file", shown.to_string()),
        Some(mode) => Check::fail(
            "token file",
            format!("others may read {shown} (mode {mode:o})"),
            "Who has the token may answer orders.",
            format!("delete it to get a new token, or: chmod 600 {shown}"),
        ),
    }
}

/// How old the newest backup is.
pub fn backups(installation: &Installation) -> Option<Check> {
    let name = "backup";
    if !installation.data_dir.is_dir() {
        return None;
    }
    let hours = installation.settings().care.backup_hours();
    let folder = installation.data_dir.join(BACKUPS_DIR);
    let advice = match hours {
        Some(_) => "look in the log why the scheduled backup fails; meanwhile: countersign backup --drill",
        None => "countersign backup --drill; or set care.backupHours, and copy backups to another machine",
    };
    let newest = match newest(&folder) {
        Ok(newest) => newest,
        Err(error) => {
            let message = format!("{} cannot be read", folder.display());
            return Some(Check::fail(name, message, ALONE, "mend its rights").says(error));
        }
    };
    let now = installation.clock.now();
    let Some(at) = newest else {
        return Some(Check::warn(name, "there is none", ALONE, advice));
    };
    let old = now.0.saturating_sub(at.0);
    let message = format!("the newest is {} old", span(old));
    Some(match hours {
        // A look is every five minutes, and a large database takes its time.
        Some(hours) if old > 2 * i64::from(hours) * 60 * 60 * 1000 => {
            Check::fail(name, format!("{message}, wanted every {hours} hours"), ALONE, advice)
        }
        None if old > BACKUP_DAYS * DAY_MILLIS => Check::warn(name, message, ALONE, advice),
        Some(_) | None => Check::ok(name, message),
    })
}

/// When the newest database in the folder was written.
fn newest(folder: &Path) -> std::io::Result<Option<Timestamp>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e),
    };
    let mut newest = None;
    for entry in entries {
        let entry = entry?;
        if entry.path().extension().is_some_and(|e| e == "db") {
            newest = newest.max(Some(written(&entry.metadata()?)));
        }
    }
    Ok(newest)
}

/// When a file was last written.
pub fn written(file: &std::fs::Metadata) -> Timestamp {
    let since = file
        .modified()
        .ok()
        .and_then(|m| m.duration_since(std::time::UNIX_EPOCH).ok());
    Timestamp(since.map_or(0, |s| i64::try_from(s.as_millis()).unwrap_or(i64::MAX)))
}

/// Milliseconds as people say them.
pub fn span(millis: i64) -> String {
    match millis / 60_000 {
        ..=1 => "a minute".to_owned(),
        minutes @ 2..=119 => format!("{minutes} minutes"),
        minutes @ 120..=2879 => format!("{} hours", minutes / 60),
        minutes => format!("{} days", minutes / 1440),
    }
}
