use super::*;
use crate::exchange::Pace;

const MINUTE: i64 = 60_000;

#[derive(Clone, Copy)]
enum Do {
    /// Polls at this time that end so at once: (milliseconds, report, how many).
    Report(i64, Report, u32),
    /// One request about each of these documents, that ends so at once.
    Documents(i64, Report, i64, i64),
    /// At this time nothing may start.
    Shut(i64),
    /// At this time one probe may start.
    One(i64),
    Free(i64),
}

use Do::{Documents, Free, One, Shut};
const OK: Report = Report::Reached;
const BAD: Report = Report::Failed;

fn run(name: &str, steps: &[Do], turns: &[Turn]) {
    let mut breaker = Breaker::new(Pace::default().breaker);
    let mut seen = Vec::new();
    for step in steps {
        match *step {
            Do::Report(at, report, count) => {
                for _ in 0..count {
                    let now = Timestamp(at);
                    let pass = breaker.enter(now).unwrap_or_else(|| panic!("{name}: shut at {at}"));
                    seen.extend(breaker.leave(pass, report, now));
                }
            }
            Documents(at, report, first, last) => {
                for document in first..=last {
                    let now = Timestamp(at);
                    let pass = breaker.enter(now).unwrap_or_else(|| panic!("{name}: shut at {at}"));
                    seen.extend(breaker.leave(pass.about(DocumentId(document)), report, now));
                }
            }
            Shut(at) => assert_eq!(breaker.room(Timestamp(at)), Room::None, "{name} at {at}"),
            One(at) => assert_eq!(breaker.room(Timestamp(at)), Room::One, "{name} at {at}"),
            Free(at) => assert_eq!(breaker.room(Timestamp(at)), Room::Free, "{name} at {at}"),
        }
    }
    assert_eq!(seen, turns, "{name}");
}

#[test]
fn opens_probes_and_closes() {
    use Do::Report as R;
    use Turn::{Closed, Opened};
    let table: &[(&str, &[Do], &[Turn])] = &[
        ("nine in a row", &[R(0, BAD, 9), Free(1)], &[]),
        (
            "ten in a row",
            &[R(0, BAD, 10), Shut(1), Shut(MINUTE - 1), One(MINUTE)],
            &[Opened],
        ),
        (
            "a success breaks the row",
            &[R(0, OK, 20), R(1, BAD, 9), R(2, OK, 1), R(3, BAD, 9), Free(4)],
            &[],
        ),
        (
            "seven of ten",
            &[R(0, OK, 3), R(0, BAD, 6), Free(0), R(1, BAD, 1), Shut(2)],
            &[Opened],
        ),
        ("six of ten", &[R(0, OK, 4), R(0, BAD, 6), Free(0)], &[]),
        (
            "old outcomes fall out",
            &[
                R(0, BAD, 6),
                R(6 * MINUTE, OK, 3),
                R(6 * MINUTE, BAD, 6),
                Free(6 * MINUTE),
            ],
            &[],
        ),
        ("refusals do not count", &[R(0, Report::Neither, 50), Free(0)], &[]),
        (
            "a failed probe doubles the wait",
            &[
                R(0, BAD, 10),
                R(MINUTE, BAD, 1),
                Shut(3 * MINUTE - 1),
                R(3 * MINUTE, BAD, 1),
                Shut(7 * MINUTE - 1),
                One(7 * MINUTE),
            ],
            &[Opened],
        ),
        (
            "one success is not enough",
            &[R(0, BAD, 10), R(MINUTE, OK, 1), One(MINUTE)],
            &[Opened],
        ),
        (
            "two successes close it",
            &[
                R(0, BAD, 10),
                R(MINUTE, OK, 2),
                Free(MINUTE),
                R(MINUTE, BAD, 9),
                Free(MINUTE),
            ],
            &[Opened, Closed],
        ),
        (
            "a refusal frees the probe",
            &[
                R(0, BAD, 10),
                R(MINUTE, Report::Neither, 3),
                One(MINUTE),
                R(MINUTE, OK, 2),
                Free(MINUTE),
            ],
            &[Opened, Closed],
        ),
        (
            "opens again",
            &[
                R(0, BAD, 10),
                R(MINUTE, OK, 2),
                R(2 * MINUTE, BAD, 10),
                Shut(2 * MINUTE),
            ],
            &[Opened, Closed, Opened],
        ),
    ];
    for (name, steps, turns) in table {
        run(name, steps, turns);
    }
}

