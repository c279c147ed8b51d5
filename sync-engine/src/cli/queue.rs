//! `countersign queue`: what is on its way, and trying it again.

use super::args::{Global, QueueArgs, QueueCommand, StateArg};
use super::failure::{Exit, Failure};
use super::settings::Settings;
use super::which::Which;
use super::{host, print, serve, terminal};
use serde_json::json;
use std::process::ExitCode;
use sync_engine::clock::{Clock, SystemClock};
use sync_engine::domain::{DeliveryState, OperationId};
use sync_engine::engine::Engine;
use sync_engine::store::{OperationQuery, OperationRow, Store};

/// Rows of one read; a longer list is read page by page.
const PAGE_ROWS: u32 = 200;
/// Most dead letters that one command replays.
const MAX_REPLAYED: usize = 10_000;

pub async fn run(global: &Global, args: QueueArgs) -> Result<ExitCode, Failure> {
    match args.command {
        QueueCommand::List {
            state,
            all,
            which,
            limit,
        } => {
            let states = if all {
                Vec::new()
            } else if state.is_empty() {
                OPEN.to_vec()
            } else {
                state.into_iter().map(delivery_state).collect()
            };
            list(global, states, which, limit)
        }
        QueueCommand::Retry {
            dead: true,
            which,
            document,
            ..
        } => retry_dead(global, which, document.as_deref()).await,
        QueueCommand::Retry { operations, which, .. } if which == Which::default() => retry(global, operations).await,
        QueueCommand::Retry { .. } => Err(Failure::new(
            Exit::Usage,
            "--partner, --kind, --error and --since choose among dead letters: say --dead with them",
        )),
    }
}

/// States that are not the end of it.
const OPEN: [DeliveryState; 6] = [
    DeliveryState::Queued,
    DeliveryState::Sending,
    DeliveryState::Retrying,
    DeliveryState::Unknown,
    DeliveryState::Held,
    DeliveryState::Dead,
];

fn delivery_state(arg: StateArg) -> DeliveryState {
    match arg {
        StateArg::Queued => DeliveryState::Queued,
        StateArg::Sending => DeliveryState::Sending,
        StateArg::Delivered => DeliveryState::Delivered,
        StateArg::Applied => DeliveryState::Applied,
        StateArg::Retrying => DeliveryState::Retrying,
        StateArg::Unknown => DeliveryState::Unknown,
        StateArg::Held => DeliveryState::Held,
        StateArg::Dead => DeliveryState::Dead,
        StateArg::Withdrawn => DeliveryState::Withdrawn,
    }
}

