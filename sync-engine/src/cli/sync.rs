//! `countersign sync`: one run of fetching and delivering.

use super::args::{Global, SyncArgs};
use super::failure::{Exit, Failure};
use super::{host, terminal};
use serde::Serialize;
use std::process::ExitCode;
use std::time::Duration;
use sync_engine::domain::PartnerId;
use sync_engine::engine::{Engine, PartnerView, SyncReport};

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    partners: Vec<PartnerReport>,
    /// Operations that went through a step of delivering.
    delivered: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PartnerReport {
    partner: PartnerId,
    #[serde(flatten)]
    fetched: Option<SyncReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip)]
    exit: Option<Exit>,
}

pub async fn run(global: &Global, args: SyncArgs) -> Result<ExitCode, Failure> {
    let settings = host::settings(global, None)?;
    let engine = host::engine(&settings, false).await?;
    let result = sync(global, &args, &engine, &settings.partners_dir.display().to_string()).await;
    engine.stop(host::GRACE).await;
    let report = result?;
    let worst = report.partners.iter().filter_map(|p| p.exit).max_by_key(|e| *e as u8);
    if global.json {
        terminal::json(&report)?;
    } else {
        show(&report)?;
    }
    Ok(worst.map_or(ExitCode::SUCCESS, Into::into))
}

async fn sync(global: &Global, args: &SyncArgs, engine: &Engine, partners_dir: &str) -> Result<Report, Failure> {
    let partners = chosen(engine.partners()?, args.partner.as_deref(), partners_dir)?;
    let mut reports = Vec::new();
    for partner in partners {
        let bar = terminal::waiting(global.json, format!("fetching from {}", partner.name));
        let result = engine.sync_now(&partner.id).await;
        bar.finish_and_clear();
        let (fetched, failure) = match result {
            Ok(report) => (Some(report), None),
            Err(error) => (None, Some(Failure::from(error))),
        };
        reports.push(PartnerReport {
            partner: partner.id,
            fetched,
            exit: failure.as_ref().map(|f| f.exit),
            error: failure.map(|f| f.message),
        });
    }
    let mut delivered = 0;
    if !args.no_deliver {
        let bar = terminal::waiting(global.json, "delivering");
        delivered = engine.drain(Duration::from_secs(args.deliver_seconds)).await?;
        bar.finish_and_clear();
    }
    Ok(Report {
        partners: reports,
        delivered,
    })
}

fn chosen(all: Vec<PartnerView>, wanted: Option<&str>, partners_dir: &str) -> Result<Vec<PartnerView>, Failure> {
    let Some(wanted) = wanted else {
        if all.is_empty() {
            return Err(Failure::configuration(format!("there is no partner in {partners_dir}"))
                .hint("put a configuration file there, or try `countersign sandbox --write-partner DIR`"));
        }
        return Ok(all);
    };
    let known: Vec<String> = all.iter().map(|p| p.id.to_string()).collect();
    match all.into_iter().find(|p| p.id.0 == wanted) {
        Some(partner) => Ok(vec![partner]),
        None => Err(unknown_partner(wanted, &known, partners_dir)),
    }
}

/// Names the partners that there are, or the folder that has none.
pub fn unknown_partner(wanted: &str, known: &[String], partners_dir: &str) -> Failure {
    let failure = Failure::not_found(format!("there is no partner {wanted}"));
    if known.is_empty() {
        failure.hint(format!("there is none at all in {partners_dir}"))
    } else {
        failure.hint(format!("there is: {}", known.join(", ")))
    }
}

fn show(report: &Report) -> Result<(), Failure> {
    for partner in &report.partners {
        match (&partner.fetched, &partner.error) {
            (Some(r), _) => terminal::line(format!(
                "{}: {} received in {} pages: {} versions, {} known already, {} in quarantine",
                partner.partner, r.received, r.pages, r.versions, r.duplicates, r.quarantined
            ))?,
            (None, error) => eprintln!("{}: {}", partner.partner, error.as_deref().unwrap_or("failed")),
        }
    }
    terminal::line(format!("delivered: {}", report.delivered))
}
