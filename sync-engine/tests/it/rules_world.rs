//! A partner that buys from us and sells to us, with the business rules of a test: what it lists is what the test puts
//! there, and whatever we send it takes. The engine works only when the test says so.

use crate::exchange_world::{TestSecrets, fast, options};
use crate::partner_server::{Server, answer};
use crate::reading_world::put;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use sync_engine::domain::{
    CanonicalDocument, Chain, DocumentId, DocumentKind, HeaderAnswer, LineAnswer, LineAnswerCode, Order, OrderResponse,
    PartnerId, VersionNumber,
};
use sync_engine::engine::{DoubtCode, Engine, EngineError, Issue, Seen};
use sync_engine::store::{DocumentRow, OperationRow};

/// Pages by their path.
type Lists = Arc<Mutex<BTreeMap<&'static str, Vec<Value>>>>;

pub struct Trader {
    pub engine: Engine,
    pub server: Server,
    lists: Lists,
    _dir: tempfile::TempDir,
}

pub fn trader() -> PartnerId {
    PartnerId("trader".to_owned())
}

fn config(url: &str, rules: &Value) -> Value {
    let stream = |path: &str, kind: &str, side: &str, map: Value| {
        let mut stream = json!({"kind": kind, "request": {"path": path}, "items": ".items", "map": map});
        if !side.is_empty() {
            stream["side"] = json!(side);
        }
        stream
    };
    let order = json!({
        "number": ".id", "revision": ".rev", "sequence": ".rev", "purpose": ".purpose // \"Original\"",
        "issuedAt": ".issued", "currency": {"$value": "EUR"}, "totals": {"net": ".net"},
        "lines": {
            "$each": ".lines[]", "id": ".n", "item": {"sellerId": ".sku"}, "quantity": ".qty", "price": ".price",
            "net": ".net", "unit": {"$value": "C62"}
        }
    });
    let answered = json!({
        "number": ".id", "id": ".no", "revision": ".rev", "code": ".code",
        "lines": {"$each": "(.lines // [])[]", "lineId": ".n", "code": ".code", "quantity": ".qty", "price": ".price"}
    });
    let note = json!({
        "number": ".id", "sequence": ".rev",
        "lines": {
            "$each": ".lines[]", "id": ".n", "orderNumber": ".order", "orderLineId": ".n", "delivered": ".qty",
            "unit": {"$value": "C62"}
        }
    });
    let send = json!({"request": {"path": "/take", "body": {
        "operation": ".operation", "no": ".document.number",
        "lines": {"$each": ".lines[]", "n": ".id", "answers": {"$each": "(.answers // [])[]", "code": ".code"}}
    }}});
    let kinds = [
        "acknowledge",
        "confirm",
        "reject",
        "counter",
        "submit",
        "update",
        "cancel",
        "despatch",
        "receipt",
    ];
    let operations: serde_json::Map<String, Value> = kinds.iter().map(|k| ((*k).to_owned(), send.clone())).collect();
    json!({
        "id": "trader", "name": "Trader", "baseUrl": url, "auth": {"type": "none"}, "rules": rules,
        "streams": {
            "orders": stream("/orders", "order", "seller", order),
            "answers": stream("/answers", "orderResponse", "", answered),
            "notes": stream("/notes", "despatchAdvice", "buyer", note)
        },
        "operations": operations
    })
}

impl Trader {
    pub async fn with(rules: Value) -> Self {
        let lists = Lists::default();
        let served = Arc::clone(&lists);
        let server = Server::start(move |asked| {
            let lists = served.lock().unwrap();
            let items = lists.get(asked.uri.path()).cloned().unwrap_or_default();
            answer(200, &[], json!({"items": items}).to_string())
        })
        .await;
        let dir = tempfile::tempdir().unwrap();
        put(dir.path(), &config(&server.url, &rules));
        let mut options = options(dir.path(), &Arc::new(TestSecrets::default()), &fast());
        options.background = false;
        let engine = Engine::start(options).await.expect("an engine");
        let told = serde_json::to_value(engine.rules(&trader())).unwrap();
        for (name, value) in rules.as_object().unwrap() {
            assert_eq!(&told[name], value, "the rule is in force");
        }
        Self {
            engine,
            server,
            lists,
            _dir: dir,
        }
    }

