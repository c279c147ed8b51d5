//! Sends the log files' lines to Grafana Loki (push API, `POST /loki/api/v1/push`). The files are the queue: what was
//! written survives a crash, and the place up to which Loki has it lies beside them, written after each answer. A line
//! may arrive twice after a crash, and is missed only when its file was removed before Loki could be reached.

use super::LogFiles;
use super::batch::{Batch, Place, next};
use super::settings::LokiSettings;
use crate::redact;
use crate::tls;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Between two looks at files that have nothing new.
const IDLE: Duration = Duration::from_secs(2);
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(300);
const CONNECT: Duration = Duration::from_secs(15);
const REQUEST: Duration = Duration::from_secs(60);
/// Worth trying again: sign-in and address that somebody mends meanwhile, timeouts and limits; and everything from 500.
/// What else is refused would be refused for ever, and is skipped.
const AGAIN: [u16; 6] = [401, 403, 404, 408, 425, 429];

/// Reads the password or token anew, so that a changed one is used.
pub type Credential = dyn Fn() -> Result<String, String> + Send + Sync;

/// Where lines go and how.
pub struct Loki {
    pub settings: LokiSettings,
    /// Asked only when the settings name a secret.
    pub credential: Box<Credential>,
}

/// Follows the log files in the background until `stop`, where the settings say so.
///
/// # Errors
/// A sentence when no HTTP client can be made.
pub fn ship(
    files: LogFiles,
    settings: Option<LokiSettings>,
    credential: Box<Credential>,
    stop: CancellationToken,
) -> Result<(), String> {
    if let Some(settings) = settings {
        let shipper = Shipper::new(files, Loki { settings, credential })?;
        tokio::spawn(shipper.run(stop));
    }
    Ok(())
}

/// Follows one program's log files until it is stopped.
pub struct Shipper {
    files: LogFiles,
    loki: Loki,
    client: reqwest::Client,
    /// Told once when it begins, and once when it ends.
    trouble: bool,
}

enum Answer {
    Taken,
    Skip(String),
    Again(String, Option<Duration>),
}

