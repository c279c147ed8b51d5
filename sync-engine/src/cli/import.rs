//! `countersign import`: documents from files.

use super::args::{Global, ImportArgs};
use super::failure::{Exit, Failure};
use super::{host, input, terminal};
use serde_json::json;
use std::process::ExitCode;
use sync_engine::domain::PartnerId;
use sync_engine::engine::{Engine, SyncReport};

pub async fn run(global: &Global, args: ImportArgs) -> Result<ExitCode, Failure> {
    let settings = host::settings(global, None)?;
    let engine = host::engine(&settings, false).await?;
    let told = import_each(global, &engine, &args).await;
    engine.stop(host::GRACE).await;
    told
}

/// One that is refused does not keep the others out; the first one's exit code is the command's.
async fn import_each(global: &Global, engine: &Engine, args: &ImportArgs) -> Result<ExitCode, Failure> {
    let partner = PartnerId(args.partner.clone());
    let mut outcomes = Vec::new();
    let mut refused: Vec<Exit> = Vec::new();
    for file in &args.files {
        let outcome = match input::read(file) {
            Ok(bytes) => engine
                .import(&partner, &args.stream, bytes.into())
                .await
                .map_err(Failure::from),
            Err(failure) => Err(failure),
        };
        match outcome {
            Ok(report) => {
                if !global.json {
                    terminal::line(format!("{}: {}", file.display(), became(&report)))?;
                }
                outcomes.push(json!({ "file": file, "ok": true, "report": report }));
            }
            Err(failure) => {
                refused.push(failure.exit);
                if !global.json {
                    eprintln!("{}: {}", file.display(), failure.message);
                }
                outcomes.push(json!({ "file": file, "ok": false, "message": failure.message }));
            }
        }
    }
    if global.json {
        terminal::json(&outcomes)?;
    } else if !refused.is_empty() && args.files.len() > 1 {
        eprintln!("error: {} of {} files are refused", refused.len(), args.files.len());
    }
    Ok(refused.first().map_or(ExitCode::SUCCESS, |exit| (*exit).into()))
}

fn became(report: &SyncReport) -> &'static str {
    match report {
        SyncReport { quarantined: 1.., .. } => "in quarantine",
        SyncReport { duplicates: 1.., .. } => "known already",
        SyncReport { skipped: 1.., .. } => "left out by the configuration",
        _ => "taken in",
    }
}
