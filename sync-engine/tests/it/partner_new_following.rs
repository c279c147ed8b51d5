//! `partner new`: what it recognises of an API that goes beyond one list and one request: documents behind their stubs, jobs
//! whose end is told elsewhere, flags, actions of an order.

use crate::partner_link::root;
use crate::trials;
use serde_json::{Value, json};
use sync_engine::partner::parse;
use sync_engine::partner::propose::{Certainty, Description, Proposal, propose};

fn proposed(name: &str, text: &str) -> Proposal {
    let description = Description::read(name, text, &mut |file| panic!("{file}")).unwrap_or_else(|e| panic!("{e}"));
    propose(&description, "start").unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// What it proposes passes `partner check`, with its schemas beside it.
fn accepted(proposal: &Proposal) -> &Value {
    let dir = tempfile::tempdir().unwrap();
    for (file, schema) in &proposal.schemas {
        let path = dir.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, schema.to_string()).unwrap();
    }
    parse(&proposal.text(), "start.json", dir.path()).unwrap_or_else(|e| panic!("{e}\n{}", proposal.text()));
    &proposal.config
}

fn is_guessed(proposal: &Proposal, pointer: &str) -> bool {
    let guess = |n: &&sync_engine::partner::propose::Note| n.pointer == pointer && n.certainty == Certainty::Guess;
    proposal.notes.iter().any(|n| guess(&n))
}

#[test]
fn every_description_in_the_repository_gives_a_start_that_check_accepts() {
    let mut seen = 0;
    for folder in ["configs/partners", "fixtures/trials"] {
        for entry in std::fs::read_dir(root().join(folder)).unwrap() {
            let dir = entry.unwrap().path();
            for file in std::fs::read_dir(&dir).into_iter().flatten() {
                let file = file.unwrap().path();
                let text = std::fs::read_to_string(&file).unwrap_or_default();
                let is_description = text.contains("\"openapi\"") || text.contains("\"swagger\"");
                let Ok(description) = Description::read("api.json", &text, &mut |file| panic!("{file}")) else {
                    assert!(!is_description, "{}", file.display());
                    continue;
                };
                // One that is about neither orders nor delivery notes says so.
                if let Ok(proposal) = propose(&description, "start") {
                    accepted(&proposal);
                    seen += 1;
                }
            }
        }
    }
    assert!(seen >= 11, "{seen}");
}

#[test]
fn stubs_with_lines_are_completed_and_a_process_is_waited_for() {
    let proposal = proposed("openapi.json", &trials::text("bol", "openapi.json"));
    let config = accepted(&proposal);
    let orders = &config["streams"]["orders"];
    assert_eq!(orders["detail"]["request"]["path"], "/retailer/orders/{.stub.orderId}");
    assert_eq!(orders["map"]["lines"]["price"], ".unitPrice");
    let despatch = &config["operations"]["despatch"];
    assert_eq!(despatch["receipt"], json!({"job": ".body.processStatusId"}));
    let verify = &despatch["verify"];
    assert_eq!(verify["request"]["path"], "/shared/process-status/{.receipt.job}");
    assert_eq!(
        (
            &verify["state"],
            &verify["applied"],
            &verify["pending"],
            &verify["failed"],
            &verify["errorText"]
        ),
        (
            &json!(".status"),
            &json!(["SUCCESS"]),
            &json!(["PENDING"]),
            &json!(["FAILURE", "TIMEOUT"]),
            &json!(".errorMessage")
        )
    );
    assert!(verify["$comment"].as_str().unwrap().starts_with("guess"));
    assert!(is_guessed(&proposal, "/operations/despatch/verify"));
}

