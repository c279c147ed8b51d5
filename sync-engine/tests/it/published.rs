//! The shipped configurations of published APIs, each through the whole engine against Prism, which serves the
//! published description and checks everything that is sent: from token to applied answer.

use crate::documents::files;
use crate::exchange_world::{TestSecrets, fast, options, partners_dir, until};
use crate::partner_link::{Peer, connect, root, secrets, shipped};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::{Arc, OnceLock};
use sync_engine::domain::{Answer, DeliveryState, DocumentKind, PartnerId};
use sync_engine::engine::{Engine, EngineOptions};
use sync_engine::exchange::Pace;
use sync_engine::partner::{self, Intake, PartnerLink, Secret, Secrets};
use sync_engine::store::{DocumentRow, OperationRow, QuarantineQuery};

/// The five APIs of which a configuration is shipped.
pub const PUBLISHED: &[&str] = &["amazon-vendor", "papinet", "business-central", "xero", "square"];

/// One Prism and one OpenID provider for all tests of this program; they end with it.
pub struct Peers {
    prism: Peer,
    pub provider: Peer,
}

impl Peers {
    pub fn get() -> &'static Self {
        static PEERS: OnceLock<Peers> = OnceLock::new();
        PEERS.get_or_init(|| Self {
            prism: Peer::start("prism.mjs", &[]),
            provider: Peer::start("oidc.mjs", &["600"]),
        })
    }

    pub fn prism(&self, api: &str) -> &str {
        self.prism.said["urls"][api].as_str().unwrap()
    }

    pub fn secret(&self) -> &str {
        self.provider.said["secret"].as_str().unwrap()
    }

    /// Sign in at the provider, by client credentials.
    pub fn auth(&self) -> Value {
        json!({
            "type": "oauth2", "tokenUrl": format!("{}/token", self.provider.url()), "clientId": "countersign-body",
            "clientSecret": {"secret": "peer.secret"}, "clientAuthentication": "body"
        })
    }
}

/// A partner on line at Prism, in an engine of its own.
struct Api {
    id: PartnerId,
    url: String,
    engine: Engine,
    _dir: tempfile::TempDir,
}

impl Api {
    /// The shipped configuration, changed only by what `change` does, and by where the partner is.
    async fn on_line(id: &str, change: impl FnOnce(&mut Value)) -> Self {
        let peers = Peers::get();
        let dir = tempfile::tempdir().unwrap();
        let url = peers.prism(id).to_owned();
        let mut config = shipped(id);
        config["baseUrl"] = json!(url);
        change(&mut config);
        partner::parse(&config.to_string(), id, &root().join("configs/partners")).unwrap_or_else(|e| panic!("{e}"));
        let partners = partners_dir(dir.path());
        copy(&root().join("configs/partners").join(id), &partners.join(id));
        std::fs::write(partners.join(format!("{id}.json")), config.to_string()).unwrap();
        let secrets = Arc::new(TestSecrets::default());
        let keep = |name: &str, text: &str| secrets.set(name, Secret::new(text.to_owned())).unwrap();
        for name in named(&config) {
            keep(&name, "a secret");
        }
        keep("peer.secret", peers.secret());
        let pace = Pace {
            poll_interval: None,
            ..fast()
        };
        let engine = Engine::start(EngineOptions {
            ..options(dir.path(), &secrets, &pace)
        })
        .await
        .unwrap();
        let id = PartnerId(id.to_owned());
        engine.sync_now(&id).await.unwrap_or_else(|e| panic!("{id}: {e}"));
        let held = engine.store().list_quarantine(&QuarantineQuery {
            company: engine.company().clone(),
            partner: None,
            state: None,
            cursor: None,
            limit: 10,
        });
        let held = held.unwrap().items;
        assert!(held.is_empty(), "{id}: nothing lies in quarantine: {held:#?}");
        Self {
            id,
            url,
            engine,
            _dir: dir,
        }
    }

    fn document(&self, kind: DocumentKind, number: &str) -> DocumentRow {
        let store = self.engine.store();
        let id = store.find_document(self.engine.company(), &self.id, kind, number);
        let id = id.unwrap().unwrap_or_else(|| panic!("{number} of {}", self.id));
        store.document(id).unwrap().unwrap()
    }

    fn canonical(&self, row: &DocumentRow) -> String {
        let content = self
            .engine
            .store()
            .version_content(row.id, row.current)
            .unwrap()
            .unwrap();
        serde_json::to_string_pretty(&content.document().unwrap()).unwrap()
    }