impl Shipper {
    /// # Errors
    /// A sentence when no HTTP client can be made.
    pub fn new(files: LogFiles, loki: Loki) -> Result<Self, String> {
        tls::provider();
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT)
            .timeout(REQUEST)
            .user_agent(concat!("countersign/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|e| format!("no HTTP client can be made: {e}"))?;
        Ok(Self {
            files,
            loki,
            client,
            trouble: false,
        })
    }

    /// Until `stop`; what is written then stays in the files for the next start.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut wait = FIRST_WAIT;
        while !stop.is_cancelled() {
            let pause = match self.step().await {
                Ok(true) => {
                    wait = FIRST_WAIT;
                    continue;
                }
                Ok(false) => IDLE,
                Err((reason, asked)) => {
                    self.tell(Some(&reason));
                    let pause = asked.map_or(wait, |asked| asked.clamp(wait, LONGEST_WAIT));
                    wait = (wait * 2).min(LONGEST_WAIT);
                    pause
                }
            };
            tokio::select! {
                () = self.files.clock.sleep(pause) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    /// Sends one batch; false when there is nothing new.
    ///
    /// # Errors
    /// Why it is tried again later, and how long the server asked to wait.
    pub async fn step(&mut self) -> Result<bool, (String, Option<Duration>)> {
        let batch = self
            .read()
            .await
            .map_err(|e| (format!("the log cannot be read: {e}"), None))?;
        let Some(batch) = batch else { return Ok(false) };
        if batch.missed {
            tracing::warn!("log files were removed before Loki had them");
        }
        if !batch.lines.is_empty() {
            match self.push(&batch).await {
                Answer::Taken => self.tell(None),
                Answer::Skip(reason) => tracing::error!(
                    reason,
                    lines = batch.lines.len(),
                    "Loki refuses lines for good: they stay in the files alone"
                ),
                Answer::Again(reason, asked) => return Err((reason, asked)),
            }
        }
        let (files, place) = (self.files.clone(), batch.end);
        let kept = tokio::task::spawn_blocking(move || place.keep(&files.dir, &files.name)).await;
        let kept = kept.map_err(io::Error::other).and_then(|kept| kept);
        kept.map_err(|e| (format!("the place in the log cannot be kept: {e}"), None))?;
        Ok(true)
    }

    async fn read(&self) -> io::Result<Option<Batch>> {
        let files = self.files.clone();
        let read = tokio::task::spawn_blocking(move || {
            let place = Place::kept(&files.dir, &files.name)?;
            next(&files.dir, &files.name, place.as_ref())
        });
        read.await.map_err(io::Error::other)?
    }

    async fn push(&self, batch: &Batch) -> Answer {
        let settings = &self.loki.settings;
        let address = format!("{}/loki/api/v1/push", settings.url.as_str().trim_end_matches('/'));
        let mut request = self
            .client
            .post(address)
            .header(reqwest::header::CONTENT_TYPE, "application/json")
            .body(self.body(batch).to_string());
        if let Some(tenant) = &settings.tenant {
            request = request.header("X-Scope-OrgID", tenant);
        }
        if settings.secret.is_some() {
            let credential = match (self.loki.credential)() {
                Ok(credential) => credential,
                Err(reason) => return Answer::Again(reason, None),
            };
            redact::learn(&credential);
            request = match &settings.user {
                Some(user) => request.basic_auth(user, Some(credential)),
                None => request.bearer_auth(credential),
            };
        }
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => return Answer::Again(error.without_url().to_string(), None),
        };
        let status = response.status();
        if status.is_success() {
            return Answer::Taken;
        }
        let asked = response.headers().get(reqwest::header::RETRY_AFTER);
        let asked = asked.and_then(|v| v.to_str().ok()?.trim().parse().ok().map(Duration::from_secs));
        let words: String = response.text().await.unwrap_or_default().chars().take(200).collect();
        let reason = format!("Loki answers {}: {}", status.as_u16(), words.trim());
        if status.is_server_error() || status.is_redirection() || AGAIN.contains(&status.as_u16()) {
            Answer::Again(reason, asked)
        } else {
            Answer::Skip(reason)
        }
    }

    /// One stream per level: few streams, as Loki wants it.
    fn body(&self, batch: &Batch) -> Value {
        let now = self.files.clock.now().0;
        let mut streams: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for line in &batch.lines {
            let (level, nanos) = level_and_time(line);
            let nanos = nanos.unwrap_or_else(|| now.saturating_mul(1_000_000));
            streams.entry(level).or_default().push(json!([nanos.to_string(), line]));
        }
        let streams: Vec<Value> = streams
            .into_iter()
            .map(|(level, values)| {
                let mut labels = self.loki.settings.labels.clone();
                labels.insert("app".to_owned(), "countersign".to_owned());
                labels.insert("program".to_owned(), self.files.name.clone());
                labels.insert("level".to_owned(), level);
                json!({ "stream": labels, "values": values })
            })
            .collect();
        json!({ "streams": streams })
    }

    fn tell(&mut self, reason: Option<&str>) {
        match (self.trouble, reason) {
            (false, Some(reason)) => tracing::warn!(reason, "log lines wait in the files: Loki does not take them"),
            (true, None) => tracing::info!("Loki takes log lines again"),
            (true, Some(_)) | (false, None) => {}
        }
        self.trouble = reason.is_some();
    }
}

/// Of a line as the file has it; nanoseconds since 1970.
fn level_and_time(line: &str) -> (String, Option<i64>) {
    let read: Option<Value> = serde_json::from_str(line).ok();
    let text = |name: &str| read.as_ref().and_then(|v| v.get(name)?.as_str());
    let level = text("level").unwrap_or("unknown").to_ascii_lowercase();
    let at = text("timestamp").and_then(|t| chrono::DateTime::parse_from_rfc3339(t).ok());
    (level, at.and_then(|at| at.timestamp_nanos_opt()))
}
