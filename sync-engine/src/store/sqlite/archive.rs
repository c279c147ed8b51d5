//! Archives: rows as lines of JSON in a compressed file, with a last line that shows that nothing is missing.
//!
//! The first line is the head, then one line per row (`{"table": …, "row": {…}}`, bytes as base64), then the end with the
//! number of rows and the SHA-256 of everything before it.

use super::care::sync_folder;
use super::{audit, open, retire};
use crate::domain::Timestamp;
use crate::store::{Archive, ArchiveQuery, ArchiveReport, ArchivedDocument, StoreError};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::Path;

const FORMAT: &str = "countersign-archive-1";
/// One line at most: a payload of the largest size as base64.
const LINE_LIMIT: usize = 128 << 20;

pub type Row = Map<String, Value>;

pub fn failed(path: &Path, reason: impl std::fmt::Display) -> StoreError {
    StoreError::Conflict(format!("the archive {}: {reason}", path.display()))
}

/// Writes what is settled into a new file in `folder`, and reads it back. `None` when there is nothing.
pub fn write(
    db: &Connection,
    folder: &Path,
    query: &ArchiveQuery,
    moment: &str,
) -> Result<Option<Archive>, StoreError> {
    let found = retire::settled(db, query)?;
    if found.is_empty() {
        return Ok(None);
    }
    std::fs::create_dir_all(folder).map_err(|e| failed(folder, e))?;
    let path = folder.join(format!("countersign-{moment}.jsonl.gz"));
    let part = path.with_extension("part");
    let rows = write_file(db, &part, &found, query.before).inspect_err(|_| {
        // A part of an archive is none; it may not be there either.
        let _ = std::fs::remove_file(&part);
    })?;
    if path.exists() {
        return Err(failed(&path, "it exists already"));
    }
    std::fs::rename(&part, &path).map_err(|e| failed(&path, e))?;
    sync_folder(&path).map_err(|e| failed(&path, e))?;
    let read = examine(&path)?;
    if read.rows != rows || read.documents != found.documents.len() as u64 {
        return Err(failed(
            &path,
            "it does not read back as it was written: nothing was deleted",
        ));
    }
    Ok(Some(Archive {
        path: path.display().to_string(),
        documents: found.documents,
        quarantine: found.quarantine,
        audit_to: found.audit_to,
        rows,
    }))
}

struct Out<W: Write> {
    to: W,
    sha: Sha256,
    rows: u64,
}

impl<W: Write> Out<W> {
    fn line(&mut self, value: &Value) -> std::io::Result<()> {
        let mut text = value.to_string();
        text.push('\n');
        self.sha.update(text.as_bytes());
        self.to.write_all(text.as_bytes())
    }
}

fn write_file(db: &Connection, path: &Path, found: &retire::Settled, before: Timestamp) -> Result<u64, StoreError> {
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .open(path)
        .map_err(|e| failed(path, e))?;
    let mut out = Out {
        to: GzEncoder::new(BufWriter::new(file), Compression::default()),
        sha: Sha256::new(),
        rows: 0,
    };
    let (first, hash) = audit::start(db)?;
    let head = json!({
        "format": FORMAT, "before": before, "schemaVersion": open::schema_version(db)?,
        "auditFrom": {"id": first, "hash": hex(&hash)},
    });
    out.line(&head).map_err(|e| failed(path, e))?;
    retire::each_row(db, found, &mut |table, row| {
        out.rows += 1;
        out.line(&json!({"table": table, "row": row}))
            .map_err(|e| failed(path, e))
    })?;
    let end = json!({"rows": out.rows, "sha256": hex(&out.sha.clone().finalize())});
    out.line(&end).map_err(|e| failed(path, e))?;
    let rows = out.rows;
    let file = out
        .to
        .finish()
        .and_then(|buffer| buffer.into_inner().map_err(std::io::IntoInnerError::into_error))
        .map_err(|e| failed(path, e))?;
    file.sync_all().map_err(|e| failed(path, e))?;
    Ok(rows)
}

/// A row as JSON.
pub fn row_of(row: &rusqlite::Row<'_>, names: &[String]) -> rusqlite::Result<Row> {
    let mut map = Row::new();
    for (column, name) in names.iter().enumerate() {
        let value = match row.get_ref(column)? {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(number) => number.into(),
            ValueRef::Real(number) => number.into(),
            ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned().into(),
            ValueRef::Blob(bytes) => json!({ "base64": BASE64_STANDARD.encode(bytes) }),
        };
        map.insert(name.clone(), value);
    }
    Ok(map)
}

