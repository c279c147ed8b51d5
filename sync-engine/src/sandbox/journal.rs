//! What happened, one JSON line each, made durable before anyone is told. Reading it again rebuilds the sandbox.

use super::wire::{DeliveryNote, PurchaseOrder};
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Entry {
    Order(Box<PurchaseOrder>),
    Note(Box<DeliveryNote>),
    /// An answer was taken.
    #[serde(rename_all = "camelCase")]
    Accepted {
        key: String,
        body: String,
        operation_id: String,
        at: i64,
        due: i64,
    },
    /// It took effect, or could not.
    Applied {
        key: String,
        at: i64,
        error: Option<String>,
    },
    /// The sandbox answered an order that was issued to it.
    Answered(serde_json::Value),
    /// It received a delivery note.
    Received(serde_json::Value),
    /// The buyer reacted to the counter-offer with this key.
    Reacted {
        key: String,
    },
}

pub(super) struct Journal {
    file: File,
}

impl Journal {
    /// Opens or creates the file and gives back what it holds. A last line that was cut off by a crash is removed:
    /// nobody was told of it.
    ///
    /// # Errors
    /// Any error of the file; `InvalidData` with the line number when a whole line cannot be read.
    pub(super) fn open(path: &Path) -> io::Result<(Self, Vec<Entry>)> {
        let mut file = OpenOptions::new().create(true).read(true).append(true).open(path)?;
        let mut text = Vec::new();
        io::Read::read_to_end(&mut file, &mut text)?;
        let whole = text.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
        if whole < text.len() {
            file.set_len(whole as u64)?;
            file.sync_data()?;
        }
        let entries = text
            .get(..whole)
            .unwrap_or_default()
            .split(|b| *b == b'\n')
            .enumerate()
            .filter(|(_, line)| !line.is_empty())
            .map(|(at, line)| {
                serde_json::from_slice(line).map_err(|e| {
                    let message = format!("{}: line {} is not an entry of a sandbox: {e}", path.display(), at + 1);
                    io::Error::new(io::ErrorKind::InvalidData, message)
                })
            })
            .collect::<io::Result<_>>()?;
        Ok((Self { file }, entries))
    }

    /// Durable when it returns.
    pub(super) fn append(&mut self, entries: &[Entry]) -> io::Result<()> {
        let mut text = Vec::new();
        for entry in entries {
            serde_json::to_writer(&mut text, entry)?;
            text.push(b'\n');
        }
        self.file.write_all(&text)?;
        self.file.sync_data()
    }
}