    /// The partner lists one more document on this path, and is polled.
    pub async fn lists(&self, path: &'static str, document: Value) {
        self.lists.lock().unwrap().entry(path).or_default().push(document);
        self.engine.sync_now(&trader()).await.expect("polled");
    }

    /// A version of an order that the partner buys: lines as id and quantity.
    pub async fn orders(&self, number: &str, rev: u32, lines: &[(&str, &str)]) -> DocumentRow {
        let purpose = if rev == 1 { "Original" } else { "Change" };
        let lines: Vec<Value> = lines.iter().map(|(n, qty)| line(n, qty)).collect();
        let order = json!({
            "id": number, "rev": rev.to_string(), "purpose": purpose, "issued": "2026-03-02T08:00:00Z", "lines": lines
        });
        self.lists("/orders", order).await;
        self.row(DocumentKind::Order, number)
    }

    /// Goods of an order that we bought come: lines as id and quantity.
    pub async fn delivers(&self, note: &str, order: &str, lines: &[(&str, &str)]) -> DocumentRow {
        let lines: Vec<Value> = lines
            .iter()
            .map(|(n, qty)| json!({"n": n, "order": order, "qty": qty}))
            .collect();
        self.lists("/notes", json!({"id": note, "rev": "1", "lines": lines}))
            .await;
        self.row(DocumentKind::DespatchAdvice, note)
    }

    pub fn row(&self, kind: DocumentKind, number: &str) -> DocumentRow {
        let store = self.engine.store();
        let id = store
            .find_document(self.engine.company(), &trader(), kind, number)
            .unwrap();
        store.document(id.expect("it arrived")).unwrap().expect("there")
    }

    pub fn again(&self, row: &DocumentRow) -> DocumentRow {
        self.engine.store().document(row.id).unwrap().expect("there")
    }

    pub fn chain(&self, row: &DocumentRow) -> Chain {
        self.engine.store().chain(row.id).unwrap().expect("there")
    }

    pub fn doubts(&self, row: &DocumentRow) -> Vec<(DoubtCode, String)> {
        let doubts = self.engine.doubts(row, &self.chain(row)).expect("readable");
        doubts.into_iter().map(|d| (d.code, d.pointer)).collect()
    }

    /// The lines that the doubts lie in, by their own numbers.
    pub fn doubtful_lines(&self, row: &DocumentRow) -> Vec<Option<String>> {
        let doubts = self.engine.doubts(row, &self.chain(row)).expect("readable");
        doubts.into_iter().map(|d| d.line).collect()
    }

    /// Our answer to the current version, taken by the partner; or the code and what is wrong, pointer by pointer.
    pub async fn answers(&self, row: &DocumentRow, answer: OrderResponse) -> Result<(), (String, Vec<String>)> {
        let current = self.chain(row).answerable().expect("a version");
        let saved = self.engine.answer_order(row.id, current, answer, "user:clerk").await;
        self.taken(saved).await.map(drop)
    }

    pub async fn issues(&self, document: CanonicalDocument) -> Result<OperationRow, (String, Vec<String>)> {
        let saved = self.engine.issue_new(trader(), document, "user:clerk").await;
        self.taken(saved).await
    }

    pub async fn acts(&self, row: &DocumentRow, issue: Issue) -> Result<OperationRow, (String, Vec<String>)> {
        let row = self.again(row);
        let seen = Seen {
            document: row.id,
            version: row.current,
        };
        let saved = self.engine.issue_version(seen, issue, "user:clerk").await;
        self.taken(saved).await
    }

