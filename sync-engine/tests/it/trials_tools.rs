//! What the tools make of the configurations in `fixtures/trials`: they are short, a trial shows what an integrator needs,
//! and what is proposed from the descriptions beside them is right in what is hard to guess.

use crate::partner_link::{connect, root, secrets};
use crate::trials::payload;
use serde_json::{Value, json};
use sync_engine::domain::Timestamp;
use sync_engine::partner::propose::{Description, propose};
use sync_engine::partner::{RawItem, Trial, TrialInput, parse};

const TRIALS: &[&str] = &["sap-s4", "sap-s4-buyer", "oracle-fusion", "coupa", "quickbooks"];

#[test]
fn a_configuration_of_an_unknown_api_is_short() {
    println!("trial | lines");
    for trial in TRIALS {
        let text = crate::trials::text(trial, &format!("{trial}.json"));
        let lines = text.lines().count();
        println!("{trial} | {lines}");
        assert!(lines <= 120, "{trial}: {lines} lines");
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
