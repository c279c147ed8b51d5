//! What the settings file says about the log.

use super::FileLimits;
use serde::Deserialize;
use std::collections::BTreeMap;
use url::Url;

const MEBIBYTE: u64 = 1024 * 1024;
const DEFAULT_MAX_MEBIBYTES: u64 = 10;
const DEFAULT_KEEP: usize = 10;

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct LogSettings {
    /// Such as `info` or `sync_engine::exchange=debug,info`; `COUNTERSIGN_LOG` goes over it.
    pub level: Option<String>,
    /// A file of this size, in MiB, is put aside; one is put aside every day as well.
    pub max_file_mebibytes: Option<u64>,
    /// Files put aside that are kept.
    pub keep_files: Option<usize>,
    pub loki: Option<LokiSettings>,
}

/// Where lines go besides the files.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LokiSettings {
    /// Base address, such as `https://loki.example.com`; lines go to `/loki/api/v1/push` below it.
    pub url: Url,
    /// Put on every stream besides `app` and `level`.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// `X-Scope-OrgID`.
    pub tenant: Option<String>,
    /// With `user`: Basic; without: Bearer.
    pub user: Option<String>,
    /// Name of the password or token in the secret store.
    pub secret: Option<String>,
}

impl LogSettings {
    pub fn limits(&self) -> FileLimits {
        FileLimits {
            max_bytes: self.max_file_mebibytes.unwrap_or(DEFAULT_MAX_MEBIBYTES).max(1) * MEBIBYTE,
            keep: self.keep_files.unwrap_or(DEFAULT_KEEP).max(1),
        }
    }

    /// # Errors
    /// Field and sentence of the first mistake.
    pub fn check(&self) -> Result<(), String> {
        if self.max_file_mebibytes.is_some_and(|m| !(1..=1024).contains(&m)) {
            return Err("log.maxFileMebibytes: 1 to 1024".to_owned());
        }
        if self.keep_files.is_some_and(|k| !(1..=1000).contains(&k)) {
            return Err("log.keepFiles: 1 to 1000".to_owned());
        }
        if let Some(level) = &self.level
            && let Err(e) = tracing_subscriber::EnvFilter::try_new(level)
        {
            return Err(format!("log.level: \"{level}\" is not understood: {e}"));
        }
        self.loki.as_ref().map_or(Ok(()), LokiSettings::check)
    }
}

impl LokiSettings {
    fn check(&self) -> Result<(), String> {
        let loopback = matches!(self.url.host(), Some(url::Host::Ipv4(ip)) if ip.is_loopback())
            || matches!(self.url.host(), Some(url::Host::Ipv6(ip)) if ip.is_loopback())
            || self.url.host_str() == Some("localhost");
        if self.url.scheme() != "https" && !(self.url.scheme() == "http" && loopback) {
            return Err("log.loki.url: an https address (http only on loopback)".to_owned());
        }
        if !self.url.username().is_empty() || self.url.password().is_some() {
            return Err(
                "log.loki.url: no user or password in the address: use log.loki.user and log.loki.secret".to_owned(),
            );
        }
        if self.user.is_some() && self.secret.is_none() {
            return Err("log.loki.secret: missing; with a user its password's name in the secret store".to_owned());
        }
        // Loki: [a-zA-Z_][a-zA-Z0-9_]*.
        let usable = |name: &str| {
            let mut chars = name.chars();
            chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
                && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
        };
        match self.labels.keys().find(|name| !usable(name)) {
            Some(name) => Err(format!(
                "log.loki.labels: \"{name}\" is no label: letters, digits and _, no digit first"
            )),
            None => Ok(()),
        }
    }
}