    async fn taken(&self, saved: Result<OperationRow, EngineError>) -> Result<OperationRow, (String, Vec<String>)> {
        let saved = saved.map_err(|error| match error {
            EngineError::Refused { code, data, .. } => {
                let problems = data.as_array().into_iter().flatten();
                let pointers = problems.filter_map(|p| p["pointer"].as_str());
                (code.to_owned(), pointers.map(str::to_owned).collect())
            }
            other => panic!("{other:?}"),
        })?;
        self.engine.drain(Duration::from_secs(20)).await.expect("delivered");
        let operation = self.engine.store().operation(saved.id).unwrap().expect("there");
        assert_eq!(operation.last_error, None, "{operation:?}");
        Ok(operation)
    }

    pub fn order_at(&self, id: DocumentId, number: VersionNumber) -> Order {
        let content = self.engine.store().version_content(id, number).unwrap();
        match content.expect("there").document().unwrap() {
            CanonicalDocument::Order(order) => order,
            CanonicalDocument::DespatchAdvice(_) => panic!("not an order"),
        }
    }

    /// The current version's lines as `id quantity`.
    pub fn lines(&self, row: &DocumentRow) -> Vec<String> {
        let row = self.again(row);
        let order = self.order_at(row.id, row.current);
        order.lines.iter().map(|l| format!("{} {}", l.id, l.quantity)).collect()
    }

    /// The body of what we sent last.
    pub fn sent(&self) -> Value {
        let asked = self.server.asked();
        let last = asked
            .iter()
            .rfind(|a| a.uri.path() == "/take")
            .expect("something was sent");
        serde_json::from_slice(&last.body).unwrap()
    }
}

pub fn line(n: &str, qty: &str) -> Value {
    json!({"n": n, "sku": format!("A-{n}"), "qty": qty, "price": "2.50"})
}

/// An order of ours.
pub fn ours(number: &str, lines: &[(&str, &str)]) -> CanonicalDocument {
    let lines: Vec<Value> = lines
        .iter()
        .map(|(id, quantity)| {
            json!({"id": id, "item": {"sellerId": format!("A-{id}")}, "quantity": quantity, "unit": "C62", "price": "2.50"})
        })
        .collect();
    let order = json!({
        "number": number, "currency": "EUR", "buyer": {"name": "We"}, "seller": {"name": "They"}, "lines": lines
    });
    CanonicalDocument::Order(serde_json::from_value(order).unwrap())
}

/// A delivery note of ours.
pub fn note(number: &str, order: &str, lines: &[(&str, &str)]) -> CanonicalDocument {
    let lines: Vec<Value> = lines
        .iter()
        .map(|(id, delivered)| {
            json!({
                "id": id, "orderNumber": order, "orderLineId": id, "item": {"sellerId": format!("A-{id}")},
                "delivered": delivered, "unit": "C62"
            })
        })
        .collect();
    let note = json!({"number": number, "buyer": {"name": "They"}, "seller": {"name": "We"}, "lines": lines});
    CanonicalDocument::DespatchAdvice(serde_json::from_value(note).unwrap())
}

pub fn header(code: HeaderAnswer) -> OrderResponse {
    OrderResponse {
        code,
        reason: None,
        note: None,
        lines: Vec::new(),
    }
}

/// A counter-offer: lines as id, code and quantity.
pub fn counter(lines: &[(&str, LineAnswerCode, Option<&str>)]) -> OrderResponse {
    let lines = lines.iter().map(|(id, code, quantity)| LineAnswer {
        line_id: (*id).to_owned(),
        code: *code,
        quantity: quantity.map(|q| q.parse().unwrap()),
        price: None,
        date: None,
        substitute: None,
        reason: None,
    });
    OrderResponse {
        lines: lines.collect(),
        ..header(HeaderAnswer::CA)
    }
}
