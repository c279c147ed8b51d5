//! Dead letters once more: one by one, by filter, since a time. Never a second effect.

use crate::exchange_world::{World, confirm, fast, reject, sandbox_options};
use std::time::Duration;
use sync_engine::domain::{DeliveryState, OperationId};
use sync_engine::engine::DeadLetters;
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

/// The partner took it, its answer was lost, and the engine gave up before it could ask.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_of_what_the_partner_has_has_no_second_effect() {
    let world = World::with(impatient(), sandbox_options()).await;
    let row = world.order(1).await;
    let lost = |kind| Fault {
        method: Some("POST".to_owned()),
        ..Fault::times(kind, 1).on("/api/operations")
    };
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
    world.sandbox().set_faults(vec![lost(FaultKind::DropAfter)]);
    let saved = world.answer(&row, confirm()).await;
    let end = crate::exchange_world::until("the end of it", || {
        let row = world.operation(saved.id);
        matches!(row.state, DeliveryState::Held | DeliveryState::Dead).then_some(row)
    })
    .await;
    let last = match end.state {
        DeliveryState::Dead => {
            let new = world
                .engine
                .retry_operation(saved.id, "user:clerk")
                .await
                .expect("replayed");
            new.id
        }
        _ => {
            let released = world
                .engine
                .release_operation(saved.id, "user:clerk")
                .await
                .expect("released");
            released.id
        }
    };
    world.reaches(last, DeliveryState::Applied).await;
    assert_eq!(world.sandbox().state().operations.len(), 1, "one effect, under one key");
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
