//! `countersign submit`: orders, changes of them and delivery notes of ours, from files in canonical form.

use super::args::{Global, SubmitArgs, SubmitAs};
use super::failure::{Exit, Failure};
use super::{host, input, serve, terminal};
use serde::Deserialize;
use serde_json::{Value, json};
use std::path::Path;
use std::process::ExitCode;
use sync_engine::api::read_document;
use sync_engine::domain::check::AnswerProblem;
use sync_engine::domain::{DocumentKind, PartnerId, VersionNumber, VersionState};
use sync_engine::engine::{Engine, EngineError, Issue, Seen};
use sync_engine::store::OperationRow;

/// A document with what the API's requests say beside it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wrapped {
    #[serde(default)]
    partner: Option<String>,
    #[serde(default)]
    kind: Option<DocumentKind>,
    /// The version that is changed: another one that is current refuses it.
    #[serde(default)]
    version: Option<VersionNumber>,
    document: Value,
}

/// Why a file was not taken.
struct Refused {
    failure: Failure,
    /// Of the table of errors; absent where the file never came to the engine.
    code: Option<&'static str>,
    problems: Vec<AnswerProblem>,
}

impl Refused {
    fn invalid(problems: Vec<AnswerProblem>) -> Self {
        let message = match problems.len() {
            1 => "it has a mistake".to_owned(),
            more => format!("it has {more} mistakes"),
        };
        Self {
            failure: Failure::failed(message),
            code: Some("document.invalid"),
            problems,
        }
    }

    fn problem(message: impl Into<String>) -> Self {
        let pointer = String::new();
        Self::invalid(vec![AnswerProblem {
            pointer,
            message: message.into(),
        }])
    }
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self {
            failure,
            code: None,
            problems: Vec::new(),
        }
    }
}

impl From<EngineError> for Refused {
    fn from(error: EngineError) -> Self {
        match &error {
            EngineError::Refused {
                code: code @ "document.invalid",
                data,
                ..
            } => {
                let text = |problem: &Value, name: &str| problem[name].as_str().unwrap_or_default().to_owned();
                let problems = data.as_array().into_iter().flatten().map(|problem| AnswerProblem {
                    pointer: text(problem, "pointer"),
                    message: text(problem, "message"),
                });
                Self {
                    code: Some(*code),
                    ..Self::invalid(problems.collect())
                }
            }
            EngineError::Refused { code, .. } => Self {
                code: Some(*code),
                ..Failure::from(error).into()
            },
            EngineError::NotFound { .. }
            | EngineError::Store(_)
            | EngineError::Config(_)
            | EngineError::Internal(_) => Failure::from(error).into(),
        }
    }
}

pub async fn run(global: &Global, args: SubmitArgs) -> Result<ExitCode, Failure> {
    let settings = host::settings(global, None)?;
    let engine = host::engine(&settings, false).await?;
    let told = submit_each(global, &engine, &args).await;
    engine.stop(host::GRACE).await;
    told
}

async fn submit_each(global: &Global, engine: &Engine, args: &SubmitArgs) -> Result<ExitCode, Failure> {
    let mut outcomes = Vec::new();
    let mut exit = ExitCode::SUCCESS;
    let mut refused = 0;
    for file in &args.files {
        match submit(engine, args, file).await {
            Ok(row) => {
                if !global.json {
                    let kind = format!("{:?}", row.kind).to_lowercase();
                    let (number, version, partner) = (&row.document_number, row.version, &row.partner);
                    terminal::line(format!(
                        "{}: {kind} {number} v{version} for {partner} is saved",
                        file.display()
                    ))?;
                }
                outcomes.push(json!({ "file": file, "ok": true, "operation": row }));
            }
            Err(Refused {
                failure,
                code,
                problems,
            }) => {
                if refused == 0 {
                    exit = failure.exit.into();
                }
                refused += 1;
                if !global.json {
                    eprintln!("{}: {}", file.display(), failure.message);
                    for problem in &problems {
                        eprintln!("  {problem}");
                    }
                }
                outcomes.push(json!({
                    "file": file, "ok": false, "code": code, "message": failure.message, "problems": problems,
                }));
            }
        }
    }
    if global.json {
        terminal::json(&outcomes)?;
        return Ok(exit);
    }
    if refused > 0 && args.files.len() > 1 {
        eprintln!("error: {refused} of {} files are refused", args.files.len());
    }
    if refused < args.files.len() {
        terminal::line("a running engine sends what is saved within seconds; else: countersign sync")?;
    }
    Ok(exit)
}

