//! An engine without a background, with small partners of a test's own.

use crate::exchange_world::{TestSecrets, fast, options, partners_dir};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use sync_engine::domain::PartnerId;
use sync_engine::engine::{Engine, EngineError, SyncReport};
use sync_engine::store::Counters;

pub fn put(dir: &Path, config: &Value) {
    let partners = partners_dir(dir);
    std::fs::create_dir_all(&partners).unwrap();
    let file = partners.join(format!("{}.json", config["id"].as_str().unwrap()));
    std::fs::write(file, config.to_string()).unwrap();
}

pub async fn engine(dir: &Path) -> Engine {
    let mut options = options(dir, &Arc::new(TestSecrets::default()), &fast());
    options.background = false;
    Engine::start(options).await.expect("an engine")
}

pub async fn sync(engine: &Engine, partner: &str) -> Result<SyncReport, String> {
    match engine.sync_now(&PartnerId(partner.to_owned())).await {
        Ok(report) => Ok(report),
        Err(EngineError::Refused { code, .. }) => Err(code.to_owned()),
        Err(other) => Err(format!("{other:?}")),
    }
}

pub fn counters(engine: &Engine) -> Counters {
    engine.store().counters(engine.company()).unwrap()
}

/// An order that every small configuration can read.
pub fn order(number: impl std::fmt::Display) -> Value {
    json!({"id": number.to_string(), "lines": [{"n": "1", "qty": "2"}]})
}