    /// Answers the document and waits until the partner shows the answer.
    async fn answered(&self, row: &DocumentRow, answer: Value) -> OperationRow {
        let saved = match row.kind {
            DocumentKind::Order => {
                let answer = serde_json::from_value(answer).unwrap();
                self.engine
                    .answer_order(row.id, row.current, answer, "user:clerk")
                    .await
            }
            DocumentKind::DespatchAdvice => {
                let receipt = serde_json::from_value(answer).unwrap();
                self.engine
                    .answer_despatch(row.id, row.current, receipt, "user:clerk")
                    .await
            }
        };
        self.applied(&saved.unwrap_or_else(|e| panic!("{}: {e}", self.id)))
            .await
    }

    async fn applied(&self, operation: &OperationRow) -> OperationRow {
        let store = self.engine.store();
        until(&format!("{:?} applied at {}", operation.kind, self.id), || {
            let row = store.operation(operation.id).unwrap().unwrap();
            if matches!(row.state, DeliveryState::Dead | DeliveryState::Held) {
                let attempts = store.attempts(row.id).unwrap();
                panic!("{:?}: {:?} {attempts:#?}", row.state, row.last_error);
            }
            (row.state == DeliveryState::Applied).then_some(row)
        })
        .await
    }

    /// What was asked of Prism that starts like that, as `METHOD PATH`, and the bodies that were sent.
    async fn end(self, sent: &str) -> String {
        self.engine.stop(std::time::Duration::from_secs(20)).await;
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let asked = client.get(format!("{}/.asked", self.url)).send().await.unwrap();
        let asked: Vec<Value> = serde_json::from_str(&asked.text().await.unwrap()).unwrap();
        for one in &asked {
            let status = one["status"].as_u64().unwrap();
            assert!(status < 400, "Prism refuses: {one:#}");
        }
        let sent = asked.iter().filter(|one| {
            let line = format!("{} {}", one["method"].as_str().unwrap(), one["path"].as_str().unwrap());
            line.starts_with(sent)
        });
        let bodies: Vec<Value> = sent
            .map(|one| steady(serde_json::from_str(one["body"].as_str().unwrap()).unwrap()))
            .collect();
        serde_json::to_string_pretty(&bodies).unwrap()
    }
}

/// The files of a folder and of the folders in it.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, target).unwrap();
        }
    }
}

/// Without what differs from run to run: the operation's id and the time.
fn steady(value: Value) -> Value {
    match value {
        Value::String(text) if uuid::Uuid::parse_str(&text).is_ok_and(|id| id.get_version_num() == 7) => {
            json!("OUR ID")
        }
        Value::String(text) if text.ends_with('Z') && text.as_str() > "2025" => json!("NOW"),
        Value::Array(list) => list.into_iter().map(steady).collect(),
        Value::Object(map) => map.into_iter().map(|(name, value)| (name, steady(value))).collect(),
        other => other,
    }
}

/// Names of the secrets that a configuration asks for.
pub fn named(value: &Value) -> Vec<String> {
    let own = value["secret"].as_str().or(value["$secret"].as_str());
    let own = own.map(str::to_owned);
    let below: Vec<&Value> = match value {
        Value::Object(map) => map.values().collect(),
        Value::Array(list) => list.iter().collect(),
        _ => Vec::new(),
    };
    own.into_iter().chain(below.into_iter().flat_map(named)).collect()
}

/// Every operation's verify at once, instead of after the minutes that suit the real partner.
fn impatient(config: &mut Value) {
    for operation in config["operations"].as_object_mut().unwrap().values_mut() {
        if operation.get("verify").is_some() {
            operation["verify"]["everySeconds"] = json!(1);
        }
    }
}

/// Lines of a configuration that are about orders and answers to them: all but the streams and operations of delivery
/// notes and receipts.
fn lines_for_orders(text: &str) -> usize {
    const OTHERS: &[&str] = &[
        "deliveryNotes",
        "shipments",
        "receipts",
        "receipt",
        "despatch",
        "update",
    ];
    let mut inside = false;
    let mut counted = 0;
    for line in text.lines() {
        let name = line.strip_prefix("    \"").and_then(|rest| rest.split('"').next());
        inside = name.map_or(inside, |name| OTHERS.contains(&name)) && !line.starts_with("  }");
        counted += usize::from(!inside);
    }
    counted
}

