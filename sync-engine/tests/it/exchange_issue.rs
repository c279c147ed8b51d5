//! Documents that we issue, over HTTP: orders that we submit, change and cancel as the buyer, delivery notes that we
//! send as the seller, and the partner's answers to them.

use crate::exchange_world::{World, confirm, fast, partner, sandbox_options, until};
use serde_json::{Value, json};
use std::time::Duration;
use sync_engine::domain::{
    CanonicalDocument, ChainState, DeliveryState, DocumentId, DocumentKind, VersionNumber, VersionState,
};
use sync_engine::engine::{EngineError, Issue, PossibleAct, Seen};
use sync_engine::sandbox::Mood;
use sync_engine::store::{DocumentRow, OperationKind, OperationRow};

fn order(number: &str, quantity: &str) -> CanonicalDocument {
    let line = |id: &str, sku: &str, quantity: &str| {
        json!({
            "id": id, "item": {"sellerId": sku, "description": "Angle bracket"}, "quantity": quantity, "unit": "C62",
            "price": "12.340"
        })
    };
    let order = json!({
        "number": number, "currency": "EUR", "buyer": {"name": "We"}, "seller": {"name": "They"},
        "requestedDelivery": {"first": "2027-01-11", "last": "2027-01-11"},
        "lines": [line("1", "A-100", quantity), line("2", "A-200", "4")]
    });
    CanonicalDocument::Order(serde_json::from_value(order).expect("an order"))
}

fn refused<T: std::fmt::Debug>(result: Result<T, EngineError>) -> (&'static str, Value) {
    match result {
        Err(EngineError::Refused { code, data, .. }) => (code, data),
        other => panic!("{other:?}"),
    }
}

impl World {
    async fn submit(&self, number: &str, moods: &[Mood]) -> OperationRow {
        self.sandbox().set_moods(moods);
        let saved = self
            .engine
            .issue_new(partner(), order(number, "10"), "user:clerk")
            .await;
        saved.expect("saved")
    }

    async fn act(&self, row: &DocumentRow, issue: Issue) -> OperationRow {
        let seen = Seen {
            document: row.id,
            version: row.current,
        };
        let saved = self.engine.issue_version(seen, issue, "user:clerk").await;
        saved.expect("saved")
    }

    async fn comes_to(&self, id: DocumentId, state: ChainState) -> DocumentRow {
        until(&format!("{state:?}"), || {
            let row = self.row(id);
            (row.state == state).then_some(row)
        })
        .await
    }

    fn possible(&self, id: DocumentId) -> Vec<PossibleAct> {
        let chain = self.store().chain(id).expect("readable").expect("there");
        self.engine.possible(&self.row(id), &chain).expect("readable")
    }

