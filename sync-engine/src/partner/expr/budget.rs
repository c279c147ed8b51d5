//! What one evaluation of a jq expression may cost. Every step that jq takes touches a value, and every touch is
//! paid here; when the budget is spent the evaluation is unwound, wherever it is.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, Instant};

#[cfg(panic = "abort")]
compile_error!("expressions are stopped by unwinding: build with panic = \"unwind\"");

/// Steps of one evaluation: about a hundred times what a thousand-line document needs.
const STEPS: u64 = 4_000_000;
/// Time of one evaluation. Looked at once in a while, so that the clock is not asked at each step.
const TIME: Duration = Duration::from_millis(500);
const STEPS_PER_LOOK: u64 = 4096;
/// Deepest nesting that an expression may build.
pub(super) const DEPTH: u16 = 256;

thread_local! {
    static LEFT: Cell<u64> = const { Cell::new(u64::MAX) };
    static UNTIL_LOOK: Cell<u64> = const { Cell::new(u64::MAX) };
    static DEADLINE: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// What an evaluation is unwound with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spent {
    Steps,
    Time,
    Depth,
}

/// Runs `work` under a fresh budget.
///
/// # Errors
/// A sentence that names the limit when the budget was spent, else what `work` says.
pub(super) fn budgeted<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    LEFT.set(STEPS);
    UNTIL_LOOK.set(STEPS_PER_LOOK);
    DEADLINE.set(Instant::now().checked_add(TIME));
    // Nothing outlives the evaluation: its values are dropped on the way out.
    let result = catch_unwind(AssertUnwindSafe(work));
    LEFT.set(u64::MAX);
    UNTIL_LOOK.set(u64::MAX);
    DEADLINE.set(None);
    match result {
        Ok(result) => result,
        Err(cause) => match cause.downcast_ref::<Spent>() {
            Some(Spent::Steps) => Err(format!("it takes more than {STEPS} steps")),
            Some(Spent::Time) => Err(format!("it takes longer than {} ms", TIME.as_millis())),
            Some(Spent::Depth) => Err(format!("it builds a value nested deeper than {DEPTH} levels")),
            None => Err("the expression cannot be worked out on this value".to_owned()),
        },
    }
}

/// Pays for `steps`. Outside of `budgeted` there is no limit.
pub(super) fn spend(steps: u64) {
    let left = LEFT.get();
    if left < steps {
        stop(Spent::Steps);
    }
    LEFT.set(left - steps);
    let until = UNTIL_LOOK.get();
    if until > steps {
        UNTIL_LOOK.set(until - steps);
        return;
    }
    UNTIL_LOOK.set(STEPS_PER_LOOK);
    if DEADLINE.get().is_some_and(|deadline| Instant::now() > deadline) {
        stop(Spent::Time);
    }
}

/// One more level around a value that has `depth` of them.
pub(super) fn deeper(depth: u16) -> u16 {
    if depth >= DEPTH {
        stop(Spent::Depth);
    }
    depth + 1
}

/// Unwinds to `budgeted` without a word on standard error: this is no bug but a limit that was met.
fn stop(cause: Spent) -> ! {
    // What is dropped on the way out is free.
    LEFT.set(u64::MAX);
    UNTIL_LOOK.set(u64::MAX);
    resume_unwind(Box::new(cause))
}
