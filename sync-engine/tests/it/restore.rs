//! `countersign restore`: what was backed up comes back, what is replaced stays, and nothing is replaced by a ruin.

use crate::cli_program::{Running, countersign, json, run, sandbox, text};
use std::path::{Path, PathBuf};
use sync_engine::exchange::presence::{self, Presence};

fn backup(home: &Path) -> PathBuf {
    let saved = json(home, &["backup", "--json"]);
    PathBuf::from(saved["path"].as_str().expect("a path"))
}

fn database(home: &Path) -> PathBuf {
    home.join("data/countersign.db")
}

#[test]
fn a_backup_comes_back_and_what_it_replaces_is_kept() {
    let home = tempfile::tempdir().expect("a folder");
    let path = home.path();
    let (_sandbox, _) = sandbox(path, &["--orders", "2"]);
    json(path, &["sync", "--json"]);
    let drilled = run(path, &["backup", "first.db", "--drill"]);
    let told = text(&drilled.stdout);
    assert_eq!(drilled.status.code(), Some(0), "{told}");
    assert!(told.contains("2 documents, 2 versions, 0 operations"), "{told}");
    assert!(run(path, &["print", "1", "--output", "one.pdf"]).status.success());

    // Then something goes wrong: the database is no database any more.
    std::fs::write(database(path), b"gone").expect("ruined");
    assert!(!run(path, &["print", "1", "--output", "two.pdf"]).status.success());
    let restored = json(path, &["restore", "first.db", "--check", "--json"]);
    assert_eq!(restored["documents"], 2, "{restored}");
    assert_eq!(
        std::fs::read(database(path)).expect("there"),
        b"gone",
        "--check changes nothing"
    );
    let restored = run(path, &["restore", "first.db"]);
    let told = text(&restored.stdout);
    assert_eq!(restored.status.code(), Some(0), "{told}");
    let replaced = std::fs::read_dir(path.join("data"))
        .expect("readable")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|p| {
            p.file_name()
                // A log may lie beside it.
                .is_some_and(|n| n.to_string_lossy().starts_with("replaced-") && n.to_string_lossy().ends_with(".db"))
        })
        .expect("what was there is kept");
    assert!(told.contains(&replaced.display().to_string()), "{told}");
    assert_eq!(std::fs::read(replaced).expect("there"), b"gone");
    assert!(run(path, &["print", "1", "--output", "three.pdf"]).status.success());
    let left = std::fs::read_dir(path.join("data"))
        .expect("readable")
        .filter_map(Result::ok);
    let left: Vec<_> = left.map(|e| e.file_name().to_string_lossy().into_owned()).collect();
    assert!(
        !left
            .iter()
            .any(|n| n.starts_with("drill-") || n.ends_with("-restoring")),
        "{left:?}"
    );
}

#[test]
fn nothing_is_replaced_under_a_running_engine_or_by_a_ruin() {
    let home = tempfile::tempdir().expect("a folder");
    let path = home.path();
    let (_sandbox, _) = sandbox(path, &["--orders", "3"]);
    json(path, &["sync", "--json"]);
    let good = backup(path);
    let before = std::fs::read(database(path)).expect("there");
    let refused = |file: &Path, exit: i32, words: &str| {
        let out = run(path, &["restore", &file.display().to_string()]);
        let told = text(&out.stderr);
        assert_eq!(out.status.code(), Some(exit), "{told}");
        assert!(told.contains(words), "{told}");
    };

    let mut bytes = std::fs::read(&good).expect("there");
    let half = bytes.len() / 2 / 4096 * 4096;
    bytes[half..half + 2048].fill(0xA5);
    let torn = path.join("torn.db");
    std::fs::write(&torn, &bytes).expect("written");
    refused(&torn, 1, "damaged");
    let short = path.join("short.db");
    std::fs::write(&short, &bytes[..bytes.len() / 3]).expect("written");
    refused(&short, 1, "");
    let letter = path.join("letter.db");
    std::fs::write(&letter, "Dear Sir or Madam, this is no database at all.").expect("written");
    refused(&letter, 1, "not a database");
    // Opened as it is, it would become a new and whole database without anything in it.
    let empty = path.join("empty.db");
    std::fs::write(&empty, b"").expect("written");
    refused(&empty, 1, "it is empty");
    let checked = run(path, &["restore", &empty.display().to_string(), "--check"]);
    assert_eq!(checked.status.code(), Some(1), "{}", text(&checked.stdout));
    assert_eq!(std::fs::read(&empty).expect("there"), b"", "it stays as it is");
    refused(&path.join("nowhere.db"), 5, "there is no backup");
    assert_eq!(
        std::fs::read(database(path)).expect("there"),
        before,
        "nothing was replaced"
    );

    let serving = Running::start(countersign(path, &["serve", "--port", "0", "--json"]));
    serving.told();
    refused(&good, 6, "another Countersign works on the data folder");
}

#[test]
fn nothing_is_replaced_under_a_window_or_a_command_and_nobody_begins_meanwhile() {
    let home = tempfile::tempdir().expect("a folder");
    let path = home.path();
    let (_sandbox, _) = sandbox(path, &["--orders", "1"]);
    json(path, &["sync", "--json"]);
    let good = backup(path).display().to_string();
    let before = std::fs::read(database(path)).expect("there");
    let data = path.join("data");
    let refused = |args: &[&str], words: &str| {
        let out = run(path, args);
        let told = text(&out.stderr);
        assert_eq!(out.status.code(), Some(6), "{args:?}: {told}");
        assert!(told.contains(words), "{args:?}: {told}");
    };

    // The window holds no lock of the service: it shows itself as every engine does.
    let window = Presence::show(&data, "window").expect("shown");
    refused(&["restore", &good], "somebody works on");
    assert!(run(path, &["restore", &good, "--check"]).status.success());
    assert_eq!(
        std::fs::read(database(path)).expect("there"),
        before,
        "nothing was replaced"
    );
    drop(window);

    let restoring = presence::keep_out(&data).expect("readable").expect("nobody is there");
    for args in [
        &["sync"][..],
        &["queue", "list"],
        &["backup"],
        &["print", "1"],
        &["serve", "--port", "0"],
    ] {
        refused(args, "a backup is put in the place of the database");
    }
    drop(restoring);
    assert!(run(path, &["restore", &good]).status.success());
}

#[test]
fn a_restore_that_was_cut_short_is_no_new_beginning() {
    let home = tempfile::tempdir().expect("a folder");
    let path = home.path();
    let (_sandbox, _) = sandbox(path, &["--orders", "1"]);
    json(path, &["sync", "--json"]);
    let good = backup(path).display().to_string();
    // The power went after the old database had gone out of the way.
    std::fs::copy(&good, path.join("data/countersign.db-restoring")).expect("copied");
    std::fs::remove_file(database(path)).expect("removed");
    let out = run(path, &["sync"]);
    let told = text(&out.stderr);
    assert_eq!(out.status.code(), Some(1), "{told}");
    assert!(told.contains("a restore was cut short"), "{told}");
    assert!(!database(path).exists(), "an empty database was made");
    assert!(run(path, &["restore", &good]).status.success());
    assert!(run(path, &["print", "1", "--output", "one.pdf"]).status.success());
}
