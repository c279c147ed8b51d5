//! Flags and environment of the desktop program.

use clap::Parser;
use std::path::{Path, PathBuf};
use sync_engine::domain::CompanyId;
use sync_engine::log::LogSettings;
use sync_engine::print::Letterhead;
use sync_engine::settings::{CareSettings, FileSettings, check_company, default_data_dir, make_data_dir};

const DEFAULT_COMPANY: &str = "main";

/// The desktop window of Countersign.
#[derive(Debug, Clone, Parser)]
#[command(name = "countersign-desktop", version, about)]
pub struct Options {
    /// Where the database lies; made if it is not there.
    #[arg(long, env = "COUNTERSIGN_DATA_DIR", value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// The settings file [default: settings.json in the data folder].
    #[arg(long, env = "COUNTERSIGN_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where the partners' configurations (*.json) lie [default: partners in the data folder].
    #[arg(long, env = "COUNTERSIGN_PARTNERS_DIR", value_name = "DIR")]
    partners_dir: Option<PathBuf>,
    /// Save PDFs here without asking where.
    #[arg(long, env = "COUNTERSIGN_SAVE_DIR", value_name = "DIR")]
    save_dir: Option<PathBuf>,
    /// Start in the tray, without the window.
    #[arg(long)]
    hidden: bool,
}

/// The options with every default filled in.
#[derive(Debug, Clone)]
pub struct Resolved {
    pub data_dir: PathBuf,
    pub partners_dir: PathBuf,
    pub company: CompanyId,
    pub letterhead: Letterhead,
    pub save_dir: Option<PathBuf>,
    pub log: LogSettings,
    pub care: CareSettings,
    /// Where it was named.
    pub settings_file: Option<PathBuf>,
    pub hidden: bool,
    /// Whether the data folder was named: a program on data of its own is an instance of its own.
    named: bool,
}

impl Options {
    /// # Errors
    /// A sentence for the person when there is no home to keep data in, the folder cannot be made, or the settings
    /// file is wrong.
    pub fn resolve(self) -> Result<Resolved, String> {
        let named = self.data_dir.is_some();
        let data_dir = match self.data_dir {
            Some(dir) => dir,
            None => default_data_dir().ok_or("There is no home folder to keep data in; name one with --data-dir.")?,
        };
        make_data_dir(&data_dir).map_err(|e| format!("The data folder {} cannot be made: {e}", data_dir.display()))?;
        let data_dir = data_dir
            .canonicalize()
            .map_err(|e| format!("The data folder {} cannot be read: {e}", data_dir.display()))?;
        let file = FileSettings::read(self.config.as_deref(), &data_dir).map_err(|e| e.to_string())?;
        let company = match std::env::var("COUNTERSIGN_COMPANY").ok().filter(|c| !c.is_empty()) {
            Some(company) => CompanyId(company),
            None => file.company.unwrap_or_else(|| CompanyId(DEFAULT_COMPANY.into())),
        };
        check_company(&company)?;
        Ok(Resolved {
            partners_dir: self
                .partners_dir
                .or(file.partners_dir)
                .unwrap_or_else(|| data_dir.join("partners")),
            data_dir,
            company,
            letterhead: file.letterhead.unwrap_or_default(),
            save_dir: self.save_dir,
            log: file.log,
            care: file.care,
            settings_file: self.config,
            hidden: self.hidden,
            named,
        })
    }
}

impl Resolved {
    /// The name that a second start looks for. One per data folder, so that a demonstration does not hide real work.
    pub fn instance_id(&self) -> String {
        match self.named {
            true => format!("app.countersign.desktop.d{:016x}", fingerprint(&self.data_dir)),
            false => "app.countersign.desktop".into(),
        }
    }

    pub fn window_state_file(&self) -> String {
        match self.named {
            true => format!("window-{:016x}.json", fingerprint(&self.data_dir)),
            false => "window.json".into(),
        }
    }
}

/// FNV-1a: the same for a folder at every start, whatever built the program.
fn fingerprint(path: &Path) -> u64 {
    path.to_string_lossy()
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use sync_engine::settings::mode_open_to_others;

    #[test]
    fn a_named_data_folder_is_an_instance_of_its_own() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let at = dir.path().join("a/b");
        let options = Options::parse_from(["countersign-desktop", "--data-dir", &at.to_string_lossy()]);
        let one = options.clone().resolve().expect("the folder is made");
        let again = options.resolve().expect("the folder is there");
        assert!(at.is_dir());
        assert_eq!(mode_open_to_others(&at), None, "documents are for their owner alone");
        assert_eq!(one.partners_dir, one.data_dir.join("partners"));
        assert_eq!(one.instance_id(), again.instance_id());
        let other = Options::parse_from(["countersign-desktop", "--data-dir", &dir.path().to_string_lossy()]);
        assert_ne!(
            one.instance_id(),
            other.resolve().expect("the folder is there").instance_id()
        );
    }

    #[test]
    fn a_wrong_settings_file_is_named() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(dir.path().join("settings.json"), r#"{"company": 7}"#).expect("written");
        let options = Options::parse_from(["countersign-desktop", "--data-dir", &dir.path().to_string_lossy()]);
        let error = options.resolve().expect_err("a number is no company");
        assert!(error.contains("settings.json") && error.contains("company"), "{error}");
    }

    #[test]
    fn a_data_folder_that_cannot_be_made_is_named() {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        let at = file.path().join("data");
        let options = Options::parse_from(["countersign-desktop", "--data-dir", &at.to_string_lossy()]);
        let error = options.resolve().expect_err("a file is no folder");
        assert!(error.contains(&*at.to_string_lossy()), "{error}");
    }
}
