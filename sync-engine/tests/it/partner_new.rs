//! `partner new`: a start from an API description that `partner check` accepts, marks its guesses and makes nothing up.

use crate::cli_program::{run, text};
use crate::partner_link::root;
use serde_json::Value;
use std::path::Path;
use sync_engine::partner::propose::{Certainty, Description, Proposal, ProposeError, propose};
use sync_engine::partner::{PartnerConfig, parse};

/// A small purchasing API in YAML, with a schema in a file beside it.
const YAML: &str = r#"
swagger: "2.0"
info: { title: Acme Purchasing, version: 1 }
host: api.acme.example
basePath: /purchasing/v1
securityDefinitions:
  key: { type: apiKey, in: header, name: X-Api-Key }
paths:
  /ping:
    get: { responses: { 200: { description: yes } } }
  /purchase-orders:
    get:
      operationId: listPurchaseOrders
      parameters:
        - { name: page, in: query, type: integer }
        - { name: pageSize, in: query, type: integer, maximum: 50 }
        - { name: updatedSince, in: query, type: string, format: date-time }
      responses:
        200:
          description: One page
          schema:
            type: object
            properties:
              hasMore: { type: boolean }
              data: { type: array, items: { $ref: "order.yaml#/Order" } }
  /purchase-orders/{poNumber}/confirm:
    post:
      operationId: confirmPurchaseOrder
      parameters:
        - { name: poNumber, in: path, type: string, required: true }
        - in: body
          name: body
          schema:
            type: object
            required: [revision, lines]
            properties:
              revision: { type: integer }
              comment: { type: string }
              lines:
                type: array
                items:
                  type: object
                  required: [lineNo, quantity]
                  properties:
                    lineNo: { type: integer }
                    quantity: { type: number }
                    deliveryDate: { type: string, format: date }
      responses: { 202: { description: taken } }
  /purchase-orders/{poNumber}/reject:
    post:
      operationId: rejectPurchaseOrder
      parameters:
        - { name: poNumber, in: path, type: string, required: true }
        - in: body
          name: body
          schema:
            type: object
            required: [reasonCode, approvalStamp]
            properties:
              reasonCode: { type: string }
              approvalStamp: { type: string, description: The stamp of your approval office }
      responses: { 202: { description: taken } }
"#;
const ORDER: &str = r##"
Order:
  type: object
  required: [poNumber, lines]
  properties:
    poNumber: { type: string }
    revision: { type: integer }
    status: { type: string, enum: [NEW, AMENDED, CANCELLED] }
    orderDate: { type: string, format: date }
    updatedAt: { type: string, format: date-time }
    currencyCode: { type: string, x-nullable: true }
    customer:
      type: object
      properties: { customerId: { type: string }, name: { type: string } }
    shipToName: { type: string }
    shipToCity: { type: string }
    lines: { type: array, items: { $ref: "#/Line" } }
Line:
  type: object
  properties:
    lineNo: { type: integer }
    vendorItemNumber: { type: string }
    description: { type: string }
    qty: { type: number, minimum: 0, exclusiveMinimum: true }
    uom: { type: string, enum: [EA, KG, PAL] }
    unitPrice: { type: string }
    requestedDeliveryDate: { type: string, format: date }
"##;
const PAYLOAD: &str = r#"{
  "poNumber": "4500001", "revision": 2, "status": "AMENDED", "orderDate": "2026-02-01", "updatedAt": "2026-02-03T09:30:00Z",
  "currencyCode": "EUR", "customer": { "customerId": "K-17", "name": "Acme" }, "shipToName": "Works 2", "shipToCity": "Aachen",
  "lines": [{ "lineNo": 10, "vendorItemNumber": "A-1", "description": "Bearing", "qty": 4, "uom": "KG", "unitPrice": "12.50" }]
}"#;

fn proposed(id: &str, name: &str, text: &str, beside: &[(&str, &str)]) -> Result<Proposal, ProposeError> {
    let mut read = |file: &str| {
        let found = beside.iter().find(|(known, _)| *known == file);
        found
            .map(|(_, text)| (*text).to_owned())
            .ok_or_else(|| "no such file".to_owned())
    };
    propose(&Description::read(name, text, &mut read)?, id)
}

