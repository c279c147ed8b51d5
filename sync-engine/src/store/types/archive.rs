//! What is old and settled goes into archives.

use crate::domain::{ChainState, CompanyId, DocumentId, DocumentKind, PartnerId, Timestamp, VersionNumber};
use serde::{Deserialize, Deserializer, Serialize};

/// Whose settled things an archive is to hold.
#[derive(Debug, Clone)]
pub struct ArchiveQuery {
    pub company: CompanyId,
    /// Settled before this.
    pub before: Timestamp,
    /// Where the archive before this one ended, so that each row is looked at once in a run.
    pub after: ArchivePlace,
}

/// A place on the way through what is old. The default is the beginning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ArchivePlace {
    pub document: Option<(Timestamp, DocumentId)>,
    pub quarantine: i64,
}

/// An archive that was written, brought to disk and read back: what it holds may be forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archive {
    pub path: String,
    /// With the time of their last change: one that changes after this is not forgotten.
    pub documents: Vec<(DocumentId, Timestamp)>,
    /// As the documents.
    pub quarantine: Vec<(i64, Timestamp)>,
    /// The last row of the audit trail that it holds.
    pub audit_to: Option<i64>,
    pub rows: u64,
}

impl Archive {
    /// Where it ends, when it began at `after`.
    pub fn place(&self, after: ArchivePlace) -> ArchivePlace {
        let document = self.documents.last().map(|(id, at)| (*at, *id));
        ArchivePlace {
            document: document.or(after.document),
            quarantine: self.quarantine.last().map_or(after.quarantine, |(id, _)| *id),
        }
    }

    /// Batches that hold the writer shortly.
    pub fn batches(&self) -> Vec<Forget> {
        /// Some milliseconds each.
        const DOCUMENTS: usize = 10;
        const OTHERS: usize = 200;
        let documents = self
            .documents
            .chunks(DOCUMENTS)
            .map(|part| Forget::Documents(part.to_vec()));
        let quarantine = self
            .quarantine
            .chunks(OTHERS)
            .map(|part| Forget::Quarantine(part.to_vec()));
        documents.chain(quarantine).collect()
    }
}

/// Lies in the data folder of an opened archive, with the report of that archive: who works there asks no partner anything.
pub const OPENED_ARCHIVE: &str = "opened-archive.json";

/// A document that an archive holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all(serialize = "camelCase"))]
pub struct ArchivedDocument {
    pub partner: PartnerId,
    pub kind: DocumentKind,
    pub number: String,
    pub counterparty: Option<String>,
    pub state: ChainState,
    /// The newest of its versions; all of them are there.
    pub current: VersionNumber,
    #[serde(deserialize_with = "millis")]
    pub updated_at: Timestamp,
}

/// A time as it lies in a column.
fn millis<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
    i64::deserialize(from).map(Timestamp)
}

/// Archived rows to be deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Forget {
    Documents(Vec<(DocumentId, Timestamp)>),
    Quarantine(Vec<(i64, Timestamp)>),
    /// Audit rows up to `to`, at most `most` of them.
    Audit {
        to: i64,
        most: u32,
    },
}

/// What an archive says of itself, when all of it reads back.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ArchiveReport {
    pub path: String,
    pub bytes: u64,
    /// Everything in it was settled before this.
    pub before: Timestamp,
    pub schema_version: i64,
    pub rows: u64,
    pub documents: u64,
    /// Rows of the audit trail; checked against each other and the row before the first.
    pub audit_rows: u64,
}
