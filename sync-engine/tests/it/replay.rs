//! Dead letters once more: one by one, by filter, since a time. Never a second effect.

use crate::exchange_world::{World, confirm, fast, reject, sandbox_options};
use std::time::Duration;
use sync_engine::domain::{DeliveryState, OperationId};
use sync_engine::engine::{DeadLetters, EngineError};
use sync_engine::exchange::Pace;
use sync_engine::sandbox::{Fault, FaultKind};
use sync_engine::store::{OperationKind, OperationRow};

fn posts(fault: Fault) -> Fault {
    Fault {
        method: Some("POST".to_owned()),
        ..fault.on("/api/operations")
    }
}

/// Gives up at the first failure.
fn impatient() -> Pace {
    Pace {
        quick_attempts: 1,
        give_up_after: Duration::ZERO,
        ..fast()
    }
}

async fn dead(world: &World, fault: FaultKind, answers: usize) -> Vec<OperationId> {
    let mut ids = Vec::new();
    for n in 0..answers {
        let row = world.order(1).await;
        world.sandbox().set_faults(vec![posts(Fault::always(fault))]);
        let answer = if n % 2 == 0 { confirm() } else { reject() };
        let saved = world.answer(&row, answer).await;
        world.reaches(saved.id, DeliveryState::Dead).await;
        ids.push(saved.id);
    }
    world.sandbox().set_faults(Vec::new());
    ids
}

async fn replayed(world: &World, id: OperationId) -> OperationRow {
    let new = world.operation(id).replayed_as.expect("replayed");
    world.reaches(new, DeliveryState::Applied).await
}

fn key_at_partner(world: &World, id: OperationId) -> bool {
    world
        .sandbox()
        .state()
        .operations
        .iter()
        .any(|o| o.key == id.to_string())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_given_up_goes_again_under_its_old_key_and_what_was_refused_under_a_new_one() {
    let world = World::with(impatient(), sandbox_options()).await;
    // Nobody knows what a server that fails has done with it.
    let given_up = dead(&world, FaultKind::ServerError, 1).await.remove(0);
    let refused = dead(&world, FaultKind::Redirect, 1).await.remove(0);
    for id in [given_up, refused] {
        world.engine.retry_operation(id, "user:clerk").await.expect("replayed");
    }
    let again = replayed(&world, given_up).await;
    assert!(key_at_partner(&world, given_up) && !key_at_partner(&world, again.id));
    assert!(
        world.attempts(again.id)[0].starts_with("lookup"),
        "asked first: {:?}",
        world.attempts(again.id)
    );
    let anew = replayed(&world, refused).await;
    assert!(key_at_partner(&world, anew.id) && !key_at_partner(&world, refused));
    world.end(&[]).await;
}

/// The partner took it and says that it failed; the engine gave up on it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_of_what_the_partner_has_has_no_second_effect() {
    let world = World::with(impatient(), sandbox_options()).await;
    let id = dead(&world, FaultKind::ErrorAfter, 1).await.remove(0);
    assert_eq!(world.sandbox().state().operations.len(), 1, "it had its effect");
    world.engine.retry_operation(id, "user:clerk").await.expect("replayed");
    let again = replayed(&world, id).await;
    let attempts = world.attempts(again.id);
    assert!(attempts[0].starts_with("lookup"), "asked first: {attempts:?}");
    assert!(
        !attempts.iter().any(|a| a.starts_with("send")),
        "not sent: {attempts:?}"
    );
    let operations = world.sandbox().state().operations;
    assert_eq!(operations.len(), 1, "one effect");
    assert_eq!(operations[0].key, id.to_string(), "under its own key");
    world.end(&[]).await;
}

