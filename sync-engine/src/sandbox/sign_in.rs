//! Access tokens: issued for the client's credentials, checked on every call.

use super::server::{Shared, problem};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use serde_json::json;
use std::collections::HashMap;
use std::sync::Arc;

const MAX_TOKENS: usize = 10_000;

pub(super) fn unauthorized(message: &str) -> Response {
    let challenge = [(
        header::WWW_AUTHENTICATE,
        "Bearer realm=\"sandbox\", error=\"invalid_token\"",
    )];
    (challenge, problem(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", message)).into_response()
}

pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .strip_prefix("Bearer ")
}

pub(super) async fn authorize(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let valid = bearer(request.headers())
        .and_then(|token| shared.tokens().get(token).copied())
        .is_some_and(|until| shared.now() <= until);
    if valid {
        return next.run(request).await;
    }
    shared.world().counts.unauthorized += 1;
    unauthorized("a bearer token of POST /oauth/token is needed, and this is none or it has expired")
}

/// Client credentials (RFC 6749, 4.4): by Basic, form-encoded or plain, or in the body.
pub(super) async fn token(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let form: HashMap<String, String> = url::form_urlencoded::parse(&body).into_owned().collect();
    if form.get("grant_type").map(String::as_str) != Some("client_credentials") {
        let error = json!({ "error": "unsupported_grant_type" });
        return (StatusCode::BAD_REQUEST, Json(error)).into_response();
    }
    let given = basic(&headers).or_else(|| Some((form.get("client_id")?.clone(), form.get("client_secret")?.clone())));
    let known = given.is_some_and(|(id, secret)| id == shared.client_id && secret == shared.client_secret);
    if !known {
        let challenge = [(header::WWW_AUTHENTICATE, "Basic realm=\"sandbox\"")];
        let error = json!({ "error": "invalid_client", "error_description": "the client id or the secret is wrong" });
        return (StatusCode::UNAUTHORIZED, challenge, Json(error)).into_response();
    }
    let access_token = format!("sbx-{:016x}{:016x}", shared.clock.random(), shared.clock.random());
    let now = shared.now();
    let until = now.saturating_add(i64::try_from(shared.token_seconds).unwrap_or(0).saturating_mul(1000));
    {
        let mut tokens = shared.tokens();
        tokens.retain(|_, until| now <= *until);
        if tokens.len() < MAX_TOKENS {
            tokens.insert(access_token.clone(), until);
        }
    }
    shared.world().counts.tokens_issued += 1;
    let answer = json!({ "access_token": access_token, "token_type": "Bearer", "expires_in": shared.token_seconds });
    ([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response()
}

fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let encoded = headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .strip_prefix("Basic ")?;
    let bytes = base64::engine::general_purpose::STANDARD.decode(encoded).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (id, secret) = text.split_once(':')?;
    let decode = |part: &str| {
        url::form_urlencoded::parse(part.as_bytes())
            .next()
            .map_or_else(String::new, |(name, _)| name.into_owned())
    };
    Some((decode(id), decode(secret)))
}