#[test]
fn a_configuration_is_short() {
    println!("configuration | lines | of them for orders and answers");
    for id in PUBLISHED {
        let path = root().join("configs/partners").join(format!("{id}.json"));
        let text = std::fs::read_to_string(path).unwrap();
        let for_orders = lines_for_orders(&text);
        println!("{id} | {} | {for_orders}", text.lines().count());
        assert!(for_orders <= 120, "{id}: {for_orders} lines");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn xero_from_token_to_applied_answer() {
    let api = Api::on_line("xero", |config| {
        config["auth"] = Peers::get().auth();
        impatient(config);
    })
    .await;
    let order = api.document(DocumentKind::Order, "PO-0006");
    insta::assert_snapshot!("xero_order", api.canonical(&order));
    api.answered(&order, json!({"code": "AP"})).await;
    let countered = api.document(DocumentKind::Order, "PO-0008");
    let line = "8a9d3eca-e052-43bc-9b87-221d0648c045";
    let lines = json!([{"lineId": line, "code": "Changed", "quantity": "0.5", "price": "2600", "date": "2019-04-01"}]);
    api.answered(&countered, json!({"code": "CA", "lines": lines})).await;
    let refused = api.document(DocumentKind::Order, "PO-0009");
    api.answered(&refused, json!({"code": "RE", "reason": {"code": "ITM"}}))
        .await;
    insta::assert_snapshot!("xero_sent", api.end("POST /PurchaseOrders/").await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn square_from_token_to_applied_answer() {
    let api = Api::on_line("square", impatient).await;
    let order = api.document(DocumentKind::Order, "CAISENgvlJ6jLWAzERDzjyHVybY");
    insta::assert_snapshot!("square_order", api.canonical(&order));
    api.answered(&order, json!({"code": "AP", "note": "Friday"})).await;
    let countered = api.document(DocumentKind::Order, "CAISEM82RcpmcFBM0TfOyiHV3es");
    let lines = json!([
        {"lineId": "ULkg0tQTRK2bkU9fNv3IJD", "code": "Changed", "price": "4.50"},
        {"lineId": "mumY8Nun4BC5aKe2yyx5a", "code": "Rejected", "reason": {"code": "ITM"}}
    ]);
    api.answered(&countered, json!({"code": "CA", "lines": lines})).await;
    let refused = api.document(DocumentKind::Order, "CAISEM52YcpmcWAzERDOyiWS3ty");
    api.answered(&refused, json!({"code": "RE", "reason": {"code": "ITM"}}))
        .await;
    insta::assert_snapshot!("square_sent", api.end("PUT /v2/orders/").await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn papinet_from_token_to_applied_answer() {
    let api = Api::on_line("papinet", |config| {
        // Answers to orders that we issued: there are none here.
        config["streams"].as_object_mut().unwrap().remove("orderStatus");
    })
    .await;
    let order = api.document(DocumentKind::Order, "ABCD-476408");
    insta::assert_snapshot!("papinet_order", api.canonical(&order));
    let note = api.document(DocumentKind::DespatchAdvice, "LDN12345");
    insta::assert_snapshot!("papinet_note", api.canonical(&note));
    let receipt = json!({"receivedOn": "2024-05-18", "lines": [
        {"lineId": "1", "received": "10", "rejected": "1", "rejectReason": "Broken", "action": "Replace"}
    ]});
    api.answered(&note, receipt).await;
    insta::assert_snapshot!("papinet_sent", api.end("POST /logistics-goods-receipts").await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn business_central_from_token_to_applied_answer() {
    let company = "companies(7a8b9c0d-1111-2222-3333-444455556666)";
    let api = Api::on_line("business-central", |config| {
        config["auth"] = Peers::get().auth();
        config["baseUrl"] = json!(format!("{}/{company}", config["baseUrl"].as_str().unwrap()));
        // Answers to delivery notes of ours: there are none here.
        config["streams"].as_object_mut().unwrap().remove("receipts");
        impatient(config);
    })
    .await;
    let order = api.document(DocumentKind::Order, "108001");
    insta::assert_snapshot!("business_central_order", api.canonical(&order));
    api.answered(&order, json!({"code": "AP"})).await;
    insta::assert_snapshot!("business_central_sent", api.end("PATCH ").await);
}

/// What a mill says of orders that we gave it: pending ones are no answer, the others are one.
#[test]
fn papinet_order_status_reads_as_answers() {
    let mut config = shipped("papinet");
    config["auth"] = json!({"type": "none"});
    let partner = connect(&config, secrets(&[]));
    let answers: Vec<String> = files("papinet", "v1_order")
        .iter()
        .map(|text| match partner.intake("orderStatus", text.as_bytes()) {
            Ok(Intake::Answer(answer)) => {
                let Answer::OrderResponse(response) = &answer.answer else {
                    panic!("{answer:?}")
                };
                serde_json::to_string(response).unwrap()
            }
            Ok(Intake::Skipped) => "skipped".to_owned(),
            other => panic!("{other:?}"),
        })
        .collect();
    insta::assert_snapshot!("papinet_order_status", answers.join("\n"));
}