/// The same where nobody can be asked: it goes once more under its key, and the partner knows it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_without_a_lookup_goes_under_its_old_key() {
    let world = World::with(impatient(), sandbox_options()).await;
    world.configure(|config| {
        let operations = config["operations"].as_object_mut().expect("operations");
        for operation in operations.values_mut() {
            operation.as_object_mut().expect("an operation").remove("lookup");
        }
        config["name"] = "without lookup".into();
    });
    crate::exchange_world::until("the configuration", || {
        let view = world.engine.partners().expect("readable").remove(0);
        (view.name == "without lookup").then_some(())
    })
    .await;
    let id = dead(&world, FaultKind::ErrorAfter, 1).await.remove(0);
    world.engine.retry_operation(id, "user:clerk").await.expect("replayed");
    replayed(&world, id).await;
    let operations = world.sandbox().state().operations;
    assert_eq!(
        (operations.len(), operations[0].replays),
        (1, 1),
        "one effect, asked for twice"
    );
    assert_eq!(operations[0].key, id.to_string());
    world.end(&[]).await;
}

/// Held because its outcome is not known; then released, but not looked for yet.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_may_have_arrived_is_not_taken_back_before_it_was_looked_for() {
    let world = World::with(impatient(), sandbox_options()).await;
    let row = world.order(1).await;
    world
        .sandbox()
        .set_faults(vec![posts(Fault::times(FaultKind::DropAfter, 1))]);
    let saved = world.answer(&row, confirm()).await;
    world.reaches(saved.id, DeliveryState::Held).await;
    let withdraw = || world.engine.withdraw_operation(saved.id, "user:clerk");
    let refused = |error: EngineError| {
        matches!(
            error,
            EngineError::Refused {
                code: "operation.state",
                ..
            }
        )
    };
    assert!(refused(withdraw().await.expect_err("held")));

    let pause = |on| world.engine.set_paused(&row.partner, on, "user:clerk");
    pause(true).await.expect("paused");
    let released = world.engine.release_operation(saved.id, "user:clerk").await;
    assert_eq!(released.expect("released").state, DeliveryState::Queued);
    assert!(refused(withdraw().await.expect_err("released")));

    pause(false).await.expect("resumed");
    world.reaches(saved.id, DeliveryState::Applied).await;
    assert_eq!(world.sandbox().state().operations.len(), 1, "one effect");
    world.end(&[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dead_letters_are_replayed_by_filter_and_since_a_time() {
    let world = World::with(impatient(), sandbox_options()).await;
    let early = dead(&world, FaultKind::ServerError, 2).await;
    let refused = dead(&world, FaultKind::Redirect, 2).await;
    let since = world.operation(refused[0]).updated_at;
    let engine = &world.engine;
    let which = |which: DeadLetters| async move { engine.replay(&which, "user:clerk").await.expect("replayed") };

    let none = which(DeadLetters {
        error: Some("partner.credentials".to_owned()),
        ..DeadLetters::default()
    });
    assert_eq!(none.await.queued, 0);
    let rejections_since = which(DeadLetters {
        kind: Some(OperationKind::Reject),
        since: Some(since),
        ..DeadLetters::default()
    });
    assert_eq!(rejections_since.await.queued, 1);
    replayed(&world, refused[1]).await;
    assert_eq!(world.operation(refused[0]).state, DeliveryState::Dead);
    let one_document = which(DeadLetters {
        document: Some(world.operation(early[0]).document),
        ..DeadLetters::default()
    });
    assert_eq!(one_document.await.queued, 1);
    replayed(&world, early[0]).await;
    let by_code = which(DeadLetters {
        partner: Some(crate::exchange_world::partner()),
        error: world.operation(refused[0]).last_error.map(|e| e.code),
        ..DeadLetters::default()
    });
    assert_eq!(by_code.await.queued, 1);
    replayed(&world, refused[0]).await;
    assert_eq!(world.operation(early[1]).state, DeliveryState::Dead);
    assert_eq!(which(DeadLetters::default()).await.queued, 1);
    replayed(&world, early[1]).await;
    world.end(&[]).await;
}
