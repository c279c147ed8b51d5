//! What commands stand on: the settings, the engine or the store alone, and one engine at a time per data folder.

use super::args::{Global, ServeArgs};
use super::failure::{Exit, Failure, MEND_RIGHTS};
use super::settings::{Settings, reason};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use sync_engine::clock::SystemClock;
use sync_engine::doctor::Installation;
use sync_engine::engine::{Care, Engine, EngineOptions};
use sync_engine::exchange::presence::{self, Here};
use sync_engine::partner::{FileSecrets, Secrets};
use sync_engine::settings::{self, ARCHIVES_DIR, BACKUPS_DIR, DATABASE_FILE};
use sync_engine::store::{SqliteStore, Store};

const SECRETS_FILE: &str = "secrets.json";
/// How long what is in flight may take to end when a command stops.
pub const GRACE: Duration = Duration::from_secs(10);

pub fn settings(global: &Global, serve: Option<&ServeArgs>) -> Result<Settings, Failure> {
    Settings::load(global, serve)
}

/// What `doctor` looks at; a settings file that is refused is one of its findings.
pub fn installation(global: &Global) -> Result<Installation, Failure> {
    let (settings, file) = Settings::examined(global)?;
    Ok(Installation {
        secrets: secrets(&settings.data_dir),
        data_dir: settings.data_dir,
        partners_dir: settings.partners_dir,
        company: settings.company,
        settings: file,
        clock: Arc::new(SystemClock),
    })
}

/// Makes the data folder, for its owner alone.
pub fn make_data_dir(settings: &Settings) -> Result<(), Failure> {
    let dir = &settings.data_dir;
    settings::make_data_dir(dir).map_err(|e| {
        let why = match e.kind() {
            std::io::ErrorKind::AlreadyExists | std::io::ErrorKind::NotADirectory => "a file is in the way".to_owned(),
            _ => reason(&e),
        };
        Failure::failed(format!("the data folder {} cannot be made: {why}", dir.display()))
            .hint("name another one with --data-dir")
    })
}

/// The engine on the data folder, which is made when it is missing.
pub async fn engine(settings: &Settings, background: bool) -> Result<Engine, Failure> {
    make_data_dir(settings)?;
    // The engine does so itself; here it is told as what it is.
    let _here = enter(settings)?;
    let options = EngineOptions {
        company: settings.company.clone(),
        letterhead: settings.letterhead.clone(),
        data_dir: settings.data_dir.clone(),
        partners_dir: settings.partners_dir.clone(),
        secrets: secrets(&settings.data_dir),
        clock: Arc::new(SystemClock),
        background,
        pace: Default::default(),
    };
    Ok(Engine::start(options).await?)
}

/// What `serve` takes care of besides exchanging.
pub fn care(settings: &Settings) -> Care {
    Care {
        archives: settings.data_dir.join(ARCHIVES_DIR),
        backups: settings.data_dir.join(BACKUPS_DIR),
        keep_days: settings.care.keep_days(),
        backup_hours: settings.care.backup_hours(),
        keep_backups: settings.care.keep_backups,
    }
}

/// The engine for one command on a database that must be there.
pub async fn engine_on_existing(settings: &Settings) -> Result<Engine, Failure> {
    existing_database(settings)?;
    engine(settings, false).await
}

/// The store without an engine; its database is not replaced meanwhile.
pub struct StoreAlone {
    pub store: Arc<dyn Store>,
    _here: Here,
}

/// The store alone, on a database that must be there.
pub fn store(settings: &Settings) -> Result<StoreAlone, Failure> {
    let path = existing_database(settings)?;
    let here = enter(settings)?;
    Ok(StoreAlone {
        store: Arc::new(SqliteStore::open(path)?),
        _here: here,
    })
}

fn enter(settings: &Settings) -> Result<Here, Failure> {
    presence::enter(&settings.data_dir).map_err(|e| {
        let message = format!(
            "the data folder {} cannot be used: {}",
            settings.data_dir.display(),
            reason(&e)
        );
        match e.kind() {
            std::io::ErrorKind::ResourceBusy => Failure::new(Exit::InUse, message),
            _ => Failure::failed(message).hint(MEND_RIGHTS),
        }
    })
}

pub fn existing_database(settings: &Settings) -> Result<PathBuf, Failure> {
    let path = settings.data_dir.join(DATABASE_FILE);
    if path.exists() {
        return Ok(path);
    }
    Err(Failure::new(
        Exit::NotFound,
        format!("there is no database in {}", settings.data_dir.display()),
    )
    .hint("`countersign serve` or `countersign sync` makes it; or name another data folder with --data-dir"))
}

/// The data folder, which must be there.
pub fn existing_data_dir(settings: &Settings) -> Result<(), Failure> {
    let dir = &settings.data_dir;
    if dir.is_dir() {
        return Ok(());
    }
    let told = Failure::not_found(format!("there is no data folder {}", dir.display()));
    Err(told.hint("`countersign serve` or `countersign sync` makes it; or name another one with --data-dir"))
}

/// The partners' folder, which must be there.
pub fn existing_partners(settings: &Settings) -> Result<(), Failure> {
    let dir = &settings.partners_dir;
    if dir.is_dir() {
        return Ok(());
    }
    let told = Failure::not_found(format!("there is no folder of partners {}", dir.display()));
    Err(told.hint(
        "`countersign serve` makes it; or name another one with --partners-dir, or the data folder with --data-dir",
    ))
}

/// The permission-checked file in the data folder.
pub fn secrets(data_dir: &Path) -> Arc<dyn Secrets> {
    Arc::new(FileSecrets::new(data_dir.join(SECRETS_FILE)))
}
