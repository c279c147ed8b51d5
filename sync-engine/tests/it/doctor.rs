//! `countersign doctor` on installations that are really broken: each finding says what, why and what to do.

use crate::cli_program::{countersign, json, run, sandbox, text};
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// An installation with a sandbox's partner, six orders and a database.
struct Home {
    dir: tempfile::TempDir,
    _sandbox: crate::cli_program::Running,
}

impl Home {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let (sandbox, _) = sandbox(dir.path(), &["--orders", "6"]);
        json(dir.path(), &["sync", "--json"]);
        Self { dir, _sandbox: sandbox }
    }

    fn data(&self, name: &str) -> PathBuf {
        self.dir.path().join("data").join(name)
    }

    fn database(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.data("countersign.db")).expect("opens")
    }

    /// The shipped configuration under another id, changed.
    fn partner(&self, id: &str, change: impl FnOnce(&mut Value)) {
        let shipped = std::fs::read(self.data("partners/sandbox.json")).expect("bytes");
        let mut config: Value = serde_json::from_slice(&shipped).expect("JSON");
        config["id"] = id.into();
        change(&mut config);
        std::fs::write(self.data(&format!("partners/{id}.json")), config.to_string()).expect("written");
    }

    fn look(&self, more: &[&str]) -> Looked {
        Looked::at(self.dir.path(), more)
    }
}

struct Looked {
    code: Option<i32>,
    told: Value,
}

impl Looked {
    fn at(home: &Path, more: &[&str]) -> Self {
        let out = run(home, &[&["doctor", "--json"], more].concat());
        Self {
            code: out.status.code(),
            told: serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{e}: {}", text(&out.stderr))),
        }
    }

    /// The finding of that name, which must be of that level, explained, and say `expected`.
    #[track_caller]
    fn finds(&self, name: &str, level: &str, expected: &str) {
        let checks = self.told["checks"].as_array().expect("checks");
        let of_name: Vec<&Value> = checks.iter().filter(|c| c["name"] == name).collect();
        let found = of_name.iter().find(|c| c["level"] == level);
        let found = found.unwrap_or_else(|| panic!("no {level} of {name}: {of_name:#?}"));
        let said = format!(
            "{} {}",
            found["message"].as_str().expect("text"),
            found["words"].as_str().unwrap_or_default()
        );
        assert!(said.contains(expected), "{expected}: {found:#}");
        if level != "ok" {
            for part in ["why", "advice"] {
                assert!(
                    found[part].as_str().is_some_and(|t| t.len() > 10),
                    "no {part}: {found:#}"
                );
            }
        }
        assert_eq!(self.code, Some(i32::from(self.told["worst"] == "fail")));
    }
}

#[test]
fn what_is_well_is_said_as_well() {
    let home = Home::new();
    json(home.dir.path(), &["backup", "--json"]);
    let looked = home.look(&[]);
    assert_eq!(looked.told["worst"], "ok", "{:#}", looked.told);
    for (name, expected) in [
        ("settings", "pages have a company header"),
        ("disk", "free"),
        ("database", "schema 1"),
        ("database rights", "can be written"),
        ("durability", "journal wal"),
        ("integrity", "quick_check ok"),
        ("audit", "the chain holds"),
        ("engine", "none works here"),
        ("queue", "nothing waits"),
        ("quarantine", "nothing waits"),
        ("backup", "the newest is"),
        ("service", "none runs"),
        ("partner sandbox", "its secrets are there"),
        ("partner sandbox api", "without credentials)"),
    ] {
        looked.finds(name, "ok", expected);
    }
    let offline = home.look(&["--offline"]);
    assert!(
        !offline.told.to_string().contains("without credentials"),
        "{:#}",
        offline.told
    );
}

