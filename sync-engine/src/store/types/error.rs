//! Why a read or a write did not happen.

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error(
        "the database {path} was written by a newer Countersign (schema {found}, this program knows {known}): install that version or restore a backup"
    )]
    NewerDatabase { path: String, found: i64, known: i64 },
    #[error("the database {path} could not be opened: {reason}")]
    Open { path: String, reason: String },
    #[error("pragma {pragma} reads back as {found}, not {wanted}: the database cannot keep its promises here")]
    Pragma {
        pragma: &'static str,
        wanted: String,
        found: String,
    },
    #[error("the lease was lost: another engine took this job")]
    LeaseLost,
    #[error("there is no {what} {id}")]
    NotFound { what: &'static str, id: String },
    #[error("{0}")]
    Conflict(String),
    /// A page was asked for with a cursor that this list did not give out.
    #[error("\"{0}\" is not a cursor of this list: start again without one")]
    BadCursor(String),
    /// The unit of work itself refused; carries its own error through the transaction.
    #[error("{0}")]
    Refused(Box<dyn std::error::Error + Send + Sync>),
    #[error("the disk is full: nothing was changed")]
    DiskFull,
    /// The disk refused or failed, other than for want of room: an I/O error, a read-only disk, no rights.
    #[error("the disk failed: nothing was changed ({0})")]
    Disk(String),
    /// The disk failed at the very commit and still does: whether it is saved is known only when the store is opened anew.
    #[error("the disk failed while it was saved: look whether it is there before you do it again ({0})")]
    Uncertain(String),
    #[error("the store is closed")]
    Closed,
    /// More units of work wait than the writer may hold.
    #[error("too many writes wait ({limit}): try again shortly")]
    Busy { limit: usize },
    /// A read that held a moment of the database for too long was ended.
    #[error("it took too long to read: ask for less, or try again when there is less to do")]
    TooLong,
    /// A unit of work panicked: it was rolled back, the others of its group were not.
    #[error("an internal error stopped the write, nothing was changed: {0}")]
    Panicked(String),
    #[error("database: {0}")]
    Sql(rusqlite::Error),
    #[error("stored data does not read back: {0}")]
    Corrupt(String),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::DiskFull,
            // Nothing else interrupts.
            Some(ErrorCode::OperationInterrupted) => Self::TooLong,
            Some(
                ErrorCode::SystemIoFailure
                | ErrorCode::ReadOnly
                | ErrorCode::CannotOpen
                | ErrorCode::PermissionDenied
                | ErrorCode::FileLockingProtocolFailed,
            ) => Self::Disk(error.to_string()),
            _ => Self::Sql(error),
        }
    }
}

/// What a panic said.
pub fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no text".to_owned())
}
