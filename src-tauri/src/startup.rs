//! Starts the engine beside the window, so that neither waits for the other.

use crate::attention;
use crate::failure;
use crate::journal;
use crate::options::Resolved;
use crate::secrets::DesktopSecrets;
use axum::Router;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use sync_engine::api::{ApiOptions, Feed, router};
use sync_engine::clock::SystemClock;
use sync_engine::engine::{Care, Engine, EngineOptions};
use sync_engine::log;
use sync_engine::partner::Secrets;
use sync_engine::settings::{ARCHIVES_DIR, BACKUPS_DIR};
use tauri::{AppHandle, Manager};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// The engine and the way to it.
#[derive(Clone)]
pub struct Running {
    pub engine: Engine,
    pub router: Router,
    /// Ends the change feeds.
    pub shutdown: CancellationToken,
    /// Began before any request was answered: for the first page, which reads before its feed is there.
    first_feed: Arc<Mutex<Option<Feed>>>,
}

impl Running {
    /// The feed that misses nothing of what a page reads; `None` for every page but the first.
    pub fn first_feed(&self) -> Option<Feed> {
        self.first_feed.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[derive(Clone)]
enum State {
    Starting,
    Running(Running),
    Failed(String),
}

/// Where the start has got to; the page's requests wait for its end.
pub struct Startup {
    state: watch::Receiver<State>,
    pub save_dir: Option<PathBuf>,
    pub data_dir: PathBuf,
}

impl Startup {
    /// The running engine, as soon as it runs.
    ///
    /// # Errors
    /// The sentence why it does not.
    pub async fn ready(&self) -> Result<Running, String> {
        let mut state = self.state.clone();
        let settled = state
            .wait_for(|state| !matches!(state, State::Starting))
            .await
            .map_err(|_| "The engine ended while it started.".to_owned())?;
        match &*settled {
            State::Running(running) => Ok(running.clone()),
            State::Failed(message) => Err(message.clone()),
            State::Starting => Err("The engine is starting.".into()),
        }
    }

    /// The engine, if it runs now.
    pub fn running(&self) -> Option<Running> {
        match &*self.state.borrow() {
            State::Running(running) => Some(running.clone()),
            State::Starting | State::Failed(_) => None,
        }
    }
}

/// Begins to start the engine and returns at once.
pub fn begin(app: &AppHandle, options: Resolved) {
    let (tell, state) = watch::channel(State::Starting);
    app.manage(Startup {
        state,
        save_dir: options.save_dir.clone(),
        data_dir: options.data_dir.clone(),
    });
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        match start(options).await {
            Ok(running) => {
                tracing::info!("the engine runs");
                // Nobody listens any more only when the program is ending.
                let _ = tell.send(State::Running(running.clone()));
                attention::watch(app, running).await;
            }
            Err(message) => {
                let _ = tell.send(State::Failed(message.clone()));
                failure::engine(&app, &message);
            }
        }
    });
}

async fn start(options: Resolved) -> Result<Running, String> {
    let secrets: Arc<dyn Secrets> = Arc::new(DesktopSecrets::open(&options.data_dir));
    let shutdown = CancellationToken::new();
    ship_log(&options, Arc::clone(&secrets), shutdown.clone())?;
    let care = Care {
        archives: options.data_dir.join(ARCHIVES_DIR),
        backups: options.data_dir.join(BACKUPS_DIR),
        keep_days: options.care.keep_days(),
        backup_hours: options.care.backup_hours(),
        keep_backups: options.care.keep_backups,
    };
    let engine = Engine::start(EngineOptions {
        company: options.company,
        letterhead: options.letterhead,
        data_dir: options.data_dir,
        partners_dir: options.partners_dir,
        secrets,
        clock: Arc::new(SystemClock),
        background: true,
        pace: Default::default(),
    })
    .await
    .map_err(|e| e.to_string())?;
    engine.care(care);
    let feed = Feed::subscribe(&engine, None).await.map_err(|e| e.to_string())?;
    let router = router(
        engine.clone(),
        ApiOptions {
            user: user(),
            shutdown: shutdown.clone(),
            settings_file: options.settings_file,
        },
    );
    Ok(Running {
        engine,
        router,
        shutdown,
        first_feed: Arc::new(Mutex::new(Some(feed))),
    })
}

/// Sends log lines to Loki where the settings say so.
fn ship_log(options: &Resolved, secrets: Arc<dyn Secrets>, stop: CancellationToken) -> Result<(), String> {
    let loki = options.log.loki.clone();
    let name = loki.as_ref().and_then(|l| l.secret.clone()).unwrap_or_default();
    let credential = move || Ok(secrets.get(&name).map_err(|e| e.to_string())?.expose().to_owned());
    log::ship(journal::files(options), loki, Box::new(credential), stop)
}

/// Who is logged in to the system; recorded with what they do.
fn user() -> String {
    ["USERNAME", "USER", "LOGNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()))
        .unwrap_or_else(|| "desktop".into())
}