    fn partner_ref(&self, id: DocumentId, version: u32) -> Option<Value> {
        let content = self.store().version_content(id, VersionNumber(version));
        content.expect("readable").expect("there").partner_ref
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_of_ours_is_submitted_countered_changed_and_agreed() {
    let world = World::start().await;
    let saved = world
        .submit("B-1", &[Mood::Confirm, Mood::Counter, Mood::Confirm])
        .await;
    assert_eq!(saved.kind, OperationKind::Submit);
    let id = saved.document;
    world.reaches(saved.id, DeliveryState::Applied).await;
    let row = world.comes_to(id, ChainState::Confirmed).await;
    assert_eq!((row.current, row.agreed), (VersionNumber(1), Some(VersionNumber(1))));
    assert_eq!(world.partner_ref(id, 1), Some(json!({"id": "SO-000001"})));

    // A change of ours, countered by the seller.
    let changed = world
        .act(
            &row,
            Issue::Change {
                content: order("B-1", "20"),
            },
        )
        .await;
    assert_eq!(changed.kind, OperationKind::Update);
    world.reaches(changed.id, DeliveryState::Applied).await;
    let row = world.comes_to(id, ChainState::CounterOpen).await;
    assert_eq!((row.current, row.agreed), (VersionNumber(3), Some(VersionNumber(1))));
    assert_eq!(
        world.possible(id),
        [
            PossibleAct::AcceptCounter,
            PossibleAct::RefuseCounter,
            PossibleAct::Change,
            PossibleAct::Cancel
        ]
    );

    // Taken: an update that restates it, agreed when the seller has it.
    let taken = world.act(&row, Issue::AcceptCounter).await;
    world.reaches(taken.id, DeliveryState::Applied).await;
    let row = world.comes_to(id, ChainState::Confirmed).await;
    assert_eq!((row.current, row.agreed), (VersionNumber(4), Some(VersionNumber(4))));
    let content = world.store().version_content(id, VersionNumber(4));
    let CanonicalDocument::Order(agreed) = content
        .expect("readable")
        .expect("there")
        .document()
        .expect("canonical")
    else {
        panic!("not an order")
    };
    assert_eq!(agreed.lines[0].quantity.to_string(), "10", "half of what we asked for");
    assert_eq!(agreed.revision.as_deref(), Some("3"), "our third version");
    until("the answer to the third version", || {
        let received = world.store().received_answers(id, 10).expect("readable");
        (received.len() == 3).then_some(())
    })
    .await;
    world.end(&[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_counter_offer_that_is_refused_hands_the_order_back() {
    let world = World::start().await;
    let saved = world.submit("B-2", &[Mood::Counter, Mood::Confirm]).await;
    let row = world.comes_to(saved.document, ChainState::CounterOpen).await;
    let handed = world.act(&row, Issue::RefuseCounter { reason: None }).await;
    assert_eq!(handed.kind, OperationKind::Update);
    let row = world.comes_to(saved.document, ChainState::Confirmed).await;
    assert_eq!(row.agreed, Some(VersionNumber(3)));
    world.reaches(handed.id, DeliveryState::Applied).await;
    world.end(&[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancellation_is_taken_or_refused_in_each_state() {
    let world = World::start().await;
    let states = [
        (Mood::Silent, ChainState::Issued),
        (Mood::Confirm, ChainState::Confirmed),
        (Mood::Counter, ChainState::CounterOpen),
        (Mood::Reject, ChainState::Rejected),
    ];
    for (n, (mood, before)) in states.into_iter().enumerate() {
        for (answer, after) in [(Mood::Reject, before), (Mood::Confirm, ChainState::Cancelled)] {
            let saved = world.submit(&format!("C-{n}-{answer:?}"), &[mood]).await;
            world.reaches(saved.id, DeliveryState::Applied).await;
            // Only then is the next mood for the cancellation; a silent seller leaves no other trace.
            until("the seller has made up its mind", || {
                world.sandbox().state().moods.is_empty().then_some(())
            })
            .await;
            let row = world.comes_to(saved.document, before).await;
            world.sandbox().set_moods(&[answer]);
            let cancel = world
                .act(
                    &row,
                    Issue::Cancel {
                        reason: Some("not needed".to_owned()),
                    },
                )
                .await;
            world.reaches(cancel.id, DeliveryState::Applied).await;
            let answers = if mood == Mood::Silent { 1 } else { 2 };
            until("the answer to the cancellation", || {
                let received = world.store().received_answers(saved.document, 10).expect("readable");
                (received.len() == answers).then_some(())
            })
            .await;
            assert_eq!(world.row(saved.document).state, after, "{mood:?}, then {answer:?}");
        }
    }
    world.end(&[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_problem_of_an_order_is_named_and_a_number_is_issued_once() {
    let world = World::start().await;
    let CanonicalDocument::Order(mut bad) = order("", "0") else {
        panic!("an order")
    };
    bad.lines[1].id = "1".to_owned();
    let result = world
        .engine
        .issue_new(partner(), CanonicalDocument::Order(bad), "user:clerk")
        .await;
    let (code, problems) = refused(result);
    let pointers: Vec<&str> = problems
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|p| p["pointer"].as_str())
        .collect();
    assert_eq!(
        (code, pointers),
        ("document.invalid", vec!["/number", "/lines/1/id", "/lines/0/quantity"])
    );

    let saved = world.submit("B-3", &[Mood::Silent]).await;
    world.reaches(saved.id, DeliveryState::Applied).await;
    let again = world.engine.issue_new(partner(), order("B-3", "1"), "user:clerk").await;
    assert_eq!(refused(again).0, "document.exists");
    world.end(&[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_that_has_not_left_can_be_taken_back_and_issued_again() {
    let world = World::start().await;
    world
        .engine
        .set_paused(&partner(), true, "user:it")
        .await
        .expect("paused");
    let saved = world.submit("B-4", &[]).await;
    let row = world.row(saved.document);
    assert_eq!((row.state, row.current_state), (ChainState::Draft, VersionState::Draft));
    let seen = Seen {
        document: row.id,
        version: row.current,
    };
    let early = world
        .engine
        .issue_version(seen, Issue::Cancel { reason: None }, "user:clerk")
        .await;
    assert_eq!(refused(early).0, "document.refused");
    world
        .engine
        .withdraw_operation(saved.id, "user:clerk")
        .await
        .expect("withdrawn");
    assert_eq!(world.row(saved.document).current_state, VersionState::Withdrawn);
    let again = world.submit("B-4", &[]).await;
    assert_eq!((again.document, again.version), (saved.document, VersionNumber(2)));
    world
        .engine
        .set_paused(&partner(), false, "user:it")
        .await
        .expect("resumed");
    world.reaches(again.id, DeliveryState::Applied).await;
    let row = world.comes_to(saved.document, ChainState::Confirmed).await;
    assert_eq!(row.agreed, Some(VersionNumber(2)));
    world.end(&[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_we_ordered_is_delivered_and_received() {
    let world = World::start().await;
    let saved = world.submit("B-5", &[Mood::Confirm]).await;
    world.comes_to(saved.document, ChainState::Confirmed).await;
    let number = world.sandbox().deliver("B-5").expect("delivered");
    let note = world.arrived(DocumentKind::DespatchAdvice, &number, 1).await;
    let lines = world.engine.line_quantities(saved.document).expect("quantities");
    assert_eq!(lines[0].delivered.to_string(), "10");
    assert!(note.needs_answer);
    world.end(&[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_note_of_ours_is_received_short() {
    let world = World::start().await;
    let row = world.order(2).await;
    let confirmed = world.answer(&row, confirm()).await;
    world.reaches(confirmed.id, DeliveryState::Applied).await;
    assert_eq!(world.possible(row.id), [PossibleAct::Despatch]);
    let content = world.store().version_content(row.id, row.current);
    let CanonicalDocument::Order(order) = content
        .expect("readable")
        .expect("there")
        .document()
        .expect("canonical")
    else {
        panic!("not an order")
    };
    let line = &order.lines[0];
    let note = json!({
        "number": "LS-1", "buyer": order.buyer, "seller": order.seller, "despatchedOn": "2027-01-10",
        "lines": [{
            "id": "1", "orderNumber": order.number, "orderLineId": line.id, "item": line.item, "unit": line.unit,
            "delivered": line.quantity
        }]
    });
    let note = CanonicalDocument::DespatchAdvice(serde_json::from_value(note).expect("a note"));
    let mut wrong = note.clone();
    if let CanonicalDocument::DespatchAdvice(wrong) = &mut wrong {
        wrong.lines[0].order_line_id = "99".to_owned();
    }
    let (code, problems) = refused(world.engine.issue_new(partner(), wrong, "user:clerk").await);
    assert_eq!(
        (code, &problems[0]["pointer"]),
        ("document.invalid", &json!("/lines/0/orderLineId"))
    );

    // It counts as delivered while it waits, so that nothing is delivered twice; not once it is taken back.
    let delivered = || world.engine.line_quantities(row.id).expect("quantities")[0].delivered;
    let id = partner();
    world.engine.set_paused(&id, true, "user:it").await.expect("paused");
    let waits = world.engine.issue_new(partner(), note.clone(), "user:clerk").await;
    assert_eq!(delivered(), line.quantity);
    let withdrawn = world.engine.withdraw_operation(waits.expect("saved").id, "user:clerk");
    withdrawn.await.expect("withdrawn");
    assert!(delivered().is_zero());
    world.engine.set_paused(&id, false, "user:it").await.expect("resumed");

    world.sandbox().set_moods(&[Mood::Counter]);
    let sent = world
        .engine
        .issue_new(partner(), note, "user:clerk")
        .await
        .expect("saved");
    assert_eq!(sent.kind, OperationKind::Despatch);
    world.reaches(sent.id, DeliveryState::Applied).await;
    let received = world.comes_to(sent.document, ChainState::CounterOpen).await;
    assert_eq!(received.current_state, VersionState::Countered);
    let lines = world.engine.line_quantities(row.id).expect("quantities");
    assert_eq!(lines[0].delivered, line.quantity);
    assert_eq!(lines[0].received, line.quantity - sync_engine::domain::Decimal::ONE);
    let cancelled = world.act(&received, Issue::Cancel { reason: None }).await;
    world.reaches(cancelled.id, DeliveryState::Applied).await;
    assert_eq!(world.row(sent.document).state, ChainState::Cancelled);
    world.end(&[]).await;
}

/// The partner takes the answer and cannot carry it out: its order changes before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_the_partner_fails_to_carry_out_is_undone() {
    let mut options = sandbox_options();
    options.apply_delay = Duration::from_millis(1500);
    let mut pace = fast();
    // The change is looked for later than the answer's end.
    pace.poll_interval = Some(Duration::from_secs(3600));
    let world = World::with(pace, options).await;
    let number = world.issue(1);
    world.engine.sync_now(&partner()).await.expect("polled");
    let row = world.find(DocumentKind::Order, &number).expect("there");
    let saved = world.answer(&row, confirm()).await;
    let confirmed = world.comes_to(row.id, ChainState::Confirmed).await;
    assert_eq!(confirmed.agreed, Some(VersionNumber(1)));
    world.sandbox().change_order(&number).expect("changed");
    world.reaches(saved.id, DeliveryState::Dead).await;
    let back = world.row(row.id);
    assert_eq!(
        (back.state, back.current_state, back.agreed),
        (ChainState::Issued, VersionState::Proposed, None)
    );
    world.end(&[DeliveryState::Dead]).await;
}
