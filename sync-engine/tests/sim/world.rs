//! The simulation itself: engines, partners, a clerk and the acts of a plan, one event after another.

mod crash;

use crate::calls::{self, Calls};
use crate::chance::Chance;
use crate::check::{self, Checker};
use crate::clerk::{self, Book, Told};
use crate::end;
use crate::forgetful::Epochs;
use crate::host::Host;
use crate::kernel::{Event, Kernel};
use crate::network::Network;
use crate::plan::{Crash, Kind, Plan};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use sync_engine::store::{SqliteStore, Store};
use uuid::Uuid;

/// More than any plan needs; beyond it the engine does not come to rest.
const MOST_EVENTS: u64 = 300_000;

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// Of every event and of the database at the end.
    pub hash: u64,
    pub events: u64,
    pub broken: Option<String>,
    pub operations: usize,
    pub lines: Vec<String>,
}

struct Place {
    host: Option<Host>,
    life: u32,
    skew: Arc<AtomicI64>,
    is_frozen: bool,
    crash_at_commit: Option<(Crash, u32)>,
    /// Set by the task that stops it in order, with the seconds until it starts again.
    stopped: Arc<AtomicBool>,
    stopping: Option<u32>,
}

pub struct World {
    pub plan: Plan,
    pub kernel: Arc<Kernel>,
    pub network: Arc<Network>,
    places: Vec<Place>,
    pub checker: Checker,
    pub book: Book,
    /// What the clerk was told, by operation, with the time of the telling.
    pub saved: BTreeMap<Uuid, i64>,
    pub withdrawn: BTreeMap<Uuid, i64>,
    /// Operations that a person acted on after they were saved.
    pub touched: BTreeMap<Uuid, i64>,
    data: PathBuf,
    partners: PathBuf,
    generation: u32,
    pub is_calm: bool,
    pub chance: Chance,
    pub calls: Calls,
    /// Of a bug that is put in on purpose.
    epochs: Epochs,
    folder: tempfile::TempDir,
}

/// An empty database of the present schema.
fn template() -> &'static [u8] {
    static TEMPLATE: OnceLock<Vec<u8>> = OnceLock::new();
    TEMPLATE.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("countersign.db");
        SqliteStore::open(&path).expect("a new database").close();
        std::fs::read(path).expect("the database")
    })
}

/// Memory where there is such a place: durability is not what is tried here, crashes are acted out.
fn folder() -> std::io::Result<tempfile::TempDir> {
    match tempfile::tempdir_in("/dev/shm") {
        Ok(folder) => Ok(folder),
        Err(_) => tempfile::tempdir(),
    }
}

/// Runs a plan with those of its acts that are kept.
pub fn run(plan: &Plan, keep: Option<&[usize]>, with_lines: bool) -> Result<Ran, String> {
    let mut world = World::new(plan, with_lines).map_err(|e| e.to_string())?;
    for (index, act) in plan.acts.iter().enumerate() {
        if keep.is_none_or(|kept| kept.contains(&index)) {
            world.kernel.after(act.at, Event::Act(index));
        }
    }
    world.kernel.after(plan.calm_at, Event::Calm);
    world.plant().map_err(|e| e.to_string())?;
    for engine in 0..plan.engines {
        world.start(engine);
    }
    world.go();
    let hash = world.checker.hash()?;
    world.kernel.trace(|| format!("database {hash:016x}"));
    Ok(Ran {
        hash: world.kernel.hash(),
        events: world.kernel.events(),
        broken: world.kernel.first_broken(),
        operations: world.checker.operations()?.len(),
        lines: world.kernel.lines(),
    })
}

