use super::*;

#[test]
fn a_configuration_keeps_its_shape_and_loses_what_looks_like_a_secret() {
    let written = json!({
        "id": "acme", "baseUrl": "https://me:word@api.acme.example/v2?client=abc",
        "$comment": "the password is hunter2",
        "auth": {
            "type": "oauth2", "tokenUrl": "/oauth/token", "clientId": "countersign",
            "clientSecret": { "secret": "acme.client_secret" }, "parameters": { "client_secret": "hunter2" },
        },
        "headers": {
            "Accept": "application/json", "X-Api-Key": "hunter2", "X-Tenant": "a1b2c3d4e5f6a7b8c9d0e1f2",
            "Ocp-Apim-Subscription-Key": { "text": "hunter2" }, "Cookie": "sid=hunter2",
        },
        "limits": { "concurrency": 32 },
        "streams": { "orders": {
            "request": { "path": "/api/v1/purchase-orders-of-the-day", "query": { "key": "hunter2", "after": ".watermark" } },
            "map": { "number": ".poNumber", "notes": ["x-token: Bearer abcdefghijklmnop"] },
        } },
    });
    let cleaned = configuration(&written);
    assert_eq!(
        cleaned,
        json!({
            "id": "acme", "baseUrl": "https://api.acme.example/v2?client=***",
            "auth": {
                "type": "oauth2", "tokenUrl": "/oauth/token", "clientId": "countersign",
                "clientSecret": { "secret": "acme.client_secret" }, "parameters": { "client_secret": "***" },
            },
            "headers": {
                "Accept": "application/json", "X-Api-Key": "***", "X-Tenant": "***",
                "Ocp-Apim-Subscription-Key": { "text": "***" }, "Cookie": "***",
            },
            "limits": { "concurrency": 32 },
            "streams": { "orders": {
                "request": { "path": "/api/v1/purchase-orders-of-the-day", "query": { "key": "***", "after": ".watermark" } },
                "map": { "number": ".poNumber", "notes": ["x-token: Bearer abcdefghijklmnop"] },
            } },
        })
    );
    // What has the shape of a credential goes with every text of the bundle.
    let cleaner = Cleaner::of(Path::new("/srv/countersign"), Path::new("/srv/partners"));
    assert!(!cleaner.value(cleaned).to_string().contains("abcdefghijklmnop"));
}

#[test]
fn a_log_line_keeps_what_is_ours() {
    let line = r#"{"timestamp":"2027-03-01T08:00:00Z","level":"WARN","target":"ROOM::schedule","fields":{"message":"polling failed","partner":"acme","stream":"orders","code":"partner.rejected","status":422,"error":"item ACME Anvil at 12.50","document":"PO-1"},"span":{"name":"x"}}"#;
    let line = line.replace("ROOM", OURS[0]);
    let cleaned: Value = serde_json::from_str(&log_line(&line)).unwrap();
    assert_eq!(
        cleaned,
        json!({
            "timestamp": "2027-03-01T08:00:00Z", "level": "WARN", "target": format!("{}::schedule", OURS[0]),
            "fields": {
                "message": "polling failed", "partner": "acme", "stream": "orders", "code": "partner.rejected",
                "status": 422, "error": "(left out, 24 characters)", "document": "(left out, 4 characters)",
            },
        })
    );
    let foreign = r#"{"level":"TRACE","target":"hyper::client","fields":{"message":"sent ACME Anvil"}}"#;
    assert!(!log_line(foreign).contains("Anvil"));
    assert_eq!(log_line("half of a line with ACME Anvil"), "(left out, 30 characters)");
}

#[test]
fn folders_above_the_data_folder_are_not_told() {
    let folder = tempfile::tempdir().unwrap();
    let cleaner = Cleaner::of(folder.path(), &folder.path().join("partners"));
    let text = format!("{} is full", folder.path().join("countersign.db").display());
    assert_eq!(
        cleaner.text(&text),
        format!("<data>{}countersign.db is full", std::path::MAIN_SEPARATOR)
    );
}
