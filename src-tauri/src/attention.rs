//! Tells the person of new work: the number in the tray, and one notification for a burst of documents.

use crate::startup::Running;
use crate::{tray, window};
use std::time::Duration;
use sync_engine::api::{Feed, FeedEvent};
use sync_engine::store::{ChangeKind, Counters, IncidentRow};
use tauri::AppHandle;
use tauri_plugin_notification::NotificationExt;
use tokio::time::Instant;

/// A turn that was just told of is among these.
const NEWEST_INCIDENTS: u32 = 100;
/// The numbers are read this long after the first change of a batch.
const GATHER: Duration = Duration::from_millis(500);
/// A burst is over when nothing came for this long,
const QUIET: Duration = Duration::from_secs(2);
/// or when it has lasted this long.
const LONGEST: Duration = Duration::from_secs(15);

/// Follows the change feed until the engine stops.
pub async fn watch(app: AppHandle, running: Running) {
    let mut feed = match Feed::subscribe(&running.engine, None).await {
        Ok(feed) => feed,
        Err(error) => return tracing::error!(%error, "the tray cannot follow the changes"),
    };
    let mut burst = Burst::default();
    let mut seen = 0;
    let mut look_at = Some(Instant::now());
    loop {
        let wake = [look_at, burst.ends_at()].into_iter().flatten().min();
        tokio::select! {
            event = feed.next() => match event {
                None => return,
                Some(FeedEvent::Change(row)) if row.kind == ChangeKind::Partner => {}
                Some(FeedEvent::Change(row)) if row.kind == ChangeKind::Incident => {
                    tell_incident(&app, &running, &row.subject).await;
                }
                Some(_) => look_at = look_at.or(Some(Instant::now() + GATHER)),
            },
            () = sleep_until(wake) => {
                let now = Instant::now();
                if look_at.is_some_and(|at| at <= now) {
                    look_at = None;
                    if let Some(counters) = read(&running).await {
                        let waiting = counters.needs_answer + counters.held;
                        tray::show_waiting(&app, waiting);
                        burst.observe(seen, waiting, now);
                        seen = waiting;
                    }
                }
                if let Some(new) = burst.take_ended(now) && !window::has_focus(&app) {
                    notify(&app, new, seen);
                }
            },
            () = running.shutdown.cancelled() => return,
        }
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

async fn read(running: &Running) -> Option<Counters> {
    let engine = running.engine.clone();
    let read = tokio::task::spawn_blocking(move || engine.store().counters(engine.company())).await;
    match read {
        Ok(Ok(counters)) => Some(counters),
        Ok(Err(error)) => {
            tracing::warn!(%error, "the numbers for the tray cannot be read");
            None
        }
        Err(_) => None,
    }
}

fn notify(app: &AppHandle, new: i64, waiting: i64) {
    let shown = app
        .notification()
        .builder()
        .title(match new {
            1 => "A document needs your answer".to_owned(),
            n => format!("{n} documents need your answer"),
        })
        .body(format!("{waiting} waiting in all"))
        .show();
    if let Err(error) = shown {
        tracing::debug!(%error, "the system shows no notification");
    }
}

/// One notification when something begins that a person should know of, and one when it ends; also with the window in
/// front, which may show another screen.
async fn tell_incident(app: &AppHandle, running: &Running, id: &str) {
    let engine = running.engine.clone();
    let read = tokio::task::spawn_blocking(move || engine.store().incidents(engine.company(), NEWEST_INCIDENTS));
    let Ok(Ok(incidents)) = read.await else { return };
    let Some(incident) = incidents.into_iter().find(|i| i.id.to_string() == id) else {
        return;
    };
    let shown = app
        .notification()
        .builder()
        .title(incident_title(&incident))
        .body(if incident.ended_at.is_none() {
            incident.detail
        } else {
            String::new()
        })
        .show();
    if let Err(error) = shown {
        tracing::debug!(%error, "the system shows no notification");
    }
}

fn incident_title(incident: &IncidentRow) -> String {
    let (subject, over) = (&incident.subject, incident.ended_at.is_some());
    match (incident.kind.as_str(), over) {
        ("partner.unreachable", false) => format!("{subject} cannot be reached"),
        ("partner.unreachable", true) => format!("{subject} can be reached again"),
        ("partner.credentials", false) => format!("{subject} refuses our credentials"),
        ("partner.credentials", true) => format!("{subject} takes our credentials again"),
        ("partner.configuration", false) => format!("The configuration {subject} has mistakes"),
        ("partner.configuration", true) => format!("The configuration {subject} is in order again"),
        ("queue.dead", false) => format!("Answers to {subject} could not be delivered"),
        ("queue.dead", true) => format!("No answer to {subject} is left undelivered"),
        ("care.backup", false) => "The backup of the database fails".to_owned(),
        ("care.backup", true) => "The backup of the database is made again".to_owned(),
        ("care.archive", false) => "Old documents cannot be archived".to_owned(),
        ("care.archive", true) => "Old documents are archived again".to_owned(),
        (_, false) => format!("{subject} needs attention"),
        (_, true) => format!("{subject} is well again"),
    }
}

/// Work that came close together, told of once.
#[derive(Debug, Default)]
struct Burst {
    new: i64,
    began: Option<Instant>,
    latest: Option<Instant>,
}

impl Burst {
    /// The number waiting went from `before` to `waiting`. Work that was done is no news, and takes none away.
    fn observe(&mut self, before: i64, waiting: i64, now: Instant) {
        if waiting > before {
            self.new += waiting - before;
            self.began = self.began.or(Some(now));
            self.latest = Some(now);
        }
    }

    fn ends_at(&self) -> Option<Instant> {
        Some((self.latest? + QUIET).min(self.began? + LONGEST))
    }

    /// How many came in a burst that is over.
    fn take_ended(&mut self, now: Instant) -> Option<i64> {
        (self.ends_at()? <= now).then(|| std::mem::take(self).new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn one_burst_is_told_once() {
        let start = Instant::now();
        let mut burst = Burst::default();
        assert_eq!(burst.take_ended(start), None);
        burst.observe(0, 3, start);
        burst.observe(3, 8, start + seconds(1));
        assert_eq!(burst.take_ended(start + seconds(2)), None);
        assert_eq!(burst.take_ended(start + seconds(3)), Some(8));
        assert_eq!(burst.take_ended(start + seconds(9)), None);
    }

    #[test]
    fn answered_work_is_no_news() {
        let start = Instant::now();
        let mut burst = Burst::default();
        burst.observe(8, 5, start);
        assert_eq!(burst.ends_at(), None);
        burst.observe(5, 6, start);
        assert_eq!(burst.take_ended(start + QUIET), Some(1));
    }

    #[test]
    fn a_stream_without_end_is_told_of_all_the_same() {
        let start = Instant::now();
        let mut burst = Burst::default();
        for n in 0..15 {
            burst.observe(n, n + 1, start + seconds(u64::try_from(n).expect("small")));
        }
        assert_eq!(burst.take_ended(start + LONGEST), Some(15));
    }
}
