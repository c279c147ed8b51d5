//! Partners' configurations under an integrator's hands: check, try, read, save.

use super::{Engine, EngineError};
use crate::domain::PartnerId;
use crate::exchange::watch;
use crate::partner::{self, ConfigErrors, Mistake, PartnerConfig, Trial, TrialInput};
use serde::Serialize;
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};
use utoipa::ToSchema;

/// What a check of a configuration found.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ConfigurationCheck {
    /// Whether the configuration could be put in force.
    pub ok: bool,
    /// The partner's id, where the configuration holds.
    pub partner: Option<String>,
    pub mistakes: Vec<Mistake>,
    /// What is no mistake and yet hardly meant.
    pub warnings: Vec<Mistake>,
}

/// A partner's configuration file.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ConfigurationFile {
    pub partner: String,
    /// Where it lies.
    pub file: String,
    /// Its text as it is.
    pub text: String,
    /// Mistakes of this text; with any, the last good one stays in force.
    pub mistakes: Vec<Mistake>,
    pub warnings: Vec<Mistake>,
}

impl Engine {
    /// Every mistake of a configuration, without putting it in force. Schemas are looked for in the partners' folder.
    pub fn check_configuration(&self, text: &str) -> ConfigurationCheck {
        match self.read_configuration(text) {
            Ok(config) => ConfigurationCheck {
                ok: true,
                partner: Some(config.id().to_string()),
                mistakes: Vec::new(),
                warnings: config.warnings().to_vec(),
            },
            Err(errors) => ConfigurationCheck {
                ok: false,
                partner: None,
                mistakes: errors.mistakes,
                warnings: Vec::new(),
            },
        }
    }

    /// What the configuration makes of a payload, or of a page that the partner is asked for. Nothing is stored.
    ///
    /// # Errors
    /// `Refused` with `configuration.mistakes` and all of them, or `stream.unknown`.
    pub async fn try_configuration(&self, text: &str, input: &TrialInput) -> Result<Trial, EngineError> {
        let config = self.read_configuration(text).map_err(mistakes)?;
        let clock = &self.exchange().clock;
        let link = config
            .connect(self.secrets(), std::sync::Arc::clone(clock))
            .map_err(EngineError::Config)?;
        let tried = link.try_out(input, clock.now()).await;
        tried.map_err(|message| EngineError::refused("stream.unknown", &message))
    }

    /// The partner's configuration file as it lies there.
    ///
    /// # Errors
    /// `NotFound`; `Config` when it cannot be read.
    pub fn configuration(&self, partner: &PartnerId) -> Result<ConfigurationFile, EngineError> {
        let path = self.configuration_path(partner).ok_or_else(|| EngineError::NotFound {
            what: "partner",
            id: partner.to_string(),
        })?;
        let text = std::fs::read_to_string(&path)
            .map_err(|e| EngineError::Config(format!("{} cannot be read: {e}", path.display())))?;
        let check = self.check_configuration(&text);
        Ok(ConfigurationFile {
            partner: partner.to_string(),
            file: path.display().to_string(),
            text,
            mistakes: check.mistakes,
            warnings: check.warnings,
        })
    }

    /// The partner's side of the exchange as an OpenAPI 3.1 document.
    ///
    /// # Errors
    /// As of `configuration`; `Refused` with `configuration.mistakes` when the file has any.
    pub fn partner_openapi(&self, partner: &PartnerId) -> Result<serde_json::Value, EngineError> {
        let file = self.configuration(partner)?;
        let config = self.read_configuration(&file.text).map_err(mistakes)?;
        Ok(config.openapi())
    }

    /// Writes the partner's file, a new one where there is none, and puts it in force. The file is replaced as a whole
    /// or not at all.
    ///
    /// # Errors
    /// `Refused` with `configuration.mistakes` and all of them, or with `configuration.id` when the text is another
    /// partner's; `Config` when the file cannot be written. Then nothing changes.
    pub async fn save_configuration(
        &self,
        partner: &PartnerId,
        text: String,
    ) -> Result<ConfigurationFile, EngineError> {
        let config = self.read_configuration(&text).map_err(mistakes)?;
        if config.id() != partner {
            return Err(EngineError::Refused {
                code: "configuration.id",
                message: format!("this is the configuration of \"{}\", not of \"{partner}\"", config.id()),
                data: json!({ "id": config.id() }),
            });
        }
        let path = self.configuration_path(partner);
        let path = path.unwrap_or_else(|| self.exchange().partners.dir().join(format!("{partner}.json")));
        let to = path.clone();
        let writing = tokio::task::spawn_blocking(move || replace(&to, &text));
        let written = writing.await.map_err(|e| EngineError::Internal(e.to_string()))?;
        written.map_err(|e| EngineError::Config(format!("{} cannot be written: {e}", path.display())))?;
        watch::reload(self.exchange()).await;
        tracing::info!(partner = %partner, file = %path.display(), "configuration saved");
        self.configuration(partner)
    }

    fn read_configuration(&self, text: &str) -> Result<PartnerConfig, ConfigErrors> {
        partner::parse(text, "configuration", self.exchange().partners.dir())
    }

    /// The file that the partner is in force from, or that is broken under its name.
    fn configuration_path(&self, partner: &PartnerId) -> Option<PathBuf> {
        let files = self.exchange().partners.files();
        let in_force = files
            .iter()
            .find(|f| f.partner.as_ref().is_some_and(|p| p.id == *partner));
        let named = || {
            files
                .iter()
                .find(|f| f.path.file_stem().is_some_and(|s| s == partner.0.as_str()))
        };
        in_force.or_else(named).map(|f| f.path.clone())
    }
}

/// A file beside the old one takes its place in one step, so that nobody ever reads half of it.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // Hidden, so that it is no configuration while it is written.
    let beside = folder.join(format!(".{name}.{}", std::process::id()));
    let write = || {
        let mut file = std::fs::File::create(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&beside, path)
    };
    let written = write();
    if written.is_err() {
        // The error above is what matters.
        let _ = std::fs::remove_file(&beside);
    }
    written
}

fn mistakes(errors: ConfigErrors) -> EngineError {
    let shown = errors.mistakes.first().map(ToString::to_string);
    EngineError::Refused {
        code: "configuration.mistakes",
        message: match errors.mistakes.len() {
            0 | 1 => shown.unwrap_or_default(),
            n => format!("{} (and {} more)", shown.unwrap_or_default(), n - 1),
        },
        data: json!({ "mistakes": errors.mistakes }),
    }
}
