//! The clerk's answers: to an order version, and to a delivery note.

use super::extract::{Json, Path};
use super::{ApiError, ApiState};
use crate::domain::{DocumentId, OrderResponse, ReceiptAdvice, VersionNumber};
use crate::store::OperationRow;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

/// An answer names the version that it answers.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAnswer {
    pub version: VersionNumber,
    pub answer: OrderResponse,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewReceipt {
    pub version: VersionNumber,
    pub receipt: ReceiptAdvice,
}

/// Answers an order version. When this returns, the answer and its job are saved durably.
#[utoipa::path(post, path = "/documents/{id}/answers", tag = "answers",
    params(("id" = i64, Path, description = "Document")), request_body = NewAnswer,
    responses((status = 201, description = "Saved", body = OperationRow)))]
pub(super) async fn answer_order(
    State(state): State<ApiState>,
    Path(id): Path<DocumentId>,
    Json(new): Json<NewAnswer>,
) -> Result<(StatusCode, Json<OperationRow>), ApiError> {
    let row = state
        .engine
        .answer_order(id, new.version, new.answer, &state.actor)
        .await?;
    Ok((StatusCode::CREATED, Json(row)))
}

/// Answers a delivery note with what arrived. When this returns, the receipt and its job are saved durably.
#[utoipa::path(post, path = "/documents/{id}/receipts", tag = "answers",
    params(("id" = i64, Path, description = "Document")), request_body = NewReceipt,
    responses((status = 201, description = "Saved", body = OperationRow)))]
pub(super) async fn answer_despatch(
    State(state): State<ApiState>,
    Path(id): Path<DocumentId>,
    Json(new): Json<NewReceipt>,
) -> Result<(StatusCode, Json<OperationRow>), ApiError> {
    let row = state
        .engine
        .answer_despatch(id, new.version, new.receipt, &state.actor)
        .await?;
    Ok((StatusCode::CREATED, Json(row)))
}
