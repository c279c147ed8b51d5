//! What goes wrong on the way, one switch of the sandbox at a time, and the state that each ends in.

use crate::exchange_world::{World, confirm, fast, partner, sandbox_options, until};
use std::time::Duration;
use sync_engine::domain::{ChainState, DeliveryState, DocumentKind, VersionNumber};
use sync_engine::sandbox::{Fault, FaultKind, OrderSpec};
use sync_engine::store::{Counters, OperationRow, QuarantineQuery, QuarantineRow, QuarantineState};

const OPERATIONS: &str = "/api/operations";

fn posts(fault: Fault) -> Fault {
    Fault {
        method: Some("POST".to_owned()),
        ..fault.on(OPERATIONS)
    }
}

fn after(seconds: u64, fault: Fault) -> Fault {
    Fault {
        retry_after_seconds: Some(seconds),
        ..fault
    }
}

/// A fault on sending, and how the attempts end before the operation is applied.
struct Case {
    name: &'static str,
    faults: Vec<Fault>,
    attempts: &'static [&'static str],
    /// Least milliseconds between the first two attempts.
    apart: i64,
}

fn cases() -> Vec<Case> {
    let case = |name, faults, attempts, apart| Case {
        name,
        faults,
        attempts,
        apart,
    };
    let once = |kind| vec![posts(Fault::times(kind, 1))];
    vec![
        case(
            "two internal errors",
            vec![posts(Fault::times(FaultKind::ServerError, 2))],
            &["send 500 Retrying", "send 500 Retrying", "send 202 Delivered"],
            0,
        ),
        case(
            "too many requests",
            vec![after(1, posts(Fault::times(FaultKind::TooManyRequests, 1)))],
            &["send 429 Retrying", "send 202 Delivered"],
            1000,
        ),
        case(
            "unavailable for a second",
            vec![after(1, posts(Fault::times(FaultKind::Unavailable, 1)))],
            &["send 503 Retrying", "send 202 Delivered"],
            1000,
        ),
        case(
            "dropped before it was processed",
            once(FaultKind::DropBefore),
            &["send - Unknown", "lookup 404 Retrying", "send 202 Delivered"],
            0,
        ),
        case(
            "dropped after it was applied",
            once(FaultKind::DropAfter),
            &["send - Unknown"],
            0,
        ),
        case(
            "dropped, and the lookup fails at first",
            vec![
                posts(Fault::times(FaultKind::DropAfter, 1)),
                Fault {
                    method: Some("GET".to_owned()),
                    ..Fault::times(FaultKind::ServerError, 1).on(OPERATIONS)
                },
            ],
            &["send - Unknown", "lookup 500 Unknown"],
            0,
        ),
        case(
            "an expired token",
            once(FaultKind::ExpiredToken),
            &["send 202 Delivered"],
            0,
        ),
        case("a slow answer", once(FaultKind::Slow), &["send 202 Delivered"], 0),
        case("an answer in drips", once(FaultKind::Drip), &["send 202 Delivered"], 0),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_fault_of_sending_ends_applied_with_one_effect() {
    let world = World::start().await;
    for case in cases() {
        let row = world.order(1).await;
        let name = case.name;
        world.sandbox().set_faults(case.faults);
        let saved = world.answer(&row, confirm()).await;
        world.reaches(saved.id, DeliveryState::Applied).await;
        world.sandbox().set_faults(Vec::new());
        let attempts = world.attempts(saved.id);
        assert!(attempts.len() >= case.attempts.len(), "{name}: {attempts:?}");
        assert_eq!(&attempts[..case.attempts.len()], case.attempts, "{name}");
        let rows = world.store().attempts(saved.id).expect("readable");
        if case.apart > 0 {
            let apart = rows[1].started_at.0 - rows[0].started_at.0;
            assert!(apart >= case.apart, "{name}: {apart} ms");
        }
        let state = world.sandbox().state();
        let seen = state
            .operations
            .iter()
            .find(|o| o.key == saved.id.to_string())
            .expect("the partner has it");
        assert_eq!(seen.replays, 0, "{name}: sent again although the partner had it");
        assert_eq!(world.row(row.id).state, ChainState::Confirmed, "{name}");
    }
    world.end(&[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_lookup_the_same_key_is_sent_again() {
    let world = World::start().await;
    let row = world.order(1).await;
    world.configure(|config| {
        let operations = config["operations"].as_object_mut().expect("operations");
        for operation in operations.values_mut() {
            operation.as_object_mut().expect("an operation").remove("lookup");
        }
        config["name"] = "without lookup".into();
    });
    renamed(&world, "without lookup").await;
    world
        .sandbox()
        .set_faults(vec![posts(Fault::times(FaultKind::DropAfter, 1))]);
    let saved = world.answer(&row, confirm()).await;
    world.reaches(saved.id, DeliveryState::Applied).await;
    let attempts = world.attempts(saved.id);
    assert_eq!(&attempts[..2], ["send - Unknown", "send 202 Delivered"]);
    assert_eq!(world.sandbox().state().operations[0].replays, 1);
    world.end(&[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_neither_lookup_nor_key_a_person_decides() {
    let world = World::start().await;
    let row = world.order(1).await;
    world.configure(|config| {
        let operations = config["operations"].as_object_mut().expect("operations");
        for operation in operations.values_mut() {
            operation.as_object_mut().expect("an operation").remove("lookup");
        }
        config["idempotency"]["honoured"] = false.into();
        config["name"] = "blind".into();
    });
    renamed(&world, "blind").await;
    world
        .sandbox()
        .set_faults(vec![posts(Fault::times(FaultKind::DropAfter, 1))]);
    let saved = world.answer(&row, confirm()).await;
    let held = world.reaches(saved.id, DeliveryState::Held).await;
    assert_eq!(held.attempts, 1);
    assert!(held.last_error.is_some());
    world.end(&[DeliveryState::Held]).await;
}

async fn renamed(world: &World, name: &str) {
    until(name, || {
        let view = world.engine.partners().expect("readable").remove(0);
        (view.name == name).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_answers_in_the_partners_place_loses_nothing() {
    let pace = sync_engine::exchange::Pace {
        doubt_after: Duration::from_secs(2),
        ..fast()
    };
    let world = World::with(pace, sandbox_options()).await;
    let row = world.order(1).await;
    world
        .sandbox()
        .set_faults(vec![posts(Fault::times(FaultKind::NotJson, 1))]);
    let saved = world.answer(&row, confirm()).await;
    world.reaches(saved.id, DeliveryState::Applied).await;
    assert_eq!(world.sandbox().state().operations.len(), 1);
    world.end(&[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_comes_before_the_answer_left_holds_it() {
    let world = World::start().await;
    for release in [false, true] {
        let row = world.order(2).await;
        world
            .sandbox()
            .set_faults(vec![posts(Fault::always(FaultKind::ServerError))]);
        let saved = world.answer(&row, confirm()).await;
        world.reaches(saved.id, DeliveryState::Retrying).await;
        world.sandbox().change_order(&row.number).expect("changed");
        let held = world.reaches(saved.id, DeliveryState::Held).await;
        world.sandbox().set_faults(Vec::new());
        let row = world.arrived(DocumentKind::Order, &row.number, 2).await;
        assert!(row.needs_answer, "the new version waits for its own answer");
        let sent_before = world.attempts(held.id).len();
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(
            world.attempts(held.id).len(),
            sent_before,
            "a held answer does not leave"
        );
        if release {
            // The partner says what it thinks of an answer to an old version; the clerk is asked again.
            world
                .engine
                .release_operation(saved.id, "user:clerk")
                .await
                .expect("released");
            until("another attempt", || {
                (world.attempts(saved.id).len() > sent_before).then_some(())
            })
            .await;
            let back = world.reaches(saved.id, DeliveryState::Held).await;
            assert_eq!(back.last_error.and_then(|e| e.status), Some(409));
        }
        let gone = world
            .engine
            .withdraw_operation(saved.id, "user:clerk")
            .await
            .expect("withdrawn");
        assert_eq!(gone.state, DeliveryState::Withdrawn);
        let saved = world.answer(&row, confirm()).await;
        world.reaches(saved.id, DeliveryState::Applied).await;
        assert_eq!(world.row(row.id).agreed, Some(VersionNumber(2)));
    }
    world.end(&[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_answer_is_a_dead_letter_with_the_partners_words() {
    let world = World::start().await;
    let row = world.order(1).await;
    world.configure(|config| {
        let confirm = config["operations"]["confirm"].as_object_mut().expect("confirm");
        confirm.remove("schema");
        let body = confirm["request"]["body"].as_object_mut().expect("a body");
        body.remove("answeredAt");
        config["name"] = "forgetful".into();
    });
    renamed(&world, "forgetful").await;
    let saved = world.answer(&row, confirm()).await;
    let dead = world.reaches(saved.id, DeliveryState::Dead).await;
    let error = dead.last_error.expect("why");
    assert_eq!((error.code.as_str(), error.status), ("partner.rejected", Some(422)));
    assert!(error.message.expect("the partner's words").contains("answeredAt"));

    world.configure(|_| {});
    renamed(&world, "Sandbox partner").await;
    // Refused, so it had no effect: as the mended configuration makes it, under a key of its own.
    let replayed = world
        .engine
        .retry_operation(saved.id, "user:clerk")
        .await
        .expect("replayed");
    assert_eq!(
        (replayed.state, replayed.replay_of),
        (DeliveryState::Queued, Some(saved.id))
    );
    world.reaches(replayed.id, DeliveryState::Applied).await;
    let old = world.operation(saved.id);
    assert_eq!(
        (old.state, old.replayed_as),
        (DeliveryState::Withdrawn, Some(replayed.id))
    );
    assert!(old.last_error.is_some(), "the old one keeps its reason");
    assert_eq!(world.attempts(saved.id), ["send 422 Dead"]);
    let history = world.store().history(row.id, None, 50).expect("readable").items;
    let entry = history.iter().find(|h| h.action == "replay").expect("in the history");
    assert_eq!(entry.actor, "user:clerk");
    assert_eq!(entry.detail["replayOf"], serde_json::json!(saved.id));
    let twice = world.engine.retry_operation(saved.id, "user:clerk").await;
    assert!(twice.is_err(), "a dead letter is replayed once");
    world.end(&[]).await;
}

fn quarantined(world: &World) -> Vec<QuarantineRow> {
    let query = QuarantineQuery {
        company: world.engine.company().clone(),
        partner: Some(partner()),
        state: None,
        cursor: None,
        limit: 50,
    };
    world.store().list_quarantine(&query).expect("readable").items
}

fn counted(world: &World) -> Counters {
    world.store().counters(world.engine.company()).expect("readable")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fails_its_schema_waits_in_quarantine_and_blocks_nothing() {
    let world = World::start().await;
    world
        .engine
        .set_paused(&partner(), true, "user:it")
        .await
        .expect("paused");
    let numbers: Vec<_> = (0..5).map(|_| world.issue(1)).collect();
    world
        .sandbox()
        .set_faults(vec![Fault::times(FaultKind::WrongSchema, 1).on("/api/purchase-orders")]);
    world
        .engine
        .set_paused(&partner(), false, "user:it")
        .await
        .expect("resumed");
    until("four orders and one in quarantine", || {
        let counters = counted(&world);
        (counters.documents == 4 && counters.quarantine == 1).then_some(())
    })
    .await;
    let row = quarantined(&world).remove(0);
    assert_eq!((row.stage.as_str(), row.state), ("schema", QuarantineState::Open));
    assert!(
        row.problems.iter().any(|p| p.pointer == "/version"),
        "{:?}",
        row.problems
    );
    let arrived = numbers
        .iter()
        .filter(|n| world.find(DocumentKind::Order, n).is_some())
        .count();
    assert_eq!(arrived, 4);

    let again = world
        .engine
        .retry_quarantine(row.id, "user:it")
        .await
        .expect("run again");
    assert_eq!((again.state, again.runs), (QuarantineState::Open, 2));
    let gone = world
        .engine
        .dismiss_quarantine(row.id, "user:it")
        .await
        .expect("dismissed");
    assert_eq!(gone.state, QuarantineState::Dismissed);
    world.end(&[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mended_configuration_takes_in_what_was_in_quarantine() {
    let world = World::start().await;
    let row = world.order(1).await;
    world.configure(|config| {
        let values = config["codes"]["purpose"]["values"].as_object_mut().expect("values");
        values.remove("PURCHASE_ORDER_CHANGE");
        config["name"] = "knows no changes".into();
    });
    renamed(&world, "knows no changes").await;
    world.sandbox().change_order(&row.number).expect("changed");
    until("a quarantined change", || {
        (counted(&world).quarantine == 1).then_some(())
    })
    .await;
    let waiting = quarantined(&world).remove(0);
    assert_eq!(waiting.stage, "mapping");
    assert_eq!(waiting.number.as_deref(), Some(row.number.as_str()));
    assert_eq!(world.row(row.id).current, VersionNumber(1));

    world.configure(|_| {});
    renamed(&world, "Sandbox partner").await;
    let settled = world
        .engine
        .retry_quarantine(waiting.id, "user:it")
        .await
        .expect("run again");
    assert_eq!(settled.state, QuarantineState::Resolved);
    assert_eq!(world.row(row.id).current, VersionNumber(2));
    world.end(&[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_that_misbehave_bring_every_version_once() {
    let world = World::start().await;
    let kinds = [
        FaultKind::Duplicated,
        FaultKind::Reordered,
        FaultKind::ServerError,
        FaultKind::TooManyRequests,
        FaultKind::DropAfter,
        FaultKind::NotJson,
        FaultKind::Redirect,
        FaultKind::ExpiredToken,
        FaultKind::Oversized,
        FaultKind::EndlessPage,
    ];
    for kind in kinds {
        world
            .engine
            .set_paused(&partner(), true, "user:it")
            .await
            .expect("paused");
        let spec = OrderSpec {
            count: Some(3),
            lines: Some(1),
            ..OrderSpec::default()
        };
        let issued = world.sandbox().issue_order(&spec).expect("issued");
        world.sandbox().change_order(&issued[0].number).expect("changed");
        world
            .sandbox()
            .set_faults(vec![Fault::times(kind, 2).on("/api/purchase-orders")]);
        world
            .engine
            .set_paused(&partner(), false, "user:it")
            .await
            .expect("resumed");
        for order in &issued {
            world.arrived(DocumentKind::Order, &order.number, 1).await;
        }
        let changed = world.arrived(DocumentKind::Order, &issued[0].number, 1).await;
        let stored = || {
            let versions = world.store().versions(changed.id).expect("readable");
            (versions.len() >= 2).then_some(versions)
        };
        let versions = until(&format!("{kind:?}: both versions"), stored).await;
        // The head is read after both are there: they may have come one after the other.
        let changed = world.row(changed.id);
        world.sandbox().set_faults(Vec::new());
        assert_eq!(versions.len(), 2, "{kind:?}");
        let current = versions.iter().find(|v| v.number == changed.current).expect("there");
        assert_eq!(current.sequence, Some(2), "{kind:?}: the later version is current");
    }
    let counters = counted(&world);
    assert_eq!(counters.documents, 3 * kinds.len() as i64);
    assert!(counters.duplicates > 0);
    assert_eq!(counters.quarantine, 0, "{:#?}", quarantined(&world));
    world.end(&[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poisoned_operation_holds_up_only_its_document() {
    let mut pace = fast();
    pace.quick_attempts = 1;
    pace.durable = vec![Duration::from_secs(3600)];
    let world = World::with(pace, sandbox_options()).await;
    let poisoned = world.order(1).await;
    let well = world.order(1).await;
    world
        .sandbox()
        .set_faults(vec![posts(Fault::times(FaultKind::ServerError, 1))]);
    let mut received = confirm();
    received.code = sync_engine::domain::HeaderAnswer::AB;
    let first: OperationRow = world.answer(&poisoned, received).await;
    world.reaches(first.id, DeliveryState::Retrying).await;
    let behind = world.answer(&poisoned, confirm()).await;
    let other = world.answer(&well, confirm()).await;
    world.reaches(other.id, DeliveryState::Applied).await;
    assert_eq!(world.operation(behind.id).state, DeliveryState::Queued);
    assert_eq!(world.operation(first.id).state, DeliveryState::Retrying);

    world
        .engine
        .retry_operation(first.id, "user:clerk")
        .await
        .expect("tried now");
    world.reaches(behind.id, DeliveryState::Applied).await;
    world.reaches(first.id, DeliveryState::Applied).await;
    world.end(&[]).await;
}
