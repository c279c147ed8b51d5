//! Documents, their versions, differences and history.

use super::extract::{self, Json, Path, Query};
use super::{ApiError, ApiState};
use crate::domain::diff::VersionDiff;
use crate::domain::{
    CanonicalDocument, Chain, ChainState, DocumentId, DocumentKind, Event, HeaderAnswer, OperationId, Outcome,
    PartnerId, PartnerRules, VersionNumber, decide,
};
use crate::engine::{Doubt, DoubtCode, PossibleAct};
use crate::store::{
    AuditRow, DocumentQuery, DocumentRow, DocumentView, OperationQuery, OperationRow, Page, Payload, ReceivedAnswer,
    VersionRow,
};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

/// Most operations that come with a document; the rest is listed by `/operations?document=`.
const OPERATIONS_WITH_DOCUMENT: u32 = 50;
/// Of a document's number, in the name of a file.
const MAX_NAME_CHARS: usize = 80;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(super) struct ListParams {
    /// What the list shows and in which order; `needsAnswer` when not said.
    #[serde(default)]
    #[param(inline)]
    view: Option<DocumentView>,
    #[param(value_type = Option<String>)]
    partner: Option<PartnerId>,
    kind: Option<DocumentKind>,
    state: Option<ChainState>,
    /// `true`: only those whose amounts do not add up.
    #[serde(default, deserialize_with = "extract::flag")]
    doubtful: Option<bool>,
    /// Words to search, each a prefix: number, parties, items.
    q: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// Rows, 1 to 200; 50 when not said.
    #[serde(default, deserialize_with = "extract::number")]
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// A document with its chain, versions and operations.
#[derive(Debug, Serialize, ToSchema)]
pub struct DocumentDetail {
    pub row: DocumentRow,
    pub chain: Chain,
    /// Ascending by number.
    pub versions: Vec<VersionRow>,
    /// Newest first, at most 50.
    pub operations: Vec<OperationRow>,
    /// Answers that are possible now.
    pub allowed: Vec<AllowedAnswer>,
    /// What else is possible now: with a document of ours, or on top of an order that we confirmed.
    pub possible: Vec<PossibleAct>,
    /// What to know of the current version before answering it.
    pub doubts: Vec<Doubt>,
    /// The partner's answers to a document of ours, newest first, at most 50.
    pub received: Vec<ReceivedAnswer>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum AllowedAnswer {
    Confirm,
    Reject,
    Counter,
    Acknowledge,
    Receipt,
}

impl AllowedAnswer {
    /// The operation's name in a partner's configuration.
    fn operation(self) -> &'static str {
        match self {
            Self::Confirm => "confirm",
            Self::Reject => "reject",
            Self::Counter => "counter",
            Self::Acknowledge => "acknowledge",
            Self::Receipt => "receipt",
        }
    }
}

/// A version with its content.
#[derive(Debug, Serialize, ToSchema)]
pub struct VersionDetail {
    pub version: VersionRow,
    /// As stored, passed on unparsed.
    #[schema(value_type = CanonicalDocument)]
    pub document: Box<RawValue>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct DiffParams {
    #[serde(default, deserialize_with = "extract::number")]
    #[param(value_type = u32, required = true)]
    from: Option<u32>,
    #[serde(default, deserialize_with = "extract::number")]
    #[param(value_type = u32, required = true)]
    to: Option<u32>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct HistoryParams {
    /// `next` of the page before.
    cursor: Option<String>,
    /// Rows, 1 to 200; 50 when not said.
    #[serde(default, deserialize_with = "extract::number")]
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// The work list, or a search. A page of a search takes bounded work: it may be short, or empty, and still name a next one.
#[utoipa::path(get, path = "/documents", tag = "documents", params(ListParams),
    responses((status = 200, body = Page<DocumentRow>)))]
pub(super) async fn list_documents(
    State(state): State<ApiState>,
    Query(params): Query<ListParams>,
) -> Result<Json<Page<DocumentRow>>, ApiError> {
    let query = DocumentQuery {
        company: state.engine.company().clone(),
        view: params.view.unwrap_or_default(),
        partner: params.partner,
        kind: params.kind,
        state: params.state,
        doubtful: params.doubtful.unwrap_or_default(),
        search: params.q.filter(|q| !q.trim().is_empty()),
        cursor: params.cursor,
        limit: extract::page_rows(params.limit)?,
    };
    state.read(move |store| store.list_documents(&query)).await.map(Json)
}

/// A document with its chain, versions and operations.
#[utoipa::path(get, path = "/documents/{id}", tag = "documents",
    params(("id" = i64, Path, description = "Document")),
    responses((status = 200, body = DocumentDetail)))]
