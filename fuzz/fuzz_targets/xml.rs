//! The partner's documents in XML.
#![no_main]

#[allow(dead_code, reason = "one of its targets is run here")]
#[path = "../../sync-engine/tests/shared/fuzz_targets.rs"]
mod fuzz_targets;

use fuzz_targets::Xml;

thread_local! {
    static TARGET: Xml = Xml::new();
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| TARGET.with(|target| target.run(bytes)));
