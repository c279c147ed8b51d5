//! The partners on line: each configuration file of the directory, the last good one of each kept in force.

use super::gate::Gate;
use super::pace::Pace;
use crate::clock::Clock;
use crate::domain::{CompanyId, PartnerId, Timestamp};
use crate::partner::{PartnerLink, Secrets, load_file};
use crate::store::PartnerState;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use tokio::sync::{Notify, watch};

/// Files read from the directory; more are refused with a message.
const MAX_FILES: usize = 1000;

/// A partner that has, or had, a good configuration.
pub struct Partner {
    pub id: PartnerId,
    pub gate: Arc<Gate>,
    /// Asks its streams to be polled now.
    pub poll: Notify,
    link: RwLock<Arc<dyn PartnerLink>>,
    /// One run at a time per stream in this process; the lease does it between processes.
    runs: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

impl Partner {
    pub fn link(&self) -> Arc<dyn PartnerLink> {
        Arc::clone(&self.link.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn run_lock(&self, stream: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(runs.entry(stream.to_owned()).or_default())
    }
}

/// A configuration file and what became of it.
#[derive(Clone)]
pub struct PartnerFile {
    pub path: PathBuf,
    /// The partner in force from this file: of its last good content.
    pub partner: Option<Arc<Partner>>,
    /// Mistakes of the present content; empty when it is in force.
    pub errors: Vec<String>,
}

/// Builds a link from a file, or says everything that is wrong with it.
pub type Load = dyn Fn(&Path) -> Result<Arc<dyn PartnerLink>, Vec<String>> + Send + Sync;

pub struct Partners {
    dir: PathBuf,
    company: CompanyId,
    pace: Pace,
    load: Box<Load>,
    files: RwLock<BTreeMap<PathBuf, PartnerFile>>,
    /// Counts the loads, so that pollers follow.
    generation: watch::Sender<u64>,
}

/// The product's loader: a file's configuration, checked as a whole, put on line over HTTP.
pub fn loader(secrets: Arc<dyn Secrets>, clock: Arc<dyn Clock>) -> Box<Load> {
    Box::new(move |path| {
        let config =
            load_file(path).map_err(|errors| errors.mistakes.iter().map(ToString::to_string).collect::<Vec<_>>())?;
        let link = config
            .connect(Arc::clone(&secrets), Arc::clone(&clock))
            .map_err(|error| vec![error])?;
        Ok(Arc::new(link))
    })
}

impl Partners {
    pub fn new(dir: PathBuf, company: CompanyId, pace: Pace, load: Box<Load>) -> Self {
        Self {
            dir,
            company,
            pace,
            load,
            files: RwLock::default(),
            generation: watch::Sender::new(0),
        }
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub fn changed(&self) -> watch::Receiver<u64> {
        self.generation.subscribe()
    }

    pub fn files(&self) -> Vec<PartnerFile> {
        let files = self.files.read().unwrap_or_else(PoisonError::into_inner);
        files.values().cloned().collect()
    }

    /// Every partner in force.
    pub fn all(&self) -> Vec<Arc<Partner>> {
        let files = self.files.read().unwrap_or_else(PoisonError::into_inner);
        files.values().filter_map(|f| f.partner.clone()).collect()
    }

    pub fn get(&self, id: &PartnerId) -> Option<Arc<Partner>> {
        let files = self.files.read().unwrap_or_else(PoisonError::into_inner);
        let mut all = files.values().filter_map(|f| f.partner.as_ref());
        all.find(|p| p.id == *id).cloned()
    }

    /// Of every configuration in force.
    pub fn fingerprints(&self) -> Vec<String> {
        let partners = self.all().into_iter();
        partners.map(|p| p.link().fingerprint().to_owned()).collect()
    }

    /// The first moment after `now` at which a shut gate lets something through again.
    pub fn next_opening(&self, now: Timestamp) -> Option<Timestamp> {
        let openings = self.all().into_iter().filter_map(|p| p.gate.opens_at());
        openings.filter(|at| *at > now).min()
    }

    /// Reads every file again. Blocks on the disk. `states` is what the store knows of each partner.
    pub fn reload(&self, states: &[PartnerState], now: Timestamp) {
        let paths = match self.list() {
            Ok(paths) => paths,
            Err(error) => {
                // The last good ones stay in force.
                tracing::error!(dir = %self.dir.display(), %error, "the partners' directory cannot be read");
                return;
            }
        };
        let before: BTreeMap<PathBuf, PartnerFile> = self.files().into_iter().map(|f| (f.path.clone(), f)).collect();
        let mut files = BTreeMap::new();
        let mut taken: HashMap<PartnerId, PathBuf> = HashMap::new();
        for path in paths {
            let file = self.read(&path, &taken, &before, states, now);
            if let Some(partner) = &file.partner {
                taken.insert(partner.id.clone(), path.clone());
            }
            report(&file, before.get(&path));
            files.insert(path, file);
        }
        *self.files.write().unwrap_or_else(PoisonError::into_inner) = files;
        self.generation.send_modify(|generation| *generation += 1);
    }

    fn list(&self) -> std::io::Result<Vec<PathBuf>> {
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(&self.dir)? {
            let path = entry?.path();
            let is_json = path.extension().is_some_and(|e| e == "json");
            let hidden = path.file_name().is_some_and(|n| n.to_string_lossy().starts_with('.'));
            // Schemas lie in folders below; one beside the configurations is none of them.
            let is_schema = path.to_string_lossy().ends_with(".schema.json");
            if is_json && !hidden && !is_schema && path.is_file() {
                paths.push(path);
            }
        }
        paths.sort();
        if paths.len() > MAX_FILES {
            tracing::error!(
                found = paths.len(),
                limit = MAX_FILES,
                "too many partner files: the first are used"
            );
            paths.truncate(MAX_FILES);
        }
        Ok(paths)
    }

    fn read(
        &self,
        path: &Path,
        taken: &HashMap<PartnerId, PathBuf>,
        before: &BTreeMap<PathBuf, PartnerFile>,
        states: &[PartnerState],
        now: Timestamp,
    ) -> PartnerFile {
        let kept = before.get(path).and_then(|f| f.partner.clone());
        // Before a partner is touched: what is refused is not in force.
        let loaded = (self.load)(path).and_then(|link| match taken.get(link.id()) {
            None => Ok(link),
            Some(other) => Err(vec![format!(
                "the id \"{}\" is in {} already: give this file another id",
                link.id(),
                other.display()
            )]),
        });
        let (partner, errors) = match loaded {
            Err(errors) => (kept.filter(|p| !taken.contains_key(&p.id)), errors),
            Ok(link) => {
                // A renamed file keeps its partner, with what is known of the way to it.
                let mut known = before.values().filter_map(|f| f.partner.as_ref());
                let partner = match known.find(|p| p.id == *link.id()) {
                    Some(partner) => {
                        *partner.link.write().unwrap_or_else(PoisonError::into_inner) = link;
                        partner.gate.hasten(now);
                        Arc::clone(partner)
                    }
                    None => Arc::new(self.partner(link, states, now)),
                };
                (Some(partner), Vec::new())
            }
        };
        PartnerFile {
            path: path.to_owned(),
            partner,
            errors,
        }
    }

    fn partner(&self, link: Arc<dyn PartnerLink>, states: &[PartnerState], now: Timestamp) -> Partner {
        let id = link.id().clone();
        let gate = match states.iter().find(|s| s.partner == id) {
            Some(state) => Gate::restored(state.clone(), &self.pace, now),
            None => Gate::new(&self.company, &id, &self.pace),
        };
        Partner {
            id,
            gate: Arc::new(gate),
            poll: Notify::new(),
            link: RwLock::new(link),
            runs: Mutex::default(),
        }
    }
}

fn report(file: &PartnerFile, before: Option<&PartnerFile>) {
    if file.errors.is_empty() {
        if let Some(partner) = &file.partner {
            tracing::info!(partner = %partner.id, file = %file.path.display(), "configuration in force");
        }
    } else if before.is_none_or(|b| b.errors != file.errors) {
        let kept = file.partner.is_some();
        tracing::error!(
            file = %file.path.display(), mistakes = file.errors.len(), first = file.errors.first(), kept,
            "configuration refused"
        );
    }
}
