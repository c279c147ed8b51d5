//! Documents that we issue: drafts, their delivery, what overtakes them; and effects that are undone.

use super::HeaderAnswer::{AP, CA, RE};
use super::Purpose::{Cancellation, Change, Original};
use super::story::Story;
use super::*;

/// We are the buyer, and the order is the first of them.
fn ours() -> Story {
    Story::new(DocumentKind::Order, Side::Buyer)
}

impl Story {
    /// We save our version `n` as operation `n`.
    fn draft(self, n: u32, purpose: Purpose, base: Option<u32>) -> Self {
        let event = Event::IssueSaved {
            operation: op(u128::from(n)),
            purpose,
            sequence: Some(i64::from(n)),
            hash: hash(&format!("ours{n}")),
            base: base.map(VersionNumber),
        };
        self.event(&event)
    }

    fn delivered(self, n: u32) -> Self {
        self.event(&Event::AnswerDelivered {
            operation: op(u128::from(n)),
            counter: None,
        })
    }

    fn submitted(self) -> Self {
        self.draft(1, Original, None).delivered(1)
    }
}

#[test]
fn an_order_of_ours_is_a_draft_until_the_partner_has_it() {
    ours()
        .draft(1, Original, None)
        .is(
            Outcome::Applied,
            "Draft current=1 agreed=- | 1 Original Draft | pending Issue on 1",
        )
        .delivered(1)
        .is(Outcome::Applied, "Issued current=1 agreed=- | 1 Original Proposed");
}

#[test]
fn a_draft_changes_nothing_else_of_the_chain() {
    ours()
        .submitted()
        .answer(1, AP)
        .draft(2, Change, None)
        .is(
            Outcome::Applied,
            "Confirmed current=1 agreed=1 | 1 Original Accepted | 2 Change Draft | pending Issue on 2",
        )
        .delivered(2)
        .is(
            Outcome::Applied,
            "ChangePending current=2 agreed=1 | 1 Original Accepted | 2 Change Proposed",
        );
}

#[test]
fn a_draft_that_is_taken_back_is_as_if_it_had_not_been() {
    let withdrawn = Event::AnswerWithdrawn { operation: op(2) };
    ours()
        .submitted()
        .draft(2, Change, None)
        .event(&withdrawn)
        .is(
            Outcome::Applied,
            "Issued current=1 agreed=- | 1 Original Proposed | 2 Change Withdrawn",
        )
        .answer(1, AP)
        .is(
            Outcome::Applied,
            "Confirmed current=1 agreed=1 | 1 Original Accepted | 2 Change Withdrawn",
        );
    let first = Event::AnswerWithdrawn { operation: op(1) };
    ours()
        .draft(1, Original, None)
        .event(&first)
        .draft(2, Original, None)
        .is(
            Outcome::Applied,
            "Draft current=2 agreed=- | 1 Original Withdrawn | 2 Original Draft | pending Issue on 2",
        );
}

#[test]
fn one_act_at_a_time_is_on_its_way() {
    ours().draft(1, Original, None).draft(2, Cancellation, None).is(
        Outcome::Refused(Refusal::NotAnOriginal),
        "Draft current=1 agreed=- | 1 Original Draft | pending Issue on 1",
    );
    ours()
        .submitted()
        .draft(2, Change, None)
        .draft(3, Cancellation, None)
        .is(
            Outcome::Refused(Refusal::AnswerPending),
            "Issued current=1 agreed=- | 1 Original Proposed | 2 Change Draft | pending Issue on 2",
        );
}

#[test]
fn an_update_that_takes_the_counter_offer_agrees_when_it_is_delivered() {
    ours()
        .submitted()
        .answer(1, CA)
        .draft(2, Change, Some(2))
        .is(
            Outcome::Applied,
            "CounterOpen current=2 agreed=- | 1 Original Countered | 2 Counter Proposed on 1 | 3 Change Draft on 2 | pending Issue on 3",
        )
        .delivered(2)
        .is(
            Outcome::Applied,
            "Confirmed current=3 agreed=3 | 1 Original Superseded | 2 Counter Superseded on 1 | 3 Change Accepted on 2",
        );
}

#[test]
fn a_draft_is_held_when_a_counter_offer_comes_before_it_left() {
    let s = ours().submitted().draft(2, Change, None).answer(1, CA);
    assert_eq!(s.attention, [Attention::AnswerHeld(op(2))]);
    let s = s.is(
        Outcome::Applied,
        "CounterOpen current=3 agreed=- | 1 Original Countered | 2 Change Draft | 3 Counter Proposed on 1 | pending Issue on 2 held",
    );
    // It had left all the same: it is in force.
    s.delivered(2).is(
        Outcome::Applied,
        "Issued current=2 agreed=- | 1 Original Superseded | 2 Change Proposed | 3 Counter Superseded on 1",
    );
}