pub(super) async fn get_document(
    State(state): State<ApiState>,
    Path(id): Path<DocumentId>,
) -> Result<Json<DocumentDetail>, ApiError> {
    state
        .blocking(move |engine| {
            let store = engine.store();
            let row = engine.document(id)?;
            let chain = store.chain(id)?.ok_or_else(|| ApiError::not_found("document", id))?;
            let operations = store.list_operations(&OperationQuery {
                document: Some(id),
                limit: OPERATIONS_WITH_DOCUMENT,
                ..OperationQuery::default()
            })?;
            let partner = engine.partners()?.into_iter().find(|p| p.id == row.partner);
            let offered = partner.map(|p| p.operations).unwrap_or_default();
            let doubts = engine.doubts(&row, &chain)?;
            let mut allowed = allowed_answers(&chain, &engine.rules(&row.partner), &offered);
            if doubts.iter().any(|d| d.code == DoubtCode::ChangeAfterShipment) {
                allowed.retain(|a| !matches!(a, AllowedAnswer::Confirm | AllowedAnswer::Counter));
            }
            Ok(Json(DocumentDetail {
                possible: engine.possible(&row, &chain)?,
                doubts,
                allowed,
                received: store.received_answers(id, OPERATIONS_WITH_DOCUMENT)?,
                versions: store.versions(id)?,
                operations: operations.items,
                row,
                chain,
            }))
        })
        .await
}

/// What the clerk can answer now: what the chain would take, asked of the same function that decides when an answer is
/// saved, and what the partner's configuration has.
fn allowed_answers(chain: &Chain, rules: &PartnerRules, offered: &[String]) -> Vec<AllowedAnswer> {
    use AllowedAnswer::{Acknowledge, Confirm, Counter, Receipt, Reject};
    use HeaderAnswer::{AB, AP, CA, RE};
    let Some(version) = chain.current else {
        return Vec::new();
    };
    let would_take = |code: HeaderAnswer| {
        let operation = OperationId(uuid::Uuid::nil());
        let event = Event::AnswerSaved {
            operation,
            version,
            code,
        };
        decide(chain, &event, rules).outcome == Outcome::Applied
    };
    let possible: &[(AllowedAnswer, HeaderAnswer)] = match chain.kind {
        DocumentKind::Order => &[(Confirm, AP), (Reject, RE), (Counter, CA), (Acknowledge, AB)],
        DocumentKind::DespatchAdvice => &[(Receipt, AP)],
    };
    possible
        .iter()
        .filter(|(answer, _)| offered.iter().any(|o| o.eq_ignore_ascii_case(answer.operation())))
        .filter(|(_, code)| would_take(*code))
        .map(|(answer, _)| *answer)
        .collect()
}

/// A version in canonical form.
#[utoipa::path(get, path = "/documents/{id}/versions/{number}", tag = "documents",
    params(("id" = i64, Path, description = "Document"), ("number" = u32, Path, description = "Version")),
    responses((status = 200, body = VersionDetail)))]
pub(super) async fn get_version(
    State(state): State<ApiState>,
    Path((id, number)): Path<(DocumentId, VersionNumber)>,
) -> Result<Json<VersionDetail>, ApiError> {
    state
        .blocking(move |engine| {
            engine.document(id)?;
            let missing = || ApiError::not_found("version", format!("{number} of document {id}"));
            let store = engine.store();
            let version = store
                .versions(id)?
                .into_iter()
                .find(|v| v.number == number)
                .ok_or_else(missing)?;
            let content = store.version_content(id, number)?.ok_or_else(missing)?;
            let document = RawValue::from_string(content.canonical)
                .map_err(|e| ApiError::internal(format!("the stored version does not read back: {e}")))?;
            Ok(Json(VersionDetail { version, document }))
        })
        .await
}

/// The partner's payload of a version, byte for byte.
#[utoipa::path(get, path = "/documents/{id}/versions/{number}/payload", tag = "documents",
    params(("id" = i64, Path, description = "Document"), ("number" = u32, Path, description = "Version")),
    responses((status = 200, description = "The partner's bytes in the partner's media type", body = [u8],
        content_type = "application/octet-stream")))]
