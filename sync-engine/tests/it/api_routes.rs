//! Every route of the API, used as the screens use it.

use crate::api_host::{Host, counter};
use serde_json::{Value, json};
use sync_engine::sandbox::{Fault, FaultKind, OrderSpec};

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_read_answered_and_applied() {
    let host = Host::start().await;
    let number = host.orders(1, 3).await.remove(0);
    let row = host.row(&number).await;
    let id = &row["id"];
    assert_eq!(row["needsAnswer"], true);
    assert_eq!(row["partner"], "sandbox");

    let detail = host.get(&format!("/documents/{id}")).await.expect(200).json();
    assert_eq!(detail["row"], row);
    assert_eq!(detail["chain"]["current"], 1);
    assert_eq!(detail["versions"][0]["number"], 1);
    assert_eq!(
        detail["allowed"],
        json!(["confirm", "reject", "counter", "acknowledge"])
    );

    let version = host
        .get(&format!("/documents/{id}/versions/1"))
        .await
        .expect(200)
        .json();
    assert_eq!(version["document"]["Order"]["number"], number.as_str());
    assert_eq!(version["version"], detail["versions"][0]);

    let payload = host
        .get(&format!("/documents/{id}/versions/1/payload"))
        .await
        .expect(200);
    assert_eq!(payload.json()["poNumber"], number.as_str());
    assert!(
        payload
            .header("content-disposition")
            .starts_with("attachment; filename=\"document-")
    );
    assert!(payload.header("content-type").starts_with("application/json"));

    let answer = counter(&json!(1), &version["document"]);
    let saved = host
        .post(&format!("/documents/{id}/answers"), &answer)
        .await
        .expect(201)
        .json();
    assert_eq!(saved["kind"], "counter");
    assert_eq!(saved["actor"], "user:ada");
    assert_eq!(saved["answer"]["code"], "CA");
    let operation = saved["id"].as_str().expect("an id");

    let path = format!("/operations/{operation}");
    let through = host.until(&path, |o| o["operation"]["state"] == "Applied").await;
    assert!(!through["attempts"].as_array().expect("attempts").is_empty());
    let listed = host
        .get(&format!("/operations?document={id}&state=Applied&state=Dead"))
        .await
        .expect(200)
        .json();
    assert_eq!(listed["items"][0]["id"], operation);

    let counters = host.get("/counters").await.expect(200).json();
    assert_eq!(counters["applied"], 1);
    let history = host.get(&format!("/documents/{id}/history")).await.expect(200).json();
    let actions: Vec<&Value> = history["items"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|r| &r["action"])
        .collect();
    assert!(actions.contains(&&json!("counter")), "{history}");
    let one = host
        .get(&format!("/documents/{id}/history?limit=1"))
        .await
        .expect(200)
        .json();
    let rest = format!("/documents/{id}/history?cursor={}", one["next"].as_str().expect("more"));
    let rest = host.get(&rest).await.expect(200).json();
    assert_eq!(rest["items"], json!(history["items"].as_array().expect("rows")[1..]));

    let pdf = host.get(&format!("/documents/{id}/versions/1/print")).await.expect(200);
    assert_eq!(pdf.header("content-type"), "application/pdf");
    assert_eq!(
        pdf.header("content-disposition"),
        format!("inline; filename=\"{number}-v1.pdf\"")
    );
    assert!(pdf.body.starts_with(b"%PDF-"), "{}", String::from_utf8_lossy(&pdf.body));
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_compared_and_holds_the_answer_that_waits() {
    let host = Host::quiet().await;
    let number = host.orders(1, 2).await.remove(0);
    let id = host.row(&number).await["id"].clone();
    let answer = json!({ "version": 1, "answer": { "code": "AP" } });
    let saved = host
        .post(&format!("/documents/{id}/answers"), &answer)
        .await
        .expect(201)
        .json();
    let operation = saved["id"].as_str().expect("an id").to_owned();

    host.sandbox.change_order(&number).expect("a change");
    host.fetch().await;
    let differs = host
        .get(&format!("/documents/{id}/diff?from=1&to=2"))
        .await
        .expect(200)
        .json();
    let changes = differs["lines"].as_array().map_or(0, Vec::len) + differs["header"].as_array().map_or(0, Vec::len);
    assert!(changes > 0, "{differs}");

    let stale = host.post(&format!("/documents/{id}/answers"), &answer).await;
    assert_eq!(stale.status, 409);
    assert_eq!(stale.header("content-type"), "application/problem+json");
    assert_eq!(stale.json()["code"], "answer.superseded");
    assert!(!stale.json()["data"].is_null());

    let held = host.get(&format!("/operations/{operation}")).await.expect(200).json();
    assert_eq!(held["operation"]["state"], "Held");
    let withdrawn = host
        .act(&format!("/operations/{operation}/withdraw"))
        .await
        .expect(200)
        .json();
    assert_eq!(withdrawn["state"], "Withdrawn");
    assert_eq!(host.row(&number).await["needsAnswer"], true);

    let answer = json!({ "version": 2, "answer": { "code": "RE", "reason": { "code": "PRI" } } });
    let saved = host
        .post(&format!("/documents/{id}/answers"), &answer)
        .await
        .expect(201)
        .json();
    assert_eq!(saved["kind"], "reject");
    host.sandbox.change_order(&number).expect("a change");
    host.fetch().await;
    let path = format!("/operations/{}/release", saved["id"].as_str().expect("an id"));
    assert_eq!(host.act(&path).await.expect(200).json()["state"], "Queued");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_note_is_answered_with_what_arrived() {
    let host = Host::quiet().await;
    let spec = OrderSpec {
        lines: Some(2),
        ..OrderSpec::default()
    };
    let number = host
        .sandbox
        .issue_delivery_note(&spec)
        .expect("a note")
        .remove(0)
        .number;
    host.fetch().await;
    let row = host.row(&number).await;
    let id = &row["id"];
    assert_eq!(row["kind"], "DespatchAdvice");
    let detail = host.get(&format!("/documents/{id}")).await.expect(200).json();
    assert_eq!(detail["allowed"], json!(["receipt"]));
    let version = host
        .get(&format!("/documents/{id}/versions/1"))
        .await
        .expect(200)
        .json();
    let note = &version["document"]["DespatchAdvice"];
    let lines: Vec<Value> = note["lines"]
        .as_array()
        .expect("lines")
        .iter()
        .map(|line| json!({ "lineId": line["id"], "received": line["delivered"] }))
        .collect();
    let receipt = json!({ "version": 1, "receipt": { "receivedOn": note["despatchedOn"], "lines": lines } });
    let saved = host
        .post(&format!("/documents/{id}/receipts"), &receipt)
        .await
        .expect(201)
        .json();
    assert_eq!(saved["kind"], "receipt");
    let listed = host.get("/documents?view=inDelivery").await.expect(200).json();
    assert_eq!(listed["items"][0]["id"], *id);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_payload_waits_in_quarantine() {
    let host = Host::quiet().await;
    host.sandbox.set_faults(vec![Fault::always(FaultKind::WrongSchema)]);
    host.orders(1, 1).await;
    let list = host
        .get("/quarantine?state=Open&partner=sandbox")
        .await
        .expect(200)
        .json();
    let item = &list["items"][0];
    let id = &item["id"];
    assert!(!item["problems"].as_array().expect("problems").is_empty(), "{item}");
    assert_eq!(host.get(&format!("/quarantine/{id}")).await.expect(200).json(), *item);
    let payload = host.get(&format!("/quarantine/{id}/payload")).await.expect(200);
    assert!(payload.header("content-disposition").contains("quarantine-"));
    assert!(payload.json().is_object());
    let again = host.act(&format!("/quarantine/{id}/retry")).await.expect(200).json();
    assert_eq!(again["state"], "Open");
    assert_eq!(again["runs"], 2);
    let aside = host.act(&format!("/quarantine/{id}/dismiss")).await.expect(200).json();
    assert_eq!(aside["state"], "Dismissed");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn partners_are_listed_fetched_from_and_paused() {
    let host = Host::quiet().await;
    let partners = host.get("/partners").await.expect(200).json();
    assert_eq!(partners[0]["id"], "sandbox");
    assert_eq!(partners[0]["status"], "onLine");
    let paused = host.act("/partners/sandbox/pause").await.expect(200).json();
    assert_eq!(paused["status"], "paused");
    let resumed = host.act("/partners/sandbox/resume").await.expect(200).json();
    assert_eq!(resumed["status"], "onLine");
    host.sandbox.issue_order(&OrderSpec::default()).expect("an order");
    let report = host.act("/partners/sandbox/sync").await.expect(200).json();
    assert_eq!(report["versions"], 1);

    let session = host.get("/session").await.expect(200).json();
    assert_eq!(session["user"], "ada");
    assert_eq!(session["company"], "main");
    let open = host.send(host.client.get(host.url("/health"))).await.expect(200).json();
    assert_eq!(open["version"], env!("CARGO_PKG_VERSION"));
    let ready = host.send(host.client.get(host.url("/ready"))).await;
    assert_eq!(ready.status, 200, "{}", ready.json());
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_token_a_monitor_hears_that_something_is_wrong_and_not_of_whom() {
    let host = Host::quiet().await;
    std::fs::write(host.engine.partners_dir().join("acme.json"), "{").expect("written");
    host.engine.reload().await;
    for path in ["/health", "/ready"] {
        let told = host.get(path).await.expect(200).json();
        let reason = &told["reasons"][0];
        assert_eq!(reason["code"], "partner.configuration", "{path}");
        assert!(
            reason["message"].as_str().is_some_and(|m| m.contains("acme")),
            "{path}: {told}"
        );
        let open = host.send(host.client.get(host.url(path))).await.expect(200).json();
        assert_eq!(open["reasons"][0]["code"], "partner.configuration", "{path}");
        assert!(!open.to_string().contains("acme"), "{path}: {open}");
    }
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_lists_exactly_what_is_served() {
    let host = Host::quiet().await;
    let document = host.get("/openapi.json").await.expect(200).json();
    for (path, item) in document["paths"].as_object().expect("paths") {
        let concrete = path
            .replace("{number}", "1")
            .replace("{id}", "00000000-0000-7000-8000-000000000000");
        for method in ["get", "post", "put", "delete", "patch"] {
            let url = format!("{}{concrete}", host.base);
            let verb = method.to_uppercase().parse().expect("a method");
            let request = host.client.request(verb, url).bearer_auth(crate::api_host::TOKEN);
            let response = request.send().await.expect("an answer");
            let served = response.status().as_u16() != 405;
            assert_eq!(
                served,
                item.get(method).is_some(),
                "{method} {path}: {}",
                response.status()
            );
            if response.status().as_u16() == 404 {
                let problem = response.text().await.expect("a body");
                assert!(!problem.contains("no route"), "{method} {path}: {problem}");
            }
        }
    }
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_process_the_router_needs_neither_token_nor_name() {
    use tower::ServiceExt;
    let host = Host::quiet().await;
    let router = sync_engine::api::router(
        host.engine.clone(),
        sync_engine::api::ApiOptions {
            user: "grace".to_owned(),
            shutdown: tokio_util::sync::CancellationToken::new(),
            settings_file: None,
        },
    );
    let request = axum::http::Request::get("/api/v1/session").body(axum::body::Body::empty());
    let response = router.oneshot(request.expect("a request")).await.expect("an answer");
    assert_eq!(response.status(), 200);
    let body = axum::body::to_bytes(response.into_body(), 1 << 20)
        .await
        .expect("a body");
    let session: Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(session["user"], "grace");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_be_answered_follows_the_chain() {
    let host = Host::quiet().await;
    let number = host.orders(1, 1).await.remove(0);
    let id = host.row(&number).await["id"].clone();
    let allowed = async || host.get(&format!("/documents/{id}")).await.expect(200).json()["allowed"].clone();
    assert_eq!(allowed().await, json!(["confirm", "reject", "counter", "acknowledge"]));
    let answer = json!({ "version": 1, "answer": { "code": "AP" } });
    host.post(&format!("/documents/{id}/answers"), &answer)
        .await
        .expect(201);
    assert_eq!(allowed().await, json!([]), "one is on its way");
    let again = host
        .post(&format!("/documents/{id}/answers"), &answer)
        .await
        .expect(409)
        .json();
    assert_eq!(again["code"], "answer.pending");
    host.engine
        .drain(std::time::Duration::from_secs(30))
        .await
        .expect("delivered");
    assert_eq!(allowed().await, json!(["counter"]), "a delay may show later");
    host.sandbox.cancel_order(&number).expect("cancelled");
    host.fetch().await;
    assert_eq!(allowed().await, json!(["confirm", "reject", "acknowledge"]));
    host.stop().await;
}

#[test]
fn a_printed_page_gets_a_name_that_any_file_system_takes() {
    use sync_engine::domain::VersionNumber;
    for (number, name) in [
        ("PO-1", "PO-1-v2.pdf"),
        ("../../etc/passwd", "_.._etc_passwd-v2.pdf"),
        ("a b\"\r\nx: y", "a_b___x__y-v2.pdf"),
        ("订单7", "__7-v2.pdf"),
    ] {
        assert_eq!(sync_engine::api::pdf_name(number, VersionNumber(2)), name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_comes_page_by_page_without_gaps_or_doubles() {
    let host = Host::quiet().await;
    let mut issued = host.orders(7, 1).await;
    for view in ["needsAnswer", "all"] {
        let (mut seen, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
        loop {
            let path = format!("/documents?view={view}&limit=3&kind=Order&partner=sandbox{cursor}");
            let page = host.get(&path).await.expect(200).json();
            let rows = page["items"].as_array().expect("rows");
            seen.extend(
                rows.iter()
                    .map(|row| row["number"].as_str().expect("a number").to_owned()),
            );
            pages += 1;
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        seen.sort();
        issued.sort();
        assert_eq!((seen, pages), (issued.clone(), 3), "{view}");
    }
    let other = host
        .get("/documents?view=all&kind=DespatchAdvice")
        .await
        .expect(200)
        .json();
    assert_eq!(other["items"], json!([]));
    host.stop().await;
}