#[test]
fn settings_that_are_refused_do_not_stop_the_look() {
    let home = Home::new();
    std::fs::write(home.data("settings.json"), r#"{"care": {"keepDays": "many"}}"#).expect("written");
    let looked = home.look(&[]);
    looked.finds("settings", "fail", "care.keepDays");
    looked.finds("integrity", "ok", "quick_check ok");
    // A folder that is a file.
    let other = tempfile::tempdir().expect("a folder");
    std::fs::write(other.path().join("data"), b"in the way").expect("written");
    Looked::at(other.path(), &[]).finds("data folder", "fail", "is a file");
    let out = run(other.path(), &["doctor"]);
    let told = text(&out.stdout);
    assert!(
        told.contains("FAIL  data folder: ") && told.contains("      name a folder with --data-dir"),
        "{told}"
    );
}

#[test]
fn a_database_that_is_damaged_altered_newer_or_another_programs_is_told_apart() {
    let home = Home::new();
    let path = home.data("countersign.db");
    let whole = std::fs::read(&path).expect("bytes");
    // In the middle of a page that holds rows.
    let mut damaged = whole.clone();
    let from = damaged.len() / 2;
    damaged[from..from + 20_000].fill(0x5a);
    std::fs::write(&path, &damaged).expect("written");
    home.look(&[]).finds("integrity", "fail", "the database is damaged");

    std::fs::write(&path, &whole).expect("written");
    home.database()
        .execute_batch("DROP TRIGGER audit_no_update; UPDATE audit SET actor = 'nobody' WHERE id = 2")
        .expect("altered");
    home.look(&[])
        .finds("audit", "fail", "the chain breaks at row 2: it was altered");

    std::fs::write(&path, &whole).expect("written");
    home.database()
        .execute_batch("INSERT INTO refinery_schema_history VALUES (9999, 'later', '2030-01-01T00:00:00Z', '1')")
        .expect("newer");
    home.look(&[]).finds("database", "fail", "this program knows schema");

    // Every page is well, but what should be there is not: nothing is said to be well that was not looked at.
    std::fs::write(&path, &whole).expect("written");
    home.database()
        .execute_batch("ALTER TABLE quarantine RENAME TO elsewhere; ALTER TABLE audit RENAME TO history")
        .expect("altered");
    let looked = home.look(&["--offline"]);
    looked.finds("contents", "fail", "cannot be read: audit, quarantine");
    let checks = looked.told["checks"].to_string();
    assert!(
        !checks.contains("\"quarantine\"") && !checks.contains("\"audit\""),
        "{checks}"
    );

    std::fs::write(&path, b"no database at all, but long enough to look").expect("written");
    home.look(&[]).finds("database", "fail", "it is not a database");
    std::fs::remove_file(&path).expect("removed");
    home.look(&[]).finds("database", "warn", "there is no database");
}

#[cfg(target_os = "linux")]
#[test]
fn a_database_on_a_disk_that_takes_no_writes_is_read_and_told() {
    use crate::full_disk::Mount;
    let home = Home::new();
    let aside = home.dir.path().join("aside");
    std::fs::create_dir(&aside).expect("a folder");
    for name in ["countersign.db", "secrets.json"] {
        std::fs::copy(home.data(name), aside.join(name)).expect("copied");
    }
    let disk = Mount::over(&home.dir.path().join("data"));
    for name in ["countersign.db", "secrets.json"] {
        std::fs::copy(aside.join(name), home.data(name)).expect("copied");
    }
    disk.read_only();
    let looked = home.look(&["--offline"]);
    looked.finds("data folder", "fail", "cannot be written");
    looked.finds("database rights", "fail", "the database cannot be written");
    looked.finds("integrity", "ok", "quick_check ok");
    looked.finds("disk", "fail", "free");
}

#[cfg(unix)]
#[test]
fn a_data_folder_that_everybody_may_look_into_is_told() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new();
    home.look(&["--offline"]).finds("data folder", "ok", "");
    let folder = home.dir.path().join("data");
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).expect("set");
    home.look(&["--offline"])
        .finds("data folder", "warn", "every user of this machine may look into");
}