pub(super) async fn get_version_payload(
    State(state): State<ApiState>,
    Path((id, number)): Path<(DocumentId, VersionNumber)>,
) -> Result<Response, ApiError> {
    let payload = state
        .blocking(move |engine| {
            engine.document(id)?;
            let store = engine.store();
            let content = store.version_content(id, number)?;
            let payload = content.map(|content| store.payload(content.payload)).transpose()?;
            let missing = || ApiError::not_found("payload of version", format!("{number} of document {id}"));
            payload.flatten().ok_or_else(missing)
        })
        .await?;
    Ok(attachment(payload, &format!("document-{id}-v{number}")))
}

/// Foreign bytes: always an attachment, never rendered.
pub(super) fn attachment(payload: Payload, name: &str) -> Response {
    let essence = payload
        .media_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    let extension = match essence.as_str() {
        e if e == "application/json" || e.ends_with("+json") => "json",
        e if e == "application/xml" || e == "text/xml" || e.ends_with("+xml") => "xml",
        _ => "bin",
    };
    let media_type = header::HeaderValue::from_str(&payload.media_type)
        .unwrap_or(header::HeaderValue::from_static("application/octet-stream"));
    let disposition = format!("attachment; filename=\"{name}.{extension}\"");
    let mut response = payload.bytes.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, media_type);
    if let Ok(value) = header::HeaderValue::from_str(&disposition) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, value);
    }
    response
}

/// A version as a PDF page.
#[utoipa::path(get, path = "/documents/{id}/versions/{number}/print", tag = "documents",
    params(("id" = i64, Path, description = "Document"), ("number" = u32, Path, description = "Version")),
    responses((status = 200, description = "PDF", body = [u8], content_type = "application/pdf")))]
pub(super) async fn print_version(
    State(state): State<ApiState>,
    Path((id, number)): Path<(DocumentId, VersionNumber)>,
) -> Result<Response, ApiError> {
    let (pdf, name) = state
        .blocking(move |engine| {
            let row = engine.document(id)?;
            Ok((engine.print(id, number)?, pdf_name(&row.number, number)))
        })
        .await?;
    let headers = [
        (header::CONTENT_TYPE, "application/pdf".to_owned()),
        (header::CONTENT_DISPOSITION, format!("inline; filename=\"{name}\"")),
    ];
    Ok((headers, pdf).into_response())
}

/// File name of a printed version: the document's number without the signs that a file name or a header cannot hold.
pub fn pdf_name(number: &str, version: VersionNumber) -> String {
    let kept = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let safe: String = number
        .chars()
        .take(MAX_NAME_CHARS)
        .map(|c| if kept(c) { c } else { '_' })
        .collect();
    format!("{}-v{version}.pdf", safe.trim_start_matches('.'))
}

/// What differs between two versions.
#[utoipa::path(get, path = "/documents/{id}/diff", tag = "documents",
    params(("id" = i64, Path, description = "Document"), DiffParams),
    responses((status = 200, body = VersionDiff)))]
pub(super) async fn diff_versions(
    State(state): State<ApiState>,
    Path(id): Path<DocumentId>,
    Query(params): Query<DiffParams>,
) -> Result<Json<VersionDiff>, ApiError> {
    let from = params
        .from
        .ok_or_else(|| ApiError::invalid("from", "say which version to start from"))?;
    let to = params
        .to
        .ok_or_else(|| ApiError::invalid("to", "say which version to compare with"))?;
    state
        .blocking(move |engine| Ok(engine.diff(id, VersionNumber(from), VersionNumber(to))?))
        .await
        .map(Json)
}

/// Everything that happened to a document, newest first.
#[utoipa::path(get, path = "/documents/{id}/history", tag = "documents",
    params(("id" = i64, Path, description = "Document"), HistoryParams),
    responses((status = 200, body = Page<AuditRow>)))]
pub(super) async fn document_history(
    State(state): State<ApiState>,
    Path(id): Path<DocumentId>,
    Query(params): Query<HistoryParams>,
) -> Result<Json<Page<AuditRow>>, ApiError> {
    let limit = extract::page_rows(params.limit)?;
    let before = match params.cursor {
        None => None,
        Some(text) => Some(text.parse().map_err(|_| crate::store::StoreError::BadCursor(text))?),
    };
    state
        .blocking(move |engine| {
            engine.document(id)?;
            Ok(Json(engine.store().history(id, before, limit)?))
        })
        .await
}
