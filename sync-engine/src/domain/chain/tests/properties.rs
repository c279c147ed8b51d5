//! What holds over every history.

use super::*;
use crate::domain::rules::{AnswerUpdate, OnChange, OnCounterRefused};
use proptest::prelude::*;

fn author() -> impl Strategy<Value = Author> {
    prop_oneof![Just(Author::Us), Just(Author::Partner)]
}

fn code() -> impl Strategy<Value = HeaderAnswer> {
    prop_oneof![
        Just(HeaderAnswer::AB),
        Just(HeaderAnswer::AP),
        Just(HeaderAnswer::RE),
        Just(HeaderAnswer::CA)
    ]
}

fn purpose() -> impl Strategy<Value = Purpose> {
    prop_oneof![
        3 => Just(Purpose::Original),
        5 => Just(Purpose::Change),
        2 => Just(Purpose::Cancellation),
        1 => Just(Purpose::Counter),
        1 => Just(Purpose::Final),
    ]
}

fn content() -> impl Strategy<Value = ContentHash> {
    (0u8..8).prop_map(|n| hash(&n.to_string()))
}

fn number() -> impl Strategy<Value = VersionNumber> {
    (0u32..9).prop_map(VersionNumber)
}

fn operation() -> impl Strategy<Value = OperationId> {
    (0u128..6).prop_map(op)
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => (
            author(),
            purpose(),
            proptest::option::of(-2i64..9),
            content(),
            proptest::option::of(number()),
            proptest::bool::ANY,
        ).prop_map(
            |(author, purpose, sequence, hash, base, overtaken)| {
                Event::Version { author, purpose, sequence, hash, base, overtaken }
            }
        ),
        6 => (operation(), number(), code())
            .prop_map(|(operation, version, code)| Event::AnswerSaved { operation, version, code }),
        5 => (operation(), proptest::option::of(content()))
            .prop_map(|(operation, counter)| Event::AnswerDelivered { operation, counter }),
        1 => operation().prop_map(|operation| Event::AnswerReleased { operation }),
        1 => operation().prop_map(|operation| Event::AnswerWithdrawn { operation }),
        5 => (number(), code(), proptest::option::of(content()))
            .prop_map(|(version, code, counter)| Event::AnswerReceived { version, code, counter }),
        4 => (operation(), purpose(), proptest::option::of(0i64..9), content(), proptest::option::of(number())).prop_map(
            |(operation, purpose, sequence, hash, base)| Event::IssueSaved { operation, purpose, sequence, hash, base }
        ),
        1 => operation().prop_map(|operation| Event::CloseSaved { operation }),
        1 => author().prop_map(|author| Event::CounterRefused { author }),
        1 => author().prop_map(|author| Event::Close { author }),
    ]
}

fn rules() -> impl Strategy<Value = PartnerRules> {
    (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(drop, cancel, fixed, counts)| {
        PartnerRules {
            on_change: if drop {
                OnChange::DropAgreed
            } else {
                OnChange::KeepAgreed
            },
            on_counter_refused: if cancel {
                OnCounterRefused::CancelOrder
            } else {
                OnCounterRefused::HandBack
            },
            rejected_line_final: fixed,
            sequence_counts: counts,
            answer_update: AnswerUpdate::Whole,
            ..PartnerRules::default()
        }
    })
}

fn chain() -> impl Strategy<Value = Chain> {
    (any::<bool>(), any::<bool>()).prop_map(|(order, seller)| {
        let kind = if order {
            DocumentKind::Order
        } else {
            DocumentKind::DespatchAdvice
        };
        Chain::new(kind, if seller { Side::Seller } else { Side::Buyer })
    })
}

/// What never changes of a version once it is stored.
fn fixed(v: &VersionHead) -> impl PartialEq + std::fmt::Debug + use<> {
    (v.number, v.purpose, v.author, v.sequence, v.hash, v.supersedes, v.base)
}

fn check(before: &Chain, event: &Event, decision: &Decision) {
    let after = &decision.chain;
    // Nothing is overwritten: versions only grow, by one at most, and their content stays.
    assert!(after.versions.len() >= before.versions.len());
    assert!(after.versions.len() <= before.versions.len() + 1);
    for (old, new) in before.versions.iter().zip(&after.versions) {
        assert_eq!(fixed(old), fixed(new));
    }
    for (index, v) in after.versions.iter().enumerate() {
        assert_eq!(v.number.0 as usize, index + 1);
        assert!(v.base.is_none_or(|b| b < v.number) && v.supersedes.is_none_or(|s| s < v.number));
    }
    let stored = (after.versions.len() > before.versions.len()).then_some(VersionNumber(after.versions.len() as u32));
    assert_eq!(decision.stored, stored);
    match decision.outcome {
        Outcome::Duplicate | Outcome::Conflict | Outcome::Refused(_) => assert_eq!(before, after),
        Outcome::Late => assert_eq!(
            (before.state, before.current, before.agreed),
            (after.state, after.current, after.agreed)
        ),
        Outcome::Stale => assert_eq!(before.versions, after.versions),
        Outcome::Applied => {}
    }
    pointers(after);
    pending(before, event, after);
}

