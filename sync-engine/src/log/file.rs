//! A log file that rotates by size and by day. Written directly, so that a line that was logged is with the system when
//! the process dies.

use crate::clock::Clock;
use crate::domain::Timestamp;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const DAY_MILLIS: i64 = 86_400_000;

/// How much is kept.
#[derive(Debug, Clone, Copy)]
pub struct FileLimits {
    /// A file of this size is put aside.
    pub max_bytes: u64,
    /// Files put aside that are kept; the oldest goes first.
    pub keep: usize,
}

/// `NAME.log`, and `NAME.YYYYMMDDTHHMMSS.mmmZ-NNNNNN.log` for each that was put aside: the names sort by age.
pub struct RotatingFile {
    dir: PathBuf,
    name: String,
    limits: FileLimits,
    clock: Arc<dyn Clock>,
    open: Option<Open>,
}

struct Open {
    file: File,
    bytes: u64,
    day: i64,
    /// The last byte ended a line.
    at_line_end: bool,
}

impl RotatingFile {
    /// # Errors
    /// The folder cannot be made, or the file not be opened for writing.
    pub fn open(dir: &Path, name: &str, limits: FileLimits, clock: Arc<dyn Clock>) -> io::Result<Self> {
        std::fs::create_dir_all(dir)?;
        let mut file = Self {
            dir: dir.to_owned(),
            name: name.to_owned(),
            limits,
            clock,
            open: None,
        };
        file.open = Some(file.reopen()?);
        Ok(file)
    }

    fn reopen(&self) -> io::Result<Open> {
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(0o600);
        }
        let file = options.open(current(&self.dir, &self.name))?;
        let found = file.metadata()?;
        let written = found
            .modified()
            .ok()
            .and_then(|m| m.duration_since(std::time::UNIX_EPOCH).ok());
        let day = written
            .filter(|_| found.len() > 0)
            .and_then(|since| i64::try_from(since.as_millis()).ok())
            .map_or_else(|| self.today(), |millis| millis.div_euclid(DAY_MILLIS));
        Ok(Open {
            file,
            bytes: found.len(),
            day,
            at_line_end: true,
        })
    }

    fn today(&self) -> i64 {
        self.clock.now().0.div_euclid(DAY_MILLIS)
    }

    /// Puts the file aside and begins a new one.
    fn rotate(&mut self) -> io::Result<()> {
        self.open = None;
        let newest = put_aside(&self.dir, &self.name)?.pop();
        let newest = newest.and_then(|path| moment_of(&path, &self.name));
        let moment = next_moment(newest.as_deref(), &stamp(self.clock.now()));
        let aside = self.dir.join(format!("{}.{moment}.log", self.name));
        std::fs::rename(current(&self.dir, &self.name), aside)?;
        self.open = Some(self.reopen()?);
        let old = put_aside(&self.dir, &self.name)?;
        for path in &old[..old.len().saturating_sub(self.limits.keep)] {
            // One that cannot go now goes at the next turn.
            let _ = std::fs::remove_file(path);
        }
        Ok(())
    }
}

/// Lines are never split over files.
impl Write for RotatingFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let today = self.today();
        let full = |open: &Open| {
            open.at_line_end
                && open.bytes > 0
                && (open.bytes + line.len() as u64 > self.limits.max_bytes || open.day != today)
        };
        if self.open.as_ref().is_some_and(full) {
            self.rotate()?;
        }
        if self.open.is_none() {
            // The disk was full or the folder away; perhaps it is back.
            std::fs::create_dir_all(&self.dir)?;
            self.open = Some(self.reopen()?);
        }
        let Some(open) = &mut self.open else { return Ok(0) };
        match open.file.write_all(line) {
            Ok(()) => {
                open.bytes += line.len() as u64;
                open.at_line_end = line.ends_with(b"\n");
                Ok(line.len())
            }
            Err(error) => {
                self.open = None;
                Err(error)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.open.as_mut().map_or(Ok(()), |open| open.file.flush())
    }
}

/// The file that is written to.
pub fn current(dir: &Path, name: &str) -> PathBuf {
    dir.join(format!("{name}.log"))
}

/// Files that were put aside, oldest first.
///
/// # Errors
/// The folder cannot be read.
pub fn put_aside(dir: &Path, name: &str) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if moment_of(&path, name).is_some() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// What stands between the name and the ending.
fn moment_of(path: &Path, name: &str) -> Option<String> {
    let file_name = path.file_name()?.to_str()?;
    let moment = file_name.strip_prefix(name)?.strip_prefix('.')?.strip_suffix(".log")?;
    Some(moment.to_owned())
}

/// Sorts behind the newest, also when several are put aside in one moment or the clock was set back.
fn next_moment(newest: Option<&str>, now: &str) -> String {
    let last = newest.and_then(|newest| newest.rsplit_once('-'));
    match last {
        Some((moment, number)) if moment >= now => {
            format!("{moment}-{:06}", number.parse().unwrap_or(0_u32).saturating_add(1))
        }
        _ => format!("{now}-000000"),
    }
}

fn stamp(at: Timestamp) -> String {
    chrono::DateTime::from_timestamp_millis(at.0)
        .unwrap_or_default()
        .format("%Y%m%dT%H%M%S%.3fZ")
        .to_string()
}
