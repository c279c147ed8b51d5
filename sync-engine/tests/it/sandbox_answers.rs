//! The sandbox partner takes answers: once each, checked, applied, superseded, countered, received.

use crate::sandbox_trader::{Trader, body, confirm, quick, validator, wait};
use serde_json::{Value, json};
use std::time::Duration;
use sync_engine::sandbox::{OrderSpec, Sandbox, SandboxOptions};

#[tokio::test]
async fn an_order_is_confirmed_once_however_often_it_is_sent() {
    let sandbox = Sandbox::start(quick()).await.expect("starts");
    let trader = Trader::sign_in(&sandbox).await;
    let order = sandbox.issue_order(&OrderSpec::default()).expect("issued").remove(0);
    let path = format!("/api/purchase-orders/{}", order.number);
    assert_eq!(
        trader
            .get(&format!("{path}/response"))
            .send()
            .await
            .expect("an answer")
            .status(),
        404
    );

    let (status, first) = trader.operate("key-1", &confirm(&order.number, 1)).await;
    assert_eq!((status, &first["status"]), (202, &json!("RECEIVED")));
    for _ in 0..3 {
        assert_eq!(
            trader.operate("key-1", &confirm(&order.number, 1)).await,
            (202, first.clone())
        );
    }
    let (status, refusal) = trader.operate("key-1", &confirm(&order.number, 2)).await;
    assert_eq!((status, &refusal["code"]), (409, &json!("KEY_REUSED")));

    let applied = trader.wait_for("key-1", "APPLIED").await;
    assert_eq!(applied["operationId"], first["operationId"]);
    assert!(applied["appliedAt"].is_string());
    let response = trader.json(&format!("{path}/response")).await;
    assert_eq!(
        (&response["version"], &response["status"]),
        (&json!(1), &json!("CONFIRMED"))
    );
    assert_eq!(response["operationId"], first["operationId"]);

    let state = sandbox.state();
    assert_eq!(state.orders[0].status, "CONFIRMED");
    assert_eq!((state.counts.effects, state.counts.applied), (1, 1));
    assert_eq!((state.counts.replays, state.counts.key_conflicts), (3, 1));
    assert_eq!(state.effects.len(), 1);
    assert_eq!(state.effects[0].count, 1);
    sandbox.stop().await;
}

#[tokio::test]
async fn answers_that_cannot_be_taken() {
    let sandbox = Sandbox::start(quick()).await.expect("starts");
    let trader = Trader::sign_in(&sandbox).await;
    let order = sandbox
        .issue_order(&OrderSpec {
            lines: Some(2),
            ..OrderSpec::default()
        })
        .expect("issued")
        .remove(0);
    let note = sandbox
        .issue_delivery_note(&OrderSpec::default())
        .expect("issued")
        .remove(0);
    let with = |changes: Value| {
        let mut operation = confirm(&order.number, 1);
        for (key, value) in changes.as_object().expect("an object") {
            operation[key] = value.clone();
        }
        operation
    };
    let cases = [
        ("unknown order", confirm("PO-99999999", 1), 404, "NOT_FOUND", ""),
        ("later version", confirm(&order.number, 2), 409, "SUPERSEDED", ""),
        (
            "no such operation",
            with(json!({"operation": "perhaps"})),
            422,
            "INVALID",
            "/operation",
        ),
        ("no reason", with(json!({"operation": "reject"})), 422, "INVALID", ""),
        (
            "counter without lines",
            with(json!({"operation": "counter", "lines": []})),
            422,
            "INVALID",
            "/lines",
        ),
        (
            "a number for a decimal",
            with(json!({"operation": "counter", "lines": [{"lineNo": 10, "code": "CHANGED", "quantity": 3}]})),
            422,
            "INVALID",
            "/lines/0/quantity",
        ),
        (
            "a line that is not there",
            with(json!({"operation": "counter", "lines": [{"lineNo": 77, "code": "ACCEPTED"}]})),
            422,
            "INVALID",
            "/lines/0/lineNo",
        ),
        (
            "other without a text",
            with(json!({"operation": "reject", "reason": {"code": "OTH"}})),
            422,
            "INVALID",
            "/reason",
        ),
        (
            "a receipt with an order's line",
            json!({"operation": "receipt", "noteNumber": note.number, "version": 1,
                   "answeredAt": "2026-11-21T10:00:00Z", "lines": [{"lineNo": 1, "code": "ACCEPTED"}]}),
            422,
            "INVALID",
            "/lines/0",
        ),
    ];
    for (name, operation, status, code, pointer) in cases {
        let (got, answer) = trader.operate(&format!("key {name}"), &operation).await;
        assert_eq!((got, answer["code"].as_str()), (status, Some(code)), "{name}: {answer}");
        if status == 422 {
            let errors = answer["errors"].as_array().expect("errors");
            let told = errors
                .iter()
                .any(|e| e["pointer"] == pointer && e["message"].is_string());
            assert!(told, "{name}: {answer}");
        }
    }
    assert_eq!(sandbox.state().counts.effects, 0);
    let url = format!("{}/api/operations", sandbox.url());
    let keyless = trader
        .http
        .post(&url)
        .bearer_auth(&trader.token)
        .body("{}")
        .send()
        .await
        .expect("an answer");
    assert_eq!(keyless.status(), 400);
    let not_json = trader
        .post("key-x", &json!({}))
        .body("{\"operation\":")
        .send()
        .await
        .expect("an answer");
    assert_eq!(not_json.status(), 400);
    assert_eq!(
        trader
            .get("/api/operations/key-x")
            .send()
            .await
            .expect("an answer")
            .status(),
        404
    );
    sandbox.stop().await;
}

