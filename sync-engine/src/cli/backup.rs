//! `countersign backup`: an online copy of the database, checked.

use super::args::{BackupArgs, Global};
use super::failure::Failure;
use super::settings::reason;
use super::{host, restore, terminal};
use std::process::ExitCode;
use sync_engine::settings::BACKUPS_DIR;

pub fn run(global: &Global, args: BackupArgs) -> Result<ExitCode, Failure> {
    let settings = host::settings(global, None)?;
    let alone = host::store(&settings)?;
    let to = args.file.unwrap_or_else(|| {
        let name = format!("countersign-{}.db", chrono::Local::now().format("%Y%m%d-%H%M%S"));
        settings.data_dir.join(BACKUPS_DIR).join(name)
    });
    if to.exists() {
        return Err(Failure::failed(format!("{} exists already", to.display())).hint("name a file that does not"));
    }
    if let Some(folder) = to.parent().filter(|p| !p.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|e| {
            Failure::failed(format!(
                "the folder {} cannot be made: {}",
                folder.display(),
                reason(&e)
            ))
        })?;
    }
    let bar = terminal::waiting(global.json, "copying and checking the database");
    let result = alone.store.backup(&to);
    bar.finish_and_clear();
    let report = result?;
    if global.json {
        terminal::json(&report)?;
    } else {
        let size = terminal::bytes(report.bytes);
        terminal::line(format!("{}: {size}, integrity {}", report.path, report.integrity))?;
    }
    if args.drill {
        restore::drill(global, &to, &settings.data_dir)?;
    }
    Ok(ExitCode::SUCCESS)
}
