//! What both hosts find in an installation: the settings file, over which flags and environment go, and the lock of
//! the data folder.

use crate::domain::CompanyId;
use crate::log::LogSettings;
use crate::print::Letterhead;
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Name of the file in the data folder.
pub const SETTINGS_FILE: &str = "settings.json";
/// The database, the token of the API, and the folders in the data folder.
pub const DATABASE_FILE: &str = "countersign.db";
pub const TOKEN_FILE: &str = "token";
pub const ARCHIVES_DIR: &str = "archives";
pub const BACKUPS_DIR: &str = "backups";
const LOCK_FILE: &str = "countersign.lock";
const MAX_SETTINGS_BYTES: u64 = 1024 * 1024;
const MAX_COMPANY_CHARS: usize = 40;

/// What the file says; every field may be left out.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct FileSettings {
    /// For editors; not read.
    #[serde(rename = "$schema")]
    _schema: Option<String>,
    /// Slug of the company that owns the rows of this installation.
    pub company: Option<CompanyId>,
    /// Head and foot of printed pages.
    pub letterhead: Option<Letterhead>,
    /// Folder of the partners' configurations; a relative one lies beside this file.
    pub partners_dir: Option<PathBuf>,
    /// Address and port to listen on; only `countersign serve`.
    pub listen: Option<SocketAddr>,
    /// Names with their ports that browsers may use for this service; only `countersign serve`.
    pub hosts: Option<Vec<String>>,
    /// Address and port on which partners call us; only `countersign serve`.
    pub hooks: Option<SocketAddr>,
    /// How long settled things stay, and how often a backup is made.
    pub care: CareSettings,
    /// Files, level, Loki.
    pub log: LogSettings,
    /// The file that was read.
    #[serde(skip)]
    pub path: Option<PathBuf>,
}

/// Care of the database.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct CareSettings {
    /// Days that settled documents and their history stay before they go into an archive; 0 keeps them all.
    pub keep_days: u32,
    /// Hours between two scheduled backups; 0 makes none.
    pub backup_hours: u32,
    /// Scheduled backups that are kept.
    pub keep_backups: u32,
}

impl Default for CareSettings {
    fn default() -> Self {
        Self {
            keep_days: 90,
            backup_hours: 0,
            keep_backups: 7,
        }
    }
}

impl CareSettings {
    pub fn keep_days(&self) -> Option<u32> {
        (self.keep_days > 0).then_some(self.keep_days)
    }

    pub fn backup_hours(&self) -> Option<u32> {
        (self.backup_hours > 0).then_some(self.backup_hours)
    }
}

/// Why the settings file was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("settings file {path}: {reason}")]
pub struct SettingsError {
    pub path: String,
    pub reason: String,
}

impl FileSettings {
    /// Reads `named`, or `settings.json` in the data folder, where none is no error.
    ///
    /// # Errors
    /// File, place and a sentence when it cannot be read, is not JSON, or has a field that is unknown or wrong.
    pub fn read(named: Option<&Path>, data_dir: &Path) -> Result<Self, SettingsError> {
        let path = named.map_or_else(|| data_dir.join(SETTINGS_FILE), Path::to_path_buf);
        let wrong = |reason: String| SettingsError {
            path: path.display().to_string(),
            reason,
        };
        let text = match std::fs::metadata(&path) {
            Err(e) if named.is_none() && is_missing(&e) => return Ok(Self::default()),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Err(wrong("there is no such file".into())),
            Err(e) => return Err(wrong(e.to_string())),
            Ok(found) if found.len() > MAX_SETTINGS_BYTES => {
                return Err(wrong(format!("it is larger than {MAX_SETTINGS_BYTES} bytes")));
            }
            Ok(_) => std::fs::read_to_string(&path).map_err(|e| wrong(e.to_string()))?,
        };
        let mut settings = parse(&text).map_err(wrong)?;
        if let (Some(dir), Some(folder)) = (&settings.partners_dir, path.parent()) {
            settings.partners_dir = Some(folder.join(dir));
        }
        settings.path = Some(path);
        Ok(settings)
    }
}

fn is_missing(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
    )
}

fn parse(text: &str) -> Result<FileSettings, String> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let settings: FileSettings = serde_path_to_error::deserialize(&mut reader).map_err(|e| {
        let at = e.path().to_string();
        // A file that ends too soon has no place.
        if at == "." || at.ends_with('?') {
            e.inner().to_string()
        } else {
            format!("{at}: {}", e.inner())
        }
    })?;
    reader.end().map_err(|e| e.to_string())?;
    settings.log.check()?;
    match &settings.company {
        Some(company) => check_company(company).map(|()| settings),
        None => Ok(settings),
    }
}