/// What `partner check` makes of it.
fn checked(proposal: &Proposal) -> PartnerConfig {
    let dir = tempfile::tempdir().unwrap();
    for (file, schema) in &proposal.schemas {
        let path = dir.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, schema.to_string()).unwrap();
    }
    parse(&proposal.text(), "proposed.json", dir.path()).unwrap_or_else(|e| panic!("{e}\n{}", proposal.text()))
}

/// File below configs/partners; the list's endpoint, its paging, and fields of ours that are found.
const PUBLISHED: &[(&str, &str, &str, &[&str])] = &[
    (
        "amazon-vendor/vendorOrders.json",
        "GET /vendor/orders/v1/purchaseOrders",
        "token",
        &[
            "number",
            "currency",
            "issuedAt",
            "buyer",
            "seller",
            "shipTo",
            "billTo",
            "lines.id",
            "lines.quantity",
            "lines.unit",
            "lines.price",
            "lines.item.sellerId",
            "lines.item.buyerId",
        ],
    ),
    (
        "business-central/purchases-v2.json",
        "GET /companies({company_id})/purchaseOrders",
        "url",
        &[
            "number",
            "currency",
            "issuedAt",
            "seller",
            "shipTo",
            "totals.net",
            "lines.id",
            "lines.quantity",
            "lines.unit",
            "lines.price",
            "lines.item.sellerId",
        ],
    ),
    (
        "business-central/orders-v1.json",
        "GET /companies({company_id})/salesOrders",
        "offset",
        &[
            "number",
            "currency",
            "buyer",
            "lines.id",
            "lines.quantity",
            "lines.unit",
            "lines.price",
            "lines.item.sellerId",
        ],
    ),
    // Its orders' lines name no item.
    (
        "papinet/papiNet-API-1.2.0.json",
        "GET /orders",
        "url",
        &["number", "purpose", "lines.id", "lines.quantity", "lines.unit"],
    ),
    (
        "papinet/papiNet-API-3.0.0.json",
        "GET /supplier-orders",
        "url",
        &[
            "number",
            "buyer",
            "lines.id",
            "lines.quantity",
            "lines.unit",
            "lines.item.sellerId",
        ],
    ),
    (
        "square/square-orders.json",
        "POST /v2/orders/search",
        "token",
        &[
            "number",
            "currency",
            "purpose",
            "lines.id",
            "lines.quantity",
            "lines.price",
            "lines.item.sellerId",
        ],
    ),
    (
        "xero/xero-purchaseorders.json",
        "GET /PurchaseOrders",
        "page",
        &[
            "number",
            "currency",
            "seller",
            "purpose",
            "lines.id",
            "lines.quantity",
            "lines.price",
            "lines.item.sellerId",
        ],
    ),
];

#[test]
fn the_published_descriptions_each_give_a_start() {
    for (file, endpoint, paging, fields) in PUBLISHED {
        let text = std::fs::read_to_string(root().join("configs/partners").join(file)).unwrap();
        let proposal = proposed("start", file, &text, &[]).unwrap_or_else(|e| panic!("{file}: {e}"));
        let orders = &proposal.streams[0];
        assert_eq!(
            (orders.name.as_str(), orders.endpoint.as_str()),
            ("orders", *endpoint),
            "{file}"
        );
        assert_eq!(orders.paging.as_deref(), Some(*paging), "{file}");
        for field in *fields {
            assert!(
                orders.matched.iter().any(|m| m == field),
                "{file}: {field} of {:?}",
                orders.matched
            );
        }
        let config = checked(&proposal);
        println!(
            "{file}: {} fields matched, {} to do, {} guessed, {} warnings",
            orders.matched.len(),
            proposal.notes.iter().filter(|n| n.certainty == Certainty::Todo).count(),
            proposal
                .notes
                .iter()
                .filter(|n| n.certainty == Certainty::Guess)
                .count(),
            config.warnings().len()
        );
        assert!(config.warnings().is_empty(), "{file}: {:?}", config.warnings());
    }
}

