//! One named case per row of the vocabulary's table, and for what the table leaves to us.

use super::story::{Story, orders};
use super::*;
use crate::domain::rules::{OnChange, OnCounterRefused};
use HeaderAnswer::{AB, AP, CA, RE};
use Purpose::{Cancellation, Change, Original};

#[test]
fn acknowledging_a_version_decides_nothing() {
    for s in orders() {
        s.issue(Original, 1, "a")
            .answer(1, AB)
            .is(Outcome::Applied, "Issued current=1 agreed=- | 1 Original Acknowledged");
    }
}

#[test]
fn accepting_supersedes_what_was_agreed() {
    for s in orders() {
        s.issue(Original, 1, "a")
            .answer(1, AP)
            .is(Outcome::Applied, "Confirmed current=1 agreed=1 | 1 Original Accepted")
            .issue(Change, 2, "b")
            .is(
                Outcome::Applied,
                "ChangePending current=2 agreed=1 | 1 Original Accepted | 2 Change Proposed",
            )
            .answer(2, AP)
            .is(
                Outcome::Applied,
                "Confirmed current=2 agreed=2 | 1 Original Superseded | 2 Change Accepted",
            );
    }
}

#[test]
fn rejecting_the_first_version_rejects_the_order() {
    for s in orders() {
        s.issue(Original, 1, "a")
            .answer(1, RE)
            .is(Outcome::Applied, "Rejected current=1 agreed=- | 1 Original Rejected");
    }
}

#[test]
fn rejecting_a_change_leaves_the_agreed_order_in_force() {
    for s in orders() {
        s.issue(Original, 1, "a")
            .answer(1, AP)
            .issue(Change, 2, "b")
            .answer(2, RE)
            .is(
                Outcome::Applied,
                "Confirmed current=2 agreed=1 | 1 Original Accepted | 2 Change Rejected",
            );
    }
}

#[test]
fn a_counter_offer_is_a_version_with_its_base() {
    for s in orders() {
        s.issue(Original, 1, "a").answer(1, CA).is(
            Outcome::Applied,
            "CounterOpen current=2 agreed=- | 1 Original Countered | 2 Counter Proposed on 1",
        );
    }
}

#[test]
fn the_buyer_takes_a_counter_offer_by_an_update_that_restates_it() {
    for s in orders() {
        let s = s.issue(Original, 1, "a").answer(1, CA);
        let event = Event::Version {
            author: s.chain.issuer(),
            purpose: Change,
            sequence: Some(2),
            hash: hash("b"),
            base: Some(VersionNumber(2)),
            overtaken: false,
        };
        s.event(&event).is(
            Outcome::Applied,
            "Confirmed current=3 agreed=3 | 1 Original Superseded | 2 Counter Superseded on 1 | 3 Change Accepted on 2",
        );
    }
}

#[test]
fn an_update_that_does_not_restate_the_counter_offer_waits_for_an_answer() {
    for s in orders() {
        s.issue(Original, 1, "a").answer(1, CA).issue(Change, 2, "b").is(
            Outcome::Applied,
            "Issued current=3 agreed=- | 1 Original Superseded | 2 Counter Superseded on 1 | 3 Change Proposed",
        );
    }
}

#[test]
fn a_refused_counter_offer_hands_the_order_back() {
    for s in orders() {
        let s = s.issue(Original, 1, "a").answer(1, CA);
        let author = s.chain.issuer();
        s.event(&Event::CounterRefused { author }).is(
            Outcome::Applied,
            "Issued current=1 agreed=- | 1 Original Proposed | 2 Counter Rejected on 1",
        );
    }
}

#[test]
fn a_refused_counter_offer_cancels_the_order_where_the_partner_says_so() {
    for s in orders() {
        let s = s
            .with(|r| r.on_counter_refused = OnCounterRefused::CancelOrder)
            .issue(Original, 1, "a")
            .answer(1, AP)
            .issue(Change, 2, "b")
            .answer(2, CA);
        let author = s.chain.issuer();
        s.event(&Event::CounterRefused { author }).is(
            Outcome::Applied,
            "Cancelled current=2 agreed=- | 1 Original Withdrawn | 2 Change Withdrawn | 3 Counter Rejected on 2",
        );
    }
}

