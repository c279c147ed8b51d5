//! Every error of the API as a problem (RFC 9457), in one place.

use crate::engine::EngineError;
use crate::store::StoreError;
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

pub(super) const PROBLEM_JSON: &str = "application/problem+json";

/// A problem as it goes over the wire (RFC 9457).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ProblemDetails {
    /// Always `about:blank`: `code` says which problem it is.
    #[serde(rename = "type")]
    pub kind: String,
    /// The status in words.
    pub title: String,
    pub status: u16,
    /// What a client matches on, such as `answer.superseded`.
    pub code: String,
    /// What went wrong and what to do, one sentence.
    pub detail: String,
    /// What a screen needs to ask the person; its shape follows from `code`.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    #[schema(value_type = Value, required = false)]
    pub data: Value,
}

/// An error on its way to a problem.
#[derive(Debug)]
pub struct ApiError {
    pub status: StatusCode,
    pub code: String,
    pub detail: String,
    pub data: Value,
}

impl ApiError {
    pub fn new(status: StatusCode, code: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            status,
            code: code.into(),
            detail: detail.into(),
            data: Value::Null,
        }
    }

    /// A request that is wrong in itself; `at` is the JSON pointer or the parameter's name.
    pub fn invalid(at: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        let detail = if at.is_empty() {
            message.clone()
        } else {
            format!("{at}: {message}")
        };
        Self {
            data: json!([{ "pointer": at, "message": message }]),
            ..Self::new(StatusCode::BAD_REQUEST, "request.invalid", detail)
        }
    }

    pub fn not_found(what: &str, id: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("there is no {what} {id}"))
    }

    pub fn internal(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }

    pub fn problem(&self) -> ProblemDetails {
        ProblemDetails {
            kind: "about:blank".to_owned(),
            title: self.status.canonical_reason().unwrap_or("Error").to_owned(),
            status: self.status.as_u16(),
            code: self.code.clone(),
            detail: self.detail.clone(),
            data: self.data.clone(),
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        let detail = error.to_string();
        match error {
            StoreError::NotFound { .. } => Self::new(StatusCode::NOT_FOUND, "not_found", detail),
            StoreError::BadCursor(_) => Self::invalid("cursor", detail),
            StoreError::Conflict(_) | StoreError::Refused(_) => Self::new(StatusCode::CONFLICT, "conflict", detail),
            StoreError::LeaseLost => Self::new(StatusCode::CONFLICT, "operation.in_flight", detail),
            StoreError::DiskFull => Self::new(StatusCode::INSUFFICIENT_STORAGE, "store.disk_full", detail),
            StoreError::Disk(_) => Self::new(StatusCode::SERVICE_UNAVAILABLE, "store.disk_failed", detail),
            StoreError::Uncertain(_) => Self::new(StatusCode::INTERNAL_SERVER_ERROR, "store.uncertain", detail),
            StoreError::Busy { .. } => Self::new(StatusCode::SERVICE_UNAVAILABLE, "store.busy", detail),
            StoreError::TooLong => Self::new(StatusCode::SERVICE_UNAVAILABLE, "store.too_long", detail),
            StoreError::Closed => Self::new(StatusCode::SERVICE_UNAVAILABLE, "store.closed", detail),
            StoreError::NewerDatabase { .. } | StoreError::Open { .. } | StoreError::Pragma { .. } => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "store.unusable", detail)
            }
            StoreError::Sql(_) | StoreError::Panicked(_) => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "store.failed", detail)
            }
            StoreError::Corrupt(_) => Self::new(StatusCode::INTERNAL_SERVER_ERROR, "store.corrupt", detail),
        }
    }
}

impl From<EngineError> for ApiError {
    fn from(error: EngineError) -> Self {
        let detail = error.to_string();
        match error {
            EngineError::Store(error) => error.into(),
            EngineError::Refused { code, data, .. } => Self {
                status: refused_status(code),
                code: code.to_owned(),
                detail,
                data,
            },
            EngineError::NotFound { .. } => Self::new(StatusCode::NOT_FOUND, "not_found", detail),
            EngineError::Config(_) => Self::new(StatusCode::CONFLICT, "configuration", detail),
            EngineError::Internal(_) => Self::internal(detail),
        }
    }
}

/// 422 when the content cannot be taken as it stands, 502 when the partner is why, 503 at the end of the engine; 409
/// when the state of things is against it.
fn refused_status(code: &str) -> StatusCode {
    match code {
        "answer.incomplete"
        | "answer.invalid"
        | "document.invalid"
        | "operation.unsupported"
        | "configuration.mistakes"
        | "configuration.id"
        | "stream.unknown" => StatusCode::UNPROCESSABLE_ENTITY,
        "store.disk_full" => StatusCode::INSUFFICIENT_STORAGE,
        "store.closed" | "store.disk_failed" | "engine.stopped" => StatusCode::SERVICE_UNAVAILABLE,
        "partner.paused" => StatusCode::CONFLICT,
        partner if partner.starts_with("partner.") => StatusCode::BAD_GATEWAY,
        _ => StatusCode::CONFLICT,
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        if self.status.is_server_error() {
            tracing::error!(status = self.status.as_u16(), code = %self.code, detail = %self.detail, "request failed");
        }
        let body = serde_json::to_vec(&self.problem()).unwrap_or_default();
        (self.status, [(header::CONTENT_TYPE, PROBLEM_JSON)], body).into_response()
    }
}

pub(super) async fn no_such_route(uri: Uri) -> ApiError {
    ApiError::not_found("route", uri.path())
}

pub(super) async fn method_not_allowed(method: Method, uri: Uri) -> ApiError {
    ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        format!("{} does not take {method}", uri.path()),
    )
}

/// Data of the business is kept by no cache and guessed at by no browser.
pub(super) async fn protect_answer(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static(
            "default-src 'none'; frame-ancestors 'none'; sandbox",
        ));
    response
}
