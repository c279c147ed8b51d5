//! Requests that are made when their operation is saved: when they leave as they are, and when they are made anew.

use super::fixtures::*;
use crate::domain::{ContentHash, DeliveryState};
use crate::store::{Claimed, SqliteStore, StoredRequest};
use std::sync::Arc;

fn request(body: &str) -> StoredRequest {
    StoredRequest {
        method: "POST".to_owned(),
        url: "http://127.0.0.1/api/operations".to_owned(),
        headers: Vec::new(),
        media_type: "application/json".to_owned(),
        body: body.as_bytes().to_vec().into(),
        hash: ContentHash::of(body.as_bytes()),
    }
}

/// One saved answer with its draft. `fixtures::claim` claims with the configuration `now` in force.
fn saved(made_with: &'static str) -> Opened {
    let opened = open();
    write(&opened.store, move |tx| {
        let document = receive(tx, &order("PO-1", None, 1), 1, NOW)?;
        confirm(tx, document, operation_id(1), crate::domain::VersionNumber(1), NOW)?;
        tx.draft_request(operation_id(1), &request("draft"), made_with)
    })
    .expect("saved");
    opened
}

fn claimed(store: &Arc<SqliteStore>, seconds: i64) -> Claimed {
    write(store, move |tx| claim(tx, NOW.plus_seconds(seconds), 1))
        .expect("claim")
        .remove(0)
}

fn asked(store: &Arc<SqliteStore>, claimed: &Claimed, body: &'static str) -> StoredRequest {
    let (operation, epoch) = (claimed.operation, claimed.epoch);
    write(store, move |tx| tx.store_request(operation, epoch, &request(body))).expect("stored")
}

#[test]
fn a_draft_leaves_as_it_is_and_is_never_changed_after_that() {
    let opened = saved("now");
    let store = &opened.store;
    let first = claimed(store, 0);
    assert_eq!(
        (first.request.as_ref(), first.leaves_first),
        (Some(&request("draft")), true)
    );
    assert_eq!(asked(store, &first, "another"), request("draft"));
    let again = first.clone();
    write(store, move |tx| {
        tx.finish(&crate::store::FinishAttempt {
            next: None,
            due_at: Some(NOW.plus_seconds(5)),
            ..finish(&again, DeliveryState::Retrying, NOW)
        })
    })
    .expect("finish");
    let second = claimed(store, 5);
    assert_eq!((second.request, second.leaves_first), (Some(request("draft")), false));
}

#[test]
fn a_draft_of_another_configuration_is_replaced_before_its_first_send() {
    let opened = saved("before");
    let store = &opened.store;
    let first = claimed(store, 0);
    assert_eq!((first.request.as_ref(), first.leaves_first), (None, false));
    assert_eq!(asked(store, &first, "new"), request("new"));
    assert_eq!(asked(store, &first, "newer"), request("new"));
    let taken_over = claimed(store, 500);
    assert_eq!(
        (taken_over.request, taken_over.taken_over),
        (Some(request("new")), true)
    );
}

#[test]
fn a_draft_whose_engine_was_killed_may_have_left() {
    let opened = saved("now");
    let store = &opened.store;
    assert!(claimed(store, 0).leaves_first);
    let taken_over = claimed(store, 500);
    assert_eq!(
        (taken_over.request, taken_over.leaves_first, taken_over.was),
        (Some(request("draft")), false, DeliveryState::Unknown)
    );
}

#[test]
fn a_draft_that_is_given_back_has_not_left() {
    let opened = saved("now");
    let store = &opened.store;
    let first = claimed(store, 0);
    write(store, move |tx| tx.give_back(first.operation, first.epoch, NOW)).expect("given back");
    let second = claimed(store, 1);
    assert_eq!(
        (second.was, second.request, second.leaves_first),
        (DeliveryState::Queued, Some(request("draft")), true)
    );
}
