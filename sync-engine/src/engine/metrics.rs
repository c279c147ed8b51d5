//! What a monitor reads: numbers of the store and the partners, beside what this process counted.

use super::{Engine, EngineError, PartnerStatus};
use crate::store::Counters;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use std::path::Path;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct State {
    state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Partner {
    partner: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    kind: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct File {
    file: &'static str,
}

impl Engine {
    /// Everything as OpenMetrics text.
    ///
    /// # Errors
    /// The store's own.
    pub fn metrics(&self) -> Result<String, EngineError> {
        let exchange = self.exchange();
        let mut registry = Registry::with_prefix("countersign");
        registry.register(
            "build",
            "The program",
            Info::new([("version", env!("CARGO_PKG_VERSION"))]),
        );
        counters(&mut registry, &exchange.store.counters(&exchange.company)?);
        self.partner_gauges(&mut registry)?;
        let incidents = Family::<Kind, Gauge>::default();
        for open in exchange.store.open_incidents(&exchange.company)? {
            incidents.get_or_create(&Kind { kind: open.kind }).inc();
        }
        registry.register("incidents_open", "What lasts and a person should know of", incidents);
        files(&mut registry, self.database());
        let mut text = String::new();
        encode_registry(&mut text, &registry)
            .and_then(|()| encode_registry(&mut text, exchange.meter.registry()))
            .and_then(|()| encode_eof(&mut text))
            .map_err(|e| EngineError::Internal(format!("the metrics cannot be written: {e}")))?;
        Ok(text)
    }

    fn partner_gauges(&self, registry: &mut Registry) -> Result<(), EngineError> {
        let (up, success) = (Family::<Partner, Gauge>::default(), Family::<Partner, Gauge>::default());
        for view in self.partners()? {
            let partner = Partner { partner: view.id.0 };
            let on_line = view.status == PartnerStatus::OnLine;
            up.get_or_create(&partner).set(i64::from(on_line));
            if let Some(at) = view.last_success_at {
                success.get_or_create(&partner).set(at.0 / 1000);
            }
        }
        registry.register("partner_up", "1: reached, signed in, configured and not paused", up);
        registry.register_with_unit(
            "partner_last_success_timestamp",
            "When the partner last answered as it should, since 1970",
            Unit::Seconds,
            success,
        );
        Ok(())
    }
}

fn counters(registry: &mut Registry, counters: &Counters) {
    let operations = Family::<State, Gauge>::default();
    for (state, count) in [
        ("queued", counters.queued),
        ("sending", counters.sending),
        ("retrying", counters.retrying),
        ("delivered", counters.delivered),
        ("applied", counters.applied),
        ("unknown", counters.unknown),
        ("held", counters.held),
        ("dead", counters.dead),
    ] {
        operations.get_or_create(&State { state }).set(count);
    }
    registry.register("operations", "Operations by state", operations);
    let gauge = |value: i64| {
        let gauge = Gauge::<i64>::default();
        gauge.set(value);
        gauge
    };
    registry.register("documents", "Documents", gauge(counters.documents));
    registry.register(
        "needs_answer",
        "Documents that wait for a person",
        gauge(counters.needs_answer),
    );
    registry.register(
        "quarantine",
        "Payloads that could not become a version",
        gauge(counters.quarantine),
    );
}

fn files(registry: &mut Registry, database: &Path) {
    let bytes = Family::<File, Gauge>::default();
    for (file, suffix) in [("database", ""), ("wal", "-wal")] {
        let mut name = database.as_os_str().to_owned();
        name.push(suffix);
        let size = std::fs::metadata(name).map_or(0, |m| i64::try_from(m.len()).unwrap_or(i64::MAX));
        bytes.get_or_create(&File { file }).set(size);
    }
    registry.register_with_unit("store_size", "Size of the store's files", Unit::Bytes, bytes);
}
