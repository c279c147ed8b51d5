//! Files that a command is told to read.

use super::failure::{Exit, Failure};
use super::settings::reason;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Largest file that is read, in bytes: what a document may have at most, with room.
const MAX_FILE_BYTES: usize = 64 * 1024 * 1024;

/// The file, or standard input for `-`. The message does not name it: who asked does.
pub fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    let most = u64::try_from(MAX_FILE_BYTES + 1).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    let read = if file == Path::new("-") {
        std::io::stdin().lock().take(most).read_to_end(&mut bytes)
    } else {
        File::open(file).and_then(|opened| opened.take(most).read_to_end(&mut bytes))
    };
    read.map_err(|e| Failure::new(exit(&e), format!("it cannot be read: {}", reason(&e))))?;
    if bytes.len() > MAX_FILE_BYTES {
        return Err(Failure::failed(format!(
            "it has more than {MAX_FILE_BYTES} bytes, which is more than a document may have"
        )));
    }
    Ok(bytes)
}

/// What a command ends with when a file that it was told to read cannot be: whether it is there is what a script asks.
pub fn exit(error: &std::io::Error) -> Exit {
    match error.kind() {
        std::io::ErrorKind::NotFound => Exit::NotFound,
        _ => Exit::Failed,
    }
}

pub fn unreadable(file: &Path, error: &std::io::Error) -> Failure {
    Failure::new(
        exit(error),
        format!("{} cannot be read: {}", file.display(), reason(error)),
    )
}

/// For what looks into the file by itself, and would tell its absence as one of its mistakes.
///
/// # Errors
/// `NotFound`.
pub fn must_be_there(file: &Path) -> Result<(), Failure> {
    std::fs::metadata(file).map(drop).map_err(|e| unreadable(file, &e))
}
