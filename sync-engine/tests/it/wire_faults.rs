//! Engine and partner over a wire that goes wrong: once it is whole again nothing is lost, nothing happened twice,
//! nothing waits, and what was unknown was looked up before it was sent again.

use crate::exchange_world::{World, confirm, fast, partners_dir, reject, sandbox_options, until, write_config};
use crate::wire_proxy::Proxy;
use std::collections::BTreeMap;
use std::time::Duration;
use sync_engine::domain::{ChainState, DeliveryState, DocumentKind, OperationId, VersionNumber};
use sync_engine::exchange::Pace;
use sync_engine::sandbox::{OrderSpec, SandboxOptions};

const ORDERS: u32 = 60;
/// How long the engine waits for an answer.
const PATIENCE: Duration = Duration::from_secs(1);

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |n| n.parse().expect("a number"))
}

/// `COUNTERSIGN_WIRE_SEED` runs one seed, `COUNTERSIGN_WIRE_SEEDS` so many.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wire_that_goes_wrong_loses_nothing_and_doubles_nothing() {
    let first = number("COUNTERSIGN_WIRE_SEED", 1);
    let seeds = number("COUNTERSIGN_WIRE_SEEDS", 1);
    let mut all: BTreeMap<String, u64> = BTreeMap::new();
    for seed in first..first + seeds {
        println!("COUNTERSIGN_WIRE_SEED={seed}");
        for (trouble, times) in one(seed).await {
            *all.entry(trouble).or_default() += times;
        }
    }
    let faults: u64 = all.values().sum();
    for of in ["token", "poll", "deliver", "ask"] {
        assert!(
            all.keys().any(|t| t.starts_with(of)),
            "nothing struck a request of {of}: {all:#?}"
        );
    }
    println!("{all:#?}");
    crate::evidence::ran(
        "wire_faults::a_wire_that_goes_wrong_loses_nothing_and_doubles_nothing",
        &format!(
            "{seeds} seeds, {faults} faults on the wire, {} orders",
            u64::from(ORDERS) * seeds
        ),
    );
}

async fn one(seed: u64) -> BTreeMap<String, u64> {
    let pace = Pace {
        doubt_after: Duration::from_secs(2),
        ..fast()
    };
    let options = SandboxOptions {
        token_seconds: 2,
        seed,
        ..sandbox_options()
    };
    let world = World::with(pace, options).await;
    let proxy = Proxy::start(world.sandbox().port(), seed, PATIENCE).await;
    write_config(&partners_dir(world.dir.path()), &proxy.url(), |config| {
        config["name"] = "Behind a bad wire".into();
        config["limits"]["requestSeconds"] = PATIENCE.as_secs().into();
        config["limits"]["tokenSeconds"] = PATIENCE.as_secs().into();
        // Small pages: more of them go wrong.
        config["streams"]["orders"]["paging"]["limit"] = 7.into();
    });
    until("the way over the proxy", || {
        let view = world.engine.partners().expect("readable").remove(0);
        (view.name == "Behind a bad wire").then_some(())
    })
    .await;

    let spec = OrderSpec {
        count: Some(ORDERS),
        lines: Some(2),
        ..OrderSpec::default()
    };
    let issued = world.sandbox().issue_order(&spec).expect("issued");
    let mut saved = Vec::new();
    for (n, order) in issued.iter().enumerate() {
        let row = world.arrived(DocumentKind::Order, &order.number, 1).await;
        let answer = if n % 5 == 4 { reject() } else { confirm() };
        saved.push(world.answer(&row, answer).await.id);
    }
    for (order, id) in issued.iter().zip(saved.clone()).step_by(4) {
        applied(&world, id).await;
        world.sandbox().change_order(&order.number).expect("changed");
        let row = world.arrived(DocumentKind::Order, &order.number, 2).await;
        saved.push(world.answer(&row, confirm()).await.id);
    }
    proxy.calm();
    for id in &saved {
        applied(&world, *id).await;
    }
    check(&world, &saved);
    let struck = proxy.struck();
    world.end(&[]).await;
    struck
}

/// By itself: nobody helps.
async fn applied(world: &World, id: OperationId) {
    until(&format!("{id}"), || {
        (world.operation(id).state == DeliveryState::Applied).then_some(())
    })
    .await;
}

fn check(world: &World, saved: &[OperationId]) {
    let state = world.sandbox().state();
    assert_eq!(state.operations.len(), saved.len(), "the partner has each answer once");
    assert_eq!(state.counts.key_conflicts, 0, "another body under the same key");
    for id in saved {
        let attempts = world.store().attempts(*id).expect("readable");
        for pair in attempts.windows(2) {
            assert!(
                pair[0].result != DeliveryState::Unknown || pair[1].step != "send",
                "{id} was sent again before it was looked up: {attempts:#?}"
            );
        }
    }
    for order in &state.orders {
        let row = world.find(DocumentKind::Order, &order.number).expect("it arrived");
        let versions = world.store().versions(row.id).expect("readable");
        assert_eq!(versions.len(), order.versions.len(), "versions of {}", order.number);
        assert_eq!(row.current, VersionNumber(order.version), "{}", order.number);
        assert!(
            matches!(row.state, ChainState::Confirmed | ChainState::Rejected),
            "{}: {:?}",
            order.number,
            row.state
        );
    }
}
