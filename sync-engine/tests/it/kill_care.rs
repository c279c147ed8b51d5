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

/// Waits until there is something at `path`, or the child is through.
fn begun(child: &mut Child, path: impl Fn() -> bool) {
    let begun = Instant::now();
    while !path() && child.try_wait().expect("its status").is_none() && begun.elapsed() < crate::cli_program::PATIENCE {
        std::thread::yield_now();
    }
}

/// SIGKILL, once there is something at `path` and up to `later` after it.
fn kill_at_work(mut child: Child, path: impl Fn() -> bool, later: Duration, dice: &mut Dice) {
    begun(&mut child, path);
    let later = u64::try_from(later.as_micros()).expect("a number");
    std::thread::sleep(Duration::from_micros(dice.below(later.max(1))));
    // It may be through.
    let _ = child.kill();
    let _ = child.wait();
}

fn whole(path: &Path) {
    let store = SqliteStore::open(path).expect("it opens");
    let report = store.doctor().expect("readable");
    assert_eq!(report.quick_check, "ok");
    assert_eq!(store.verify_audit().expect("readable").broken_at, None);
    store.close();
}

/// A copy that has its name is a backup: all that was saved is in it.
fn holds_all(copy: &Path, documents: i64) {
    let scratch = tempfile::tempdir().expect("a folder");
    let report = SqliteStore::drill(copy, scratch.path()).expect("it restores");
    assert_eq!(report.wrong(), None);
    assert_eq!(report.documents, documents, "{}", copy.display());
}

#[test]
fn a_backup_that_is_killed_harms_nothing_and_leaves_no_half_copy() {
    const ORDERS: i64 = 60;
    let home = tempfile::tempdir().expect("a folder");
    let (_sandbox, _) = sandbox(home.path(), &["--orders", &ORDERS.to_string()]);
    json(home.path(), &["sync", "--json"]);
    // Where the next one clears away what a killed one left.
    let copies = home.path().join("data/backups");
    std::fs::create_dir_all(&copies).expect("made");
    let copy = |n: &str| copies.join(format!("copy-{n}.db"));
    let part = |n: &str| copies.join(format!("copy-{n}.db.part"));
    let start = |n: &str| {
        countersign(home.path(), &["backup", &copy(n).display().to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts")
    };
    // One to its end: so long the others have, from the first that is seen of them.
    let mut child = start("whole");
    begun(&mut child, || part("whole").exists());
    let seen = Instant::now();
    assert!(child.wait().expect("its status").success());
    let takes = seen.elapsed();
    holds_all(&copy("whole"), ORDERS);

    let (mut dice, mut halfway, kills) = (Dice(3), 0, times(BACKUPS));
    for n in 0..kills {
        let n = n.to_string();
        kill_at_work(start(&n), || part(&n).exists(), takes, &mut dice);
        halfway += u32::from(part(&n).exists());
        if copy(&n).exists() {
            assert!(!part(&n).exists(), "it has one name or the other");
            holds_all(&copy(&n), ORDERS);
        }
        whole(&home.path().join("data/countersign.db"));
    }
    assert!(halfway > 0, "none of {kills} was killed half way");
    let last = run(home.path(), &["backup", &copy("last").display().to_string()]);
    assert!(last.status.success(), "{}", crate::cli_program::text(&last.stderr));
    holds_all(&copy("last"), ORDERS);
    let left = std::fs::read_dir(&copies).expect("readable").flatten();
    let left: Vec<_> = left.map(|entry| entry.file_name()).collect();
    let is_copy = |name: &std::ffi::OsString| name.to_string_lossy().ends_with(".db");
    assert!(left.iter().all(is_copy), "what killed ones left: {left:?}");
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

/// Whether there are tables in it. A copy is looked at: what a look recovers is left to the next start.
fn is_made(path: &Path) -> bool {
    let folder = tempfile::tempdir().expect("a folder");
    let copied = folder.path().join("copy.db");
    for suffix in ["", "-wal", "-journal"] {
        let name = |path: &Path| format!("{}{suffix}", path.display());
        if Path::new(&name(path)).exists() {
            std::fs::copy(name(path), name(&copied)).expect("copied");
        }
    }
    let db = rusqlite::Connection::open(&copied).expect("it opens");
    db.query_row("SELECT count(*) > 0 FROM sqlite_schema", [], |row| row.get(0))
        .expect("readable")
}

#[test]
fn a_migration_that_is_killed_is_done_by_the_next_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let start = |path: &Path| {
        Command::new(std::env::current_exe().expect("the test program"))
            .args(["--exact", "kill_care::child_makes_a_database", "--test-threads=1"])
            .env(DATABASE, path)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the child")
    };
    // One to its end: so long the others have, from the first that is seen of them.
    let path = folder.path().join("whole.db");
    let mut child = start(&path);
    begun(&mut child, || path.exists());
    let seen = Instant::now();
    assert!(child.wait().expect("its status").success());
    let takes = seen.elapsed();

    let (mut dice, mut halfway, kills) = (Dice(5), 0, times(MIGRATIONS));
    for n in 0..kills {
        let path = folder.path().join(format!("{n}.db"));
        kill_at_work(start(&path), || path.exists(), takes, &mut dice);
        halfway += u32::from(!is_made(&path));
        whole(&path);
        std::fs::remove_file(&path).expect("removed");
    }
    assert!(halfway > 0, "none of {kills} was killed half way");
    crate::evidence::ran(
        "kill_care::a_migration_that_is_killed_is_done_by_the_next_start",
        &format!("{kills} kills, {halfway} of them half way"),
    );
}
