//! A store in a temporary folder, and documents to put into it.

use crate::domain::chain::{Author, Event};
use crate::domain::document::{DateRange, Item, OrderLine, Party, Purpose, Side};
use crate::domain::money::check_amounts;
use crate::domain::{
    CanonicalDocument, CompanyId, ContentHash, Currency, DeliveryState, DocumentId, DocumentKind, HeaderAnswer,
    OperationId, Order, PartnerId, PartnerRules, Timestamp, VersionNumber, decide,
};
use crate::store::{
    ApplyChange, ClaimRequest, Claimed, DocumentKey, DocumentQuery, DocumentView, FinishAttempt, Lane, NewOperation,
    OperationKind, PayloadRef, SqliteStore, Store, StoreError, StoreExt, StoreTx, VersionContentRef,
};
use std::path::PathBuf;
use std::sync::Arc;

pub const NOW: Timestamp = Timestamp(1_800_000_000_000);

pub fn company() -> CompanyId {
    CompanyId("main".to_owned())
}

pub fn partner() -> PartnerId {
    PartnerId("acme".to_owned())
}

pub struct Opened {
    pub store: Arc<SqliteStore>,
    pub path: PathBuf,
    // Last: the store closes before its folder goes.
    _folder: tempfile::TempDir,
}

pub fn open() -> Opened {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("countersign.db");
    let store = Arc::new(SqliteStore::open(&path).expect("a new store"));
    Opened {
        store,
        path,
        _folder: folder,
    }
}

/// Another connection to the same file, to look behind the store's back.
pub fn peek(path: &std::path::Path) -> rusqlite::Connection {
    rusqlite::Connection::open(path).expect("a second connection")
}

/// A migration that no program has yet: rows of a table that is full, and so many new ones.
pub fn later(rows: u32) -> refinery::Migration {
    let next = crate::store::sqlite::known_schema() + 1;
    let sql = format!(
        "ALTER TABLE document ADD COLUMN later TEXT NOT NULL DEFAULT '';
         UPDATE document SET later = 'of ' || number;
         CREATE INDEX document_later ON document (later);
         CREATE TABLE later (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
         INSERT INTO later WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
             SELECT i, zeroblob(1000) FROM n;"
    );
    refinery::Migration::unapplied(&format!("V{next}__later"), &sql).expect("a migration")
}

/// Whether the migration `later` was done, which is all of it or nothing. A copy is looked at: what a look recovers is
/// left to the next start. Nobody may have it open.
pub fn is_later(path: &std::path::Path, rows: u32) -> bool {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let copied = folder.path().join("copy.db");
    for suffix in ["", "-wal"] {
        let name = |path: &std::path::Path| std::path::PathBuf::from(format!("{}{suffix}", path.display()));
        if name(path).exists() {
            std::fs::copy(name(path), name(&copied)).expect("copied");
        }
    }
    let path = copied.as_path();
    let done = count(
        path,
        "SELECT count(*) FROM refinery_schema_history WHERE name = 'later'",
    ) == 1;
    let schema = "SELECT count(*) FROM sqlite_schema WHERE name IN ('later', 'document_later')";
    assert_eq!(count(path, schema), if done { 2 } else { 0 }, "half of it");
    if done {
        assert_eq!(count(path, "SELECT count(*) FROM later"), i64::from(rows));
        let of_all = "SELECT count(*) FROM document WHERE later <> 'of ' || number";
        assert_eq!(count(path, of_all), 0);
    }
    done
}

pub fn count(path: &std::path::Path, sql: &str) -> i64 {
    peek(path).query_row(sql, [], |row| row.get(0)).expect(sql)
}

pub fn write<T: Send + 'static>(
    store: &Arc<SqliteStore>,
    work: impl FnOnce(&mut dyn StoreTx) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    wait(store.write(Lane::Interactive, work))
}

/// Blocks on a future; the store needs no runtime.
pub fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime")
        .block_on(future)
}

pub fn key_of(partner: &PartnerId, number: &str) -> DocumentKey {
    DocumentKey {
        company: company(),
        partner: partner.clone(),
        kind: DocumentKind::Order,
        number: number.to_owned(),
    }
}

pub fn day(text: &str) -> crate::domain::Date {
    text.parse().expect("an ISO day")
}