#[test]
fn one_document_says_nothing_of_the_others() {
    use Turn::{Closed, Opened};
    let again = |times: usize, step: Do| vec![step; times];
    let table: &[(&str, Vec<Do>, &[Turn])] = &[
        (
            "one, a thousand times",
            [again(1_000, Documents(0, BAD, 1, 1)), vec![Free(1)]].concat(),
            &[],
        ),
        (
            "nine, a hundred times, and a tenth",
            [
                again(100, Documents(0, BAD, 1, 9)),
                vec![Free(1), Documents(2, BAD, 10, 10), Shut(3)],
            ]
            .concat(),
            &[Opened],
        ),
        (
            "nine beside a poll",
            vec![
                Documents(0, BAD, 1, 9),
                Documents(0, BAD, 1, 9),
                Do::Report(1, BAD, 1),
                Shut(2),
            ],
            &[Opened],
        ),
        (
            "seven of ten",
            [
                vec![Documents(0, OK, 21, 23)],
                again(9, Documents(1, BAD, 1, 6)),
                vec![Free(1), Documents(2, BAD, 7, 7), Shut(3)],
            ]
            .concat(),
            &[Opened],
        ),
        (
            "what succeeds in the end fails no more",
            vec![
                Documents(0, OK, 21, 23),
                Documents(1, BAD, 1, 6),
                Documents(2, OK, 1, 6),
                Documents(3, BAD, 7, 15),
                Free(4),
            ],
            &[],
        ),
        (
            "old failures fall out",
            vec![
                Documents(0, BAD, 1, 6),
                Documents(6 * MINUTE, OK, 21, 23),
                Documents(6 * MINUTE, BAD, 7, 12),
                Free(6 * MINUTE),
            ],
            &[],
        ),
        (
            "a probe with the poisoned one says nothing",
            vec![
                Documents(0, BAD, 1, 10),
                Shut(MINUTE - 1),
                Documents(MINUTE, BAD, 1, 1),
                Documents(MINUTE, BAD, 1, 1),
                One(MINUTE),
                Documents(MINUTE, OK, 2, 3),
                Free(MINUTE),
            ],
            &[Opened, Closed],
        ),
        (
            "two documents end the round",
            vec![
                Documents(0, BAD, 1, 10),
                Documents(MINUTE, BAD, 1, 2),
                Shut(3 * MINUTE - 1),
                One(3 * MINUTE),
            ],
            &[Opened],
        ),
        (
            "a document and a poll end the round",
            vec![
                Documents(0, BAD, 1, 10),
                Documents(MINUTE, BAD, 1, 1),
                Do::Report(MINUTE, BAD, 1),
                Shut(3 * MINUTE - 1),
                One(3 * MINUTE),
            ],
            &[Opened],
        ),
    ];
    for (name, steps, turns) in table {
        run(name, steps, turns);
    }
}

#[test]
fn as_many_documents_as_fail_memory_is_bounded() {
    let mut breaker = Breaker::new(Pace::default().breaker);
    for document in 0..20_000 {
        for (about, report) in [(document, BAD), (50_000, OK)] {
            let pass = breaker.enter(Timestamp(0)).expect("half of them succeed");
            breaker.leave(pass.about(DocumentId(about)), report, Timestamp(0));
        }
    }
    assert_eq!(breaker.failing.len(), MOST_DOCUMENTS);
    assert_eq!(
        breaker.slices.iter().map(|s| s.failed as usize).sum::<usize>(),
        20_000 - MOST_DOCUMENTS
    );
}

#[test]
fn the_wait_for_a_probe_is_capped() {
    let mut breaker = Breaker::new(Pace::default().breaker);
    let mut now = Timestamp(0);
    for _ in 0..10 {
        let pass = breaker.enter(now).expect("closed");
        breaker.leave(pass, BAD, now);
    }
    for _ in 0..12 {
        now = breaker.probe_at().expect("open");
        let pass = breaker.enter(now).expect("a probe");
        breaker.leave(pass, BAD, now);
    }
    assert_eq!(breaker.probe_at(), Some(now.plus_millis(30 * MINUTE)));
}

#[test]
fn only_the_probe_itself_answers_the_probe() {
    let mut breaker = Breaker::new(Pace::default().breaker);
    let early = breaker.enter(Timestamp(0)).expect("closed");
    for _ in 0..10 {
        let pass = breaker.enter(Timestamp(0)).expect("closed");
        breaker.leave(pass, BAD, Timestamp(0));
    }
    assert_eq!(breaker.leave(early, OK, Timestamp(1)), None);
    assert_eq!(breaker.state(), BreakerState::Open);
    let probe = breaker.enter(Timestamp(MINUTE)).expect("a probe");
    assert_eq!(breaker.enter(Timestamp(MINUTE)), None, "one probe at a time");
    assert_eq!(breaker.leave(early, BAD, Timestamp(MINUTE)), None);
    assert_eq!(breaker.state(), BreakerState::HalfOpen);
    breaker.leave(probe, OK, Timestamp(MINUTE));
    assert_eq!(breaker.room(Timestamp(MINUTE)), Room::One);
}

#[test]
fn a_stored_state_comes_back() {
    let pace = Pace::default().breaker;
    let closed = Breaker::restored(pace.clone(), BreakerState::Closed, None, Timestamp(5));
    assert_eq!(closed.room(Timestamp(5)), Room::Free);
    let open = Breaker::restored(pace.clone(), BreakerState::Open, Some(Timestamp(9)), Timestamp(5));
    assert_eq!(
        (open.room(Timestamp(8)), open.room(Timestamp(9))),
        (Room::None, Room::One)
    );
    let half = Breaker::restored(pace, BreakerState::HalfOpen, None, Timestamp(5));
    assert_eq!(half.room(Timestamp(5)), Room::One);
}
