//! Wakes the exchange: files in the partners' directory, what other processes wrote.

use super::{Exchange, incidents};
use crate::store::StoreExt;
use notify::{RecursiveMode, Watcher};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// Editors write a file in several steps; the last one counts.
const SETTLE: Duration = Duration::from_millis(150);

/// Looks now and then for what another process wrote.
pub async fn other_processes(exchange: Arc<Exchange>) {
    while !exchange.stopping() {
        exchange.sleep(exchange.pace.idle_tick).await;
        if let Err(error) = exchange.store.read(|store| store.look_for_others()).await {
            tracing::warn!(%error, "what other processes wrote cannot be told");
        }
        for partner in exchange.partners.all() {
            if partner.gate.has_untold() {
                exchange.remember(&partner, None).await;
            }
        }
        follow_pauses(&exchange).await;
        incidents::look(&exchange).await;
    }
}

/// A pause or resume by another process (the command line) holds here too.
async fn follow_pauses(exchange: &Arc<Exchange>) {
    let company = exchange.company.clone();
    let partners = exchange.partners.all();
    let before: Vec<u64> = partners.iter().map(|partner| partner.gate.pauses()).collect();
    let states = exchange.store.read(move |store| store.partner_states(&company)).await;
    let Ok(states) = states else { return };
    for (partner, since) in partners.iter().zip(before) {
        let Some(state) = states.iter().find(|state| state.partner == partner.id) else {
            continue;
        };
        if partner.gate.follow_pause(since, state.paused) {
            exchange.due.notify_waiters();
            partner.poll.notify_one();
        }
    }
}

/// Sees that files of the partners' directory change. Made before they are loaded first, so that no change is missed.
pub struct FileWatch {
    /// Watches as long as it lives.
    _watcher: notify::RecommendedWatcher,
    events: mpsc::Receiver<()>,
}

impl FileWatch {
    /// `None`, and an error in the log, when the system cannot watch the directory.
    pub fn on(dir: &Path) -> Option<Self> {
        let (told, events) = mpsc::channel::<()>(1);
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let matters = event.map_or(true, |e| !e.kind.is_access());
            if matters {
                // Full: someone is told already.
                let _ = told.try_send(());
            }
        });
        let watching = watcher.and_then(|mut watcher| {
            watcher.watch(dir, RecursiveMode::Recursive)?;
            Ok(watcher)
        });
        match watching {
            Ok(watcher) => Some(Self {
                _watcher: watcher,
                events,
            }),
            Err(error) => {
                tracing::error!(dir = %dir.display(), %error, "the partners are not watched: restart after a change");
                None
            }
        }
    }
}

/// Loads the partners again when a file of their directory changes.
pub async fn configuration(exchange: Arc<Exchange>, watch: Option<FileWatch>) {
    let Some(mut watch) = watch else { return };
    loop {
        tokio::select! {
            biased;
            event = watch.events.recv() => if event.is_none() { return },
            () = exchange.stop.cancelled() => return,
        }
        exchange.sleep(SETTLE).await;
        while watch.events.try_recv().is_ok() {}
        reload(&exchange).await;
    }
}

/// Reads the partners' files again.
pub async fn reload(exchange: &Arc<Exchange>) {
    let loading = Arc::clone(exchange);
    let loaded = exchange.store.read(move |store| {
        let states = store.partner_states(&loading.company)?;
        loading.partners.reload(&states, loading.clock.now());
        Ok(())
    });
    if let Err(error) = loaded.await {
        tracing::error!(%error, "the partners are not loaded again");
    }
    exchange.due.notify_waiters();
}
