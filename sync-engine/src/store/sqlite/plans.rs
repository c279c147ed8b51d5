//! Every list, search and claim is answered from an index in its own order, with no sort.

use super::{documents, operations, quarantine, search};
use crate::domain::{ChainState, CompanyId, DeliveryState, DocumentId, DocumentKind, PartnerId};
use crate::store::{DocumentQuery, DocumentView, OperationQuery, QuarantineQuery, QuarantineState};
use rusqlite::Connection;

fn database() -> (Connection, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let db = super::open::open_writer(&folder.path().join("plans.db")).expect("a new database");
    (db, folder)
}

fn plan(db: &Connection, sql: &str) -> String {
    let mut explain = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).expect(sql);
    let rows = explain
        .raw_query()
        .mapped(|row| row.get::<_, String>(3))
        .collect::<Result<Vec<_>, _>>();
    rows.expect(sql).join("\n")
}

fn assert_no_sort_or_scan(db: &Connection, sql: &str, allowed_scan: &str) {
    let plan = plan(db, sql);
    assert!(!plan.contains("USE TEMP B-TREE"), "{sql}\n{plan}");
    for step in plan.lines().filter(|step| step.starts_with("SCAN")) {
        assert!(!allowed_scan.is_empty() && step.contains(allowed_scan), "{sql}\n{plan}");
    }
}

fn document_queries() -> Vec<DocumentQuery> {
    let partner = || Some(PartnerId("acme".to_owned()));
    let mut queries = Vec::new();
    for view in [DocumentView::NeedsAnswer, DocumentView::InDelivery, DocumentView::All] {
        for partner in [None, partner()] {
            for kind in [None, Some(DocumentKind::Order)] {
                for state in [None, Some(ChainState::Issued)] {
                    queries.extend([false, true].map(|doubtful| DocumentQuery {
                        company: CompanyId("main".to_owned()),
                        view,
                        partner: partner.clone(),
                        kind,
                        state,
                        doubtful,
                        search: None,
                        cursor: None,
                        limit: 50,
                    }));
                }
            }
        }
    }
    queries
}

#[test]
fn document_lists_and_searches_need_no_sort() {
    let (db, _folder) = database();
    for query in document_queries() {
        for after in [false, true] {
            let sql = documents::list_sql(&query, after);
            assert_no_sort_or_scan(&db, &sql, "");
            let plan = plan(&db, &sql);
            let walks: Vec<_> = plan.lines().filter(|step| step.contains(" d USING ")).collect();
            assert!(!walks.is_empty(), "{sql}\n{plan}");
            let from_index = |step: &&str| step.starts_with("SEARCH d USING INDEX document_");
            assert!(walks.iter().all(from_index), "{sql}\n{plan}");
        }
        assert_no_sort_or_scan(&db, &search::row_sql(&query), "");
    }
    // The walk of the words is FTS5's own.
    assert_no_sort_or_scan(&db, search::MATCHES, "document_words VIRTUAL TABLE");
}

#[test]
fn operation_lists_need_no_sort() {
    let (db, _folder) = database();
    for company in [None, Some(CompanyId("main".to_owned()))] {
        for partner in [None, Some(PartnerId("acme".to_owned()))] {
            for document in [None, Some(DocumentId(1))] {
                for state in [None, Some(DeliveryState::Dead)] {
                    let query = OperationQuery {
                        company: company.clone(),
                        partner: partner.clone(),
                        document,
                        ..OperationQuery::default()
                    };
                    assert_no_sort_or_scan(&db, &operations::list_sql(&query, state), "");
                }
            }
        }
    }
}

#[test]
fn operations_in_flight_are_found_among_the_leases() {
    let (db, _folder) = database();
    let sql = operations::list_sql(&OperationQuery::default(), Some(DeliveryState::Sending));
    let plan = plan(&db, &sql);
    assert!(plan.contains("o USING INDEX operation_in_flight"), "{plan}");
}