#[tokio::test]
async fn a_change_supersedes_and_a_cancellation_ends() {
    let sandbox = Sandbox::start(quick()).await.expect("starts");
    let trader = Trader::sign_in(&sandbox).await;
    let order = sandbox.issue_order(&OrderSpec::default()).expect("issued").remove(0);
    let control = |what: &str| format!("{}/sandbox/orders/{}/{what}", sandbox.url(), order.number);
    let changed = trader.http.post(control("change")).send().await.expect("an answer");
    assert_eq!(changed.status(), 201);
    assert_eq!(body(changed).await, json!({ "number": order.number, "version": 2 }));

    let (status, refusal) = trader.operate("late", &confirm(&order.number, 1)).await;
    assert_eq!((status, &refusal["currentVersion"]), (409, &json!(2)));
    assert_eq!(trader.operate("now", &confirm(&order.number, 2)).await.0, 202);
    trader.wait_for("now", "APPLIED").await;

    let path = format!("/api/purchase-orders/{}", order.number);
    let read = trader.get(&path).send().await.expect("an answer");
    let tag = read.headers()["etag"].to_str().expect("a tag").to_owned();
    let newest = body(read).await;
    assert_eq!(
        (&newest["version"], &newest["documentType"]),
        (&json!(2), &json!("PURCHASE_ORDER_CHANGE"))
    );
    assert_eq!(newest["supersedes"], format!("{}:1", order.number));
    let again = trader
        .get(&path)
        .header("if-none-match", &tag)
        .send()
        .await
        .expect("an answer");
    assert_eq!(again.status(), 304);

    assert_eq!(
        trader
            .http
            .post(control("cancel"))
            .send()
            .await
            .expect("an answer")
            .status(),
        201
    );
    assert_ne!(
        trader.get(&path).send().await.expect("an answer").headers()["etag"],
        tag.as_str()
    );
    assert_eq!(trader.operate("gone", &confirm(&order.number, 3)).await.0, 202);
    trader.wait_for("gone", "APPLIED").await;
    assert_eq!(sandbox.state().orders[0].status, "CANCELLED");
    let feed = trader.json("/api/purchase-orders?after=0").await;
    let kinds: Vec<&Value> = feed["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|i| &i["documentType"])
        .collect();
    assert_eq!(
        kinds,
        ["PURCHASE_ORDER", "PURCHASE_ORDER_CHANGE", "PURCHASE_ORDER_CANCEL"]
    );

    let nowhere = trader
        .http
        .post(format!("{}/sandbox/orders/PO-1/change", sandbox.url()))
        .send()
        .await;
    assert_eq!(nowhere.expect("an answer").status(), 404);
    sandbox.stop().await;
}

#[tokio::test]
async fn an_answer_that_is_overtaken_before_it_is_applied_fails() {
    let options = SandboxOptions {
        apply_delay: Duration::from_secs(3),
        ..quick()
    };
    let sandbox = Sandbox::start(options).await.expect("starts");
    let trader = Trader::sign_in(&sandbox).await;
    let order = sandbox.issue_order(&OrderSpec::default()).expect("issued").remove(0);
    assert_eq!(trader.operate("slow", &confirm(&order.number, 1)).await.0, 202);
    assert_eq!(trader.json("/api/operations/slow").await["status"], "RECEIVED");
    sandbox.change_order(&order.number).expect("changed");
    let failed = trader.wait_for("slow", "FAILED").await;
    assert_eq!(failed["error"]["code"], "SUPERSEDED");
    sandbox.stop().await;
}

#[tokio::test]
async fn a_counter_offer_is_taken_by_restating_it_or_handed_back() {
    for (percent, taken) in [(100, true), (0, false)] {
        let options = SandboxOptions {
            takes_counter_percent: percent,
            ..quick()
        };
        let sandbox = Sandbox::start(options).await.expect("starts");
        let trader = Trader::sign_in(&sandbox).await;
        let spec = OrderSpec {
            lines: Some(2),
            language: Some("ja".into()),
            ..OrderSpec::default()
        };
        let order = sandbox.issue_order(&spec).expect("issued").remove(0);
        let before = trader.json(&format!("/api/purchase-orders/{}", order.number)).await;
        let counter = json!({
            "operation": "counter", "poNumber": order.number, "version": 1, "answeredAt": "2026-11-21T10:00:00Z",
            "lines": [
                { "lineNo": 10, "code": "CHANGED", "quantity": "3", "unitPrice": "1200", "date": "2027-01-15" },
                { "lineNo": 20, "code": "ACCEPTED" },
            ],
        });
        assert_eq!(trader.operate("c", &counter).await.0, 202);
        let path = format!("/api/purchase-orders/{}", order.number);
        let after = wait(|| async {
            let newest = trader.json(&path).await;
            (newest["version"] == 2).then_some(newest)
        })
        .await;
        assert_eq!(after["documentType"], "PURCHASE_ORDER_CHANGE");
        assert!(validator("po.schema.json").is_valid(&after), "{after}");
        if taken {
            let line = &after["lines"][0];
            assert_eq!((&line["quantity"], &line["unitPrice"]), (&json!("3"), &json!("1200")));
            assert_eq!(
                (&line["net"], &line["requestedDelivery"]),
                (&json!("3600"), &json!("2027-01-15"))
            );
            assert_eq!(after["lines"][1], before["lines"][1]);
        } else {
            assert_eq!(after["lines"], before["lines"]);
            assert_eq!(after["totals"], before["totals"]);
        }
        sandbox.stop().await;
    }
}

#[tokio::test]
async fn a_delivery_note_is_answered_with_a_receipt() {
    let sandbox = Sandbox::start(quick()).await.expect("starts");
    let trader = Trader::sign_in(&sandbox).await;
    let url = format!("{}/sandbox/delivery-notes", sandbox.url());
    let issued = trader
        .http
        .post(&url)
        .body(r#"{"lines":2,"language":"pl"}"#)
        .send()
        .await
        .expect("an answer");
    assert_eq!(issued.status(), 201);
    let number = body(issued).await[0]["number"].as_str().expect("a number").to_owned();
    let receipt = json!({
        "operation": "receipt", "noteNumber": number, "version": 1, "answeredAt": "2026-11-21T10:00:00Z",
        "receivedOn": "2026-11-21",
        "lines": [
            { "lineNo": 1, "received": "5", "rejected": "1", "rejectReason": "BROKEN", "action": "REPLACE" },
            { "lineNo": 2, "received": "0", "short": "2" },
        ],
    });
    assert_eq!(trader.operate("r", &receipt).await.0, 202);
    trader.wait_for("r", "APPLIED").await;
    assert_eq!(sandbox.state().delivery_notes[0].status, "RECEIVED");
    sandbox.stop().await;
}
