//! What is settled leaves the database for an archive, and nothing else does.

use super::fixtures::*;
use crate::domain::document::DateRange;
use crate::domain::{CanonicalDocument, CompanyId, DeliveryState, DocumentId, DocumentKind, Timestamp, VersionNumber};
use crate::store::{
    ArchivePlace, ArchiveQuery, DocumentView, Forget, NewQuarantine, PayloadRef, QuarantineSettled, SqliteStore, Store,
    StoreError,
};

pub const DAY: i64 = 24 * 60 * 60;

/// An order that came on that day, and was confirmed and applied then if `settled`.
pub fn order_of(opened: &Opened, number: u32, days: i64, settled: bool) -> DocumentId {
    let at = NOW.plus_seconds(days * DAY);
    let name = format!("PO-{number}");
    let order = CanonicalDocument::Order(order(&name, Some("2027-01-10"), 3));
    settled_as(opened, order, number, at, settled)
}

pub fn settled_as(
    opened: &Opened,
    document: CanonicalDocument,
    number: u32,
    at: Timestamp,
    settled: bool,
) -> DocumentId {
    let received = write(&opened.store, move |tx| {
        receive_document(tx, &partner(), &document, 1, at)
    });
    let id = received.expect("received");
    if settled {
        let operation = operation_id(u128::from(number));
        write(&opened.store, move |tx| {
            confirm(tx, id, operation, VersionNumber(1), at)?;
            let claimed = claim(tx, at, 1)?.remove(0);
            let delivered = crate::domain::chain::Event::AnswerDelivered {
                operation,
                counter: None,
            };
            happen(tx, id, &delivered, "delivered", at)?;
            tx.finish(&finish(&claimed, DeliveryState::Applied, at))
        })
        .expect("applied");
    }
    id
}

#[derive(Debug, Default)]
pub struct Retired {
    pub archives: Vec<String>,
    pub documents: usize,
    pub audit: usize,
}

/// As the engine does it every day.
pub fn run(opened: &Opened, before: Timestamp) -> Result<Retired, StoreError> {
    run_of(opened, &company(), before)
}

pub fn run_of(opened: &Opened, of: &CompanyId, before: Timestamp) -> Result<Retired, StoreError> {
    let folder = opened.path.with_file_name("archives");
    let mut retired = Retired::default();
    let mut query = ArchiveQuery {
        company: of.clone(),
        before,
        after: ArchivePlace::default(),
    };
    let mut earlier = 0;
    loop {
        let moment = format!("{of}-{}-{}", before.0, retired.archives.len());
        let Some(archive) = opened.store.archive(&folder, &query, &moment)? else {
            if retired.documents == earlier {
                return Ok(retired);
            }
            earlier = retired.documents;
            query.after = ArchivePlace::default();
            continue;
        };
        for batch in archive.batches() {
            retired.documents += write(&opened.store, move |tx| tx.forget(&batch))?;
        }
        while let Some(to) = archive.audit_to {
            let gone = write(&opened.store, move |tx| tx.forget(&Forget::Audit { to, most: 7 }))?;
            retired.audit += gone;
            if gone == 0 {
                break;
            }
        }
        query.after = archive.place(query.after);
        retired.archives.push(archive.path);
    }
}

