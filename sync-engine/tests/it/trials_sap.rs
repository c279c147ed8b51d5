//! SAP S/4HANA by OData 2, as its customer's supplier: `d.results` and skip tokens, `/Date(…)/`, CSRF tokens with their
//! session, keys in the path, ETags, an error object of its own.

use crate::exchange_world::until;
use crate::trials::{Trial, parameters, told};
use crate::trials_s4::s4;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use sync_engine::domain::{CanonicalDocument, ChainState, DeliveryState, VersionNumber};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sap_orders_are_read_by_skip_token_and_resumed_at_the_watermark() {
    let (peer, server) = s4().await;
    for (number, minutes) in [("4500000001", 0), ("4500000002", 10), ("4500000003", 20)] {
        peer.lock().unwrap().put(number, minutes);
    }
    let mut trial = Trial::by_hand("sap-s4", &server.url).await;
    let report = trial.sync().await;
    assert_eq!((report.versions, report.duplicates), (3, 0));
    assert_eq!(server.asked().len(), 2, "two pages");
    let order = trial.canonical(&trial.order("4500000001"));
    assert_eq!(order["lines"].as_array().unwrap().len(), 2, "the deleted item is gone");
    assert_eq!(
        order["lines"][0]["requestedDelivery"],
        json!({"first": "2026-03-16", "last": "2026-03-23"})
    );
    assert_eq!(
        (&order["lines"][0]["price"], &order["lines"][0]["priceBase"]),
        (&json!("125.00"), &json!("10"))
    );
    assert_eq!(order["notes"], json!(["Deliver to gate 3"]));

    // Once more from the watermark: what lies in the overlap is recognised, what changed is a version.
    trial.restart().await;
    {
        let mut peer = peer.lock().unwrap();
        peer.orders.get_mut("4500000002").unwrap()["to_PurchaseOrderItem"]["results"][0]["OrderQuantity"] = json!("50");
        peer.touch("4500000002", 30);
    }
    let before = server.asked().len();
    let report = trial.sync().await;
    assert_eq!((report.versions, report.duplicates), (1, 1));
    let filter = parameters(&server.asked()[before])["$filter"].clone();
    assert!(
        filter.ends_with("ge datetimeoffset'2026-03-02T08:34:42Z'"),
        "a minute before: {filter}"
    );
    assert_eq!(trial.order("4500000002").current, VersionNumber(2));
    {
        let mut peer = peer.lock().unwrap();
        let order = peer.orders.get_mut("4500000003").unwrap();
        for item in order["to_PurchaseOrderItem"]["results"].as_array_mut().unwrap() {
            item["PurchasingDocumentDeletionCode"] = json!("L");
        }
        peer.touch("4500000003", 40);
    }
    trial.sync().await;
    assert_eq!(
        trial.order("4500000003").state,
        ChainState::CancelPending,
        "all items are deleted"
    );
    trial.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sap_answers_are_applied_line_by_line_and_do_not_come_back_as_a_change() {
    let (peer, server) = s4().await;
    peer.lock().unwrap().put("4500000001", 0);
    let trial = Trial::on_line("sap-s4", &server.url).await;
    trial.sync().await;
    let row = trial.order("4500000001");
    let lines = json!([
        {"lineId": "10", "code": "Changed", "quantity": "30", "date": "2026-03-20"},
        {"lineId": "20", "code": "Rejected", "reason": {"code": "ITM"}},
    ]);
    let sent = trial
        .answered(&row, json!({"code": "CA", "lines": lines}), DeliveryState::Applied)
        .await;
    {
        let peer = peer.lock().unwrap();
        let [one] = peer.confirmations.as_slice() else {
            panic!("{:#?}", peer.confirmations)
        };
        let number = one["SupplierConfirmationExtNumber"].as_str().unwrap();
        assert_eq!(number.len(), 32, "{number}");
        assert_eq!(
            *one,
            json!({
                "PurchaseOrder": "4500000001", "PurchaseOrderItem": "10", "SupplierConfirmationCategory": "AB",
                "ConfirmedQuantity": "30", "PurchaseOrderQuantityUnit": "PC", "DeliveryDate": "/Date(1773964800000+0000)/",
                "SupplierConfirmationExtNumber": number
            })
        );
        let own = sent.id.to_string();
        assert_eq!(peer.orders["4500000001"]["CorrespncExternalReference"], own[24..36]);
        assert_eq!(peer.sessions, 1, "one session for all writes");
    }
    let report = trial.sync().await;
    assert_eq!(
        (report.versions, report.duplicates),
        (0, 1),
        "what we wrote is no version"
    );
    let row = trial.order("4500000001");
    assert_eq!(
        (row.current, row.state),
        (VersionNumber(2), ChainState::CounterOpen),
        "our offer"
    );
    trial.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sap_requests_whose_answer_is_lost_are_looked_up_and_a_session_that_is_over_is_fetched_again() {
    let (peer, server) = s4().await;
    peer.lock().unwrap().put("4500000001", 0);
    let trial = Trial::on_line("sap-s4", &server.url).await;
    trial.sync().await;
    let row = trial.order("4500000001");
    {
        let mut peer = peer.lock().unwrap();
        // The first line is lost before it is done, the second after it.
        peer.lost = BTreeMap::from([(1, false), (3, true)]);
        peer.ends_before = Some(3);
    }
    let saved = trial
        .answered(&row, json!({"code": "AP"}), DeliveryState::Applied)
        .await;
    let attempts = trial.engine.store().attempts(saved.id).unwrap();
    let mut steps: Vec<String> = attempts.iter().map(|a| a.step.clone()).collect();
    // That it was not seen counts only when what was sent cannot be on its way any more: it may be asked before that.
    steps.dedup_by(|next, before| next == before && before == "lookup lines");
    let made = [
        "send header",
        "send lines",
        "lookup lines",
        "send lines",
        "send lines",
        "lookup lines",
        "verify lines",
    ];
    assert_eq!(steps, made);
    {
        let peer = peer.lock().unwrap();
        assert_eq!((peer.writes.len(), peer.sessions), (4, 3), "{:?}", peer.writes);
        let items: Vec<_> = peer
            .confirmations
            .iter()
            .map(|c| c["PurchaseOrderItem"].as_str().unwrap())
            .collect();
        assert_eq!(items, ["10", "20"], "each once: {steps:?}");
    }
    trial.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sap_holds_an_answer_to_an_order_that_changed_and_says_why_it_refuses() {
    let (peer, server) = s4().await;
    peer.lock().unwrap().put("4500000001", 0);
    peer.lock().unwrap().put("4500000002", 5);
    let trial = Trial::on_line("sap-s4", &server.url).await;
    trial.sync().await;
    // The run of the background has read the orders too, as they were.
    until("both runs", || {
        let lists = server
            .asked()
            .iter()
            .filter(|a| a.uri.path().ends_with("/A_PurchaseOrder"))
            .count();
        (lists >= 2).then_some(())
    })
    .await;
    let (changed, refused) = (trial.order("4500000001"), trial.order("4500000002"));
    {
        let mut peer = peer.lock().unwrap();
        peer.orders.get_mut("4500000001").unwrap()["to_PurchaseOrderItem"]["results"][0]["OrderQuantity"] = json!("50");
        peer.touch("4500000001", 60);
    }
    let held = trial
        .answered(&changed, json!({"code": "AP"}), DeliveryState::Held)
        .await;
    assert!(told(&held).starts_with("partner.conflict"), "{}", told(&held));
    let reason = json!({"code": "RE", "reason": {"code": "ITM", "text": "out of range"}});
    let dead = trial.answered(&refused, reason, DeliveryState::Dead).await;
    assert!(
        told(&dead).ends_with("Purchase order is locked by user MAY"),
        "{}",
        told(&dead)
    );
    {
        let peer = peer.lock().unwrap();
        assert_eq!(peer.confirmations, [] as [Value; 0], "nothing was answered unseen");
        assert_eq!(
            peer.notes,
            [json!({"TextObjectType": "F02", "Language": "EN", "PlainLongText": "REJECTED ITM out of range"})]
        );
    }
    trial.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sap_takes_a_delivery_note_of_ours() {
    let (peer, server) = s4().await;
    peer.lock().unwrap().put("4500000001", 0);
    let trial = Trial::on_line("sap-s4", &server.url).await;
    trial.sync().await;
    let row = trial.order("4500000001");
    trial
        .answered(&row, json!({"code": "AP"}), DeliveryState::Applied)
        .await;
    let note = json!({
        "number": "DN-1", "despatchedOn": "2026-03-12", "expectedDelivery": {"first": "2026-03-13", "last": "2026-03-14"},
        "buyer": {"id": "1710"}, "seller": {"id": "17300001"},
        "lines": [{"id": "1", "orderNumber": "4500000001", "orderLineId": "10", "item": {"sellerId": "A-100"}, "delivered": "12", "unit": "C62"}]
    });
    let note = CanonicalDocument::DespatchAdvice(serde_json::from_value(note).unwrap());
    trial.issued(note, DeliveryState::Delivered).await;
    assert_eq!(
        peer.lock().unwrap().deliveries,
        [json!({
            "DeliveryDocumentBySupplier": "DN-1", "DeliveryDate": "/Date(1773446400000+0000)/",
            "to_DeliveryDocumentItem": {"results": [{
                "ReferenceSDDocument": "4500000001", "ReferenceSDDocumentItem": "10",
                "ActualDeliveryQuantity": "12", "DeliveryQuantityUnit": "PC"
            }]}
        })]
    );
    trial.end().await;
}
