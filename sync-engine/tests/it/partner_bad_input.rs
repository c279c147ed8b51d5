//! Broken configurations and payloads, and exactly what a person is told about each.

use crate::partner_link::{connect, root, secrets, shipped, small};
use serde_json::{Value, json};
use sync_engine::partner::{self, PartnerLink};

fn told(text: &str) -> String {
    match partner::parse(text, "acme.json", &root().join("configs/partners")) {
        Ok(_) => "(accepted)".to_owned(),
        Err(errors) => errors.to_string(),
    }
}

/// A configuration, broken at one pointer: replaced by a value, or taken out.
fn broken(pointer: &str, value: Option<Value>) -> String {
    let mut config = small("https://api.acme.example");
    config["id"] = json!("acme");
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = config.pointer_mut(parent).unwrap_or_else(|| panic!("{pointer}"));
    match (value, parent) {
        (Some(value), Value::Array(list)) => list.push(value),
        (Some(value), parent) => parent[name] = value,
        (None, parent) => {
            parent.as_object_mut().unwrap().remove(name);
        }
    }
    told(&config.to_string())
}

#[test]
fn configurations() {
    let rows: Vec<(&str, Option<Value>)> = vec![
        ("/id", Some(json!("Acme Inc."))),
        ("/id", None),
        ("/nmae", Some(json!("x"))),
        ("/name", Some(json!(7))),
        ("/baseUrl", Some(json!("http://api.acme.example"))),
        ("/baseUrl", Some(json!("api.acme.example"))),
        ("/baseUrl", Some(json!("https://user:pass@api.acme.example?x=1"))),
        ("/baseUrl", Some(json!("ftp://api.acme.example"))),
        ("/auth", Some(json!({"type": "oauth"}))),
        ("/auth", Some(json!({"type": "oauth2", "grant": "refreshToken"}))),
        (
            "/auth",
            Some(json!({"type": "oauth2", "tokenUrl": "/t", "clientId": "x", "clientSecret": "hunter2"})),
        ),
        (
            "/auth",
            Some(json!({"type": "oauth2", "tokenURL": "/t", "clientId": "x", "clientSecret": {"secret": "s"}})),
        ),
        (
            "/auth",
            Some(
                json!({"type": "oauth2", "tokenUrl": "http://login.acme.example/t", "clientId": "x", "clientSecret": {"secret": "s"}}),
            ),
        ),
        ("/headers", Some(json!({"Authorization": "Bearer x", "X Tenant": "1"}))),
        ("/redirects", Some(json!(["https://files.acme.example/deep"]))),
        (
            "/limits",
            Some(json!({"maxPages": 0, "maxDeph": 3, "concurrency": "four"})),
        ),
        ("/rules", Some(json!({"onChange": "keep", "answerDeadlineHour": 3}))),
        (
            "/codes",
            Some(json!({"units": {"values": {}}, "x": {"unknown": "ignore"}})),
        ),
        ("/streams/orders/kind", Some(json!("orders"))),
        ("/streams/orders/kind", None),
        ("/streams/orders/items", Some(json!(".items[] | select(.x)"))),
        ("/streams/orders/request/path", Some(json!("list?size=1"))),
        ("/streams/orders/request/path", Some(json!("/list/{.x"))),
        ("/streams/orders/paging", Some(json!({"type": "token"}))),
        (
            "/streams/orders/paging",
            Some(json!({"type": "watermark", "limit": 10})),
        ),
        ("/streams/orders/paging", Some(json!({"type": "cursor"}))),
        ("/streams/orders/watermark", Some(json!({"page": ".a", "item": ".b"}))),
        ("/streams/orders/schema", Some(json!("acme/order.json"))),
        ("/streams/orders/schema", Some(json!("../secrets.json"))),
        (
            "/streams/orders/schema",
            Some(json!("sandbox/po.schema.json#/$defs/lines")),
        ),
        ("/streams/orders/map/number", Some(json!("orderNo"))),
        ("/streams/orders/map/number", None),
        ("/streams/orders/map/numer", Some(json!(".id"))),
        ("/streams/orders/map/currency", Some(json!({"$form": ".c"}))),
        (
            "/streams/orders/map/purpose",
            Some(json!({"$from": ".s", "$codes": "status"})),
        ),
        (
            "/streams/orders/map/issuedAt",
            Some(json!({"$from": ".t", "$date": "epochMilis"})),
        ),
        ("/streams/orders/map/notes", Some(json!("while(true; .)"))),
        ("/streams/orders/map/notes", Some(json!("def f: f; f"))),
        ("/streams/orders/map/notes", Some(json!(".notes | mapp(.text)"))),
        ("/streams/orders/map/notes", Some(json!(".first-name"))),
        ("/streams/orders/map/notes", Some(json!(".a | test(.b)"))),
        ("/streams/orders/map/notes", Some(json!(".a | ["))),
        ("/streams/orders/map/lines/$each", None),
        ("/streams/orders/map/lines/price", Some(json!(12))),
        ("/operations/confrim", Some(json!({"sameAs": "confirm"}))),
        ("/operations/reject", Some(json!({"sameAs": "counter"}))),
        ("/operations/reject", Some(json!({}))),
        (
            "/operations/confirm/outcomes",
            Some(json!({"success": [200], "again": [200, 99]})),
        ),
        (
            "/operations/confirm/verify",
            Some(json!({"request": {"path": "/x"}, "state": ".s"})),
        ),
        (
            "/operations/confirm/request/body",
            Some(json!({"q": {"$from": ".x", "$as": "int"}, "$if": ".y"})),
        ),
    ];
    let mut text = String::new();
    for (pointer, value) in rows {
        let what = value.as_ref().map_or("(taken out)".to_owned(), Value::to_string);
        text.push_str(&format!("# {pointer} = {what}\n{}\n\n", broken(pointer, value)));
    }
    for (name, whole) in [
        ("empty", ""),
        ("no JSON", "{\"id\": }"),
        ("a list", "[]"),
        ("nothing in it", "{}"),
    ] {
        text.push_str(&format!("# {name}\n{}\n\n", told(whole)));
    }
    assert!(!text.contains("(accepted)"), "{text}");
    insta::assert_snapshot!("bad_configurations", text);
}

