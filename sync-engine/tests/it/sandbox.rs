//! The sandbox partner through real HTTP: signing in, lists, restart, its page. Answers are in `sandbox_answers`, faults in
//! `sandbox_faults`.

use crate::sandbox_trader::{Trader, body, client, confirm, quick, validator, wait};
use serde_json::json;
use std::time::Duration;
use sync_engine::sandbox::{DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, OrderSpec, Sandbox, SandboxOptions};

#[tokio::test]
async fn tokens_by_basic_and_by_body_and_their_end() {
    let sandbox = Sandbox::start(SandboxOptions {
        token_seconds: 0,
        ..quick()
    })
    .await
    .expect("starts");
    let http = client();
    let url = format!("{}/oauth/token", sandbox.url());
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", DEFAULT_CLIENT_ID),
        ("client_secret", DEFAULT_CLIENT_SECRET),
    ];
    let good = http.post(&url).form(&form).send().await.expect("an answer");
    assert_eq!(good.status(), 200);
    let good = body(good).await;
    assert_eq!(
        (&good["token_type"], &good["expires_in"]),
        (&json!("Bearer"), &json!(0))
    );

    let wrong = http
        .post(&url)
        .basic_auth("countersign", Some("wrong"))
        .form(&form[..1])
        .send()
        .await;
    let wrong = wrong.expect("an answer");
    assert_eq!(wrong.status(), 401);
    assert_eq!(body(wrong).await["error"], "invalid_client");
    let other = http
        .post(&url)
        .form(&[("grant_type", "password")])
        .send()
        .await
        .expect("an answer");
    assert_eq!(other.status(), 400);

    let feed = format!("{}/api/purchase-orders", sandbox.url());
    for header in ["Bearer made-up", "Basic x", ""] {
        let refused = http
            .get(&feed)
            .header("authorization", header)
            .send()
            .await
            .expect("an answer");
        assert_eq!(refused.status(), 401, "{header}");
        assert!(refused.headers().contains_key("www-authenticate"));
    }
    // A life of nothing is over at once.
    let token = good["access_token"].as_str().expect("a token").to_owned();
    wait(|| async {
        let status = http
            .get(&feed)
            .bearer_auth(&token)
            .send()
            .await
            .expect("an answer")
            .status();
        (status == 401).then_some(())
    })
    .await;
    assert!(sandbox.state().counts.unauthorized >= 4);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_demo_opens_with_orders_and_notes_that_fit_their_schemas() {
    let options = SandboxOptions {
        port: 0,
        event_interval: None,
        ..SandboxOptions::demo()
    };
    let sandbox = Sandbox::start(options).await.expect("starts");
    let trader = Trader::sign_in(&sandbox).await;
    let mut after = 0;
    let mut seen = Vec::new();
    loop {
        let page = trader
            .json(&format!("/api/purchase-orders?after={after}&limit=10"))
            .await;
        let items = page["items"].as_array().expect("items").clone();
        if items.is_empty() {
            assert_eq!(page["next"], after, "an empty page stays where it is");
            break;
        }
        assert!(items.len() <= 10);
        after = page["next"].as_u64().expect("next");
        seen.extend(items);
    }
    assert_eq!((seen.len(), after), (25, 25));
    let schema = validator("po.schema.json");
    for order in &seen {
        assert!(schema.is_valid(order), "{order}");
    }
    let distinct = |key: &str| {
        seen.iter()
            .map(|o| o[key].to_string())
            .collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(distinct("language").len(), 9);
    assert!(distinct("currency").contains("\"JPY\""));
    let longest = seen.iter().map(|o| o["lines"].as_array().map_or(0, Vec::len)).max();
    assert_eq!(longest, Some(1000));

    let notes = trader.json("/api/delivery-notes").await;
    let schema = validator("dn.schema.json");
    let items = notes["items"].as_array().expect("items");
    assert_eq!(items.len(), 6);
    for note in items {
        assert!(schema.is_valid(note), "{note}");
    }
    let number = items[0]["noteNumber"].as_str().expect("a number");
    assert_eq!(trader.json(&format!("/api/delivery-notes/{number}")).await, items[0]);
    sandbox.stop().await;
}

#[tokio::test]
async fn something_new_happens_by_itself() {
    let options = SandboxOptions {
        event_interval: Some(Duration::from_millis(1)),
        ..quick()
    };
    let sandbox = Sandbox::start(options).await.expect("starts");
    let trader = Trader::sign_in(&sandbox).await;
    let state = wait(|| async {
        // Each look lets what is due happen.
        trader.json("/api/purchase-orders?limit=1").await;
        let state = sandbox.state();
        let kinds = |kind: &str| state.orders.iter().flat_map(|o| &o.versions).any(|v| v.kind == kind);
        let all = kinds("PURCHASE_ORDER_CHANGE") && kinds("PURCHASE_ORDER_CANCEL") && state.counts.delivery_notes > 0;
        all.then_some(state)
    })
    .await;
    assert!(state.counts.orders > 0);
    let schema = validator("po.schema.json");
    for order in trader.json("/api/purchase-orders?limit=1000").await["items"]
        .as_array()
        .expect("items")
    {
        assert!(schema.is_valid(order), "{order}");
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn a_restart_goes_on_where_it_was() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("sandbox.jsonl");
    let options = || SandboxOptions {
        state_file: Some(file.clone()),
        initial_orders: 3,
        // Applied only after the restart.
        apply_delay: Duration::from_millis(700),
        ..quick()
    };
    let first = Sandbox::start(options()).await.expect("starts");
    let trader = Trader::sign_in(&first).await;
    let feed = trader.json("/api/purchase-orders").await;
    let number = feed["items"][0]["poNumber"].as_str().expect("a number").to_owned();
    let (_, answer) = trader.operate("k", &confirm(&number, 1)).await;
    let port = first.port();
    first.stop().await;

    // A crash in the middle of a write leaves half a line; nobody was told of it.
    let mut torn = std::fs::OpenOptions::new().append(true).open(&file).expect("the file");
    std::io::Write::write_all(&mut torn, b"{\"accepted\":{\"key\":\"half").expect("written");
    drop(torn);

    let second = Sandbox::start(SandboxOptions { port, ..options() })
        .await
        .expect("starts on the same port");
    let trader = Trader::sign_in(&second).await;
    assert_eq!(
        trader.json("/api/purchase-orders").await,
        feed,
        "the same bytes after a restart"
    );
    assert_eq!(trader.operate("k", &confirm(&number, 1)).await, (202, answer));
    trader.wait_for("k", "APPLIED").await;
    assert_eq!(second.state().counts.effects, 1);
    second.stop().await;

    let third = Sandbox::start(options()).await.expect("starts");
    assert_eq!(third.state().operations[0].status, "APPLIED");
    third.stop().await;
    std::fs::write(&file, "not an entry\n").expect("written");
    let Err(broken) = Sandbox::start(options()).await else {
        panic!("a broken state file was taken")
    };
    assert!(broken.to_string().contains("line 1"), "{broken}");
}

#[tokio::test]
async fn a_taken_port_is_said() {
    let sandbox = Sandbox::start(quick()).await.expect("starts");
    let Err(error) = Sandbox::start(SandboxOptions {
        port: sandbox.port(),
        ..quick()
    })
    .await
    else {
        panic!("two on one port")
    };
    assert!(error.to_string().contains("choose another port"), "{error}");
    sandbox.stop().await;
}

#[tokio::test]
async fn the_page_shows_what_happened_and_escapes_it() {
    let sandbox = Sandbox::start(quick()).await.expect("starts");
    let trader = Trader::sign_in(&sandbox).await;
    let order = sandbox.issue_order(&OrderSpec::default()).expect("issued").remove(0);
    let mut reject = confirm(&order.number, 1);
    reject["operation"] = json!("reject");
    reject["reason"] = json!({ "code": "OTH", "text": "<script>alert('x')</script>" });
    assert_eq!(trader.operate("<key>&\"", &reject).await.0, 202);
    let page = trader.http.get(sandbox.url()).send().await.expect("an answer");
    assert!(
        page.headers()["content-security-policy"]
            .to_str()
            .expect("text")
            .starts_with("default-src 'none'")
    );
    let html = page.text().await.expect("text");
    assert!(html.contains(&order.number));
    assert!(html.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;"));
    assert!(html.contains("&lt;key&gt;&amp;&quot;"));
    assert!(!html.contains("<script"));
    sandbox.stop().await;
}

#[tokio::test]
async fn the_state_is_told_over_http() {
    let sandbox = Sandbox::start(quick()).await.expect("starts");
    let http = client();
    let url = format!("{}/sandbox/orders", sandbox.url());
    let issued = http
        .post(&url)
        .body(r#"{"count":3,"currency":"JPY","lines":1}"#)
        .send()
        .await
        .expect("an answer");
    assert_eq!(body(issued).await.as_array().map(Vec::len), Some(3));
    let state = http
        .get(format!("{}/sandbox/state", sandbox.url()))
        .send()
        .await
        .expect("an answer");
    let state = body(state).await;
    assert_eq!(state["counts"]["orders"], 3);
    assert!(
        state["orders"]
            .as_array()
            .expect("orders")
            .iter()
            .all(|o| o["currency"] == "JPY" && o["lines"] == 1)
    );
    let wrong = http.post(&url).body(r#"{"cuont":3}"#).send().await.expect("an answer");
    assert_eq!(wrong.status(), 400);
    assert!(body(wrong).await["message"].as_str().expect("text").contains("cuont"));
    sandbox.stop().await;
}