/// # Errors
/// A sentence when it is not a slug.
pub fn check_company(company: &CompanyId) -> Result<(), String> {
    let text = &company.0;
    let slug = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if (1..=MAX_COMPANY_CHARS).contains(&text.len()) && text.bytes().all(slug) {
        return Ok(());
    }
    Err(format!(
        "company \"{text}\" is not usable: 1 to {MAX_COMPANY_CHARS} small letters, digits and hyphens, such as main"
    ))
}

/// Where data lies unless told otherwise. Linux: `$XDG_DATA_HOME/countersign` or `~/.local/share/countersign`. Windows:
/// `%LOCALAPPDATA%\Countersign`, and `%PROGRAMDATA%\Countersign` for an account without one.
pub fn default_data_dir() -> Option<PathBuf> {
    let var = |name| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    if cfg!(windows) {
        return var("LOCALAPPDATA")
            .or_else(|| var("PROGRAMDATA"))
            .map(|d| d.join("Countersign"));
    }
    // The XDG specification: a relative path is to be ignored.
    var("XDG_DATA_HOME")
        .filter(|d| d.is_absolute())
        .or_else(|| var("HOME").map(|home| home.join(".local/share")))
        .map(|d| d.join("countersign"))
}

/// Makes the data folder, for its owner alone: every document lies in it. One that is there keeps its rights.
///
/// # Errors
/// What the system says.
pub fn make_data_dir(dir: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(dir)
}

/// The rights of a file that others than its owner may read; `None` when they may not, or where the folder's rights protect
/// it (Windows).
#[cfg(unix)]
pub fn mode_open_to_others(path: &Path) -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    let mode = std::fs::metadata(path).map_or(0, |found| found.mode() & 0o777);
    (mode & 0o077 != 0).then_some(mode)
}

#[cfg(not(unix))]
pub fn mode_open_to_others(_: &Path) -> Option<u32> {
    None
}

/// Held while a service works on a data folder. The system lets go of it when the process ends, however that ends.
///
/// Two engines on one folder do no harm (leases keep them apart), so the window and single commands work beside it; two
/// services would be in each other's way, of two companies as well: its token and log files are one service's.
#[derive(Debug)]
pub struct DataFolderLock {
    _file: std::fs::File,
}

#[derive(Debug, thiserror::Error)]
pub enum LockError {
    #[error("another Countersign works on the data folder {dir}{}", process.map_or_else(String::new, |p| format!(" (process {p})")))]
    Held { dir: String, process: Option<u32> },
    #[error("the lock file {path} cannot be used: {reason}")]
    Unusable { path: String, reason: String },
}

impl DataFolderLock {
    /// Whether a process holds it; nothing is written to find out.
    ///
    /// # Errors
    /// The lock file cannot be read.
    pub fn is_held(data_dir: &Path) -> std::io::Result<bool> {
        let file = match std::fs::File::open(data_dir.join(LOCK_FILE)) {
            Ok(file) => file,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(false),
            Err(e) => return Err(e),
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(std::fs::TryLockError::WouldBlock) => Ok(true),
            Err(std::fs::TryLockError::Error(e)) => Err(e),
        }
    }

    /// Does not wait.
    ///
    /// # Errors
    /// `Held` when another process has it.
    pub fn take(data_dir: &Path) -> Result<Self, LockError> {
        use std::io::{Read, Seek, Write};
        let path = data_dir.join(LOCK_FILE);
        let unusable = |e: std::io::Error| LockError::Unusable {
            path: path.display().to_string(),
            reason: e.to_string(),
        };
        let mut options = std::fs::OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(&path).map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => {
                let mut text = String::new();
                // Where a locked file cannot be read, the process is not told.
                let read = (&file).take(20).read_to_string(&mut text);
                return Err(LockError::Held {
                    dir: data_dir.display().to_string(),
                    process: read.ok().and_then(|_| text.trim().parse().ok()),
                });
            }
            Err(std::fs::TryLockError::Error(e)) => return Err(unusable(e)),
        }
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(std::process::id().to_string().as_bytes()))
            .map_err(unusable)?;
        Ok(Self { _file: file })
    }
}
