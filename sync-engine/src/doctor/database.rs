//! The database: whose it is, whether its promises hold, what waits in it.

use super::{Check, Installation, Look, bytes};
use crate::doctor::files::span;
use crate::domain::DeliveryState;
use crate::exchange::incidents::in_words;
use crate::exchange::presence;
use crate::settings::DATABASE_FILE;
use crate::store::{AuditBreak, Examination, SqliteStore};
use std::collections::BTreeMap;

/// A log this long means that no checkpoint got through.
const WAL_WARN_BYTES: u64 = 256 << 20;
/// Kinds of states that wait for a person.
const WAITS: [(DeliveryState, &str); 3] = [
    (DeliveryState::Dead, "could not be delivered"),
    (DeliveryState::Held, "held"),
    (DeliveryState::Unknown, "with an unknown outcome"),
];
const DURABLE: &str = "What is called saved may be lost when the machine stops.";
const DAMAGED: &str = "Reading may give wrong rows, and saving may make it worse.";
const KEEP: &str = "stop Countersign, keep this file, and restore a backup: docs/database.md, \"When it is damaged\"";

pub fn checks(installation: &Installation, look: Look, mut rows: impl FnMut(i64)) -> (Vec<Check>, Option<Examination>) {
    let path = installation.data_dir.join(DATABASE_FILE);
    if !path.exists() {
        let message = format!("there is no database in {}", installation.data_dir.display());
        let advice = "`countersign serve` or `countersign sync` makes it; or name another data folder with --data-dir";
        return (
            vec![Check::warn(
                "database",
                message,
                "Nothing was received or saved here.",
                advice,
            )],
            None,
        );
    }
    let found = match SqliteStore::examine(&path, look.limit, &mut rows) {
        Ok(found) => found,
        Err(error) => {
            let message = format!("{} cannot be read", path.display());
            return (vec![Check::fail("database", message, DAMAGED, KEEP).says(error)], None);
        }
    };
    let mut checks = vec![sizes(&found), writable(&found), durability(&found), integrity(&found)];
    checks.extend(unread(&found));
    // Of what could not be read nothing is said but that.
    checks.extend(found.has_read("audit").then(|| audit(&found)));
    checks.push(engines(installation, &found));
    checks.extend(found.has_read("operations").then(|| waiting(installation, &found)));
    checks.extend(found.has_read("quarantine").then(|| quarantine(installation, &found)));
    checks.extend(incidents(&found));
    (checks, Some(found))
}

fn sizes(found: &Examination) -> Check {
    let message = format!(
        "{}, schema {}, {} and {} of log, {} free in it",
        found.path,
        found.schema_version,
        bytes(found.database_bytes),
        bytes(found.wal_bytes),
        bytes(found.free_bytes)
    );
    if found.schema_version > found.known_schema {
        return Check::fail(
            "database",
            format!("{message}; this program knows schema {}", found.known_schema),
            "A newer Countersign wrote it: this one refuses to open it.",
            "install that version again, or restore a backup from before it",
        );
    }
    if found.wal_bytes > WAL_WARN_BYTES {
        return Check::warn(
            "database",
            message,
            "The log is long: a program that reads all the time keeps it from being put back, and every start reads it.",
            "stop programs that read the database, and start again",
        );
    }
    Check::ok("database", message)
}

fn writable(found: &Examination) -> Check {
    match &found.read_only {
        None => Check::ok("database rights", "file and folder can be written"),
        Some(why) => Check::fail(
            "database rights",
            "the database cannot be written by this user",
            "The engine does not start, or refuses every save.",
            "mend the rights of the file and its folder, or mount the disk for writing",
        )
        .says(why),
    }
}

fn durability(found: &Examination) -> Check {
    let message = format!(
        "journal {}; synchronous FULL is set, and read back, at each start",
        found.journal_mode
    );
    // A database that was never opened by us, or was put there by another program.
    if found.journal_mode.eq_ignore_ascii_case("wal") {
        return Check::ok("durability", message);
    }
    Check::warn(
        "durability",
        format!("journal {}", found.journal_mode),
        DURABLE,
        "nothing, after a restore: the next start sets it. Else move the data folder to a local disk",
    )
}

fn integrity(found: &Examination) -> Check {
    match found.quick_check.as_deref() {
        None => Check::ok("integrity", "not read to the end: `countersign doctor` does it"),
        Some(said) if said.eq_ignore_ascii_case("ok") => Check::ok("integrity", "quick_check ok"),
        Some(said) => Check::fail("integrity", "the database is damaged", DAMAGED, KEEP).says(said),
    }
}

