//! A clock that was ahead, and is set right.

use super::*;

#[test]
fn what_a_clock_that_was_ahead_put_off_is_due_when_it_is_set_right() {
    let opened = open();
    let store = &opened.store;
    let hour = 3_600;
    write(store, move |tx| {
        let later = NOW.plus_seconds(hour);
        let id = receive(tx, &order("PO-1", None, 1), 1, later)?;
        tx.enqueue(&NewOperation {
            due_at: later,
            created_at: later,
            ..new_operation(id, 1)
        })
    })
    .expect("enqueued");
    assert!(claim_at(store, 0, 10).is_empty());
    assert_eq!(
        write(store, move |tx| tx
            .catch_up(NOW.plus_seconds(hour), NOW.plus_seconds(hour)))
        .expect("catches up"),
        0
    );
    assert_eq!(
        write(store, |tx| tx.catch_up(NOW, NOW.plus_seconds(120))).expect("catches up"),
        1
    );
    let claimed = claim_at(store, 0, 10);
    assert_eq!(ids(&claimed), [operation_id(1)]);
    assert_eq!(claimed[0].scheduled_from, NOW, "its schedule of retries starts now");
}

/// Simulation, seed 9010212: saved an hour from now, tried once more after the clock was set right.
#[test]
fn a_schedule_that_begins_later_than_now_begins_now() {
    let opened = open();
    let later = NOW.plus_seconds(3_600);
    let order = document(&opened.store, "A");
    let saved = move |tx: &mut dyn StoreTx| {
        tx.enqueue(&NewOperation {
            due_at: later,
            created_at: later,
            ..new_operation(order, 1)
        })
    };
    write(&opened.store, saved).expect("enqueued");
    let claimed = claim_at(&opened.store, 3_600, 10).remove(0);
    let ended = move |tx: &mut dyn StoreTx| {
        tx.finish(&FinishAttempt {
            due_at: Some(NOW.plus_seconds(100)),
            ..finish(&claimed, DeliveryState::Retrying, NOW)
        })
    };
    write(&opened.store, ended).expect("finished");
    let catch_up = |tx: &mut dyn StoreTx| tx.catch_up(NOW.plus_seconds(60), NOW.plus_seconds(180));
    assert_eq!(write(&opened.store, catch_up).expect("catches up"), 1);
    assert!(claim_at(&opened.store, 60, 10).is_empty(), "its time is not yet");
    let claimed = claim_at(&opened.store, 100, 10);
    assert_eq!(claimed[0].scheduled_from, NOW.plus_seconds(60), "or it would not end");
}

/// Simulation, seed 2000774: refused at an hour from now, and put off until then.
#[test]
fn an_attempt_by_a_clock_that_was_ahead_puts_nothing_off() {
    for (nth, state) in [(1, DeliveryState::Retrying), (2, DeliveryState::Delivered)] {
        let opened = open();
        let order = document(&opened.store, "A");
        write(&opened.store, move |tx| enqueue(tx, order, nth, 0)).expect("enqueued");
        let claimed = claim_at(&opened.store, 0, 10).remove(0);
        let later = NOW.plus_seconds(3_600);
        let ended = move |tx: &mut dyn StoreTx| {
            tx.finish(&FinishAttempt {
                due_at: Some(later),
                ..finish(&claimed, state, later)
            })
        };
        write(&opened.store, ended).expect("finished");
        assert!(claim_at(&opened.store, 60, 10).is_empty());
        let catch_up = |tx: &mut dyn StoreTx| tx.catch_up(NOW.plus_seconds(60), NOW.plus_seconds(180));
        assert_eq!(write(&opened.store, catch_up).expect("catches up"), 1);
        assert_eq!(ids(&claim_at(&opened.store, 60, 10)), [operation_id(nth)]);
    }
}