#[test]
fn what_waits_for_a_person_is_counted_by_partner() {
    let home = Home::new();
    home.database()
        .execute_batch(
            "INSERT INTO operation (id, company, partner, document_id, version, kind, act, actor, created_at, state, ready,
                                    scheduled_from, last_error, updated_at)
             VALUES (randomblob(16), 'main', 'sandbox', 1, 1, 'Confirm', 'Answer', 'user:ada', 1, 'Dead', 0, 1,
                     '{\"code\":\"partner.rejected\",\"message\":\"canary-words\"}', 1800000000000);
             INSERT INTO payload VALUES (900, 'application/json', x'00');
             INSERT INTO quarantine (company, partner, stream, kind, stage, problems, payload_id, payload_hash, state,
                                     received_at, updated_at)
             VALUES ('main', 'sandbox', 'orders', 'Order', 'schema', '[]', 900, randomblob(32), 'Open', 1, 1);
             INSERT INTO incident (company, kind, subject, detail, began_at) VALUES ('main', 'queue.dead', 'sandbox', 'canary-words', 1)",
        )
        .expect("written");
    let looked = home.look(&["--offline"]);
    looked.finds("queue", "warn", "could not be delivered: sandbox 1");
    looked.finds("quarantine", "warn", "sandbox orders: 1 stopped at schema");
    looked.finds(
        "incidents",
        "warn",
        "1 is open: answers could not be delivered (sandbox)",
    );
    assert!(!looked.told.to_string().contains("canary-words"), "{:#}", looked.told);
}

#[test]
fn a_backup_that_is_missing_old_or_overdue_is_told() {
    let home = Home::new();
    home.look(&["--offline"]).finds("backup", "warn", "there is none");
    let told = json(home.dir.path(), &["backup", "--json"]);
    let file = std::fs::File::options()
        .write(true)
        .open(told["path"].as_str().expect("a path"))
        .expect("the backup");
    let days = |days: u64| SystemTime::now() - Duration::from_secs(days * 86_400);
    file.set_modified(days(9)).expect("set");
    home.look(&["--offline"]).finds("backup", "warn", "9 days old");
    file.set_modified(days(3)).expect("set");
    home.look(&["--offline"]).finds("backup", "ok", "3 days old");
    std::fs::write(home.data("settings.json"), r#"{"care": {"backupHours": 24}}"#).expect("written");
    // One that was killed is none.
    std::fs::write(home.data("backups/scheduled-20270115080000123.db.part"), b"half of it").expect("written");
    home.look(&["--offline"])
        .finds("backup", "fail", "wanted every 24 hours");
}

#[test]
fn a_partner_that_does_not_answer_or_whose_clock_is_off_is_told() {
    let home = Home::new();
    // tcpmux: nobody listens there.
    home.partner("gone", |config| config["baseUrl"] = "http://127.0.0.1:1".into());
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let address = runtime.block_on(async {
        let later = chrono::Utc::now() + chrono::TimeDelta::minutes(10);
        let date = later.to_rfc2822().replace("+0000", "GMT");
        let app = axum::Router::new().fallback(async move || ([("date", date)], "well"));
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move { axum::serve(listener, app).await });
        address
    });
    home.partner("ahead", |config| {
        config["baseUrl"] = format!("http://{address}").into();
        config["auth"]["tokenUrl"] = "http://127.0.0.1:1/token".into();
    });
    let looked = home.look(&[]);
    looked.finds("partner gone api", "fail", "does not answer (partner.unreachable)");
    looked.finds("partner ahead api", "ok", "answers (200 without credentials)");
    looked.finds(
        "partner ahead api clock",
        "warn",
        "our clock is 9 minutes behind the partner's",
    );
    looked.finds(
        "partner ahead token endpoint",
        "fail",
        "does not answer (partner.unreachable)",
    );
    looked.finds("partner sandbox api", "ok", "answers");
}

/// 2020-01-01, seconds since 1970.
const BEGIN: u64 = 1_577_836_800;

/// A certificate that ends so long after 2020-01-01, with its key, PEM.
fn certificate(life: Duration) -> String {
    let mut params = CertificateParams::new(vec!["partner.example".to_owned()]).expect("parameters");
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = params.not_before + life;
    let key = KeyPair::generate().expect("a key");
    let made = params.self_signed(&key).expect("a certificate");
    format!("{}{}", made.pem(), key.serialize_pem())
}