#[test]
fn a_whole_proposal() {
    let proposal = proposed("acme", "acme.yaml", YAML, &[("order.yaml", ORDER)]).unwrap();
    checked(&proposal);
    let notes: Vec<String> = proposal
        .notes
        .iter()
        .map(|n| format!("{:?} {}: {}", n.certainty, n.pointer, n.message))
        .collect();
    let schemas: Vec<String> = proposal
        .schemas
        .iter()
        .map(|(file, schema)| format!("{file}\n{schema:#}"))
        .collect();
    insta::assert_snapshot!(format!(
        "{}\n{}\n\n{}",
        proposal.text(),
        notes.join("\n"),
        schemas.join("\n")
    ));
}

fn write(dir: &Path, name: &str, text: &str) -> String {
    let path = dir.join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[test]
fn the_command_writes_what_check_and_try_take() {
    let home = tempfile::tempdir().unwrap();
    let from = write(home.path(), "acme.yaml", YAML);
    write(home.path(), "order.yaml", ORDER);
    let output = home.path().join("partners/acme.json").display().to_string();
    std::fs::create_dir_all(home.path().join("partners")).unwrap();
    let out = run(
        home.path(),
        &["partner", "new", "acme", "--from", &from, "--output", &output],
    );
    let told = text(&out.stdout);
    assert!(out.status.success(), "{told}{}", text(&out.stderr));
    for said in [
        "orders: GET /purchase-orders, paging by page",
        "To be filled in",
        "approvalStamp is needed and not known",
        "written:",
        "left as they are: PAL",
    ] {
        assert!(told.contains(said), "{said}: {told}");
    }
    assert!(run(home.path(), &["partner", "check", &output]).status.success());
    let payload = write(home.path(), "order.json", PAYLOAD);
    let tried = run(
        home.path(),
        &["partner", "try", &output, "--payload", &payload, "--json"],
    );
    let tried: Value = serde_json::from_slice(&tried.stdout).unwrap_or_else(|e| panic!("{e}: {}", text(&tried.stderr)));
    let tried = &tried["streams"][0]["documents"][0];
    let document = &tried["canonical"];
    assert_eq!(document["number"], "4500001", "{tried:#}");
    assert_eq!(document["lines"][0]["unit"], "KGM");
    assert_eq!(document["lines"][0]["price"], "12.50");
    assert_eq!(document["shipTo"]["city"], "Aachen");
    let operations = tried["operations"].as_array().unwrap();
    let of = |name: &str| {
        operations
            .iter()
            .find(|o| o["operation"] == name)
            .unwrap_or_else(|| panic!("{name}: {tried:#}"))
    };
    let confirm = of("confirm")["request"]["body"].to_string();
    assert!(confirm.contains("lineNo") && confirm.contains("4"), "{confirm}");
    // What nobody knows is not made up: the request is not made, and says why.
    assert!(of("reject")["request"].is_null(), "{tried:#}");
    assert!(of("reject").to_string().contains("TODO: approvalStamp"), "{tried:#}");
}

#[test]
fn what_is_not_known_stops_the_document_and_says_so() {
    let xero = std::fs::read_to_string(root().join("configs/partners/xero/xero-purchaseorders.json")).unwrap();
    let proposal = proposed("start", "xero.json", &xero, &[]).unwrap();
    let dir = tempfile::tempdir().unwrap();
    for (file, schema) in &proposal.schemas {
        let path = dir.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, schema.to_string()).unwrap();
    }
    let config = write(dir.path(), "start.json", &proposal.text());
    let payload = write(
        dir.path(),
        "order.json",
        r#"{"PurchaseOrderNumber": "PO-1", "CurrencyCode": "EUR", "LineItems": [{"LineItemID": "00000000-0000-0000-0000-000000000001", "Quantity": 1}]}"#,
    );
    let tried = run(dir.path(), &["partner", "try", &config, "--payload", &payload]);
    assert_eq!(tried.status.code(), Some(1));
    assert!(
        text(&tried.stdout).contains("TODO: where is the line's unit?"),
        "{}",
        text(&tried.stdout)
    );
}

