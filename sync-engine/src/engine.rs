//! Composition root: store, partners, exchange. Start, stop, and what a host may ask for.

mod answers;
mod configuration;
mod doubts;
mod error;
mod issue;
mod metrics;
mod operations;
mod own;
mod pages;
mod push;
mod quantities;
mod quarantine;
mod replay;
pub mod threads;
mod views;

pub use crate::exchange::SyncReport;
pub use crate::exchange::care::Care;
pub use crate::exchange::push::PushError;
pub use configuration::{ConfigurationCheck, ConfigurationFile};
pub use doubts::{Doubt, DoubtCode};
pub use error::EngineError;
pub use issue::{Issue, IssuedAs, PossibleAct, Seen};
pub use push::Call;
pub use quarantine::QuarantineRerun;
pub use replay::{DeadLetters, Replayed};
pub use views::{Health, HealthReason, PartnerStatus, PartnerView};

use crate::clock::Clock;
use crate::domain::{Chain, CompanyId, PartnerId, PartnerRules};
use crate::exchange::deliver::{self, Until};
use crate::exchange::gate::Told;
use crate::exchange::partners::{Partner, Partners, loader};
use crate::exchange::poll::PollError;
use crate::exchange::presence::{self, Presence};
use crate::exchange::{Exchange, Load, Pace, schedule, watch};
use crate::meter::Meter;
use crate::partner::Secrets;
use crate::print::Letterhead;
use crate::store::{DocumentRow, OPENED_ARCHIVE, SqliteStore, Store, StoreError, StoreExt};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// After the grace, how long cut-off attempts may take to write their outcome.
const WRITE_DOWN: Duration = Duration::from_secs(2);

pub struct EngineOptions {
    pub company: CompanyId,
    pub letterhead: Letterhead,
    /// `countersign.db` lies here.
    pub data_dir: PathBuf,
    /// Every `*.json` here is a partner's configuration; watched.
    pub partners_dir: PathBuf,
    pub secrets: Arc<dyn Secrets>,
    pub clock: Arc<dyn Clock>,
    /// Poll and deliver in the background. Off for single commands.
    pub background: bool,
    /// Leases, schedules and limits of the exchange; `Pace::default()` outside of tests.
    pub pace: Pace,
}

/// The running engine. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

/// What the engine works with, made outside: a simulation brings its own.
pub struct Parts {
    pub store: Arc<dyn Store>,
    /// Puts the partner of a configuration file on line.
    pub load: Box<Load>,
    /// Whether changes of the partners' folder are followed; else `Engine::reload` tells of them.
    pub watched: bool,
}

struct Inner {
    exchange: Arc<Exchange>,
    letterhead: Letterhead,
    secrets: Arc<dyn Secrets>,
    database: PathBuf,
    /// Where running quarantine again goes on, by partner and stream, when more waits than one request runs.
    reruns: Mutex<BTreeMap<(PartnerId, Option<String>), i64>>,
}

impl Engine {
    /// Opens the store (migrating it), loads the partners, starts polling and delivering.
    ///
    /// # Errors
    /// `StoreError` when the database cannot be opened or is newer. A broken partner file is no error: it is shown.
    pub async fn start(mut options: EngineOptions) -> Result<Self, EngineError> {
        // An archive that is read: what waits at the partners is the business of the installation that it came from,
        // whatever folder of partners the environment names.
        if options.data_dir.join(OPENED_ARCHIVE).exists() {
            options.partners_dir = options.data_dir.join("partners");
            options.background = false;
        }
        let dirs = [options.data_dir.clone(), options.partners_dir.clone()];
        let opening = tokio::task::spawn_blocking(move || {
            let [data_dir, partners_dir] = &dirs;
            for dir in [data_dir, partners_dir] {
                std::fs::create_dir_all(dir)
                    .map_err(|e| EngineError::Config(format!("the folder {} cannot be made: {e}", dir.display())))?;
            }
            // Before the database is touched: it may be replaced right now.
            let here = presence::enter(data_dir).map_err(|e| unusable(data_dir, &e))?;
            Ok::<_, EngineError>((SqliteStore::open(data_dir.join("countersign.db"))?, here))
        });
        let (store, _here) = opening.await.map_err(|e| EngineError::Internal(e.to_string()))??;
        let parts = Parts {
            store: Arc::new(store),
            load: loader(Arc::clone(&options.secrets), Arc::clone(&options.clock)),
            watched: true,
        };
        Self::start_with(options, parts).await
    }

