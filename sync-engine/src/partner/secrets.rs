//! Secrets in a file that nobody else can read: for machines without a desktop.

use super::{Secret, SecretError, Secrets};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// A JSON object of names and secrets, mode 0600. Read anew at every access, so that a change takes effect at once.
#[derive(Debug)]
pub struct FileSecrets {
    path: PathBuf,
    /// One writer at a time in this process.
    writing: Mutex<()>,
}

impl FileSecrets {
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            writing: Mutex::new(()),
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    fn failed(&self, reason: impl std::fmt::Display) -> SecretError {
        SecretError::Store {
            store: self.path.display().to_string(),
            reason: reason.to_string(),
        }
    }

    /// Empty when there is no file yet.
    fn read(&self) -> Result<BTreeMap<String, String>, SecretError> {
        let file = match std::fs::File::open(&self.path) {
            Ok(file) => file,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
            Err(e) => return Err(self.failed(e)),
        };
        self.refuse_readable(&file)?;
        let text = std::io::read_to_string(file).map_err(|e| self.failed(e))?;
        // The parser's words may repeat the text, which holds secrets.
        serde_json::from_str(&text).map_err(|e| {
            self.failed(format!(
                "it is not a JSON object of names and texts (line {}, column {})",
                e.line(),
                e.column()
            ))
        })
    }

    #[cfg(unix)]
    fn refuse_readable(&self, file: &std::fs::File) -> Result<(), SecretError> {
        use std::os::unix::fs::PermissionsExt;
        let mode = file.metadata().map_err(|e| self.failed(e))?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(self.failed(format!(
                "others may read it (mode {:03o}): run `chmod 600 {}`",
                mode & 0o777,
                self.path.display()
            )));
        }
        Ok(())
    }

    /// On other systems the folder's rights protect the file.
    #[cfg(not(unix))]
    fn refuse_readable(&self, _file: &std::fs::File) -> Result<(), SecretError> {
        Ok(())
    }

    /// Writes beside the file and renames, so that a crash leaves the old or the new one.
    fn write(&self, secrets: &BTreeMap<String, String>) -> std::io::Result<()> {
        if let Some(dir) = self.path.parent().filter(|d| !d.as_os_str().is_empty()) {
            std::fs::create_dir_all(dir)?;
        }
        let beside = self.path.with_extension(format!("new-{}", std::process::id()));
        let _ = std::fs::remove_file(&beside);
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(0o600);
        }
        let mut file = options.open(&beside)?;
        file.write_all(&serde_json::to_vec_pretty(secrets)?)?;
        file.sync_all()?;
        std::fs::rename(&beside, &self.path)
    }
}

impl Secrets for FileSecrets {
    fn get(&self, name: &str) -> Result<Secret, SecretError> {
        self.read()?
            .remove(name)
            .map(Secret::new)
            .ok_or_else(|| SecretError::Missing(name.to_owned()))
    }

    fn set(&self, name: &str, value: Secret) -> Result<(), SecretError> {
        let _one = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut secrets = self.read()?;
        secrets.insert(name.to_owned(), value.expose().to_owned());
        self.write(&secrets).map_err(|e| self.failed(e))
    }
}
