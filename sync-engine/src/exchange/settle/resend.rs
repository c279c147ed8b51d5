//! What the partner took, lost and asks for once more.

use super::FAILED;
use crate::partner::Verdict;
use std::time::Duration;

/// How often the time between two sends of what a partner loses is doubled.
const MAX_DOUBLINGS: u32 = 12;

/// What a delivered one's second send means for it. The partner has it once more, and its own state says how that ends: it
/// is looked at after `every`, and ever later where it is lost again and again, up to the schedule's `longest` wait.
pub fn resent(verdict: Verdict, every: Duration, attempts: u32, longest: Duration) -> Verdict {
    let again_after = every
        .saturating_mul(1 << attempts.min(MAX_DOUBLINGS))
        .min(longest.max(every));
    match verdict {
        Verdict::Taken { .. }
        | Verdict::Pending { .. }
        | Verdict::Conflict { .. }
        | Verdict::NotSeen
        | Verdict::Lost => Verdict::Pending { again_after },
        Verdict::Rejected { .. } => Verdict::Rejected { code: FAILED },
        Verdict::Applied | Verdict::Again { .. } | Verdict::Unknown { .. } | Verdict::Credentials => verdict,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{DeliveryState, Timestamp};
    use crate::exchange::pace::Pace;
    use crate::exchange::settle::{Circumstances, Recourse, Step, settle};
    use crate::partner::{LinesLeft, SendResult};

    #[test]
    fn a_second_send_of_a_delivered_one_leaves_it_to_the_next_look() {
        let (every, longest) = (Duration::from_secs(2), Duration::from_secs(5_000));
        let seconds = |attempts| match resent(Verdict::Taken { verify_after: None }, every, attempts, longest) {
            Verdict::Pending { again_after } => again_after.as_secs(),
            other => panic!("{other:?}"),
        };
        assert_eq!([0, 1, 5, 12, 13, u32::MAX].map(seconds), [2, 4, 64, 5000, 5000, 5000]);
        let kept = |verdict: Verdict| resent(verdict, every, 1, longest);
        assert_eq!(kept(Verdict::Applied), Verdict::Applied);
        let refused = Verdict::Rejected {
            code: "partner.rejected",
        };
        assert_eq!(kept(refused), Verdict::Rejected { code: FAILED });
        let conflict = Verdict::Conflict {
            code: "partner.conflict",
        };
        for verdict in [conflict, Verdict::Lost, Verdict::NotSeen] {
            assert!(matches!(kept(verdict), Verdict::Pending { .. }));
        }
        let unknown = Verdict::Unknown {
            code: "partner.timeout",
        };
        assert_eq!(kept(unknown.clone()), unknown);
    }

    #[test]
    fn what_may_not_go_once_more_is_a_dead_letter() {
        let result = SendResult {
            verdict: Verdict::Lost,
            status: Some(200),
            receipt: None,
            message: None,
            excerpt: None,
            lines: LinesLeft::default(),
        };
        let at = Circumstances {
            was_unknown: false,
            settled_from: Timestamp(0),
            attempts: 2,
            scheduled_from: Timestamp(0),
            now: Timestamp(0),
            random: 0,
            recourse: Recourse {
                can_look_up: true,
                honours_key: true,
            },
        };
        let settled = settle(Step::Verify, &result, &at, &Pace::default());
        assert_eq!((settled.to, settled.due_at), (DeliveryState::Dead, None));
        assert_eq!(settled.error.unwrap().code, "partner.lost");
        assert!(!settled.taken);
    }
}
