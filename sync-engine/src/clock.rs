//! Time and randomness come in from outside, so that a simulation can own them.

use crate::domain::{OperationId, Timestamp};
use std::sync::Arc;
use std::time::{Duration, Instant};

pub type Sleep = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

/// How long work takes: the time since some moment. It decides how much is done at once and how long a read may take, and nothing else.
pub type Stopwatch = Arc<dyn Fn() -> Duration + Send + Sync>;

/// The machine's.
pub fn stopwatch() -> Stopwatch {
    let start = Instant::now();
    Arc::new(move || start.elapsed())
}

pub trait Clock: Send + Sync + 'static {
    fn now(&self) -> Timestamp;
    /// Resolves after `duration` of this clock's time.
    fn sleep(&self, duration: Duration) -> Sleep;
    /// Uniform 64 bits.
    fn random(&self) -> u64;

    /// A new UUIDv7 (RFC 9562) of this clock's time and randomness.
    fn new_operation_id(&self) -> OperationId {
        let mut bytes = [0u8; 10];
        bytes[..8].copy_from_slice(&self.random().to_le_bytes());
        bytes[8..].copy_from_slice(&self.random().to_le_bytes()[..2]);
        let millis = u64::try_from(self.now().0).unwrap_or(0);
        OperationId(uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid())
    }
}

/// The machine's clock and generator.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp(chrono::Utc::now().timestamp_millis())
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(duration))
    }

    fn random(&self) -> u64 {
        rand::random()
    }
}
