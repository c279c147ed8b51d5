//! Pages in: the next one is fetched while this one is checked and those before are written.

use crate::{Outcome, Partner, Stopwatch, db::now};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior::Immediate, params};
use serde_json::{Value, value::RawValue};
use sha2::{Digest, Sha256};
use std::path::Path;
use tokio::sync::mpsc::{Receiver, channel};

#[derive(serde::Deserialize)]
struct Page<'a> {
    #[serde(borrow)]
    items: Vec<&'a RawValue>,
    next: u64,
}

struct Row {
    number: String,
    version: i64,
    status: String,
    sha: [u8; 32],
    body: Vec<u8>,
}

pub async fn run(partner: Partner, mut db: Connection, schema: &Path, count: u64, batch: usize) -> Outcome<Value> {
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(schema)?)?;
    let schema = jsonschema::options().should_validate_formats(true).build(&schema)?;
    let watch = Stopwatch::start();
    let (rows, waiting) = channel::<Row>(1000);
    let writer = std::thread::spawn(move || write(&mut db, waiting, batch));
    let (mut after, mut taken) = (0, 0);
    let mut next = tokio::spawn(partner.clone().page(after));
    while taken < count {
        let bytes = next.await??;
        let page: Page<'_> = serde_json::from_slice(&bytes)?;
        after = page.next;
        next = tokio::spawn(partner.clone().page(after));
        if page.items.is_empty() {
            return Err("the stub ran dry".into());
        }
        for raw in page.items {
            let order: Value = serde_json::from_str(raw.get())?;
            if !schema.is_valid(&order) {
                return Err(format!("{} is not valid", order["poNumber"]).into());
            }
            let text = |name: &str| order[name].as_str().map(str::to_owned).ok_or("a field is missing");
            let row = Row {
                number: text("poNumber")?,
                version: order["version"].as_i64().ok_or("no version")?,
                status: text("status")?,
                sha: Sha256::digest(raw.get().as_bytes()).into(),
                body: raw.get().as_bytes().to_vec(),
            };
            rows.send(row).await?;
            taken += 1;
        }
    }
    drop(rows);
    writer.join().map_err(|_| "the writer broke")??;
    Ok(watch.stop("ceiling-ingest", taken))
}

fn write(db: &mut Connection, mut waiting: Receiver<Row>, batch: usize) -> Outcome<()> {
    let mut rows = Vec::new();
    while waiting.blocking_recv_many(&mut rows, batch) > 0 {
        let tx = db.transaction_with_behavior(Immediate)?;
        for row in rows.drain(..) {
            put(&tx, &row)?;
        }
        tx.commit()?;
    }
    Ok(())
}

fn put(tx: &Transaction<'_>, row: &Row) -> Outcome<()> {
    let at = now();
    let known: Option<(i64, i64)> = tx
        .prepare_cached("SELECT id, current_version FROM documents WHERE partner=? AND kind=? AND number=?")?
        .query_row(params!["acme", "PO", row.number], |r| Ok((r.get(0)?, r.get(1)?)))
        .optional()?;
    let (document, supersedes): (i64, Option<i64>) = match known {
        None => {
            tx.prepare_cached(
                "INSERT INTO documents(partner,kind,number,current_version,status,updated_at) VALUES(?,?,?,?,?,?)",
            )?
            .execute(params!["acme", "PO", row.number, row.version, row.status, at])?;
            (tx.last_insert_rowid(), None)
        }
        Some((id, current)) => {
            let version = tx
                .prepare_cached("SELECT id FROM versions WHERE document_id=? AND version=?")?
                .query_row([id, current], |r| r.get(0))
                .optional()?;
            tx.prepare_cached("UPDATE documents SET current_version=?, status=?, updated_at=? WHERE id=?")?
                .execute(params![row.version, row.status, at, id])?;
            (id, version)
        }
    };
    tx.prepare_cached(
        "INSERT INTO versions(document_id,version,supersedes,status,sha256,body,received_at) VALUES(?,?,?,?,?,?,?)",
    )?
    .execute(params![document, row.version, supersedes, row.status, &row.sha[..], row.body, at])?;
    let version = tx.last_insert_rowid();
    tx.prepare_cached("INSERT INTO inbox(message_id,version_id,state,created_at) VALUES(?,?,?,?)")?
        .execute(params![format!("{}:{}", row.number, row.version), version, "RECEIVED", at])?;
    Ok(())
}
