//! The partner's side as an OpenAPI document, warnings of paths that a schema does not have, `partner try` in a terminal.

use crate::partner_link::{root, shipped, small};
use serde_json::{Value, json};
use std::process::Command;
use sync_engine::partner;

fn openapi_of(text: &str) -> Value {
    let config = partner::parse(text, "test.json", &root().join("configs/partners")).unwrap_or_else(|e| panic!("{e}"));
    config.openapi()
}

fn assert_valid(document: &Value, what: &str) {
    let path = root().join("fixtures/openapi/openapi-3.1.schema.json");
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let validator = jsonschema::options().build(&schema).unwrap();
    let wrong: Vec<String> = validator
        .iter_errors(document)
        .map(|e| format!("{}: {e}", e.instance_path()).chars().take(300).collect())
        .collect();
    assert!(wrong.is_empty(), "{what}: {wrong:#?}");
    assert_references_hold(document, document, what);
}

fn assert_references_hold(value: &Value, whole: &Value, what: &str) {
    if let Some(reference) = value.get("$ref").and_then(Value::as_str) {
        let pointer = reference
            .strip_prefix('#')
            .unwrap_or_else(|| panic!("{what}: {reference}"));
        assert!(whole.pointer(pointer).is_some(), "{what}: {reference} leads nowhere");
    }
    match value {
        Value::Object(members) => members.values().for_each(|v| assert_references_hold(v, whole, what)),
        Value::Array(list) => list.iter().for_each(|v| assert_references_hold(v, whole, what)),
        _ => {}
    }
}

#[test]
fn every_shipped_partner_is_described() {
    let mut seen = 0;
    for entry in std::fs::read_dir(root().join("configs/partners")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e != "json") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let document = openapi_of(&text);
        assert_valid(&document, &path.display().to_string());
        assert!(!document["paths"].as_object().unwrap().is_empty());
        seen += 1;
    }
    assert!(seen >= 3, "{seen}");
}

#[test]
fn requests_parameters_bodies_and_answers_are_described() {
    let document = openapi_of(&shipped("sandbox").to_string());
    let list = &document["paths"]["/api/purchase-orders"]["get"];
    let names: Vec<&str> = list["parameters"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|p| p["name"].as_str())
        .collect();
    assert_eq!(names, ["after", "limit"]);
    let page = &list["responses"]["200"]["content"]["application/json"]["schema"];
    assert!(page["properties"]["items"]["items"]["$ref"].is_string(), "{page}");
    let document = openapi_of(&small("https://api.example.com").to_string());
    let answer = &document["paths"]["/answer/{number}"]["post"];
    assert_eq!(answer["operationId"], "confirm");
    assert_eq!(answer["responses"]["2XX"]["description"], "The partner took it");
    let body = &answer["requestBody"]["content"]["application/json"]["schema"];
    assert_eq!(*body, json!({"type": "object", "properties": {"order": {}, "at": {}}}));
    assert_eq!(document["paths"]["/job/{id}"]["get"]["operationId"], "confirm-verify");
}

#[test]
fn a_path_that_the_schema_does_not_have_is_a_warning() {
    let mut config = shipped("sandbox");
    let map = &mut config["streams"]["orders"]["map"];
    map["currency"] = json!(".curency");
    map["lines"]["price"] = json!(".unitPrise // $root.currency");
    map["revision"] = json!(".versoin | tostring");
    let dir = root().join("configs/partners");
    let config = partner::parse(&config.to_string(), "test.json", &dir).unwrap_or_else(|e| panic!("{e}"));
    let warnings: Vec<(&str, Option<&str>)> = config
        .warnings()
        .iter()
        .map(|w| (w.pointer.as_str(), w.nearest.as_deref()))
        .collect();
    assert_eq!(
        warnings,
        [
            ("/streams/orders/map/currency", Some("currency")),
            ("/streams/orders/map/lines/price", Some("unitPrice")),
            ("/streams/orders/map/revision", Some("version")),
        ]
    );
}

#[test]
fn shipped_configurations_have_no_warning() {
    for entry in std::fs::read_dir(root().join("configs/partners")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "json") {
            let config = partner::load_file(&path).unwrap_or_else(|e| panic!("{e}"));
            assert!(
                config.warnings().is_empty(),
                "{}: {:#?}",
                path.display(),
                config.warnings()
            );
        }
    }
}

#[test]
fn a_payload_is_tried_in_a_terminal() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("small.json");
    std::fs::write(&file, small("https://api.example.com").to_string()).unwrap();
    let payload = dir.path().join("order.json");
    std::fs::write(
        &payload,
        r#"{"id": "A/1", "extra": true, "lines": [{"n": 1, "qty": 2, "colour": "red"}]}"#,
    )
    .unwrap();
    let run = |more: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_countersign"))
            .args(["partner", "try"])
            .arg(&file)
            .arg("--payload")
            .arg(&payload)
            .arg("--data-dir")
            .arg(dir.path())
            .args(more)
            .output()
            .unwrap()
    };
    let shown = run(&[]);
    let text = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(
        shown.status.success(),
        "{text}{}",
        String::from_utf8_lossy(&shown.stderr)
    );
    for part in [
        "it becomes a version",
        ".extra (1x), such as true",
        ".lines[].colour (1x), such as \"red\"",
        "names its item by none of",
        "POST https://api.example.com/answer/A%2F1",
        "\"number\": \"A/1\"",
    ] {
        assert!(text.contains(part), "\"{part}\" is not in\n{text}");
    }
    let machine: Value = serde_json::from_slice(&run(&["--json"]).stdout).unwrap();
    assert_eq!(machine["streams"][0]["documents"][0]["outcome"], "version");
    assert_eq!(run(&["--stream", "order"]).status.code(), Some(2));
    std::fs::write(&payload, r#"{"id": 7}"#).unwrap();
    assert_eq!(run(&[]).status.code(), Some(1), "what would go to quarantine");
}
