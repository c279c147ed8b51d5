//! What a monitor counts of this process (OpenMetrics 1.0). Numbers of what is stored come from the store when they are
//! asked for; these are of what happened since the start.

use crate::domain::{DeliveryState, PartnerId};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AttemptLabels {
    partner: String,
    step: &'static str,
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RunLabels {
    partner: String,
    stream: String,
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PartnerLabel {
    partner: String,
}

/// Counts and times; cheap to count on, shared by all threads.
pub struct Meter {
    registry: Registry,
    attempts: Family<AttemptLabels, Counter>,
    attempt_seconds: Family<PartnerLabel, Histogram>,
    runs: Family<RunLabels, Counter>,
    items: Family<RunLabels, Counter>,
}

impl Default for Meter {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("countersign");
        let attempts = Family::default();
        // 5 ms to 82 s: a request may take 60 s.
        let attempt_seconds = Family::<PartnerLabel, Histogram>::new_with_constructor(|| {
            Histogram::new(exponential_buckets(0.005, 2.0, 15))
        });
        let runs = Family::default();
        let items = Family::default();
        registry.register(
            "attempts",
            "Requests that deliver, look up or verify, by what they ended in",
            attempts.clone(),
        );
        registry.register_with_unit(
            "attempt",
            "Time of such a request",
            Unit::Seconds,
            attempt_seconds.clone(),
        );
        registry.register(
            "poll_runs",
            "Runs over a partner's stream, by how they ended",
            runs.clone(),
        );
        registry.register(
            "polled_items",
            "Items of polled pages, by what became of them",
            items.clone(),
        );
        Self {
            registry,
            attempts,
            attempt_seconds,
            runs,
            items,
        }
    }
}

impl Meter {
    /// A request ended; `result` is the state of its operation after it.
    pub fn attempt(&self, partner: &PartnerId, step: &'static str, result: DeliveryState, took: Duration) {
        let labels = AttemptLabels {
            partner: partner.0.clone(),
            step,
            result: state(result),
        };
        self.attempts.get_or_create(&labels).inc();
        let partner = PartnerLabel {
            partner: partner.0.clone(),
        };
        self.attempt_seconds.get_or_create(&partner).observe(took.as_secs_f64());
    }

    /// A run over a stream ended; `result` is `ok` or why not.
    pub fn run(&self, partner: &PartnerId, stream: &str, result: &'static str) {
        self.runs.get_or_create(&of_stream(partner, stream, result)).inc();
    }

    /// `count` items of a run became `result`.
    pub fn items(&self, partner: &PartnerId, stream: &str, result: &'static str, count: u32) {
        if count > 0 {
            let items = self.items.get_or_create(&of_stream(partner, stream, result));
            items.inc_by(u64::from(count));
        }
    }

    pub fn registry(&self) -> &Registry {
        &self.registry
    }
}

fn state(state: DeliveryState) -> &'static str {
    match state {
        DeliveryState::Queued => "queued",
        DeliveryState::Sending => "sending",
        DeliveryState::Delivered => "delivered",
        DeliveryState::Applied => "applied",
        DeliveryState::Retrying => "retrying",
        DeliveryState::Unknown => "unknown",
        DeliveryState::Held => "held",
        DeliveryState::Dead => "dead",
        DeliveryState::Withdrawn => "withdrawn",
    }
}

fn of_stream(partner: &PartnerId, stream: &str, result: &'static str) -> RunLabels {
    RunLabels {
        partner: partner.0.clone(),
        stream: stream.to_owned(),
        result,
    }
}