    /// Starts on a store and on partners that were made outside; the folders of `options` have to be there.
    ///
    /// # Errors
    /// As `start`.
    pub async fn start_with(options: EngineOptions, parts: Parts) -> Result<Self, EngineError> {
        let Parts { store, load, watched } = parts;
        let holder = format!("engine-{}", options.clock.new_operation_id());
        let database = options.data_dir.join("countersign.db");
        let (data_dir, shown) = (options.data_dir.clone(), holder.clone());
        let showing = store.read(move |_| Ok(Presence::show(&data_dir, &shown).map_err(|e| unusable(&data_dir, &e))?));
        let presence = showing.await?;
        let exchange = Arc::new(Exchange {
            partners: Partners::new(
                options.partners_dir,
                options.company.clone(),
                options.pace.clone(),
                load,
            ),
            holder,
            store,
            clock: options.clock,
            company: options.company,
            pace: options.pace,
            stop: CancellationToken::new(),
            abort: CancellationToken::new(),
            due: Notify::new(),
            together: Default::default(),
            tasks: TaskTracker::new(),
            working: Mutex::default(),
            cared: Mutex::default(),
            doubts: Default::default(),
            presence: Mutex::new(Some(presence)),
            meter: Meter::default(),
        });
        exchange.take_over(options.data_dir).await?;
        if options.background {
            exchange.start(watched).await;
        } else {
            exchange.load().await;
        }
        tracing::info!(company = %exchange.company, partners = exchange.partners.all().len(), "engine started");
        Ok(Self {
            inner: Arc::new(Inner {
                exchange,
                letterhead: options.letterhead,
                secrets: options.secrets,
                database,
                reruns: Mutex::default(),
            }),
        })
    }

    /// Reads the partners' configurations again.
    pub async fn reload(&self) {
        watch::reload(self.exchange()).await;
    }

    /// Stops taking work, lets what is in flight end (at most `grace`), closes the store.
    pub async fn stop(&self, grace: Duration) {
        let exchange = self.exchange();
        exchange.stop.cancel();
        exchange.tasks.close();
        if !self.all_ended(grace).await {
            exchange.abort.cancel();
            if !self.all_ended(WRITE_DOWN).await {
                tracing::warn!("something in flight did not end: it is settled at the next start");
            }
        }
        let store = Arc::clone(&exchange.store);
        let closing = store.read(|store| {
            store.close();
            Ok(())
        });
        if closing.await.is_err() {
            tracing::error!("the store did not close cleanly");
        }
        drop(exchange.presence.lock().unwrap_or_else(PoisonError::into_inner).take());
        tracing::info!("engine stopped");
    }

    /// Whether everything in flight ended within `limit`.
    async fn all_ended(&self, limit: Duration) -> bool {
        let exchange = self.exchange();
        tokio::select! {
            biased;
            () = exchange.tasks.wait() => true,
            () = exchange.clock.sleep(limit) => false,
        }
    }

    /// Takes care of the database from now on, until `stop`.
    pub fn care(&self, care: Care) {
        let exchange = self.exchange();
        exchange
            .tasks
            .spawn(crate::exchange::care::run(Arc::clone(exchange), care));
    }

    pub fn store(&self) -> &Arc<dyn Store> {
        &self.inner.exchange.store
    }

    pub fn company(&self) -> &CompanyId {
        &self.inner.exchange.company
    }

    fn exchange(&self) -> &Arc<Exchange> {
        &self.inner.exchange
    }

    /// What the partners' configurations name.
    pub fn secrets(&self) -> Arc<dyn Secrets> {
        Arc::clone(&self.inner.secrets)
    }

    pub fn partners_dir(&self) -> &Path {
        self.exchange().partners.dir()
    }

    /// The database's file, in the data folder.
    pub fn database(&self) -> &Path {
        &self.inner.database
    }

    fn letterhead(&self) -> &Letterhead {
        &self.inner.letterhead
    }

    fn partner(&self, id: &PartnerId) -> Result<Arc<Partner>, EngineError> {
        self.exchange().partners.get(id).ok_or_else(|| EngineError::NotFound {
            what: "partner",
            id: id.to_string(),
        })
    }

    /// The partner's business rules; the standard's plain reading for one that is not configured any more.
    pub fn rules(&self, partner: &PartnerId) -> PartnerRules {
        let known = self.exchange().partners.get(partner);
        known.map(|p| p.link().rules().clone()).unwrap_or_default()
    }

