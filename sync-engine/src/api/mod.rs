//! The HTTP API: one list of operations, from which the router, the OpenAPI document and the UI's types come.
//!
//! `router` is used by both hosts. The HTTP host adds token and Host checks (`http`); the desktop calls the router
//! in its own process and needs neither.

mod answers;
mod assets;
mod bodies;
mod canonical;
mod configuration;
pub mod connections;
mod describe;
mod diagnostics;
mod documents;
mod error;
mod events;
mod extract;
pub mod hooks;
pub mod http;
mod issue;
mod operations;
mod parameters;
mod partners;
mod quarantine;
mod session;

pub use canonical::read_document;
pub use describe::{openapi, openapi_text};
pub use documents::pdf_name;
pub use error::{ApiError, ProblemDetails};
pub use events::{Feed, FeedEvent};

use crate::engine::Engine;
use crate::store::{Store, StoreError};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use parameters::KnownParameters;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Largest body of a request.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;
/// Most rows of one page, and how many when a request does not say.
pub const MAX_PAGE_ROWS: u32 = 200;
pub const DEFAULT_PAGE_ROWS: u32 = 50;

/// What a host tells the API.
#[derive(Debug, Clone)]
pub struct ApiOptions {
    /// Who acts: recorded as `user:<name>`.
    pub user: String,
    /// Ends the event streams, so that a host can stop.
    pub shutdown: CancellationToken,
    /// The settings file, where it was named; else `settings.json` in the data folder.
    pub settings_file: Option<PathBuf>,
}

#[derive(Clone)]
pub(crate) struct ApiState {
    engine: Engine,
    actor: Arc<str>,
    user: Arc<str>,
    shutdown: CancellationToken,
    settings_file: Option<Arc<Path>>,
    /// Places for event streams.
    streams: Arc<Semaphore>,
}

impl ApiState {
    /// Runs a read that blocks (SQLite, printing) off the async threads.
    async fn blocking<T, F>(&self, work: F) -> Result<T, ApiError>
    where
        T: Send + 'static,
        F: FnOnce(&Engine) -> Result<T, ApiError> + Send + 'static,
    {
        let engine = self.engine.clone();
        tokio::task::spawn_blocking(move || work(&engine))
            .await
            .map_err(|e| ApiError::internal(format!("a read ended early: {e}")))?
    }

    async fn read<T, F>(&self, work: F) -> Result<T, ApiError>
    where
        T: Send + 'static,
        F: FnOnce(&dyn Store) -> Result<T, StoreError> + Send + 'static,
    {
        self.blocking(move |engine| Ok(work(engine.store().as_ref())?)).await
    }
}

/// The API's routes under `/api/v1`, without the UI's files.
pub fn router(engine: Engine, options: ApiOptions) -> Router {
    let state = ApiState {
        engine,
        actor: format!("user:{}", options.user).into(),
        user: options.user.into(),
        shutdown: options.shutdown,
        settings_file: options.settings_file.map(Arc::from),
        streams: Arc::new(Semaphore::new(events::MAX_STREAMS)),
    };
    let (router, document) = described().split_for_parts();
    let known = Arc::new(KnownParameters::of(&document));
    router
        .fallback(error::no_such_route)
        .method_not_allowed_fallback(error::method_not_allowed)
        .layer(middleware::from_fn_with_state(known, parameters::refuse_unknown))
        .layer(middleware::from_fn(extract::json_only_on_writes))
        .layer(middleware::map_response(error::protect_answer))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(state)
}

/// The one list of operations.
fn described() -> OpenApiRouter<ApiState> {
    let v1 = OpenApiRouter::new()
        .routes(routes!(session::health))
        .routes(routes!(session::ready))
        .routes(routes!(session::session))
        .routes(routes!(session::counters))
        .routes(routes!(session::metrics))
        .routes(routes!(session::incidents))
        .routes(routes!(diagnostics::examine))
        .routes(routes!(diagnostics::diagnostics))
        .routes(routes!(documents::list_documents))
        .routes(routes!(documents::get_document))
        .routes(routes!(documents::get_version))
        .routes(routes!(documents::get_version_payload))
        .routes(routes!(documents::print_version))
        .routes(routes!(documents::diff_versions))
        .routes(routes!(documents::document_history))
        .routes(routes!(answers::answer_order))
        .routes(routes!(answers::answer_despatch))
        .routes(routes!(issue::issue_document))
        .routes(routes!(issue::change_document))
        .routes(routes!(issue::cancel_document))
        .routes(routes!(issue::close_document))
        .routes(routes!(issue::accept_counter))
        .routes(routes!(issue::refuse_counter))
        .routes(routes!(issue::line_quantities))
        .routes(routes!(operations::list_operations))
        .routes(routes!(operations::get_operation))
        .routes(routes!(operations::retry_operation))
        .routes(routes!(operations::replay_operations))
        .routes(routes!(operations::release_operation))
        .routes(routes!(operations::withdraw_operation))
        .routes(routes!(quarantine::list_quarantine))
        .routes(routes!(quarantine::get_quarantine))
        .routes(routes!(quarantine::get_quarantine_payload))
        .routes(routes!(quarantine::retry_quarantine))
        .routes(routes!(quarantine::retry_all_quarantine))
        .routes(routes!(quarantine::dismiss_quarantine))
        .routes(routes!(partners::list_partners))
        .routes(routes!(partners::sync_partner))
        .routes(routes!(partners::pause_partner))
        .routes(routes!(partners::resume_partner))
        .routes(routes!(configuration::check_configuration))
        .routes(routes!(configuration::try_configuration))
        .routes(routes!(
            configuration::get_configuration,
            configuration::put_configuration
        ))
        .routes(routes!(configuration::partner_openapi))
        .routes(routes!(events::events))
        .routes(routes!(session::openapi_document));
    OpenApiRouter::default().nest("/api/v1", v1)
}
