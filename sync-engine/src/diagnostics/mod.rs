//! What somebody needs who is asked why it does not work, in one file: versions, settings, configurations, states, counts
//! and the log, without secrets, without what documents say and without what partners said.
//!
//! What goes in is chosen, never what stays out: counts, codes, times and our own sentences. Names and texts that could be
//! anybody's are left out or masked (`clean`); then every text goes through the redactor, which has learned every secret
//! that is named anywhere.

mod clean;
mod live;
mod machine;

use crate::doctor::{Found, Installation, Look, look};
use crate::engine::Engine;
use crate::log::{LOGS_DIR, last_lines};
use crate::partner::load_file;
use crate::redact;
use crate::settings::TOKEN_FILE;
use clean::Cleaner;
use serde::Serialize;
use serde_json::{Value, json};
use std::io::{Cursor, Write};
use std::path::Path;
use std::time::Duration;
use zip::write::SimpleFileOptions;

/// Media type of a bundle.
pub const MEDIA_TYPE: &str = "application/zip";
/// Longest time for each reading of the whole database: a person waits for it.
const LIMIT: Duration = Duration::from_secs(20);
/// Of the log at most, newest first.
const LOG_BYTES: u64 = 8 << 20;
/// Configurations at most.
const CONFIGURATIONS: usize = 200;

const README: &str = "\
Diagnostics of a Countersign installation, for whoever helps with it.

