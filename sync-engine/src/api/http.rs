//! The HTTP host of the API: token, Host check, the UI's files, graceful stop. The desktop needs none of it.

use super::assets;
use super::connections::{self, Connections};
use super::error::{ApiError, protect_answer};
use super::session::Stranger;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use std::time::Duration;
use subtle::ConstantTimeEq;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Paths that answer without a token: to a `Stranger`.
const OPEN_PATHS: [&str; 2] = ["/api/v1/health", "/api/v1/ready"];

pub struct HttpOptions {
    /// What requests carry as `Authorization: Bearer`.
    pub token: String,
    /// Values of the Host header that are taken besides the loopback names with the port.
    pub hosts: Vec<String>,
    /// Stops taking requests; the same token as in `ApiOptions`, so that event streams end too.
    pub shutdown: CancellationToken,
    /// How long requests in flight may take to end.
    pub grace: Duration,
    pub connections: Connections,
}

struct Guard {
    token: String,
    hosts: Vec<String>,
}

/// Serves until `shutdown`, then lets requests in flight end.
///
/// # Errors
/// When the listener's address cannot be read or it fails for good.
pub async fn serve(listener: TcpListener, api: Router, options: HttpOptions) -> std::io::Result<()> {
    let port = listener.local_addr()?.port();
    let app = guarded(api, port, &options);
    connections::run(listener, app, options.connections, options.shutdown, options.grace).await
}

/// The API behind Host and token checks, with the UI's files beside it.
fn guarded(api: Router, port: u16, options: &HttpOptions) -> Router {
    let mut hosts = options.hosts.clone();
    for name in ["127.0.0.1", "localhost", "[::1]"] {
        hosts.push(format!("{name}:{port}"));
        if port == 80 {
            hosts.push(name.to_owned());
        }
    }
    let guard = Arc::new(Guard {
        token: options.token.clone(),
        hosts,
    });
    api.layer(middleware::from_fn(assets::ui_files))
        .layer(middleware::from_fn_with_state(guard.clone(), check_token))
        .layer(middleware::from_fn_with_state(guard, check_host))
        .layer(middleware::from_fn(log_request))
}

/// One line per request, for who looks for it; never its query or body, which may hold names.
async fn log_request(request: Request, next: Next) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let begun = std::time::Instant::now();
    let response = next.run(request).await;
    let milliseconds = begun.elapsed().as_millis();
    tracing::debug!(%method, path, status = response.status().as_u16(), milliseconds, "request");
    response
}

/// A page of another site that has itself resolved to this machine still names its own host.
async fn check_host(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let mut named = request.headers().get_all(header::HOST).iter();
    let host = match (named.next(), named.next()) {
        (Some(only), None) => only.to_str().unwrap_or_default(),
        _ => "",
    };
    let authority = request.uri().authority().map_or(host, |a| a.as_str());
    let known = |host: &str| guard.hosts.iter().any(|h| h.eq_ignore_ascii_case(host));
    if known(host) && known(authority) {
        return next.run(request).await;
    }
    tracing::warn!(host, "a request for another host was refused");
    let error = ApiError::new(
        StatusCode::MISDIRECTED_REQUEST,
        "forbidden",
        format!("\"{host}\" is not a name of this service: add it to `hosts` in the settings if it is meant to be"),
    );
    protect_answer(error.into_response()).await
}

async fn check_token(State(guard): State<Arc<Guard>>, mut request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if !path.starts_with("/api/") || carries_token(&request, &guard.token) {
        return next.run(request).await;
    }
    if OPEN_PATHS.contains(&path) {
        request.extensions_mut().insert(Stranger);
        return next.run(request).await;
    }
    let error = ApiError::new(
        StatusCode::UNAUTHORIZED,
        "unauthorized",
        "the token is missing or wrong: send the one that `countersign serve` printed as `Authorization: Bearer`",
    );
    let mut response = protect_answer(error.into_response()).await;
    response
        .headers_mut()
        .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

/// Compares in constant time: how long it takes tells nothing of the token.
fn carries_token(request: &Request, token: &str) -> bool {
    let sent = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|v| v.to_str().ok())
        .and_then(|v| v.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map_or("", |(_, token)| token.trim());
    !token.is_empty() && bool::from(sent.as_bytes().ct_eq(token.as_bytes()))
}
