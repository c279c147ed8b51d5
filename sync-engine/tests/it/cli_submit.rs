//! `countersign submit`: orders, changes and delivery notes from files, and everything that is wrong with them at once.

use crate::cli_program::{countersign, json, run, sandbox, text};
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

fn order(number: &str, quantity: &str) -> Value {
    json!({
        "number": number, "currency": "EUR", "buyer": {"name": "We"}, "seller": {"name": "They"},
        "lines": [
            {"id": "1", "item": {"sellerId": "A-100"}, "quantity": quantity, "unit": "C62", "price": "12.340"},
            {"id": "2", "item": {"sellerId": "A-200"}, "quantity": "4", "unit": "C62"}
        ]
    })
}

fn note(number: &str) -> Value {
    json!({
        "number": number, "buyer": {"name": "They"}, "seller": {"name": "We"},
        "lines": [{
            "id": "1", "orderNumber": "PO-1", "orderLineId": "10", "item": {"description": "Bolt"},
            "delivered": "3", "unit": "C62"
        }]
    })
}

fn write(home: &Path, name: &str, value: &Value) {
    std::fs::write(home.join(name), value.to_string()).expect("written");
}

/// What `submit --json` says of its only file, and its exit code.
#[track_caller]
fn submitted(home: &Path, args: &[&str]) -> (i32, Value) {
    let out = run(home, &[&["submit", "--json"], args].concat());
    let told: Value = serde_json::from_slice(&out.stdout)
        .unwrap_or_else(|e| panic!("{e}: {}{}", text(&out.stdout), text(&out.stderr)));
    (out.status.code().expect("it ended"), told[0].clone())
}

/// In the alphabet's order.
fn pointers(told: &Value) -> Vec<&str> {
    let problems = told["problems"].as_array().expect("problems");
    let mut pointers: Vec<_> = problems.iter().filter_map(|p| p["pointer"].as_str()).collect();
    pointers.sort_unstable();
    pointers
}

#[test]
fn an_order_its_change_and_a_delivery_note_reach_the_partner_once() {
    let home = tempfile::tempdir().expect("a folder");
    let path = home.path();
    let (_sandbox, _) = sandbox(path, &[]);
    write(path, "order.json", &order("B-1", "10"));
    let (code, told) = submitted(path, &["order.json"]);
    assert_eq!(code, 0, "{told}");
    assert_eq!(
        (
            &told["ok"],
            &told["file"],
            &told["operation"]["kind"],
            &told["operation"]["state"]
        ),
        (&json!(true), &json!("order.json"), &json!("submit"), &json!("Queued"))
    );
    assert_eq!(told["operation"]["actor"], "user:ada");

    // Before the partner has it, nothing can be built on it; the number is taken all the same.
    write(path, "changed.json", &order("B-1", "20"));
    let (code, told) = submitted(path, &["changed.json"]);
    assert_eq!((code, &told["code"]), (1, &json!("document.refused")), "{told}");
    let (code, told) = submitted(path, &["order.json", "--as", "new"]);
    assert_eq!((code, &told["code"]), (1, &json!("answer.pending")), "{told}");

    json(path, &["sync", "--json"]);
    let (code, told) = submitted(path, &["order.json", "--as", "new"]);
    assert_eq!((code, &told["code"]), (1, &json!("document.exists")), "{told}");
    let (code, told) = submitted(path, &["order.json"]);
    assert_eq!((code, pointers(&told)), (1, vec![""]), "nothing differs: {told}");
    // In view of a version that is not the current one.
    write(
        path,
        "stale.json",
        &json!({"version": 7, "document": order("B-1", "30")}),
    );
    assert_eq!(submitted(path, &["stale.json"]).1["code"], "answer.superseded");
    let (code, told) = submitted(path, &["changed.json", "--as", "change"]);
    assert_eq!((code, &told["operation"]["kind"]), (0, &json!("update")), "{told}");
    write(
        path,
        "note.json",
        &json!({"partner": "sandbox", "kind": "DespatchAdvice", "document": note("LS-1")}),
    );
    let (code, told) = submitted(path, &["note.json"]);
    assert_eq!((code, &told["operation"]["kind"]), (0, &json!("despatch")), "{told}");

    json(path, &["sync", "--json"]);
    let all = json(path, &["queue", "list", "--all", "--json"]);
    let rows = all.as_array().expect("rows");
    assert_eq!(rows.len(), 3, "{all}");
    for row in rows {
        assert!(row["state"] == "Delivered" || row["state"] == "Applied", "{row}");
    }
}