#[test]
fn certificates_that_ended_or_end_soon_are_told() {
    let home = Home::new();
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .expect("a time");
    let soon = now + Duration::from_secs(5 * 86_400) - Duration::from_secs(BEGIN);
    std::fs::write(home.data("partners/roots.pem"), certificate(soon)).expect("written");
    home.partner("shows", |config| {
        config["caCertificates"] = "roots.pem".into();
        config["clientCertificate"] = json!({ "secret": "shows.certificate" });
    });
    let mut secrets: Value =
        serde_json::from_slice(&std::fs::read(home.data("secrets.json")).expect("bytes")).expect("JSON");
    secrets["shows.certificate"] = certificate(Duration::from_secs(86_400)).into();
    std::fs::write(home.data("secrets.json"), secrets.to_string()).expect("written");
    let looked = home.look(&["--offline"]);
    looked.finds("partner shows caCertificates", "warn", "it ends in 4 days");
    looked.finds("partner shows clientCertificate", "fail", "it ended ");
    secrets["shows.certificate"] = "no certificate".into();
    std::fs::write(home.data("secrets.json"), secrets.to_string()).expect("written");
    home.look(&["--offline"])
        .finds("partner shows clientCertificate", "warn", "cannot be read");
}

#[test]
fn loki_that_does_not_answer_and_lines_that_wait_are_told() {
    let home = Home::new();
    let settings = r#"{"log": {"loki": {"url": "http://127.0.0.1:1", "secret": "loki"}}}"#;
    std::fs::write(home.data("settings.json"), settings).expect("written");
    std::fs::create_dir_all(home.data("logs")).expect("a folder");
    std::fs::write(home.data("logs/desktop.log"), vec![b'x'; 3 << 20]).expect("written");
    let looked = home.look(&[]);
    looked.finds("Loki", "fail", "there is no secret \"loki\"");
    looked.finds("Loki queue", "warn", "3.00 MiB of log lines wait");
    looked.finds("log", "ok", "3.00 MiB");
    let mut command = countersign(home.dir.path(), &["partner", "secret", "loki"]);
    let mut child = command.stdin(std::process::Stdio::piped()).spawn().expect("it runs");
    std::io::Write::write_all(&mut child.stdin.take().expect("its input"), b"a-loki-token\n").expect("written");
    assert!(child.wait().expect("ended").success());
    home.look(&[]).finds("Loki", "warn", "127.0.0.1 does not answer");
}

#[test]
fn the_history_is_followed_from_its_first_row_to_its_last() {
    let home = Home::new();
    let path = home.dir.path();
    let whole = json(path, &["audit", "verify", "--json"]);
    assert!(
        whole["rows"].as_i64().is_some_and(|rows| rows >= 3) && whole["brokenAt"].is_null(),
        "{whole}"
    );
    let told = text(&run(path, &["audit", "verify"]).stdout);
    assert!(told.contains("each is there, is what was written"), "{told}");
    let copy = json(path, &["backup", "--json"])["path"]
        .as_str()
        .expect("a path")
        .to_owned();

    let broken = |sql: &str, expected: &str| {
        home.database().execute_batch(sql).expect("altered");
        let out = run(path, &["audit", "verify"]);
        assert_eq!(out.status.code(), Some(1));
        let told = text(&out.stdout);
        assert!(told.contains(expected), "{expected}: {told}");
        let told = run(path, &["audit", "verify", "--json"]);
        serde_json::from_slice::<Value>(&told.stdout).expect("JSON")
    };
    let end = broken(
        "DROP TRIGGER audit_no_delete; DROP TRIGGER audit_no_update; DELETE FROM audit WHERE id = (SELECT max(id) FROM audit)",
        "rows were cut off the end",
    );
    assert_eq!(end["how"], "end", "{end}");
    let removed = broken(
        "DELETE FROM audit WHERE id = 2",
        "the history breaks at row 3: rows before it are missing; what was written up to",
    );
    assert_eq!((&removed["how"], &removed["brokenAt"]), (&json!("removed"), &json!(3)));
    let altered = broken(
        "UPDATE audit SET at = at + 1 WHERE id = 1",
        "the history breaks at row 1: it was altered",
    );
    assert_eq!(
        (&altered["how"], &altered["wholeUntil"]),
        (&json!("altered"), &Value::Null)
    );

    // The backup is whole, and is followed where it lies.
    assert!(json(path, &["audit", "verify", "--file", &copy, "--json"])["brokenAt"].is_null());
    assert_eq!(
        run(path, &["audit", "verify", "--file", "nowhere.db"]).status.code(),
        Some(5)
    );
    let empty = tempfile::tempdir().expect("a folder");
    assert_eq!(run(empty.path(), &["audit", "verify"]).status.code(), Some(5));
}
