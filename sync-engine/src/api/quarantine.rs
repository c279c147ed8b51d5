//! Payloads that did not become a version, with what is wrong with them.

use super::documents::attachment;
use super::extract::{self, Json, Path, Query};
use super::{ApiError, ApiState};
use crate::domain::PartnerId;
use crate::engine::QuarantineRerun;
use crate::store::{Page, QuarantineQuery, QuarantineRow, QuarantineState};
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct QuarantineParams {
    state: Option<QuarantineState>,
    #[param(value_type = Option<String>)]
    partner: Option<PartnerId>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// Rows, 1 to 200; 50 when not said.
    #[serde(default, deserialize_with = "extract::number")]
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// Payloads in quarantine, newest first.
#[utoipa::path(get, path = "/quarantine", tag = "quarantine", params(QuarantineParams),
    responses((status = 200, body = Page<QuarantineRow>)))]
pub(super) async fn list_quarantine(
    State(state): State<ApiState>,
    Query(params): Query<QuarantineParams>,
) -> Result<Json<Page<QuarantineRow>>, ApiError> {
    let query = QuarantineQuery {
        company: state.engine.company().clone(),
        partner: params.partner,
        state: params.state,
        cursor: params.cursor,
        limit: extract::page_rows(params.limit)?,
    };
    state.read(move |store| store.list_quarantine(&query)).await.map(Json)
}

/// One payload in quarantine.
#[utoipa::path(get, path = "/quarantine/{id}", tag = "quarantine",
    params(("id" = i64, Path, description = "Quarantine item")),
    responses((status = 200, body = QuarantineRow)))]
pub(super) async fn get_quarantine(
    State(state): State<ApiState>,
    Path(id): Path<i64>,
) -> Result<Json<QuarantineRow>, ApiError> {
    state
        .blocking(move |engine| Ok(engine.quarantined(id)?))
        .await
        .map(Json)
}

/// Its bytes as they came.
#[utoipa::path(get, path = "/quarantine/{id}/payload", tag = "quarantine",
    params(("id" = i64, Path, description = "Quarantine item")),
    responses((status = 200, description = "The partner's bytes in the partner's media type", body = [u8],
        content_type = "application/octet-stream")))]
pub(super) async fn get_quarantine_payload(
    State(state): State<ApiState>,
    Path(id): Path<i64>,
) -> Result<Response, ApiError> {
    let payload = state
        .blocking(move |engine| {
            let payload = engine.quarantined(id)?.payload;
            let payload = engine.store().payload(payload)?;
            payload.ok_or_else(|| ApiError::not_found("payload of quarantine item", id))
        })
        .await?;
    Ok(attachment(payload, &format!("quarantine-{id}")))
}

/// Runs it again, after the configuration was mended.
#[utoipa::path(post, path = "/quarantine/{id}/retry", tag = "quarantine",
    params(("id" = i64, Path, description = "Quarantine item")),
    responses((status = 200, body = QuarantineRow)))]
pub(super) async fn retry_quarantine(
    State(state): State<ApiState>,
    Path(id): Path<i64>,
) -> Result<Json<QuarantineRow>, ApiError> {
    Ok(Json(state.engine.retry_quarantine(id, &state.actor).await?))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct RerunParams {
    /// Whose payloads.
    #[param(value_type = String)]
    partner: PartnerId,
    /// Only of this stream.
    stream: Option<String>,
}

/// Runs everything of a partner again that waits, after the configuration was mended, in the order in which it came.
#[utoipa::path(post, path = "/quarantine/retry", tag = "quarantine", params(RerunParams),
    responses((status = 200, body = QuarantineRerun)))]
pub(super) async fn retry_all_quarantine(
    State(state): State<ApiState>,
    Query(params): Query<RerunParams>,
) -> Result<Json<QuarantineRerun>, ApiError> {
    let RerunParams { partner, stream } = params;
    let rerun = state
        .engine
        .retry_all_quarantine(&partner, stream.as_deref(), &state.actor);
    Ok(Json(rerun.await?))
}

/// Puts it aside: a person decided that it is not needed.
#[utoipa::path(post, path = "/quarantine/{id}/dismiss", tag = "quarantine",
    params(("id" = i64, Path, description = "Quarantine item")),
    responses((status = 200, body = QuarantineRow)))]
pub(super) async fn dismiss_quarantine(
    State(state): State<ApiState>,
    Path(id): Path<i64>,
) -> Result<Json<QuarantineRow>, ApiError> {
    Ok(Json(state.engine.dismiss_quarantine(id, &state.actor).await?))
}
