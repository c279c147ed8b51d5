//! Backups and migrations, killed half way: the database stays whole, and no half copy is left that looks like one.

use crate::cli_program::{countersign, json, run, sandbox};
use crate::kill::Dice;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use sync_engine::store::{SqliteStore, Store};

/// Set for the child: the database that it makes.
const DATABASE: &str = "COUNTERSIGN_TEST_MIGRATED_DATABASE";
const BACKUPS: u32 = 25;
const MIGRATIONS: u32 = 100;

fn times(usual: u32) -> u32 {
    std::env::var("COUNTERSIGN_CARE_KILLS").map_or(usual, |n| n.parse().expect("a number"))
}

/// SIGKILL, once there is something at `path` and a little later; whether it was still at work.
fn kill_at_work(mut child: Child, path: impl Fn() -> bool, dice: &mut Dice) -> bool {
    let begun = Instant::now();
    while !path() && child.try_wait().expect("its status").is_none() && begun.elapsed() < crate::cli_program::PATIENCE {
        std::thread::yield_now();
    }
    std::thread::sleep(Duration::from_micros(dice.below(20_000)));
    let at_work = child.try_wait().expect("its status").is_none();
    let _ = child.kill();
    let _ = child.wait();
    at_work
}

fn whole(path: &Path) {
    let store = SqliteStore::open(path).expect("it opens");
    let report = store.doctor().expect("readable");
    assert_eq!(report.quick_check, "ok");
    assert_eq!(store.verify_audit().expect("readable").broken_at, None);
    store.close();
}

#[test]
fn a_backup_that_is_killed_harms_nothing_and_leaves_no_half_copy() {
    let home = tempfile::tempdir().expect("a folder");
    let (_sandbox, _) = sandbox(home.path(), &["--orders", "60"]);
    json(home.path(), &["sync", "--json"]);
    let (mut dice, mut halfway, kills) = (Dice(3), 0, times(BACKUPS));
    for n in 0..kills {
        let copy = home.path().join(format!("copy-{n}.db"));
        let begun = || {
            std::fs::read_dir(home.path())
                .expect("readable")
                .flatten()
                .any(|entry| entry.file_name().to_string_lossy().contains(&format!("copy-{n}.")))
        };
        let mut backup = countersign(home.path(), &["backup", &format!("copy-{n}.db")]);
        let child = backup
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        halfway += u32::from(kill_at_work(child, begun, &mut dice));
        if copy.exists() {
            whole(&copy);
        }
        whole(&home.path().join("data/countersign.db"));
    }
    let last = run(home.path(), &["backup", "last.db"]);
    assert!(last.status.success(), "{}", crate::cli_program::text(&last.stderr));
    whole(&home.path().join("last.db"));
    crate::evidence::ran(
        "kill_care::a_backup_that_is_killed_harms_nothing_and_leaves_no_half_copy",
        &format!("{kills} kills, {halfway} of them half way"),
    );
}

/// Not a test of its own: a child process runs it. Without the variable it has nothing to do.
#[test]
fn child_makes_a_database() {
    let Ok(path) = std::env::var(DATABASE) else { return };
    SqliteStore::open(path).expect("it opens").close();
}

#[test]
fn a_migration_that_is_killed_is_done_by_the_next_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut dice, mut halfway, kills) = (Dice(5), 0, times(MIGRATIONS));
    for n in 0..kills {
        let path = folder.path().join(format!("{n}.db"));
        let child = Command::new(std::env::current_exe().expect("the test program"))
            .args(["--exact", "kill_care::child_makes_a_database", "--test-threads=1"])
            .env(DATABASE, &path)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the child");
        halfway += u32::from(kill_at_work(child, || path.exists(), &mut dice));
        whole(&path);
        std::fs::remove_file(&path).expect("removed");
    }
    crate::evidence::ran(
        "kill_care::a_migration_that_is_killed_is_done_by_the_next_start",
        &format!("{kills} kills, {halfway} of them half way"),
    );
}
