//! What lasts is told once when it begins and once when it ends; and a monitor sees numbers that are true.

use crate::exchange_world::{World, confirm, fast, partners_dir, sandbox_options, until};
use std::time::Duration;
use sync_engine::domain::DeliveryState;
use sync_engine::engine::Care;
use sync_engine::exchange::Pace;
use sync_engine::store::{ChangeKind, IncidentRow};

impl World {
    fn incidents(&self) -> Vec<IncidentRow> {
        self.store().incidents(self.engine.company(), 100).expect("readable")
    }

    /// Waits until exactly these are open.
    async fn open(&self, expected: &[(&str, &str)]) -> Vec<IncidentRow> {
        until(&format!("{expected:?}"), || {
            let open = self.store().open_incidents(self.engine.company()).expect("readable");
            let are: Vec<_> = open.iter().map(|o| (o.kind.as_str(), o.subject.as_str())).collect();
            (are == expected).then_some(open)
        })
        .await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_told_once_when_it_begins_and_once_when_it_ends() {
    let mut world = World::start().await;
    let order = world.order(2).await;
    let mut changes = world.store().subscribe();
    // tcpmux: nobody listens there.
    world.configure(|config| config["baseUrl"] = "http://127.0.0.1:1".into());
    let began = world.open(&[("partner.unreachable", "sandbox")]).await.remove(0);
    assert!(!began.detail.is_empty());
    // Many more attempts fail meanwhile, also over a restart.
    world.restart().await;
    let failed = |world: &World| {
        let states = world.store().partner_states(world.engine.company()).expect("readable");
        states[0].last_failure_at
    };
    let before = failed(&world);
    until("another failure", || (failed(&world) > before).then_some(())).await;
    assert_eq!(world.incidents(), std::slice::from_ref(&began));

    world.configure(|_| {});
    world.open(&[]).await;
    let answered = world.answer(&order, confirm()).await;
    world.reaches(answered.id, DeliveryState::Applied).await;
    let all = world.incidents();
    assert_eq!(all.len(), 1, "{all:?}");
    assert!(all[0].ended_at.is_some_and(|ended| ended > began.began_at));
    // The engine of before the restart told of the beginning; the ending was told by the one after it.
    let mut told = 0;
    while let Ok(change) = changes.try_recv() {
        told += u32::from(change.kind == ChangeKind::Incident);
    }
    assert_eq!(told, 1);
    world.end(&[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_file_is_one_until_it_is_mended() {
    let world = World::start().await;
    world.order(1).await;
    let file = partners_dir(world.dir.path()).join("other.json");
    std::fs::write(&file, "{ \"id\": 7 ").expect("written");
    let open = world.open(&[("partner.configuration", "other.json")]).await;
    assert!(open[0].detail.contains("not JSON"), "{open:?}");
    std::fs::remove_file(&file).expect("removed");
    world.open(&[]).await;
    assert_eq!(world.incidents().len(), 1);
    world.end(&[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_dead_letters_of_one_partner_do_not_end_what_was_told_of_another() {
    let world = World::start().await;
    world.order(1).await;
    let db = rusqlite::Connection::open(world.dir.path().join("data/countersign.db")).expect("opens");
    db.busy_timeout(Duration::from_secs(30)).expect("set");
    let dead = |partner: &str, count: u32, in_all: u32| {
        db.execute_batch(&format!(
            "BEGIN IMMEDIATE;
             WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})
             INSERT INTO operation (id, company, partner, document_id, version, kind, act, actor, created_at, state, ready,
                                    scheduled_from, updated_at)
             SELECT randomblob(16), 'main', '{partner}', 1, 1, 'Confirm', 'Answer', 'user:ada', 1, 'Dead', 0, 1, 1 FROM n;
             INSERT INTO counter VALUES ('main', 'dead', {in_all}) ON CONFLICT DO UPDATE SET value = excluded.value;
             COMMIT"
        ))
        .expect("written");
    };
    dead("other", 1, 1);
    world.open(&[("queue.dead", "other")]).await;
    dead("sandbox", 1_000, 1_001);
    world.open(&[("queue.dead", "other"), ("queue.dead", "sandbox")]).await;
    assert!(world.incidents().iter().all(|incident| incident.ended_at.is_none()));
    world.end(&[DeliveryState::Dead]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_cannot_be_made_is_one_until_it_is() {
    let pace = Pace {
        care_every: Duration::from_millis(20),
        ..fast()
    };
    let mut world = World::with(pace, sandbox_options()).await;
    let backups = world.dir.path().join("backups");
    std::fs::write(&backups, b"a file in the way").expect("written");
    let care = Care {
        archives: world.dir.path().join("archives"),
        backups: backups.clone(),
        keep_days: Some(90),
        backup_hours: Some(24),
        keep_backups: 2,
    };
    world.engine.care(care.clone());
    let open = world.open(&[("care.backup", "database")]).await;
    assert!(open[0].detail.contains("backups"), "{open:?}");
    // Over a restart, and before its care looked again, it is the same one.
    world.restart().await;
    assert_eq!(world.incidents(), open);
    world.engine.care(care);
    std::fs::remove_file(&backups).expect("removed");
    world.open(&[]).await;
    assert_eq!(world.incidents().len(), 1);
    assert_eq!(std::fs::read_dir(&backups).expect("a folder").count(), 1);
    world.end(&[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_one_however_many_there_are() {
    let world = World::start().await;
    let orders = [world.order(1).await, world.order(1).await];
    world.configure(|config| {
        let confirm = config["operations"]["confirm"].as_object_mut().expect("confirm");
        confirm.remove("schema");
        // The partner refuses an answer without it.
        confirm["request"]["body"]
            .as_object_mut()
            .expect("a body")
            .remove("answeredAt");
        config["name"] = "forgetful".into();
    });
    until("the changed configuration", || {
        let partners = world.engine.partners().expect("readable");
        partners.iter().any(|p| p.name == "forgetful").then_some(())
    })
    .await;
    let mut dead = Vec::new();
    for order in &orders {
        let saved = world.answer(order, confirm()).await;
        dead.push(world.reaches(saved.id, DeliveryState::Dead).await);
        world.open(&[("queue.dead", "sandbox")]).await;
    }
    for operation in dead {
        let withdrawn = world.engine.withdraw_operation(operation.id, "user:clerk").await;
        withdrawn.expect("withdrawn");
    }
    world.open(&[]).await;
    assert_eq!(world.incidents().len(), 1);
    world.end(&[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_monitor_reads_what_is_true() {
    let world = World::start().await;
    let order = world.order(3).await;
    let saved = world.answer(&order, confirm()).await;
    world.reaches(saved.id, DeliveryState::Applied).await;
    world.configure(|config| config["baseUrl"] = "http://127.0.0.1:1".into());
    world.open(&[("partner.unreachable", "sandbox")]).await;
    let text = world.engine.metrics().expect("metrics");
    let value = |name: &str| {
        let line = text
            .lines()
            .find(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(' ')));
        line.and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
            .unwrap_or_else(|| panic!("{name} is not in\n{text}"))
    };
    let counters = world.store().counters(world.engine.company()).expect("readable");
    assert_eq!(value("countersign_documents"), counters.documents as f64);
    assert_eq!(value("countersign_operations{state=\"applied\"}"), 1.0);
    assert_eq!(value("countersign_partner_up{partner=\"sandbox\"}"), 0.0);
    assert_eq!(value("countersign_incidents_open{kind=\"partner.unreachable\"}"), 1.0);
    assert!(value("countersign_store_size_bytes{file=\"database\"}") > 0.0);
    let attempts = "countersign_attempts_total{partner=\"sandbox\",step=\"send\",result=\"delivered\"}";
    assert_eq!(value(attempts), 1.0);
    assert!(value("countersign_attempt_seconds_count{partner=\"sandbox\"}") >= 2.0);
    let items = "countersign_polled_items_total{partner=\"sandbox\",stream=\"orders\",result=\"version\"}";
    assert!(value(items) >= 1.0);
    // Whichever streams were asked before the partner was found to be away.
    let mut runs = text
        .lines()
        .filter(|line| line.starts_with("countersign_poll_runs_total{partner=\"sandbox\""));
    assert!(
        runs.any(|line| line.contains("result=\"failed\"") && !line.ends_with(" 0")),
        "{text}"
    );
    // Each family is described once, and the text ends as the format wants it.
    let mut described: Vec<&str> = text.lines().filter(|line| line.starts_with("# TYPE")).collect();
    let count = described.len();
    described.dedup();
    assert_eq!(described.len(), count);
    assert!(text.ends_with("# EOF\n"));
    assert_eq!(text.matches("# EOF").count(), 1);
    world.engine.stop(Duration::from_secs(20)).await;
}
