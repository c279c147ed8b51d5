//! Lists page by keyset.

use super::fixtures::*;
use crate::domain::document::Totals;
use crate::domain::{DocumentId, PartnerId, VersionNumber};
use crate::store::{DocumentQuery, DocumentRow, DocumentView, OperationQuery, Store, StoreError};
use std::sync::Arc;

pub fn filled(documents: u128) -> Opened {
    let opened = open();
    write(&opened.store, move |tx| {
        for n in 0..documents {
            // Ties on purpose: five days, some without one, all of the same second.
            let day = format!("2027-03-0{}", n % 5 + 1);
            let order = order(&format!("PO-{n:03}"), (n % 7 != 0).then_some(day.as_str()), 1);
            let partner = PartnerId(format!("partner-{}", n % 3));
            let id = receive_from(
                tx,
                &partner,
                &order,
                1,
                NOW.plus_seconds(i64::try_from(n / 10).unwrap_or(0)),
            )?;
            if n % 4 == 0 {
                confirm(tx, id, operation_id(n), VersionNumber(1), NOW)?;
            }
        }
        Ok(())
    })
    .expect("documents");
    opened
}

pub fn walk(opened: &Opened, query: &DocumentQuery) -> Vec<DocumentRow> {
    let mut query = query.clone();
    let mut rows = Vec::new();
    for _ in 0..1000 {
        let page = opened.store.list_documents(&query).expect("a page");
        assert!(page.items.len() <= query.limit as usize);
        rows.extend(page.items);
        match page.next {
            Some(next) => query.cursor = Some(next),
            None => return rows,
        }
    }
    panic!("the list has no end");
}

#[test]
fn every_row_comes_once_and_in_order() {
    let opened = filled(120);
    let path = &opened.path;
    for (view, condition) in [
        (DocumentView::NeedsAnswer, "needs_answer = 1"),
        (DocumentView::InDelivery, "in_delivery > 0"),
        (DocumentView::All, "true"),
    ] {
        for partner in [None, Some(PartnerId("partner-1".to_owned()))] {
            for limit in [1, 7, 500] {
                let query = DocumentQuery {
                    partner: partner.clone(),
                    limit,
                    ..query(view)
                };
                let rows = walk(&opened, &query);
                let filter = partner.as_ref().map_or("true", |_| "partner = 'partner-1'");
                let expected = count(
                    path,
                    &format!("SELECT count(*) FROM document WHERE {condition} AND {filter}"),
                );
                assert_eq!(rows.len() as i64, expected, "{view:?} {partner:?} {limit}");
                assert!(expected > 5);
                let in_order = rows.windows(2).all(|pair| match view {
                    DocumentView::NeedsAnswer => key(&pair[0]) < key(&pair[1]),
                    DocumentView::InDelivery | DocumentView::All => {
                        (pair[0].updated_at, pair[0].id) > (pair[1].updated_at, pair[1].id)
                    }
                });
                assert!(in_order, "{view:?} {partner:?} {limit}");
            }
        }
    }
}

/// No day sorts last.
fn key(row: &DocumentRow) -> (bool, Option<crate::domain::Date>, DocumentId) {
    (row.promised_on.is_none(), row.promised_on, row.id)
}

#[test]
fn operations_page_by_state_newest_first() {
    let opened = filled(80);
    write(&opened.store, |tx| {
        for number in [0, 8, 16] {
            tx.set_operation_state(
                operation_id(number),
                crate::domain::DeliveryState::Held,
                NOW,
                "user:anna",
            )?;
        }
        Ok(())
    })
    .expect("held");
    use crate::domain::DeliveryState::{Dead, Held, Queued};
    for (states, expected) in [
        (vec![], 20),
        (vec![Queued], 17),
        (vec![Held], 3),
        (vec![Queued, Held, Dead], 20),
    ] {
        let mut query = OperationQuery {
            company: Some(company()),
            states,
            limit: 3,
            ..OperationQuery::default()
        };
        let mut ids = Vec::new();
        loop {
            let page = opened.store.list_operations(&query).expect("a page");
            ids.extend(page.items.iter().map(|row| row.id));
            match page.next {
                Some(next) => query.cursor = Some(next),
                None => break,
            }
        }
        assert_eq!(ids.len(), expected, "{:?}", query.states);
        assert!(ids.windows(2).all(|pair| pair[0] > pair[1]), "{:?}", query.states);
    }
}

#[test]
fn a_cursor_of_another_list_is_refused() {
    let opened = filled(10);
    for cursor in [
        "",
        "x",
        "u.",
        "u1",
        "u1.2",
        "p2027-03-01",
        "s.1",
        "u9999999999999999999999.1",
        "pé.1x",
        "q.1",
    ] {
        let query = DocumentQuery {
            cursor: Some(cursor.to_owned()),
            ..query(DocumentView::NeedsAnswer)
        };
        let result = opened.store.list_documents(&query);
        assert!(matches!(result, Err(StoreError::BadCursor(_))), "{cursor}");
    }
}

#[test]
fn the_current_version_says_whether_its_amounts_are_doubtful() {
    let opened = filled(8);
    let wrong = |number: &str| {
        let mut order = order(number, Some("2027-03-02"), 2);
        let net = order.lines[0].net.clone().expect("a net amount");
        order.totals = Some(Totals {
            net,
            tax: None,
            gross: None,
        });
        order
    };
    let ids = write(&opened.store, move |tx| {
        let ids = ["PO-A", "PO-B"].map(|number| receive(tx, &wrong(number), 1, NOW));
        // The second is put right by its next version.
        receive(tx, &order("PO-B", Some("2027-03-02"), 2), 2, NOW.plus_seconds(1))?;
        let [first, second] = ids;
        Ok([first?, second?])
    })
    .expect("orders");
    let doubtful = ids.map(|id| opened.store.document(id).expect("readable").expect("there").doubtful);
    assert_eq!(doubtful, [true, false]);
    for view in [DocumentView::NeedsAnswer, DocumentView::All] {
        for search in [None, Some("bolt".to_owned())] {
            let only = DocumentQuery {
                doubtful: true,
                search,
                ..query(view)
            };
            let found: Vec<_> = walk(&opened, &only).into_iter().map(|row| row.number).collect();
            assert_eq!(found, ["PO-A"], "{view:?}");
        }
    }
}

#[test]
fn readers_wait_for_each_other_and_see_one_moment() {
    let opened = filled(50);
    let readers: Vec<_> = (0..16)
        .map(|_| {
            let store = Arc::clone(&opened.store);
            std::thread::spawn(move || {
                for _ in 0..20 {
                    assert_eq!(store.counters(&company()).expect("counters").documents, 50);
                    assert_eq!(
                        store
                            .list_documents(&query(DocumentView::All))
                            .expect("a page")
                            .items
                            .len(),
                        50
                    );
                }
            })
        })
        .collect();
    for reader in readers {
        reader.join().expect("no panic");
    }
}
