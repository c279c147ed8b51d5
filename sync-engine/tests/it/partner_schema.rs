//! The JSON Schema of configurations, the structs that read them and the maps know the same names.

use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use sync_engine::partner::{self, CONFIG_SCHEMA};

fn schema() -> Value {
    serde_json::from_str(CONFIG_SCHEMA).unwrap()
}

fn names(schema: &Value, pointer: &str) -> BTreeSet<String> {
    schema
        .pointer(&format!("{pointer}/properties"))
        .unwrap_or_else(|| panic!("{pointer}"))
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect()
}

#[test]
fn the_schema_and_the_structs_know_the_same_names() {
    let schema = schema();
    for (section, known) in partner::config_field_names() {
        let pointer = if section.is_empty() {
            String::new()
        } else {
            format!("/$defs/{section}")
        };
        let mut known: BTreeSet<String> = known.into_iter().collect();
        // Taken out before anything is read; "reason" takes any name.
        if section != "reason" {
            known.insert("$comment".to_owned());
        }
        assert_eq!(names(&schema, &pointer), known, "section \"{section}\"");
    }
}

#[test]
fn every_field_has_a_hover_text() {
    fn walk(value: &Value, at: &str, lacking: &mut Vec<String>) {
        if let Some(properties) = value.get("properties").and_then(Value::as_object) {
            for (name, field) in properties {
                let referenced = field.get("$ref").and_then(Value::as_str).is_some_and(|r| {
                    let named = [
                        "paging",
                        "watermark",
                        "map",
                        "auth",
                        "idempotency",
                        "limits",
                        "rules",
                        "request",
                        "outcomes",
                        "comment",
                    ];
                    named.iter().any(|n| r.ends_with(n))
                });
                if field.get("description").is_none() && !referenced {
                    lacking.push(format!("{at}/{name}"));
                }
            }
        }
        for (key, inner) in value.as_object().into_iter().flatten() {
            walk(inner, &format!("{at}/{key}"), lacking);
        }
    }
    let mut lacking = Vec::new();
    walk(&schema(), "", &mut lacking);
    assert!(lacking.is_empty(), "{lacking:#?}");
}

#[test]
fn every_configuration_in_the_repository_holds() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut seen = 0;
    for folder in ["configs/partners", "fixtures/peers"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|e| e != "json") || path.ends_with("MANIFEST.json") {
                continue;
            }
            let config = partner::load_file(&path).unwrap_or_else(|e| panic!("{e}"));
            assert_eq!(path.file_stem().unwrap().to_str(), Some(config.id().0.as_str()));
            let text: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
            let schema_file = path.parent().unwrap().join(text["$schema"].as_str().unwrap());
            assert!(schema_file.exists(), "{} names its schema", path.display());
            seen += 1;
        }
    }
    assert!(seen >= 4);
}

/// Puts a comment into every object, except into constants, which are the partner's.
fn comment(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, value) in members.iter_mut() {
                if !["$value", "$default"].contains(&name.as_str()) {
                    comment(value);
                }
            }
            members.insert("$comment".to_owned(), Value::from("to be checked"));
        }
        Value::Array(list) => list.iter_mut().for_each(comment),
        _ => {}
    }
}

#[test]
fn a_comment_may_stand_in_every_object() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../configs/partners");
    let validator = jsonschema::options().build(&schema()).unwrap();
    for name in [
        "sandbox.json",
        "amazon-vendor.json",
        "xero.json",
        "square.json",
        "papinet.json",
        "business-central.json",
    ] {
        let text = std::fs::read_to_string(dir.join(name)).unwrap();
        let mut whole: Value = serde_json::from_str(&text).unwrap();
        let plain = partner::parse(&text, name, &dir).unwrap().openapi();
        comment(&mut whole);
        let errors: Vec<String> = validator
            .iter_errors(&whole)
            .map(|e| format!("{}: {e}", e.instance_path()).chars().take(300).collect())
            .collect();
        assert!(errors.is_empty(), "{name}: an editor takes comments: {errors:#?}");
        let commented = partner::parse(&whole.to_string(), name, &dir).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(plain, commented.openapi(), "{name}: comments change nothing");
    }
}

#[test]
fn a_comment_is_a_text_and_a_constant_is_the_partners() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../configs/partners");
    let text = std::fs::read_to_string(dir.join("sandbox.json")).unwrap();
    let mut whole: Value = serde_json::from_str(&text).unwrap();
    whole["streams"]["orders"]["$comment"] = Value::from(7);
    let errors = partner::parse(&whole.to_string(), "x.json", &dir).unwrap_err();
    let told: Vec<String> = errors.mistakes.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        ["/streams/orders/$comment: a comment is a text, this is a number"]
    );
}
