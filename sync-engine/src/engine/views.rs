//! Partners and health as screens and probes show them.

use super::{Engine, EngineError};
use crate::domain::{PartnerId, Timestamp};
use crate::exchange::partners::PartnerFile;
use crate::store::{BreakerState, PartnerState};
use serde::Serialize;
use std::path::Path;
use utoipa::ToSchema;

/// A clock that is off by more is a reason: signatures and tokens begin to fail.
const SKEW_MS: i64 = 60_000;

/// A partner as screens show it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PartnerView {
    pub id: PartnerId,
    pub name: String,
    /// `onLine`, `paused`, `credentialsBroken`, `unreachable`, `configurationBroken`.
    pub status: PartnerStatus,
    /// Why, in a sentence, unless it is on line.
    pub reason: Option<String>,
    pub streams: Vec<String>,
    pub operations: Vec<String>,
    pub last_success_at: Option<Timestamp>,
    pub last_failure_at: Option<Timestamp>,
    pub config_file: String,
    /// Mistakes of a file that was refused while the last good one stays in force.
    pub config_errors: Vec<String>,
    pub clock_skew_ms: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum PartnerStatus {
    OnLine,
    Paused,
    CredentialsBroken,
    Unreachable,
    ConfigurationBroken,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    pub ready: bool,
    /// Empty when all is well; else codes with a sentence each.
    pub reasons: Vec<HealthReason>,
    pub version: String,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct HealthReason {
    pub code: String,
    pub message: String,
}

impl Engine {
    /// Every configuration file with the partner of it, in the order of their names.
    ///
    /// # Errors
    /// None at present; the store may be asked later.
    pub fn partners(&self) -> Result<Vec<PartnerView>, EngineError> {
        Ok(self.exchange().partners.files().iter().map(view).collect())
    }

    /// Ready to serve, and what a person should look at.
    pub fn health(&self) -> Health {
        let mut reasons = Vec::new();
        let stopping = self.exchange().stopping();
        if stopping {
            reasons.push(reason("engine.stopping", "the engine is stopping".to_owned()));
        }
        if let Some(trouble) = self.store().trouble() {
            reasons.push(reason(trouble.code, format!("{}; polling waits", trouble.message)));
        }
        for file in self.exchange().partners.files() {
            let view = view(&file);
            let code = match view.status {
                PartnerStatus::ConfigurationBroken => Some("partner.configuration"),
                PartnerStatus::CredentialsBroken => Some("partner.credentials"),
                PartnerStatus::Unreachable => Some("partner.unreachable"),
                PartnerStatus::OnLine | PartnerStatus::Paused if !view.config_errors.is_empty() => {
                    Some("partner.configuration")
                }
                PartnerStatus::OnLine | PartnerStatus::Paused => None,
            };
            if let Some(skew) = view.clock_skew_ms.filter(|skew| skew.abs() > SKEW_MS) {
                let than = if skew > 0 { "ahead of" } else { "behind" };
                let message = format!(
                    "{}: the partner's clock is {} s {than} ours",
                    view.id,
                    skew.abs() / 1000
                );
                reasons.push(reason("partner.clock", message));
            }
            if let Some(code) = code {
                let why = view
                    .reason
                    .or_else(|| view.config_errors.first().cloned())
                    .unwrap_or_default();
                reasons.push(reason(code, format!("{}: {why}", view.id)));
            }
        }
        Health {
            ready: !stopping,
            reasons,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

fn reason(code: &str, message: String) -> HealthReason {
    HealthReason {
        code: code.to_owned(),
        message,
    }
}

fn view(file: &PartnerFile) -> PartnerView {
    let config_file = file.path.display().to_string();
    let config_errors = file.errors.clone();
    let Some(partner) = &file.partner else {
        let name = stem(&file.path);
        return PartnerView {
            id: PartnerId(name.clone()),
            name,
            status: PartnerStatus::ConfigurationBroken,
            reason: config_errors.first().cloned(),
            streams: Vec::new(),
            operations: Vec::new(),
            last_success_at: None,
            last_failure_at: None,
            config_file,
            config_errors,
            clock_skew_ms: None,
        };
    };
    let link = partner.link();
    let state = partner.gate.state();
    let (status, reason) = status(&state);
    PartnerView {
        id: partner.id.clone(),
        name: link.name().to_owned(),
        status,
        reason,
        streams: link.streams().iter().map(|s| s.name.clone()).collect(),
        operations: link.operations().iter().map(|o| o.as_str().to_owned()).collect(),
        last_success_at: state.last_success_at,
        last_failure_at: state.last_failure_at,
        config_file,
        config_errors,
        clock_skew_ms: partner.gate.clock_skew_ms(),
    }
}

fn status(state: &PartnerState) -> (PartnerStatus, Option<String>) {
    let because = |sentence: &str| {
        let error = state.last_error.as_ref();
        let words = error.and_then(|e| e.message.clone()).or(error.map(|e| e.code.clone()));
        Some(match words {
            Some(words) => format!("{sentence}: {words}"),
            None => sentence.to_owned(),
        })
    };
    if state.paused {
        return (PartnerStatus::Paused, Some("a person paused it".to_owned()));
    }
    if state.credentials_broken {
        return (
            PartnerStatus::CredentialsBroken,
            because("the partner refuses our credentials"),
        );
    }
    match state.breaker {
        BreakerState::Closed => (PartnerStatus::OnLine, None),
        BreakerState::Open | BreakerState::HalfOpen => {
            (PartnerStatus::Unreachable, because("the partner cannot be reached"))
        }
    }
}

fn stem(path: &Path) -> String {
    path.file_stem()
        .map(|s| s.to_string_lossy().into_owned())
        .unwrap_or_default()
}