impl World {
    fn new(plan: &Plan, with_lines: bool) -> std::io::Result<Self> {
        let folder = folder()?;
        let (data, partners) = (folder.path().join("data0"), folder.path().join("partners"));
        std::fs::create_dir(&data)?;
        std::fs::create_dir(&partners)?;
        for index in 0..plan.partners.len() {
            std::fs::write(partners.join(format!("p{index}.json")), "{}")?;
        }
        let database = data.join("countersign.db");
        std::fs::write(&database, template())?;
        let kernel = Kernel::new(with_lines);
        let place = |_| Place {
            host: None,
            life: 0,
            skew: Arc::default(),
            is_frozen: false,
            crash_at_commit: None,
            stopped: Arc::default(),
            stopping: None,
        };
        Ok(Self {
            network: Network::new(&kernel, plan),
            plan: plan.clone(),
            kernel,
            places: (0..plan.engines).map(place).collect(),
            checker: Checker::open(&database).map_err(std::io::Error::other)?,
            book: Arc::default(),
            saved: BTreeMap::new(),
            withdrawn: BTreeMap::new(),
            touched: BTreeMap::new(),
            data,
            partners,
            generation: 0,
            is_calm: false,
            chance: Chance::of(plan.seed, 7),
            calls: Calls::default(),
            epochs: Epochs::default(),
            folder,
        })
    }

    fn go(&mut self) {
        self.settle();
        while self.kernel.first_broken().is_none() {
            if self.kernel.events() > MOST_EVENTS {
                self.kernel.broken(|| format!("no rest after {MOST_EVENTS} events"));
                return;
            }
            let Some(event) = self.kernel.next() else {
                self.kernel.broken(|| "nothing happens any more".to_owned());
                return;
            };
            self.happen(event);
            self.settle();
            if self.is_calm && end::is_over(self) {
                break;
            }
        }
        if self.kernel.first_broken().is_none() {
            end::check(self);
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Wake(slot) => {
                if let Some(slot) = slot.upgrade() {
                    self.kernel.trace(|| "a sleep ends".to_owned());
                    slot.fill(());
                }
            }
            Event::Arrive(id) => self.network.arrive(id),
            Event::Reply(id) => self.network.reply(id),
            Event::Commit { engine, life } => self.commit(engine, life),
            Event::Act(index) => self.act(index),
            Event::Start(engine) => self.start(engine),
            Event::Thaw(engine) => {
                self.kernel.trace(|| format!("e{engine} runs on"));
                self.places[engine].is_frozen = false;
            }
            Event::Calm => end::calm(self),
        }
    }

    /// Lets every engine run until it waits, hears what the clerk was told, and plans the commits.
    fn settle(&mut self) {
        for engine in 0..self.places.len() {
            let Some(host) = &self.places[engine].host else {
                continue;
            };
            if self.places[engine].is_frozen {
                continue;
            }
            host.run();
            if self.places[engine].stopped.swap(false, Ordering::Relaxed) {
                let seconds = self.places[engine].stopping.take().unwrap_or(0);
                self.kernel.trace(|| format!("e{engine} has stopped"));
                self.places[engine].host = None;
                self.calls.broke_off(engine, &mut self.network.lock());
                self.kernel.after(i64::from(seconds) * 1_000, Event::Start(engine));
                continue;
            }
            self.plan_commit(engine);
        }
        self.hear();
        let left = std::mem::take(&mut self.network.lock().left);
        for (operation, body) in left {
            match self.checker.is_stored(operation, &body) {
                Ok(true) => {}
                Ok(false) => self
                    .kernel
                    .broken(|| format!("operation {operation} left before its request was stored")),
                Err(error) => self.kernel.broken(|| error),
            }
        }
    }

    fn plan_commit(&mut self, engine: usize) {
        let delay = i64::try_from(self.chance.between(0, 5)).unwrap_or(0);
        let place = &mut self.places[engine];
        let Some(host) = &mut place.host else { return };
        if host.writer.is_waiting() && !host.is_commit_due {
            host.is_commit_due = true;
            let life = place.life;
            self.kernel.after(delay, Event::Commit { engine, life });
        }
    }

