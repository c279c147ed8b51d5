//! Since when this engine knows of operations whose outcome is not known.
//!
//! What may be on its way has to be given its time before it means something that the partner has not seen it. Moments
//! that another engine wrote down, or this one before its clock was set, are of another clock: there the time begins when
//! this engine first looks.

use crate::domain::{OperationId, Timestamp};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

#[derive(Debug, Default)]
pub struct Doubts(Mutex<BTreeMap<OperationId, Doubt>>);

#[derive(Debug, Clone, Copy)]
struct Doubt {
    /// Which send it is about, as it is written down. After another one, this is an old story.
    sent_at: Option<Timestamp>,
    /// Whoever sent it is gone or has another clock: since then it is waited for. `None`: this engine sent it.
    since: Option<Timestamp>,
}

impl Doubts {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<OperationId, Doubt>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// This engine sends it now.
    pub fn sent(&self, operation: OperationId, now: Timestamp) {
        let sent = Doubt {
            sent_at: Some(now),
            since: None,
        };
        self.lock().insert(operation, sent);
    }

    /// It is looked for, and was sent at `sent_at`. Since when it is waited for here; `None` when that moment is of this
    /// engine's own clock.
    pub fn looked(&self, operation: OperationId, sent_at: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
        let mut doubts = self.lock();
        let known = doubts.get(&operation).filter(|known| known.sent_at == sent_at);
        // A look that began under a clock that was ahead, and ended after that was set, is no witness.
        let since = known.map_or(Some(now), |known| known.since.map(|since| since.min(now)));
        doubts.insert(operation, Doubt { sent_at, since });
        since
    }

    pub fn is_settled(&self, operation: OperationId) {
        self.lock().remove(&operation);
    }

    /// The clock was set: no moment of before is of use.
    pub fn forget(&self) {
        self.lock().clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_sent_here_is_of_this_clock() {
        let (doubts, one) = (Doubts::default(), OperationId(uuid::Uuid::from_u128(1)));
        let at = |seconds: i64| Timestamp(seconds * 1_000);
        doubts.sent(one, at(1));
        assert_eq!(doubts.looked(one, Some(at(1)), at(60)), None);
        assert_eq!(doubts.looked(one, Some(at(1)), at(61)), None);
        assert_eq!(
            doubts.looked(one, Some(at(50)), at(70)),
            Some(at(70)),
            "another engine sent it"
        );
        assert_eq!(doubts.looked(one, Some(at(50)), at(130)), Some(at(70)));
        assert_eq!(
            doubts.looked(one, Some(at(50)), at(65)),
            Some(at(65)),
            "the clock was ahead when the first look began"
        );
        doubts.sent(one, at(131));
        assert_eq!(doubts.looked(one, Some(at(131)), at(140)), None);
        doubts.forget();
        assert_eq!(
            doubts.looked(one, Some(at(131)), at(150)),
            Some(at(150)),
            "the clock was set"
        );
        doubts.is_settled(one);
        assert!(doubts.lock().is_empty());
    }
}
