//! `countersign serve` as it is shipped, with operations that never succeed: how much longer do the others take?

use crate::exchange_world::{sandbox_options, until, write_config};
use crate::kill::Program;
use crate::wire_proxy::{Poison, Proxy};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use sync_engine::partner::{FileSecrets, Secret, Secrets};
use sync_engine::sandbox::{OrderSpec, Sandbox};

/// Orders of each half.
const OTHERS: usize = 20;
/// What no document may be delayed by.
const DELAY: Duration = Duration::from_secs(1);
const SILENCE: Duration = Duration::from_secs(60);

struct Desk {
    program: Program,
    sandbox: Sandbox,
}

impl Desk {
    /// Confirms an order; how long from then until the partner has it.
    async fn confirm(&self, row: &Value) -> Duration {
        let begun = Instant::now();
        let id = self.answer(row).await;
        until("the partner has it", || {
            let operations = self.sandbox.state().operations;
            operations.iter().any(|o| o.key == id).then_some(())
        })
        .await;
        begun.elapsed()
    }

    async fn answer(&self, row: &Value) -> String {
        let body = json!({ "version": 1, "answer": { "code": "AP" } });
        let saved = self
            .program
            .post(&format!("documents/{}/answers", row["id"]), &body)
            .await;
        let (status, operation) = saved.expect("it answers");
        assert_eq!(status, 201, "{operation}");
        operation["id"].as_str().expect("an id").to_owned()
    }

    async fn slowest(&self, rows: &[Value]) -> Duration {
        let mut slowest = Duration::ZERO;
        for row in rows {
            slowest = slowest.max(self.confirm(row).await);
        }
        slowest
    }

    async fn attempts(&self, id: &str) -> u64 {
        let operation = self.program.get(&format!("operations/{id}")).await.expect("it answers");
        operation["operation"]["attempts"].as_u64().expect("a number")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_program_delays_no_other_document_by_more_than_a_second() {
    let home = tempfile::tempdir().expect("a folder");
    let data = home.path().join("data");
    let sandbox = Sandbox::start(sandbox_options()).await.expect("a sandbox");
    let proxy = Proxy::start(sandbox.port(), 1, SILENCE).await;
    proxy.calm();
    std::fs::create_dir_all(data.join("partners")).expect("a folder");
    write_config(&data.join("partners"), &proxy.url(), |_| {});
    let secret = Secret::new("sandbox-secret".to_owned());
    let secrets = FileSecrets::new(data.join("secrets.json"));
    secrets.set("sandbox.client_secret", secret).expect("kept");
    let orders = OrderSpec {
        count: Some(u32::try_from(2 * OTHERS + 2).expect("few")),
        lines: Some(1),
        ..OrderSpec::default()
    };
    sandbox.issue_order(&orders).expect("issued");
    let (at, running) = (home.path().to_owned(), Program::start(home.path()));
    let program = tokio::task::spawn_blocking(move || Program::ready(running, &at));
    let desk = Desk {
        program: program.await.expect("it starts"),
        sandbox,
    };
    let mut rows = Vec::new();
    while rows.len() < 2 * OTHERS + 2 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let page = desk
            .program
            .get("documents?view=needsAnswer&limit=200")
            .await
            .expect("it answers");
        rows = page["items"].as_array().expect("rows").clone();
    }
    let (poisoned, rest) = rows.split_at(2);
    let (first, second) = rest.split_at(OTHERS);

    let before = desk.slowest(first).await;
    proxy.poison(poisoned[0]["number"].as_str().expect("text"), Poison::Status(500));
    proxy.poison(poisoned[1]["number"].as_str().expect("text"), Poison::Silence);
    let (refused, silent) = (desk.answer(&poisoned[0]).await, desk.answer(&poisoned[1]).await);
    while desk.attempts(&refused).await < 2 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let beside = desk.slowest(second).await;
    let tries = desk.attempts(&refused).await;
    let hangs = desk
        .program
        .get(&format!("operations/{silent}"))
        .await
        .expect("it answers");
    assert_eq!(
        hangs["operation"]["state"], "Sending",
        "it hangs all the while: {hangs}"
    );
    crate::evidence::ran(
        "poison_program::the_program_delays_no_other_document_by_more_than_a_second",
        &format!(
            "{OTHERS} others, the slowest in {} ms; beside {tries} refusals and one that hung in {} ms",
            before.as_millis(),
            beside.as_millis()
        ),
    );
    assert!(beside < before + DELAY, "{beside:?} beside poison, {before:?} without");
    desk.program.kill();
}