const API: &str = r##"{
  "openapi": "3.0.0", "info": {"title": "Acme", "version": "1"}, "servers": [{"url": "https://api.acme.example"}],
  "paths": {
    "/purchase-orders": {"get": {
      "parameters": [
        {"name": "exported", "in": "query", "schema": {"type": "boolean"}},
        {"name": "limit", "in": "query", "schema": {"type": "integer"}}, {"name": "offset", "in": "query", "schema": {"type": "integer"}}
      ],
      "responses": {"200": {"description": "", "content": {"application/json": {"schema": {"type": "object", "properties": {
        "orders": {"type": "array", "items": {"$ref": "#/components/schemas/Order"}}}}}}}}
    }},
    "/purchase-orders/{id}": {"patch": {
      "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "string"}}],
      "requestBody": {"content": {"application/json": {"schema": {"type": "object", "properties": {"exported": {"type": "boolean"}}}}}},
      "responses": {"200": {"description": ""}}
    }},
    "/purchase-orders/{id}/acknowledge": {"post": {
      "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "string"}}],
      "responses": {"202": {"description": "", "content": {"application/json": {"schema": {"type": "object", "properties": {
        "payload": {"type": "object", "properties": {"transactionId": {"type": "string"}}}}}}}}}
    }},
    "/acknowledgements": {"post": {"operationId": "acknowledgeEverything", "responses": {"200": {"description": ""}}}},
    "/transactions/{transactionId}": {"get": {
      "parameters": [{"name": "transactionId", "in": "path", "required": true, "schema": {"type": "string"}}],
      "responses": {"200": {"description": "", "content": {"application/json": {"schema": {"type": "object", "properties": {
        "transactionId": {"type": "string"},
        "status": {"type": "string", "enum": ["Processing", "Success", "Failure"]}}}}}}}
    }}
  },
  "components": {"schemas": {"Order": {"type": "object", "properties": {
    "id": {"type": "string"}, "orderNumber": {"type": "string"}, "currency": {"type": "string"}, "exported": {"type": "boolean"},
    "lines": {"type": "array", "items": {"type": "object", "properties": {
      "lineNumber": {"type": "string"}, "sku": {"type": "string"}, "quantity": {"type": "number"}, "unit": {"type": "string"}}}}
  }}}}
}"##;

#[test]
fn a_flag_is_told_and_an_action_of_the_order_goes_before_others() {
    let proposal = proposed("acme.json", API);
    let config = accepted(&proposal);
    let orders = &config["streams"]["orders"];
    assert_eq!(
        orders["request"]["query"],
        json!({"exported": {"$value": false}, "limit": {"$value": 100}})
    );
    assert_eq!((&orders["paging"], &orders["watermark"]), (&Value::Null, &Value::Null));
    let told = &orders["afterStore"];
    assert_eq!(told["key"], ".id");
    assert_eq!(
        told["request"],
        json!({"method": "PATCH", "path": "/purchase-orders/{.key}", "body": {"exported": {"$value": true}}})
    );
    assert!(is_guessed(&proposal, "/streams/orders/afterStore"));
    let acknowledge = &config["operations"]["acknowledge"];
    assert_eq!(
        acknowledge["request"]["path"],
        "/purchase-orders/{.payload.id}/acknowledge"
    );
    assert_eq!(acknowledge["receipt"], json!({"job": ".body.payload.transactionId"}));
    assert_eq!(acknowledge["verify"]["request"]["path"], "/transactions/{.receipt.job}");
    assert_eq!(acknowledge["verify"]["pending"], json!(["Processing"]));

    // Where the list can be asked for what changed, it is, and nothing is set at the partner.
    let dated = API.replace(
        r#"{"name": "limit", "in": "query""#,
        r#"{"name": "updatedSince", "in": "query", "schema": {"type": "string", "format": "date-time"}}, {"name": "limit", "in": "query""#,
    );
    let dated = dated.replace(
        r#""exported": {"type": "boolean"},
    "lines""#,
        r#""exported": {"type": "boolean"}, "updatedAt": {"type": "string", "format": "date-time"},
    "lines""#,
    );
    let proposal = proposed("acme.json", &dated);
    let config = accepted(&proposal);
    assert_eq!(config["streams"]["orders"]["afterStore"], Value::Null);
    assert_eq!(
        config["streams"]["orders"]["request"]["query"]["updatedSince"],
        ".watermark"
    );
}

#[test]
fn an_order_of_ours_is_cancelled_by_its_action() {
    let text = API
        .replace("purchase-orders", "sales-orders")
        .replace("/acknowledge\"", "/cancel\"");
    let text = text.replace(
        r#""/sales-orders": {"get""#,
        r##""/sales-orders": {"post": {"requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}}}, "responses": {"201": {"description": ""}}}, "get""##,
    );
    let proposal = proposed("acme.json", &text);
    let config = accepted(&proposal);
    assert_eq!(config["streams"]["orders"]["side"], "buyer");
    let cancel = &config["operations"]["cancel"]["request"];
    assert_eq!(cancel["path"], "/sales-orders/{.partnerRef.id}/cancel");
    assert_eq!(config["operations"]["submit"]["request"]["path"], "/sales-orders");
}
