//! Every order and delivery note that real peers publish goes through a configuration and the whole engine, and is a
//! version afterwards, or lies in quarantine with a reason that a person can act on. None may vanish.

use crate::exchange_world::{TestSecrets, fast, options, partners_dir};
use crate::published::copy;
use crate::published_documents;
use axum::Router;
use axum::http::Uri;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use sync_engine::domain::PartnerId;
use sync_engine::engine::{Engine, EngineOptions};
use sync_engine::store::{DocumentQuery, DocumentView, QuarantineQuery};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

pub fn peers() -> PathBuf {
    root().join("fixtures/peers")
}

/// What peers publish in a form that no stream brings.
const NO_FORM: &str = "X12 850, 855, 856 | 6 | none goes through: EDI text, published in no JSON or XML form\n";

/// A family of documents: the configuration, the stream of it, and how the bodies are served.
pub struct Family {
    pub name: &'static str,
    pub config: PathBuf,
    pub stream: &'static str,
    /// Path of the list, and the text around its items.
    pub path: &'static str,
    pub before: &'static str,
    pub after: &'static str,
    /// The list has `{"id": N}` in their places; the N-th document is below its path.
    pub stubs: bool,
    pub documents: Vec<String>,
}

#[derive(Debug, Default, PartialEq)]
struct Count {
    documents: usize,
    versions: usize,
    duplicates: usize,
    /// Left out by the configuration's `$when`.
    skipped: usize,
    quarantined: usize,
}

/// The texts of the files in a folder whose names start like that, in order of their names.
pub fn files(folder: &str, start: &str) -> Vec<String> {
    let mut paths: Vec<_> = std::fs::read_dir(peers().join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with(start))
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "{folder}/{start}*");
    paths.iter().map(|p| std::fs::read_to_string(p).unwrap()).collect()
}

/// The value below `keys` as it is written; a list gives its elements.
pub fn below(text: &str, keys: &[&str]) -> Vec<String> {
    let Some((key, rest)) = keys.split_first() else {
        return match serde_json::from_str::<Vec<&RawValue>>(text) {
            Ok(list) => list.iter().map(|raw| raw.get().to_owned()).collect(),
            Err(_) => vec![text.trim().to_owned()],
        };
    };
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(text).unwrap_or_default();
    members.get(*key).map(|raw| below(raw.get(), rest)).unwrap_or_default()
}

fn families() -> Vec<Family> {
    let papinet = |name, stream, path, documents| Family {
        name,
        config: peers().join("papinet.json"),
        stream,
        path,
        before: "[",
        after: "]",
        stubs: false,
        documents,
    };
    let mut amazon: Vec<String> = Vec::new();
    for text in files("amazon-sp", "getPurchaseOrders.200") {
        amazon.extend(below(&text, &["payload", "orders"]));
    }
    for text in files("amazon-sp", "getPurchaseOrder.200") {
        amazon.extend(below(&text, &["payload"]));
    }
    let mut v2: Vec<String> = Vec::new();
    for text in files("papinet", "v2_po") {
        let listed = below(&text, &["purchaseOrders"]);
        v2.extend(if listed.is_empty() {
            vec![text.trim().to_owned()]
        } else {
            listed
        });
    }
    vec![
        Family {
            name: "Amazon Vendor orders",
            config: root().join("configs/partners/amazon-vendor.json"),
            stream: "orders",
            path: "/vendor/orders/v1/purchaseOrders",
            before: "{\"payload\":{\"orders\":[",
            after: "]}}",
            stubs: false,
            documents: amazon,
        },
        Family {
            name: "Amazon Direct orders",
            config: peers().join("amazon-direct.json"),
            stream: "orders",
            path: "/direct",
            before: "[",
            after: "]",
            stubs: false,
            documents: files("amazon-sp", "getOrder.200"),
        },
        papinet("papiNet v1 orders", "v1", "/v1", files("papinet", "v1_order")),
        papinet("papiNet v2 orders", "v2", "/v2", v2),
    ]
}