    fn hear(&mut self) {
        let told = std::mem::take(&mut *self.book.lock().expect("one thread"));
        let now = self.kernel.now();
        for (act, told) in told {
            self.kernel.trace(|| format!("act {act}: {told:?}"));
            match told {
                Told::Saved(id) => drop(self.saved.insert(id, now)),
                Told::Withdrawn(id) => {
                    self.withdrawn.insert(id, now);
                    self.touched.insert(id, now);
                }
                Told::Released(id) | Told::Retried(id) => drop(self.touched.insert(id, now)),
                Told::Called(is_taken) => self.calls.answered(act, is_taken, &mut self.network.lock()),
                Told::Stopped
                    if self
                        .places
                        .iter()
                        .any(|place| place.host.is_none() || place.stopping.is_some()) => {}
                Told::Stopped => self.kernel.broken(|| format!("act {act}: closed, and no engine stops")),
                Told::Failed(error) => self.kernel.broken(|| format!("act {act} failed: {error}")),
                Told::Refused(_) | Told::Done => {}
            }
        }
    }

    fn commit(&mut self, engine: usize, life: u32) {
        let place = &mut self.places[engine];
        let Some(host) = place.host.as_mut().filter(|_| place.life == life) else {
            return;
        };
        host.is_commit_due = false;
        if place.is_frozen {
            return;
        }
        let crash = place.crash_at_commit.take();
        if let Some((Crash::BeforeCommit, seconds)) = crash {
            return self.crash(engine, seconds);
        }
        host.writer.step();
        let store = Arc::clone(&host.store);
        self.kernel.trace(|| format!("e{engine} commits"));
        let looked = self.look(&store).and_then(|()| self.checker.outcomes((engine, life)));
        if let Err(error) = looked {
            self.kernel.broken(|| error);
        }
        if let Some((_, seconds)) = crash {
            self.crash(engine, seconds);
        }
    }

    fn look(&mut self, store: &SqliteStore) -> Result<(), String> {
        self.checker.commit()?;
        for id in self.checker.changed()? {
            if let Some(chain) = store.chain(id).map_err(|e| e.to_string())? {
                check::chain(&chain)?;
            }
        }
        for id in self.checker.released()? {
            *self.network.lock().consents.entry(id).or_default() += 1;
        }
        Ok(())
    }

    fn start(&mut self, engine: usize) {
        let place = &mut self.places[engine];
        if place.host.is_some() {
            return;
        }
        place.life += 1;
        let life = place.life;
        self.kernel.trace(|| format!("e{engine}.{life} starts"));
        let host = Host::start(
            &self.plan,
            (&self.network, &self.epochs),
            (engine, life),
            &place.skew,
            &self.data,
            &self.partners,
        );
        match host {
            Ok(host) => place.host = Some(host),
            Err(error) => self.kernel.broken(|| error),
        }
        end::nothing_saved_is_lost(self);
    }

    fn act(&mut self, index: usize) {
        let kind = self.plan.acts[index].kind;
        self.kernel.trace(|| format!("act {index}: {kind:?}"));
        let mut chance = Chance::of(self.plan.seed, 1_000_000 + index as u64);
        let now = self.kernel.now();
        let mut net = self.network.lock();
        match kind {
            Kind::Order { partner, poison } => net.servers[partner].new_order(poison),
            Kind::Change { partner } => net.servers[partner].change(&mut chance, 1),
            Kind::LateChange { partner } => net.servers[partner].change(&mut chance, 2),
            Kind::Withdraw { partner } => net.servers[partner].cancel(&mut chance),
            Kind::Broken { partner } => net.servers[partner].list_broken(&mut chance),
            Kind::Repeat { partner } => net.servers[partner].list_again(&mut chance),
            Kind::Respond { partner } => net.servers[partner].respond(&mut chance),
            Kind::Note { partner } => net.servers[partner].deliver(&mut chance),
            Kind::Call { partner, engine } => {
                let bytes = net.servers[partner].unlisted(&mut chance);
                drop(net);
                self.call(index, engine, partner, bytes);
            }
            Kind::Weather {
                partner,
                fault,
                seconds,
                percent,
            } => net.servers[partner].set_weather(fault, now + i64::from(seconds) * 1_000, percent),
            Kind::Reconfigure { partner, broken } => {
                net.servers[partner].configuration += 1;
                net.servers[partner].is_configuration_broken = broken;
                drop(net);
                self.reload();
            }
            Kind::Crash { engine, how, seconds } => {
                drop(net);
                match how {
                    Crash::Now => self.crash(engine, seconds),
                    Crash::BeforeCommit | Crash::AfterCommit => {
                        self.places[engine].crash_at_commit = Some((how, seconds));
                    }
                }
            }
            Kind::Stop { engine, seconds } => {
                drop(net);
                self.stop(engine, seconds);
            }
            Kind::Freeze { engine, seconds } => {
                if self.places[engine].host.is_some() {
                    self.places[engine].is_frozen = true;
                    self.kernel.after(i64::from(seconds) * 1_000, Event::Thaw(engine));
                }
            }
            Kind::Jump { engine, seconds } => self.places[engine].skew.store(seconds * 1_000, Ordering::Relaxed),
            Kind::Answer { engine, .. }
            | Kind::Issue { engine, .. }
            | Kind::Amend { engine, .. }
            | Kind::Receive { engine }
            | Kind::Ship { engine }
            | Kind::Retry { engine }
            | Kind::Release { engine }
            | Kind::TakeBack { engine }
            | Kind::Pause { engine, .. }
            | Kind::Rerun { engine, .. }
            | Kind::Sync { engine, .. } => {
                drop(net);
                self.clerk(engine, index, kind, chance);
            }
        }
    }

