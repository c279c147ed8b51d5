//! Partners' configuration files.
#![no_main]

#[allow(dead_code, reason = "one of its targets is run here")]
#[path = "../../sync-engine/tests/shared/fuzz_targets.rs"]
mod fuzz_targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_targets::configuration(bytes));