#[test]
fn every_mistake_is_reported_at_once() {
    let mut config = small("http://api.acme.example");
    config["id"] = json!("Not An Id");
    config["nmae"] = json!("x");
    config["streams"]["orders"]["everySecond"] = json!(5);
    config["streams"]["orders"]["map"]["curency"] = json!(".c");
    config["streams"]["orders"]["map"]["lines"]["quantity"] = json!("range(5)");
    config["operations"]["confirm"]["verify"]["applied"] = json!([]);
    config["limits"] = json!({"concurrency": 1000});
    let errors = partner::parse(&config.to_string(), "acme.json", &root()).unwrap_err();
    assert_eq!(errors.mistakes.len(), 8, "{errors}");
    let json = serde_json::to_value(&errors).unwrap();
    assert_eq!(json["file"], "acme.json");
    assert!(
        json["mistakes"]
            .as_array()
            .unwrap()
            .iter()
            .any(|m| m["pointer"] == "/nmae" && m["nearest"] == "name"),
        "{json}"
    );
}

/// A purchase order that the sandbox's configuration takes.
fn order() -> Value {
    let address =
        json!({"name": "Werk 1", "street": "Hafenstr. 1", "city": "Hamburg", "postalCode": "20457", "country": "DE"});
    let party = |name: &str| json!({"id": "P-1", "name": name, "address": address});
    json!({
        "schemaVersion": "2.1", "documentType": "PURCHASE_ORDER", "poNumber": "PO-00000001", "version": 1, "supersedes": null,
        "status": "SUBMITTED", "issuedAt": "2026-11-21T08:00:00Z", "currency": "EUR",
        "buyer": party("Kunde AG"), "seller": party("Wir GmbH"), "shipTo": address,
        "lines": [
            {"lineNo": 10, "sku": "A-1", "description": "Schraube", "quantity": "100", "uom": "PCE", "unitPrice": "0.125", "net": "12.50"},
            {"lineNo": 20, "sku": "A-2", "description": "Mutter", "quantity": "5", "uom": "BX", "unitPrice": "3.20", "net": "16.00"}
        ],
        "totals": {"net": "28.50", "tax": "5.42", "gross": "33.92"}
    })
}

fn refused(partner: &dyn PartnerLink, payload: &[u8]) -> String {
    match partner.intake("orders", payload) {
        Ok(intake) => format!("(taken as {})", intake.into_version().unwrap().document.number()),
        Err(error) => {
            let number = error.number.unwrap_or_else(|| "without number".to_owned());
            let problems: Vec<_> = error
                .problems
                .iter()
                .map(|p| format!("  {} {}", p.pointer, p.message))
                .collect();
            format!("{} of {number}\n{}", error.stage, problems.join("\n"))
        }
    }
}

