//! An operation of a worked example: made, sent, tried again, looked up and verified as the engine does it, as long as
//! the page's script goes on.

use crate::reference_partner::ScriptedPartner;
use serde_json::Value;
use sync_engine::domain::Progress;
use sync_engine::partner::{
    HttpPartner, IntakeError, PartnerLink, RenderInput, RenderedRequest, SendResult, Stage, Verdict,
};

/// Requests that one block may take: an example that runs in a circle ends.
const MAX_STEPS: usize = 50;

/// What came of the last request.
///
/// # Errors
/// A request that cannot be made.
pub async fn send(
    link: &HttpPartner,
    partner: &ScriptedPartner,
    input: RenderInput<'_>,
) -> Result<SendResult, IntakeError> {
    let mut at = Progress::default();
    let mut receipt = None;
    for _ in 0..MAX_STEPS {
        let stage = Stage {
            progress: Some(&at),
            prepared: None,
        };
        let here = link.here(&RenderInput { stage, ..input.clone() })?;
        let here = here.unwrap_or_else(|| at.clone());
        let (last, next) = one(link, partner, input.clone(), &here, &mut receipt).await?;
        match next {
            Some(next) => at = next,
            None => return Ok(last),
        }
    }
    panic!("the example runs in a circle")
}

/// One request, until it is through or the script ends; and the one after it.
async fn one(
    link: &HttpPartner,
    partner: &ScriptedPartner,
    input: RenderInput<'_>,
    at: &Progress,
    receipt: &mut Option<Value>,
) -> Result<(SendResult, Option<Progress>), IntakeError> {
    let stage = |prepared| Stage {
        progress: Some(at),
        prepared,
    };
    let input = RenderInput {
        stage: stage(None),
        ..input
    };
    if at.job.is_some() {
        return job(link, partner, &input, at, receipt).await;
    }
    let prepared = match link.prepares(input.kind, at) {
        false => None,
        true => match link.prepare(&input).await {
            Ok(prepared) => prepared,
            Err(seen) => return Ok((seen, None)),
        },
    };
    let input = RenderInput {
        stage: stage(prepared.as_ref()),
        ..input
    };
    let request = link.render(&input)?;
    let mut last = link.send(input.kind, input.operation_id, at, &request).await;
    for _ in 0..MAX_STEPS {
        if let Some(next) = next(link, &input, at, &last)? {
            *receipt = last.receipt.clone().or(receipt.take());
            return Ok((last, Some(next)));
        }
        *receipt = last.receipt.clone().or(receipt.take());
        if partner.is_done() {
            break;
        }
        last = go_on(link, &input, &request, &last.verdict, receipt.as_ref()).await;
    }
    Ok((last, None))
}

/// Looks at a job until it has ended, or the script has.
async fn job(
    link: &HttpPartner,
    partner: &ScriptedPartner,
    input: &RenderInput<'_>,
    at: &Progress,
    receipt: &mut Option<Value>,
) -> Result<(SendResult, Option<Progress>), IntakeError> {
    let mut last = link.verify(input, receipt.as_ref()).await;
    while matches!(last.verdict, Verdict::Pending { .. }) && !partner.is_done() {
        last = link.verify(input, receipt.as_ref()).await;
    }
    if !matches!(last.verdict, Verdict::Taken { .. }) {
        return Ok((last, None));
    }
    let mut kept = at.job.as_ref().map_or(Value::Null, |job| job.kept.clone());
    if let (Value::Object(kept), Some(Value::Object(more))) = (&mut kept, &last.receipt) {
        kept.extend(more.clone());
    }
    let next = link.after(input, Some(&kept))?;
    Ok((last, next))
}

fn next(
    link: &HttpPartner,
    input: &RenderInput<'_>,
    at: &Progress,
    last: &SendResult,
) -> Result<Option<Progress>, IntakeError> {
    if !last.lines.again.is_empty() {
        let mut anew = at.anew();
        anew.left = Some(last.lines.again.clone());
        anew.refused.extend(last.lines.refused.iter().cloned());
        return Ok(Some(anew));
    }
    match last.verdict {
        Verdict::Taken { .. } if link.job_after(input.kind, at).is_some() => Ok(Some(at.begun(last.receipt.as_ref()))),
        Verdict::Taken { .. } | Verdict::Applied => link.after(input, last.receipt.as_ref()),
        Verdict::Conflict { .. } if link.rereads(input.kind) && link.prepares(input.kind, at) => Ok(Some(at.anew())),
        _ => Ok(None),
    }
}

/// What the engine does next about a request.
async fn go_on(
    link: &HttpPartner,
    input: &RenderInput<'_>,
    request: &RenderedRequest,
    verdict: &Verdict,
    receipt: Option<&Value>,
) -> SendResult {
    let at = input.stage.progress.cloned().unwrap_or_default();
    match verdict {
        Verdict::Taken { .. } | Verdict::Pending { .. } => link.verify(input, receipt).await,
        Verdict::Unknown { .. } if link.can_look_up(input.kind, &at) => link.lookup(input, receipt).await,
        Verdict::Applied
        | Verdict::Unknown { .. }
        | Verdict::NotSeen
        | Verdict::Lost
        | Verdict::Again { .. }
        | Verdict::Credentials
        | Verdict::Conflict { .. }
        | Verdict::Rejected { .. } => link.send(input.kind, input.operation_id, &at, request).await,
    }
}
