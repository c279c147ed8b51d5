//! Pages of a run follow each other through the writer: what fails or is rolled back in one of them holds up nothing
//! but itself, and no watermark passes over it.

use crate::exchange_world::{World, partner, until};
use std::collections::BTreeSet;
use sync_engine::domain::DocumentKind;
use sync_engine::sandbox::OrderSpec;
use sync_engine::store::{Counters, QuarantineQuery};

/// Three pages of a hundred.
const ORDERS: usize = 250;

fn counted(world: &World) -> Counters {
    world.store().counters(world.engine.company()).expect("readable")
}

/// `how` ends what the writer does for an order of `refused`: ABORT undoes the unit, ROLLBACK the whole group.
fn refuse(world: &World, how: &str, refused: &[String]) {
    let db = rusqlite::Connection::open(world.dir.path().join("data/countersign.db")).expect("opens");
    let list = refused.iter().map(|n| format!("'{n}'")).collect::<Vec<_>>().join(", ");
    db.execute_batch(&format!(
        "CREATE TRIGGER refuse BEFORE INSERT ON document WHEN NEW.number IN ({list})
         BEGIN SELECT raise({how}, 'refused by the test'); END"
    ))
    .expect("a trigger");
}

async fn pages_with_refused(how: &str) {
    let world = World::start().await;
    let acme = partner();
    let paused = |on| world.engine.set_paused(&acme, on, "user:it");
    paused(true).await.expect("paused");
    let spec = OrderSpec {
        count: Some(ORDERS as u32),
        lines: Some(1),
        ..OrderSpec::default()
    };
    let issued = world.sandbox().issue_order(&spec).expect("issued");
    // In the first chunk, in the middle, at the end of a page, and at the very end.
    let refused: Vec<String> = [2, 130, 199, ORDERS - 1].map(|at| issued[at].number.clone()).into();
    refuse(&world, how, &refused);
    paused(false).await.expect("resumed");
    until("every order stored or put aside", || {
        let counters = counted(&world);
        (counters.documents + counters.quarantine >= ORDERS as i64).then_some(())
    })
    .await;
    // The next run goes on behind the last page. Asked through its own stream: a rolled back group may have kept the
    // lease of another one, which runs out by itself.
    world.order(1).await;
    assert_eq!(counted(&world).duplicates, 0, "no page was fetched twice");
    let query = QuarantineQuery {
        company: world.engine.company().clone(),
        partner: Some(partner()),
        state: None,
        cursor: None,
        limit: 50,
    };
    let aside = world.store().list_quarantine(&query).expect("readable").items;
    assert_eq!(aside.len(), refused.len(), "{aside:#?}");
    let mut told = BTreeSet::new();
    for row in aside {
        let message = &row.problems[0].message;
        assert!(message.starts_with("it cannot be stored: "), "{message}");
        let payload = world.store().payload(row.payload).expect("readable").expect("kept");
        let order: serde_json::Value = serde_json::from_slice(&payload.bytes).expect("JSON");
        told.insert(order["poNumber"].as_str().expect("a number").to_owned());
    }
    assert_eq!(told, refused.iter().cloned().collect());
    for order in issued.iter().filter(|order| !told.contains(&order.number)) {
        assert!(
            world.find(DocumentKind::Order, &order.number).is_some(),
            "{}",
            order.number
        );
    }
    assert_eq!(world.store().verify_audit().expect("verified").broken_at, None);
    world.end(&[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_that_cannot_be_stored_are_put_aside_and_hold_up_no_page() {
    pages_with_refused("ABORT").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_that_is_rolled_back_is_written_again_in_order() {
    pages_with_refused("ROLLBACK").await;
}
