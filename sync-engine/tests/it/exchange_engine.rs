//! The engine as a whole: outages, credentials, configuration, two of them at once, stopping.

use crate::exchange_world::{World, confirm, fast, partner, partners_dir, sandbox_options, until, write_config};
use std::time::Duration;
use sync_engine::domain::{DeliveryState, DocumentKind};
use sync_engine::engine::{EngineError, PartnerStatus, PartnerView};
use sync_engine::partner::{Secret, Secrets};
use sync_engine::sandbox::{Fault, FaultKind, OrderSpec, Sandbox, SandboxOptions};
use sync_engine::store::{ChangeKind, Store};

fn view(world: &World) -> PartnerView {
    world.engine.partners().expect("readable").remove(0)
}

async fn status(world: &World, wanted: PartnerStatus) -> PartnerView {
    until(&format!("{wanted:?}"), || {
        Some(view(world)).filter(|v| v.status == wanted)
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_queue_drains_by_itself_when_the_network_is_back() {
    let state = tempfile::tempdir().expect("a folder");
    let options = |port| SandboxOptions {
        port,
        state_file: Some(state.path().join("sandbox.jsonl")),
        ..sandbox_options()
    };
    // Longer than anyone waits here: they go because the partner is back, not because their time has come.
    let pace = sync_engine::exchange::Pace {
        quick_attempts: 2,
        durable: vec![Duration::from_secs(3600)],
        ..fast()
    };
    let mut world = World::with(pace, options(0)).await;
    let spec = OrderSpec {
        count: Some(6),
        lines: Some(1),
        ..OrderSpec::default()
    };
    let issued = world.sandbox().issue_order(&spec).expect("issued");
    let mut rows = Vec::new();
    for order in &issued {
        rows.push(world.arrived(DocumentKind::Order, &order.number, 1).await);
    }
    let sandbox = world.sandbox.take().expect("runs");
    let port = sandbox.port();
    sandbox.stop().await;

    let mut saved = Vec::new();
    for row in &rows {
        saved.push(world.answer(row, confirm()).await);
    }
    let down = status(&world, PartnerStatus::Unreachable).await;
    assert!(down.reason.is_some());
    let health = world.engine.health();
    assert!(health.ready, "everything but delivery works");
    assert_eq!(health.reasons[0].code, "partner.unreachable");
    for operation in &saved {
        let row = world.operation(operation.id);
        assert!(
            matches!(
                row.state,
                DeliveryState::Queued | DeliveryState::Sending | DeliveryState::Retrying
            ),
            "{row:?}"
        );
    }

    world.sandbox = Some(Sandbox::start(options(port)).await.expect("back"));
    for operation in &saved {
        world.reaches(operation.id, DeliveryState::Applied).await;
    }
    status(&world, PartnerStatus::OnLine).await;
    let changes = world.store().changes(0, 10_000).expect("readable");
    assert!(
        changes.iter().any(|c| c.kind == ChangeKind::Partner),
        "a person is told"
    );
    world.end(&[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broken_credentials_make_the_queue_wait() {
    let world = World::start().await;
    let row = world.order(1).await;
    let secret = |text: &str| {
        let kept = world.secrets.set("sandbox.client_secret", Secret::new(text.to_owned()));
        kept.expect("kept");
    };
    secret("wrong");
    // A saved file is in force at once: with a new sign-in.
    world.configure(|_| {});
    let broken = status(&world, PartnerStatus::CredentialsBroken).await;
    assert!(broken.reason.is_some());
    let saved = world.answer(&row, confirm()).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let waits = world.operation(saved.id);
    assert!(
        matches!(waits.state, DeliveryState::Queued | DeliveryState::Retrying),
        "{waits:?}"
    );

    secret("sandbox-secret");
    world.reaches(saved.id, DeliveryState::Applied).await;
    status(&world, PartnerStatus::OnLine).await;
    world.end(&[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_secret_is_shown_and_no_crash() {
    let world = World::start().await;
    world.secrets.0.lock().expect("not poisoned").clear();
    world.configure(|_| {});
    let shown = until("a partner that is not on line", || {
        Some(view(&world)).filter(|v| v.status != PartnerStatus::OnLine)
    })
    .await;
    let words = format!("{:?} {:?}", shown.reason, shown.config_errors);
    assert!(words.contains("sandbox.client_secret"), "{words}");
    world.end(&[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_file_is_refused_and_the_last_good_one_stays() {
    let world = World::start().await;
    let file = partners_dir(world.dir.path()).join("sandbox.json");
    let good = std::fs::read(&file).expect("readable");
    std::fs::write(&file, b"{ \"id\": \"sandbox\", ").expect("written");
    let refused = until("the mistakes", || {
        Some(view(&world)).filter(|v| !v.config_errors.is_empty())
    })
    .await;
    assert_eq!(refused.status, PartnerStatus::OnLine);
    assert!(
        world
            .engine
            .health()
            .reasons
            .iter()
            .any(|r| r.code == "partner.configuration")
    );
    world.order(1).await;

    std::fs::write(&file, good).expect("written");
    until("no mistakes", || {
        Some(view(&world)).filter(|v| v.config_errors.is_empty())
    })
    .await;
    let mut twin: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).expect("readable")).expect("JSON");
    twin["name"] = "The twin".into();
    twin["baseUrl"] = "http://127.0.0.1:1".into();
    std::fs::write(file.with_file_name("twin.json"), twin.to_string()).expect("written");
    let twin = until("the twin", || {
        let views = world.engine.partners().expect("readable");
        views.into_iter().find(|v| v.config_file.ends_with("twin.json"))
    })
    .await;
    assert_eq!(twin.status, PartnerStatus::ConfigurationBroken);
    assert!(
        twin.config_errors[0].contains("sandbox.json"),
        "{:?}",
        twin.config_errors
    );
    // What is refused is not in force.
    assert_ne!(view(&world).name, "The twin");
    world.order(1).await;
    world.end(&[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partner_that_is_slow_holds_up_no_other_when_a_configuration_changes() {
    let world = World::start().await;
    let slow = Sandbox::start(sandbox_options()).await.expect("a sandbox");
    slow.set_faults(vec![Fault {
        milliseconds: Some(40_000),
        ..Fault::always(FaultKind::Slow).on("/api/")
    }]);
    let beside = tempfile::tempdir().expect("a folder");
    write_config(beside.path(), &slow.url(), |config| config["id"] = "slow".into());
    let partners = partners_dir(world.dir.path());
    std::fs::copy(beside.path().join("sandbox.json"), partners.join("slow.json")).expect("copied");
    until("the slow one is asked", || {
        (!slow.state().counts.faults.is_empty()).then_some(())
    })
    .await;

    world.configure(|config| config["name"] = "Another name".into());
    until("the change", || Some(view(&world)).filter(|v| v.name == "Another name")).await;
    let arrived = tokio::time::timeout(Duration::from_secs(20), world.order(1)).await;
    assert!(arrived.is_ok(), "the order waits for the other partner");
    world.end(&[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_has_not_left_follows_a_changed_configuration() {
    let world = World::start().await;
    let (kept, changed) = (world.order(1).await, world.order(1).await);
    let request = |of: &sync_engine::store::OperationRow| {
        let db = rusqlite::Connection::open(world.dir.path().join("data/countersign.db")).expect("opens");
        let body: Vec<u8> = db
            .query_row(
                "SELECT r.body FROM request r JOIN operation o ON o.seq = r.operation_seq WHERE o.id = ?1",
                [of.id.0.as_bytes().as_slice()],
                |row| row.get(0),
            )
            .expect("its request");
        String::from_utf8(body).expect("text")
    };
    let sent = world.answer(&kept, confirm()).await;
    world.reaches(sent.id, DeliveryState::Applied).await;
    let before = request(&sent);

    world
        .engine
        .set_paused(&partner(), true, "user:it")
        .await
        .expect("paused");
    let saved = world.answer(&changed, confirm()).await;
    assert!(!request(&saved).contains("told anew"), "it is there before it leaves");
    world.configure(|config| {
        config["name"] = "Renamed".into();
        config["operations"]["confirm"]["request"]["body"]["note"] = serde_json::json!({ "$value": "told anew" });
    });
    until("the new configuration", || {
        Some(view(&world)).filter(|v| v.name == "Renamed")
    })
    .await;
    world
        .engine
        .set_paused(&partner(), false, "user:it")
        .await
        .expect("resumed");
    world.reaches(saved.id, DeliveryState::Applied).await;
    assert!(request(&saved).contains("told anew"), "{}", request(&saved));
    assert_eq!(request(&sent), before, "what left is never changed");
    world.end(&[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_engines_on_one_database_do_each_job_once() {
    let world = World::start().await;
    let second = world.second_engine().await;
    let spec = OrderSpec {
        count: Some(40),
        lines: Some(1),
        ..OrderSpec::default()
    };
    let issued = world.sandbox().issue_order(&spec).expect("issued");
    let mut saved = Vec::new();
    for (n, order) in issued.iter().enumerate() {
        let row = world.arrived(DocumentKind::Order, &order.number, 1).await;
        let engine = if n % 2 == 0 { &world.engine } else { &second };
        let answered = engine.answer_order(row.id, row.current, confirm(), "user:clerk").await;
        saved.push(answered.expect("saved").id);
    }
    for id in &saved {
        world.reaches(*id, DeliveryState::Applied).await;
        let sent = world.attempts(*id).iter().filter(|a| a.starts_with("send")).count();
        assert_eq!(sent, 1, "{:?}", world.attempts(*id));
    }
    let state = world.sandbox().state();
    assert!(state.operations.iter().all(|o| o.replays == 0));
    assert_eq!(
        world
            .store()
            .counters(world.engine.company())
            .expect("readable")
            .duplicates,
        0
    );
    second.stop(Duration::from_secs(20)).await;
    world.end(&[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_that_is_not_renewed_is_taken_over_and_the_late_outcome_is_not_written() {
    let pace = sync_engine::exchange::Pace {
        lease: Duration::from_secs(1),
        lease_renewal: Duration::from_secs(3600),
        ..fast()
    };
    let world = World::with(pace, sandbox_options()).await;
    let row = world.order(1).await;
    let slow = Fault {
        milliseconds: Some(4000),
        method: Some("POST".to_owned()),
        ..Fault::times(FaultKind::Slow, 1).on("/api/operations")
    };
    world.sandbox().set_faults(vec![slow]);
    let saved = world.answer(&row, confirm()).await;
    world.reaches(saved.id, DeliveryState::Sending).await;
    let second = world.second_engine().await;
    world.reaches(saved.id, DeliveryState::Applied).await;
    // The first sender's answer comes late, and its epoch is over.
    tokio::time::sleep(Duration::from_secs(4)).await;
    let attempts = world.attempts(saved.id);
    assert!(attempts[0].starts_with("lookup"), "{attempts:?}");
    assert_eq!(world.operation(saved.id).state, DeliveryState::Applied);
    second.stop(Duration::from_secs(20)).await;
    world.end(&[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_holds_everything_and_is_kept_over_a_restart() {
    let mut world = World::start().await;
    let row = world.order(1).await;
    let paused = world
        .engine
        .set_paused(&partner(), true, "user:it")
        .await
        .expect("paused");
    assert_eq!(paused.status, PartnerStatus::Paused);
    let saved = world.answer(&row, confirm()).await;
    world.restart().await;
    assert_eq!(view(&world).status, PartnerStatus::Paused);
    let refused = world.engine.sync_now(&partner()).await;
    assert!(
        matches!(
            refused,
            Err(EngineError::Refused {
                code: "partner.paused",
                ..
            })
        ),
        "{refused:?}"
    );
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(world.operation(saved.id).state, DeliveryState::Queued);

    world
        .engine
        .set_paused(&partner(), false, "user:it")
        .await
        .expect("resumed");
    world.reaches(saved.id, DeliveryState::Applied).await;
    world.end(&[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_in_the_middle_of_a_request_is_settled_at_the_next_start() {
    let mut world = World::start().await;
    let row = world.order(1).await;
    let slow = Fault {
        milliseconds: Some(30_000),
        method: Some("POST".to_owned()),
        ..Fault::times(FaultKind::Slow, 1).on("/api/operations")
    };
    world.sandbox().set_faults(vec![slow]);
    let saved = world.answer(&row, confirm()).await;
    world.reaches(saved.id, DeliveryState::Sending).await;
    until("the request", || {
        let struck = world.sandbox().state().counts.faults;
        (!struck.is_empty()).then_some(())
    })
    .await;
    world.engine.stop(Duration::from_millis(50)).await;
    let closed = world
        .engine
        .answer_order(row.id, row.current, confirm(), "user:clerk")
        .await;
    assert!(closed.is_err(), "nothing is called saved after the stop");
    world.engine = world.second_engine().await;
    world.reaches(saved.id, DeliveryState::Applied).await;
    assert_eq!(world.attempts(saved.id)[0], "send - Unknown");
    world.end(&[]).await;
}

/// An engine that has not heard yet of another's pause takes it away nevertheless: what is stored counts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_of_another_engine_is_taken_away_by_one_that_has_not_heard_of_it() {
    let mut world = World::start().await;
    let mut options = crate::exchange_world::options(world.dir.path(), &world.secrets, &world.pace);
    options.background = false;
    let deaf = sync_engine::engine::Engine::start(options).await.expect("an engine");
    let stored = |world: &World| {
        let states = world.store().partner_states(world.engine.company()).expect("readable");
        states.iter().any(|state| state.paused)
    };
    let paused = world.engine.set_paused(&partner(), true, "user:it").await;
    paused.expect("paused");
    deaf.set_paused(&partner(), false, "user:it").await.expect("resumed");
    assert!(!stored(&world), "the pause is over");
    // And the other way round.
    deaf.set_paused(&partner(), true, "user:it").await.expect("paused");
    let resumed = world.engine.set_paused(&partner(), false, "user:it").await;
    resumed.expect("resumed");
    deaf.set_paused(&partner(), true, "user:it").await.expect("paused");
    assert!(stored(&world), "it is paused again");
    deaf.stop(Duration::from_secs(20)).await;
    world.restart().await;
    assert_eq!(view(&world).status, PartnerStatus::Paused);
    world.end(&[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn single_commands_poll_and_drain_without_a_background() {
    let world = World::start().await;
    world.engine.stop(Duration::from_secs(20)).await;
    let mut options = crate::exchange_world::options(world.dir.path(), &world.secrets, &world.pace);
    options.background = false;
    let engine = sync_engine::engine::Engine::start(options).await.expect("an engine");
    let number = world.issue(2);
    let report = engine.sync_now(&partner()).await.expect("polled");
    assert_eq!((report.received, report.versions), (1, 1));
    let store: &dyn Store = engine.store().as_ref();
    let id = store
        .find_document(engine.company(), &partner(), DocumentKind::Order, &number)
        .expect("readable");
    let row = store.document(id.expect("there")).expect("readable").expect("there");
    let saved = engine
        .answer_order(row.id, row.current, confirm(), "user:clerk")
        .await
        .expect("saved");
    assert_eq!(engine.drain(Duration::from_secs(30)).await.expect("drained"), 1);
    let after = engine.store().operation(saved.id).expect("readable").expect("there");
    assert!(
        matches!(after.state, DeliveryState::Delivered | DeliveryState::Applied),
        "{after:?}"
    );
    assert_eq!(engine.drain(Duration::from_secs(30)).await.expect("drained"), 0);
    engine.stop(Duration::from_secs(20)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_still_wrong_does_not_stand_before_the_rest_of_the_quarantine() {
    let world = World::start().await;
    for n in 0..1_001 {
        let wrong = format!("{{\"nonsense\":{n}}}");
        let report = world
            .engine
            .import(&partner(), "orders", wrong.into())
            .await
            .expect("stored");
        assert_eq!(report.quarantined, 1, "{n}");
    }
    for (tried, more) in [(1_000, true), (1, false)] {
        let rerun = world
            .engine
            .retry_all_quarantine(&partner(), None, "user:ada")
            .await
            .expect("run");
        assert_eq!((rerun.tried, rerun.still_wrong, rerun.more), (tried, tried, more));
    }
    world.end(&[]).await;
}
