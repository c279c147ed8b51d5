//! An engine with the sandbox partner's configuration, pointed at the stub.

use crate::{Error, Outcome};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use sync_engine::clock::SystemClock;
use sync_engine::domain::{CompanyId, PartnerId};
use sync_engine::engine::{Engine, EngineOptions};
use sync_engine::exchange::Pace;
use sync_engine::partner::{Secret, SecretError, Secrets};
use sync_engine::print::Letterhead;

const PARTNER: &str = "sandbox";
/// In flight at once, as the baseline has it.
const CONCURRENCY: u64 = 32;

/// A run of polling ends here, so that a few orders can be had of a stub that has a million.
const PAGES_PER_RUN: u32 = 20;

pub struct OneSecret;

impl Secrets for OneSecret {
    fn get(&self, _name: &str) -> Result<Secret, SecretError> {
        Ok(Secret::new("sandbox-secret".into()))
    }

    fn set(&self, name: &str, _value: Secret) -> Result<(), SecretError> {
        Err(SecretError::Missing(name.to_owned()))
    }
}

pub fn partner() -> PartnerId {
    PartnerId(PARTNER.into())
}

pub fn company() -> CompanyId {
    CompanyId("main".into())
}

/// The shipped configuration with the stub's address, 32 requests in flight and no look at what was applied: the
/// baseline has none.
pub fn write_partner(dir: &Path, base_url: &str) -> Outcome {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../configs/partners");
    copy(&shipped.join("sandbox"), &dir.join("sandbox"))?;
    let text = std::fs::read_to_string(shipped.join("sandbox.json"))?;
    let mut config: Value = serde_json::from_str(&text)?;
    config["baseUrl"] = json!(base_url);
    config["limits"]["concurrency"] = json!(CONCURRENCY);
    // What the stub serves.
    config["streams"]
        .as_object_mut()
        .ok_or("a configuration without streams")?
        .retain(|name, _| name == "orders" || name == "deliveryNotes");
    for operation in config["operations"]
        .as_object_mut()
        .into_iter()
        .flat_map(|o| o.values_mut())
    {
        if let Some(operation) = operation.as_object_mut() {
            operation.remove("verify");
        }
    }
    std::fs::write(dir.join("sandbox.json"), config.to_string())?;
    Ok(())
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        std::fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}

/// An engine that does only what it is told, on `dir`; what is there stays there.
pub async fn engine(dir: &Path, base_url: &str) -> Result<Engine, Error> {
    let partners_dir = dir.join("partners");
    std::fs::create_dir_all(&partners_dir)?;
    write_partner(&partners_dir, base_url)?;
    let engine = Engine::start(options(dir, false)).await?;
    if let Some(broken) = engine.partners()?.iter().find(|p| !p.config_errors.is_empty()) {
        return Err(broken.config_errors.join("\n").into());
    }
    Ok(engine)
}

pub fn options(dir: &Path, background: bool) -> EngineOptions {
    EngineOptions {
        company: company(),
        letterhead: Letterhead::default(),
        data_dir: dir.to_owned(),
        partners_dir: dir.join("partners"),
        secrets: Arc::new(OneSecret),
        clock: Arc::new(SystemClock),
        background,
        pace: Pace {
            pages_per_run: PAGES_PER_RUN,
            ..Pace::default()
        },
    }
}

/// Polls until `count` documents are there.
pub async fn ingest(engine: &Engine, count: i64) -> Outcome {
    loop {
        let report = engine.sync_now(&partner()).await?;
        if report.quarantined > 0 {
            return Err(format!("{} of the fixtures went to quarantine", report.quarantined).into());
        }
        let there = engine.store().counters(&company())?.documents;
        if there >= count {
            return Ok(());
        }
        if report.versions == 0 {
            return Err(format!("the stub has only {there} of {count} orders").into());
        }
    }
}
