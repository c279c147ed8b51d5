//! Documents that we issue: new ones, their changes and cancellations, and what becomes of a counter-offer.

use super::extract::{Json, Path};
use super::{ApiError, ApiState, canonical};
use crate::domain::quantity::LineQuantities;
use crate::domain::{DocumentId, DocumentKind, PartnerId, Side, VersionNumber};
use crate::engine::{Issue, Seen};
use crate::store::OperationRow;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDocument {
    pub partner: PartnerId,
    pub kind: DocumentKind,
    /// What we are: the buyer of an order, the seller of a delivery note. That is so when not said.
    #[serde(default)]
    pub side: Option<Side>,
    /// `Order` or `DespatchAdvice`, by `kind`.
    #[schema(value_type = Object)]
    pub document: Value,
}

/// A new version names the version that it follows: the current one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewVersion {
    pub version: VersionNumber,
    /// The whole document as it is to be: `Order` or `DespatchAdvice`.
    #[schema(value_type = Object)]
    pub document: Value,
}

/// An act names the version that it is made in view of.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAct {
    pub version: VersionNumber,
    #[serde(default)]
    pub reason: Option<String>,
}

/// Issues a new order (we buy) or delivery note (we sell). When this returns, it and its job are saved durably.
#[utoipa::path(post, path = "/documents", tag = "issue", request_body = NewDocument,
    responses((status = 201, description = "Saved", body = OperationRow)))]
pub(super) async fn issue_document(
    State(state): State<ApiState>,
    Json(new): Json<NewDocument>,
) -> Result<(StatusCode, Json<OperationRow>), ApiError> {
    let ours = match new.kind {
        DocumentKind::Order => Side::Buyer,
        DocumentKind::DespatchAdvice => Side::Seller,
    };
    if new.side.is_some_and(|side| side != ours) {
        return Err(ApiError::invalid(
            "/side",
            "we issue orders as the buyer and delivery notes as the seller",
        ));
    }
    let document = canonical::document(new.kind, &new.document)?;
    let row = state.engine.issue_new(new.partner, document, &state.actor).await?;
    Ok((StatusCode::CREATED, Json(row)))
}

/// Issues a new version: a change of an order, a delivery note that replaces the one before.
#[utoipa::path(post, path = "/documents/{id}/versions", tag = "issue",
    params(("id" = i64, Path, description = "Document")), request_body = NewVersion,
    responses((status = 201, description = "Saved", body = OperationRow)))]
pub(super) async fn change_document(
    State(state): State<ApiState>,
    Path(id): Path<DocumentId>,
    Json(new): Json<NewVersion>,
) -> Result<(StatusCode, Json<OperationRow>), ApiError> {
    let row = state.blocking(move |engine| Ok(engine.document(id)?)).await?;
    let content = canonical::document(row.kind, &new.document)?;
    act(&state, id, new.version, Issue::Change { content }).await
}

/// Withdraws the whole document. An order is cancelled when the seller agrees.
#[utoipa::path(post, path = "/documents/{id}/cancel", tag = "issue",
    params(("id" = i64, Path, description = "Document")), request_body = NewAct,
    responses((status = 201, description = "Saved", body = OperationRow)))]
pub(super) async fn cancel_document(
    State(state): State<ApiState>,
    Path(id): Path<DocumentId>,
    Json(new): Json<NewAct>,
) -> Result<(StatusCode, Json<OperationRow>), ApiError> {
    act(&state, id, new.version, Issue::Cancel { reason: new.reason }).await
}

/// Says that nothing more will come.
#[utoipa::path(post, path = "/documents/{id}/close", tag = "issue",
    params(("id" = i64, Path, description = "Document")), request_body = NewAct,
    responses((status = 201, description = "Saved", body = OperationRow)))]
pub(super) async fn close_document(
    State(state): State<ApiState>,
    Path(id): Path<DocumentId>,
    Json(new): Json<NewAct>,
) -> Result<(StatusCode, Json<OperationRow>), ApiError> {
    act(&state, id, new.version, Issue::Close).await
}

/// Takes the seller's counter-offer: an update that restates it.
#[utoipa::path(post, path = "/documents/{id}/counter/accept", tag = "issue",
    params(("id" = i64, Path, description = "Document")), request_body = NewAct,
    responses((status = 201, description = "Saved", body = OperationRow)))]
pub(super) async fn accept_counter(
    State(state): State<ApiState>,
    Path(id): Path<DocumentId>,
    Json(new): Json<NewAct>,
) -> Result<(StatusCode, Json<OperationRow>), ApiError> {
    act(&state, id, new.version, Issue::AcceptCounter).await
}

/// Refuses the seller's counter-offer: the order is handed back as it was, or cancelled, as the partner's rules say.
#[utoipa::path(post, path = "/documents/{id}/counter/refuse", tag = "issue",
    params(("id" = i64, Path, description = "Document")), request_body = NewAct,
    responses((status = 201, description = "Saved", body = OperationRow)))]
pub(super) async fn refuse_counter(
    State(state): State<ApiState>,
    Path(id): Path<DocumentId>,
    Json(new): Json<NewAct>,
) -> Result<(StatusCode, Json<OperationRow>), ApiError> {
    act(&state, id, new.version, Issue::RefuseCounter { reason: new.reason }).await
}

/// How far each line of an order is answered, delivered and received.
#[utoipa::path(get, path = "/documents/{id}/quantities", tag = "documents",
    params(("id" = i64, Path, description = "Document")),
    responses((status = 200, body = Vec<LineQuantities>)))]
pub(super) async fn line_quantities(
    State(state): State<ApiState>,
    Path(id): Path<DocumentId>,
) -> Result<Json<Vec<LineQuantities>>, ApiError> {
    state
        .blocking(move |engine| Ok(engine.line_quantities(id)?))
        .await
        .map(Json)
}

async fn act(
    state: &ApiState,
    document: DocumentId,
    version: VersionNumber,
    issue: Issue,
) -> Result<(StatusCode, Json<OperationRow>), ApiError> {
    let seen = Seen { document, version };
    let row = state.engine.issue_version(seen, issue, &state.actor).await?;
    Ok((StatusCode::CREATED, Json(row)))
}
