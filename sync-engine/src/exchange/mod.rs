//! The work: poll, deliver, retry, break. Combines store, partner and domain.

mod answer;
mod attempt;
mod breaker;
mod budget;
pub mod care;
pub mod deliver;
mod doubt;
pub mod earlier;
pub mod gate;
pub mod incidents;
pub mod intake;
mod line;
mod material;
mod onward;
mod outcome;
mod pace;
mod pages;
pub mod partners;
pub mod poll;
pub mod presence;
pub mod push;
mod recover;
pub mod schedule;
mod settle;
mod together;
pub mod watch;

pub use attempt::stored;
pub use material::{Surroundings, earlier_of_ours, order, outbound, surroundings};
pub use outcome::is_overtaken;
pub use pace::{BreakerPace, Pace};
pub use pages::{speaks_of_a_payload, unstorable};
pub use partners::Load;
pub use poll::SyncReport;
pub use settle::{is_in_doubt, replay_key};

use crate::clock::Clock;
use crate::domain::{CompanyId, OperationId};
use crate::meter::Meter;
use crate::store::{Lane, Store, StoreError, StoreExt};
use doubt::Doubts;
use gate::Told;
use partners::{Partner, Partners};
use presence::Presence;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use together::Together;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What every part of the exchange works with.
pub struct Exchange {
    pub store: Arc<dyn Store>,
    pub clock: Arc<dyn Clock>,
    pub company: CompanyId,
    pub pace: Pace,
    /// Names this engine in leases.
    pub holder: String,
    pub partners: Partners,
    pub meter: Meter,
    /// No new work.
    pub stop: CancellationToken,
    /// What is in flight is cut off.
    pub abort: CancellationToken,
    /// Something may be due: told by whoever in this process made it so.
    pub due: Notify,
    /// Outcomes on their way to the writer.
    pub together: Together,
    pub tasks: TaskTracker,
    /// Operations in the hands of this engine.
    pub working: Mutex<BTreeSet<OperationId>>,
    /// What care found last, by the kind of incident: why it failed, or that it went well.
    pub cared: Mutex<BTreeMap<&'static str, Option<String>>>,
    pub doubts: Doubts,
    /// Shows this engine as alive, until its store is closed.
    pub presence: Mutex<Option<Presence>>,
}

impl Exchange {
    /// Care of that kind was taken, or why not.
    pub fn noted(&self, kind: &'static str, trouble: Option<String>) {
        self.cared
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(kind, trouble);
    }

    pub fn stopping(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// Ends the leases of engines that are gone: what they worked on need not wait for the leases to run out.
    ///
    /// # Errors
    /// The store's own. A folder that cannot be read is logged, and the leases run out by themselves.
    pub async fn take_over(&self, data_dir: PathBuf) -> Result<(), StoreError> {
        let gone = self.store.read(move |_| match presence::gone(&data_dir) {
            Ok(gone) => Ok(gone),
            Err(error) => {
                tracing::warn!(%error, "engines that are gone cannot be told: their leases run out");
                Ok(Vec::new())
            }
        });
        for one in gone.await? {
            let (holder, now) = (one.holder.clone(), self.clock.now());
            let ended = self.store.write(Lane::Bulk, move |tx| tx.end_leases_of(&holder, now));
            let leases = ended.await?;
            tracing::info!(holder = one.holder, leases, "took over from an engine that is gone");
            if let Err(error) = one.forget() {
                tracing::warn!(%error, "the file of an engine that is gone stays behind");
            }
        }
        Ok(())
    }

    /// Loads the partners.
    pub async fn load(self: &Arc<Self>) {
        watch::reload(self).await;
    }

    /// Loads the partners and starts polling, delivering and, when it is `watched`, following the configuration's files,
    /// until `stop`.
    pub async fn start(self: &Arc<Self>, watched: bool) {
        let watching = watched.then(|| watch::FileWatch::on(self.partners.dir())).flatten();
        self.load().await;
        recover::catch_up(self).await;
        let exchange = Arc::clone(self);
        self.tasks.spawn(async move {
            deliver::run(exchange, deliver::Until::Stopped).await;
        });
        self.tasks.spawn(schedule::run(Arc::clone(self)));
        self.tasks.spawn(watch::other_processes(Arc::clone(self)));
        self.tasks.spawn(watch::configuration(Arc::clone(self), watching));
    }

    /// Runs work that takes its time beside the async threads.
    ///
    /// # Errors
    /// `Panicked`.
    pub fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = Result<T, StoreError>> + Send + 'static {
        self.store.read(move |_| Ok(work()))
    }

    /// Sleeps, or returns early at a stop.
    pub async fn sleep(&self, duration: Duration) {
        tokio::select! {
            biased;
            () = self.clock.sleep(duration) => {}
            () = self.stop.cancelled() => {}
        }
    }

    /// Writes down what was learned of a partner, and wakes who waits for it.
    pub async fn remember(&self, partner: &Partner, told: Option<Told>) {
        match told {
            Some(Told::Unreachable | Told::CredentialsBroken) => {
                let error = partner.gate.state().last_error;
                tracing::warn!(partner = %partner.id, ?told, code = error.map(|e| e.code), "partner turned");
            }
            Some(Told::Reachable | Told::CredentialsGood | Told::Paused | Told::Resumed) => {
                tracing::info!(partner = %partner.id, ?told, "partner turned");
                self.due.notify_waiters();
                partner.poll.notify_one();
            }
            None => {}
        }
        if told == Some(Told::Reachable) {
            recover::hasten(self, partner).await;
            self.due.notify_waiters();
        }
        let told = told.map(|told| (told, "engine"));
        if let Err(error) = partner.gate.save(&self.store, told, self.clock.now()).await {
            tracing::error!(partner = %partner.id, %error, "the partner's state is not written");
        }
    }
}
