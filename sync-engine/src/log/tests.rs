//! Files that rotate, and lines without secrets.

use super::file::{FileLimits, RotatingFile, current, put_aside};
use super::{LogSettings, Redacted};
use crate::clock::{Clock, Sleep};
use crate::domain::Timestamp;
use crate::redact;
use std::io::Write;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tracing_subscriber::layer::SubscriberExt;

/// Stands still until it is set.
struct Still(AtomicI64);

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Relaxed))
    }

    fn sleep(&self, _: Duration) -> Sleep {
        Box::pin(std::future::pending())
    }

    fn random(&self) -> u64 {
        0
    }
}

/// The file's own time is the machine's, so this clock starts there.
fn clock() -> Arc<Still> {
    Arc::new(Still(AtomicI64::new(chrono::Utc::now().timestamp_millis())))
}

const SMALL: FileLimits = FileLimits {
    max_bytes: 100,
    keep: 2,
};

#[test]
fn a_full_file_is_put_aside_and_the_oldest_goes() {
    let dir = tempfile::tempdir().unwrap();
    let clock = clock();
    let mut file = RotatingFile::open(dir.path(), "countersign", SMALL, clock.clone()).unwrap();
    for n in 0..10 {
        // Two lines of 40 bytes fit; the moment is the same for all, as in a burst.
        file.write_all(format!("{n:0>39}\n").as_bytes()).unwrap();
    }
    let aside = put_aside(dir.path(), "countersign").unwrap();
    assert_eq!(aside.len(), 2);
    let text = |path: &std::path::Path| std::fs::read_to_string(path).unwrap();
    assert_eq!(text(&aside[0]), format!("{:0>39}\n{:0>39}\n", 4, 5));
    assert_eq!(text(&aside[1]), format!("{:0>39}\n{:0>39}\n", 6, 7));
    assert_eq!(
        text(&current(dir.path(), "countersign")),
        format!("{:0>39}\n{:0>39}\n", 8, 9)
    );
}

#[test]
fn a_new_day_begins_a_new_file_also_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let clock = clock();
    let limits = FileLimits {
        max_bytes: 1000,
        keep: 5,
    };
    let mut file = RotatingFile::open(dir.path(), "countersign", limits, clock.clone()).unwrap();
    file.write_all(b"one\n").unwrap();
    clock.0.fetch_add(86_400_000, Ordering::Relaxed);
    drop(file);
    let mut file = RotatingFile::open(dir.path(), "countersign", limits, clock.clone()).unwrap();
    file.write_all(b"two\n").unwrap();
    assert_eq!(put_aside(dir.path(), "countersign").unwrap().len(), 1);
    assert_eq!(
        std::fs::read_to_string(current(dir.path(), "countersign")).unwrap(),
        "two\n"
    );
}

#[test]
fn a_folder_that_was_away_is_used_again_when_it_is_back() {
    let dir = tempfile::tempdir().unwrap();
    let logs = dir.path().join("logs");
    let mut file = RotatingFile::open(&logs, "countersign", SMALL, clock()).unwrap();
    file.write_all(format!("{:0>89}\n", 0).as_bytes()).unwrap();
    std::fs::remove_dir_all(&logs).unwrap();
    std::fs::write(&logs, "in the way").unwrap();
    assert!(file.write_all(format!("{:0>89}\n", 1).as_bytes()).is_err());
    std::fs::remove_file(&logs).unwrap();
    file.write_all(b"back\n").unwrap();
    assert_eq!(
        std::fs::read_to_string(current(&logs, "countersign")).unwrap(),
        "back\n"
    );
}

#[test]
fn files_sort_by_age_though_the_clock_was_set_back() {
    let dir = tempfile::tempdir().unwrap();
    let clock = clock();
    let mut file = RotatingFile::open(dir.path(), "countersign", SMALL, clock.clone()).unwrap();
    for n in 0..6 {
        file.write_all(format!("{n:0>89}\n").as_bytes()).unwrap();
        clock.0.fetch_sub(60_000, Ordering::Relaxed);
    }
    let aside = put_aside(dir.path(), "countersign").unwrap();
    let numbers: Vec<u32> = aside
        .iter()
        .map(|path| std::fs::read_to_string(path).unwrap().trim().parse().unwrap())
        .collect();
    assert_eq!(numbers, [3, 4]);
}

#[cfg(unix)]
#[test]
fn only_its_owner_reads_the_log() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let _file = RotatingFile::open(dir.path(), "countersign", SMALL, clock()).unwrap();
    let mode = current(dir.path(), "countersign")
        .metadata()
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn no_event_carries_a_secret_into_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let limits = FileLimits {
        max_bytes: 1 << 20,
        keep: 1,
    };
    let file = RotatingFile::open(dir.path(), "countersign", limits, clock()).unwrap();
    redact::learn("canary-of-the-log");
    let layer = tracing_subscriber::fmt::layer()
        .json()
        .with_writer(Redacted(Mutex::new(file)));
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        let error = "refused: canary-of-the-log is wrong";
        tracing::error!(
            error,
            url = "https://a/b?key=canary-of-the-log",
            "told canary-of-the-log"
        );
        tracing::info!(header = "Authorization: Bearer abcdefgh.ijk");
    });
    let text = std::fs::read_to_string(current(dir.path(), "countersign")).unwrap();
    assert_eq!(text.lines().count(), 2);
    assert!(
        text.contains("refused: *** is wrong") && text.contains("Bearer ***"),
        "{text}"
    );
    assert!(
        !text.contains("canary-of-the-log") && !text.contains("abcdefgh"),
        "{text}"
    );
    for line in text.lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap();
    }
}

#[test]
fn settings_that_cannot_work_are_named() {
    for (text, says) in [
        (r#"{"maxFileMebibytes": 0}"#, "log.maxFileMebibytes"),
        (r#"{"keepFiles": 0}"#, "log.keepFiles"),
        (r#"{"level": "a=b=c"}"#, "log.level"),
        (r#"{"loki": {"url": "http://loki.example.com"}}"#, "https"),
        (
            r#"{"loki": {"url": "https://u:p@loki.example.com"}}"#,
            "no user or password",
        ),
        (
            r#"{"loki": {"url": "https://loki.example.com", "user": "1"}}"#,
            "log.loki.secret",
        ),
        (
            r#"{"loki": {"url": "https://loki.example.com", "labels": {"a-b": "c"}}}"#,
            "a-b",
        ),
    ] {
        let settings: LogSettings = serde_json::from_str(text).unwrap();
        let told = settings.check().unwrap_err();
        assert!(told.contains(says), "{text}: {told}");
    }
}
