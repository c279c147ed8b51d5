//! What a newcomer sees of the buyer's side: the orders of ours that `cargo xtask run` submits, in different states.

use crate::exchange_world::{World, fast, partner, sandbox_options, until};
use crate::partner_link::root;
use serde_json::Value;
use sync_engine::domain::{ChainState, DeliveryState};
use sync_engine::sandbox::SandboxOptions;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_orders_of_the_demonstration_are_confirmed_countered_and_left_open() {
    let demo = SandboxOptions {
        moods: SandboxOptions::demo().moods,
        ..sandbox_options()
    };
    let world = World::with(fast(), demo).await;
    let mut paths: Vec<_> = std::fs::read_dir(root().join("fixtures/demo"))
        .expect("the folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    assert_eq!(paths.len(), SandboxOptions::demo().moods.len());
    let mut documents = Vec::new();
    for path in paths {
        let file: Value = serde_json::from_slice(&std::fs::read(&path).expect("a file")).expect("JSON");
        assert_eq!(file["partner"], partner().0);
        let order = serde_json::from_value(file["document"].clone()).expect("an order");
        let order = sync_engine::domain::CanonicalDocument::Order(order);
        let saved = world.engine.issue_new(partner(), order, "user:ada").await;
        let saved = saved.expect("nothing is wrong with it");
        world.reaches(saved.id, DeliveryState::Applied).await;
        documents.push(saved.document);
    }
    until("each in its state", || {
        let mut states: Vec<_> = documents.iter().map(|id| world.row(*id).state).collect();
        states.sort();
        (states == [ChainState::Issued, ChainState::Confirmed, ChainState::CounterOpen]).then_some(())
    })
    .await;
    let countered = documents
        .iter()
        .find(|id| world.row(**id).state == ChainState::CounterOpen);
    let detail = world.row(*countered.expect("one"));
    assert!(detail.needs_answer, "it waits in the work list");
    let open: Vec<_> = documents
        .iter()
        .filter(|id| world.row(**id).state == ChainState::Issued)
        .collect();
    assert_eq!(open.len(), 1);
    world.end(&[]).await;
}
