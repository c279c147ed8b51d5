//! One engine with a runtime, a store and a clock of its own: a simulated process.

use crate::chance::Chance;
use crate::forgetful::{Epochs, Forgetful};
use crate::kernel::{Kernel, SimClock, stopwatch};
use crate::link::loader;
use crate::network::Network;
use crate::plan::{Plan, Plant};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use sync_engine::domain::CompanyId;
use sync_engine::engine::{Engine, EngineOptions, Parts};
use sync_engine::partner::{Secret, SecretError, Secrets};
use sync_engine::print::Letterhead;
use sync_engine::store::{HostedWriter, SqliteStore};
use tokio::runtime::Runtime;

/// Tells when a runtime has nothing left to run.
#[derive(Default)]
struct Parked {
    is: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

struct NoSecrets;

impl Secrets for NoSecrets {
    fn get(&self, name: &str) -> Result<Secret, SecretError> {
        Err(SecretError::Missing(name.to_owned()))
    }

    fn set(&self, _name: &str, _value: Secret) -> Result<(), SecretError> {
        Ok(())
    }
}

pub struct Host {
    pub rt: Runtime,
    parked: Arc<Parked>,
    pub store: Arc<SqliteStore>,
    pub writer: HostedWriter,
    /// Empty until it has started.
    pub engine: Arc<Mutex<Option<Engine>>>,
    pub is_commit_due: bool,
}

pub fn company() -> CompanyId {
    CompanyId("main".to_owned())
}

impl Host {
    /// Starts an engine on the database of `data`.
    pub fn start(
        plan: &Plan,
        (network, epochs): (&Arc<Network>, &Epochs),
        (index, life): (usize, u32),
        skew: &Arc<AtomicI64>,
        data: &Path,
        partners: &Path,
    ) -> Result<Self, String> {
        let kernel: &Arc<Kernel> = &network.kernel;
        let stream = 10 + 100 * index as u64 + 10_000 * u64::from(life);
        let watch = stopwatch(kernel, Chance::of(plan.seed, stream + 1));
        let (store, writer) =
            SqliteStore::open_hosted(data.join("countersign.db"), watch).map_err(|e| format!("does not open: {e}"))?;
        let store = Arc::new(store);
        let parked = Arc::new(Parked::default());
        let told = Arc::clone(&parked);
        let rt = tokio::runtime::Builder::new_current_thread()
            .on_thread_park(move || {
                told.is.store(true, Ordering::Relaxed);
                if let Some(waker) = told.waker.lock().expect("one thread").take() {
                    waker.wake();
                }
            })
            .build()
            .map_err(|e| e.to_string())?;
        let mut clock = SimClock::new(kernel, skew, Chance::of(plan.seed, stream));
        clock.owns_nothing = plan.plant == Some(Plant::OwnChance);
        let clock = Arc::new(clock);
        let options = EngineOptions {
            company: company(),
            letterhead: Letterhead::default(),
            data_dir: data.to_owned(),
            partners_dir: partners.to_owned(),
            secrets: Arc::new(NoSecrets),
            clock: Arc::clone(&clock) as _,
            background: true,
            pace: plan.pace.clone(),
        };
        let forgetful = || Forgetful {
            store: Arc::clone(&store),
            epochs: Arc::clone(epochs),
        };
        let parts = Parts {
            store: match plan.plant {
                Some(Plant::EpochForgotten) => Arc::new(forgetful()),
                _ => Arc::clone(&store) as _,
            },
            load: loader(network, &clock, (index, life)),
            watched: false,
        };
        let engine = Arc::new(Mutex::new(None));
        let (place, kernel) = (Arc::clone(&engine), Arc::clone(kernel));
        rt.spawn(async move {
            match Engine::start_with(options, parts).await {
                Ok(started) => *place.lock().expect("one thread") = Some(started),
                Err(error) => kernel.broken(|| format!("engine {index} does not start: {error}")),
            }
        });
        Ok(Self {
            rt,
            parked,
            store,
            writer,
            engine,
            is_commit_due: false,
        })
    }

    /// Runs every task that can run, until each waits for something.
    pub fn run(&self) {
        let parked = &self.parked;
        parked.is.store(false, Ordering::Relaxed);
        self.rt.block_on(std::future::poll_fn(|context| {
            if parked.is.load(Ordering::Relaxed) {
                return Poll::Ready(());
            }
            *parked.waker.lock().expect("one thread") = Some(context.waker().clone());
            Poll::Pending
        }));
    }

    pub fn engine(&self) -> Option<Engine> {
        self.engine.lock().expect("one thread").clone()
    }
}
