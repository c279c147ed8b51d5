//! A failing schedule made smaller: acts are left out as long as it still fails in the same way.

use crate::plan::Plan;
use crate::world;

/// Runs that are spent on one failure.
const MOST_RUNS: usize = 150;

/// The words of a failure that stay the same when times and ids change.
fn kind(broken: &str) -> String {
    let words = broken
        .split(' ')
        .skip(3)
        .filter(|word| !word.chars().any(|c| c.is_ascii_digit()));
    words.take(6).collect::<Vec<_>>().join(" ")
}

/// Acts of the plan that are enough to fail as it did.
pub fn smallest(plan: &Plan, broken: &str) -> Vec<usize> {
    let wanted = kind(broken);
    let mut runs = 0;
    let mut fails = |kept: &[usize]| {
        runs += 1;
        let ran = std::panic::catch_unwind(|| world::run(plan, Some(kept), false));
        let found = match ran {
            Ok(Ok(ran)) => ran.broken,
            Ok(Err(error)) => Some(error),
            Err(_) => None,
        };
        (runs < MOST_RUNS).then(|| found.is_some_and(|found| kind(&found) == wanted))
    };
    let mut kept: Vec<usize> = (0..plan.acts.len()).collect();
    let mut piece = kept.len() / 2;
    while piece > 0 {
        let mut from = 0;
        while from < kept.len() {
            let without: Vec<usize> = kept
                .iter()
                .enumerate()
                .filter(|(at, _)| *at < from || *at >= from + piece)
                .map(|(_, act)| *act)
                .collect();
            match fails(&without) {
                None => return kept,
                Some(true) => kept = without,
                Some(false) => from += piece,
            }
        }
        piece /= 2;
    }
    kept
}
