//! From a partner's order to the delivered answer and back, over HTTP, with nothing going wrong.

use crate::exchange_world::{World, confirm, counter, partner, reject, until};
use sync_engine::domain::{
    CanonicalDocument, ChainState, DeliveryState, DocumentKind, ReceiptAdvice, ReceiptLine, VersionNumber, VersionState,
};
use sync_engine::engine::{EngineError, PartnerStatus};
use sync_engine::sandbox::OrderSpec;
use sync_engine::store::{OperationKind, QuarantineQuery};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_is_confirmed_and_applied() {
    let world = World::start().await;
    let row = world.order(3).await;
    assert!(row.needs_answer);
    assert_eq!((row.state, row.line_count), (ChainState::Issued, 3));

    let saved = world.answer(&row, confirm()).await;
    assert_eq!(saved.kind, OperationKind::Confirm);
    assert!(!world.row(row.id).needs_answer, "an answer is on its way");
    world.reaches(saved.id, DeliveryState::Applied).await;

    let after = world.row(row.id);
    assert_eq!(
        (after.state, after.agreed),
        (ChainState::Confirmed, Some(VersionNumber(1)))
    );
    let state = world.sandbox().state();
    assert_eq!(state.orders[0].response_key, Some(saved.id.to_string()));
    assert_eq!(world.attempts(saved.id)[0], "send 202 Delivered");

    let again = world
        .engine
        .answer_order(row.id, row.current, confirm(), "user:clerk")
        .await;
    assert!(
        matches!(
            again,
            Err(EngineError::Refused {
                code: "answer.decided",
                ..
            })
        ),
        "{again:?}"
    );
    world.end(&[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_is_rejected_with_a_reason() {
    let world = World::start().await;
    let row = world.order(2).await;
    let mut bare = reject();
    bare.reason = None;
    let refused = world.engine.answer_order(row.id, row.current, bare, "user:clerk").await;
    assert!(
        matches!(
            refused,
            Err(EngineError::Refused {
                code: "answer.incomplete",
                ..
            })
        ),
        "{refused:?}"
    );

    let saved = world.answer(&row, reject()).await;
    world.reaches(saved.id, DeliveryState::Applied).await;
    assert_eq!(world.row(row.id).state, ChainState::Rejected);
    let seen = &world.sandbox().state().operations[0];
    assert_eq!(seen.operation, "reject");
    assert_eq!(seen.body["reason"]["code"], "DEL");
    world.end(&[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_counter_offer_becomes_a_version_and_is_taken() {
    let world = World::start().await;
    let row = world.order(2).await;
    let saved = world.answer(&row, counter(&world, &row)).await;
    world.reaches(saved.id, DeliveryState::Applied).await;
    // v1 theirs, v2 our counter-offer, v3 their change that restates it.
    let taken = world.arrived(DocumentKind::Order, &row.number, 3).await;
    assert_eq!(
        (taken.state, taken.agreed),
        (ChainState::Confirmed, Some(VersionNumber(3)))
    );
    let versions = world.store().versions(row.id).expect("readable");
    assert_eq!(versions[1].base, Some(VersionNumber(1)));
    let payload = world
        .store()
        .payload(versions[1].payload)
        .expect("readable")
        .expect("kept");
    let body: serde_json::Value = serde_json::from_slice(&payload.bytes).expect("the request as sent");
    assert_eq!(body, world.sandbox().state().operations[0].body);
    world.end(&[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_counter_offer_that_is_handed_back_needs_an_answer_again() {
    let mut options = crate::exchange_world::sandbox_options();
    options.takes_counter_percent = 0;
    let world = World::with(crate::exchange_world::fast(), options).await;
    let row = world.order(2).await;
    let saved = world.answer(&row, counter(&world, &row)).await;
    world.reaches(saved.id, DeliveryState::Applied).await;
    let back = world.arrived(DocumentKind::Order, &row.number, 3).await;
    assert_eq!((back.state, back.needs_answer), (ChainState::Issued, true));
    world.end(&[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_and_cancellations_say_what_changed() {
    let world = World::start().await;
    let row = world.order(3).await;
    let saved = world.answer(&row, confirm()).await;
    world.reaches(saved.id, DeliveryState::Applied).await;

    world.sandbox().change_order(&row.number).expect("changed");
    let changed = world.arrived(DocumentKind::Order, &row.number, 2).await;
    assert_eq!(
        (changed.state, changed.agreed),
        (ChainState::ChangePending, Some(VersionNumber(1)))
    );
    assert!(changed.needs_answer);
    let summary = changed.change_summary.expect("what changed against the agreed version");
    assert!(!summary.is_empty());
    let diff = world
        .engine
        .diff(row.id, VersionNumber(1), VersionNumber(2))
        .expect("both are there");
    assert_eq!(diff.summary(), summary);

    world.sandbox().cancel_order(&row.number).expect("cancelled");
    let cancelled = world.arrived(DocumentKind::Order, &row.number, 3).await;
    assert_eq!(cancelled.state, ChainState::CancelPending);
    let saved = world.answer(&cancelled, confirm()).await;
    world.reaches(saved.id, DeliveryState::Applied).await;
    assert_eq!(world.row(row.id).state, ChainState::Cancelled);

    let page = world.engine.print(row.id, VersionNumber(2)).expect("drawn");
    assert!(page.starts_with(b"%PDF"));
    world.end(&[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_note_is_answered_with_what_arrived() {
    let world = World::start().await;
    let number = world
        .sandbox()
        .issue_delivery_note(&OrderSpec::default())
        .expect("issued")
        .remove(0)
        .number;
    let row = world.arrived(DocumentKind::DespatchAdvice, &number, 1).await;
    assert!(row.needs_answer);
    let content = world
        .store()
        .version_content(row.id, row.current)
        .expect("readable")
        .expect("there");
    let CanonicalDocument::DespatchAdvice(note) = content.document().expect("canonical") else {
        panic!("not a delivery note")
    };
    let receipt = ReceiptAdvice {
        received_on: note.despatched_on.expect("a day"),
        note: None,
        lines: note
            .lines
            .iter()
            .map(|line| ReceiptLine {
                line_id: line.id.clone(),
                received: line.delivered,
                short: None,
                rejected: None,
                reject_reason: None,
                action: None,
                note: None,
            })
            .collect(),
    };
    let mut short = receipt.clone();
    short.lines.clear();
    let refused = world
        .engine
        .answer_despatch(row.id, row.current, short, "user:clerk")
        .await;
    assert!(
        matches!(
            refused,
            Err(EngineError::Refused {
                code: "answer.incomplete",
                ..
            })
        ),
        "{refused:?}"
    );

    let saved = world
        .engine
        .answer_despatch(row.id, row.current, receipt, "user:clerk")
        .await
        .expect("saved");
    assert_eq!(saved.kind, OperationKind::Receipt);
    world.reaches(saved.id, DeliveryState::Applied).await;
    assert_eq!(world.row(row.id).current_state, VersionState::Accepted);
    world.end(&[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_orders_come_page_by_page_once_each() {
    let mut options = crate::exchange_world::sandbox_options();
    options.initial_orders = 230;
    let world = World::with(crate::exchange_world::fast(), options).await;
    let counted = || world.store().counters(world.engine.company()).expect("readable");
    until("230 orders", || (counted().documents >= 230).then_some(())).await;
    let report = world.engine.sync_now(&partner()).await.expect("polled");
    assert_eq!((report.received, report.versions), (0, 0), "the watermark holds");
    assert_eq!(
        counted().quarantine,
        0,
        "{:?}",
        world.store().list_quarantine(&QuarantineQuery {
            company: world.engine.company().clone(),
            partner: None,
            state: None,
            cursor: None,
            limit: 5,
        })
    );
    let view = world.engine.partners().expect("readable").remove(0);
    assert_eq!((view.status, view.streams.len()), (PartnerStatus::OnLine, 4));
    assert!(view.last_success_at.is_some());
    assert!(world.engine.health().reasons.is_empty());
    world.end(&[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledging_leaves_the_decision_open() {
    let world = World::start().await;
    let row = world.order(1).await;
    let mut received = confirm();
    received.code = sync_engine::domain::HeaderAnswer::AB;
    let first = world.answer(&row, received).await;
    // The decision may follow at once; the queue keeps the order.
    let second = world.answer(&row, confirm()).await;
    world.reaches(second.id, DeliveryState::Applied).await;
    world.reaches(first.id, DeliveryState::Applied).await;
    let state = world.sandbox().state();
    let first_at = state
        .operations
        .iter()
        .find(|o| o.key == first.id.to_string())
        .expect("there");
    let second_at = state
        .operations
        .iter()
        .find(|o| o.key == second.id.to_string())
        .expect("there");
    assert!(first_at.received_at <= second_at.received_at);
    world.end(&[]).await;
}
