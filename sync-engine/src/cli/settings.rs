//! Settings of the engine: default < settings file < environment < flag.

use super::args::{Global, ServeArgs};
use super::failure::Failure;
use super::input;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use sync_engine::domain::CompanyId;
use sync_engine::log::LogSettings;
use sync_engine::print::Letterhead;
use sync_engine::settings::{CareSettings, FileSettings, SettingsError, check_company, default_data_dir};

const DEFAULT_PORT: u16 = 7710;
const DEFAULT_COMPANY: &str = "main";
const COMPANY_VARIABLE: &str = "COUNTERSIGN_COMPANY";

#[derive(Debug, Clone)]
pub struct Settings {
    pub data_dir: PathBuf,
    pub partners_dir: PathBuf,
    pub company: CompanyId,
    pub letterhead: Letterhead,
    pub listen: SocketAddr,
    pub hosts: Vec<String>,
    /// Where partners call us.
    pub hooks: Option<SocketAddr>,
    pub care: CareSettings,
    pub log: LogSettings,
}

impl Settings {
    /// Reads the settings file and resolves it with what the environment and the flags say (`clap` has put the flag
    /// over the environment already).
    ///
    /// # Errors
    /// A sentence with file and place for a file that is missing though it was named, or is wrong.
    pub fn load(global: &Global, serve: Option<&ServeArgs>) -> Result<Self, Failure> {
        let data_dir = data_dir(global)?;
        if let Some(named) = &global.config {
            input::must_be_there(named)?;
        }
        let file = FileSettings::read(global.config.as_deref(), &data_dir)
            .map_err(|e| Failure::configuration(e.to_string()))?;
        let company = std::env::var(COMPANY_VARIABLE).ok().filter(|c| !c.is_empty());
        resolve(file, data_dir, global, serve, company)
    }

    /// As `load`, with the defaults in the place of a settings file that is refused, and what became of that file.
    ///
    /// # Errors
    /// When there is no data folder to look at, or the environment names no company.
    pub fn examined(global: &Global) -> Result<(Self, Result<FileSettings, SettingsError>), Failure> {
        let data_dir = data_dir(global)?;
        let file = FileSettings::read(global.config.as_deref(), &data_dir);
        let company = std::env::var(COMPANY_VARIABLE).ok().filter(|c| !c.is_empty());
        let settings = resolve(file.clone().unwrap_or_default(), data_dir, global, None, company)?;
        Ok((settings, file))
    }
}

fn data_dir(global: &Global) -> Result<PathBuf, Failure> {
    match &global.data_dir {
        Some(dir) => Ok(dir.clone()),
        None => default_data_dir().ok_or_else(|| {
            Failure::configuration("there is no home folder to keep data in")
                .hint("say where with --data-dir, or in COUNTERSIGN_DATA_DIR")
        }),
    }
}

fn resolve(
    file: FileSettings,
    data_dir: PathBuf,
    global: &Global,
    serve: Option<&ServeArgs>,
    company: Option<String>,
) -> Result<Settings, Failure> {
    let given = company.map(CompanyId);
    if let Some(company) = &given {
        check_company(company).map_err(|e| Failure::configuration(format!("{COMPANY_VARIABLE}: {e}")))?;
    }
    let mut listen = serve
        .and_then(|s| s.listen)
        .or(file.listen)
        .unwrap_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, DEFAULT_PORT)));
    if let Some(port) = serve.and_then(|s| s.port) {
        listen.set_port(port);
    }
    let hosts = match serve {
        Some(s) if !s.hosts.is_empty() => s.hosts.clone(),
        _ => file.hosts.unwrap_or_default(),
    };
    Ok(Settings {
        partners_dir: global
            .partners_dir
            .clone()
            .or(file.partners_dir)
            .unwrap_or_else(|| data_dir.join("partners")),
        company: given
            .or(file.company)
            .unwrap_or_else(|| CompanyId(DEFAULT_COMPANY.to_owned())),
        letterhead: file.letterhead.unwrap_or_default(),
        listen,
        hosts,
        hooks: serve.and_then(|s| s.hooks).or(file.hooks),
        care: file.care,
        log: file.log,
        data_dir,
    })
}

/// An IO error as a person reads it, without the system's number.
pub fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file or folder".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        std::io::ErrorKind::AlreadyExists => "exists already".to_owned(),
        std::io::ErrorKind::IsADirectory => "is a folder".to_owned(),
        std::io::ErrorKind::InvalidData => "is not UTF-8 text".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
