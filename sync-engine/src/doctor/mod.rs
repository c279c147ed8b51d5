//! Looks at a whole installation, changes nothing, and says what is wrong, why that matters and what to do about it.

mod database;
mod files;
mod logs;
mod partners;
mod service;

pub use files::free_bytes;
pub use partners::files as partner_files;
pub use service::ask as ask_service;

use crate::clock::{Clock, SystemClock};
use crate::domain::CompanyId;
use crate::partner::Secrets;
use crate::settings::{FileSettings, SettingsError};
use crate::store::Examination;
use serde::Serialize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use utoipa::ToSchema;

/// What an installation is made of, as a host finds it.
#[derive(Clone)]
pub struct Installation {
    pub data_dir: PathBuf,
    pub partners_dir: PathBuf,
    pub company: CompanyId,
    /// The settings file; where it is refused, what goes by it is passed over.
    pub settings: Result<FileSettings, SettingsError>,
    pub secrets: Arc<dyn Secrets>,
    pub clock: Arc<dyn Clock>,
}

impl Installation {
    /// Folders as they are used, and what the settings file in force says.
    pub fn at(
        data_dir: PathBuf,
        partners_dir: PathBuf,
        company: CompanyId,
        settings_file: Option<&std::path::Path>,
        secrets: Arc<dyn Secrets>,
    ) -> Self {
        Self {
            settings: FileSettings::read(settings_file, &data_dir),
            data_dir,
            partners_dir,
            company,
            secrets,
            clock: Arc::new(SystemClock),
        }
    }

    /// What the settings say; the defaults where their file is refused.
    fn settings(&self) -> FileSettings {
        self.settings.clone().unwrap_or_default()
    }
}

/// How far a look goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// This process runs the engine: whether it answers is no question.
    pub from_within: bool,
    /// Partners, Loki and the service are asked whether they answer: without credentials, and nothing is changed there.
    pub outside: bool,
    /// Longest time for each reading of the whole database; `None` takes what it takes.
    pub limit: Option<Duration>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Ok,
    Warn,
    Fail,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Check {
    /// What was looked at, such as `database` or `partner acme`.
    pub name: String,
    pub level: Level,
    /// What was found, in our words.
    pub message: String,
    /// What somebody else said of it: a partner, a parser, the system. It may quote anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<String>,
    /// Why it matters, unless it is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What to do, unless it is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

impl Check {
    fn ok(name: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            level: Level::Ok,
            message: message.into(),
            words: None,
            why: None,
            advice: None,
        }
    }

    fn warn(name: impl Into<String>, message: impl Into<String>, why: &str, advice: impl Into<String>) -> Self {
        Self {
            level: Level::Warn,
            why: Some(why.to_owned()),
            advice: Some(advice.into()),
            ..Self::ok(name, message)
        }
    }

    fn fail(name: impl Into<String>, message: impl Into<String>, why: &str, advice: impl Into<String>) -> Self {
        Self {
            level: Level::Fail,
            ..Self::warn(name, message, why, advice)
        }
    }

    fn says(mut self, words: impl std::fmt::Display) -> Self {
        self.words = Some(words.to_string());
        self
    }

    /// Message and words in one sentence.
    pub fn sentence(&self) -> String {
        match &self.words {
            Some(words) => format!("{}: {words}", self.message),
            None => self.message.clone(),
        }
    }
}

/// A check as a terminal shows it.
pub fn lines(check: &Check) -> Vec<String> {
    let sign = match check.level {
        Level::Ok => "ok  ",
        Level::Warn => "warn",
        Level::Fail => "FAIL",
    };
    let mut lines = vec![format!("{sign}  {}: {}", check.name, check.sentence())];
    lines.extend(
        check
            .why
            .iter()
            .chain(&check.advice)
            .map(|text| format!("      {text}")),
    );
    lines
}

/// What was found, in the order in which it is shown.
#[derive(Debug, Clone)]
pub struct Found {
    pub checks: Vec<Check>,
    /// What is known of the database, where it could be read.
    pub database: Option<Examination>,
}

impl Found {
    pub fn worst(&self) -> Level {
        self.checks.iter().map(|check| check.level).max().unwrap_or(Level::Ok)
    }
}

/// Looks at everything. `rows` is told now and then how many rows of the history were followed.
pub async fn look(installation: &Installation, look: Look, rows: impl FnMut(i64) + Send + 'static) -> Found {
    let here = installation.clone();
    let local = tokio::task::spawn_blocking(move || local(&here, look, rows));
    let (local, outside) = tokio::join!(local, async {
        match look.outside {
            true => outside(installation, look.from_within).await,
            false => Vec::new(),
        }
    });
    let mut found = local.unwrap_or_else(|error| Found {
        checks: vec![Check::fail("doctor", "a check ended early", LOST, "run it again, and report this").says(error)],
        database: None,
    });
    found.checks.extend(outside);
    found
}

const LOST: &str = "What the check would have found is not known.";

fn local(installation: &Installation, look: Look, rows: impl FnMut(i64)) -> Found {
    let mut checks = files::checks(installation);
    let (of_database, database) = database::checks(installation, look, rows);
    checks.extend(of_database);
    checks.extend(files::backups(installation));
    checks.extend(logs::checks(installation));
    checks.extend(partners::checks(installation));
    Found { checks, database }
}

async fn outside(installation: &Installation, from_within: bool) -> Vec<Check> {
    let service = async {
        match from_within {
            true => Vec::new(),
            false => service::checks(installation).await,
        }
    };
    let (mut checks, loki, partners) =
        tokio::join!(service, logs::outside(installation), partners::outside(installation));
    checks.extend(loki);
    checks.extend(partners);
    checks
}

/// A size as people say it.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if count < 1024 {
        return format!("{count} B");
    }
    let mut unit = 0;
    let mut left = count / 1024 * 100 + count % 1024 * 100 / 1024;
    while left >= 102_400 && unit + 1 < UNITS.len() {
        left /= 1024;
        unit += 1;
    }
    format!("{}.{:02} {}", left / 100, left % 100, UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn sizes_are_told_as_people_say_them() {
        for (count, told) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.00 KiB"),
            (1536, "1.50 KiB"),
            (200 << 20, "200.00 MiB"),
            (3 << 30, "3.00 GiB"),
            (5 << 50, "5120.00 TiB"),
        ] {
            assert_eq!(bytes(count), told, "{count}");
        }
    }
}
