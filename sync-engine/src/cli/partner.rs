//! `countersign partner`: check configurations, list partners, keep secrets.

use super::args::{Global, PartnerArgs, PartnerCommand};
use super::failure::{Exit, Failure};
use super::{host, input, new, settings, terminal, trial};
use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use sync_engine::clock::{Clock, SystemClock};
use sync_engine::engine::PartnerView;
use sync_engine::partner::{ConfigErrors, Mistake, Secret, load_file};

const MAX_SECRET_BYTES: usize = 64 * 1024;

pub async fn run(global: &Global, args: PartnerArgs) -> Result<ExitCode, Failure> {
    match args.command {
        PartnerCommand::Check { files } => check(global, &files),
        PartnerCommand::New(args) => new::run(global, &args),
        PartnerCommand::Try(args) => trial::run(global, args).await,
        PartnerCommand::Openapi { file } => openapi(&file),
        PartnerCommand::List => list(global).await,
        PartnerCommand::Secret { name } => secret(global, &name),
    }
}

/// The partner's id and warnings, or every mistake.
type Checked = Result<(String, Vec<Mistake>), ConfigErrors>;

fn openapi(file: &Path) -> Result<ExitCode, Failure> {
    input::must_be_there(file)?;
    let config = load_file(file).map_err(|errors| Failure::configuration(errors.to_string()))?;
    let text = serde_json::to_string_pretty(&config.openapi())
        .map_err(|e| Failure::failed(format!("the document cannot be written: {e}")))?;
    terminal::line(text)?;
    Ok(ExitCode::SUCCESS)
}

fn check(global: &Global, files: &[PathBuf]) -> Result<ExitCode, Failure> {
    let checked = |file: &Path| load_file(file).map(|config| (config.id().to_string(), config.warnings().to_vec()));
    let results: Vec<(&Path, Checked)> = files.iter().map(|file| (file.as_path(), checked(file))).collect();
    let broken = results.iter().filter(|(_, result)| result.is_err()).count();
    // As of `import`, the first one's exit code is the command's.
    let exit = results.iter().find(|(_, result)| result.is_err()).map(|(file, _)| {
        let there = input::must_be_there(file);
        there.map_or_else(|failure| failure.exit, |()| Exit::Configuration)
    });
    if global.json {
        let told: Vec<serde_json::Value> = results
            .iter()
            .map(|(file, result)| match result {
                Ok((id, warnings)) => serde_json::json!({
                    "file": file, "ok": true, "partner": id, "mistakes": [], "warnings": warnings,
                }),
                Err(errors) => serde_json::json!({ "file": file, "ok": false, "mistakes": errors.mistakes }),
            })
            .collect();
        terminal::json(&told)?;
    } else {
        for (file, result) in &results {
            match result {
                Ok((id, warnings)) => {
                    for warning in warnings {
                        terminal::line(format!("{}: warning: {warning}", file.display()))?;
                    }
                    terminal::line(format!("{}: partner {id}, no mistake", file.display()))?;
                }
                Err(errors) => terminal::line(errors.to_string())?,
            }
        }
        if broken > 0 {
            eprintln!("error: {broken} of {} files are refused", files.len());
        }
    }
    Ok(exit.map_or(ExitCode::SUCCESS, ExitCode::from))
}

async fn list(global: &Global) -> Result<ExitCode, Failure> {
    let settings = host::settings(global, None)?;
    host::existing_partners(&settings)?;
    let engine = host::engine_on_existing(&settings).await?;
    let partners = engine.partners();
    engine.stop(host::GRACE).await;
    let partners = partners?;
    if global.json {
        terminal::json(&partners)?;
    } else if partners.is_empty() {
        terminal::line(format!("there is no partner in {}", settings.partners_dir.display()))?;
    } else {
        let head = [
            "PARTNER",
            "NAME",
            "STATUS",
            "LAST SUCCESS",
            "STREAMS",
            "OPERATIONS",
            "WHY",
        ];
        terminal::table(&head, &partners.iter().map(row).collect::<Vec<_>>())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn row(partner: &PartnerView) -> Vec<String> {
    let now = SystemClock.now();
    let mut why = partner
        .reason
        .clone()
        .into_iter()
        .chain(partner.config_errors.iter().cloned());
    vec![
        partner.id.to_string(),
        partner.name.clone(),
        status(partner).to_owned(),
        partner
            .last_success_at
            .map_or_else(|| "never".to_owned(), |at| terminal::time(at, now)),
        partner.streams.join(" "),
        partner.operations.join(" "),
        why.next().unwrap_or_default(),
    ]
}

pub fn status(partner: &PartnerView) -> &'static str {
    use sync_engine::engine::PartnerStatus;
    match partner.status {
        PartnerStatus::OnLine => "on line",
        PartnerStatus::Paused => "paused",
        PartnerStatus::CredentialsBroken => "credentials refused",
        PartnerStatus::Unreachable => "unreachable",
        PartnerStatus::ConfigurationBroken => "configuration broken",
    }
}

/// Reads the secret without showing it, or from a pipe; a line feed at its end is not part of it.
fn secret(global: &Global, name: &str) -> Result<ExitCode, Failure> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    if name.is_empty() || name.len() > 100 || !name.bytes().all(allowed) {
        return Err(Failure::new(
            Exit::Usage,
            format!(
                "\"{name}\" is not the name of a secret: use letters, digits, '.', '-' and '_', such as acme.client_secret"
            ),
        ));
    }
    let settings = host::settings(global, None)?;
    let value = read_secret(name)?;
    if value.is_empty() {
        return Err(Failure::new(Exit::Usage, "the secret is empty: nothing was stored"));
    }
    host::make_data_dir(&settings)?;
    host::secrets(&settings.data_dir).set(name, Secret::new(value))?;
    if global.json {
        terminal::json(&serde_json::json!({ "stored": name }))?;
    } else {
        terminal::line(format!("stored: {name}"))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn read_secret(name: &str) -> Result<String, Failure> {
    let cannot = |e: &std::io::Error| Failure::failed(format!("the secret cannot be read: {}", settings::reason(e)));
    if std::io::stdin().is_terminal() {
        eprint!("{name}: ");
        let typed = console::Term::stderr().read_secure_line().map_err(|e| cannot(&e))?;
        return Ok(typed);
    }
    let mut text = String::new();
    let most = u64::try_from(MAX_SECRET_BYTES + 1).unwrap_or(u64::MAX);
    std::io::stdin()
        .lock()
        .take(most)
        .read_to_string(&mut text)
        .map_err(|e| cannot(&e))?;
    if text.len() > MAX_SECRET_BYTES {
        return Err(Failure::new(
            Exit::Usage,
            format!("the secret is longer than {MAX_SECRET_BYTES} bytes"),
        ));
    }
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
