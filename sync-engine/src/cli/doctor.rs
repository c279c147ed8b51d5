//! `countersign doctor`: looks at everything, changes nothing, says what to do.

mod checks;

use super::args::Global;
use super::failure::{Exit, Failure};
use super::{host, terminal};
use serde::Serialize;
use std::process::ExitCode;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    Ok,
    Warn,
    Fail,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Check {
    name: String,
    level: Level,
    message: String,
    /// What to do, unless it is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

impl Check {
    fn ok(name: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            level: Level::Ok,
            message: message.into(),
            advice: None,
        }
    }

    fn warn(name: impl Into<String>, message: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            level: Level::Warn,
            advice: Some(advice.into()),
            ..Self::ok(name, message)
        }
    }

    fn fail(name: impl Into<String>, message: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            level: Level::Fail,
            ..Self::warn(name, message, advice)
        }
    }
}

pub fn run(global: &Global) -> Result<ExitCode, Failure> {
    let settings = host::settings(global, None)?;
    let bar = terminal::waiting(global.json, "looking");
    let found = checks::all(&settings);
    bar.finish_and_clear();
    let worst = found.iter().map(|c| c.level).max().unwrap_or(Level::Ok);
    if global.json {
        terminal::json(&serde_json::json!({ "worst": worst, "checks": found }))?;
    } else {
        for check in &found {
            let sign = match check.level {
                Level::Ok => "ok  ",
                Level::Warn => "warn",
                Level::Fail => "FAIL",
            };
            terminal::line(format!("{sign}  {}: {}", check.name, check.message))?;
            if let Some(advice) = &check.advice {
                terminal::line(format!("      {advice}"))?;
            }
        }
    }
    Ok(match worst {
        Level::Ok | Level::Warn => ExitCode::SUCCESS,
        Level::Fail => Exit::Failed.into(),
    })
}
