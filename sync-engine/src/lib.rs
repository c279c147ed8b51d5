//! Countersign's engine: exchanges purchase orders and delivery notes, version by version, with trading partners.

pub mod api;
pub mod clock;
pub mod diagnostics;
pub mod doctor;
pub mod domain;
pub mod engine;
pub mod exchange;
pub mod log;
pub mod meter;
pub mod partner;
pub mod print;
mod redact;
pub mod sandbox;
pub mod settings;
pub mod store;
mod tls;

#[cfg(test)]
#[path = "../tests/shared/evidence.rs"]
mod evidence;