#[test]
fn a_counter_offer_to_an_agreed_version_leaves_it_in_force() {
    for s in orders() {
        let s = s.issue(Original, 1, "a").answer(1, AP).answer(1, CA).is(
            Outcome::Applied,
            "CounterOpen current=2 agreed=1 | 1 Original Accepted | 2 Counter Proposed on 1",
        );
        let author = s.chain.issuer();
        s.event(&Event::CounterRefused { author }).is(
            Outcome::Applied,
            "Confirmed current=1 agreed=1 | 1 Original Accepted | 2 Counter Rejected on 1",
        );
    }
}

#[test]
fn a_later_counter_offer_replaces_the_earlier_and_an_acceptance_takes_it_back() {
    for s in orders() {
        s.issue(Original, 1, "a")
            .answer(1, CA)
            .answer(1, CA)
            .is(
                Outcome::Applied,
                "CounterOpen current=3 agreed=- | 1 Original Countered | 2 Counter Superseded on 1 | 3 Counter Proposed on 1",
            )
            .answer(1, AP)
            .is(
                Outcome::Applied,
                "Confirmed current=1 agreed=1 | 1 Original Accepted | 2 Counter Superseded on 1 | 3 Counter Withdrawn on 1",
            );
    }
}

#[test]
fn a_change_drops_the_confirmation_where_the_partner_says_so() {
    for s in orders() {
        s.with(|r| r.on_change = OnChange::DropAgreed)
            .issue(Original, 1, "a")
            .answer(1, AP)
            .issue(Change, 2, "b")
            .is(
                Outcome::Applied,
                "Issued current=2 agreed=- | 1 Original Superseded | 2 Change Proposed",
            );
    }
}

#[test]
fn a_cancellation_is_accepted() {
    for s in orders() {
        s.issue(Original, 1, "a")
            .answer(1, AP)
            .issue(Cancellation, 2, "x")
            .is(
                Outcome::Applied,
                "CancelPending current=2 agreed=1 before=Confirmed | 1 Original Accepted | 2 Cancellation Proposed",
            )
            .answer(2, AP)
            .is(
                Outcome::Applied,
                "Cancelled current=2 agreed=2 | 1 Original Superseded | 2 Cancellation Accepted",
            );
    }
}

#[test]
fn a_refused_cancellation_leads_back_to_what_was() {
    for s in orders() {
        s.issue(Original, 1, "a").issue(Cancellation, 2, "x").answer(2, RE).is(
            Outcome::Applied,
            "Issued current=1 agreed=- | 1 Original Proposed | 2 Cancellation Rejected",
        );
    }
    for s in orders() {
        s.issue(Original, 1, "a").answer(1, CA).issue(Cancellation, 2, "x").answer(3, RE).is(
            Outcome::Applied,
            "CounterOpen current=2 agreed=- | 1 Original Countered | 2 Counter Proposed on 1 | 3 Cancellation Rejected",
        );
    }
}

#[test]
fn a_cancellation_that_came_before_its_order_reopens_it_when_refused() {
    for s in orders() {
        if s.chain.we_issue() {
            continue;
        }
        s.issue(Cancellation, 2, "x")
            .issue(Original, 1, "a")
            .is(
                Outcome::Late,
                "CancelPending current=1 agreed=- before=Issued | 1 Cancellation Proposed | 2 Original Superseded",
            )
            .answer(1, RE)
            .is(
                Outcome::Applied,
                "Issued current=2 agreed=- | 1 Cancellation Rejected | 2 Original Proposed",
            );
    }
}