#[test]
fn settled_documents_and_their_history_go_into_an_archive_that_reads_back() {
    let opened = open();
    for number in 0..25 {
        order_of(&opened, number, 0, true);
    }
    let open_old = order_of(&opened, 25, 0, false);
    let fresh = order_of(&opened, 26, 200, true);
    let trail = opened.store.verify_audit().expect("verified").rows;

    let retired = run(&opened, NOW.plus_seconds(100 * DAY)).expect("archived");
    assert_eq!((retired.documents, retired.archives.len()), (25, 1));
    let report = SqliteStore::examine_archive(retired.archives[0].as_ref()).expect("whole");
    assert_eq!((report.documents, report.audit_rows), (25, retired.audit as u64));
    let mut seen = std::collections::BTreeMap::<String, u32>::new();
    SqliteStore::read_archive(retired.archives[0].as_ref(), &mut |table, _| {
        *seen.entry(table.to_owned()).or_default() += 1;
        Ok(())
    })
    .expect("read");
    for table in [
        "document",
        "version",
        "version_content",
        "payload",
        "operation",
        "operation_answer",
        "attempt",
    ] {
        assert_eq!(seen.get(table), Some(&25), "{table}");
    }

    // What is open or young is untouched, and every number kept on write fits.
    assert_counters(&opened);
    let left = opened
        .store
        .list_documents(&query(DocumentView::All))
        .expect("list")
        .items;
    assert_eq!(left.iter().map(|row| row.id).collect::<Vec<_>>(), [fresh, open_old]);
    let found = crate::store::DocumentQuery {
        search: Some("bolt".into()),
        ..query(DocumentView::All)
    };
    assert_eq!(opened.store.list_documents(&found).expect("search").items.len(), 2);
    for (table, rows) in [
        ("payload", 2),
        ("version", 2),
        ("operation", 1),
        ("attempt", 1),
        ("audit", trail - report.audit_rows as i64),
    ] {
        assert_eq!(
            count(&opened.path, &format!("SELECT count(*) FROM {table}")),
            rows,
            "{table}"
        );
    }
    let check = opened.store.verify_audit().expect("verified");
    assert_eq!((check.broken_at, check.rows), (None, trail - report.audit_rows as i64));

    // The trail goes on, and the cut cannot be moved off the chain.
    order_of(&opened, 27, 201, false);
    assert_eq!(opened.store.verify_audit().expect("verified").broken_at, None);
    let db = peek(&opened.path);
    for sql in [
        "UPDATE audit_start SET last_id = last_id + 1",
        "UPDATE audit_start SET last_id = 0, last_hash = zeroblob(32)",
        "DELETE FROM audit WHERE id = (SELECT min(id) FROM audit)",
    ] {
        assert!(db.execute(sql, []).is_err(), "{sql}");
    }
    assert!(
        run(&opened, NOW.plus_seconds(100 * DAY))
            .expect("nothing is left")
            .archives
            .is_empty()
    );
    let integrity: String = db
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .expect("checked");
    assert_eq!(integrity, "ok");
    let orphans = "SELECT count(*) FROM pragma_foreign_key_check";
    assert_eq!(count(&opened.path, orphans), 0);
}

#[test]
fn a_confirmed_order_stays_until_the_last_of_its_delivery_days_is_over() {
    let opened = open();
    // What its head says of days counts as well.
    let mut days = order("PO-1", Some("2027-01-20"), 2);
    for (line, text) in days.lines.iter_mut().zip(["2027-01-25", "2027-12-10"]) {
        line.requested_delivery = Some(DateRange {
            first: day("2027-01-18"),
            last: day(text),
        });
    }
    let id = settled_as(&opened, CanonicalDocument::Order(days), 1, NOW, true);
    let listed = |rows: i64| {
        let sql = "SELECT count(*) FROM document WHERE promised_key = '2027-01-18' AND last_day = '2027-12-10'";
        assert_eq!(count(&opened.path, sql), rows);
    };
    listed(1);
    for (days, date, gone) in [(85, "2027-04-10", 0), (329, "2027-12-10", 0), (330, "2027-12-11", 1)] {
        let before = NOW.plus_seconds(days * DAY);
        assert_eq!(before.date(), day(date));
        let retired = run(&opened, before).expect("archived");
        assert_eq!(retired.documents, gone, "{date}");
    }
    assert!(opened.store.document(id).expect("readable").is_none());
    listed(0);

    // Another version becomes current: its days are those that count.
    let id = order_of(&opened, 2, 0, true);
    let later = order("PO-2", Some("2028-05-01"), 3);
    write(&opened.store, move |tx| receive(tx, &later, 2, NOW)).expect("changed");
    let kept: String = peek(&opened.path)
        .query_row("SELECT last_day FROM document WHERE id = ?1", [id.0], |row| row.get(0))
        .expect("there");
    assert_eq!(kept, "2028-05-01");
}

