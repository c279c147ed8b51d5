//! What a person is told who writes one of the members wrongly that these APIs need.

use crate::partner_link::{root, small};
use crate::trials::text;
use serde_json::{Value, json};
use sync_engine::partner;
use sync_engine::partner::propose::{Description, propose};

/// What is told of the small configuration with a value at a pointer.
fn told(pointer: &str, value: &Value) -> String {
    let mut config = small("https://api.acme.example");
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    config.pointer_mut(parent).unwrap_or_else(|| panic!("{pointer}"))[name] = value.clone();
    match partner::parse(&config.to_string(), "f", &root().join("configs/partners")) {
        Ok(_) => "(accepted)".to_owned(),
        Err(errors) => errors.to_string(),
    }
}

#[test]
fn each_mistake_names_its_place_and_what_is_expected() {
    let paging = "/streams/orders/paging";
    let stream = |more: Value| {
        let mut stream = small("https://api.acme.example")["streams"]["orders"].clone();
        stream
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        stream
    };
    let rows: Vec<(&str, Value, &str)> = vec![
        ("/statuses", json!([{"status": 404, "as": 204}]), "(accepted)"),
        ("/statuses", json!([{"status": 404}]), "/statuses/0: \"as\" is missing"),
        (
            "/statuses",
            json!([{"as": 422}]),
            "/statuses/0: \"status\" or \"when\" is missing: which answers this is about",
        ),
        (
            "/statuses",
            json!([{"wen": ".a", "as": 422}]),
            "there is no field \"wen\" here; did you mean \"when\"?",
        ),
        ("/statuses", json!([{"when": ".a", "as": 99}]), "/statuses/0/as: "),
        (paging, json!({"type": "offset", "total": ".n"}), "(accepted)"),
        (
            paging,
            json!({"type": "offset", "total": ".n", "more": ".m"}),
            "\"more\" and \"total\" exclude each other",
        ),
        (
            paging,
            json!({"type": "page", "total": ".n"}),
            "\"limit\" is missing: how many items a page has",
        ),
        (
            paging,
            json!({"type": "link", "total": ".n"}),
            "only paging by offset or page uses \"total\"",
        ),
        ("/operations/confirm", json!({"silent": true}), "(accepted)"),
        (
            "/operations/confirm",
            json!({"silent": true, "receipt": {"id": ".body.id"}}),
            "/operations/confirm/receipt: \"silent\" alone sends nothing, so \"receipt\" is about no request",
        ),
        (
            "/operations/confirm",
            json!({}),
            "(or \"silent\": true, where the partner has no such request)",
        ),
        ("/streams/orders", stream(json!({"hashOf": "document"})), "(accepted)"),
        (
            "/streams/orders",
            stream(json!({"hashOf": "documents"})),
            "did you mean \"document\"?",
        ),
        (
            "/streams/orders",
            stream(json!({"hashOf": "document", "hashExcept": [".a"]})),
            "with \"hashOf\": \"document\" only what the map reads counts",
        ),
        (
            "/streams/orders/watermark",
            json!({"item": ".at", "format": "yyyy-MM-dd HH:mm:ss"}),
            "(accepted)",
        ),
        (
            "/streams/orders/watermark",
            json!({"item": ".at", "format": "dateTme"}),
            "is no form of a watermark; known are epochSeconds, epochMillis, httpDate, date, dateTime, and patterns such as yyyy-MM-dd HH:mm:ss; did you mean \"dateTime\"?",
        ),
        (
            "/streams/orders/request/body",
            json!({"key": {"$secret": "acme.key"}}),
            "(accepted)",
        ),
        (
            "/streams/orders/request/body",
            json!({"key": {"$secret": "acme.key", "$as": "text"}}),
            "\"$secret\" stands alone: {\"$secret\": NAME}",
        ),
        (
            "/streams/orders/map/partnerRef",
            json!({"key": {"$secret": "acme.key"}}),
            "a secret stands in \"body\", \"form\" and \"query\" of a request only",
        ),
    ];
    for (pointer, value, expected) in rows {
        let told = told(pointer, &value);
        assert!(
            told.contains(expected),
            "{pointer} {value}:\n{told}\ninstead of\n{expected}"
        );
    }
}

#[test]
fn a_start_from_a_description_knows_unit_prices_totals_and_yes_or_no() {
    let described = text("mirakl", "openapi.json");
    let description = Description::read("openapi.json", &described, &mut |_| Err(String::new())).unwrap();
    let made = propose(&description, "mirakl").unwrap().config;
    assert_eq!(made["streams"]["orders"]["paging"]["total"], ".total_count");
    assert_eq!(made["streams"]["orders"]["map"]["lines"]["price"], ".price_unit");
    assert_eq!(made["streams"]["orders"]["map"]["lines"]["priceBase"], Value::Null);
    let line = &made["operations"]["confirm"]["request"]["body"]["order_lines"];
    assert_eq!(line["accepted"], "all(.answers[]; .code == \"Accepted\")");
    let shipment = &made["operations"]["despatch"]["request"]["body"]["shipments"][0];
    assert_eq!(shipment["order_id"], ".document.lines[0].orderNumber");
}

#[test]
fn a_start_from_a_description_knows_vendor_media_types_and_times_of_lines() {
    let described = text("bol", "openapi.json");
    let description = Description::read("openapi.json", &described, &mut |_| Err(String::new())).unwrap();
    let made = propose(&description, "bol").unwrap().config;
    assert_eq!(made["accept"], "application/vnd.retailer.v10+json");
    assert_eq!(
        made["streams"]["orders"]["watermark"]["item"],
        ".orderItems[].latestChangedDateTime"
    );
    assert_eq!(made["streams"]["orders"]["watermark"]["format"], "date");
    let request = &made["operations"]["despatch"]["request"];
    assert_eq!(request["mediaType"], "application/vnd.retailer.v10+json");
    assert_eq!(request["body"]["orderItems"]["orderItemId"], ".orderLineId");
}

#[test]
fn a_secret_of_a_request_is_one_that_is_asked_for() {
    let mut config = small("https://api.acme.example");
    config["streams"]["orders"]["request"]["query"]["key"] = json!({"$secret": "acme.tenant"});
    let config = partner::parse(&config.to_string(), "f", &root().join("configs/partners")).unwrap();
    assert!(
        config.secret_names().contains(&"acme.tenant"),
        "{:?}",
        config.secret_names()
    );
}
