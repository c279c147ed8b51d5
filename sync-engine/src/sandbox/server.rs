//! The partner's side over HTTP.

use super::SandboxError;
use super::faults::{Fault, Faults};
use super::misbehave::misbehave;
use super::options::SandboxOptions;
use super::sign_in::{authorize, bearer, token};
use super::world::World;
use super::{control, operating, page, reading};
use crate::clock::Clock;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::json;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

const MAX_BODY_BYTES: usize = 10 * 1024 * 1024;
const OPERATION_SCHEMA: &str = include_str!("../../../configs/partners/sandbox/operation.schema.json");

/// What all requests share. The locks are held for the length of a step, also over the state file's fsync: a sandbox
/// is slow before it is wrong.
pub(super) struct Shared {
    pub(super) clock: Arc<dyn Clock>,
    world: Mutex<World>,
    faults: Mutex<Faults>,
    /// Access token to its last millisecond.
    tokens: Mutex<HashMap<String, i64>>,
    pub(super) token_seconds: u64,
    pub(super) client_id: String,
    pub(super) client_secret: String,
    pub(super) operation_schema: jsonschema::Validator,
}

impl Shared {
    pub(super) fn new(options: &SandboxOptions) -> Result<Self, SandboxError> {
        let schema = serde_json::from_str(OPERATION_SCHEMA).map_err(|e| SandboxError::Schema(e.to_string()))?;
        let operation_schema = jsonschema::options()
            .should_validate_formats(true)
            .build(&schema)
            .map_err(|e| SandboxError::Schema(e.to_string()))?;
        let world = World::open(options, options.clock.now().0).map_err(SandboxError::State)?;
        Ok(Self {
            clock: options.clock.clone(),
            world: Mutex::new(world),
            faults: Mutex::new(Faults::new(options.seed)),
            tokens: Mutex::new(HashMap::new()),
            token_seconds: options.token_seconds,
            client_id: options.client_id.clone(),
            client_secret: options.client_secret.clone(),
            operation_schema,
        })
    }

    pub(super) fn now(&self) -> i64 {
        self.clock.now().0
    }

    pub(super) async fn sleep(&self, duration: Duration) {
        self.clock.sleep(duration).await;
    }

    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        // A panic elsewhere does not make the facts wrong: each is absorbed whole.
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn tokens(&self) -> MutexGuard<'_, HashMap<String, i64>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state file cannot be written: that is said, and nothing else is answered.
    pub(super) fn settled<T>(&self, read: impl FnOnce(&mut World) -> T) -> Result<T, Box<Response>> {
        let mut world = self.world();
        world.settle(self.now()).map_err(|e| Box::new(state_error(&e)))?;
        Ok(read(&mut world))
    }

    /// Lets things happen while nobody asks. Never returns.
    pub(super) async fn beat(&self, every: Duration) {
        loop {
            self.sleep(every).await;
            let settled = self.world().settle(self.now());
            if let Err(error) = settled {
                tracing::error!(%error, "the sandbox cannot write its state file");
            }
        }
    }

    pub(super) fn strike(&self, method: &str, path: &str) -> Vec<Fault> {
        let struck = self.faults().strike(method, path);
        let mut world = self.world();
        world.counts.requests += u64::from(path.starts_with("/api"));
        for fault in &struck {
            *world.counts.faults.entry(fault.kind.name()).or_default() += 1;
        }
        struck
    }

    pub(super) fn revoke(&self, headers: &HeaderMap) {
        if let Some(token) = bearer(headers) {
            self.tokens().remove(token);
        }
    }
}

pub(super) fn router(shared: Arc<Shared>) -> Router {
    let partner = Router::new()
        .route("/api/purchase-orders", get(reading::orders))
        .route("/api/purchase-orders/{number}", get(reading::order))
        .route("/api/purchase-orders/{number}/response", get(reading::response))
        .route("/api/delivery-notes", get(reading::notes))
        .route("/api/delivery-notes/{number}", get(reading::note))
        .route("/api/order-responses", get(reading::answers))
        .route("/api/receipts", get(reading::receipts))
        .route("/api/operations", post(operating::operate))
        .route("/api/operations/{key}", get(operating::operation))
        .layer(from_fn_with_state(shared.clone(), authorize))
        .route("/oauth/token", post(token))
        .layer(from_fn_with_state(shared.clone(), misbehave));
    Router::new()
        .merge(partner)
        .route("/", get(page::show))
        .route("/sandbox/state", get(control::get_state))
        .route("/sandbox/faults", get(control::get_faults).post(control::post_faults))
        .route("/sandbox/orders", post(control::post_orders))
        .route("/sandbox/orders/{number}/change", post(control::post_change))
        .route("/sandbox/orders/{number}/cancel", post(control::post_cancel))
        .route("/sandbox/delivery-notes", post(control::post_notes))
        .route("/sandbox/moods", post(control::post_moods))
        .route("/sandbox/sales/{number}/deliver", post(control::post_deliver))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(shared)
}

/// An error as this partner words it: a code, and a sentence in `message`.
pub(super) fn problem(status: StatusCode, code: &str, message: &str) -> Response {
    (status, Json(json!({ "code": code, "message": message }))).into_response()
}

pub(super) fn state_error(error: &std::io::Error) -> Response {
    let message = format!("the sandbox cannot write its state file: {error}");
    problem(StatusCode::INTERNAL_SERVER_ERROR, "STATE", &message)
}