fn pointers(chain: &Chain) {
    assert_eq!(chain.versions.is_empty(), chain.current.is_none());
    let reached = |v: &VersionHead| !matches!(v.state, VersionState::Draft | VersionState::Withdrawn);
    let nothing_reached = !chain.versions.iter().any(reached);
    assert!(chain.state != ChainState::Draft || nothing_reached, "{}", show(chain));
    if let Some(agreed) = chain.agreed {
        let agreed = chain.version(agreed).expect("agreed is a known version");
        assert_eq!(agreed.state, VersionState::Accepted, "{}", show(chain));
    }
    assert_eq!(
        chain.before_cancel.is_some(),
        chain.state == ChainState::CancelPending,
        "{}",
        show(chain)
    );
    let Some(current) = chain.current_version() else { return };
    // Current by the rule, put another way: never an answered-away counter-offer, never one with a later one beside it.
    let open_counter = |v: &VersionHead| v.purpose == Purpose::Counter && v.state == VersionState::Proposed;
    match chain.state {
        ChainState::CancelPending => assert_eq!(current.purpose, Purpose::Cancellation),
        ChainState::CounterOpen if chain.kind == DocumentKind::Order => {
            assert!(open_counter(current), "{}", show(chain))
        }
        ChainState::Issued | ChainState::ChangePending => assert!(
            matches!(
                current.state,
                VersionState::Proposed | VersionState::Acknowledged | VersionState::Rejected
            ),
            "{}",
            show(chain)
        ),
        ChainState::Draft
        | ChainState::Confirmed
        | ChainState::CounterOpen
        | ChainState::Cancelled
        | ChainState::Rejected
        | ChainState::Closed => {}
    }
    if current.purpose != Purpose::Counter && current.purpose != Purpose::Cancellation {
        let later = chain.versions.iter().any(|v| {
            v.author == chain.issuer()
                && !matches!(v.state, VersionState::Draft | VersionState::Withdrawn)
                && v.purpose != Purpose::Cancellation
                && current.sequence.is_some_and(|c| v.sequence.is_some_and(|s| s > c))
        });
        assert!(!later, "{}", show(chain));
    }
    if chain.state == ChainState::Confirmed {
        assert!(chain.agreed.is_some(), "{}", show(chain));
    }
}

fn pending(before: &Chain, event: &Event, after: &Chain) {
    let mut ids: Vec<_> = after.pending.iter().map(|p| p.operation).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), after.pending.len(), "an operation is pending once");
    for act in &after.pending {
        let ours = act.act.answer().is_none();
        assert!(
            ours || !after.we_issue(),
            "only the other side answers: {}",
            show(after)
        );
        assert!(act.act != Act::Issue || after.we_issue(), "{}", show(after));
    }
    let drafts = after.versions.iter().filter(|v| v.state == VersionState::Draft);
    for draft in drafts {
        let pending = after
            .pending
            .iter()
            .any(|p| p.version == draft.number && p.act == Act::Issue);
        assert!(pending, "a draft waits for its operation: {}", show(after));
    }
    for answer in after.pending.iter().filter(|p| !p.held) {
        let overtaken = before.current != after.current && after.is_overtaken(answer);
        assert!(!overtaken, "an answer that was overtaken is held: {}", show(after));
    }
    if let Event::AnswerDelivered { operation, .. } = event {
        let was = before.pending.iter().any(|p| p.operation == *operation);
        let is = after.pending.iter().any(|p| p.operation == *operation);
        // What the partner has is no longer pending, held or not, unless the event was refused as a whole.
        assert!(!(was && is) || before == after);
    }
}

/// Versions that we save are numbered on.
fn numbered(chain: &Chain, event: &Event) -> Event {
    let mut event = event.clone();
    if let Event::IssueSaved { sequence, .. } = &mut event {
        *sequence = Some(chain.versions.iter().filter_map(|v| v.sequence).max().unwrap_or(0) + 1);
    }
    event
}

/// Whatever an act of ours did to the chain, its undoing leads back, as long as nothing came after it.
fn undone(before: &Chain, decision: &Decision, rules: &PartnerRules) {
    let undo = Event::Undone {
        operation: op(77),
        before: before.mark(),
        after: decision.chain.mark(),
    };
    let back = decide(&decision.chain, &undo, rules);
    assert_eq!(back.outcome, Outcome::Applied);
    let (was, is) = (before.mark(), back.chain.mark());
    assert_eq!(
        (was.state, was.current, was.agreed, was.before_cancel),
        (is.state, is.current, is.agreed, is.before_cancel)
    );
    assert_eq!(was.versions[..], is.versions[..was.versions.len()]);
    for added in &is.versions[was.versions.len()..] {
        assert_eq!(*added, VersionState::Withdrawn);
    }
    pointers(&back.chain);
    // Undone twice, nothing more changes; the second time something has come after.
    if back.chain.mark() != decision.chain.mark() {
        let again = decide(&back.chain, &undo, rules);
        assert_eq!((again.outcome, &again.chain), (Outcome::Stale, &back.chain));
        assert_eq!(again.attention, [Attention::NotUndone(op(77))]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn hold_over_random_histories(start in chain(), rules in rules(), events in proptest::collection::vec(event(), 0..40)) {
        let mut chain = start;
        for event in &events {
            let event = &numbered(&chain, event);
            let decision = decide(&chain, event, &rules);
            prop_assert_eq!(&decision, &decide(&chain, event, &rules), "same input, same output");
            check(&chain, event, &decision);
            // Seen twice, a version changes nothing the second time.
            if let (Event::Version { .. }, Outcome::Applied) = (event, decision.outcome) {
                let again = decide(&decision.chain, event, &rules);
                prop_assert_ne!(again.outcome, Outcome::Applied);
            }
            for code in allowed_answers(&decision.chain, &rules) {
                let version = decision.chain.answerable().expect("an answer is allowed");
                let saved = Event::AnswerSaved { operation: op(99), version, code };
                prop_assert_eq!(decide(&decision.chain, &saved, &rules).outcome, Outcome::Applied);
            }
            if let (Event::AnswerDelivered { .. }, Outcome::Applied) = (event, decision.outcome) {
                undone(&chain, &decision, &rules);
            }
            chain = decision.chain;
        }
    }
}
