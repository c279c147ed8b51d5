use super::*;
use crate::clock::Sleep;
use crate::store::SqliteStore;
use std::sync::atomic::{AtomicI64, Ordering};

/// A clock that a test moves.
#[derive(Default)]
struct Hands(AtomicI64);

impl Clock for Hands {
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

struct Bench {
    gate: Arc<Gate>,
    hands: Arc<Hands>,
    clock: Arc<dyn Clock>,
}

impl Bench {
    fn new() -> Self {
        let hands = Arc::new(Hands::default());
        Self {
            gate: Arc::new(Gate::new(
                &CompanyId("main".to_owned()),
                &PartnerId("acme".to_owned()),
                &Pace::default(),
            )),
            clock: Arc::clone(&hands) as Arc<dyn Clock>,
            hands,
        }
    }

    fn at(&self, seconds: i64) {
        self.hands.0.store(seconds * 1000, Ordering::Relaxed);
    }

    fn places(&self) -> u32 {
        self.gate.places(8, self.clock.now())
    }

    fn lets(&self, purpose: Use) -> bool {
        self.gate.enter(purpose, &self.clock).is_some()
    }

    fn make(&self, purpose: Use, report: Report, credentials: Credentials) -> Option<Told> {
        let entered = self.gate.enter(purpose, &self.clock).expect("the gate is open");
        let error = (report != Report::Reached).then(|| OperationError {
            code: "partner.unavailable".to_owned(),
            status: None,
            message: None,
        });
        entered.leave(&Learned {
            report,
            credentials,
            error,
        })
    }
}

#[test]
fn places_are_taken_and_given_back() {
    let bench = Bench::new();
    assert_eq!(bench.places(), 8);
    let first = bench.gate.enter(Use::Deliver, &bench.clock).expect("open");
    let _poll = bench.gate.enter(Use::Poll, &bench.clock).expect("open");
    assert_eq!(bench.places(), 7, "polls take none");
    drop(first);
    assert_eq!(bench.places(), 8, "dropped without an outcome");
    assert_eq!(bench.gate.state().last_failure_at, None);
}

#[test]
fn a_pause_shuts_everything() {
    let bench = Bench::new();
    bench.gate.set_paused(true);
    assert_eq!(
        (bench.places(), bench.lets(Use::Poll), bench.lets(Use::Deliver)),
        (0, false, false)
    );
    bench.gate.set_paused(false);
    assert_eq!((bench.places(), bench.lets(Use::Poll)), (8, true));
}

#[test]
fn outages_are_told_once_and_probed_one_at_a_time() {
    let bench = Bench::new();
    let told: Vec<_> = (0..10)
        .filter_map(|_| bench.make(Use::Deliver, Report::Failed, Credentials::NotAsked))
        .collect();
    assert_eq!(told, [Told::Unreachable]);
    assert_eq!((bench.places(), bench.lets(Use::Poll)), (0, false));
    bench.at(60);
    assert_eq!(bench.places(), 1);
    let probe = bench.gate.enter(Use::Poll, &bench.clock).expect("a probe");
    assert_eq!((bench.places(), bench.lets(Use::Deliver)), (0, false));
    drop(probe);
    assert_eq!(bench.make(Use::Poll, Report::Reached, Credentials::Accepted), None);
    assert_eq!(
        bench.make(Use::Deliver, Report::Reached, Credentials::Accepted),
        Some(Told::Reachable)
    );
    assert_eq!(bench.places(), 8);
}

#[test]
fn one_document_that_always_fails_shuts_nothing() {
    let bench = Bench::new();
    for _ in 0..100 {
        let entered = bench.gate.enter(Use::Deliver, &bench.clock).expect("the gate is open");
        let told = entered.about(DocumentId(7)).leave(&Learned {
            report: Report::Failed,
            credentials: Credentials::NotAsked,
            error: None,
        });
        assert_eq!(told, None);
    }
    assert_eq!((bench.places(), bench.lets(Use::Poll)), (8, true));
}

#[test]
fn refused_credentials_wait_and_are_tried_by_the_use_that_failed() {
    let bench = Bench::new();
    let told = bench.make(Use::Deliver, Report::Neither, Credentials::Refused);
    assert_eq!(told, Some(Told::CredentialsBroken));
    assert!(bench.gate.state().credentials_broken);
    assert_eq!((bench.places(), bench.lets(Use::Poll)), (0, false));
    bench.at(60);
    assert!(!bench.lets(Use::Poll));
    assert_eq!(bench.places(), 1);
    assert_eq!(
        bench.make(Use::Deliver, Report::Neither, Credentials::Refused),
        None,
        "told once"
    );
    bench.at(179);
    assert_eq!(bench.places(), 0, "the wait doubles");
    bench.at(180);
    assert_eq!(
        bench.make(Use::Deliver, Report::Reached, Credentials::Accepted),
        Some(Told::CredentialsGood)
    );
    assert_eq!((bench.places(), bench.lets(Use::Poll)), (8, true));
}

#[test]
fn a_person_need_not_wait_for_a_probes_time() {
    let bench = Bench::new();
    bench.make(Use::Poll, Report::Neither, Credentials::Refused);
    assert!(!bench.lets(Use::Poll));
    bench.gate.hasten(bench.clock.now());
    assert!(bench.lets(Use::Poll));
}

#[test]
fn who_asks_again_and_again_is_let_through_though_nothing_is_left_of_what_was_refused() {
    let bench = Bench::new();
    bench.make(Use::Deliver, Report::Neither, Credentials::Refused);
    // The clerk takes the operation back, and asks for news more often than the credentials are tried.
    for second in [1, 21, 41] {
        bench.at(second);
        bench.gate.hasten(bench.clock.now());
        assert_eq!(bench.make(Use::Poll, Report::Neither, Credentials::Refused), None);
        assert!(!bench.lets(Use::Poll), "refused once more");
    }
    bench.gate.hasten(bench.clock.now());
    let told = bench.make(Use::Poll, Report::Reached, Credentials::Accepted);
    assert_eq!(told, Some(Told::CredentialsGood));
}

#[test]
fn what_is_stored_comes_back() {
    let bench = Bench::new();
    (0..10).for_each(|_| {
        bench.make(Use::Poll, Report::Failed, Credentials::NotAsked);
    });
    let state = bench.gate.state();
    assert_eq!(
        (state.breaker, state.probe_at),
        (BreakerState::Open, Some(Timestamp(60_000)))
    );
    let again = Gate::restored(state, &Pace::default(), Timestamp(1000));
    assert_eq!(
        (again.places(8, Timestamp(1000)), again.places(8, Timestamp(60_000))),
        (0, 1)
    );
}

#[test]
fn refused_credentials_are_tried_by_the_other_use_when_the_first_has_nothing_to_do() {
    let bench = Bench::new();
    let refused = bench.make(Use::Deliver, Report::Neither, Credentials::Refused);
    assert_eq!(refused, Some(Told::CredentialsBroken));
    // The clerk takes the operation back: nothing is left to deliver.
    bench.at(60);
    assert!(!bench.lets(Use::Poll), "the delivery's turn");
    bench.at(120);
    let told = bench.make(Use::Poll, Report::Reached, Credentials::Accepted);
    assert_eq!(told, Some(Told::CredentialsGood));
}

#[test]
fn what_another_engine_told_of_an_outage_stays_until_one_tells_its_end_or_reached_the_partner_since() {
    use BreakerState::{Closed, HalfOpen, Open};
    let state = |breaker, success: i64, failure: i64| PartnerState {
        breaker,
        last_success_at: Some(Timestamp(success)),
        last_failure_at: Some(Timestamp(failure)),
        ..Bench::new().gate.state()
    };
    let cases = [
        // Ours; as it is stored; told; what is written.
        (
            "it did not notice yet",
            state(Closed, 5, 6),
            state(Open, 5, 9),
            None,
            Open,
        ),
        (
            "it reached the partner since",
            state(Closed, 10, 6),
            state(Open, 5, 9),
            None,
            Closed,
        ),
        (
            "it tells of the outage",
            state(Open, 5, 9),
            state(Closed, 8, 1),
            Some(Told::Unreachable),
            Open,
        ),
        (
            "it did not notice the end yet",
            state(HalfOpen, 5, 9),
            state(Closed, 20, 9),
            None,
            Closed,
        ),
        (
            "it tells of the end",
            state(Closed, 20, 9),
            state(Open, 5, 30),
            Some(Told::Reachable),
            Closed,
        ),
        (
            "a pause is no end",
            state(Closed, 5, 6),
            state(Open, 5, 9),
            Some(Told::Paused),
            Open,
        ),
        ("both wait", state(HalfOpen, 5, 9), state(Open, 5, 8), None, HalfOpen),
    ];
    for (what, ours, stored, told, written) in cases {
        let together = together(ours.clone(), Some(&stored), told);
        assert_eq!(together.breaker, written, "{what}");
        assert_eq!(
            together.last_success_at,
            ours.last_success_at.max(stored.last_success_at),
            "{what}"
        );
        assert_eq!(
            together.last_failure_at,
            ours.last_failure_at.max(stored.last_failure_at),
            "{what}"
        );
    }
    let refused = PartnerState {
        credentials_broken: true,
        ..state(Closed, 5, 9)
    };
    assert!(together(state(Closed, 5, 6), Some(&refused), None).credentials_broken);
    assert!(!together(state(Closed, 10, 9), Some(&refused), Some(Told::CredentialsGood)).credentials_broken);
    assert_eq!(together(refused.clone(), None, None), refused);
}

#[test]
fn a_pause_is_not_undone_by_a_row_that_was_read_before_it() {
    let gate = Bench::new().gate;
    let before = gate.pauses();
    gate.set_paused(true);
    assert!(!gate.follow_pause(before, false), "an older row resumes nothing");
    assert!(gate.state().paused);
    let before = gate.pauses();
    assert!(gate.follow_pause(before, false), "a newer one does");
    assert!(!gate.state().paused);
}

#[tokio::test]
async fn a_turn_that_could_not_be_written_is_told_by_the_next_save() {
    let folder = tempfile::tempdir().expect("a folder");
    let open =
        |name: &str| -> Arc<dyn Store> { Arc::new(SqliteStore::open(folder.path().join(name)).expect("a store")) };
    let (refuses, takes) = (open("refuses.db"), open("takes.db"));
    refuses.close();
    let bench = Bench::new();
    let (now, company) = (bench.clock.now(), CompanyId("main".to_owned()));
    let told = (0..10).find_map(|_| bench.make(Use::Poll, Report::Failed, Credentials::NotAsked));
    let turned = told.map(|told| (told, "engine"));
    bench.gate.save(&takes, None, now).await.expect("nothing is due");
    bench.gate.save(&refuses, turned, now).await.expect_err("closed");
    assert!(bench.gate.has_untold());
    // The row is there, and says that all is well: only what is told changes that.
    let well = Bench::new().gate;
    well.save(&takes, None, Timestamp(60_000)).await.expect("written");
    let stored = |store: &Arc<dyn Store>| store.partner_states(&company).expect("read").remove(0).breaker;
    assert_eq!(stored(&takes), BreakerState::Closed);
    bench.gate.save(&refuses, None, now).await.expect_err("closed");
    bench.gate.save(&takes, None, now).await.expect("written");
    assert_eq!(stored(&takes), BreakerState::Open);
    assert!(!bench.gate.has_untold());
    let before = takes.changes(0, 100).expect("read").len();
    bench.gate.save(&takes, None, now).await.expect("nothing is due");
    assert_eq!(takes.changes(0, 100).expect("read").len(), before, "told once");
}
