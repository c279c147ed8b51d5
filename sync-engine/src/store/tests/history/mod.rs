//! Random histories of everything that the store can do, compared with a plain model after every step.
//!
//! A failing history is shrunk to the shortest that fails. `PROPTEST_CASES=5000` runs a long series.

mod around;
mod compare;
mod model;
mod requests;
mod world;

use super::fixtures::*;
use crate::domain::DeliveryState as State;
use crate::store::{SqliteStore, Store};
use compare::{assert_rows, compare};
use proptest::prelude::*;
use std::sync::Arc;
use world::World;

const STREAMS: [&str; 2] = ["orders", "notes"];
const HOLDERS: [&str; 2] = ["one", "two"];
/// Of configurations that requests are made with.
const FINGERPRINTS: [&str; 2] = ["first", "second"];
/// Subjects of what lasts.
const INCIDENTS: [&str; 3] = ["acme", "bolt", "other.json"];

#[derive(Debug, Clone)]
enum Act {
    /// A version with so many lines; the sequence goes on, comes again, or is one from before.
    Receive {
        document: usize,
        back: i64,
        lines: usize,
        refused: bool,
    },
    Clash {
        document: usize,
    },
    /// With a draft of its request, made with one of the configurations.
    Confirm {
        document: usize,
        draft: Option<usize>,
    },
    Claim {
        places: u32,
        holder: usize,
        made_with: usize,
    },
    Store {
        operation: usize,
        stale: bool,
    },
    Finish {
        operation: usize,
        to: State,
        stale: bool,
        apart: bool,
        /// The request is through and another one follows, or the same one is made anew.
        next: Option<bool>,
    },
    GiveBack {
        operation: usize,
        stale: bool,
    },
    Renew {
        operation: usize,
        stale: bool,
    },
    Person {
        operation: usize,
        to: State,
    },
    Withdraw {
        operation: usize,
    },
    Replay {
        operation: usize,
        key: usize,
        held: bool,
    },
    EndLeases {
        holder: usize,
    },
    KeepMarks {
        operation: usize,
    },
    TakeMarks {
        operation: usize,
    },
    Incidents {
        present: usize,
    },
    Lease {
        name: usize,
        holder: usize,
    },
    Extend {
        name: usize,
        stale: bool,
    },
    Release {
        name: usize,
        stale: bool,
    },
    Watermark {
        stream: usize,
        value: u8,
    },
    Quarantine {
        payload: usize,
    },
    Settle {
        payload: usize,
        how: usize,
    },
    Partner {
        document: usize,
        paused: bool,
    },
    Wait {
        seconds: i64,
    },
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let states = [
        State::Delivered,
        State::Applied,
        State::Retrying,
        State::Unknown,
        State::Held,
        State::Dead,
        State::Queued,
        State::Withdrawn,
    ];
    let state = prop::sample::select(states.to_vec());
    let (stale, document, operation, two) = (prop::bool::weighted(0.15), 0..4usize, 0..6usize, 0..2usize);
    let act = prop_oneof![
        6 => (document.clone(), prop_oneof![4 => Just(-1i64), 1 => 0..3i64], 1..4usize, prop::bool::weighted(0.1))
            .prop_map(|(document, back, lines, refused)| Act::Receive { document, back, lines, refused }),
        1 => document.clone().prop_map(|document| Act::Clash { document }),
        6 => (document.clone(), prop::option::of(two.clone()))
            .prop_map(|(document, draft)| Act::Confirm { document, draft }),
        6 => (1..6u32, two.clone(), two.clone())
            .prop_map(|(places, holder, made_with)| Act::Claim { places, holder, made_with }),
        2 => (operation.clone(), stale).prop_map(|(operation, stale)| Act::Store { operation, stale }),
        7 => (operation.clone(), state.clone(), stale, any::<bool>(), prop::option::weighted(0.15, any::<bool>()))
            .prop_map(|(operation, to, stale, apart, next)| Act::Finish { operation, to, stale, apart, next }),
        2 => (operation.clone(), 0..3usize, prop::bool::weighted(0.2))
            .prop_map(|(operation, key, held)| Act::Replay { operation, key, held }),
        1 => two.clone().prop_map(|holder| Act::EndLeases { holder }),
        1 => operation.clone().prop_map(|operation| Act::KeepMarks { operation }),
        1 => operation.clone().prop_map(|operation| Act::TakeMarks { operation }),
        1 => (0..8usize).prop_map(|present| Act::Incidents { present }),
        2 => (operation.clone(), stale).prop_map(|(operation, stale)| Act::GiveBack { operation, stale }),
        1 => (operation.clone(), stale).prop_map(|(operation, stale)| Act::Renew { operation, stale }),
        4 => (operation.clone(), state).prop_map(|(operation, to)| Act::Person { operation, to }),
        1 => operation.prop_map(|operation| Act::Withdraw { operation }),
        2 => (two.clone(), two.clone()).prop_map(|(name, holder)| Act::Lease { name, holder }),
        1 => (two.clone(), stale).prop_map(|(name, stale)| Act::Extend { name, stale }),
        1 => (two.clone(), stale).prop_map(|(name, stale)| Act::Release { name, stale }),
        1 => (two, any::<u8>()).prop_map(|(stream, value)| Act::Watermark { stream, value }),
        2 => (0..3usize).prop_map(|payload| Act::Quarantine { payload }),
        2 => (0..3usize, 0..3usize).prop_map(|(payload, how)| Act::Settle { payload, how }),
        1 => (document, any::<bool>()).prop_map(|(document, paused)| Act::Partner { document, paused }),
        2 => prop::sample::select(vec![1i64, 30, 200]).prop_map(|seconds| Act::Wait { seconds }),
    ];
    prop::collection::vec(act, 1..50)
}

/// 32 histories, unless `PROPTEST_CASES` says how many.
fn histories() -> ProptestConfig {
    let given = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok());
    ProptestConfig::with_cases(given.unwrap_or(32))
}

proptest! {
    #![proptest_config(histories())]
    #[test]
    fn the_store_answers_as_a_plain_model_does(acts in acts()) {
        let opened = open();
        let mut world = World::new(&opened.store);
        for act in &acts {
            world.act(act);
            compare(&world);
        }
        assert_counters(&opened);
        assert_rows(&opened);
        prop_assert_eq!(opened.store.verify_audit().expect("verify").broken_at, None);
        // Nothing of it was only in memory.
        opened.store.close();
        world.store = Arc::new(SqliteStore::open(&opened.path).expect("opens again"));
        compare(&world);
    }
}
