//! Engines in processes of their own on one database: paused, skewed and killed. Never do two of them do one job.

use crate::exchange_world::{
    PATIENCE, TestSecrets, confirm, fast, options, partner, partners_dir, sandbox_options, until, write_config,
};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use sync_engine::clock::{Clock, Sleep, SystemClock};
use sync_engine::domain::{DeliveryState, DocumentKind, OperationId, Timestamp};
use sync_engine::engine::Engine;
use sync_engine::exchange::Pace;
use sync_engine::partner::{Secret, Secrets};
use sync_engine::sandbox::{Fault, FaultKind, OrderSpec, Sandbox};
use sync_engine::store::ChangeKind;

const FOLDER: &str = "COUNTERSIGN_TEST_ENGINE_FOLDER";
const SKEW: &str = "COUNTERSIGN_TEST_ENGINE_SKEW_SECONDS";
const LEASE: &str = "COUNTERSIGN_TEST_ENGINE_LEASE_SECONDS";
const STARTED: &str = "engine is ready";

/// A clock that is wrong by so much.
struct Skewed(i64);

impl Clock for Skewed {
    fn now(&self) -> Timestamp {
        SystemClock.now().plus_millis(self.0)
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        SystemClock.sleep(duration)
    }

    fn random(&self) -> u64 {
        SystemClock.random()
    }
}

fn secrets() -> Arc<TestSecrets> {
    let secrets = Arc::new(TestSecrets::default());
    let secret = Secret::new("sandbox-secret".to_owned());
    secrets.set("sandbox.client_secret", secret).expect("kept");
    secrets
}

fn pace(lease_seconds: u64) -> Pace {
    Pace {
        lease: Duration::from_secs(lease_seconds),
        lease_renewal: Duration::from_millis(lease_seconds * 250),
        // Far longer than the clocks are wrong: else one that is ahead takes a new answer for given up.
        give_up_after: Duration::from_secs(72 * 3600),
        ..fast()
    }
}

/// Not a test of its own: a process of the tests below runs it until it is ended. Without the variable it has nothing
/// to do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_runs_an_engine() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let number = |name: &str| std::env::var(name).expect("said").parse::<i64>().expect("a number");
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
    let lease = u64::try_from(number(LEASE)).expect("a length");
    let mut options = options(Path::new(&folder), &secrets(), &pace(lease));
    options.clock = Arc::new(Skewed(number(SKEW) * 1000));
    let engine = Engine::start(options).await.expect("an engine");
    eprintln!("{STARTED}");
    // Until the parent closes it.
    let ended = tokio::task::spawn_blocking(|| std::io::stdin().lines().count());
    ended.await.expect("read");
    engine.stop(Duration::from_secs(20)).await;
}

/// An engine in a process of its own. Killed when dropped.
struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    fn start(folder: &Path, name: &str, lease_seconds: u64, skew_seconds: i64) -> Self {
        let log = folder.join(format!("{name}.log"));
        let child = Command::new(std::env::current_exe().expect("the test program"))
            .args([
                "--exact",
                "two_engines::child_runs_an_engine",
                "--nocapture",
                "--test-threads=1",
            ])
            .env(FOLDER, folder)
            .env(LEASE, lease_seconds.to_string())
            .env(SKEW, skew_seconds.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(&log).expect("a log"))
            .spawn()
            .expect("the child");
        let process = Self { child, log };
        let deadline = Instant::now() + PATIENCE;
        while !process.said(STARTED) {
            assert!(Instant::now() < deadline, "{name} does not start: {}", process.text());
            std::thread::sleep(Duration::from_millis(20));
        }
        process
    }

    fn text(&self) -> String {
        std::fs::read_to_string(&self.log).expect("its log")
    }

    fn said(&self, words: &str) -> bool {
        let log = BufReader::new(std::fs::File::open(&self.log).expect("its log"));
        log.lines().map_while(Result::ok).any(|line| line.contains(words))
    }

    fn signal(&self, signal: &str) {
        let sent = Command::new("kill")
            .args([signal, &self.child.id().to_string()])
            .status();
        assert!(sent.expect("kill runs").success());
    }

    /// Stopped as a laptop's lid stops it: it holds what it holds, and knows nothing of the time that passes.
    fn pause(&self) {
        self.signal("-STOP");
    }

    /// Paused between two transactions. Inside of one it holds the database's lock, and nobody writes until it goes on.
    async fn pause_unlocked(&self, folder: &Path) {
        let database = rusqlite::Connection::open(folder.join("data/countersign.db")).expect("the database");
        database.busy_timeout(Duration::from_millis(200)).expect("set");
        until("a moment between two transactions", || {
            self.pause();
            let free = database.execute_batch("BEGIN IMMEDIATE; ROLLBACK").is_ok();
            if !free {
                self.go_on();
            }
            free.then_some(())
        })
        .await;
    }

    fn go_on(&self) {
        self.signal("-CONT");
    }

    /// In order: its standard input ends.
    fn end(mut self) {
        drop(self.child.stdin.take());
        let deadline = Instant::now() + PATIENCE;
        while self.child.try_wait().expect("its status").is_none() {
            assert!(Instant::now() < deadline, "it does not stop: {}", self.text());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            println!("{}:\n{}", self.log.display(), self.text());
        }
    }
}