/// A list of more than two values, a union or a `RETURNING` makes a table in memory at every run: dear where it runs for
/// every operation.
#[test]
fn what_runs_for_every_operation_makes_no_table_of_its_own() {
    let (db, _folder) = database();
    for sql in [super::jobs::WAITING, super::chain::UNFINISHED, &super::claim::due_sql()] {
        let mut explain = db.prepare(&format!("EXPLAIN {sql}")).expect(sql);
        let codes = explain.raw_query().mapped(|row| row.get::<_, String>(1));
        let codes = codes.collect::<Result<Vec<_>, _>>().expect(sql);
        assert!(codes.iter().any(|code| code == "ResultRow"), "{sql}");
        assert!(!codes.iter().any(|code| code == "OpenEphemeral"), "{sql}");
    }
}

#[test]
fn quarantine_lists_need_no_sort() {
    let (db, _folder) = database();
    for partner in [None, Some(PartnerId("acme".to_owned()))] {
        for state in [None, Some(QuarantineState::Open)] {
            let query = QuarantineQuery {
                company: CompanyId("main".to_owned()),
                partner: partner.clone(),
                state,
                cursor: None,
                limit: 50,
            };
            assert_no_sort_or_scan(&db, &quarantine::list_sql(&query), "");
        }
    }
}

/// A run that writes many archives walks each table once.
#[test]
fn what_is_settled_is_walked_in_order_from_a_place_on() {
    let (db, _folder) = database();
    let documents = super::retire::documents_sql();
    assert_no_sort_or_scan(&db, &documents, "");
    let walk = "d USING INDEX document_all (company=? AND updated_at>? AND updated_at<?)";
    let plan = plan(&db, &documents);
    assert!(plan.contains(walk), "{plan}");
    assert_no_sort_or_scan(&db, &super::retire::quarantine_sql(), "");
    // Of the oldest rows, so many as one archive takes.
    let audit = super::retire::audit_sql();
    assert!(!super::plans::plan(&db, &audit).contains("USE TEMP B-TREE"));
}

/// Asked for every few seconds, by every engine, as soon as there is one.
#[test]
fn dead_letters_are_counted_from_the_index_of_states() {
    let (db, _folder) = database();
    let plan = plan(&db, super::incidents::DEAD_BY_PARTNER);
    assert!(
        plan.contains("SEARCH operation USING INDEX operation_state (state=?)"),
        "{plan}"
    );
    // Of a thousand rows at most.
    assert!(!plan.contains("SCAN operation"), "{plan}");
    assert!(!plan.contains("FOR ORDER BY"), "{plan}");
}

#[test]
fn the_queue_is_read_from_partial_indexes() {
    let (db, _folder) = database();
    let cases = [
        (
            super::claim::due_sql(),
            "INDEX operation_ready",
            "INDEX operation_in_flight",
        ),
        (super::claim::expired_sql(), "INDEX operation_in_flight", ""),
        (super::jobs::WAITING.to_owned(), "INDEX operation_document", ""),
        (
            super::versions::NEWEST_RECEIVED.to_owned(),
            "sqlite_autoindex_version_1 (document_id=?)",
            "",
        ),
        (operations::NEXT_DUE.to_owned(), "INDEX operation_ready", ""),
        (operations::NEXT_LEASE.to_owned(), "INDEX operation_in_flight", ""),
        (super::jobs::NEXT_PARTNER.to_owned(), "INDEX operation_ready", ""),
        (super::jobs::AHEAD.to_owned(), "INDEX operation_state (state=?)", ""),
        (
            super::jobs::PUT_OFF.to_owned(),
            "INDEX operation_ready (company=? AND partner=? AND due_at>?)",
            "",
        ),
    ];
    for (sql, first, second) in cases {
        let plan = plan(&db, &sql);
        assert!(plan.contains(first) && plan.contains(second), "{sql}\n{plan}");
        assert!(!plan.contains("USE TEMP B-TREE"), "{sql}\n{plan}");
    }
}
