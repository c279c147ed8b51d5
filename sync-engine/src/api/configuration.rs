//! Partners' configurations: check, try, read, save. What an integrator does before a partner is on line.

use super::extract::{Json, Path};
use super::{ApiError, ApiState};
use crate::domain::PartnerId;
use crate::engine::{ConfigurationCheck, ConfigurationFile};
use crate::partner::{RawItem, Trial, TrialInput};
use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ConfigurationText {
    /// The configuration's JSON as it would stand in the file.
    text: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct TrialRequest {
    /// The configuration's JSON as it would stand in the file.
    text: String,
    /// Name of the stream. When it is not said: with a payload the first whose map takes it, else each.
    stream: Option<String>,
    /// A document of the partner. Without one the partner is asked for one page of the stream.
    payload: Option<String>,
    /// Its media type; JSON when it is not said.
    media_type: Option<String>,
    /// An answer to send for the operation that it fits; plausible ones where there is none.
    #[schema(value_type = Option<Object>)]
    answer: Option<serde_json::Value>,
    /// What the partner answers to the reads before requests (`prepare`): the body. Placeholders where there is none.
    #[schema(value_type = Option<Object>)]
    prepared: Option<serde_json::Value>,
}

/// Every mistake of a configuration. Nothing is saved.
#[utoipa::path(post, path = "/partners/check", tag = "configuration",
    request_body = ConfigurationText, responses((status = 200, body = ConfigurationCheck)))]
pub(super) async fn check_configuration(
    State(state): State<ApiState>,
    Json(request): Json<ConfigurationText>,
) -> Result<Json<ConfigurationCheck>, ApiError> {
    state
        .blocking(move |engine| Ok(Json(engine.check_configuration(&request.text))))
        .await
}

/// What a configuration makes of a payload or of the partner's first page, and the requests that answers would send.
/// Nothing is stored and nothing sent but the read.
#[utoipa::path(post, path = "/partners/try", tag = "configuration",
    request_body = TrialRequest, responses((status = 200, body = Trial)))]
pub(super) async fn try_configuration(
    State(state): State<ApiState>,
    Json(request): Json<TrialRequest>,
) -> Result<Json<Trial>, ApiError> {
    let media_type = request.media_type.unwrap_or_else(|| "application/json".to_owned());
    let input = TrialInput {
        stream: request.stream,
        payload: request.payload.map(|text| RawItem {
            bytes: text.into(),
            media_type,
        }),
        answer: request.answer,
        prepared: request.prepared,
    };
    Ok(Json(state.engine.try_configuration(&request.text, &input).await?))
}

/// The partner's configuration file, with its mistakes.
#[utoipa::path(get, path = "/partners/{id}/configuration", tag = "configuration",
    params(("id" = String, Path, description = "Partner")),
    responses((status = 200, body = ConfigurationFile)))]
pub(super) async fn get_configuration(
    State(state): State<ApiState>,
    Path(id): Path<PartnerId>,
) -> Result<Json<ConfigurationFile>, ApiError> {
    state.blocking(move |engine| Ok(Json(engine.configuration(&id)?))).await
}

/// Saves the partner's configuration and puts it in force; one with mistakes is refused with all of them.
#[utoipa::path(put, path = "/partners/{id}/configuration", tag = "configuration",
    params(("id" = String, Path, description = "Partner")),
    request_body = ConfigurationText,
    responses((status = 200, body = ConfigurationFile)))]
pub(super) async fn put_configuration(
    State(state): State<ApiState>,
    Path(id): Path<PartnerId>,
    Json(request): Json<ConfigurationText>,
) -> Result<Json<ConfigurationFile>, ApiError> {
    Ok(Json(state.engine.save_configuration(&id, request.text).await?))
}

/// The partner's side of the exchange as an OpenAPI 3.1 document: what is asked of it and sent to it.
#[utoipa::path(get, path = "/partners/{id}/openapi", tag = "configuration",
    params(("id" = String, Path, description = "Partner")),
    responses((status = 200, description = "OpenAPI", body = Object, content_type = "application/json")))]
pub(super) async fn partner_openapi(
    State(state): State<ApiState>,
    Path(id): Path<PartnerId>,
) -> Result<Json<serde_json::Value>, ApiError> {
    state
        .blocking(move |engine| Ok(Json(engine.partner_openapi(&id)?)))
        .await
}
