//! Which engines on a data folder are alive: each keeps a locked file there. The system drops the lock when a process
//! ends, however that ends, so its leases need not run out before its work is taken over.
//!
//! And whether anybody is there at all: who works with the database shares the lock of one more file, and who puts another
//! database in its place has that lock alone.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

const FOLDER: &str = "engines";
const EXTENSION: &str = "lock";
/// Shared by all who work with the database.
const EVERYBODY: &str = "everybody";

/// Somebody works with the database as long as this lives: it is not replaced meanwhile.
#[derive(Debug)]
pub struct Here {
    _file: File,
}

/// Nobody works with the database, and nobody begins to, as long as this lives.
#[derive(Debug)]
pub struct Alone {
    _file: File,
}

fn everybody(data_dir: &Path) -> std::io::Result<File> {
    let folder = data_dir.join(FOLDER);
    std::fs::create_dir_all(&folder)?;
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    options.open(folder.join(EVERYBODY))
}

/// Comes to a data folder, which has to be there. Blocks on the disk.
///
/// # Errors
/// `ResourceBusy` while the database is being replaced; else what the disk says.
pub fn enter(data_dir: &Path) -> std::io::Result<Here> {
    let file = everybody(data_dir)?;
    match file.try_lock_shared() {
        Ok(()) => Ok(Here { _file: file }),
        Err(TryLockError::WouldBlock) => Err(std::io::Error::new(
            std::io::ErrorKind::ResourceBusy,
            "a backup is put in the place of the database: begin again when that is done",
        )),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Keeps everybody out; `None` when somebody is there. Blocks on the disk.
///
/// # Errors
/// What the disk says.
pub fn keep_out(data_dir: &Path) -> std::io::Result<Option<Alone>> {
    let file = everybody(data_dir)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(Alone { _file: file })),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// This engine's file, locked as long as this lives.
pub struct Presence {
    path: PathBuf,
    _file: File,
    _here: Here,
}

impl Presence {
    /// Shows `holder` as alive. Blocks on the disk.
    ///
    /// # Errors
    /// As `enter`; when the file cannot be made or locked.
    pub fn show(data_dir: &Path, holder: &str) -> std::io::Result<Self> {
        let here = enter(data_dir)?;
        let folder = data_dir.join(FOLDER);
        let path = folder.join(holder).with_extension(EXTENSION);
        // Locked before it has the name that others look at.
        let hidden = folder.join(format!("{holder}.new"));
        let file = File::create(&hidden)?;
        file.try_lock().map_err(|e| match e {
            TryLockError::Error(error) => error,
            TryLockError::WouldBlock => std::io::ErrorKind::ResourceBusy.into(),
        })?;
        std::fs::rename(&hidden, &path)?;
        Ok(Self {
            path,
            _file: file,
            _here: here,
        })
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        // Left behind, it is found unlocked and removed at the next start.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// An engine whose process has ended without taking its file away. Its lock is held here until it is forgotten.
pub struct Gone {
    pub holder: String,
    path: PathBuf,
    _file: File,
}

impl Gone {
    /// Its leases are ended: nobody need look at it again.
    pub fn forget(self) -> std::io::Result<()> {
        std::fs::remove_file(&self.path)
    }
}

/// Engines that are gone. Blocks on the disk.
///
/// # Errors
/// When the folder cannot be read.
pub fn gone(data_dir: &Path) -> std::io::Result<Vec<Gone>> {
    let entries = match std::fs::read_dir(data_dir.join(FOLDER)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut paths = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<Vec<_>>>()?;
    // A folder gives them in any order.
    paths.sort();
    let mut gone = Vec::new();
    for path in paths {
        if path.extension().is_none_or(|e| e != EXTENSION) {
            continue;
        }
        // Not there: its engine stopped in order. Locked: alive, or another one deals with it.
        let Ok(file) = File::open(&path) else { continue };
        if file.try_lock().is_err() {
            continue;
        }
        let Some(holder) = path.file_stem().map(|s| s.to_string_lossy().into_owned()) else {
            continue;
        };
        gone.push(Gone {
            holder,
            path,
            _file: file,
        });
    }
    Ok(gone)
}

/// Whether an engine in any process works on the folder. Blocks on the disk.
///
/// # Errors
/// When the folder cannot be read.
pub fn is_any_alive(data_dir: &Path) -> std::io::Result<bool> {
    let entries = match std::fs::read_dir(data_dir.join(FOLDER)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let path = entry?.path();
        let is_lock = path.extension().is_some_and(|e| e == EXTENSION);
        if is_lock && File::open(&path).is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock))) {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_replaced_only_while_nobody_is_there() {
        let dir = tempfile::tempdir().expect("a folder");
        let first = Presence::show(dir.path(), "a").expect("shown");
        let second = enter(dir.path()).expect("many may be there");
        assert!(keep_out(dir.path()).expect("readable").is_none());
        drop(first);
        assert!(keep_out(dir.path()).expect("readable").is_none());
        drop(second);
        let alone = keep_out(dir.path()).expect("readable").expect("nobody is there");
        assert!(keep_out(dir.path()).expect("readable").is_none());
        for refused in [enter(dir.path()).err(), Presence::show(dir.path(), "b").err()] {
            let refused = refused.expect("nobody comes in");
            assert_eq!(refused.kind(), std::io::ErrorKind::ResourceBusy);
        }
        drop(alone);
        Presence::show(dir.path(), "b").expect("shown");
        assert!(!is_any_alive(dir.path()).expect("readable"));
        assert!(gone(dir.path()).expect("readable").is_empty());
    }

    #[test]
    fn an_engine_is_gone_once_its_lock_is() {
        let dir = tempfile::tempdir().expect("a folder");
        assert!(gone(dir.path()).expect("readable").is_empty());
        let here = Presence::show(dir.path(), "a").expect("shown");
        let _other = Presence::show(dir.path(), "b").expect("shown");
        assert!(gone(dir.path()).expect("readable").is_empty());
        assert!(is_any_alive(dir.path()).expect("readable"));
        // As after a kill: the lock goes, the file stays.
        let path = here.path.clone();
        drop(here);
        File::create(&path).expect("left behind");
        let found = gone(dir.path()).expect("readable").remove(0);
        assert_eq!(found.holder, "a");
        found.forget().expect("removed");
        assert!(gone(dir.path()).expect("readable").is_empty());
    }
}
