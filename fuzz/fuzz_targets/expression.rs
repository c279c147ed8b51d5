//! Expressions, compiled and run.
#![no_main]

#[allow(dead_code, reason = "one of its targets is run here")]
#[path = "../../sync-engine/tests/shared/fuzz_targets.rs"]
mod fuzz_targets;

use fuzz_targets::Expression;

thread_local! {
    static TARGET: Expression = Expression::new();
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| TARGET.with(|target| target.run(bytes)));
