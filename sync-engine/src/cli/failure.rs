//! What went wrong, what to do, and the exit code that says so.

use serde_json::json;
use std::process::ExitCode;
use sync_engine::engine::EngineError;
use sync_engine::partner::SecretError;
use sync_engine::settings::LockError;
use sync_engine::store::StoreError;

/// What to do about a data folder that this user may not work in.
pub const MEND_RIGHTS: &str = "mend the folder's rights, run this as its owner, or name another one with --data-dir";

/// Exit codes; `countersign --help` and docs/settings.md list them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Failed = 1,
    Usage = 2,
    Configuration = 3,
    Unreachable = 4,
    NotFound = 5,
    InUse = 6,
}

/// Every code with what it means, 0 first.
pub const EXIT_CODES: [(u8, &str); 7] = [
    (0, "done"),
    (Exit::Failed as u8, "failed"),
    (Exit::Usage as u8, "the command line is wrong"),
    (
        Exit::Configuration as u8,
        "what a configuration or settings file says is wrong",
    ),
    (
        Exit::Unreachable as u8,
        "a partner cannot be reached, or refuses the credentials",
    ),
    (
        Exit::NotFound as u8,
        "what was named is not there: a file, a database, a document, a partner",
    ),
    (
        Exit::InUse as u8,
        "in use: another engine works on this data, or the port is taken",
    ),
];

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

#[derive(Debug)]
pub struct Failure {
    pub exit: Exit,
    pub message: String,
    /// What to do about it, where that is not plain from the message.
    pub hint: Option<String>,
}

impl Failure {
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            hint: None,
        }
    }

    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(Exit::Failed, message)
    }

    pub fn configuration(message: impl Into<String>) -> Self {
        Self::new(Exit::Configuration, message)
    }

    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(Exit::NotFound, message)
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// To standard error: for a person, or as one line of JSON.
    pub fn report(&self, json: bool) {
        if json {
            let error = json!({ "error": { "exit": self.exit as u8, "message": self.message, "hint": self.hint } });
            eprintln!("{error}");
            return;
        }
        eprintln!("error: {}", self.message);
        if let Some(hint) = &self.hint {
            eprintln!("  {hint}");
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let exit = match &error {
            StoreError::NotFound { .. } => Exit::NotFound,
            _ => Exit::Failed,
        };
        Self::new(exit, error.to_string())
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        let exit = match &error {
            EngineError::Store(StoreError::NotFound { .. }) => Exit::NotFound,
            EngineError::Store(_) => Exit::Failed,
            EngineError::NotFound { .. } => Exit::NotFound,
            EngineError::Config(_) => Exit::Configuration,
            EngineError::Refused { code, .. } if code.starts_with("partner.") && *code != "partner.paused" => {
                Exit::Unreachable
            }
            EngineError::Refused { .. } | EngineError::Internal(_) => Exit::Failed,
        };
        Self::new(exit, error.to_string())
    }
}

impl From<LockError> for Failure {
    fn from(error: LockError) -> Self {
        match &error {
            LockError::Held { .. } => Self::new(Exit::InUse, error.to_string())
                .hint("stop that one first, or name another data folder with --data-dir"),
            LockError::Unusable { .. } => Self::failed(error.to_string()).hint(MEND_RIGHTS),
        }
    }
}

impl From<SecretError> for Failure {
    fn from(error: SecretError) -> Self {
        Self::configuration(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::EXIT_CODES;

    #[test]
    fn the_page_lists_every_exit_code() {
        let page = include_str!("../../../docs/settings.md");
        let rows: Vec<String> = EXIT_CODES
            .iter()
            .map(|(code, means)| format!("| {code} | {means} |"))
            .collect();
        let listed: Vec<&str> = page
            .lines()
            .skip_while(|line| *line != "## Exit codes")
            .filter(|line| line.starts_with("| ") && !line.contains("---") && !line.starts_with("| code"))
            .collect();
        assert_eq!(listed, rows);
    }
}
