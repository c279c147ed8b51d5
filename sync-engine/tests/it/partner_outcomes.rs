//! What the body of an answer says about its outcome, where partners put their words, and results line by line.

use crate::partner_link::{connect, secrets, small, small_answer};
use crate::partner_server::{Server, answer};
use serde_json::{Value, json};
use sync_engine::domain::Progress;
use sync_engine::partner::{OutboundKind, PartnerLink, SendResult, Verdict};

/// What comes of a confirmation whose operation has those members, when the partner answers so.
async fn sent(status: u16, body: &'static str, members: Value) -> SendResult {
    let server = Server::start(move |_| answer(status, &[], body)).await;
    let mut config = small(&server.url);
    let operation = config["operations"]["confirm"].as_object_mut().unwrap();
    operation.extend(members.as_object().unwrap().clone());
    let partner = connect(&config, secrets(&[]));
    let answering = small_answer(&partner);
    let request = answering.render(&partner);
    partner
        .send(OutboundKind::Confirm, answering.id, &Progress::default(), &request)
        .await
}

fn told(sent: &SendResult) -> String {
    let verdict = match &sent.verdict {
        Verdict::Taken { .. } => "taken",
        Verdict::Applied => "applied",
        Verdict::Again { code, .. } | Verdict::Conflict { code } | Verdict::Rejected { code } => code,
        other => panic!("{other:?}"),
    };
    format!("{verdict} {}", sent.message.as_deref().unwrap_or_default())
        .trim_end()
        .to_owned()
}

#[tokio::test]
async fn the_body_decides_where_the_status_does_not() {
    let rules = json!({"outcomes": {
        "alreadyDone": [{"status": [400, 409], "when": ".code == \"ALREADY_ACKNOWLEDGED\""}],
        "again": [{"when": ".code == \"LOCKED\""}, 423],
        "rejected": [{"status": 200, "when": ".error"}, 418],
        "applied": [{"status": 200, "when": ".state == \"DONE\" and $root.headers[\"content-length\"] != null"}],
        "conflict": [{"status": 400, "when": ".code | startswith(\"STALE\")"}, 409],
        "errorText": ".error.text // .text"
    }});
    for (status, body, expected) in [
        (200, r#"{"id": 1}"#, "taken"),
        (200, r#"{"state": "DONE"}"#, "applied"),
        (
            200,
            r#"{"error": {"text": "no such order"}}"#,
            "partner.rejected no such order",
        ),
        // An error inside is the closer description than the state beside it.
        (
            200,
            r#"{"state": "DONE", "error": {"text": "half"}}"#,
            "partner.rejected half",
        ),
        (400, r#"{"code": "ALREADY_ACKNOWLEDGED"}"#, "taken"),
        (409, r#"{"code": "ALREADY_ACKNOWLEDGED"}"#, "taken"),
        (409, r#"{"text": "newer"}"#, "partner.conflict newer"),
        (400, r#"{"code": "STALE_VERSION"}"#, "partner.conflict STALE_VERSION"),
        (400, r#"{"code": "LOCKED"}"#, "partner.unavailable LOCKED"),
        (423, "", "partner.unavailable"),
        (400, r#"{"code": "OTHER"}"#, "partner.rejected OTHER"),
        (418, "", "partner.rejected"),
        // An expression that cannot be worked out holds for nothing.
        (400, r#"["not an object"]"#, "partner.rejected not an object"),
        (412, "", "partner.rejected"),
    ] {
        assert_eq!(
            told(&sent(status, body, rules.clone()).await),
            expected,
            "{status} {body}"
        );
    }
    let text = json!({"outcomes": {"alreadyDone": [{"status": 400, "when": "test(\"already\")"}]}});
    assert_eq!(
        told(&sent(400, "Order was already confirmed.", text.clone()).await),
        "taken"
    );
    assert_eq!(told(&sent(400, "What?", text).await), "partner.rejected What?");
}

#[tokio::test]
async fn the_partners_words_are_found_in_the_forms_that_apis_use() {
    for (body, expected) in [
        (r#""just a text""#, "just a text"),
        (r#"["one", "two"]"#, "one; two"),
        (
            r#"{"title": "Bad Request", "detail": "Line 3 has no price", "status": 400}"#,
            "Line 3 has no price",
        ),
        (
            r#"{"title": "Your request is not valid.", "invalid-params": [{"name": "age", "reason": "must be positive"}]}"#,
            "Your request is not valid: age: must be positive",
        ),
        (
            r#"{"title": "One or more errors.", "errors": {"Lines[0].Quantity": ["must be over 0"], "No": ["is missing"]}}"#,
            "One or more errors: Lines[0].Quantity: must be over 0; No: is missing",
        ),
        (
            r#"{"error": {"code": "X", "message": {"lang": "en", "value": "No such order"}}}"#,
            "No such order",
        ),
        (
            r#"{"error": {"message": "Failed.", "details": [{"target": "Items", "message": "is empty"}]}}"#,
            "Failed: Items: is empty",
        ),
        (r#"{"Message": "An error", "ErrorMessage": "not shown"}"#, "An error"),
        (r#"{"fault": {"faultstring": "Quota"}}"#, "Quota"),
        (r#"{"errors": [{"code": "InvalidInput"}]}"#, "InvalidInput"),
        ("plain words", "plain words"),
    ] {
        let sent = sent(400, body, json!({})).await;
        assert_eq!(sent.message.as_deref(), Some(expected), "{body}");
    }
}

#[tokio::test]
async fn a_success_of_some_lines_names_the_others() {
    let by_state = json!({"results": {
        "each": ".items[]", "id": ".no", "state": ".result", "applied": ["OK"], "errorText": ".why"
    }});
    let only_errors = json!({"results": {"each": ".failures[]?", "id": ".line"}});
    for (rules, body, expected) in [
        (
            &by_state,
            r#"{"items": [{"no": 1, "result": "OK"}, {"no": 2, "result": "OK"}]}"#,
            "taken",
        ),
        (
            &by_state,
            r#"{"items": [{"no": 1, "result": "OK"}, {"no": 2, "result": "NO", "why": "blocked"}, {"no": 3, "result": "NO"}]}"#,
            "partner.partly line 2: blocked; line 3: NO",
        ),
        (
            &by_state,
            r#"{"items": [{"no": 1, "result": "NO", "why": "closed"}]}"#,
            "partner.rejected line 1: closed",
        ),
        (&only_errors, r#"{}"#, "taken"),
        (
            &only_errors,
            r#"{"failures": [{"line": "30", "message": "no such item"}]}"#,
            "partner.rejected line 30: no such item",
        ),
    ] {
        assert_eq!(told(&sent(200, body, rules.clone()).await), expected, "{body}");
    }
}

#[tokio::test]
async fn a_job_that_fails_at_the_end_says_which_lines_and_why() {
    let body =
        r#"{"state": "done", "lines": [{"no": 10, "ok": true}, {"no": 20, "ok": false, "message": "no such item"}]}"#;
    let server = Server::start(move |_| answer(200, &[], body)).await;
    let mut config = small(&server.url);
    config["operations"]["confirm"]["verify"]["results"] =
        json!({"each": ".lines[]", "id": ".no", "state": ".ok", "failed": ["false"]});
    let partner = connect(&config, secrets(&[]));
    let answering = small_answer(&partner);
    let seen = partner.verify(&answering.input(), Some(&json!({"id": "7"}))).await;
    assert_eq!(told(&seen), "partner.partly line 20: no such item");
}