pub fn order(number: &str, delivery: Option<&str>, lines: usize) -> Order {
    let party = |name: &str| Party {
        name: Some(name.to_owned()),
        ..Party::default()
    };
    Order {
        number: number.to_owned(),
        revision: None,
        issued_at: None,
        currency: Currency::parse("EUR").expect("a currency"),
        buyer: party("Müller Handels GmbH"),
        seller: party("Our Company"),
        ship_to: None,
        bill_to: None,
        requested_delivery: delivery.map(|text| DateRange {
            first: day(text),
            last: day(text),
        }),
        payment_terms: None,
        delivery_terms: None,
        language: None,
        references: Vec::new(),
        notes: Vec::new(),
        lines: (1..=lines).map(line).collect(),
        totals: None,
        cancel_reason: None,
    }
}

fn line(number: usize) -> OrderLine {
    OrderLine {
        id: number.to_string(),
        item: Item {
            seller_id: Some(format!("SKU-{number:05}")),
            buyer_id: None,
            gtin: None,
            description: Some(format!("Hex bolt M{number} galvanised steel, 六角螺栓")),
        },
        quantity: 10.into(),
        unit: "C62".to_owned(),
        price: None,
        price_base: None,
        tax_percent: None,
        net: Some(crate::domain::Money {
            minor: 1250,
            currency: Currency::parse("EUR").expect("a currency"),
        }),
        requested_delivery: None,
        backorder_allowed: None,
        note: None,
    }
}

/// A version from the partner: load, decide, apply.
pub fn receive(tx: &mut dyn StoreTx, order: &Order, sequence: i64, at: Timestamp) -> Result<DocumentId, StoreError> {
    receive_from(tx, &partner(), order, sequence, at)
}

pub fn receive_from(
    tx: &mut dyn StoreTx,
    partner: &PartnerId,
    order: &Order,
    sequence: i64,
    at: Timestamp,
) -> Result<DocumentId, StoreError> {
    receive_document(tx, partner, &CanonicalDocument::Order(order.clone()), sequence, at)
}

/// A delivery note to us, with a line for each of the orders.
pub fn note(number: &str, orders: &[&str]) -> CanonicalDocument {
    let lines = orders.iter().enumerate().map(|(at, order)| {
        serde_json::json!({
            "id": format!("{}", at + 1), "orderNumber": order, "orderLineId": "1",
            "item": {"sellerId": "SKU-00001"}, "delivered": "4", "unit": "C62",
        })
    });
    let lines: Vec<_> = lines.collect();
    let note = serde_json::json!({"number": number, "buyer": {}, "seller": {}, "lines": lines});
    CanonicalDocument::DespatchAdvice(serde_json::from_value(note).expect("a delivery note"))
}

pub fn receive_document(
    tx: &mut dyn StoreTx,
    partner: &PartnerId,
    document: &CanonicalDocument,
    sequence: i64,
    at: Timestamp,
) -> Result<DocumentId, StoreError> {
    let (kind, side, number, text) = match document {
        CanonicalDocument::Order(order) => (DocumentKind::Order, Side::Seller, &order.number, format!("{order:?}")),
        CanonicalDocument::DespatchAdvice(note) => (
            DocumentKind::DespatchAdvice,
            Side::Buyer,
            &note.number,
            format!("{note:?}"),
        ),
    };
    let key = DocumentKey {
        kind,
        ..key_of(partner, number)
    };
    let loaded = tx.load(&key)?;
    let chain = loaded
        .as_ref()
        .map_or_else(|| crate::domain::Chain::new(kind, side), |loaded| loaded.chain.clone());
    let bytes = text.into_bytes();
    let event = Event::Version {
        author: Author::Partner,
        purpose: if chain.versions.is_empty() {
            Purpose::Original
        } else {
            Purpose::Change
        },
        sequence: Some(sequence),
        hash: ContentHash::of(&bytes),
        base: None,
        overtaken: false,
    };
    let decision = decide(&chain, &event, &PartnerRules::default());
    tx.apply(&ApplyChange {
        key: &key,
        id: loaded.map(|loaded| loaded.id),
        decision: &decision,
        content: decision.stored.map(|_| VersionContentRef {
            written: None,
            document,
            payload: PayloadRef {
                media_type: "application/json",
                bytes: &bytes,
            },
            sequence: Some(sequence),
            revision: None,
            partner_ref: None,
            change_summary: (sequence > 1).then_some("1 line changed"),
            answer_due: None,
            doubtful: matches!(document, CanonicalDocument::Order(order) if !check_amounts(order, 0).is_empty()),
            came_at: None,
        }),
        actor: "partner:acme",
        action: "version",
        at,
        detail: serde_json::json!({"sequence": sequence}),
    })
}