fn unread(found: &Examination) -> Option<Check> {
    let first = found.unread.first()?;
    let parts: Vec<&str> = found.unread.iter().map(|unread| unread.what).collect();
    let message = format!("these parts of the database cannot be read: {}", parts.join(", "));
    let why = "Whether anything is wrong there, or waits there, is not known.";
    let advice = match found.schema_version.cmp(&found.known_schema) {
        std::cmp::Ordering::Less => "the next start brings it up to date; then run this again",
        std::cmp::Ordering::Equal => KEEP,
        std::cmp::Ordering::Greater => "look with the program that wrote it",
    };
    Some(Check::fail("contents", message, why, advice).says(&first.why))
}

fn audit(found: &Examination) -> Check {
    let Some(check) = &found.audit else {
        return Check::ok("audit", "not followed to the end: `countersign audit verify` does it");
    };
    match check.broken_at {
        None => Check::ok("audit", format!("{} rows, the chain holds", check.rows)),
        Some(id) => {
            let how = match check.how {
                Some(AuditBreak::Removed) => "rows before it are missing",
                Some(AuditBreak::End) => "rows were cut off its end, or added there",
                Some(AuditBreak::Unlinked) => "its document's history was set to begin elsewhere",
                Some(AuditBreak::Altered) | None => "it was altered, or does not follow from the one before it",
            };
            Check::fail(
                "audit",
                format!("the chain breaks at row {id}: {how}"),
                "The history does not prove any more what was done from there on.",
                "keep this file and compare it with a backup: countersign audit verify --file BACKUP",
            )
        }
    }
}

/// Who works here, and what a program that ended badly left behind.
fn engines(installation: &Installation, found: &Examination) -> Check {
    let name = "engine";
    match presence::is_any_alive(&installation.data_dir) {
        Ok(true) => Check::ok(name, "one works on this data folder"),
        Ok(false) if found.wal_bytes > 0 => Check::ok(
            name,
            format!(
                "none works here; the last one ended without closing: its log of {} is put back at the next start",
                bytes(found.wal_bytes)
            ),
        ),
        Ok(false) => Check::ok(name, "none works here"),
        Err(error) => Check::fail(
            name,
            "the folder engines cannot be read",
            "Work of an engine that ended badly waits until its leases run out.",
            "mend its rights",
        )
        .says(error),
    }
}

fn waiting(installation: &Installation, found: &Examination) -> Check {
    let now = installation.clock.now();
    let mut told = Vec::new();
    for (state, words) in WAITS {
        let mut partners: BTreeMap<&str, i64> = BTreeMap::new();
        let of_state = found.operations.iter().filter(|o| o.state == state);
        let oldest = of_state.clone().map(|o| o.oldest.0).min();
        of_state.for_each(|o| *partners.entry(o.partner.0.as_str()).or_default() += o.count);
        if let Some(oldest) = oldest {
            let of: Vec<String> = partners
                .iter()
                .map(|(partner, count)| format!("{partner} {count}"))
                .collect();
            let age = span(now.0.saturating_sub(oldest));
            told.push(format!("{words}: {} (the oldest for {age})", of.join(", ")));
        }
    }
    if told.is_empty() {
        return Check::ok("queue", "nothing waits for a person");
    }
    Check::warn(
        "queue",
        told.join("; "),
        "These answers and documents do not reach the partner by themselves.",
        "look at each under Queue, or: countersign queue list --state dead --state held --state unknown",
    )
}

fn quarantine(installation: &Installation, found: &Examination) -> Check {
    let now = installation.clock.now();
    let open = found.quarantine.iter().filter(|q| q.state == "Open");
    let told: Vec<String> = open
        .map(|q| {
            let age = span(now.0.saturating_sub(q.oldest.0));
            format!(
                "{} {}: {} stopped at {} (the oldest for {age})",
                q.partner, q.stream, q.count, q.stage
            )
        })
        .collect();
    if told.is_empty() {
        return Check::ok("quarantine", "nothing waits there");
    }
    Check::warn(
        "quarantine",
        told.join("; "),
        "What the partner sent there is on no work list: nobody answers it.",
        "look under Quarantine what is wrong, correct the configuration, and run them again",
    )
}

fn incidents(found: &Examination) -> Option<Check> {
    let open: Vec<String> = found
        .incidents
        .iter()
        .filter(|i| i.open > 0)
        .map(|i| format!("{} ({})", in_words(&i.kind), i.subject))
        .collect();
    (!open.is_empty()).then(|| {
        Check::warn(
            "incidents",
            match open.as_slice() {
                [one] => format!("1 is open: {one}"),
                all => format!("{} are open: {}", all.len(), all.join("; ")),
            },
            "Each was told when it began and is told when it ends.",
            "Health in the window says of each what to do",
        )
    })
}