#[test]
fn every_mistake_is_told_at_once_with_its_place() {
    let home = tempfile::tempdir().expect("a folder");
    let path = home.path();
    let (_sandbox, _) = sandbox(path, &[]);
    // Of its form: what is missing, of the wrong type, and cannot be read.
    write(
        path,
        "form.json",
        &json!({
            "number": "B-1", "currency": "euro", "buyer": {}, "seller": {}, "requestedDelivery": {"first": "2027-02-30", "last": "soon"},
            "lines": [
                {"id": "1", "item": {}, "quantity": "ten", "unit": "C62", "price": "1,50"},
                {"id": 2, "item": {}, "unit": "C62"},
                {"id": "3", "item": {}, "quantity": 7, "unit": "C62"}
            ]
        }),
    );
    let (code, told) = submitted(path, &["form.json"]);
    assert_eq!(
        (code, pointers(&told)),
        (
            1,
            vec![
                "/currency",
                "/lines/0/price",
                "/lines/0/quantity",
                "/lines/1",
                "/lines/1/id",
                "/requestedDelivery/first",
                "/requestedDelivery/last"
            ]
        ),
        "{told}"
    );
    write(
        path,
        "values.json",
        &json!({
            "number": "B-1", "currency": "euro", "buyer": {}, "seller": {},
            "lines": [
                {"id": "1", "item": {}, "quantity": "ten", "unit": "C62", "price": "1,50"},
                {"id": "3", "item": {}, "quantity": 7, "unit": "C62"}
            ]
        }),
    );
    let (code, told) = submitted(path, &["values.json"]);
    assert_eq!(
        (code, pointers(&told)),
        (1, vec!["/currency", "/lines/0/price", "/lines/0/quantity"]),
        "a number is a decimal too: {told}"
    );
    // Of its content: the engine's own check.
    let mut wrong = order("", "0");
    wrong["lines"][1]["id"] = json!("1");
    write(path, "content.json", &wrong);
    let (code, told) = submitted(path, &["content.json"]);
    assert_eq!(
        (code, &told["code"], pointers(&told)),
        (
            1,
            &json!("document.invalid"),
            vec!["/lines/0/quantity", "/lines/1/id", "/number"]
        )
    );
    // For a person, one after the other, with what is right taken all the same.
    write(path, "right.json", &order("B-2", "1"));
    let out = run(path, &["submit", "content.json", "right.json", "missing.json"]);
    let (told, errors) = (text(&out.stdout), text(&out.stderr));
    assert_eq!(out.status.code(), Some(1));
    assert!(
        told.starts_with("right.json: submit B-2 v1 for sandbox is saved\n"),
        "{told}"
    );
    assert!(told.contains("countersign sync"), "{told}");
    for line in [
        "content.json: it has 3 mistakes",
        "  /number: the document needs a number",
        "  /lines/0/quantity: the quantity must be greater than zero",
        "missing.json: it cannot be read",
        "error: 2 of 3 files are refused",
    ] {
        assert!(errors.contains(line), "{line}: {errors}");
    }
}

#[test]
fn what_cannot_be_submitted_says_why_with_its_exit_code() {
    let home = tempfile::tempdir().expect("a folder");
    let path = home.path();
    let (_sandbox, _) = sandbox(path, &[]);
    write(path, "order.json", &order("B-1", "10"));
    std::fs::write(path.join("torn.json"), "{\"number\": ").expect("written");
    write(path, "other.json", &json!({"hello": "world"}));
    for (args, code) in [
        (&["missing.json"][..], 5),
        (&["torn.json"], 1),
        (&["other.json"], 1),
        (&["order.json", "--partner", "nobody"], 5),
        (&["order.json", "--as", "change"], 5),
    ] {
        let (got, told) = submitted(path, args);
        assert_eq!((got, &told["ok"]), (code, &json!(false)), "{args:?}: {told}");
        assert!(told["message"].as_str().is_some_and(|m| !m.is_empty()), "{told}");
    }
    // With a second partner it has to be said which one is meant.
    let partners = path.join("data/partners");
    let shipped = std::fs::read_to_string(partners.join("sandbox.json")).expect("readable");
    let mut second: Value = serde_json::from_str(&shipped).expect("JSON");
    second["id"] = json!("second");
    write(&partners, "second.json", &second);
    let (code, told) = submitted(path, &["order.json"]);
    assert_eq!(code, 2, "{told}");
    assert!(
        told["message"].as_str().is_some_and(|m| m.contains("sandbox, second")),
        "{told}"
    );

    let mut command = countersign(path, &["submit", "-", "--partner", "second", "--json"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("it runs");
    let mut input = child.stdin.take().expect("standard input");
    input
        .write_all(order("B-1", "10").to_string().as_bytes())
        .expect("read");
    drop(input);
    let out = child.wait_with_output().expect("it ends");
    let told: Value = serde_json::from_slice(&out.stdout).expect("JSON");
    assert_eq!(
        (out.status.code(), &told[0]["operation"]["partner"]),
        (Some(0), &json!("second")),
        "{told}"
    );
}
