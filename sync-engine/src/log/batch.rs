//! The next lines of a program's log files from a place that was kept.

use super::file::{current, put_aside};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Bytes of lines in one batch.
const BATCH_BYTES: u64 = 1024 * 1024;
/// A longer line is passed over.
const MAX_LINE_BYTES: u64 = 4 * BATCH_BYTES;
/// So much of its first line tells one file from another; it begins with the moment.
const FINGERPRINT_BYTES: u64 = 4096;

/// Where reading goes on: a file keeps its first line when it is renamed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// SHA-256 of the file's first line, in hexadecimal.
    first_line: String,
    offset: u64,
}

/// Whole lines, and the place behind them.
pub struct Batch {
    pub lines: Vec<String>,
    pub end: Place,
    /// The file of the last place is not there any more.
    pub missed: bool,
}

impl Place {
    /// `None` when nothing was kept yet, or what was kept is not readable: then everything that is there is sent.
    ///
    /// # Errors
    /// The file is there and cannot be read.
    pub fn kept(dir: &Path, name: &str) -> io::Result<Option<Self>> {
        match std::fs::read(file_of(dir, name)) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Written beside and renamed, so that a crash leaves this place or the one before.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn keep(&self, dir: &Path, name: &str) -> io::Result<()> {
        let path = file_of(dir, name);
        let beside = path.with_extension("new");
        let mut file = File::create(&beside)?;
        file.write_all(&serde_json::to_vec(self)?)?;
        file.sync_all()?;
        std::fs::rename(beside, path)
    }
}

fn file_of(dir: &Path, name: &str) -> PathBuf {
    dir.join(format!("{name}.loki"))
}

/// The next batch behind `place`; `None` when there is nothing new.
///
/// # Errors
/// Folder or files cannot be read.
pub fn next(dir: &Path, name: &str, place: Option<&Place>) -> io::Result<Option<Batch>> {
    let mut paths = put_aside(dir, name)?;
    paths.push(current(dir, name));
    let mut opened = Vec::new();
    for path in paths {
        match File::open(&path) {
            Ok(mut file) => match first_line(&mut file)? {
                Some(first) => opened.push((file, first)),
                None => continue,
            },
            // Renamed or removed since it was listed: the next look finds it.
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(e),
        }
    }
    // A file that was renamed between the listing and its opening is there twice, or its successor once.
    opened.dedup_by(|b, a| a.1 == b.1);
    let known = place.and_then(|place| opened.iter().position(|(_, first)| *first == place.first_line));
    let missed = place.is_some() && known.is_none();
    let begin = known.unwrap_or(0);
    for (at, (file, first)) in opened.iter_mut().enumerate().skip(begin) {
        let offset = match (place, known) {
            (Some(place), Some(known)) if known == at => place.offset,
            _ => 0,
        };
        let (lines, read) = lines(file, offset)?;
        if read > 0 {
            let end = Place {
                first_line: first.clone(),
                offset: offset + read,
            };
            return Ok(Some(Batch { lines, end, missed }));
        }
    }
    Ok(None)
}

/// `None` while there is no whole line.
fn first_line(file: &mut File) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    BufReader::new(file.take(FINGERPRINT_BYTES)).read_until(b'\n', &mut line)?;
    let whole = line.ends_with(b"\n") || line.len() as u64 == FINGERPRINT_BYTES;
    Ok(whole.then(|| hex(&Sha256::digest(&line))))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Whole lines from `offset`, and how many bytes they take.
fn lines(file: &mut File, offset: u64) -> io::Result<(Vec<String>, u64)> {
    file.seek(SeekFrom::Start(offset))?;
    let mut reader = BufReader::new(file);
    let (mut found, mut read) = (Vec::new(), 0);
    while read < BATCH_BYTES {
        let mut line = Vec::new();
        let got = (&mut reader).take(MAX_LINE_BYTES).read_until(b'\n', &mut line)? as u64;
        if !line.ends_with(b"\n") {
            // Still being written, unless it is longer than any line may be: then it is passed over piece by piece.
            if got == MAX_LINE_BYTES {
                read += got;
            }
            break;
        }
        read += got;
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        if !text.is_empty() {
            found.push(text);
        }
    }
    Ok((found, read))
}

/// Bytes of a program's log files behind the place up to which they were sent.
///
/// # Errors
/// Folder or files cannot be read.
pub fn backlog(dir: &Path, name: &str) -> io::Result<u64> {
    let place = Place::kept(dir, name)?;
    let mut paths = put_aside(dir, name)?;
    paths.push(current(dir, name));
    let (mut waits, mut sent) = (0, 0);
    for path in paths {
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
            Err(e) => return Err(e),
        };
        let first = first_line(&mut file)?;
        if let Some(place) = place.as_ref().filter(|p| Some(&p.first_line) == first.as_ref()) {
            // All that is older went before it.
            (waits, sent) = (0, place.offset);
        }
        waits += file.metadata()?.len();
    }
    Ok(waits.saturating_sub(sent))
}
