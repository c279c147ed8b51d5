//! What was delivered and the partner lost: sent once more by the look that shows it.

use super::super::material::Material;
use super::super::outcome;
use super::super::pace::millis;
use super::super::settle::{self, Step};
use super::Attempt;
use crate::partner::{SendResult, Verdict};
use crate::store::{Lane, StoreError, StoreExt, StoredRequest};
use std::sync::Arc;

impl Attempt {
    /// Makes the request, and sends what it shows as lost once more; the flag says whether it did. `None`: stopped before
    /// it mattered.
    pub(super) async fn perform_or_resend(
        &self,
        step: Step,
        material: Option<&Material>,
        request: Option<&StoredRequest>,
    ) -> Result<Option<(SendResult, bool)>, StoreError> {
        let Some(result) = self.perform(step, material, request).await? else {
            return Ok(None);
        };
        if result.verdict != Verdict::Lost {
            return Ok(Some((result, false)));
        }
        // The next start looks again.
        if self.exchange.stopping() {
            return Ok(None);
        }
        if !self.may_go_again().await? {
            return Ok(Some((result, false)));
        }
        let second = self.perform(Step::Send, material, request).await?;
        Ok(second.map(|second| (self.resent(second), true)))
    }

    /// Whether what the partner lost is still the last word on its document. Only then it goes once more, byte for byte
    /// and under its key, so that nothing that came after it is overwritten.
    async fn may_go_again(&self) -> Result<bool, StoreError> {
        let claimed = Arc::clone(&self.claimed);
        if claimed.request.is_none() {
            return Ok(false);
        }
        let (id, epoch) = (claimed.operation, claimed.epoch);
        let until = self.exchange.clock.now().plus_millis(millis(self.exchange.pace.lease));
        let looking = self.exchange.store.write(Lane::Bulk, move |tx| {
            tx.renew_lease(id, epoch, until)?;
            outcome::is_last_word(tx, &claimed)
        });
        looking.await
    }

    /// A second send of what was delivered, as the look at it that it is part of.
    fn resent(&self, mut result: SendResult) -> SendResult {
        let pace = &self.exchange.pace;
        let every = match &result.verdict {
            Verdict::Taken {
                verify_after: Some(every),
            } => *every,
            _ => pace.quick_base,
        };
        result.verdict = settle::resent(result.verdict, every, self.claimed.attempts, pace.longest_wait());
        result.receipt =
            outcome::merged(self.claimed.receipt.clone(), result.receipt.as_ref()).filter(|_| result.receipt.is_some());
        result
    }
}
