//! `countersign print`: a document's version as a PDF file.

use super::args::{Global, PrintArgs};
use super::failure::{Exit, Failure};
use super::settings::{Settings, reason};
use super::{host, sync, terminal};
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;
use sync_engine::api;
use sync_engine::domain::{DocumentId, DocumentKind, PartnerId, VersionNumber};
use sync_engine::engine::{Engine, EngineError};
use sync_engine::store::{DocumentQuery, DocumentRow, DocumentView};

pub async fn run(global: &Global, args: PrintArgs) -> Result<ExitCode, Failure> {
    let settings = host::settings(global, None)?;
    let engine = host::engine_on_existing(&settings).await?;
    let result = print(global, &args, &settings, &engine);
    engine.stop(host::GRACE).await;
    result
}

fn print(global: &Global, args: &PrintArgs, settings: &Settings, engine: &Engine) -> Result<ExitCode, Failure> {
    let row = find(&args.document, args.partner.as_deref(), settings, engine)?;
    let version = args.version.map_or(row.current, VersionNumber);
    if version.0 == 0 || version > row.current {
        return Err(
            Failure::not_found(format!("there is no version {version} of {}", row.number))
                .hint(format!("it has versions 1 to {}", row.current)),
        );
    }
    let pdf = engine.print(row.id, version)?;
    let path = match &args.output {
        Some(path) if path.as_os_str() == "-" => {
            terminal::write_out(&pdf)?;
            return Ok(ExitCode::SUCCESS);
        }
        Some(path) => path.clone(),
        None => PathBuf::from(api::pdf_name(&row.number, version)),
    };
    std::fs::write(&path, &pdf)
        .map_err(|e| Failure::failed(format!("{} cannot be written: {}", path.display(), reason(&e))))?;
    if global.json {
        terminal::json(&json!({ "file": path, "bytes": pdf.len(), "document": row.id, "version": version }))?;
    } else {
        terminal::line(format!("{}: {} version {version}", path.display(), row.number))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// By number with every partner, or by id when no document has that number.
pub fn find(
    document: &str,
    partner: Option<&str>,
    settings: &Settings,
    engine: &Engine,
) -> Result<DocumentRow, Failure> {
    let known: Vec<PartnerId> = engine.partners()?.into_iter().map(|p| p.id).collect();
    let partners = match partner {
        None => known,
        Some(wanted) if known.iter().any(|p| p.0 == wanted) => vec![PartnerId(wanted.to_owned())],
        Some(wanted) => {
            let names: Vec<String> = known.iter().map(ToString::to_string).collect();
            return Err(sync::unknown_partner(
                wanted,
                &names,
                &settings.partners_dir.display().to_string(),
            ));
        }
    };
    let store = engine.store();
    let mut found = Vec::new();
    for partner in &partners {
        for kind in [DocumentKind::Order, DocumentKind::DespatchAdvice] {
            found.extend(store.find_document(&settings.company, partner, kind, document)?);
        }
    }
    if found.is_empty() && partner.is_none() {
        found = without_partner(document, settings, engine)?;
    }
    let id = match (found.as_slice(), document.parse::<i64>()) {
        ([one], _) => *one,
        ([], Ok(id)) => DocumentId(id),
        ([], Err(_)) => return Err(no_such_document(document)),
        (several, _) => {
            let ids: Vec<String> = several.iter().map(ToString::to_string).collect();
            return Err(Failure::new(
                Exit::Usage,
                format!("{} documents have the number {}", ids.len(), document),
            )
            .hint(format!("say which: --partner ID, or one of the ids {}", ids.join(", "))));
        }
    };
    match engine.document(id) {
        Err(EngineError::NotFound { .. }) => Err(no_such_document(document)),
        row => Ok(row?),
    }
}

/// Documents with this number of partners that are not configured here (any more).
fn without_partner(number: &str, settings: &Settings, engine: &Engine) -> Result<Vec<DocumentId>, Failure> {
    let mut query = DocumentQuery {
        company: settings.company.clone(),
        view: DocumentView::All,
        partner: None,
        kind: None,
        state: None,
        doubtful: false,
        search: Some(number.to_owned()),
        cursor: None,
        limit: 500,
    };
    let mut found = Vec::new();
    loop {
        let page = engine.store().list_documents(&query)?;
        found.extend(page.items.iter().filter(|row| row.number == number).map(|row| row.id));
        query.cursor = page.next;
        if query.cursor.is_none() {
            return Ok(found);
        }
    }
}

fn no_such_document(wanted: &str) -> Failure {
    Failure::not_found(format!("there is no document {wanted}"))
        .hint("give its number as the partner wrote it, or its id in the database")
}
