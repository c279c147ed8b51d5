//! What follows a request of an operation that may take several: the next one, the same one made anew, or nothing.

use super::material::{Material, guarded};
use super::outcome::{Next, merged};
use super::pace::{Pace, millis};
use super::settle::{Circumstances, Settlement, Step};
use crate::domain::DeliveryState;
use crate::partner::{IntakeError, OutboundKind, PartnerLink, SendResult, Verdict};
use crate::store::Claimed;
use std::time::Duration;

/// How often a request is made anew because the partner holds something newer; after that a person decides.
pub const MAX_ROUNDS: u32 = 5;

/// Changes what is written of an attempt to what follows it; the request after it, if there is one.
///
/// # Errors
/// What comes next cannot be worked out.
pub fn onward(
    (claimed, material): (&Claimed, &Material),
    (kind, link): (OutboundKind, &dyn PartnerLink),
    (step, result): (Step, &mut SendResult),
    settlement: &mut Settlement,
    (at, pace): (&Circumstances, &Pace),
) -> Result<Option<Next>, IntakeError> {
    match step {
        Step::Prepare | Step::Verify => return Ok(None),
        Step::Send | Step::Lookup | Step::Job => {}
    }
    let kept = result.receipt.take();
    // What was kept when the job began, with what its end told.
    let begun = material.at.job.as_ref().filter(|_| step == Step::Job);
    let all = merged(begun.map(|job| job.kept.clone()), kept.as_ref());
    let waits = job(link, kind, (step, &result.verdict), material).filter(|_| settlement.taken);
    let next = if let Some(wait) = waits {
        settlement.taken = false;
        settlement.to = DeliveryState::Retrying;
        settlement.due_at = Some(at.now.plus_millis(millis(wait)));
        let progress = material.at.begun(kept.as_ref());
        Some(Next { progress, onward: true })
    } else if settlement.taken {
        let input = material.input(claimed);
        guarded(|| link.after(&input, all.as_ref()))?.map(|progress| {
            settlement.taken = false;
            settlement.to = DeliveryState::Retrying;
            settlement.due_at = Some(at.now);
            Next { progress, onward: true }
        })
    } else if step == Step::Job {
        None
    } else if result.lines.again.is_empty() {
        let anew = anew((claimed, material), (kind, link), (step, result), settlement, at);
        anew.then(|| {
            settlement.to = DeliveryState::Retrying;
            settlement.due_at = Some(match step {
                Step::Send => at.now.plus_millis(millis(pace.quick_base)),
                Step::Prepare | Step::Lookup | Step::Verify | Step::Job => at.now,
            });
            Next {
                progress: material.at.anew(),
                onward: false,
            }
        })
    } else {
        let mut progress = material.at.anew();
        progress.left = Some(std::mem::take(&mut result.lines.again));
        progress.refused.append(&mut result.lines.refused);
        Some(Next {
            progress,
            onward: false,
        })
    };
    // What every answer gave counts for what is asked later, that of the newest one first.
    result.receipt = merged(claimed.receipt.clone(), kept.as_ref()).filter(|_| kept.is_some());
    Ok(next)
}

/// How soon the job of a request that is through is looked at. One that the partner shows as applied has none to wait for.
fn job(
    link: &dyn PartnerLink,
    kind: OutboundKind,
    (step, verdict): (Step, &Verdict),
    material: &Material,
) -> Option<Duration> {
    let begins = step != Step::Job && *verdict != Verdict::Applied;
    begins.then(|| link.job_after(kind, &material.at)).flatten()
}

/// Whether the request is made anew, because the partner holds something newer and never took it as it was.
fn anew(
    (claimed, material): (&Claimed, &Material),
    (kind, link): (OutboundKind, &dyn PartnerLink),
    (step, result): (Step, &SendResult),
    settlement: &mut Settlement,
    at: &Circumstances,
) -> bool {
    let may = link.rereads(kind) && link.prepares(kind, &material.at) && material.at.round < MAX_ROUNDS;
    match (step, &result.verdict) {
        // Under a key of its own: what was sent before must not be on its way any more.
        (Step::Lookup, Verdict::NotSeen) => may && at.now >= at.settled_from,
        (Step::Send, Verdict::Conflict { .. }) if may => {
            // An earlier send of it may be what the partner holds: it is asked, not sent once more.
            let sent_before = claimed.request.is_some();
            if sent_before && at.recourse.can_look_up {
                settlement.to = DeliveryState::Unknown;
                settlement.due_at = Some(at.now);
            }
            !sent_before
        }
        _ => false,
    }
}
