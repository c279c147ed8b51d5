//! Trading partners: how they stand, and acts on them.

use super::extract::{Json, Path};
use super::{ApiError, ApiState};
use crate::domain::PartnerId;
use crate::engine::{PartnerView, SyncReport};
use axum::extract::State;

/// Every partner with its status.
#[utoipa::path(get, path = "/partners", tag = "partners", responses((status = 200, body = Vec<PartnerView>)))]
pub(super) async fn list_partners(State(state): State<ApiState>) -> Result<Json<Vec<PartnerView>>, ApiError> {
    state.blocking(|engine| Ok(Json(engine.partners()?))).await
}

/// Polls every stream of the partner now and waits for the end of the run.
#[utoipa::path(post, path = "/partners/{id}/sync", tag = "partners",
    params(("id" = String, Path, description = "Partner")),
    responses((status = 200, body = SyncReport)))]
pub(super) async fn sync_partner(
    State(state): State<ApiState>,
    Path(id): Path<PartnerId>,
) -> Result<Json<SyncReport>, ApiError> {
    Ok(Json(state.engine.sync_now(&id).await?))
}

/// Stops polling and delivering for this partner; answers are saved and wait.
#[utoipa::path(post, path = "/partners/{id}/pause", tag = "partners",
    params(("id" = String, Path, description = "Partner")),
    responses((status = 200, body = PartnerView)))]
pub(super) async fn pause_partner(
    State(state): State<ApiState>,
    Path(id): Path<PartnerId>,
) -> Result<Json<PartnerView>, ApiError> {
    Ok(Json(state.engine.set_paused(&id, true, &state.actor).await?))
}

/// Takes polling and delivering up again.
#[utoipa::path(post, path = "/partners/{id}/resume", tag = "partners",
    params(("id" = String, Path, description = "Partner")),
    responses((status = 200, body = PartnerView)))]
pub(super) async fn resume_partner(
    State(state): State<ApiState>,
    Path(id): Path<PartnerId>,
) -> Result<Json<PartnerView>, ApiError> {
    Ok(Json(state.engine.set_paused(&id, false, &state.actor).await?))
}
