//! The newest lines of every program's log files.

use super::file::{current, put_aside};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// Programs that write a log.
pub const PROGRAMS: [&str; 2] = ["countersign", "desktop"];

/// Names of the files with their newest whole lines, `most` bytes of each program at most, each in the order in which it
/// was written.
///
/// # Errors
/// The folder or a file cannot be read.
pub fn last_lines(dir: &Path, most: u64) -> io::Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    for program in PROGRAMS {
        let mut paths = put_aside(dir, program)?;
        paths.push(current(dir, program));
        let mut left = most;
        for path in paths.iter().rev() {
            if left == 0 {
                break;
            }
            let lines = match File::open(path) {
                Ok(file) => tail(file, left)?,
                // Put aside or removed since it was listed.
                Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
                Err(e) => return Err(e),
            };
            left = left.saturating_sub(lines.len() as u64);
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            found.push((name, lines));
        }
    }
    Ok(found)
}

/// Whole lines from the end of a file.
fn tail(mut file: File, most: u64) -> io::Result<String> {
    let from = file.metadata()?.len().saturating_sub(most);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Ok(match text.split_once('\n') {
        Some((_, whole)) if from > 0 => whole.to_owned(),
        _ => text,
    })
}