pub fn operation_id(number: u128) -> OperationId {
    OperationId(uuid::Uuid::from_u128(number))
}

/// Our confirmation of `version`: decided, applied and enqueued.
pub fn confirm(
    tx: &mut dyn StoreTx,
    document: DocumentId,
    operation: OperationId,
    version: VersionNumber,
    at: Timestamp,
) -> Result<(), StoreError> {
    let event = Event::AnswerSaved {
        operation,
        version,
        code: HeaderAnswer::AP,
    };
    let partner = happen(tx, document, &event, "confirm", at)?;
    tx.enqueue(&NewOperation {
        id: operation,
        company: company(),
        partner,
        document,
        version,
        kind: OperationKind::Confirm,
        act: HeaderAnswer::AP.into(),
        answer: serde_json::json!({"code": "AP"}),
        state: DeliveryState::Queued,
        due_at: at,
        created_at: at,
        actor: "user:anna".to_owned(),
    })
}

/// Decides and applies an event that adds no version. Answers the document's partner.
pub fn happen(
    tx: &mut dyn StoreTx,
    document: DocumentId,
    event: &Event,
    action: &str,
    at: Timestamp,
) -> Result<PartnerId, StoreError> {
    let loaded = tx.load_by_id(document)?.expect("the document");
    let decision = decide(&loaded.chain, event, &PartnerRules::default());
    tx.apply(&ApplyChange {
        key: &loaded.key,
        id: Some(document),
        decision: &decision,
        content: None,
        actor: "user:anna",
        action,
        at,
        detail: serde_json::Value::Null,
    })?;
    Ok(loaded.key.partner)
}

pub fn claim(tx: &mut dyn StoreTx, now: Timestamp, limit: u32) -> Result<Vec<Claimed>, StoreError> {
    tx.claim(&ClaimRequest {
        working: &[],
        company: &company(),
        now,
        lease_until: now.plus_seconds(120),
        holder: "test",
        partners: &[(partner(), limit)],
        made_with: &["now".to_owned()],
    })
}

pub fn finish(claimed: &Claimed, to: DeliveryState, at: Timestamp) -> FinishAttempt<'static> {
    FinishAttempt {
        next: None,
        operation: claimed.operation,
        epoch: claimed.epoch,
        started_at: at,
        at: at.plus_millis(40),
        step: "send",
        status: Some(200),
        to,
        due_at: None,
        error: None,
        receipt: None,
        response_excerpt: None,
    }
}

pub fn query(view: DocumentView) -> DocumentQuery {
    DocumentQuery {
        company: company(),
        view,
        partner: None,
        kind: None,
        state: None,
        doubtful: false,
        search: None,
        cursor: None,
        limit: 50,
    }
}

/// The numbers kept on write equal a count of the rows, for every counter.
pub fn assert_counters(opened: &Opened) {
    let counters = opened.store.counters(&company()).expect("counters");
    let kept = [
        (
            "documents",
            counters.documents,
            "SELECT count(*) FROM document".to_owned(),
        ),
        (
            "needs answer",
            counters.needs_answer,
            "SELECT count(*) FROM document WHERE needs_answer = 1".to_owned(),
        ),
        (
            "quarantine",
            counters.quarantine,
            "SELECT count(*) FROM quarantine WHERE state = 'Open'".to_owned(),
        ),
    ];
    let states = [
        ("Queued", counters.queued),
        ("Sending", counters.sending),
        ("Retrying", counters.retrying),
        ("Delivered", counters.delivered),
        ("Applied", counters.applied),
        ("Unknown", counters.unknown),
        ("Held", counters.held),
        ("Dead", counters.dead),
    ]
    .map(|(state, kept)| {
        (
            state,
            kept,
            format!("SELECT count(*) FROM operation WHERE state = '{state}'"),
        )
    });
    let db = peek(&opened.path);
    let counted = |sql: &str| db.query_row(sql, [], |row| row.get::<_, i64>(0)).expect(sql);
    for (name, kept, sql) in kept.into_iter().chain(states) {
        assert_eq!(kept, counted(&sql), "{name}");
    }
    let wrong = "SELECT count(*) FROM document d WHERE in_delivery <> (SELECT count(*) FROM operation o
                 WHERE o.document_id = d.id AND o.state IN ('Queued','Sending','Retrying','Unknown','Held','Dead'))";
    assert_eq!(counted(wrong), 0, "documents with a wrong in_delivery");
}
