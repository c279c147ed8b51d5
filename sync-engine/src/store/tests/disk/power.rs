//! The power is cut: writes that were not synced are lost, torn in sectors, or there in any order.
//!
//! A history is run once and every I/O of it recorded; then, for every moment between two of them, files are made as a
//! power cut at that moment may leave them, and opened.

use super::super::fixtures::{is_later, later};
use super::work::*;
use super::{Disk, Event};
use crate::store::{SqliteStore, Store};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

const SECTOR: usize = 512;

/// Small, good enough, and the same on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn percent(&mut self, percent: u64) -> bool {
        self.roll() % 100 < percent
    }
}

/// What of the writes that were not synced survives.
#[derive(Debug, Clone, Copy)]
enum Cut {
    /// A kill of the process: the system keeps all of them.
    Kill,
    /// None.
    All,
    /// So many percent of the sectors, in no order.
    Some(u64),
}

const CUTS: [Cut; 4] = [Cut::Kill, Cut::All, Cut::Some(50), Cut::Some(90)];

#[derive(Default)]
struct File {
    /// `None` while a power cut may leave no such file.
    durable: Option<Vec<u8>>,
    unsynced: Vec<Event>,
}

fn apply(bytes: &mut Vec<u8>, event: &Event, kept: &mut impl FnMut() -> bool) -> bool {
    match event {
        Event::Write(_, at, new) => {
            let mut from = 0;
            while from < new.len() {
                let to = new.len().min((at + from) / SECTOR * SECTOR + SECTOR - at);
                if kept() {
                    if bytes.len() < at + to {
                        bytes.resize(at + to, 0);
                    }
                    bytes[at + from..at + to].copy_from_slice(&new[from..to]);
                }
                from = to;
            }
        }
        Event::Truncate(_, size) => {
            if kept() {
                bytes.resize(*size, 0);
            }
        }
        Event::Delete(..) => return !kept(),
        Event::Open(_) | Event::Sync(_) => {}
    }
    true
}

/// Files as they may be found after `events`.
fn leave(events: &[Event], cut: Cut, seed: u64, folder: &Path) {
    let mut files: BTreeMap<Arc<str>, File> = BTreeMap::new();
    for event in events {
        match event {
            Event::Open(name) => {
                files.entry(Arc::clone(name)).or_default();
            }
            Event::Write(name, ..) | Event::Truncate(name, _) | Event::Delete(name, false) => {
                files.entry(Arc::clone(name)).or_default().unsynced.push(event.clone());
            }
            Event::Sync(name) => {
                let file = files.entry(Arc::clone(name)).or_default();
                let mut bytes = file.durable.take().unwrap_or_default();
                for event in file.unsynced.drain(..) {
                    apply(&mut bytes, &event, &mut || true);
                }
                file.durable = Some(bytes);
            }
            Event::Delete(name, true) => {
                files.remove(name);
            }
        }
    }
    let mut dice = Dice(seed);
    let percent = match cut {
        Cut::Kill => 100,
        Cut::All => 0,
        Cut::Some(percent) => percent,
    };
    for (name, file) in files {
        let mut there = file.durable.is_some() || dice.percent(percent);
        let mut bytes = file.durable.unwrap_or_default();
        for event in &file.unsynced {
            there &= apply(&mut bytes, event, &mut || dice.percent(percent));
        }
        if there {
            std::fs::write(folder.join(&*name), bytes).expect("written");
        }
    }
}

/// What was answered when so much had happened, and what the database holds then.
struct Answered {
    at: usize,
    content: Content,
}

/// Opens what a cut left and compares.
fn assert_survives(events: &[Event], cut: Cut, answered: &[Answered]) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = events.len();
    leave(events, cut, at as u64, folder.path());
    let path = folder.path().join("countersign.db");
    let what = format!("cut after {at}, {cut:?}");
    let store = SqliteStore::open(&path).unwrap_or_else(|e| panic!("{what}: {e}"));
    let last = answered.iter().rposition(|a| a.at <= at).unwrap_or(0);
    let there = content(&path);
    let allowed = &answered[last..answered.len().min(last + 2)];
    assert!(
        allowed.iter().any(|a| a.content == there),
        "{what}: neither answer {last} nor the next, but {:?}",
        answered.iter().position(|a| a.content == there)
    );
    assert_eq!(store.verify_audit().expect("verified").broken_at, None, "{what}");
    drop(store);
    assert_whole(&path, &what);
}

/// The moments to cut at: around each sync, and a part of those between.
fn moments(events: &[Event], range: std::ops::RangeInclusive<usize>, part: usize) -> Vec<usize> {
    let part = if std::env::var_os("COUNTERSIGN_LONG_TESTS").is_some() {
        1
    } else {
        part
    };
    let durable =
        |event: Option<&Event>| matches!(event, Some(Event::Sync(_) | Event::Delete(..) | Event::Truncate(..)));
    range
        .filter(|at| at % part == 0 || durable(events.get(*at)) || (*at > 0 && durable(events.get(at - 1))))
        .collect()
}

fn recorded() -> (Watched, Arc<Disk>) {
    let subject = Watched::new();
    subject.disk.record();
    let disk = Arc::clone(&subject.disk);
    (subject, disk)
}

fn answer(answered: &mut Vec<Answered>, disk: &Disk, twin: &Twin) {
    answered.push(Answered {
        at: disk.recorded(),
        content: twin.content.clone(),
    });
}

