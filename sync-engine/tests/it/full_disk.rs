//! An engine whose disk fills up: it says so, asks no partner meanwhile, and goes on by itself.

use crate::exchange_world::{World, confirm, fast, partner, sandbox_options, until};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use sync_engine::domain::DocumentKind;
use sync_engine::engine::EngineError;
use sync_engine::store::StoreError;

/// A small disk over the engine's data folder; unmounted at the end.
pub struct Mount(PathBuf);

impl Mount {
    /// The disk takes no writes any more.
    pub fn read_only(&self) {
        let remounted = Command::new("mount").args(["-o", "remount,ro"]).arg(&self.0).status();
        assert!(
            remounted.expect("mount is there").success(),
            "this test mounts a small disk, which takes root"
        );
    }

    pub fn over(folder: &Path) -> Self {
        let output = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=48m", "tmpfs"])
            .arg(folder)
            .output()
            .expect("mount is there");
        assert!(
            output.status.success(),
            "this test mounts a small disk, which takes root: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        Self(folder.to_path_buf())
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn fill(at: &Path) {
    for bytes in [1 << 20, 4096] {
        let mut part = 0;
        while std::fs::write(at.join(format!("fill-{bytes}-{part}")), vec![1u8; bytes]).is_ok() {
            part += 1;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_said_polling_waits_and_work_goes_on_when_there_is_room() {
    let folder = tempfile::tempdir().expect("a folder");
    let disk = Mount::over(folder.path());
    let world = World::in_folder(folder, fast(), sandbox_options()).await;
    let row = world.order(2).await;
    fill(&disk.0);

    // The clerk's save is refused, with the reason; what she sees is as it was.
    let answer = world.engine.answer_order(row.id, row.current, confirm(), "user:clerk");
    let Err(EngineError::Store(refused)) = answer.await else {
        panic!("saved on a full disk");
    };
    assert!(matches!(refused, StoreError::DiskFull), "{refused}");
    assert_eq!(world.row(row.id), row);
    until("health says it", || {
        let health = world.engine.health();
        (health.ready && health.reasons.iter().any(|r| r.code == "store.disk_full")).then_some(())
    })
    .await;

    // What the partner has meanwhile waits there.
    let number = world.issue(1);
    let polled = world.engine.sync_now(&partner()).await;
    assert!(
        matches!(
            &polled,
            Err(EngineError::Refused {
                code: "store.disk_full",
                ..
            })
        ),
        "the partner is not asked for what cannot be kept: {polled:?}"
    );
    assert!(world.find(DocumentKind::Order, &number).is_none());

    for part in 0..24 {
        let _ = std::fs::remove_file(disk.0.join(format!("fill-{}-{part}", 1 << 20)));
    }
    world.arrived(DocumentKind::Order, &number, 1).await;
    assert!(world.engine.health().reasons.is_empty());
    world.answer(&row, confirm()).await;
    world.engine.stop(Duration::from_secs(20)).await;
}
