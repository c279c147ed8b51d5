//! Who am I, is it well, and the numbers on the screen.

use super::extract::Json;
use super::{ApiError, ApiState};
use crate::domain::CompanyId;
use crate::engine::{Engine, Health};
use crate::store::{Counters, IncidentRow};
use axum::extract::{Extension, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa::ToSchema;

/// Newest incidents that are shown.
const SHOWN_INCIDENTS: u32 = 100;
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Who the requests of this session act for.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Session {
    pub user: String,
    pub company: CompanyId,
    pub version: String,
}

/// Who asks without a token: is told that something is wrong, not of whom, and nothing that a partner said.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stranger;

fn well(engine: &Engine, stranger: Option<Extension<Stranger>>) -> Health {
    let mut health = engine.health();
    if stranger.is_some() {
        for reason in &mut health.reasons {
            reason.message = "ask with the token to read what it is".to_owned();
        }
    }
    health
}

/// The process answers. Needs no token.
#[utoipa::path(get, path = "/health", tag = "health", security(()), responses((status = 200, body = Health)))]
pub(super) async fn health(
    State(state): State<ApiState>,
    stranger: Option<Extension<Stranger>>,
) -> Result<Json<Health>, ApiError> {
    state.blocking(move |engine| Ok(Json(well(engine, stranger)))).await
}

/// Whether work is done as it should be; if not, why. Needs no token.
#[utoipa::path(get, path = "/ready", tag = "health", security(()), responses(
    (status = 200, body = Health),
    (status = 503, description = "Not ready: the reasons say why", body = Health),
))]
pub(super) async fn ready(
    State(state): State<ApiState>,
    stranger: Option<Extension<Stranger>>,
) -> Result<impl IntoResponse, ApiError> {
    let health = state.blocking(move |engine| Ok(well(engine, stranger))).await?;
    let status = if health.ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    Ok((status, Json(health)))
}

/// Who am I.
#[utoipa::path(get, path = "/session", tag = "session", responses((status = 200, body = Session)))]
pub(super) async fn session(State(state): State<ApiState>) -> Json<Session> {
    Json(Session {
        user: state.user.to_string(),
        company: state.engine.company().clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

/// The numbers on the screen.
#[utoipa::path(get, path = "/counters", tag = "session", responses((status = 200, body = Counters)))]
pub(super) async fn counters(State(state): State<ApiState>) -> Result<Json<Counters>, ApiError> {
    let company = state.engine.company().clone();
    state.read(move |store| store.counters(&company)).await.map(Json)
}

/// What lasts, or lasted, and a person should know of: one entry from its beginning to its end. What lasts first.
#[utoipa::path(get, path = "/incidents", tag = "health", responses((status = 200, body = Vec<IncidentRow>)))]
pub(super) async fn incidents(State(state): State<ApiState>) -> Result<Json<Vec<IncidentRow>>, ApiError> {
    let company = state.engine.company().clone();
    let found = state.read(move |store| store.incidents(&company, SHOWN_INCIDENTS));
    found.await.map(Json)
}

/// Counts, times and states for a monitor (OpenMetrics 1.0, as Prometheus reads it).
#[utoipa::path(get, path = "/metrics", tag = "health", responses(
    (status = 200, description = "OpenMetrics", body = String, content_type = "application/openmetrics-text")))]
pub(super) async fn metrics(State(state): State<ApiState>) -> Result<impl IntoResponse, ApiError> {
    let text = state.blocking(|engine| Ok(engine.metrics()?)).await?;
    Ok(([(header::CONTENT_TYPE, OPEN_METRICS)], text))
}

/// This document.
#[utoipa::path(get, path = "/openapi.json", tag = "session",
    responses((status = 200, description = "OpenAPI", body = Object, content_type = "application/json")))]
pub(super) async fn openapi_document() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], super::openapi_text())
}