async fn serve(family: &Family) -> String {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let listed = if family.stubs {
        (0..family.documents.len())
            .map(|n| json!({"id": n}).to_string())
            .collect()
    } else {
        family.documents.clone()
    };
    let list = format!("{}{}{}", family.before, listed.join(","), family.after);
    let (path, documents) = (family.path, family.documents.clone());
    let app = Router::new().fallback(move |uri: Uri| async move {
        let body = match uri.path().strip_prefix(path) {
            Some("") => list,
            Some(below) => documents[below.trim_matches('/').parse::<usize>().unwrap()].clone(),
            None => panic!("{uri} is not {path}"),
        };
        ([("content-type", "application/json")], body)
    });
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

/// The configuration with that one stream, at the test's address, with its schemas beside it.
fn configure(family: &Family, url: &str, to: &Path) -> PartnerId {
    let mut config: Value = serde_json::from_str(&std::fs::read_to_string(&family.config).unwrap()).unwrap();
    config["baseUrl"] = json!(url);
    config["auth"] = json!({"type": "none"});
    let stream = config["streams"][family.stream].clone();
    config["streams"] = json!({ family.stream: stream });
    let id = config["id"].as_str().unwrap().to_owned();
    std::fs::create_dir_all(to).unwrap();
    // The schemas of published APIs lie with the shipped configurations.
    for schemas in [peers().join("specs"), root().join("configs/partners").join(&id)] {
        if schemas.exists() {
            copy(&schemas, &to.join(schemas.file_name().unwrap()));
        }
    }
    std::fs::write(to.join(format!("{id}.json")), config.to_string()).unwrap();
    PartnerId(id)
}

async fn take(family: &Family) -> (Count, Vec<String>) {
    let url = serve(family).await;
    let dir = tempfile::tempdir().unwrap();
    let partner = configure(family, &url, &partners_dir(dir.path()));
    let engine = Engine::start(EngineOptions {
        background: false,
        ..options(dir.path(), &Arc::new(TestSecrets::default()), &fast())
    })
    .await
    .unwrap();
    let report = engine
        .sync_now(&partner)
        .await
        .unwrap_or_else(|e| panic!("{}: {e}", family.name));
    let store = engine.store();
    let rows = store
        .list_documents(&DocumentQuery {
            company: engine.company().clone(),
            view: DocumentView::All,
            partner: None,
            kind: None,
            state: None,
            doubtful: false,
            search: None,
            cursor: None,
            limit: 200,
        })
        .unwrap()
        .items;
    let mut versions = 0;
    for row in &rows {
        for version in store.versions(row.id).unwrap() {
            let payload = store.payload(version.payload).unwrap().unwrap();
            let text = String::from_utf8(payload.bytes).unwrap();
            assert!(
                family.documents.iter().any(|d| d.trim() == text),
                "{}: kept byte for byte",
                family.name
            );
            versions += 1;
        }
    }
    let held = store
        .list_quarantine(&QuarantineQuery {
            company: engine.company().clone(),
            partner: None,
            state: None,
            cursor: None,
            limit: 200,
        })
        .unwrap()
        .items;
    let mut reasons = Vec::new();
    for item in &held {
        assert!(!item.problems.is_empty(), "{}: a reason", family.name);
        let shown: Vec<_> = item
            .problems
            .iter()
            .take(3)
            .map(|p| format!("{} {}", p.pointer, p.message))
            .collect();
        reasons.push(format!(
            "{} {} ({}): {}",
            family.name,
            item.number.as_deref().unwrap_or("without number"),
            item.stage,
            shown.join("; ")
        ));
    }
    let count = Count {
        documents: report.received as usize,
        versions,
        duplicates: report.duplicates as usize,
        skipped: report.skipped as usize,
        quarantined: report.quarantined as usize,
    };
    engine.stop(std::time::Duration::from_secs(5)).await;
    (count, reasons)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_published_document_is_a_version_or_waits_with_a_reason() {
    let mut table = String::from("family | documents | versions | duplicates | skipped | quarantined\n");
    let mut reasons = Vec::new();
    for family in families().into_iter().chain(published_documents::families()) {
        let (count, why) = take(&family).await;
        assert_eq!(count.documents, family.documents.len(), "{}", family.name);
        assert_eq!(
            count.versions + count.duplicates + count.skipped + count.quarantined,
            count.documents,
            "{}: none vanishes; {why:#?}",
            family.name
        );
        table.push_str(&format!(
            "{} | {} | {} | {} | {} | {}\n",
            family.name, count.documents, count.versions, count.duplicates, count.skipped, count.quarantined
        ));
        reasons.extend(why);
    }
    table.push_str(NO_FORM);
    println!("{table}\n{}", reasons.join("\n"));
    insta::assert_snapshot!("documents", format!("{table}\n{}", reasons.join("\n")));
}
