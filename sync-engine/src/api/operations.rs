//! Operations on their way to a partner: the queue and its dead letters.

use super::extract::{self, Json, Path, Query};
use super::{ApiError, ApiState};
use crate::domain::Timestamp;
use crate::domain::{DeliveryState, DocumentId, OperationId, PartnerId};
use crate::engine::{DeadLetters, Replayed};
use crate::store::{AttemptRow, OperationKind, OperationQuery, OperationRow, Page};
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct OperationParams {
    /// May be repeated; all states when not said.
    #[serde(default, deserialize_with = "extract::repeated")]
    state: Vec<DeliveryState>,
    #[param(value_type = Option<String>)]
    partner: Option<PartnerId>,
    /// Only operations on this document.
    #[serde(default, deserialize_with = "extract::number")]
    document: Option<i64>,
    kind: Option<OperationKind>,
    /// Only with this code of the last error, such as `partner.rejected`.
    error: Option<String>,
    /// Only what changed its state at this moment (RFC 3339) or later.
    #[param(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// Rows, 1 to 200; 50 when not said.
    #[serde(default, deserialize_with = "extract::number")]
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// An operation with every attempt made at it.
#[derive(Debug, Serialize, ToSchema)]
pub struct OperationDetail {
    pub operation: OperationRow,
    pub attempts: Vec<AttemptRow>,
}

/// The queue, newest first.
#[utoipa::path(get, path = "/operations", tag = "operations", params(OperationParams),
    responses((status = 200, body = Page<OperationRow>)))]
pub(super) async fn list_operations(
    State(state): State<ApiState>,
    Query(params): Query<OperationParams>,
) -> Result<Json<Page<OperationRow>>, ApiError> {
    let query = OperationQuery {
        company: Some(state.engine.company().clone()),
        partner: params.partner,
        document: params.document.map(DocumentId),
        states: params.state,
        kind: params.kind,
        error: params.error,
        since: params.since,
        cursor: params.cursor,
        limit: extract::page_rows(params.limit)?,
    };
    state.read(move |store| store.list_operations(&query)).await.map(Json)
}

/// An operation with every attempt made at it.
#[utoipa::path(get, path = "/operations/{id}", tag = "operations",
    params(("id" = uuid::Uuid, Path, description = "Operation")),
    responses((status = 200, body = OperationDetail)))]
pub(super) async fn get_operation(
    State(state): State<ApiState>,
    Path(id): Path<OperationId>,
) -> Result<Json<OperationDetail>, ApiError> {
    state
        .blocking(move |engine| {
            let operation = engine.operation(id)?;
            let attempts = engine.store().attempts(id)?;
            Ok(Json(OperationDetail { operation, attempts }))
        })
        .await
}

/// Tries a waiting operation now, or replays a dead letter: as a new operation, which is the answer.
#[utoipa::path(post, path = "/operations/{id}/retry", tag = "operations",
    params(("id" = uuid::Uuid, Path, description = "Operation")),
    responses((status = 200, body = OperationRow)))]
pub(super) async fn retry_operation(
    State(state): State<ApiState>,
    Path(id): Path<OperationId>,
) -> Result<Json<OperationRow>, ApiError> {
    Ok(Json(state.engine.retry_operation(id, &state.actor).await?))
}

/// Which dead letters; what is not said does not matter.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReplayWanted {
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    partner: Option<PartnerId>,
    #[serde(default)]
    #[schema(value_type = Option<i64>)]
    document: Option<DocumentId>,
    #[serde(default)]
    kind: Option<OperationKind>,
    /// Code of the error that ended them.
    #[serde(default)]
    error: Option<String>,
    /// Dead at this moment or later.
    #[serde(default)]
    since: Option<Timestamp>,
}

/// Replays every dead letter that the filter names, the oldest first, each as a new operation.
#[utoipa::path(post, path = "/operations/replay", tag = "operations", request_body = ReplayWanted,
    responses((status = 200, body = Replayed)))]
pub(super) async fn replay_operations(
    State(state): State<ApiState>,
    Json(wanted): Json<ReplayWanted>,
) -> Result<Json<Replayed>, ApiError> {
    let which = DeadLetters {
        partner: wanted.partner,
        document: wanted.document,
        kind: wanted.kind,
        error: wanted.error,
        since: wanted.since,
    };
    Ok(Json(state.engine.replay(&which, &state.actor).await?))
}

/// Sends a held answer as it is, although its version was superseded.
#[utoipa::path(post, path = "/operations/{id}/release", tag = "operations",
    params(("id" = uuid::Uuid, Path, description = "Operation")),
    responses((status = 200, body = OperationRow)))]
pub(super) async fn release_operation(
    State(state): State<ApiState>,
    Path(id): Path<OperationId>,
) -> Result<Json<OperationRow>, ApiError> {
    Ok(Json(state.engine.release_operation(id, &state.actor).await?))
}

/// Takes an operation back that has not left: the document needs an answer again.
#[utoipa::path(post, path = "/operations/{id}/withdraw", tag = "operations",
    params(("id" = uuid::Uuid, Path, description = "Operation")),
    responses((status = 200, body = OperationRow)))]
pub(super) async fn withdraw_operation(
    State(state): State<ApiState>,
    Path(id): Path<OperationId>,
) -> Result<Json<OperationRow>, ApiError> {
    Ok(Json(state.engine.withdraw_operation(id, &state.actor).await?))
}
