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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::SqliteStore;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Answers of outcomes that came together while the writer was busy, and how often one of them ran.
    async fn together(count: usize, bad: Option<usize>) -> (Vec<Result<DeliveryState, StoreError>>, usize) {
        let dir = tempfile::tempdir().expect("a directory");
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(dir.path().join("together.db")).expect("opens"));
        let (go, gone) = std::sync::mpsc::channel::<()>();
        let busy = store.write(Lane::Bulk, move |_| gone.recv().map_err(|_| StoreError::Closed));
        let (together, runs) = (Arc::new(Together::default()), Arc::new(AtomicUsize::new(0)));
        let mut tasks = Vec::new();
        for nth in 0..count {
            let (runs, together, store) = (Arc::clone(&runs), Arc::clone(&together), Arc::clone(&store));
            let write: Write = Arc::new(move |_| {
                runs.fetch_add(1, Ordering::Relaxed);
                match bad == Some(nth) {
                    true => Err(StoreError::LeaseLost),
                    false => Ok(DeliveryState::Delivered),
                }
            });
            tasks.push(tokio::spawn(async move { together.write(&store, write).await }));
        }
        while lock(&together.waiting).len() < count {
            tokio::task::yield_now().await;
        }
        go.send(()).expect("the writer waits");
        busy.await.expect("the unit before them");
        let mut answers = Vec::new();
        for task in tasks {
            answers.push(task.await.expect("no panic"));
        }
        assert!(lock(&together.waiting).is_empty());
        store.close();
        (answers, runs.load(Ordering::Relaxed))
    }

    #[tokio::test]
    async fn outcomes_that_come_together_are_written_once_each() {
        for count in [1, 2, AT_ONCE, AT_ONCE + 1, 3 * AT_ONCE + 5] {
            let (answers, runs) = together(count, None).await;
            assert!(answers.iter().all(|a| matches!(a, Ok(DeliveryState::Delivered))));
            assert_eq!(runs, count);
        }
    }

    #[tokio::test]
    async fn one_that_fails_takes_no_other_with_it() {
        for count in [1, 5, AT_ONCE + 3] {
            let (answers, _) = together(count, Some(count - 1)).await;
            let (good, bad) = answers.split_at(count - 1);
            assert!(good.iter().all(|a| matches!(a, Ok(DeliveryState::Delivered))));
            assert!(matches!(bad, [Err(StoreError::LeaseLost)]));
        }
    }

    #[tokio::test]
    async fn a_closed_store_is_said_to_everyone() {
        let dir = tempfile::tempdir().expect("a directory");
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(dir.path().join("together.db")).expect("opens"));
        store.close();
        let together = Together::default();
        let write: Write = Arc::new(|_| Ok(DeliveryState::Delivered));
        let (one, two) = tokio::join!(
            together.write(&store, Arc::clone(&write)),
            together.write(&store, write)
        );
        assert!(matches!((one, two), (Err(StoreError::Closed), Err(StoreError::Closed))));
    }
}
