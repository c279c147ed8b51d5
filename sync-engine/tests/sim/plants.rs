//! The check of the checks: bugs put in on purpose, each of which some seed has to find, and for the right reason.

use crate::plan::{Plan, Plant};
use crate::{guarded, shrink};

/// Seeds that are tried for one bug.
const SEEDS: u64 = 200;

/// A bug, and words of what has to be said of it.
const PLANTS: [(Plant, &str); 11] = [
    (Plant::KeyForgotten, "had 2 effects"),
    (Plant::LookupLies, "effects"),
    (Plant::BodyChanges, "left before its request was stored"),
    (Plant::WatermarkAhead, "is not in the store, and the watermark"),
    (Plant::CommitLost, "was called saved and is not there"),
    (Plant::CounterWrong, "the screen says"),
    (Plant::AuditAltered, "the audit chain breaks"),
    (Plant::WithdrawnReturns, "the screen says"),
    (Plant::NeverAgain, "not drained"),
    (Plant::OwnChance, "not the same twice"),
    (Plant::EpochForgotten, "under the lease of engine"),
];

pub fn all_are_found() -> bool {
    let mut all = true;
    for (plant, words) in PLANTS {
        match (0..SEEDS).find_map(|seed| Some((seed, found(seed, plant, words)?))) {
            Some((seed, kept)) => println!("{plant:?} is found by seed {seed}{kept}"),
            None => {
                println!("{plant:?} is not found by {SEEDS} seeds");
                all = false;
            }
        }
    }
    all
}

/// Whether the seed finds it, and how much of its schedule is enough.
fn found(seed: u64, plant: Plant, words: &str) -> Option<String> {
    let mut plan = Plan::of(seed);
    plan.plant = Some(plant);
    let ran = guarded(&plan, None);
    if plant == Plant::OwnChance {
        let again = guarded(&plan, None);
        let differs = ran.ok()?.hash != again.ok()?.hash && words == "not the same twice";
        return differs.then(String::new);
    }
    let broken = match ran {
        Ok(ran) => ran.broken?,
        Err(error) => error,
    };
    if !broken.contains(words) {
        return None;
    }
    // One of them shows that schedules are made smaller.
    if plant != Plant::KeyForgotten {
        return Some(String::new());
    }
    let kept = shrink::smallest(&plan, &broken);
    let is_smaller = kept.len() < plan.acts.len();
    is_smaller.then(|| format!(", with {} of {} acts", kept.len(), plan.acts.len()))
}