    /// The partner calls an engine; where nobody answers, it lists what it has to say.
    fn call(&mut self, act: usize, engine: usize, partner: usize, bytes: bytes::Bytes) {
        self.calls.add(act, engine, partner, bytes.clone());
        let place = &self.places[engine];
        let answers = !place.is_frozen && place.stopping.is_none() && self.plan.partners[partner].is_wide;
        match place
            .host
            .as_ref()
            .filter(|_| answers)
            .and_then(|host| Some((host, host.engine()?)))
        {
            Some((host, engine)) => drop(host.rt.spawn(calls::call(&engine, act, partner, bytes, &self.book))),
            None => self.calls.answered(act, false, &mut self.network.lock()),
        }
    }

    /// The clerk does something on an engine that is there.
    pub fn clerk(&self, engine: usize, index: usize, kind: Kind, chance: Chance) {
        let place = &self.places[engine];
        if place.is_frozen || place.stopping.is_some() {
            return;
        }
        let Some(host) = &place.host else { return };
        if let Some(engine) = host.engine() {
            host.rt.spawn(clerk::act(&engine, index, kind, chance, &self.book));
        }
    }

    /// Engines that run now.
    pub fn running(&self) -> Vec<usize> {
        let runs =
            |place: &Place| place.host.as_ref().is_some_and(|h| h.engine().is_some()) && place.stopping.is_none();
        (0..self.places.len()).filter(|i| runs(&self.places[*i])).collect()
    }

    /// Everything that an act stopped or bent is as it was.
    pub fn heal(&mut self) {
        for engine in 0..self.places.len() {
            let place = &mut self.places[engine];
            place.skew.store(0, Ordering::Relaxed);
            place.is_frozen = false;
            place.crash_at_commit = None;
        }
    }

    pub fn reload(&self) {
        for place in &self.places {
            if let Some(host) = &place.host
                && let Some(engine) = host.engine()
            {
                host.rt.spawn(async move { engine.reload().await });
            }
        }
    }

    fn stop(&mut self, engine: usize, seconds: u32) {
        let place = &mut self.places[engine];
        let Some(host) = &place.host else { return };
        if let (Some(running), None) = (host.engine(), place.stopping) {
            place.stopping = Some(seconds);
            let stopped = Arc::clone(&place.stopped);
            host.rt.spawn(async move {
                running.stop(Duration::from_secs(5)).await;
                stopped.store(true, Ordering::Relaxed);
            });
        }
    }

    /// A store to look through at the end.
    pub fn any_store(&self) -> Option<Arc<SqliteStore>> {
        let mut hosts = self.places.iter().filter_map(|place| place.host.as_ref());
        hosts.next().map(|host| Arc::clone(&host.store))
    }
}