#[test]
fn a_rejected_order_is_open_again_after_a_change() {
    for s in orders() {
        s.issue(Original, 1, "a").answer(1, RE).issue(Change, 2, "b").is(
            Outcome::Applied,
            "Issued current=2 agreed=- | 1 Original Rejected | 2 Change Proposed",
        );
    }
}

#[test]
fn a_rejection_is_taken_back_unless_the_partner_forbids_it() {
    for s in orders() {
        s.issue(Original, 1, "a")
            .answer(1, RE)
            .answer(1, AP)
            .is(Outcome::Applied, "Confirmed current=1 agreed=1 | 1 Original Accepted");
    }
    for s in orders() {
        s.with(|r| r.rejected_line_final = true)
            .issue(Original, 1, "a")
            .answer(1, RE)
            .answer(1, AP)
            .is(
                Outcome::Refused(Refusal::RejectedBefore),
                "Rejected current=1 agreed=- | 1 Original Rejected",
            );
    }
}

#[test]
fn a_delivery_note_is_received_replaced_and_cancelled() {
    for side in [Side::Seller, Side::Buyer] {
        Story::new(DocumentKind::DespatchAdvice, side)
            .issue(Original, 1, "a")
            .answer(1, CA)
            .is(
                Outcome::Applied,
                "CounterOpen current=1 agreed=- | 1 Original Countered",
            )
            .issue(Change, 2, "b")
            .answer(2, AP)
            .is(
                Outcome::Applied,
                "Confirmed current=2 agreed=2 | 1 Original Superseded | 2 Change Accepted",
            )
            .issue(Cancellation, 3, "x")
            .is(
                Outcome::Applied,
                "Cancelled current=3 agreed=2 | 1 Original Superseded | 2 Change Accepted | 3 Cancellation Accepted",
            );
    }
}

#[test]
fn nothing_is_done_to_the_documents_of_the_other_side() {
    let seller = Chain::new(DocumentKind::Order, Side::Seller);
    let by = |author| Event::Version {
        author,
        purpose: Original,
        sequence: None,
        hash: hash("a"),
        base: None,
        overtaken: false,
    };
    let rules = PartnerRules::default();
    assert_eq!(
        decide(&seller, &by(Author::Us), &rules).outcome,
        Outcome::Refused(Refusal::NotOurDocument)
    );
    let buyer = Chain::new(DocumentKind::Order, Side::Buyer);
    assert_eq!(
        decide(&buyer, &by(Author::Partner), &rules).outcome,
        Outcome::Refused(Refusal::NotTheirDocument)
    );
}

#[test]
fn the_answers_that_are_allowed() {
    let s = Story::new(DocumentKind::Order, Side::Seller).issue(Original, 1, "a");
    assert_eq!(allowed_answers(&s.chain, &s.rules), [AB, AP, CA, RE]);
    let s = s.answer(1, AP);
    assert_eq!(allowed_answers(&s.chain, &s.rules), [CA]);
    let s = s.issue(Cancellation, 2, "x");
    assert_eq!(allowed_answers(&s.chain, &s.rules), [AB, AP, RE]);
    let s = s.save(2, AP);
    assert_eq!(allowed_answers(&s.chain, &s.rules), []);
    let note = Story::new(DocumentKind::DespatchAdvice, Side::Buyer).issue(Original, 1, "a");
    assert_eq!(allowed_answers(&note.chain, &note.rules), [AP, CA, RE]);
}

#[test]
fn a_chain_closes_when_nothing_is_open() {
    for s in orders() {
        s.issue(Original, 1, "a")
            .event(&Event::Close { author: Author::Us })
            .is(
                Outcome::Refused(Refusal::Undecided),
                "Issued current=1 agreed=- | 1 Original Proposed",
            )
            .answer(1, AP)
            .event(&Event::Close { author: Author::Us })
            .is(Outcome::Applied, "Closed current=1 agreed=1 | 1 Original Accepted")
            .issue(Change, 2, "b")
            .is(
                Outcome::Refused(Refusal::ChainEnded),
                "Closed current=1 agreed=1 | 1 Original Accepted",
            );
    }
}
