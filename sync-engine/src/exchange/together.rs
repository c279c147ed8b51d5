//! Outcomes that wait for the writer at the same time are written in one unit of work.

use crate::domain::DeliveryState;
use crate::store::{Lane, Store, StoreError, StoreExt, StoreTx};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// Outcomes in one unit at most: some milliseconds of the writer.
const AT_ONCE: usize = 24;

/// Writes one outcome. Runs again when the unit that it was in failed for another's sake.
pub type Write = Arc<dyn Fn(&mut dyn StoreTx) -> Result<DeliveryState, StoreError> + Send + Sync>;

type Answer = oneshot::Sender<Result<DeliveryState, StoreError>>;

struct Waiting {
    write: Write,
    answer: Answer,
}

/// Where outcomes wait for the writer's next turn.
#[derive(Default)]
pub struct Together {
    waiting: Arc<Mutex<Vec<Waiting>>>,
}

impl Together {
    /// Writes an outcome, with those that come before the writer's turn does. Resolves after the commit, or after the
    /// rollback of this one alone.
    ///
    /// # Errors
    /// What `write` says, and the store's own.
    pub async fn write(&self, store: &Arc<dyn Store>, write: Write) -> Result<DeliveryState, StoreError> {
        let (answer, answered) = oneshot::channel();
        let asks = {
            let mut waiting = lock(&self.waiting);
            waiting.push(Waiting { write, answer });
            // Everyone else finds a unit that is on its way.
            waiting.len() % AT_ONCE == 1
        };
        if asks {
            self.turn(store).await;
        }
        answered.await.unwrap_or(Err(StoreError::Closed))
    }

    /// One unit, with what waits when the writer comes to it.
    async fn turn(&self, store: &Arc<dyn Store>) {
        let taken: Arc<Mutex<Vec<Waiting>>> = Arc::default();
        let (waiting, took) = (Arc::clone(&self.waiting), Arc::clone(&taken));
        let written = store.write(Lane::Bulk, move |tx| {
            let mut took = lock(&took);
            {
                let mut waiting = lock(&waiting);
                let count = waiting.len().min(AT_ONCE);
                took.extend(waiting.drain(..count));
            }
            took.iter().map(|one| (one.write)(tx)).collect::<Result<Vec<_>, _>>()
        });
        let written = written.await;
        let took = std::mem::take(&mut *lock(&taken));
        match written {
            Ok(states) => {
                for (one, state) in took.into_iter().zip(states) {
                    // Whoever waited may be gone; the outcome is written.
                    let _ = one.answer.send(Ok(state));
                }
            }
            Err(error) => self.alone(store, took, error).await,
        }
    }

    /// One of them failed and took the others with it, or the store refused the unit before it took any: each has a unit
    /// of its own now, and its own error.
    async fn alone(&self, store: &Arc<dyn Store>, mut took: Vec<Waiting>, error: StoreError) {
        if took.is_empty() {
            let mut waiting = lock(&self.waiting);
            let count = waiting.len().min(AT_ONCE);
            took.extend(waiting.drain(..count));
        } else if took.len() == 1
            && let Some(one) = took.pop()
        {
            let _ = one.answer.send(Err(error));
        }
        let each = took.into_iter().map(|Waiting { write, answer }| {
            let written = store.write(Lane::Bulk, move |tx| write(tx));
            (answer, written)
        });
        // All of them are in the queue before the first is waited for.
        for (answer, written) in each.collect::<Vec<_>>() {
            let _ = answer.send(written.await);
        }
    }
}

fn lock(waiting: &Mutex<Vec<Waiting>>) -> MutexGuard<'_, Vec<Waiting>> {
    // A panic in an outcome leaves the list as it was: all of them are written again, each alone.
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}