async fn submit(engine: &Engine, args: &SubmitArgs, file: &Path) -> Result<OperationRow, Refused> {
    let bytes = input::read(file)?;
    let value: Value = serde_json::from_slice(&bytes).map_err(|e| Refused::problem(format!("it is not JSON: {e}")))?;
    let wrapped = unwrap(value)?;
    let kind = wrapped.kind.map_or_else(|| kind_of(&wrapped.document), Ok)?;
    let document = read_document(kind, &wrapped.document).map_err(Refused::invalid)?;
    let partner = partner(engine, args, wrapped.partner)?;
    let known = engine
        .store()
        .find_document(engine.company(), &partner, kind, document.number())
        .map_err(Failure::from)?;
    let known = known.map(|id| engine.store().document(id)).transpose();
    // One that was taken back before it left is not there for the partner.
    let known = known
        .map_err(Failure::from)?
        .flatten()
        .filter(|row| row.current_state != VersionState::Withdrawn);
    let actor = format!("user:{}", serve::os_user());
    match (known, args.what) {
        (None, Some(SubmitAs::Change)) => Err(Failure::not_found(format!(
            "{partner} has no {kind:?} with the number {} that could be changed",
            document.number()
        ))
        .into()),
        (Some(row), None | Some(SubmitAs::Change)) => {
            let seen = Seen {
                document: row.id,
                version: wrapped.version.unwrap_or(row.current),
            };
            let issue = Issue::Change { content: document };
            Ok(engine.issue_version(seen, issue, &actor).await?)
        }
        (None, _) | (Some(_), Some(SubmitAs::New)) => Ok(engine.issue_new(partner, document, &actor).await?),
    }
}

/// The document itself, or with its partner, kind and version beside it, or under the name of its kind.
fn unwrap(value: Value) -> Result<Wrapped, Refused> {
    let has = |name: &str| value.get(name).is_some();
    if has("document") {
        let mut wrapped: Wrapped = serde_path_to_error::deserialize(&value)
            .map_err(|e| Refused::problem(format!("/{}: {}", e.path(), e.inner())))?;
        let inner = unwrap(wrapped.document)?;
        wrapped.kind = wrapped.kind.or(inner.kind);
        wrapped.document = inner.document;
        return Ok(wrapped);
    }
    for kind in [DocumentKind::Order, DocumentKind::DespatchAdvice] {
        if let Some(document) = value.get(format!("{kind:?}")) {
            return Ok(Wrapped {
                kind: Some(kind),
                document: document.clone(),
                ..Wrapped::default()
            });
        }
    }
    Ok(Wrapped {
        document: value,
        ..Wrapped::default()
    })
}

/// An order has a currency; a delivery note's lines name the order lines that they deliver.
fn kind_of(document: &Value) -> Result<DocumentKind, Refused> {
    let lines = document.get("lines").and_then(Value::as_array);
    let delivers = |line: &Value| line.get("orderLineId").is_some() || line.get("delivered").is_some();
    if lines.is_some_and(|lines| lines.iter().any(delivers)) {
        Ok(DocumentKind::DespatchAdvice)
    } else if document.get("currency").is_some() || lines.is_some() {
        Ok(DocumentKind::Order)
    } else {
        Err(Refused::problem(
            "it is neither an Order nor a DespatchAdvice in canonical form: both have lines",
        ))
    }
}

fn partner(engine: &Engine, args: &SubmitArgs, named: Option<String>) -> Result<PartnerId, Refused> {
    if let Some(id) = args.partner.clone().or(named) {
        return Ok(PartnerId(id));
    }
    let partners = engine.partners()?;
    match partners.as_slice() {
        [only] => Ok(only.id.clone()),
        several => {
            let ids: Vec<_> = several.iter().map(|p| p.id.to_string()).collect();
            let hint = match ids.is_empty() {
                true => "no partner is configured".to_owned(),
                false => format!("say which partner gets it, with --partner: {}", ids.join(", ")),
            };
            Err(Failure::new(Exit::Usage, hint).into())
        }
    }
}