#[test]
fn a_migration_that_is_cut_short_is_done_at_the_next_start() {
    let (mut subject, disk) = recorded();
    subject.open().expect("opened");
    let mut answered = Vec::new();
    answer(&mut answered, &disk, &Twin::new());
    let events = disk.log();
    let moments = moments(&events, 0..=events.len(), 1);
    assert!(moments.len() >= 100, "{} of {}", moments.len(), events.len());
    for at in &moments {
        for cut in [Cut::Kill, Cut::Some(50)] {
            assert_survives(&events[..*at], cut, &answered);
        }
    }
    println!("{} migrations cut short", moments.len() * 2);
}

#[test]
fn an_upgrade_of_a_full_database_that_is_cut_short_is_done_at_the_next_start() {
    const ROWS: u32 = 300;
    let (mut subject, disk) = recorded();
    let store = subject.open().expect("opened");
    for round in 0..4 {
        for kind in KINDS {
            run(store, Step { kind, round }).expect("a healthy disk");
        }
    }
    drop(subject.store.take());
    let before = content(&subject.path);
    let start = disk.recorded();
    drop(SqliteStore::open_later(&subject.path, later(ROWS)).expect("upgraded"));
    let after = content(&subject.path);
    let same = before.iter().filter(|(table, rows)| after.get(*table) == Some(*rows));
    assert_eq!(same.count(), before.len() - 1, "only the documents have something new");
    let events = disk.log();
    let moments = moments(&events, start..=events.len(), 3);
    let mut half_way = 0;
    for at in &moments {
        for cut in [Cut::Kill, Cut::Some(50), Cut::All] {
            let folder = tempfile::tempdir().expect("a temporary folder");
            leave(&events[..*at], cut, *at as u64, folder.path());
            let path = folder.path().join("countersign.db");
            let what = format!("cut after {at}, {cut:?}");
            if !is_later(&path, ROWS) {
                let aside = tempfile::tempdir().expect("a temporary folder");
                assert_eq!(content(&copy(&path, aside.path())), before, "{what}");
                half_way += 1;
            }
            let store = SqliteStore::open_later(&path, later(ROWS)).unwrap_or_else(|e| panic!("{what}: {e}"));
            assert_eq!(store.verify_audit().expect("verified").broken_at, None, "{what}");
            drop(store);
            assert_eq!(content(&path), after, "{what}");
            assert_whole(&path, &what);
        }
    }
    println!("{} upgrades cut short, {half_way} of them half way", moments.len() * 3);
    assert!(half_way > 50, "{half_way} of {}", moments.len() * 3);
}

#[test]
fn a_power_cut_at_any_moment_leaves_what_was_answered() {
    let (mut subject, disk) = recorded();
    let mut twin = Twin::new();
    let mut answered = Vec::new();
    subject.open().expect("opened");
    let start = disk.recorded();
    answer(&mut answered, &disk, &twin);
    for round in 0..4 {
        for kind in KINDS {
            let step = Step { kind, round };
            run(subject.store(), step).expect("a healthy disk");
            twin.run(step);
            answer(&mut answered, &disk, &twin);
        }
        if round == 1 {
            // The log goes back into the database, and the next history begins at its front.
            drop(subject.store.take());
            answer(&mut answered, &disk, &twin);
            subject.open().expect("opens again");
            answer(&mut answered, &disk, &twin);
        }
    }
    drop(subject.store.take());
    answer(&mut answered, &disk, &twin);
    let events = disk.log();
    let moments = moments(&events, start..=events.len(), 9);
    for (index, at) in moments.iter().enumerate() {
        assert_survives(&events[..*at], CUTS[index % CUTS.len()], &answered);
        assert_survives(&events[..*at], CUTS[(index + 2) % CUTS.len()], &answered);
    }
    println!(
        "{} power cuts in a history of {} I/O",
        moments.len() * 2,
        events.len() - start
    );
    assert!(moments.len() > 100, "{}", moments.len());
}

#[test]
fn a_backup_that_was_answered_survives_a_power_cut() {
    let (mut subject, disk) = recorded();
    let mut twin = Twin::new();
    subject.open().expect("opened");
    for kind in KINDS {
        let step = Step { kind, round: 0 };
        run(subject.store(), step).expect("a healthy disk");
        twin.run(step);
    }
    let start = disk.recorded();
    subject
        .store()
        .backup(&subject.path.with_file_name("backup.db"))
        .expect("a backup");
    let made = disk.recorded();
    let held = twin.content.clone();
    let after = Step {
        kind: Kind::Receive,
        round: 1,
    };
    run(subject.store(), after).expect("a healthy disk");
    twin.run(after);
    let events = disk.log();
    let mut answered = vec![Answered {
        at: 0,
        content: held.clone(),
    }];
    answered.push(Answered {
        at: events.len(),
        content: twin.content.clone(),
    });
    for at in moments(&events, start..=events.len(), 9) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        assert_survives(&events[..at], Cut::All, &answered);
        leave(&events[..at], Cut::All, at as u64, folder.path());
        // Its name comes by a call of the system that this disk does not see, after all of it is durable.
        let backup = folder.path().join("backup.db.part");
        if at >= made {
            assert_whole(&backup, "a backup that was answered");
            assert_eq!(content(&backup), held);
        }
    }
    assert!(made > start);
}
