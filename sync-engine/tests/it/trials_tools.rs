//! What the tools make of the configurations in `fixtures/trials`: they are short, a trial shows what an integrator needs,
//! and what is proposed from the descriptions beside them is right in what is hard to guess.

use crate::partner_link::{connect, root, secrets};
use crate::trials::payload;
use serde_json::{Value, json};
use sync_engine::domain::Timestamp;
use sync_engine::partner::propose::{Description, propose};
use sync_engine::partner::{RawItem, Trial, TrialInput, parse};

/// Most lines of a configuration for orders and answers.
const MAX_LINES: usize = 120;

#[test]
fn a_configuration_of_an_unknown_api_is_short() {
    let mut trials: Vec<String> = std::fs::read_dir(root().join("fixtures/trials"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    trials.sort();
    assert!(trials.len() >= 10, "{trials:?}");
    println!("trial | lines");
    for trial in &trials {
        let text = crate::trials::text(trial, &format!("{trial}.json"));
        let lines = text.lines().count();
        println!("{trial} | {lines}");
        assert!(lines <= MAX_LINES, "{trial}: {lines} lines");
        parse(&text, trial, &root().join("fixtures/trials")).unwrap_or_else(|e| panic!("{e}"));
    }
}

async fn tried(trial: &str, payload: &Value, prepared: Option<Value>) -> Trial {
    let config = crate::trials::payload(trial, &format!("{trial}.json"));
    let input = TrialInput {
        payload: Some(RawItem {
            bytes: payload.to_string().into_bytes().into(),
            media_type: "application/json".to_owned(),
        }),
        prepared,
        ..TrialInput::default()
    };
    let link = connect(&config, secrets(&[]));
    link.try_out(&input, Timestamp(1_763_712_000_000)).await.unwrap()
}

#[tokio::test]
async fn what_is_read_through_a_field_that_an_expression_made_is_read() {
    let trial = tried("oracle-fusion", &payload("oracle-fusion", "orders.json"), None).await;
    let unread: Vec<_> = trial.streams[0].documents[0]
        .unread
        .iter()
        .map(|f| f.path.as_str())
        .collect();
    for read in ["Description", "SupplierItem", "Item", "Price", "UOMCode"] {
        assert!(
            !unread.contains(&format!(".lines.items[].{read}").as_str()),
            "{read}: {unread:?}"
        );
    }
    assert!(unread.contains(&".lines.items[].LineType"), "{unread:?}");
    assert!(!unread.iter().any(|path| path.starts_with(".links")), "{unread:?}");
}

#[tokio::test]
async fn a_payload_goes_through_the_stream_that_takes_it_and_a_saved_read_fills_the_request() {
    let order = payload("coupa", "orders.json");
    let made = |trial: &Trial| {
        let operations = &trial.streams[0].documents[0].operations;
        operations
            .iter()
            .find(|o| o.operation == "confirm" && o.step == "lines")
            .unwrap()
            .clone()
    };
    let trial = tried("coupa", &order, None).await;
    assert_eq!(trial.streams[0].stream, "orders", "not the first of them");
    let without = made(&trial);
    assert!(without.request.is_none());
    let said = without.problems.last().unwrap();
    assert!(said.message.contains("--prepared"), "{said:?}");
    let confirmation = json!([{
        "id": 71, "order-header": {"version": 2},
        "order-line-confirmations": [{"id": 801, "line-num": "1"}, {"id": 802, "line-num": "2"}]
    }]);
    let with = made(&tried("coupa", &order, Some(confirmation)).await).request.unwrap();
    assert!(with.url.ends_with("/api/order_header_confirmations/71"), "{}", with.url);
    let body: Value = serde_json::from_str(with.body.as_ref().unwrap()).unwrap();
    let ids: Vec<_> = body["order-line-confirmations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|l| l["id"].clone())
        .collect();
    assert_eq!(ids, [json!(801), json!(802)]);
}

#[tokio::test]
async fn a_change_of_ours_is_shown_with_what_is_changed_added_and_left_out() {
    let mut order = payload("sap-s4", "orders.json");
    // One that is read as an order, so that the trial has several lines to change.
    order["PurchaseOrder"] = json!("4500000001");
    let mut config = payload("sap-s4-buyer", "sap-s4-buyer.json");
    config["streams"] = payload("sap-s4", "sap-s4.json")["streams"].clone();
    let input = TrialInput {
        payload: Some(RawItem {
            bytes: order.to_string().into_bytes().into(),
            media_type: "application/json".to_owned(),
        }),
        ..TrialInput::default()
    };
    let link = connect(&config, secrets(&[]));
    let trial = link.try_out(&input, Timestamp(1_763_712_000_000)).await.unwrap();
    let steps: Vec<_> = trial
        .issued
        .iter()
        .filter(|o| o.operation == "update")
        .map(|o| o.step.as_str())
        .collect();
    assert_eq!(steps, ["changed: prepare", "changed", "added", "deleted"]);
}

#[test]
fn what_is_hard_to_guess_is_proposed_from_the_descriptions() {
    let proposed = |trial: &str| {
        let text = crate::trials::text(trial, "openapi.json");
        let description = Description::read("openapi.json", &text, &mut |file| panic!("{file}")).unwrap();
        propose(&description, trial).unwrap().config
    };
    let sap = proposed("sap-s4");
    let stream = &sap["streams"]["orders"];
    let query = &stream["request"]["query"];
    assert_eq!(query["$expand"], json!({"$value": "to_PurchaseOrderItem"}));
    assert_eq!(
        query["$filter"],
        "if .watermark then \"LastChangeDateTime gt datetimeoffset'\\(.watermark)'\" else empty end"
    );
    let line = &stream["map"]["lines"];
    assert_eq!(line["item"]["sellerId"], ".SupplierMaterialNumber");
    assert_eq!(line["item"]["gtin"], ".InternationalArticleNumber");
    let day = &line["requestedDelivery"];
    assert_eq!(
        day["$from"],
        "first(.to_ScheduleLine.results[] | .ScheduleLineDeliveryDate)"
    );
    assert_eq!(day["$date"], "dotNet");
    let oracle = proposed("oracle-fusion");
    let map = &oracle["streams"]["orders"]["map"];
    assert_eq!(map["lines"]["item"]["sellerId"], ".SupplierItem");
    assert_eq!(
        map["requestedDelivery"],
        Value::Null,
        "when it must be acknowledged is no day of delivery"
    );
    let coupa = proposed("coupa");
    let item = &coupa["streams"]["orders"]["map"]["lines"]["item"];
    assert_eq!(item["sellerId"], ".\"source-part-num\"");
}

#[tokio::test]
async fn a_constant_unit_is_looked_up_nowhere() {
    let trial = tried("shopify", &payload("shopify", "order.json"), None).await;
    let document = &trial.streams[0].documents[0];
    assert_eq!(document.canonical.as_ref().unwrap()["lines"][0]["unit"], "C62");
    assert!(document.codes.is_empty(), "{:?}", document.codes);
}

#[tokio::test]
async fn a_trial_shows_what_is_done_to_a_delivery_note_and_names_the_order_as_the_map_does() {
    let read = json!({"fulfillment_orders": [{
        "id": 7, "status": "open", "line_items": [{"id": 8, "line_item_id": 669_751_112}, {"id": 9, "line_item_id": 703_073_504}]
    }]});
    let trial = tried("shopify", &payload("shopify", "order.json"), Some(read)).await;
    let shown: Vec<_> = trial
        .issued
        .iter()
        .map(|o| {
            let request = o.request.as_ref().unwrap_or_else(|| panic!("{o:?}"));
            let path = request.url.split_once("2024-10").unwrap().1.to_owned();
            (o.operation.as_str(), path, request.body.clone().unwrap_or_default())
        })
        .collect();
    let paths: Vec<_> = shown.iter().map(|(o, path, _)| (*o, path.as_str())).collect();
    assert_eq!(
        paths,
        [
            ("update", "/fulfillments/ID-AT-THE-PARTNER/update_tracking.json"),
            ("cancel", "/fulfillments/ID-AT-THE-PARTNER/cancel.json"),
            ("despatch", "/orders/450789469/fulfillment_orders.json"),
            ("despatch", "/fulfillments.json"),
        ]
    );
    assert!(shown[0].2.contains("TRACKING-2"), "{}", shown[0].2);
}