#[test]
fn payloads() {
    let sandbox = connect(&shipped("sandbox"), secrets(&[]));
    let mut lenient = shipped("sandbox");
    lenient["streams"]["orders"].as_object_mut().unwrap().remove("schema");
    lenient["limits"] = json!({"maxLines": 3, "maxDepth": 8, "maxStringBytes": 100});
    let lenient = connect(&lenient, secrets(&[]));
    let mut text = String::new();
    let row = |checked: bool, pointer: &str, value: Option<Value>| {
        let mut payload = order();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let parent = payload.pointer_mut(parent).unwrap();
        match value.clone() {
            Some(value) => parent[name] = value,
            None => {
                parent.as_object_mut().unwrap().remove(name);
            }
        }
        let partner = if checked { &sandbox } else { &lenient };
        let what = value.map_or("(taken out)".to_owned(), |v| v.to_string().chars().take(80).collect());
        let how = if checked { "with schema" } else { "without schema" };
        format!(
            "# {pointer} = {what} ({how})\n{}\n\n",
            refused(partner, payload.to_string().as_bytes())
        )
    };
    for (pointer, value) in [
        ("/poNumber", Some(json!("4711"))),
        ("/totals", None),
        ("/currency", Some(json!("eur"))),
        ("/issuedAt", Some(json!("yesterday"))),
        ("/documentType", Some(json!("QUOTE"))),
        ("/lines/1/unitPrice", Some(json!(3.2))),
        ("/lines/0/extra", Some(json!(1))),
        ("/lines", Some(json!([]))),
    ] {
        text.push_str(&row(true, pointer, value));
    }
    let many: Vec<Value> = (1..=4)
        .map(|n| json!({"lineNo": n, "quantity": 1, "uom": "PCE"}))
        .collect();
    for (pointer, value) in [
        ("/poNumber", Some(json!(" "))),
        ("/documentType", Some(json!("QUOTE"))),
        ("/currency", None),
        ("/currency", Some(json!("euro"))),
        ("/issuedAt", Some(json!(1_763_712_000))),
        ("/issuedAt", Some(json!("21.11.2026"))),
        ("/requestedDelivery", Some(json!("2026-12-24--2026-12-01"))),
        ("/buyer", Some(json!("Kunde AG"))),
        ("/buyer/name", Some(json!(["Kunde", "AG"]))),
        ("/lines", Some(json!([]))),
        ("/lines", Some(json!({"lineNo": 1}))),
        ("/lines", Some(json!(many))),
        ("/lines/1/lineNo", Some(json!(10))),
        ("/lines/0/lineNo", None),
        ("/lines/0/quantity", Some(json!("1,5"))),
        ("/lines/0/quantity", Some(json!("12345678901234567890123456789.5"))),
        ("/lines/0/quantity", Some(json!(true))),
        ("/lines/0/uom", None),
        ("/totals/net", Some(json!("28.505"))),
        ("/totals/net", Some(json!("99999999999999999999"))),
        ("/version", Some(json!("second"))),
        ("/notes", Some(json!([{"text": {"de": "Hallo"}}]))),
        ("/x", Some(json!([[[[[[[[1]]]]]]]]))),
        ("/x", Some(json!("y".repeat(200)))),
    ] {
        text.push_str(&row(false, pointer, value));
    }
    for (name, payload) in [
        ("empty", "".to_owned()),
        ("cut off", order().to_string()[..200].to_owned()),
        ("HTML", "<html>Bad gateway</html>".to_owned()),
        ("not UTF-8", String::new()),
        (
            "a number of a million digits",
            format!("{{\"poNumber\": {}}}", "9".repeat(1_000_000)),
        ),
        (
            "an exponent that explodes",
            "{\"poNumber\": \"1\", \"lines\": [{\"quantity\": 1e999999}]}".to_owned(),
        ),
        ("nested without end", "[".repeat(1_000_000)),
    ] {
        let bytes = if name == "not UTF-8" {
            b"{\"poNumber\": \"\xff\xfe\"}".to_vec()
        } else {
            payload.into_bytes()
        };
        text.push_str(&format!("# {name}\n{}\n\n", refused(&lenient, &bytes)));
    }
    assert!(!text.contains("(taken as"), "{text}");
    insta::assert_snapshot!("bad_payloads", text);
    assert_eq!(
        refused(&sandbox, order().to_string().as_bytes()),
        "(taken as PO-00000001)"
    );
}
