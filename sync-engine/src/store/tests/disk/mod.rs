//! A disk that fails when it is told to, and one whose power is cut.

mod faults;
mod opening;
mod power;
#[cfg(target_os = "linux")]
mod real;
mod vfs;
mod work;

use rusqlite::ffi;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// What SQLite asks of a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Io {
    Open,
    Read,
    Write,
    Truncate,
    Sync,
    Delete,
    Size,
    Lock,
    ShmMap,
    ShmLock,
}

/// How it fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// One I/O fails; the next goes well.
    Once,
    /// From one on all fail, until it is mended.
    Lasting,
    /// From one write on the disk is full; all else goes well.
    Full,
}

impl Failure {
    fn hits(self, io: Io) -> bool {
        self != Self::Full || matches!(io, Io::Write | Io::ShmMap)
    }

    fn code(self, io: Io) -> i32 {
        match (self, io) {
            (Self::Full, Io::Write) => ffi::SQLITE_FULL,
            (Self::Full, _) => ffi::SQLITE_IOERR_SHMSIZE,
            (_, Io::Open) => ffi::SQLITE_CANTOPEN,
            (_, Io::Read) => ffi::SQLITE_IOERR_READ,
            (_, Io::Write) => ffi::SQLITE_IOERR_WRITE,
            (_, Io::Truncate) => ffi::SQLITE_IOERR_TRUNCATE,
            (_, Io::Sync) => ffi::SQLITE_IOERR_FSYNC,
            (_, Io::Delete) => ffi::SQLITE_IOERR_DELETE,
            (_, Io::Size) => ffi::SQLITE_IOERR_FSTAT,
            (_, Io::Lock) => ffi::SQLITE_IOERR_LOCK,
            (_, Io::ShmMap) => ffi::SQLITE_IOERR_SHMMAP,
            (_, Io::ShmLock) => ffi::SQLITE_IOERR_SHMLOCK,
        }
    }
}

/// What happened to the files of a disk, in order.
#[derive(Debug, Clone)]
pub enum Event {
    Open(Arc<str>),
    Write(Arc<str>, usize, Vec<u8>),
    Truncate(Arc<str>, usize),
    Sync(Arc<str>),
    Delete(Arc<str>, bool),
}

#[derive(Default)]
struct State {
    /// I/O to go until the failure, and which.
    armed: Option<(u64, Failure)>,
    fired: Option<Io>,
    log: Option<Vec<Event>>,
}

/// The disk under one folder.
#[derive(Default)]
pub struct Disk(Mutex<State>);

static DISKS: Mutex<BTreeMap<PathBuf, Weak<Disk>>> = Mutex::new(BTreeMap::new());

fn disk_of(folder: &Path) -> Option<Arc<Disk>> {
    DISKS
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .get(folder)
        .and_then(Weak::upgrade)
}

impl Disk {
    /// Puts a disk under a folder, for as long as it lives.
    pub fn under(folder: &Path) -> Arc<Self> {
        vfs::register();
        let disk = Arc::new(Self::default());
        let folder = folder.canonicalize().expect("the folder");
        let mut disks = DISKS.lock().unwrap_or_else(PoisonError::into_inner);
        disks.retain(|_, disk| disk.strong_count() > 0);
        disks.insert(folder, Arc::downgrade(&disk));
        disk
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The I/O number `number`, from 1, of those that the failure concerns is the first to fail.
    pub fn arm(&self, number: u64, failure: Failure) {
        let mut state = self.state();
        state.armed = Some((number, failure));
        state.fired = None;
    }

    /// All goes well again; which I/O had failed first.
    pub fn mend(&self) -> Option<Io> {
        let mut state = self.state();
        state.armed = None;
        state.fired.take()
    }

    /// For whoever has mended it and leaves the question to another.
    pub fn note_fired(&self, io: Option<Io>) {
        self.state().fired = io;
    }

    pub fn record(&self) {
        self.state().log = Some(Vec::new());
    }

    /// Events recorded so far.
    pub fn recorded(&self) -> usize {
        self.state().log.as_ref().map_or(0, Vec::len)
    }

    pub fn log(&self) -> Vec<Event> {
        self.state().log.take().unwrap_or_default()
    }

    fn before(&self, io: Io) -> Result<(), i32> {
        let mut state = self.state();
        let Some((left, failure)) = &mut state.armed else {
            return Ok(());
        };
        let failure = *failure;
        if !failure.hits(io) {
            return Ok(());
        }
        *left = left.saturating_sub(1);
        if *left > 0 {
            return Ok(());
        }
        state.fired.get_or_insert(io);
        if failure == Failure::Once {
            state.armed = None;
        }
        Err(failure.code(io))
    }

    fn push(&self, event: Event) {
        if let Some(log) = &mut self.state().log {
            log.push(event);
        }
    }

    fn opened(&self, name: &Arc<str>) {
        self.push(Event::Open(Arc::clone(name)));
    }

    fn written(&self, name: &Arc<str>, at: usize, bytes: &[u8]) {
        self.push(Event::Write(Arc::clone(name), at, bytes.to_vec()));
    }

    fn truncated(&self, name: &Arc<str>, size: usize) {
        self.push(Event::Truncate(Arc::clone(name), size));
    }

    fn synced(&self, name: &Arc<str>) {
        self.push(Event::Sync(Arc::clone(name)));
    }

    fn deleted(&self, name: &Arc<str>, durable: bool) {
        self.push(Event::Delete(Arc::clone(name), durable));
    }
}