#[test]
fn an_acceptance_of_the_version_before_does_not_hold_a_change() {
    ours().submitted().draft(2, Change, None).answer(1, AP).is(
        Outcome::Applied,
        "Confirmed current=1 agreed=1 | 1 Original Accepted | 2 Change Draft | pending Issue on 2",
    );
}

#[test]
fn an_answer_shows_that_the_partner_has_what_it_answers() {
    ours()
        .draft(1, Original, None)
        .answer(1, AP)
        .is(
            Outcome::Applied,
            "Confirmed current=1 agreed=1 | 1 Original Accepted | pending Issue on 1",
        )
        .delivered(1)
        .is(Outcome::Stale, "Confirmed current=1 agreed=1 | 1 Original Accepted");
}

#[test]
fn a_cancellation_in_each_state_waits_for_the_seller() {
    for (answer, before) in [
        (None, "Issued"),
        (Some(AP), "Confirmed"),
        (Some(CA), "CounterOpen"),
        (Some(RE), "Rejected"),
    ] {
        let s = ours().submitted();
        let s = match answer {
            Some(code) => s.answer(1, code),
            None => s,
        };
        let number = s.chain.versions.len() as u32 + 1;
        let s = s.draft(9, Cancellation, None).delivered(9);
        assert_eq!(s.chain.state, ChainState::CancelPending, "{}", show(&s.chain));
        let taken = s.answer(number, AP);
        assert_eq!(taken.chain.state, ChainState::Cancelled, "{}", show(&taken.chain));
        let s = ours().submitted();
        let s = match answer {
            Some(code) => s.answer(1, code),
            None => s,
        };
        let refused = s.draft(9, Cancellation, None).delivered(9).answer(number, RE);
        assert_eq!(format!("{:?}", refused.chain.state), before, "{}", show(&refused.chain));
    }
}

#[test]
fn a_delivery_note_of_ours_is_received_and_may_be_cancelled() {
    let note = || Story::new(DocumentKind::DespatchAdvice, Side::Seller).submitted();
    note().answer(1, CA).is(
        Outcome::Applied,
        "CounterOpen current=1 agreed=- | 1 Original Countered",
    );
    note().draft(2, Cancellation, None).delivered(2).is(
        Outcome::Applied,
        "Cancelled current=2 agreed=- | 1 Original Withdrawn | 2 Cancellation Accepted",
    );
}

#[test]
fn an_effect_is_undone_when_nothing_came_after_it() {
    let s = Story::new(DocumentKind::Order, Side::Seller).issue(Original, 1, "a");
    let before = s.chain.mark();
    let s = s.answer(1, CA);
    let undo = Event::Undone {
        operation: op(1),
        before,
        after: s.chain.mark(),
    };
    s.event(&undo).is(
        Outcome::Applied,
        "Issued current=1 agreed=- | 1 Original Proposed | 2 Counter Withdrawn on 1",
    );
}

#[test]
fn an_effect_stays_when_something_came_after_it_and_a_person_is_told() {
    let s = Story::new(DocumentKind::Order, Side::Seller).issue(Original, 1, "a");
    let before = s.chain.mark();
    let s = s.answer(1, AP);
    let undo = Event::Undone {
        operation: op(1),
        before,
        after: s.chain.mark(),
    };
    let s = s.issue(Change, 2, "b").event(&undo);
    assert_eq!(s.attention, [Attention::NotUndone(op(1))]);
    s.is(
        Outcome::Stale,
        "ChangePending current=2 agreed=1 | 1 Original Accepted | 2 Change Proposed",
    );
}

#[test]
fn a_close_takes_effect_when_the_partner_has_it() {
    ours()
        .submitted()
        .event(&Event::CloseSaved { operation: op(5) })
        .is(
            Outcome::Refused(Refusal::Undecided),
            "Issued current=1 agreed=- | 1 Original Proposed",
        )
        .answer(1, AP)
        .event(&Event::CloseSaved { operation: op(5) })
        .is(
            Outcome::Applied,
            "Confirmed current=1 agreed=1 | 1 Original Accepted | pending Close on 1",
        )
        .delivered(5)
        .is(Outcome::Applied, "Closed current=1 agreed=1 | 1 Original Accepted");
}