about.json           program, machine, when this was made
doctor.txt, .json    what was looked at, what is wrong, why it matters and what to do
settings.json        the settings in force; texts of the company are left out
partners/*.json      the configurations; what looks like a secret is ***
state.json           partners, health, counters as the running engine has them
metrics.txt          what a monitor reads of it (OpenMetrics)
database.json        schema, sizes, quick_check, history, queue by partner and state, incidents
logs/*.log           the newest lines; fields that could quote a document or a partner are left out

Not in it: secrets, tokens, documents, payloads, requests, answers, numbers of documents, names of their parties, prices,
what partners said, and the folders' names above the data folder.
";

/// A bundle that could not be made: a sentence.
#[derive(Debug, thiserror::Error)]
#[error("the diagnostics cannot be put together: {0}")]
pub struct DiagnosticsError(String);

/// Where the numbers of a running engine come from.
pub enum Live<'a> {
    /// This process runs it.
    Engine(&'a Engine),
    /// A service on this machine may run it.
    Service,
}

/// Name of a bundle that is made at this moment, such as `countersign-diagnostics-20270301-080000.zip`.
pub fn file_name(installation: &Installation) -> String {
    let digits: String = installation
        .clock
        .now()
        .to_rfc3339()
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    let (day, rest) = digits.split_at_checked(8).unwrap_or((&digits, ""));
    let time: String = rest.chars().take(6).collect();
    format!("countersign-diagnostics-{day}-{time}.zip")
}

/// Looks at everything and puts it into a zip.
///
/// # Errors
/// When the zip cannot be written. What cannot be read is said in it.
pub async fn bundle(installation: &Installation, source: Live<'_>) -> Result<Vec<u8>, DiagnosticsError> {
    learn_secrets(installation);
    let everywhere = Look {
        from_within: matches!(source, Live::Engine(_)),
        outside: true,
        limit: Some(LIMIT),
    };
    let (found, live) = tokio::join!(look(installation, everywhere, |_| {}), live::of(installation, source));
    let here = installation.clone();
    let packing = tokio::task::spawn_blocking(move || pack(&here, &found, live));
    packing.await.map_err(|e| DiagnosticsError(e.to_string()))?
}

/// Every secret that a configuration or the settings name, and the API's token: the redactor then knows them.
fn learn_secrets(installation: &Installation) {
    let files = crate::doctor::partner_files(&installation.partners_dir).unwrap_or_default();
    let configs: Vec<_> = files.iter().filter_map(|file| load_file(file).ok()).collect();
    let mut names: Vec<&str> = configs.iter().flat_map(|config| config.secret_names()).collect();
    let settings = installation.settings.as_ref().ok();
    names.extend(settings.and_then(|s| s.log.loki.as_ref()?.secret.as_deref()));
    for name in names {
        if let Ok(secret) = installation.secrets.get(name) {
            redact::learn(secret.expose());
        }
    }
    if let Ok(token) = std::fs::read_to_string(installation.data_dir.join(TOKEN_FILE)) {
        redact::learn(token.trim());
    }
}

struct Zip {
    zip: zip::ZipWriter<Cursor<Vec<u8>>>,
    cleaner: Cleaner,
}

impl Zip {
    fn text(&mut self, name: &str, text: &str) -> Result<(), DiagnosticsError> {
        let cleaned = self.cleaner.text(text);
        self.put(name, &cleaned)
    }

    fn put(&mut self, name: &str, text: &str) -> Result<(), DiagnosticsError> {
        let failed = |e: &dyn std::fmt::Display| DiagnosticsError(format!("{name}: {e}"));
        let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
        self.zip.start_file(name, options).map_err(|e| failed(&e))?;
        self.zip.write_all(text.as_bytes()).map_err(|e| failed(&e))
    }

    fn json(&mut self, name: &str, value: &impl Serialize) -> Result<(), DiagnosticsError> {
        let failed = |e: serde_json::Error| DiagnosticsError(format!("{name}: {e}"));
        let cleaned = self.cleaner.value(serde_json::to_value(value).map_err(failed)?);
        self.put(name, &serde_json::to_string_pretty(&cleaned).map_err(failed)?)
    }
}

fn pack(installation: &Installation, found: &Found, live: live::Told) -> Result<Vec<u8>, DiagnosticsError> {
    let mut zip = Zip {
        zip: zip::ZipWriter::new(Cursor::new(Vec::new())),
        cleaner: Cleaner::of(&installation.data_dir, &installation.partners_dir),
    };
    zip.text("README.txt", README)?;
    zip.json("about.json", &machine::about(installation))?;
    doctor(&mut zip, found)?;
    zip.json("settings.json", &clean::settings(installation))?;
    configurations(&mut zip, &installation.partners_dir)?;
    zip.json("state.json", &live.state)?;
    zip.text("metrics.txt", &live.metrics)?;
    zip.json("database.json", &database(found))?;
    logs(&mut zip, &installation.data_dir.join(LOGS_DIR))?;
    let written = zip.zip.finish().map_err(|e| DiagnosticsError(e.to_string()))?;
    Ok(written.into_inner())
}

/// What others said stays out: it may quote anything.
fn doctor(zip: &mut Zip, found: &Found) -> Result<(), DiagnosticsError> {
    let checks: Vec<_> = found
        .checks
        .iter()
        .map(|check| {
            let mut check = check.clone();
            check.words = check.words.map(|words| clean::left_out(&words));
            check
        })
        .collect();
    zip.json("doctor.json", &json!({ "worst": found.worst(), "checks": checks }))?;
    let lines: Vec<String> = checks.iter().flat_map(crate::doctor::lines).collect();
    zip.text("doctor.txt", &(lines.join("\n") + "\n"))
}

fn configurations(zip: &mut Zip, dir: &Path) -> Result<(), DiagnosticsError> {
    let files = crate::doctor::partner_files(dir).unwrap_or_default();
    for file in files.iter().take(CONFIGURATIONS) {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let read = std::fs::read_to_string(file).map_err(|e| e.to_string());
        let value = read.and_then(|text| {
            serde_json::from_str::<Value>(&text)
                .map_err(|e| format!("it is not JSON from line {}, column {} on", e.line(), e.column()))
        });
        let value = match value {
            Ok(value) => clean::configuration(&value),
            // Half of a JSON text could not be cleaned: none of it is handed on.
            Err(reason) => json!({ "leftOut": reason }),
        };
        zip.json(&format!("partners/{name}"), &value)?;
    }
    Ok(())
}

fn database(found: &Found) -> Value {
    let Some(database) = &found.database else {
        return json!({ "leftOut": "there is none, or it cannot be read: doctor.txt says which" });
    };
    let mut database = database.clone();
    for partner in &mut database.partners {
        if let Some(error) = &mut partner.last_error {
            error.message = None;
        }
    }
    for unread in &mut database.unread {
        unread.why = clean::left_out(&unread.why);
    }
    database.quick_check = database.quick_check.map(|said| clean::quick_check(&said));
    serde_json::to_value(&database).unwrap_or_else(|e| json!({ "leftOut": e.to_string() }))
}

fn logs(zip: &mut Zip, dir: &Path) -> Result<(), DiagnosticsError> {
    let files = match last_lines(dir, LOG_BYTES) {
        Ok(files) => files,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return zip.text("logs/unread.txt", &format!("{:?}\n", error.kind())),
    };
    for (name, lines) in files {
        let cleaned: Vec<String> = lines.lines().map(clean::log_line).collect();
        zip.text(&format!("logs/{name}"), &(cleaned.join("\n") + "\n"))?;
    }
    Ok(())
}
