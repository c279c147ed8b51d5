//! Each fault of the sandbox partner, seen from the other side of the wire.

use crate::sandbox_trader::{Trader, body, confirm};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use sync_engine::sandbox::{Fault, FaultKind, OrderSpec, Sandbox, SandboxOptions};

async fn open_shop() -> (Sandbox, Trader) {
    let options = SandboxOptions {
        initial_orders: 3,
        apply_delay: Duration::ZERO,
        ..SandboxOptions::default()
    };
    let sandbox = Sandbox::start(options).await.expect("starts");
    let trader = Trader::sign_in(&sandbox).await;
    (sandbox, trader)
}

const FEED: &str = "/api/purchase-orders";

fn sequence(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().expect("items");
    items
        .iter()
        .map(|i| i["poNumber"].as_str().expect("a number").to_owned())
        .collect()
}

#[tokio::test]
async fn refusals_with_a_status() {
    let (sandbox, trader) = open_shop().await;
    let cases = [
        (Fault::times(FaultKind::TooManyRequests, 1), 429, "retry-after"),
        (Fault::times(FaultKind::ServerError, 1), 500, "content-type"),
        (
            Fault {
                retry_after_seconds: Some(7),
                ..Fault::times(FaultKind::Unavailable, 1)
            },
            503,
            "retry-after",
        ),
        (Fault::times(FaultKind::Redirect, 1), 307, "location"),
    ];
    for (fault, status, header) in cases {
        sandbox.set_faults(vec![fault]);
        let refused = trader.get(FEED).send().await.expect("an answer");
        assert_eq!(refused.status(), status);
        assert!(refused.headers().contains_key(header), "{status}");
        assert_eq!(
            trader.get(FEED).send().await.expect("an answer").status(),
            200,
            "only once"
        );
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn an_expired_token_is_worth_nothing_any_more() {
    let (sandbox, trader) = open_shop().await;
    sandbox.set_faults(vec![Fault::times(FaultKind::ExpiredToken, 1)]);
    assert_eq!(trader.get(FEED).send().await.expect("an answer").status(), 401);
    assert_eq!(
        trader.get(FEED).send().await.expect("an answer").status(),
        401,
        "the old token stays dead"
    );
    let again = Trader::sign_in(&sandbox).await;
    again.json(FEED).await;
    sandbox.stop().await;
}

#[tokio::test]
async fn slow_and_dripping_answers_arrive_whole() {
    let (sandbox, trader) = open_shop().await;
    let whole = trader.json("/api/purchase-orders?limit=1").await;
    for fault in [
        Fault {
            milliseconds: Some(300),
            ..Fault::times(FaultKind::Slow, 1)
        },
        Fault {
            milliseconds: Some(10),
            bytes: Some(64),
            ..Fault::times(FaultKind::Drip, 1)
        },
    ] {
        sandbox.set_faults(vec![fault]);
        let before = Instant::now();
        assert_eq!(trader.json("/api/purchase-orders?limit=1").await, whole);
        assert!(before.elapsed() >= Duration::from_millis(200), "{:?}", before.elapsed());
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn a_connection_dropped_before_leaves_nothing() {
    let (sandbox, trader) = open_shop().await;
    let order = sandbox.issue_order(&OrderSpec::default()).expect("issued").remove(0);
    sandbox.set_faults(vec![Fault::times(FaultKind::DropBefore, 1).on("/api/operations")]);
    let broken = trader.post("k", &confirm(&order.number, 1)).send().await;
    assert!(broken.is_err());
    assert_eq!(sandbox.state().counts.effects, 0);
    assert_eq!(
        trader
            .get("/api/operations/k")
            .send()
            .await
            .expect("an answer")
            .status(),
        404
    );
    assert_eq!(trader.operate("k", &confirm(&order.number, 1)).await.0, 202);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_connection_dropped_after_leaves_one_effect() {
    let (sandbox, trader) = open_shop().await;
    let order = sandbox.issue_order(&OrderSpec::default()).expect("issued").remove(0);
    sandbox.set_faults(vec![Fault {
        method: Some("POST".into()),
        ..Fault::times(FaultKind::DropAfter, 1)
    }]);
    let broken = trader.post("k", &confirm(&order.number, 1)).send().await;
    assert!(broken.is_err());
    assert_eq!(trader.wait_for("k", "APPLIED").await["status"], "APPLIED");
    assert_eq!(trader.operate("k", &confirm(&order.number, 1)).await.0, 202);
    let state = sandbox.state();
    assert_eq!((state.counts.effects, state.counts.replays), (1, 1));
    assert_eq!(state.counts.faults.get("dropAfter"), Some(&1));
    sandbox.stop().await;
}

#[tokio::test]
async fn pages_that_are_wrong() {
    let (sandbox, trader) = open_shop().await;
    let good = trader.json(FEED).await;
    let numbers = sequence(&good);

    sandbox.set_faults(vec![Fault::times(FaultKind::WrongSchema, 1)]);
    let page = trader.json(FEED).await;
    assert_eq!(page["items"][0]["version"], "first");
    assert_eq!(page["items"][1], good["items"][1]);
    assert_eq!(page["next"], good["next"]);

    sandbox.set_faults(vec![Fault::times(FaultKind::Duplicated, 1)]);
    let twice: Vec<String> = numbers.iter().flat_map(|n| [n.clone(), n.clone()]).collect();
    assert_eq!(sequence(&trader.json(FEED).await), twice);

    sandbox.set_faults(vec![Fault::times(FaultKind::Reordered, 1)]);
    let reversed: Vec<String> = numbers.iter().rev().cloned().collect();
    assert_eq!(sequence(&trader.json(FEED).await), reversed);

    sandbox.set_faults(vec![Fault::always(FaultKind::EndlessPage)]);
    let mut after = 0;
    for _ in 0..10 {
        let page = trader.json(&format!("{FEED}?after={after}")).await;
        assert!(!page["items"].as_array().expect("items").is_empty());
        let next = page["next"].as_u64().expect("next");
        assert!(next > after);
        after = next;
    }
    sandbox.set_faults(vec![]);
    assert_eq!(trader.json(FEED).await, good);
    sandbox.stop().await;
}

#[tokio::test]
async fn bodies_that_are_too_large_or_not_json() {
    let (sandbox, trader) = open_shop().await;
    sandbox.set_faults(vec![Fault {
        bytes: Some(12 << 20),
        ..Fault::times(FaultKind::Oversized, 1)
    }]);
    let large = trader
        .get(FEED)
        .send()
        .await
        .expect("an answer")
        .bytes()
        .await
        .expect("a body");
    assert!(large.len() > 12 << 20);
    sandbox.set_faults(vec![Fault::times(FaultKind::NotJson, 1)]);
    let html = trader.get(FEED).send().await.expect("an answer");
    assert_eq!(html.status(), 200);
    assert!(html.text().await.expect("text").starts_with("<!doctype html>"));
    sandbox.stop().await;
}

#[tokio::test]
async fn switches_are_set_over_http() {
    let (sandbox, trader) = open_shop().await;
    let url = format!("{}/sandbox/faults", sandbox.url());
    let faults = json!({ "faults": [
        { "kind": "serverError", "count": 1, "path": "/api/delivery-notes" },
        { "kind": "tooManyRequests", "probability": 1.0, "retryAfterSeconds": 9, "path": "/oauth" },
    ] });
    let set = trader
        .http
        .post(&url)
        .body(faults.to_string())
        .send()
        .await
        .expect("an answer");
    assert_eq!(set.status(), 200);
    assert_eq!(trader.get(FEED).send().await.expect("an answer").status(), 200);
    assert_eq!(
        trader
            .get("/api/delivery-notes")
            .send()
            .await
            .expect("an answer")
            .status(),
        500
    );
    assert_eq!(
        trader
            .get("/api/delivery-notes")
            .send()
            .await
            .expect("an answer")
            .status(),
        200
    );
    let token = trader
        .http
        .post(format!("{}/oauth/token", trader.url))
        .send()
        .await
        .expect("an answer");
    assert_eq!(
        (token.status().as_u16(), token.headers()["retry-after"].to_str().ok()),
        (429, Some("9"))
    );
    let now = body(trader.http.get(&url).send().await.expect("an answer")).await;
    assert_eq!(now["faults"][0]["count"], 0, "used up");

    let wrong = trader
        .http
        .post(&url)
        .body(r#"{"faults":[{"kind":"sluggish"}]}"#)
        .send()
        .await
        .expect("an answer");
    assert_eq!(wrong.status(), 400);
    assert!(
        body(wrong).await["message"]
            .as_str()
            .expect("text")
            .contains("sluggish")
    );
    sandbox.stop().await;
}

#[tokio::test]
async fn chance_strikes_the_same_with_the_same_seed() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let (sandbox, trader) = open_shop().await;
        sandbox.set_faults(vec![Fault::sometimes(FaultKind::ServerError, 0.5)]);
        let mut statuses = Vec::new();
        for _ in 0..20 {
            statuses.push(
                trader
                    .get("/api/delivery-notes")
                    .send()
                    .await
                    .expect("an answer")
                    .status()
                    .as_u16(),
            );
        }
        assert!(statuses.contains(&500) && statuses.contains(&200));
        runs.push(statuses);
        sandbox.stop().await;
    }
    assert_eq!(runs[0], runs[1]);
}
