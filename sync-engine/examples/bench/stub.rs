//! The stub partner: the wire format of the sandbox partner without its behaviour. For us and the baselines alike.

use crate::{Error, Outcome};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

struct Stub {
    /// What is before and after the eight digits of the order's number.
    orders: Vec<(String, String)>,
    total: u64,
    posts: AtomicU64,
}

#[derive(serde::Deserialize)]
struct Paging {
    after: Option<u64>,
    limit: Option<u64>,
}

pub async fn serve(fixtures: &std::path::Path, total: u64, lines: Option<usize>) -> Outcome {
    let text = std::fs::read_to_string(fixtures)?;
    let orders = text.lines().map(|l| split(l, lines)).collect::<Result<_, _>>()?;
    let stub = Arc::new(Stub {
        orders,
        total,
        posts: AtomicU64::new(0),
    });
    let app = Router::new()
        .route("/oauth/token", post(token))
        .route("/api/purchase-orders", get(page))
        .route(
            "/api/delivery-notes",
            get(|| async { json("{\"items\":[],\"next\":0}".into()) }),
        )
        .route("/api/operations", post(operate))
        .route("/api/operations/{key}", get(applied))
        .route("/stats", get(stats))
        .with_state(stub);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
    println!("http://{}", listener.local_addr()?);
    let listener = axum::serve::ListenerExt::tap_io(listener, |stream| {
        let _ = stream.set_nodelay(true);
    });
    Ok(axum::serve(listener, app).await?)
}

fn split(line: &str, lines: Option<usize>) -> Result<(String, String), Error> {
    let text = match lines {
        None => line.to_owned(),
        Some(count) => {
            let mut order: serde_json::Value = serde_json::from_str(line)?;
            if let Some(all) = order.get_mut("lines").and_then(|l| l.as_array_mut()) {
                all.truncate(count);
            }
            order["totals"]["lineCount"] = count.into();
            order.to_string()
        }
    };
    let digits = text.find("\"PO-").ok_or("an order without a number")? + 4;
    Ok((text[..digits].to_owned(), text[digits + 8..].to_owned()))
}

fn json(text: String) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}

async fn token() -> Response {
    json("{\"access_token\":\"stub-token\",\"token_type\":\"Bearer\",\"expires_in\":3600}".into())
}

async fn page(State(stub): State<Arc<Stub>>, headers: HeaderMap, Query(paging): Query<Paging>) -> Response {
    if !headers.contains_key(header::AUTHORIZATION) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let after = paging.after.unwrap_or(0);
    let end = (after + paging.limit.unwrap_or(100).min(1000))
        .min(stub.total)
        .max(after);
    let mut out = String::with_capacity(7000 * (end - after) as usize + 64);
    out.push_str("{\"items\":[");
    for i in after + 1..=end {
        if i > after + 1 {
            out.push(',');
        }
        let (before, behind) = &stub.orders[(i % stub.orders.len() as u64) as usize];
        let _ = write!(out, "{before}{i:08}{behind}");
    }
    let _ = write!(out, "],\"next\":{end},\"hasMore\":{}}}", end < stub.total);
    json(out)
}

async fn operate(State(stub): State<Arc<Stub>>, headers: HeaderMap, body: Bytes) -> Response {
    if !headers.contains_key(header::AUTHORIZATION) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let Some(key) = headers.get("idempotency-key").and_then(|k| k.to_str().ok()) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    stub.posts.fetch_add(1, Relaxed);
    json(format!(
        "{{\"operationId\":\"{key}\",\"status\":\"RECEIVED\",\"bytes\":{}}}",
        body.len()
    ))
}

async fn applied(Path(key): Path<String>) -> Response {
    json(format!("{{\"operationId\":\"{key}\",\"status\":\"APPLIED\"}}"))
}

async fn stats(State(stub): State<Arc<Stub>>) -> Response {
    json(format!("{{\"posts\":{}}}", stub.posts.load(Relaxed)))
}