/// A partner, and an engine of this process that saves and reads, and neither polls nor delivers.
struct Desk {
    sandbox: Sandbox,
    engine: Engine,
    dir: tempfile::TempDir,
}

impl Desk {
    async fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let sandbox = Sandbox::start(sandbox_options()).await.expect("a sandbox");
        write_config(&partners_dir(dir.path()), &sandbox.url(), |_| {});
        let mut options = options(dir.path(), &secrets(), &pace(20));
        options.background = false;
        let engine = Engine::start(options).await.expect("an engine");
        Self { sandbox, engine, dir }
    }

    fn process(&self, name: &str, lease_seconds: u64, skew_seconds: i64) -> Process {
        Process::start(self.dir.path(), name, lease_seconds, skew_seconds)
    }

    fn issue(&self, count: u32) -> Vec<String> {
        let spec = OrderSpec {
            count: Some(count),
            lines: Some(1),
            ..OrderSpec::default()
        };
        let issued = self.sandbox.issue_order(&spec).expect("issued");
        issued.into_iter().map(|order| order.number).collect()
    }

    /// Confirms an order once some engine has brought it.
    async fn confirm(&self, number: &str) -> OperationId {
        let store = self.engine.store();
        let row = until(number, || {
            let found = store.find_document(self.engine.company(), &partner(), DocumentKind::Order, number);
            store.document(found.expect("readable")?).expect("readable")
        })
        .await;
        let saved = self
            .engine
            .answer_order(row.id, row.current, confirm(), "user:clerk")
            .await;
        saved.expect("saved").id
    }

    async fn reaches(&self, id: OperationId, state: DeliveryState) {
        until(&format!("{id} {state:?}"), || {
            let row = self.engine.store().operation(id).expect("readable").expect("there");
            (row.state == state).then_some(())
        })
        .await;
    }

    fn attempts(&self, id: OperationId) -> Vec<String> {
        let attempts = self.engine.store().attempts(id).expect("readable");
        attempts.iter().map(|a| format!("{} {:?}", a.step, a.result)).collect()
    }

    /// A request that sits with the partner for long, until it is there.
    async fn stuck(&self, number: &str) -> OperationId {
        let struck = || self.sandbox.state().counts.faults.values().sum::<u64>();
        let before = struck();
        let slow = Fault {
            milliseconds: Some(2_000),
            method: Some("POST".to_owned()),
            ..Fault::times(FaultKind::Slow, 1).on("/api/operations")
        };
        self.sandbox.set_faults(vec![slow]);
        let id = self.confirm(number).await;
        until("the request at the partner", || (struck() > before).then_some(())).await;
        id
    }

    async fn end(self, saved: &[OperationId]) {
        let state = self.sandbox.state();
        assert_eq!(state.operations.len(), saved.len());
        for effect in &state.effects {
            assert_eq!(effect.count, 1, "an effect happened twice: {effect:?}");
        }
        let store = self.engine.store();
        let audit = store.verify_audit().expect("readable");
        assert_eq!(audit.broken_at, None);
        assert_eq!(store.doctor().expect("readable").quick_check, "ok");
        self.engine.stop(Duration::from_secs(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_slept_through_its_lease_writes_nothing_late() {
    let desk = Desk::new().await;
    let first = desk.process("first", 2, 0);
    let number = desk.issue(1).remove(0);
    let id = desk.stuck(&number).await;
    first.pause_unlocked(desk.dir.path()).await;
    // Its lock is held while it sleeps: nobody takes it for gone, so its lease has to run out.
    let second = desk.process("second", 2, 0);
    assert!(!second.said("took over from an engine that is gone"));
    desk.reaches(id, DeliveryState::Applied).await;
    let written = desk.attempts(id);
    assert!(
        written[0].starts_with("lookup"),
        "asked before anything was sent: {written:?}"
    );
    first.go_on();
    until("the late outcome to be refused", || {
        first.said("lease lost").then_some(())
    })
    .await;
    assert_eq!(desk.attempts(id), written, "the late outcome was written");
    // It works on as if nothing had been.
    second.end();
    let number = desk.issue(1).remove(0);
    let next = desk.confirm(&number).await;
    desk.reaches(next, DeliveryState::Applied).await;
    first.end();
    desk.end(&[id, next]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_work_of_a_killed_process_is_taken_over_at_the_next_start() {
    let desk = Desk::new().await;
    // A lease that outlasts the test: only the free lock tells that its holder is gone.
    let first = desk.process("first", 3600, 0);
    let number = desk.issue(1).remove(0);
    let id = desk.stuck(&number).await;
    drop(first);
    let second = desk.process("second", 3600, 0);
    assert!(
        second.said("took over from an engine that is gone"),
        "{}",
        second.text()
    );
    desk.reaches(id, DeliveryState::Applied).await;
    assert!(desk.attempts(id)[0].starts_with("lookup"), "{:?}", desk.attempts(id));
    second.end();
    desk.end(&[id]).await;
}

/// Ten minutes each way: every lease of the one looks run out to the other, from the start.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_with_wrong_clocks_that_are_paused_in_turn_have_one_effect_each() {
    let desk = Desk::new().await;
    let processes = [
        desk.process("ahead", 2, 600),
        desk.process("behind", 2, -600),
        desk.process("right", 2, 0),
    ];
    let mut saved = Vec::new();
    let mut pauses = 0;
    for round in 0..4 {
        let slow = Fault {
            milliseconds: Some(30),
            ..Fault::sometimes(FaultKind::Slow, 0.5)
        };
        desk.sandbox.set_faults(vec![slow]);
        let numbers = desk.issue(10);
        for (n, number) in numbers.iter().enumerate() {
            saved.push(desk.confirm(number).await);
            if n == 5 {
                let paused = &processes[round % processes.len()];
                paused.pause();
                pauses += 1;
                tokio::time::sleep(Duration::from_millis(2_500)).await;
                paused.go_on();
            }
        }
    }
    for id in &saved {
        desk.reaches(*id, DeliveryState::Applied).await;
    }
    let lost: usize = processes.iter().map(|p| p.text().matches("lease lost").count()).sum();
    let (answers, replays) = (saved.len(), desk.sandbox.state().counts.replays);
    for process in processes {
        process.end();
    }
    desk.end(&saved).await;
    crate::evidence::ran(
        "two_engines::processes_with_wrong_clocks_that_are_paused_in_turn_have_one_effect_each",
        &format!(
            "3 processes, {pauses} pauses, {answers} answers, {lost} late outcomes refused, {replays} repeats under the same key"
        ),
    );
}

/// Each of them sees it fail, and one notices its end before the other; the one that told of it is killed meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_is_one_alert_of_all_processes_together() {
    let desk = Desk::new().await;
    let mut processes = vec![desk.process("first", 2, 0), desk.process("second", 2, 0)];
    let (store, company) = (desk.engine.store(), desk.engine.company());
    let open = || store.open_incidents(company).expect("readable");
    let turns = || {
        let changes = store.changes(0, 10_000).expect("readable");
        changes
            .iter()
            .filter(|change| change.kind == ChangeKind::Incident)
            .count()
    };
    desk.sandbox.set_faults(vec![Fault::always(FaultKind::ServerError)]);
    until("the outage", || (!open().is_empty()).then_some(())).await;
    let began = open();
    drop(processes.remove(0));
    processes.push(desk.process("third", 2, 0));
    // Their probes go on to fail.
    let failures = || desk.sandbox.state().counts.faults.values().sum::<u64>();
    let before = failures();
    until("more failures", || (failures() >= before + 12).then_some(())).await;
    assert_eq!((open(), turns()), (began.clone(), 1));

    desk.sandbox.set_faults(Vec::new());
    until("its end", || open().is_empty().then_some(())).await;
    let number = desk.issue(1).remove(0);
    let saved = desk.confirm(&number).await;
    desk.reaches(saved, DeliveryState::Applied).await;
    // Both have noticed: their orders to the partner go on.
    for process in processes {
        process.end();
    }
    assert_eq!(
        (
            open().len(),
            turns(),
            store.incidents(company, 100).expect("readable").len()
        ),
        (0, 2, 1)
    );
    crate::evidence::ran(
        "two_engines::an_outage_is_one_alert_of_all_processes_together",
        "3 processes, one killed in the outage; 1 beginning and 1 end told",
    );
    desk.end(&[saved]).await;
}