/// Reads an archive to its end and checks it: nothing missing, nothing altered, the audit trail in it whole.
///
/// # Errors
/// `Conflict` with what is wrong.
pub fn examine(path: &Path) -> Result<ArchiveReport, StoreError> {
    look(path, &mut |_, _| Ok(()))
}

/// As `examine`, and which of its documents have `wanted` in their number or their counterparty's name, whatever the case.
pub fn find(path: &Path, wanted: &str) -> Result<Vec<ArchivedDocument>, StoreError> {
    let wanted = wanted.to_lowercase();
    let mut found = Vec::new();
    look(path, &mut |table, row| {
        if table != "document" {
            return Ok(());
        }
        let document: ArchivedDocument =
            serde_json::from_value(Value::Object(row.clone())).map_err(|e| failed(path, format!("a document: {e}")))?;
        let texts = [Some(&document.number), document.counterparty.as_ref()];
        if texts
            .into_iter()
            .flatten()
            .any(|text| text.to_lowercase().contains(&wanted))
        {
            found.push(document);
        }
        Ok(())
    })?;
    Ok(found)
}

type Look<'a> = dyn FnMut(&str, &Row) -> Result<(), StoreError> + 'a;

fn look(path: &Path, each: &mut Look<'_>) -> Result<ArchiveReport, StoreError> {
    let mut trail: Option<audit::Walk> = None;
    let mut report = ArchiveReport {
        path: path.display().to_string(),
        bytes: std::fs::metadata(path).map_err(|e| failed(path, e))?.len(),
        before: Timestamp(0),
        schema_version: 0,
        rows: 0,
        documents: 0,
        audit_rows: 0,
    };
    let head = read(path, &mut |table, row| {
        report.rows += 1;
        each(table, &row)?;
        match table {
            "document" => report.documents += 1,
            "audit" => {
                report.audit_rows += 1;
                trail.get_or_insert_default().step(row);
            }
            _ => {}
        }
        Ok(())
    })?;
    if let Some(trail) = trail {
        let from = &head["auditFrom"];
        let first = (
            from["id"].as_i64().unwrap_or(-1),
            from["hash"].as_str().unwrap_or_default(),
        );
        if let Some(id) = trail.broken_at(first) {
            return Err(failed(
                path,
                format!("its part of the history does not fit together at row {id}"),
            ));
        }
    }
    report.before = serde_json::from_value(head["before"].clone()).map_err(|e| failed(path, e))?;
    report.schema_version = head["schemaVersion"].as_i64().unwrap_or(0);
    Ok(report)
}

/// Hands every row to `each`, and answers the head. The end is checked last: what was handed out counts only with `Ok`.
pub fn read(path: &Path, each: &mut dyn FnMut(&str, Row) -> Result<(), StoreError>) -> Result<Value, StoreError> {
    let file = File::open(path).map_err(|e| failed(path, e))?;
    let mut lines = BufReader::new(GzDecoder::new(BufReader::new(file)));
    let mut sha = Sha256::new();
    let mut head = None;
    let mut rows = 0u64;
    let mut line = String::new();
    loop {
        line.clear();
        let read = Read::by_ref(&mut lines).take(LINE_LIMIT as u64).read_line(&mut line);
        if read.map_err(|e| failed(path, format!("it is damaged: {e}")))? == 0 {
            return Err(failed(path, "its end is missing"));
        }
        let mut value: Value = serde_json::from_str(&line).map_err(|e| failed(path, format!("it is damaged: {e}")))?;
        if let Some(sum) = value.get("sha256") {
            let fits = sum.as_str() == Some(&hex(&sha.finalize())) && value["rows"].as_u64() == Some(rows);
            // Read to its end, the file's own checksum is looked at too.
            let more = lines.read(&mut [0]);
            let ends = more.map_err(|e| failed(path, format!("it is damaged: {e}")))? == 0;
            return match head {
                Some(head) if fits && ends => Ok(head),
                _ => Err(failed(path, "it was altered")),
            };
        }
        sha.update(line.as_bytes());
        if head.is_none() {
            if value["format"] != FORMAT {
                return Err(failed(path, "it is no archive that this program reads"));
            }
            head = Some(value);
            continue;
        }
        rows += 1;
        let row = value["row"].take();
        match (value["table"].as_str(), row) {
            (Some(table), Value::Object(row)) => each(table, row)?,
            _ => return Err(failed(path, "a line of it is no row")),
        }
    }
}

pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}
