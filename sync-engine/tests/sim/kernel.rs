//! Simulated time: one queue of events, one clock per engine, and a trace of all that happens.

use crate::chance::Chance;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::task::{Poll, Waker};
use std::time::Duration;
use sync_engine::clock::{Clock, Sleep, Stopwatch};
use sync_engine::domain::Timestamp;

/// 2026-01-01T00:00:00Z.
pub const START: i64 = 1_767_225_600_000;

/// Something that a task waits for, with a value when it comes.
pub struct Slot<T> {
    inner: Mutex<(Option<T>, Option<Waker>)>,
}

impl<T> Slot<T> {
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            inner: Mutex::new((None, None)),
        })
    }

    pub fn fill(&self, value: T) {
        let mut inner = self.inner.lock().expect("one thread");
        inner.0 = Some(value);
        if let Some(waker) = inner.1.take() {
            waker.wake();
        }
    }

    pub async fn wait(self: Arc<Self>) -> T {
        std::future::poll_fn(|context| {
            let mut inner = self.inner.lock().expect("one thread");
            match inner.0.take() {
                Some(value) => Poll::Ready(value),
                None => {
                    inner.1 = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }
}

/// What comes at its time.
pub enum Event {
    /// A sleep ends, unless nobody waits any more.
    Wake(Weak<Slot<()>>),
    /// A request reaches the partner.
    Arrive(u64),
    /// An answer, or the end of the connection, reaches the engine.
    Reply(u64),
    /// An engine's writer commits what waits.
    Commit { engine: usize, life: u32 },
    /// The plan's act of this number.
    Act(usize),
    /// A crashed engine starts again.
    Start(usize),
    /// A stopped process runs on.
    Thaw(usize),
    /// Faults end.
    Calm,
}

struct Queued {
    at: i64,
    seq: u64,
    event: Event,
}

impl Queued {
    fn key(&self) -> (i64, u64) {
        (self.at, self.seq)
    }
}

impl PartialEq for Queued {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}
impl Eq for Queued {}
impl PartialOrd for Queued {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Queued {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

#[derive(Default)]
struct State {
    queue: BinaryHeap<Reverse<Queued>>,
    seq: u64,
    hash: u64,
    events: u64,
    lines: Option<Vec<String>>,
    /// The first promise that was found broken.
    broken: Option<String>,
}

pub struct Kernel {
    /// Milliseconds since the start of the simulation.
    now: AtomicI64,
    state: Mutex<State>,
}

impl Kernel {
    pub fn new(keep_lines: bool) -> Arc<Self> {
        let state = State {
            hash: 0xcbf2_9ce4_8422_2325,
            lines: keep_lines.then(Vec::new),
            ..State::default()
        };
        Arc::new(Self {
            now: AtomicI64::new(0),
            state: Mutex::new(state),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("one thread")
    }

    pub fn now(&self) -> i64 {
        self.now.load(Ordering::Relaxed)
    }

    pub fn after(&self, millis: i64, event: Event) {
        let mut state = self.lock();
        state.seq += 1;
        let (at, seq) = (self.now() + millis.max(0), state.seq);
        state.queue.push(Reverse(Queued { at, seq, event }));
    }

    /// The next event that somebody waits for, with the time moved to it.
    pub fn next(&self) -> Option<Event> {
        loop {
            let Reverse(queued) = self.lock().queue.pop()?;
            if let Event::Wake(slot) = &queued.event
                && slot.strong_count() == 0
            {
                continue;
            }
            self.now.store(queued.at, Ordering::Relaxed);
            return Some(queued.event);
        }
    }

    /// Adds to the trace; the text is made anew from the same seed, so only its hash is compared.
    pub fn trace(&self, text: impl FnOnce() -> String) {
        let text = text();
        let now = self.now();
        let mut state = self.lock();
        state.events += 1;
        for byte in text.bytes().chain(now.to_le_bytes()) {
            state.hash = (state.hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        if let Some(lines) = &mut state.lines {
            lines.push(format!("{:>9.3} {text}", now as f64 / 1000.0));
        }
    }

    pub fn hash(&self) -> u64 {
        self.lock().hash
    }

    pub fn events(&self) -> u64 {
        self.lock().events
    }

    pub fn lines(&self) -> Vec<String> {
        self.lock().lines.clone().unwrap_or_default()
    }

    /// A promise that is broken; the first one counts.
    pub fn broken(&self, what: impl FnOnce() -> String) {
        let now = self.now() as f64 / 1000.0;
        let mut state = self.lock();
        if state.broken.is_none() {
            state.broken = Some(format!("after {now:.3} s: {}", what()));
        }
    }

    pub fn first_broken(&self) -> Option<String> {
        self.lock().broken.clone()
    }

    pub fn sleep(self: &Arc<Self>, duration: Duration) -> impl Future<Output = ()> + Send + use<> {
        let slot = Slot::new();
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4);
        self.after(millis.min(i64::MAX / 4), Event::Wake(Arc::downgrade(&slot)));
        slot.wait()
    }
}

/// One engine's clock: simulated time, wrong by what the plan says.
pub struct SimClock {
    pub kernel: Arc<Kernel>,
    pub skew: Arc<AtomicI64>,
    chance: Mutex<Chance>,
    /// A bug put in on purpose: time that the simulation does not own.
    pub owns_nothing: bool,
}

impl SimClock {
    pub fn new(kernel: &Arc<Kernel>, skew: &Arc<AtomicI64>, chance: Chance) -> Self {
        Self {
            kernel: Arc::clone(kernel),
            skew: Arc::clone(skew),
            chance: Mutex::new(chance),
            owns_nothing: false,
        }
    }
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        Timestamp(START + self.kernel.now() + self.skew.load(Ordering::Relaxed))
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        Box::pin(self.kernel.sleep(duration))
    }

    fn random(&self) -> u64 {
        if self.owns_nothing {
            return sync_engine::clock::SystemClock.random();
        }
        self.chance.lock().expect("one thread").next()
    }
}

/// Work that takes a time of its own, so that groups are cut at different places.
pub fn stopwatch(kernel: &Arc<Kernel>, chance: Chance) -> Stopwatch {
    let (kernel, chance, worked) = (Arc::clone(kernel), Mutex::new(chance), AtomicU64::new(0));
    Arc::new(move || {
        let took = chance.lock().expect("one thread").between(0, 6_000);
        let worked = worked.fetch_add(took, Ordering::Relaxed) + took;
        Duration::from_millis(u64::try_from(kernel.now()).unwrap_or(0)) + Duration::from_micros(worked)
    })
}