#[test]
fn broken_descriptions_are_refused_with_the_place() {
    let home = tempfile::tempdir().unwrap();
    let new = |file: &str| {
        let out = run(home.path(), &["partner", "new", "acme", "--from", file]);
        (out.status.code(), text(&out.stderr))
    };
    let cases = [
        (
            "broken.json",
            "{ \"openapi\": \"3.0.0\",\n  \"paths\": { ] }",
            3,
            "broken.json is not JSON: ",
            "line 2",
        ),
        (
            "broken.yaml",
            "openapi: 3.0.0\npaths:\n  /a: [1, 2\n  /b: {}\n",
            3,
            "broken.yaml is not YAML: ",
            "line 4",
        ),
        (
            "other.json",
            "{ \"hello\": 1 }",
            3,
            "neither \"openapi\" nor \"swagger\"",
            "",
        ),
        (
            "old.yaml",
            "swagger: '1.2'\npaths: {}\n",
            3,
            "version 1.2",
            "Swagger 2.0",
        ),
        ("no-paths.yaml", "openapi: 3.1.0\ninfo: {}\n", 3, "no \"paths\"", ""),
        (
            "pets.yaml",
            "openapi: 3.0.3\npaths:\n  /pets:\n    get: { responses: { '200': { description: x } } }\n",
            5,
            "no list of orders or delivery notes was found",
            "GET /pets",
        ),
    ];
    for (name, content, exit, first, second) in cases {
        let (code, told) = new(&write(home.path(), name, content));
        assert_eq!(code, Some(exit), "{name}: {told}");
        assert!(told.contains(first) && told.contains(second), "{name}: {told}");
    }
    let (code, told) = new("nowhere.json");
    assert_eq!(code, Some(5), "{told}");
    assert!(
        told.contains("nowhere.json cannot be read: there is no such file"),
        "{told}"
    );
    let from = write(home.path(), "acme.yaml", YAML);
    let taken = write(home.path(), "taken.json", "{}");
    let out = run(
        home.path(),
        &["partner", "new", "acme", "--from", &from, "--output", &taken],
    );
    assert_eq!(out.status.code(), Some(2), "{}", text(&out.stderr));
    assert_eq!(std::fs::read_to_string(&taken).unwrap(), "{}");
    let out = run(home.path(), &["partner", "new", "Acme!", "--from", &from]);
    assert_eq!(out.status.code(), Some(2), "{}", text(&out.stderr));
}

#[test]
fn a_description_that_grows_without_end_is_refused() {
    let mut bomb = "openapi: 3.0.0\npaths: {}\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..10 {
        let list = vec![format!("*a{}", n - 1); 10].join(", ");
        bomb.push_str(&format!("a{n}: &a{n} [{list}]\n"));
    }
    let refused = Description::read("bomb.yaml", &bomb, &mut |_| Err(String::new())).unwrap_err();
    assert!(matches!(refused, ProposeError::Unreadable(_)), "{refused}");
}

#[test]
fn a_schema_within_itself_ends_and_the_network_is_not_asked() {
    let text = r##"{
      "openapi": "3.1.0", "info": {"title": "T"}, "servers": [{"url": "https://{region}.acme.example/v1", "variables": {"region": {"default": "eu"}}}],
      "paths": { "/orders": { "get": { "responses": { "200": { "content": { "application/json": { "schema":
        { "type": "array", "items": { "$ref": "#/components/schemas/Order" } } } } } } } } },
      "components": { "schemas": {
        "Order": { "type": "object", "properties": {
          "orderNumber": { "type": "string" }, "parent": { "$ref": "#/components/schemas/Order" }, "far": { "$ref": "https://elsewhere.example/x.json" },
          "lines": { "type": "array", "items": { "type": ["object", "null"], "properties": { "lineNo": { "type": "integer" }, "quantity": { "type": "number" } } } } } } } }
    }"##;
    let proposal = proposed("start", "t.json", text, &[]).unwrap();
    assert_eq!(proposal.config["baseUrl"], "https://eu.acme.example/v1");
    assert_eq!(proposal.config["streams"]["orders"]["map"]["number"], ".orderNumber");
    assert!(
        proposal
            .notes
            .iter()
            .any(|n| n.message.contains("nothing is fetched from the network"))
    );
    checked(&proposal);
    let schema: &Value = &proposal.schemas[0].1;
    assert_eq!(schema["properties"]["parent"]["$ref"], "#/$defs/Order", "{schema:#}");
}
