//! Stale and held answers, duplicates, conflicts, gaps and late arrivals.

use super::HeaderAnswer::{AB, AP, RE};
use super::Purpose::{Cancellation, Change, Original};
use super::story::{Story, orders};
use super::*;

#[test]
fn an_answer_to_a_superseded_version_is_stale() {
    let s = Story::new(DocumentKind::Order, Side::Buyer);
    s.issue(Original, 1, "a").issue(Change, 2, "b").answer(1, AP).is(
        Outcome::Stale,
        "Issued current=2 agreed=- | 1 Original Superseded | 2 Change Proposed",
    );
    let s = Story::new(DocumentKind::Order, Side::Seller);
    s.issue(Original, 1, "a").issue(Change, 2, "b").answer(1, AP).is(
        Outcome::Refused(Refusal::VersionNotCurrent),
        "Issued current=2 agreed=- | 1 Original Superseded | 2 Change Proposed",
    );
}

#[test]
fn a_queued_answer_is_held_when_its_version_is_superseded() {
    let s = Story::new(DocumentKind::Order, Side::Seller)
        .issue(Original, 1, "a")
        .save(1, AP)
        .is(
            Outcome::Applied,
            "Issued current=1 agreed=- | 1 Original Proposed | pending AP on 1",
        );
    assert!(!needs_answer(&s.chain));
    let s = s.issue(Change, 2, "b").is(
        Outcome::Applied,
        "Issued current=2 agreed=- | 1 Original Superseded | 2 Change Proposed | pending AP on 1 held",
    );
    assert_eq!(s.attention, [Attention::AnswerHeld(op(1))]);
    assert!(needs_answer(&s.chain));
    // Released and sent after all, it is stale.
    s.event(&Event::AnswerReleased { operation: op(1) })
        .is(
            Outcome::Applied,
            "Issued current=2 agreed=- | 1 Original Superseded | 2 Change Proposed | pending AP on 1",
        )
        .event(&Event::AnswerDelivered {
            operation: op(1),
            counter: None,
        })
        .is(
            Outcome::Stale,
            "Issued current=2 agreed=- | 1 Original Superseded | 2 Change Proposed",
        );
}

#[test]
fn a_withdrawn_answer_leaves_the_version_open() {
    let s = Story::new(DocumentKind::Order, Side::Seller)
        .issue(Original, 1, "a")
        .save(1, RE)
        .event(&Event::AnswerWithdrawn { operation: op(1) })
        .is(Outcome::Applied, "Issued current=1 agreed=- | 1 Original Proposed");
    assert!(needs_answer(&s.chain));
}

#[test]
fn one_decision_at_a_time_but_an_acknowledgement_may_wait_before_it() {
    Story::new(DocumentKind::Order, Side::Seller)
        .issue(Original, 1, "a")
        .save(1, AB)
        .save(1, AP)
        .is(
            Outcome::Applied,
            "Issued current=1 agreed=- | 1 Original Proposed | pending AB on 1 | pending AP on 1",
        )
        .save(1, RE)
        .is(
            Outcome::Refused(Refusal::AnswerPending),
            "Issued current=1 agreed=- | 1 Original Proposed | pending AB on 1 | pending AP on 1",
        );
}

#[test]
fn known_versions_are_duplicates() {
    for s in orders() {
        let line = "Issued current=2 agreed=- | 1 Original Superseded | 2 Change Proposed";
        let s = s.issue(Original, 1, "a").issue(Change, 2, "b");
        let s = s.issue(Change, 2, "b").is(Outcome::Duplicate, line);
        s.issue(Original, 1, "a").is(Outcome::Duplicate, line);
    }
    Story::new(DocumentKind::Order, Side::Seller)
        .unnumbered(Original, "a")
        .unnumbered(Original, "a")
        .is(Outcome::Duplicate, "Issued current=1 agreed=- | 1 Original Proposed");
}

#[test]
fn equal_sequence_with_other_content_is_a_conflict() {
    for s in orders() {
        let s = s
            .issue(Original, 1, "a")
            .issue(Change, 1, "b")
            .is(Outcome::Conflict, "Issued current=1 agreed=- | 1 Original Proposed");
        assert_eq!(s.attention, [Attention::SequenceConflict]);
    }
}

#[test]
fn a_later_version_before_an_earlier_one_shows_the_gap_until_it_closes() {
    let s = Story::new(DocumentKind::Order, Side::Seller)
        .issue(Original, 1, "a")
        .issue(Change, 3, "c");
    assert_eq!(s.attention, [Attention::SequenceGap]);
    let s = s.issue(Change, 2, "b").is(
        Outcome::Late,
        "Issued current=2 agreed=- | 1 Original Superseded | 2 Change Proposed | 3 Change Superseded",
    );
    assert_eq!(s.attention, []);
    s.answer(2, AP).is(
        Outcome::Applied,
        "Confirmed current=2 agreed=2 | 1 Original Superseded | 2 Change Accepted | 3 Change Superseded",
    );
}

#[test]
fn sequences_with_holes_are_no_gap_where_the_partner_says_so() {
    let s = Story::new(DocumentKind::Order, Side::Seller)
        .with(|r| r.sequence_counts = false)
        .issue(Original, 1000, "a")
        .issue(Change, 2000, "b");
    assert_eq!(s.attention, []);
}

#[test]
fn a_later_touch_without_a_change_is_a_duplicate_where_the_sequence_is_a_time() {
    let first = |counts: bool| {
        Story::new(DocumentKind::Order, Side::Seller)
            .with(|r| r.sequence_counts = counts)
            .issue(Original, 1000, "a")
    };
    first(false)
        .issue(Original, 2000, "a")
        .is(Outcome::Duplicate, "Issued current=1 agreed=- | 1 Original Proposed");
    // What was changed and changed back is a change each time.
    first(false).issue(Original, 2000, "b").issue(Original, 3000, "a").is(
        Outcome::Applied,
        "Issued current=3 agreed=- | 1 Original Superseded | 2 Original Superseded | 3 Original Proposed",
    );
    // Where versions are counted, the partner says that it is a new one.
    first(true).issue(Change, 1001, "a").is(
        Outcome::Applied,
        "Issued current=2 agreed=- | 1 Original Superseded | 2 Change Proposed",
    );
}

#[test]
fn a_change_before_its_original_is_kept_and_the_original_comes_late() {
    let s = Story::new(DocumentKind::Order, Side::Seller).unnumbered(Change, "b");
    assert_eq!(s.attention, [Attention::SequenceGap]);
    s.unnumbered(Original, "a").is(
        Outcome::Late,
        "Issued current=1 agreed=- | 1 Change Proposed | 2 Original Superseded",
    );
}

#[test]
fn a_change_that_came_behind_its_cancellation_counts_once_that_is_refused() {
    let start = || {
        Story::new(DocumentKind::Order, Side::Seller)
            .issue(Original, 1, "a")
            .answer(1, AP)
            .issue(Cancellation, 3, "x")
    };
    let line = "ChangePending current=3 agreed=1 | 1 Original Accepted | 2 Cancellation Rejected | 3 Change Proposed";
    start().issue(Change, 2, "b").answer(2, RE).is(Outcome::Applied, line);
    start().answer(2, RE).issue(Change, 2, "b").is(Outcome::Applied, line);
}
