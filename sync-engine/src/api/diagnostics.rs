//! Everything looked at, and what to hand to whoever helps.

use super::extract::Json;
use super::{ApiError, ApiState};
use crate::diagnostics::{self, Live};
use crate::doctor::{self, Check, Installation, Level, Look};
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use serde::Serialize;
use std::path::Path;
use std::time::Duration;
use utoipa::ToSchema;

/// Longest time for each reading of the whole database: a person waits for it.
const LIMIT: Duration = Duration::from_secs(20);

/// What was looked at, and how it stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct Examined {
    pub worst: Level,
    pub checks: Vec<Check>,
}

fn installation(state: &ApiState) -> Installation {
    let engine = &state.engine;
    let data_dir = engine.database().parent().unwrap_or(Path::new(".")).to_owned();
    Installation::at(
        data_dir,
        engine.partners_dir().to_owned(),
        engine.company().clone(),
        state.settings_file.as_deref(),
        engine.secrets(),
    )
}

/// Looks at settings, folders, disk, database, log and every partner, and says what is wrong, why it matters and what to
/// do. Partners are asked whether they answer, without credentials; nothing is changed.
#[utoipa::path(get, path = "/doctor", tag = "health", responses((status = 200, body = Examined)))]
pub(super) async fn examine(State(state): State<ApiState>) -> Json<Examined> {
    let look = Look {
        from_within: true,
        outside: true,
        limit: Some(LIMIT),
    };
    let found = doctor::look(&installation(&state), look, |_| {}).await;
    Json(Examined {
        worst: found.worst(),
        checks: found.checks,
    })
}

/// Versions, settings, configurations, states, counts and the log in one zip, without secrets, without what documents say
/// and without what partners said.
#[utoipa::path(get, path = "/diagnostics", tag = "health", responses(
    (status = 200, description = "Zip", body = [u8], content_type = "application/zip")))]
pub(super) async fn diagnostics(State(state): State<ApiState>) -> Result<impl IntoResponse, ApiError> {
    let installation = installation(&state);
    let bundle = diagnostics::bundle(&installation, Live::Engine(&state.engine)).await;
    let bundle = bundle.map_err(|e| ApiError::internal(e.to_string()))?;
    let named = format!("attachment; filename=\"{}\"", diagnostics::file_name(&installation));
    let headers = [
        (header::CONTENT_TYPE, diagnostics::MEDIA_TYPE.to_owned()),
        (header::CONTENT_DISPOSITION, named),
    ];
    Ok((headers, bundle))
}
