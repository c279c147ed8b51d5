//! Operations that never succeed: each has its end, and no other document waits for one.

use crate::exchange_world::{World, confirm, fast, partners_dir, sandbox_options, until, write_config};
use crate::wire_proxy::{Poison, Proxy};
use std::time::{Duration, Instant};
use sync_engine::domain::DeliveryState;
use sync_engine::exchange::{BreakerPace, Pace};

const SILENCE: Duration = Duration::from_secs(30);

/// Behind a proxy that does what it is told and nothing else.
async fn behind(pace: Pace, request_seconds: u64) -> (World, Proxy) {
    let world = World::with(pace, sandbox_options()).await;
    let proxy = Proxy::start(world.sandbox().port(), 1, SILENCE).await;
    proxy.calm();
    write_config(&partners_dir(world.dir.path()), &proxy.url(), |config| {
        config["name"] = "Behind a proxy".into();
        config["limits"]["requestSeconds"] = request_seconds.into();
    });
    until("the way over the proxy", || {
        let view = world.engine.partners().expect("readable").remove(0);
        (view.name == "Behind a proxy").then_some(())
    })
    .await;
    (world, proxy)
}

/// A breaker that never opens: it would keep the others from the partner, and be right.
fn patient() -> Pace {
    let pace = fast();
    Pace {
        breaker: BreakerPace {
            in_a_row: 1_000_000,
            least_outcomes: 1_000_000,
            ..pace.breaker.clone()
        },
        ..pace
    }
}

/// One is refused every time and tried again at once, one gets no answer for half a minute. Everything else goes
/// through while these go on, and the partner is not taken for unreachable.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_or_slow_every_time_delays_no_other_document() {
    let pace = Pace {
        durable: vec![Duration::from_millis(20)],
        ..fast()
    };
    let (world, proxy) = behind(pace, SILENCE.as_secs()).await;
    let usual = slowest(&world, 20).await;
    let refused = world.order(1).await;
    let silent = world.order(1).await;
    proxy.poison(&refused.number, Poison::Status(500));
    proxy.poison(&silent.number, Poison::Silence);
    let refused = world.answer(&refused, confirm()).await;
    let silent = world.answer(&silent, confirm()).await;
    world.reaches(silent.id, DeliveryState::Sending).await;
    until("a second try", || {
        (world.operation(refused.id).attempts > 1).then_some(())
    })
    .await;

    let others = 40;
    let slowest = slowest(&world, others).await;
    assert!(
        slowest <= usual + Duration::from_secs(1),
        "{slowest:?} beside poison, {usual:?} without"
    );
    let tries = world.operation(refused.id).attempts;
    assert!(tries > 2, "it is tried all the while: {tries}");
    crate::evidence::ran(
        "poison::what_is_refused_or_slow_every_time_delays_no_other_document",
        &format!(
            "{others} others delivered, the slowest in {} ms ({} without poison), beside {tries} refusals and one that hung",
            slowest.as_millis(),
            usual.as_millis()
        ),
    );
    world.engine.stop(Duration::from_millis(100)).await;
}

/// How long the slowest of so many answers takes until the partner has it.
async fn slowest(world: &World, answers: usize) -> Duration {
    let mut slowest = Duration::ZERO;
    for _ in 0..answers {
        let row = world.order(1).await;
        let begun = Instant::now();
        let saved = world.answer(&row, confirm()).await;
        until("the partner has it", || {
            let state = world.operation(saved.id).state;
            matches!(state, DeliveryState::Delivered | DeliveryState::Applied).then_some(())
        })
        .await;
        slowest = slowest.max(begun.elapsed());
    }
    slowest
}

/// Places are counted when the writer comes to the claim, and by then some that were free may be taken.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_more_requests_are_in_flight_than_the_partner_takes() {
    const PLACES: i64 = 3;
    let (world, proxy) = behind(patient(), 1).await;
    write_config(&partners_dir(world.dir.path()), &proxy.url(), |config| {
        config["name"] = "With few places".into();
        config["limits"]["requestSeconds"] = 1.into();
        config["limits"]["concurrency"] = PLACES.into();
    });
    until("the new limit", || {
        let view = world.engine.partners().expect("readable").remove(0);
        (view.name == "With few places").then_some(())
    })
    .await;
    let mut rows = Vec::new();
    for nth in 0..10 {
        let row = world.order(1).await;
        // Some hang until their time is up, some are refused at once.
        proxy.poison(
            &row.number,
            if nth % 2 == 0 {
                Poison::Silence
            } else {
                Poison::Status(500)
            },
        );
        rows.push(world.answer(&row, confirm()).await);
    }
    let mut most = 0;
    until("a try of each", || {
        let sending = world
            .store()
            .counters(world.engine.company())
            .expect("counters")
            .sending;
        assert!(sending <= PLACES, "{sending} in flight");
        most = most.max(sending);
        rows.iter()
            .all(|row| world.operation(row.id).attempts > 0)
            .then_some(())
    })
    .await;
    assert_eq!(most, PLACES, "all places are used");
    world.engine.stop(Duration::from_millis(100)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_class_of_failure_has_its_end() {
    let pace = Pace {
        give_up_after: Duration::from_secs(6),
        ..patient()
    };
    let (world, proxy) = behind(pace, 1).await;
    let statuses = [
        300, 301, 307, 400, 402, 403, 404, 405, 408, 409, 410, 412, 413, 415, 422, 425, 429, 451, 500, 501, 502, 503,
        504,
    ];
    let mut cases: Vec<Poison> = statuses.into_iter().map(Poison::Status).collect();
    cases.extend([Poison::Silence, Poison::Cut]);
    let mut saved = Vec::new();
    for poison in cases {
        let row = world.order(1).await;
        proxy.poison(&row.number, poison);
        saved.push((poison, world.answer(&row, confirm()).await.id));
    }
    let mut table = String::new();
    for (poison, id) in saved {
        let end = until(&format!("the end of {poison:?}"), || {
            let row = world.operation(id);
            matches!(row.state, DeliveryState::Dead | DeliveryState::Held).then_some(row)
        })
        .await;
        let code = end.last_error.map(|e| e.code).unwrap_or_default();
        let tries = if end.attempts > 1 { "tried again" } else { "once" };
        table += &format!("{:<12} {tries:<12} {:?} {code}\n", format!("{poison:?}"), end.state);
    }
    assert_eq!(
        world.sandbox().state().operations.len(),
        0,
        "the partner saw none of them"
    );
    insta::assert_snapshot!("ends_of_failures", table);
    world.engine.stop(Duration::from_secs(5)).await;
}
