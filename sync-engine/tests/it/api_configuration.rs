//! What an integrator does over the API: check, try, read and save a configuration, run quarantine again.

use crate::api_host::{Answer, Host, TOKEN};
use serde_json::{Value, json};
use sync_engine::sandbox::{Fault, FaultKind};

impl Host {
    async fn put(&self, path: &str, body: &Value) -> Answer {
        let request = self.client.put(self.url(path)).bearer_auth(TOKEN);
        let request = request.header("content-type", "application/json");
        self.send(request.body(body.to_string())).await
    }

    async fn configuration(&self) -> Value {
        let file = self.get("/partners/sandbox/configuration").await.expect(200).json();
        serde_json::from_str(file["text"].as_str().expect("a text")).expect("JSON")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_is_tried_on_the_live_api_and_nothing_is_stored_or_sent() {
    let host = Host::quiet().await;
    host.sandbox.issue_order(&Default::default()).expect("an order");
    let text = host.configuration().await.to_string();
    let tried = host
        .post("/partners/try", &json!({"text": text, "stream": "orders"}))
        .await
        .expect(200)
        .json();
    let stream = &tried["streams"][0];
    assert_eq!(stream["request"]["method"], "GET");
    let shown = stream["request"].to_string();
    assert!(shown.contains("***"), "the credential is masked: {shown}");
    let document = &stream["documents"][0];
    assert_eq!(document["outcome"], "version", "{document}");
    assert!(document["payload"].as_str().expect("text").contains("poNumber"));
    assert!(document["canonical"]["lines"][0]["quantity"].is_string());
    let codes = document["codes"].as_array().expect("codes");
    assert!(
        codes.iter().any(|c| c["table"] == "units" && c["found"].is_string()),
        "{codes:?}"
    );
    let names = document["operations"].as_array().expect("operations");
    let names: Vec<&str> = names.iter().filter_map(|o| o["operation"].as_str()).collect();
    assert_eq!(names, ["acknowledge", "confirm", "reject", "counter"]);
    for operation in document["operations"].as_array().expect("operations") {
        assert_eq!(operation["problems"], json!([]), "{operation}");
        assert_eq!(operation["request"]["method"], "POST", "{operation}");
    }

    let documents = host.get("/documents?view=all").await.expect(200).json();
    assert_eq!(documents["items"], json!([]), "nothing was stored");
    assert_eq!(host.sandbox.state().operations.len(), 0, "nothing was sent");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_map_leaves_out_is_listed() {
    let host = Host::quiet().await;
    let mut config = host.configuration().await;
    config["streams"]["orders"]["schema"].take();
    config["streams"]["orders"]["map"]["lines"]
        .as_object_mut()
        .expect("a map")
        .remove("price");
    let config = without_nulls(config);
    host.sandbox.issue_order(&Default::default()).expect("an order");
    let tried = host
        .post(
            "/partners/try",
            &json!({"text": config.to_string(), "stream": "orders"}),
        )
        .await
        .expect(200)
        .json();
    let document = &tried["streams"][0]["documents"][0];
    let empty = document["empty"].as_array().expect("fields");
    assert!(empty.contains(&json!("lines[].price")), "{empty:?}");
    let unread = document["unread"].as_array().expect("fields");
    assert!(
        unread.iter().any(|f| f["path"]
            .as_str()
            .is_some_and(|p| p.starts_with(".lines[].") && p.to_lowercase().contains("price"))),
        "{unread:?}"
    );
    host.stop().await;
}

fn without_nulls(mut config: Value) -> Value {
    let stream = config["streams"]["orders"].as_object_mut().expect("a stream");
    stream.retain(|_, v| !v.is_null());
    config
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payload_that_is_given_asks_nobody() {
    let host = Host::quiet().await;
    host.sandbox.set_faults(vec![Fault::always(FaultKind::ServerError)]);
    let text = host.configuration().await.to_string();
    let payload = r#"{"poNumber": 7}"#;
    let tried = host
        .post(
            "/partners/try",
            &json!({"text": text, "stream": "orders", "payload": payload}),
        )
        .await
        .expect(200)
        .json();
    let document = &tried["streams"][0]["documents"][0];
    assert_eq!(document["outcome"], "quarantine");
    assert_eq!(document["stage"], "schema");
    assert_eq!(document["payload"], payload);
    assert!(!document["problems"].as_array().expect("problems").is_empty());

    let none = host
        .post(
            "/partners/try",
            &json!({"text": text, "stream": "order", "payload": payload}),
        )
        .await
        .expect(422)
        .json();
    assert_eq!(none["code"], "stream.unknown");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_configuration_is_refused_and_the_last_good_one_stays() {
    let host = Host::quiet().await;
    let good = host.configuration().await;
    let mut broken = good.clone();
    broken["streams"]["orders"]["pageing"] = json!({});
    broken["limits"]["concurrency"] = json!("many");

    let check = host
        .post("/partners/check", &json!({"text": broken.to_string()}))
        .await
        .expect(200)
        .json();
    assert_eq!(check["ok"], false);
    let mistakes = check["mistakes"].as_array().expect("mistakes");
    assert_eq!(mistakes.len(), 2, "{mistakes:?}");
    assert!(mistakes.iter().any(|m| m["nearest"] == "paging"), "{mistakes:?}");
    let fine = host
        .post("/partners/check", &json!({"text": good.to_string()}))
        .await
        .expect(200)
        .json();
    assert_eq!((&fine["ok"], &fine["partner"]), (&json!(true), &json!("sandbox")));

    let refused = host
        .put("/partners/sandbox/configuration", &json!({"text": broken.to_string()}))
        .await
        .expect(422)
        .json();
    assert_eq!(refused["code"], "configuration.mistakes");
    assert_eq!(refused["data"]["mistakes"], check["mistakes"]);
    assert_eq!(host.configuration().await, good, "the file is as it was");
    let other = host
        .put("/partners/other/configuration", &json!({"text": good.to_string()}))
        .await
        .expect(422)
        .json();
    assert_eq!(other["code"], "configuration.id");
    host.get("/partners/other/configuration").await.expect(404);
    let openapi = host.get("/partners/sandbox/openapi").await.expect(200).json();
    assert_eq!(openapi["openapi"], "3.1.0");
    assert!(openapi["paths"]["/api/purchase-orders"]["get"].is_object());
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_configuration_is_in_force_and_quarantine_runs_again() {
    let host = Host::quiet().await;
    let good = host.configuration().await;
    let mut strange = good.clone();
    strange["streams"]["orders"]["map"]["currency"] = json!(".noSuchField");
    let saved = host
        .put("/partners/sandbox/configuration", &json!({"text": strange.to_string()}))
        .await
        .expect(200)
        .json();
    assert_eq!(saved["mistakes"], json!([]));
    let numbers = host.orders(3, 1).await;
    let waiting = host
        .get("/quarantine?state=Open&partner=sandbox")
        .await
        .expect(200)
        .json();
    assert_eq!(waiting["items"].as_array().expect("items").len(), 3);

    let still = host.act("/quarantine/retry?partner=sandbox").await.expect(200).json();
    assert_eq!(
        still,
        json!({"tried": 3, "resolved": 0, "dismissed": 0, "stillWrong": 3, "more": false})
    );
    host.put("/partners/sandbox/configuration", &json!({"text": good.to_string()}))
        .await
        .expect(200);
    let none = host
        .act("/quarantine/retry?partner=sandbox&stream=notes")
        .await
        .expect(200)
        .json();
    assert_eq!(none["tried"], 0);
    let rerun = host
        .act("/quarantine/retry?partner=sandbox&stream=orders")
        .await
        .expect(200)
        .json();
    assert_eq!(rerun["resolved"], 3, "{rerun}");
    for number in &numbers {
        assert_eq!(host.row(number).await["partner"], "sandbox");
    }
    host.stop().await;
}
