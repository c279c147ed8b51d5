//! Where callers leave units of work and the writer finds them.

use crate::clock::Stopwatch;
use crate::store::{Announced, Committed, ErasedWork, Lane, StoreError};
use std::any::Any;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// Bulk work that interactive units, or announced ones, keep from its turn gets one unit in after this.
pub const BULK_PATIENCE: Duration = Duration::from_millis(20);
/// Units that may wait in each lane.
const WAITING_LIMIT: usize = 10_000;

pub type Value = Box<dyn Any + Send>;
pub type Answer = oneshot::Sender<Result<Value, StoreError>>;

pub struct Unit {
    pub work: ErasedWork,
    pub answer: Answer,
}

#[derive(Default)]
pub struct Waiting {
    pub interactive: VecDeque<Unit>,
    pub bulk: VecDeque<Unit>,
    /// Interactive units that are being prepared.
    announced: usize,
    closed: bool,
}

impl Waiting {
    pub fn is_announced(&self) -> bool {
        self.announced > 0
    }
}

#[derive(Default)]
pub struct Queue {
    waiting: Mutex<Waiting>,
    wake: Condvar,
    commits: AtomicU64,
}

/// Ends when it is dropped.
struct Announcement(Arc<Queue>);

impl Drop for Announcement {
    fn drop(&mut self) {
        self.0.lock().announced -= 1;
        self.0.wake.notify_one();
    }
}

impl Queue {
    pub fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Nothing panics while it is held; if it did, the queues would still be whole.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn submit(&self, lane: Lane, work: ErasedWork) -> Committed<Value> {
        let (answer, answered) = oneshot::channel();
        let refused = {
            let mut waiting = self.lock();
            let closed = waiting.closed;
            let units = match lane {
                Lane::Interactive => &mut waiting.interactive,
                Lane::Bulk => &mut waiting.bulk,
            };
            if closed {
                Some(StoreError::Closed)
            } else if units.len() >= WAITING_LIMIT {
                Some(StoreError::Busy { limit: WAITING_LIMIT })
            } else {
                units.push_back(Unit { work, answer });
                None
            }
        };
        self.wake.notify_one();
        Box::pin(async move {
            match refused {
                Some(error) => Err(error),
                None => answered.await.unwrap_or(Err(StoreError::Closed)),
            }
        })
    }

    pub fn announce(queue: &Arc<Self>) -> Announced {
        queue.lock().announced += 1;
        Announced::until_dropped(Announcement(Arc::clone(queue)))
    }

    /// Takes nothing new; what waits is still done.
    pub fn close(&self) {
        self.lock().closed = true;
        self.wake.notify_all();
    }

    /// Closes it and forgets what waits: nobody will write it. What waits may hold the store that holds this.
    pub fn abandon(&self) {
        let left = {
            let mut waiting = self.lock();
            waiting.closed = true;
            (
                std::mem::take(&mut waiting.interactive),
                std::mem::take(&mut waiting.bulk),
            )
        };
        drop(left);
    }

    /// Groups committed since the start.
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    pub fn committed(&self) {
        self.commits.fetch_add(1, Ordering::Relaxed);
    }

    pub fn is_waiting(&self) -> bool {
        let waiting = self.lock();
        !waiting.interactive.is_empty() || !waiting.bulk.is_empty()
    }

    /// Whether an interactive unit waits or is announced.
    pub fn is_person_waiting(&self) -> bool {
        let waiting = self.lock();
        !waiting.interactive.is_empty() || waiting.is_announced()
    }

    /// Blocks until there is work, or until `limit` is over. Bulk work alone gives way to what is announced, as long as
    /// its patience lasts. False when closed and empty.
    pub fn wait(&self, limit: Option<Duration>, stopwatch: &Stopwatch) -> bool {
        let mut gives_way_since = None;
        let mut waiting = self.lock();
        loop {
            if !waiting.interactive.is_empty() {
                return true;
            }
            let sleep = if waiting.bulk.is_empty() {
                if waiting.closed {
                    return false;
                }
                limit
            } else {
                if !waiting.is_announced() || waiting.closed {
                    return true;
                }
                let now = stopwatch();
                let since = *gives_way_since.get_or_insert(now);
                match BULK_PATIENCE.checked_sub(now.saturating_sub(since)) {
                    None | Some(Duration::ZERO) => return true,
                    Some(left) => Some(left),
                }
            };
            let Some(sleep) = sleep else {
                waiting = self.wake.wait(waiting).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let (again, slept) = self
                .wake
                .wait_timeout(waiting, sleep)
                .unwrap_or_else(PoisonError::into_inner);
            waiting = again;
            if slept.timed_out() && waiting.bulk.is_empty() {
                return true;
            }
        }
    }

    pub fn take_all(&self) -> Vec<Unit> {
        let mut waiting = self.lock();
        let mut units: Vec<Unit> = waiting.interactive.drain(..).collect();
        units.extend(waiting.bulk.drain(..));
        units
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    fn bulk(queue: &Queue) {
        drop(queue.submit(Lane::Bulk, Box::new(|_| Ok(Box::new(())))));
    }

    /// A writer that waits with a stopwatch that stands still, and says when it goes on.
    fn writer(queue: &Arc<Queue>, says: mpsc::Sender<&'static str>) -> std::thread::JoinHandle<()> {
        let queue = Arc::clone(queue);
        std::thread::spawn(move || {
            let stands_still: Stopwatch = Arc::new(|| Duration::ZERO);
            assert!(queue.wait(None, &stands_still));
            says.send("the writer goes on").expect("the test listens");
        })
    }

    #[test]
    fn bulk_work_waits_for_what_is_announced_until_that_is_there_or_given_up() {
        let end: [fn(&Arc<Queue>, Announced); 2] = [
            |queue, announced| {
                drop(queue.submit(Lane::Interactive, Box::new(|_| Ok(Box::new(())))));
                drop(announced);
            },
            |_, announced| drop(announced),
        ];
        for end in end {
            let queue = Arc::new(Queue::default());
            let announced = Queue::announce(&queue);
            bulk(&queue);
            let (says, said) = mpsc::channel();
            let writer = writer(&queue, says.clone());
            says.send("it is there").expect("listens");
            end(&queue, announced);
            writer.join().expect("goes on");
            drop(says);
            assert_eq!(said.iter().collect::<Vec<_>>(), ["it is there", "the writer goes on"]);
            assert!(!queue.is_person_waiting() || queue.lock().interactive.len() == 1);
        }
    }

    #[test]
    fn the_patience_of_bulk_work_has_an_end() {
        let queue = Arc::new(Queue::default());
        let _announced = Queue::announce(&queue);
        bulk(&queue);
        let looks = AtomicU64::new(0);
        let goes_on: Stopwatch = Arc::new(move || BULK_PATIENCE * u32::from(looks.fetch_add(1, Ordering::Relaxed) > 0));
        assert!(queue.wait(None, &goes_on));
        assert!(queue.is_waiting() && queue.is_person_waiting());
    }
}
