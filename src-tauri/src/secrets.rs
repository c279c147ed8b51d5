//! Secrets of a desktop: in the system's store where there is one, else in the permission-checked file.

use std::path::Path;
use std::sync::OnceLock;
use sync_engine::partner::{FileSecrets, Secret, SecretError, Secrets};

/// What the entries are filed under in the system's store.
const FILED_UNDER: &str = "Countersign";
/// The same file that the command line keeps.
const SECRETS_FILE: &str = "secrets.json";

/// The system's store first, then the file: a secret that the command line put into the file is found too.
pub struct DesktopSecrets<S = SystemStore> {
    system: S,
    file: FileSecrets,
    warned: OnceLock<()>,
}

impl DesktopSecrets {
    pub fn open(data_dir: &Path) -> Self {
        Self::with(SystemStore, FileSecrets::new(data_dir.join(SECRETS_FILE)))
    }
}

impl<S: Keep> DesktopSecrets<S> {
    fn with(system: S, file: FileSecrets) -> Self {
        Self {
            system,
            file,
            warned: OnceLock::new(),
        }
    }

    fn warn(&self, reason: &str) {
        self.warned.get_or_init(|| {
            tracing::warn!(
                reason,
                "the system's secret store cannot be used; secrets are kept in a file of this user"
            );
        });
    }
}

impl<S: Keep> Secrets for DesktopSecrets<S> {
    fn get(&self, name: &str) -> Result<Secret, SecretError> {
        match self.system.get(name) {
            Ok(Some(text)) => return Ok(Secret::new(text)),
            Ok(None) => {}
            Err(reason) => self.warn(&reason),
        }
        self.file.get(name)
    }

    fn set(&self, name: &str, value: Secret) -> Result<(), SecretError> {
        match self.system.set(name, value.expose()) {
            Ok(()) => Ok(()),
            Err(reason) => {
                self.warn(&reason);
                self.file.set(name, value)
            }
        }
    }
}

/// A store of texts by name; its errors say why it cannot be used.
pub trait Keep: Send + Sync + 'static {
    fn get(&self, name: &str) -> Result<Option<String>, String>;
    fn set(&self, name: &str, text: &str) -> Result<(), String>;
}

/// Windows Credential Manager, or the Secret Service on Linux.
pub struct SystemStore;

impl Keep for SystemStore {
    fn get(&self, name: &str) -> Result<Option<String>, String> {
        apart(|| match keyring::Entry::new(FILED_UNDER, name)?.get_password() {
            Ok(text) => Ok(Some(text)),
            Err(keyring::Error::NoEntry) => Ok(None),
            Err(error) => Err(error),
        })
    }

    fn set(&self, name: &str, text: &str) -> Result<(), String> {
        apart(|| keyring::Entry::new(FILED_UNDER, name)?.set_password(text))
    }
}

/// On a thread of its own: the store's client blocks on a runtime of its own, which must not sit inside ours.
fn apart<T: Send>(work: impl FnOnce() -> keyring::Result<T> + Send) -> Result<T, String> {
    std::thread::scope(|scope| scope.spawn(work).join())
        .map_err(|_| "the store's client failed".to_owned())?
        .map_err(|e| match keyring::Entry::store_status() {
            Err(status) => format!("{e}: {status}"),
            Ok(()) => e.to_string(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::sync::Mutex;

    /// `None`: a system without a store.
    struct Fake(Option<Mutex<BTreeMap<String, String>>>);

    impl Keep for Fake {
        fn get(&self, name: &str) -> Result<Option<String>, String> {
            let kept = self.0.as_ref().ok_or("no store")?.lock().map_err(|e| e.to_string())?;
            Ok(kept.get(name).cloned())
        }

        fn set(&self, name: &str, text: &str) -> Result<(), String> {
            let mut kept = self.0.as_ref().ok_or("no store")?.lock().map_err(|e| e.to_string())?;
            kept.insert(name.into(), text.into());
            Ok(())
        }
    }

    fn file(dir: &tempfile::TempDir) -> FileSecrets {
        FileSecrets::new(dir.path().join(SECRETS_FILE))
    }

    fn secret(secrets: &dyn Secrets, name: &str) -> Option<String> {
        secrets.get(name).ok().map(|s| s.expose().to_owned())
    }

    #[test]
    fn the_system_store_comes_first_and_the_file_is_found_too() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        file(&dir)
            .set("both", Secret::new("in the file".into()))
            .expect("written");
        file(&dir)
            .set("file", Secret::new("in the file".into()))
            .expect("written");
        let secrets = DesktopSecrets::with(Fake(Some(Mutex::default())), file(&dir));
        secrets.set("both", Secret::new("in the store".into())).expect("kept");
        assert_eq!(secret(&secrets, "both").as_deref(), Some("in the store"));
        assert_eq!(secret(&secrets, "file").as_deref(), Some("in the file"));
        assert_eq!(secret(&secrets, "none"), None);
        assert_eq!(secret(&file(&dir), "both").as_deref(), Some("in the file"));
    }

    #[test]
    fn without_a_system_store_the_file_is_used() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let secrets = DesktopSecrets::with(Fake(None), file(&dir));
        secrets.set("one", Secret::new("text".into())).expect("written");
        assert_eq!(secret(&secrets, "one").as_deref(), Some("text"));
        assert_eq!(secret(&file(&dir), "one").as_deref(), Some("text"));
        assert!(secrets.warned.get().is_some());
    }
}
