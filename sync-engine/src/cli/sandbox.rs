//! `countersign sandbox`: a trading partner on this machine, until a signal.

use super::args::{Global, SandboxArgs};
use super::failure::{Exit, Failure};
use super::settings::{self, reason};
use super::signals::Signals;
use super::{host, terminal};
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use sync_engine::partner::Secret;
use sync_engine::sandbox::{DEFAULT_CLIENT_SECRET, Sandbox, SandboxError, SandboxOptions};
use sync_engine::settings::SETTINGS_FILE;
use tokio_util::sync::CancellationToken;

const SECRET_NAME: &str = "sandbox.client_secret";
const CONFIG_FILE: &str = "sandbox.json";
/// The shipped configuration and the schemas that it names, as they lie in the partners' folder.
const SHIPPED: &str = include_str!("../../../configs/partners/sandbox.json");
/// The company that trades with the sandbox, so that printed pages have a head.
const SHIPPED_SETTINGS: &str = include_str!("../../../configs/settings/sandbox.json");
const SHIPPED_SCHEMAS: [(&str, &str); 3] = [
    (
        "sandbox/po.schema.json",
        include_str!("../../../configs/partners/sandbox/po.schema.json"),
    ),
    (
        "sandbox/dn.schema.json",
        include_str!("../../../configs/partners/sandbox/dn.schema.json"),
    ),
    (
        "sandbox/operation.schema.json",
        include_str!("../../../configs/partners/sandbox/operation.schema.json"),
    ),
];

pub async fn run(global: &Global, args: SandboxArgs) -> Result<ExitCode, Failure> {
    let stopped = CancellationToken::new();
    Signals::listen()?.cancel(stopped.clone());
    let sandbox = Sandbox::start(options(&args)).await.map_err(cannot_start)?;
    let written = match &args.write_partner {
        Some(dir) => Some(write_partner(global, dir, &sandbox.url())?),
        None => None,
    };
    if global.json {
        terminal::json(&json!({ "url": sandbox.url(), "partner": written }))?;
    } else {
        terminal::line(format!(
            "The sandbox partner is ready. What it sees:\n  {}/\nCtrl+C stops it.",
            sandbox.url()
        ))?;
        if let Some(path) = written {
            terminal::line(format!("Its configuration is in {}", path.display()))?;
        }
    }
    stopped.cancelled().await;
    sandbox.stop().await;
    Ok(ExitCode::SUCCESS)
}

fn options(args: &SandboxArgs) -> SandboxOptions {
    let base = if args.quiet {
        SandboxOptions::default()
    } else {
        SandboxOptions::demo()
    };
    SandboxOptions {
        port: args.port,
        seed: args.seed,
        initial_orders: args.orders.unwrap_or(base.initial_orders),
        state_file: args.state_file.clone(),
        ..base
    }
}

fn cannot_start(error: SandboxError) -> Failure {
    match error {
        SandboxError::Listen { port, source } if source.kind() == std::io::ErrorKind::AddrInUse => Failure::new(
            Exit::InUse,
            format!("another program listens on 127.0.0.1:{port} already"),
        )
        .hint("stop it, or choose another port with --port; port 0 takes one that is free"),
        other => Failure::failed(other.to_string()),
    }
}

/// Writes the secret first and the configuration last and in one step: who sees the configuration can use it.
fn write_partner(global: &Global, dir: &Path, url: &str) -> Result<PathBuf, Failure> {
    let settings = settings::Settings::load(global, None)?;
    host::make_data_dir(&settings)?;
    host::secrets(&settings.data_dir).set(SECRET_NAME, Secret::new(DEFAULT_CLIENT_SECRET.to_owned()))?;
    write_settings(&settings.data_dir.join(SETTINGS_FILE))?;
    let mut config: Value = serde_json::from_str(SHIPPED)
        .map_err(|e| Failure::failed(format!("the shipped configuration does not read: {e}")))?;
    if let Some(fields) = config.as_object_mut() {
        fields.insert("baseUrl".to_owned(), json!(url));
        // The editor's schema lies elsewhere than beside this copy.
        fields.remove("$schema");
    }
    for (name, schema) in SHIPPED_SCHEMAS {
        let path = dir.join(name);
        let folder = path.parent().unwrap_or(dir);
        std::fs::create_dir_all(folder).map_err(|e| cannot(folder, &e))?;
        std::fs::write(&path, schema).map_err(|e| cannot(&path, &e))?;
    }
    let text = serde_json::to_string_pretty(&config)
        .map_err(|e| Failure::failed(format!("the configuration cannot be written: {e}")))?;
    let path = dir.join(CONFIG_FILE);
    let unfinished = dir.join(format!("{CONFIG_FILE}.new"));
    std::fs::write(&unfinished, text).map_err(|e| cannot(&unfinished, &e))?;
    std::fs::rename(&unfinished, &path).map_err(|e| cannot(&path, &e))?;
    Ok(path)
}

/// Settings that are there already stay as they are.
fn write_settings(path: &Path) -> Result<(), Failure> {
    let mut options = std::fs::OpenOptions::new();
    match options.write(true).create_new(true).open(path) {
        Ok(mut file) => file
            .write_all(SHIPPED_SETTINGS.as_bytes())
            .map_err(|e| cannot(path, &e)),
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(e) => Err(cannot(path, &e)),
    }
}

fn cannot(path: &Path, error: &std::io::Error) -> Failure {
    Failure::failed(format!("{} cannot be written: {}", path.display(), reason(error)))
}