    /// What may be done now with a document of ours, or on top of an order that we confirmed.
    ///
    /// # Errors
    /// The store's own.
    pub fn possible(&self, row: &DocumentRow, chain: &Chain) -> Result<Vec<PossibleAct>, EngineError> {
        let Some(partner) = self.exchange().partners.get(&row.partner) else {
            return Ok(Vec::new());
        };
        let blocked = chain.we_issue() && self.changes_blocked(row)?;
        let link = partner.link();
        Ok(PossibleAct::of(chain, link.rules(), link.operations(), blocked))
    }

    /// Polls every stream of the partner now and waits for the end of the run.
    ///
    /// # Errors
    /// `Refused` with `partner.paused`, `partner.busy`, or the code and words of what the partner answered; the store's
    /// own, of which `Closed` when the engine stops meanwhile.
    pub async fn sync_now(&self, partner: &PartnerId) -> Result<SyncReport, EngineError> {
        let partner = self.partner(partner)?;
        if partner.gate.state().paused {
            return Err(EngineError::refused(
                "partner.paused",
                "the partner is paused: resume it first",
            ));
        }
        let mut report = SyncReport::default();
        for stream in partner.link().streams() {
            partner.gate.hasten(self.exchange().clock.now());
            let run = schedule::once(self.exchange(), &partner, stream).await;
            report.add(&run.map_err(|error| polled(&partner, error))?);
        }
        Ok(report)
    }

    /// Stops or resumes polling and delivering for a partner.
    ///
    /// # Errors
    /// `NotFound` when no such partner is configured.
    pub async fn set_paused(&self, partner: &PartnerId, paused: bool, actor: &str) -> Result<PartnerView, EngineError> {
        let exchange = self.exchange();
        let known = self.partner(partner)?;
        let now = exchange.clock.now();
        let told = if paused { Told::Paused } else { Told::Resumed };
        known.gate.set_paused(paused);
        known.gate.save(&exchange.store, Some((told, actor)), now).await?;
        // Now that it is written: who read the row before that has an older one.
        known.gate.set_paused(paused);
        if !paused {
            known.gate.hasten(now);
            known.poll.notify_one();
            exchange.due.notify_waiters();
        }
        let views = self.partners()?;
        views
            .into_iter()
            .find(|v| v.id == *partner)
            .ok_or_else(|| EngineError::NotFound {
                what: "partner",
                id: partner.to_string(),
            })
    }

    /// Delivers until the queue has nothing due or `limit` elapsed; returns how many operations the partners took.
    /// For single commands.
    ///
    /// # Errors
    /// None of its own; what fails is written to each operation.
    pub async fn drain(&self, limit: Duration) -> Result<u64, EngineError> {
        let exchange = Arc::clone(self.exchange());
        let millis = i64::try_from(limit.as_millis()).unwrap_or(i64::MAX);
        let until = Until::Idle(exchange.clock.now().plus_millis(millis));
        let draining = exchange.tasks.spawn(deliver::run(Arc::clone(&exchange), until));
        draining.await.map_err(|e| EngineError::Internal(e.to_string()))
    }
}

fn unusable(data_dir: &Path, why: &std::io::Error) -> EngineError {
    EngineError::Config(format!("the data folder {} cannot be used: {why}", data_dir.display()))
}

fn polled(partner: &Partner, error: PollError) -> EngineError {
    match error {
        PollError::Elsewhere | PollError::Store(StoreError::LeaseLost) => EngineError::refused(
            "partner.busy",
            "another engine polls this partner right now: look again shortly",
        ),
        PollError::Store(error) => EngineError::Store(error),
        PollError::Stopped => EngineError::Store(StoreError::Closed),
        PollError::Fetch(error) => EngineError::Refused {
            code: error.code,
            message: error.message,
            data: serde_json::json!({ "partner": partner.id, "status": error.status }),
        },
        error @ PollError::Panicked(_) => EngineError::Internal(error.to_string()),
        PollError::Disk(trouble) => EngineError::refused(trouble.code, &trouble.message),
        PollError::Shut => {
            let state = partner.gate.state();
            let code = if state.credentials_broken {
                "partner.credentials"
            } else {
                "partner.unreachable"
            };
            let message = state.last_error.and_then(|e| e.message);
            EngineError::refused(code, message.as_deref().unwrap_or("the partner is not asked now"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Engine, EngineOptions};
    use std::time::Duration;

    /// The desktop starts and stops it on a runtime with several threads, and is built apart: it must not find out last.
    #[test]
    fn a_host_may_run_it_on_any_thread() {
        fn sendable(_: impl Send) {}
        let _ = |options: EngineOptions| sendable(Engine::start(options));
        let _ = |engine: Engine| sendable(async move { engine.stop(Duration::ZERO).await });
    }
}
