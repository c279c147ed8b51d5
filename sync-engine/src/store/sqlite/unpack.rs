//! An archive as a database of its own, to be read with everything that reads a database. Nothing goes back into the one
//! that it came from: its documents' numbers and ids may be others' there by now, and its history was cut behind them.

use super::archive::{self, Row};
use super::{SqliteStore, audit, care, open, retire, text, words};
use crate::domain::CanonicalDocument;
use crate::store::{ArchiveReport, StoreError};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use rusqlite::types::Value as Column;
use rusqlite::{Connection, params_from_iter};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::path::Path;

/// Tables that an archive has rows of.
fn tables() -> impl Iterator<Item = &'static str> {
    let of_document = retire::OF_DOCUMENT.into_iter().map(|(table, _)| table);
    of_document.chain(["quarantine", "audit"])
}

/// Makes `database`, which must not exist, of an archive that was checked; and checks what came of it. A schema of an
/// earlier program is brought up to date.
pub fn unpack(path: &Path, database: &Path) -> Result<ArchiveReport, StoreError> {
    let report = archive::examine(path)?;
    let known = open::known_schema();
    if report.schema_version > known {
        return Err(StoreError::NewerDatabase {
            path: report.path,
            found: report.schema_version,
            known,
        });
    }
    // Made here, so that an existing file is never touched.
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(database)
        .map_err(|e| open::refuse(database, e.to_string()))?;
    fill(path, database, &report)
        .and_then(|()| check(database, &report))
        .inspect_err(|_| care::remove_partial(database))?;
    Ok(report)
}

fn fill(path: &Path, database: &Path, report: &ArchiveReport) -> Result<(), StoreError> {
    let mut db = open::open_writer_at(database, report.schema_version)?;
    let tx = db.transaction()?;
    // A document may follow what names it, or lie in another archive.
    tx.execute_batch("PRAGMA defer_foreign_keys = 1")?;
    let columns = columns(&tx)?;
    let head = archive::read(path, &mut |table, row| match columns.get(table) {
        Some(columns) => insert(&tx, table, columns, row),
        None => Err(archive::failed(path, format!("it has rows of a table \"{table}\""))),
    })?;
    let from = &head["auditFrom"];
    let anchor = from["id"].as_i64().zip(from["hash"].as_str());
    let (first, hash) = anchor.ok_or_else(|| archive::failed(path, "it does not say where its history begins"))?;
    audit::anchor(&tx, first, hash)?;
    tx.execute_batch(
        "UPDATE quarantine SET document_id = NULL WHERE document_id NOT IN (SELECT id FROM document);
         INSERT INTO counter (company, name, value)
             SELECT company, 'documents', count(*) FROM document GROUP BY company
             UNION ALL SELECT company, lower(state), count(*) FROM operation GROUP BY company, state;",
    )?;
    // The newest entries may lie in another archive, or all of them.
    tx.execute_batch(
        "UPDATE document SET history = NULL;
         UPDATE document SET history = newest.id
         FROM (SELECT document_id, max(id) AS id FROM audit WHERE document_id IS NOT NULL GROUP BY 1) newest
         WHERE newest.document_id = document.id",
    )?;
    index(&tx)?;
    tx.commit()?;
    db.close().map_err(|(_, e)| e.into())
}

fn columns(db: &Connection) -> Result<BTreeMap<&'static str, BTreeSet<String>>, StoreError> {
    let mut names = db.prepare("SELECT name FROM pragma_table_info(?1)")?;
    tables()
        .map(|table| {
            let of_table = names.query_map([table], |row| row.get(0))?;
            Ok((table, of_table.collect::<Result<_, _>>()?))
        })
        .collect()
}

fn insert(db: &Connection, table: &str, columns: &BTreeSet<String>, row: Row) -> Result<(), StoreError> {
    let unusual = |what: &str| StoreError::Conflict(format!("a row of {table} in the archive has {what}"));
    let mut names = Vec::with_capacity(row.len());
    let mut values = Vec::with_capacity(row.len());
    for (name, value) in row {
        if !columns.contains(&name) {
            return Err(unusual("a column that is not known"));
        }
        names.push(name);
        values.push(column(value).ok_or_else(|| unusual("a value that no column has"))?);
    }
    let places = vec!["?"; names.len()].join(", ");
    // A payload that was in quarantine first is its document's as well.
    let or = if table == "payload" { "OR IGNORE " } else { "" };
    let sql = format!("INSERT {or}INTO {table} ({}) VALUES ({places})", names.join(", "));
    db.prepare_cached(&sql)?.execute(params_from_iter(values))?;
    Ok(())
}

fn column(value: Value) -> Option<Column> {
    Some(match value {
        Value::Null => Column::Null,
        Value::String(text) => Column::Text(text),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => Column::Integer(whole),
            None => Column::Real(number.as_f64()?),
        },
        Value::Object(bytes) => Column::Blob(BASE64_STANDARD.decode(bytes.get("base64")?.as_str()?).ok()?),
        Value::Bool(_) | Value::Array(_) => return None,
    })
}

/// The search words of every document.
fn index(db: &Connection) -> Result<(), StoreError> {
    let mut current = db.prepare(
        "SELECT d.current_version, c.canonical FROM document d JOIN version_content c ON c.version_id = d.current_version
         ORDER BY d.current_version",
    )?;
    let mut put = db.prepare("INSERT INTO document_words (rowid, words) VALUES (?1, ?2)")?;
    let mut rows = current.query([])?;
    while let Some(row) = rows.next()? {
        let text::Json(document) = row.get::<_, text::Json<CanonicalDocument>>(1)?;
        put.execute((row.get::<_, i64>(0)?, words::text_of(&document)))?;
    }
    Ok(())
}

/// Opened as the program opens it: every page, the history, every reference, and that nothing is missing.
fn check(database: &Path, report: &ArchiveReport) -> Result<(), StoreError> {
    let store = SqliteStore::open(database)?;
    let checked = store.readers.read_all(|db| {
        let count = |sql: &str| db.query_row(sql, [], |row| row.get::<_, i64>(0));
        let integrity: String = db.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
        let trail = audit::verify(db)?;
        let fits = integrity == "ok"
            && trail.broken_at.is_none()
            && trail.rows == i64::try_from(report.audit_rows).unwrap_or(-1)
            && count("SELECT count(*) FROM document")? == i64::try_from(report.documents).unwrap_or(-1)
            && count("SELECT count(*) FROM pragma_foreign_key_check")? == 0;
        match fits {
            true => Ok(()),
            false => Err(archive::failed(
                report.path.as_ref(),
                "its rows do not make a whole database",
            )),
        }
    });
    drop(store);
    checked
}