fn list(global: &Global, states: Vec<DeliveryState>, which: Which, limit: u32) -> Result<ExitCode, Failure> {
    let settings = host::settings(global, None)?;
    let alone = host::store(&settings)?;
    let is_all_open = states == OPEN && which == Which::default();
    let query = OperationQuery {
        company: Some(settings.company.clone()),
        states,
        ..which.query(SystemClock.now())
    };
    let most = limit as usize;
    // One more than is shown tells whether there are more.
    let mut rows = read(alone.store.as_ref(), query, most + 1)?;
    let has_more = rows.len() > most;
    rows.truncate(most);
    if global.json {
        terminal::json(&rows)?;
        return Ok(ExitCode::SUCCESS);
    }
    if rows.is_empty() {
        terminal::line(if is_all_open {
            "nothing is on its way"
        } else {
            "no operation is like that"
        })?;
        return Ok(ExitCode::SUCCESS);
    }
    let now = SystemClock.now();
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let error = row.last_error.as_ref().map(|e| match &e.message {
                Some(message) => format!("{}: {message}", e.code),
                None => e.code.clone(),
            });
            vec![
                row.id.to_string(),
                format!("{:?}", row.state),
                format!("{:?}", row.kind).to_lowercase(),
                format!("{} v{}", row.document_number, row.version),
                row.partner.to_string(),
                row.attempts.to_string(),
                terminal::time(row.created_at, now),
                row.due_at.map_or_else(|| "-".to_owned(), |at| terminal::time(at, now)),
                error.unwrap_or_default(),
            ]
        })
        .collect();
    let head = [
        "OPERATION",
        "STATE",
        "WHAT",
        "DOCUMENT",
        "PARTNER",
        "ATTEMPTS",
        "SAVED",
        "NEXT",
        "LAST ERROR",
    ];
    terminal::table(&head, &cells)?;
    if has_more {
        terminal::line(format!("and more: --limit says how many are listed, {limit} now"))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn read(store: &dyn Store, mut query: OperationQuery, most: usize) -> Result<Vec<OperationRow>, Failure> {
    let mut rows = Vec::new();
    while rows.len() < most {
        query.limit = PAGE_ROWS.min(u32::try_from(most - rows.len()).unwrap_or(PAGE_ROWS));
        let page = store.list_operations(&query)?;
        rows.extend(page.items);
        match page.next {
            Some(next) => query.cursor = Some(next),
            None => break,
        }
    }
    Ok(rows)
}

async fn retry(global: &Global, operations: Vec<OperationId>) -> Result<ExitCode, Failure> {
    let settings = host::settings(global, None)?;
    let engine = host::engine_on_existing(&settings).await?;
    let result = retry_each(global, &engine, operations).await;
    engine.stop(host::GRACE).await;
    result
}

async fn retry_dead(global: &Global, which: Which, document: Option<&str>) -> Result<ExitCode, Failure> {
    let settings = host::settings(global, None)?;
    let engine = host::engine_on_existing(&settings).await?;
    let result = match dead(&settings, &engine, which, document) {
        Ok(ids) => retry_each(global, &engine, ids).await,
        Err(failure) => Err(failure),
    };
    engine.stop(host::GRACE).await;
    result
}

/// The oldest first, so that the answers to a document keep their order.
fn dead(
    settings: &Settings,
    engine: &Engine,
    which: Which,
    document: Option<&str>,
) -> Result<Vec<OperationId>, Failure> {
    let partner = which.partner.clone();
    let document = document.map(|wanted| print::find(wanted, partner.as_deref(), settings, engine));
    let query = OperationQuery {
        company: Some(settings.company.clone()),
        document: document.transpose()?.map(|row| row.id),
        states: vec![DeliveryState::Dead],
        ..which.query(SystemClock.now())
    };
    let rows = read(engine.store().as_ref(), query, MAX_REPLAYED)?;
    Ok(rows.into_iter().rev().map(|row| row.id).collect())
}

async fn retry_each(global: &Global, engine: &Engine, ids: Vec<OperationId>) -> Result<ExitCode, Failure> {
    let actor = format!("user:{}", serve::os_user());
    let mut outcomes = Vec::new();
    let mut worst: Option<Failure> = None;
    for id in ids {
        match engine.retry_operation(id, &actor).await {
            Ok(row) => {
                let replayed_as = Some(row.id).filter(|new| *new != id);
                if !global.json {
                    let as_new = replayed_as.map_or_else(String::new, |new| format!(" as {new}"));
                    let what = match row.state {
                        DeliveryState::Held => "waits: its version was superseded, release or withdraw it",
                        _ => "will be tried now",
                    };
                    terminal::line(format!("{id}: {} v{} {what}{as_new}", row.document_number, row.version))?;
                }
                outcomes.push(json!({ "id": id, "replayedAs": replayed_as, "state": row.state }));
            }
            Err(error) => {
                let failure = Failure::from(error);
                if !global.json {
                    eprintln!("{id}: {}", failure.message);
                }
                outcomes.push(json!({ "id": id, "error": failure.message }));
                worst = Some(failure);
            }
        }
    }
    if global.json {
        terminal::json(&outcomes)?;
    } else if outcomes.is_empty() {
        terminal::line("no operation is dead")?;
    } else if worst.is_none() {
        terminal::line("a running engine sends them within seconds; else: countersign sync")?;
    }
    Ok(worst.map_or(ExitCode::SUCCESS, |failure| failure.exit.into()))
}
