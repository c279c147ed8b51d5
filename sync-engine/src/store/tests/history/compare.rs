//! Everything that the store answers, against the model.

use super::super::fixtures::*;
use super::STREAMS;
use super::model::partner_of;
use super::world::{World, all_quarantine};
use crate::domain::{DeliveryState as State, DocumentId};
use crate::store::{DocumentQuery, DocumentView, OperationQuery, SqliteStore, Store};

/// The whole list, two rows a page.
fn listed(store: &SqliteStore, query: DocumentQuery) -> Vec<usize> {
    let mut query = DocumentQuery { limit: 2, ..query };
    let mut numbers = Vec::new();
    loop {
        let page = store.list_documents(&query).expect("readable");
        numbers.extend(
            page.items
                .iter()
                .map(|row| row.number[3..].parse::<usize>().expect("a number")),
        );
        query.cursor = page.next;
        if query.cursor.is_none() {
            return numbers;
        }
    }
}

pub fn compare(world: &World) {
    let (store, model) = (&world.store, &world.model);
    assert_eq!(store.counters(&company()).expect("readable"), model.counters());
    assert_eq!(store.next_due(world.now).expect("readable"), model.next_due());
    for (number, known) in &model.documents {
        let id = DocumentId(world.ids[number]);
        let row = store.document(id).expect("readable").expect("there");
        let chain = store.chain(id).expect("readable").expect("there");
        assert_eq!(Some(&chain), model.chain(*number).as_ref());
        let newest = model
            .operations
            .iter()
            .enumerate()
            .rfind(|(_, o)| o.document == *number);
        assert_eq!(
            (
                row.state,
                Some(row.current),
                row.agreed,
                row.needs_answer,
                row.conflict,
                row.gap
            ),
            (
                chain.state,
                chain.current,
                chain.agreed,
                model.needs_answer(*number),
                known.conflict,
                known.gap
            ),
        );
        assert_eq!(
            (row.updated_at, row.promised_on, row.line_count, &row.change_summary),
            (
                known.updated_at,
                model.promised(*number),
                model.lines(*number),
                &known.summary
            )
        );
        assert_eq!(
            row.operation.map(|o| (o.id, o.state)),
            newest.map(|(number, o)| (operation_id(number as u128), o.state))
        );
        assert_eq!(store.versions(id).expect("readable").len(), known.facts.len());
        let history = store.history(id, None, 500).expect("readable").items;
        let told: Vec<_> = history
            .iter()
            .rev()
            .map(|row| &row.action)
            .filter(|a| *a != "quarantine-resolved")
            .collect();
        assert_eq!(told, known.history.iter().collect::<Vec<_>>());
    }
    for (number, known) in model.operations.iter().enumerate() {
        let id = operation_id(number as u128);
        let row = store.operation(id).expect("readable").expect("there");
        assert_eq!(
            (row.state, row.due_at, row.attempts as usize, row.updated_at),
            (known.state, known.due_at, known.attempts.len(), known.updated_at),
            "operation {number}"
        );
        let attempts = store.attempts(id).expect("readable");
        assert_eq!(attempts.len(), known.attempts.len());
    }
    compare_lists(world);
}

fn compare_lists(world: &World) {
    let (store, model) = (&world.store, &world.model);
    for view in [DocumentView::NeedsAnswer, DocumentView::InDelivery, DocumentView::All] {
        for partner in [None, Some(partner_of(0)), Some(partner_of(2))] {
            let query = DocumentQuery {
                partner: partner.clone(),
                ..query(view)
            };
            let expected = model.list(view, partner.as_ref(), &world.ids);
            assert_eq!(listed(store, query), expected, "{view:?} of {partner:?}");
        }
    }
    let search = DocumentQuery {
        search: Some("bolt".to_owned()),
        ..query(DocumentView::All)
    };
    assert_eq!(listed(store, search), model.search(), "search");
    let dead = OperationQuery {
        states: vec![State::Dead, State::Held],
        limit: 500,
        ..OperationQuery::default()
    };
    let rows = store.list_operations(&dead).expect("readable").items;
    let found: Vec<_> = rows.iter().map(|row| row.id).collect();
    let stopped = model.operations.iter().enumerate().rev();
    let stopped = stopped.filter(|(_, o)| matches!(o.state, State::Dead | State::Held));
    assert_eq!(
        found,
        stopped
            .map(|(number, _)| operation_id(number as u128))
            .collect::<Vec<_>>()
    );
    let rows = store.list_quarantine(&all_quarantine()).expect("readable").items;
    assert_eq!(rows.len(), model.quarantine.len());
    for row in rows {
        let known = &model.quarantine[&row.number.expect("a number").parse().expect("a number")];
        assert_eq!((row.state, row.seen, row.runs), (known.state, known.seen, known.runs));
    }
    for (stream, value) in &model.watermarks {
        let found = store.watermark(&company(), &partner(), STREAMS[*stream]);
        assert_eq!(found.expect("readable").as_ref(), Some(value));
    }
    let states = store.partner_states(&company()).expect("readable");
    assert_eq!(states, model.partners.values().cloned().collect::<Vec<_>>());
}

/// What has to hold of the rows whatever happened.
pub fn assert_rows(opened: &Opened) {
    let zero = [
        (
            "waiting documents have exactly their oldest operation ready, unless one is in flight",
            "SELECT count(*) FROM operation o WHERE state IN ('Queued','Sending','Retrying','Unknown')
             AND ready <> (lease_until IS NULL AND NOT EXISTS (
                 SELECT 1 FROM operation f WHERE f.document_id = o.document_id AND f.seq < o.seq
                 AND f.state IN ('Queued','Sending','Retrying','Unknown')))",
        ),
        (
            "what does not wait is ready only to be verified",
            "SELECT count(*) FROM operation WHERE ready = 1 AND state IN ('Applied','Held','Dead','Withdrawn','Sending')",
        ),
        (
            "a sending operation has a lease",
            "SELECT count(*) FROM operation WHERE state = 'Sending' AND lease_until IS NULL",
        ),
        (
            "the index has the words of current versions only",
            "SELECT (SELECT count(*) FROM document_words WHERE document_words MATCH '\"bolt\"')
                 <> (SELECT count(*) FROM document)",
        ),
        (
            "attempts are counted",
            "SELECT count(*) FROM operation o
             WHERE attempts <> (SELECT count(*) FROM attempt t WHERE t.operation_seq = o.seq)",
        ),
    ];
    let db = peek(&opened.path);
    for (rule, sql) in zero {
        let found: i64 = db.query_row(sql, [], |row| row.get(0)).expect(sql);
        assert_eq!(found, 0, "{rule}");
    }
}