#[test]
fn an_archive_that_was_touched_is_refused() {
    let opened = open();
    (0..5).for_each(|number| {
        order_of(&opened, number, 0, true);
    });
    let retired = run(&opened, NOW.plus_seconds(DAY)).expect("archived");
    let whole = std::fs::read(&retired.archives[0]).expect("there");
    let copy = opened.path.with_file_name("touched.jsonl.gz");
    // The last byte before the eight of the checksum ends in bits that say nothing.
    let filled_up = whole.len() - 9;
    let places = (20..whole.len()).step_by(whole.len() / 40);
    for at in places.filter(|at| *at != filled_up) {
        let mut touched = whole.clone();
        touched[at] ^= 0x20;
        std::fs::write(&copy, &touched).expect("written");
        assert!(SqliteStore::examine_archive(&copy).is_err(), "byte {at}");
        std::fs::write(&copy, &whole[..at]).expect("written");
        assert!(SqliteStore::examine_archive(&copy).is_err(), "cut at {at}");
    }
}

#[test]
fn without_an_archive_nothing_is_deleted_and_what_changed_stays() {
    let opened = open();
    let id = order_of(&opened, 1, 0, true);
    std::fs::write(opened.path.with_file_name("archives"), b"a file is in the way").expect("written");
    run(&opened, NOW.plus_seconds(DAY)).expect_err("no archive can be written");
    assert!(opened.store.document(id).expect("readable").is_some());

    // It was archived, and then the buyer changed it.
    let change = order("PO-1", None, 4);
    write(&opened.store, move |tx| {
        receive(tx, &change, 2, NOW.plus_seconds(2 * DAY))
    })
    .expect("changed");
    let gone = write(&opened.store, move |tx| tx.forget(&Forget::Documents(vec![(id, NOW)])));
    assert_eq!(gone.expect("looked"), 0);
    assert!(opened.store.document(id).expect("readable").is_some());
}

/// A payload of a mebibyte that nothing needs any more.
pub fn dismissed(opened: &Opened, number: u8) {
    let id = came(opened, number, NOW);
    write(&opened.store, move |tx| {
        tx.settle_quarantine(id, &QuarantineSettled::Dismissed, "user:ada", NOW)
    })
    .expect("dismissed");
}

/// It is not understood, as before.
pub fn came(opened: &Opened, number: u8, at: Timestamp) -> i64 {
    write(&opened.store, move |tx| {
        tx.put_quarantine(&NewQuarantine {
            company: &company(),
            partner: &partner(),
            stream: "orders",
            kind: DocumentKind::Order,
            number: None,
            payload: PayloadRef {
                media_type: "application/octet-stream",
                bytes: &vec![number; 1 << 20],
            },
            stage: "limit",
            problems: &[],
            at,
        })
    })
    .expect("put")
}

#[test]
fn room_that_nothing_needs_goes_back_to_the_disk_in_small_steps() {
    const STEP: u32 = 256;
    let opened = open();
    (0..64).for_each(|number| dismissed(&opened, number));
    let kept = order_of(&opened, 1, 200, true);
    run(&opened, NOW.plus_seconds(100 * DAY)).expect("archived");
    let size = || std::fs::metadata(&opened.path).expect("the file").len();
    // Of pages: when they are put back into the file is up to the checkpoints.
    let long = u64::try_from(count(&opened.path, "PRAGMA page_count")).expect("pages") * 4096;
    let shrink = || write(&opened.store, |tx| tx.shrink(STEP)).expect("given back");
    let mut given = Vec::new();
    loop {
        match shrink() {
            0 => break,
            pages => given.push(pages),
        }
        // Whoever works meanwhile is not held up, and loses nothing.
        order_of(&opened, 100 + u32::try_from(given.len()).expect("few"), 200, false);
    }
    assert!(
        given.len() > 20 && given.iter().all(|pages| *pages <= STEP),
        "{given:?}"
    );
    let documents = opened.store.counters(&company()).expect("counters").documents;
    assert_eq!(documents, 1 + i64::try_from(given.len()).expect("few"));
    assert_eq!(opened.store.doctor().expect("readable").quick_check, "ok");
    assert!(opened.store.document(kept).expect("readable").is_some());
    opened.store.close();
    let short = size();
    crate::evidence::ran(
        "store::tests::archive::room_that_nothing_needs_goes_back_to_the_disk_in_small_steps",
        &format!("{} MiB to {} MiB in {} steps", long >> 20, short >> 20, given.len()),
    );
    // What the next work is likely to use stays.
    assert!(
        long > 64 << 20 && (16 << 20..32 << 20).contains(&short),
        "{long} to {short}"
    );
    let again = SqliteStore::open(&opened.path).expect("opens");
    assert_eq!(again.counters(&company()).expect("counters").documents, documents);
}
