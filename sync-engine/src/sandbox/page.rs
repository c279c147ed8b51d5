//! A page for people: what was issued, what was answered. No scripts; it reads itself again every few seconds.

use super::server::Shared;
use super::view::{DocumentView, OperationView, SandboxState};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use std::fmt::Write;
use std::sync::Arc;

/// Rows of each table; the state as JSON has them all.
const MAX_ROWS: usize = 200;
const STYLE: &str = "
:root{color-scheme:light dark}
body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem}
h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}p{margin:.3rem 0}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid color-mix(in srgb,currentColor 18%,transparent);vertical-align:top}
th{font-weight:600;font-size:.85em}td.n{text-align:right;font-variant-numeric:tabular-nums}
.s{border-radius:.7em;padding:.05rem .55rem;background:color-mix(in srgb,currentColor 12%,transparent);white-space:nowrap}
code{font-size:.9em}.q{opacity:.7}";

pub(super) async fn show(State(shared): State<Arc<Shared>>) -> Response {
    let state = match shared.settled(|world| world.view()) {
        Ok(state) => state,
        Err(refusal) => return *refusal,
    };
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, render(&state)).into_response()
}

fn render(state: &SandboxState) -> String {
    let mut out = String::from(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta http-equiv=\"refresh\" content=\"5\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>Sandbox partner</title><style>",
    );
    out.push_str(STYLE);
    out.push_str("</style><h1>Sandbox partner</h1>");
    let counts = &state.counts;
    // Writing to a String cannot fail.
    let _ = write!(
        out,
        "<p class=\"q\">{} orders in {} versions, {} delivery notes, {} answers taken, {} of them applied. \
         Everything as JSON: <a href=\"/sandbox/state\">/sandbox/state</a></p>",
        counts.orders, counts.order_versions, counts.delivery_notes, counts.effects, counts.applied
    );
    answers(&mut out, state);
    documents(&mut out, "Orders to you", &state.orders, &state.operations);
    documents(
        &mut out,
        "Delivery notes to you",
        &state.delivery_notes,
        &state.operations,
    );
    out.push_str("</html>");
    out
}

fn answers(out: &mut String, state: &SandboxState) {
    out.push_str("<h2>Answers</h2>");
    if state.operations.is_empty() {
        out.push_str("<p class=\"q\">None yet.</p>");
        return;
    }
    let mut rows: Vec<&OperationView> = state.operations.iter().collect();
    rows.sort_by(|a, b| {
        b.received_at
            .cmp(&a.received_at)
            .then_with(|| b.operation_id.cmp(&a.operation_id))
    });
    out.push_str("<table><tr><th>Received<th>Document<th>Version<th>Answer<th>Status<th>Details<th>Key");
    for row in rows.iter().take(MAX_ROWS) {
        let _ = write!(
            out,
            "<tr><td>{}<td>{}<td class=\"n\">{}<td>{}<td><span class=\"s\">{}</span><td>{}<td><code>{}</code>",
            escape(&row.received_at),
            escape(&row.number),
            row.version,
            escape(&row.operation),
            escape(&row.status),
            escape(&details(row)),
            escape(&row.key)
        );
    }
    out.push_str("</table>");
}

/// The reason, the note, and what differs line by line.
fn details(row: &OperationView) -> String {
    let text = |value: &serde_json::Value| match value {
        serde_json::Value::String(s) => s.clone(),
        serde_json::Value::Object(reason) => reason.values().filter_map(|v| v.as_str()).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    };
    let mut parts: Vec<String> = row.error.iter().cloned().collect();
    parts.extend(["reason", "note"].iter().filter_map(|k| row.body.get(k)).map(text));
    let lines = row.body.get("lines").and_then(|l| l.as_array());
    for line in lines.into_iter().flatten().filter_map(|l| l.as_object()) {
        if line.get("code").and_then(|c| c.as_str()) != Some("ACCEPTED") {
            let said: Vec<String> = line.iter().map(|(k, v)| format!("{k} {}", text(v))).collect();
            parts.push(said.join(", "));
        }
    }
    parts.truncate(20);
    parts.join("; ")
}

fn documents(out: &mut String, title: &str, rows: &[DocumentView], operations: &[OperationView]) {
    let _ = write!(
        out,
        "<h2>{title}</h2><table><tr><th>Number<th>Current version<th>Status<th>Lines<th>Language<th>Currency\
         <th>Versions<th>Answer applied last"
    );
    for row in rows.iter().rev().take(MAX_ROWS) {
        let versions: Vec<String> = row
            .versions
            .iter()
            .map(|v| format!("{} {}", v.version, v.kind))
            .collect();
        let answer = row
            .response_key
            .as_ref()
            .and_then(|k| operations.iter().find(|o| o.key == *k));
        let _ = write!(
            out,
            "<tr><td>{}<td class=\"n\">{}<td><span class=\"s\">{}</span><td class=\"n\">{}<td>{}<td>{}<td>{}<td>{}",
            escape(&row.number),
            row.version,
            escape(&row.status),
            row.lines,
            escape(&row.language),
            escape(row.currency.as_deref().unwrap_or("–")),
            escape(&versions.join(", ")),
            escape(&answer.map_or_else(|| "–".into(), |o| format!("{} of version {}", o.operation, o.version)))
        );
    }
    out.push_str("</table>");
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}
