//! How a sandbox is set up.

use super::sales::Mood;
use crate::clock::{Clock, SystemClock};
use serde::Deserialize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Where the sandbox listens unless told otherwise.
pub const DEFAULT_PORT: u16 = 7700;
pub const DEFAULT_CLIENT_ID: &str = "countersign";
pub const DEFAULT_CLIENT_SECRET: &str = "sandbox-secret";

/// How a sandbox is set up. `default()` is quiet, for tests: any free port, nothing there, nothing happens unasked.
/// `demo()` is lively.
#[derive(Clone)]
pub struct SandboxOptions {
    /// On 127.0.0.1; 0 takes any free one.
    pub port: u16,
    /// The same seed gives the same documents in the same order, but for their times and numbers of messages.
    pub seed: u64,
    pub client_id: String,
    pub client_secret: String,
    /// Life of an access token.
    pub token_seconds: u64,
    /// From taking an answer to applying it.
    pub apply_delay: Duration,
    /// From applying a counter-offer to the buyer's reaction.
    pub reaction_delay: Duration,
    /// Of 100 counter-offers, how many the buyer takes; the others it hands back.
    pub takes_counter_percent: u8,
    pub initial_orders: u32,
    pub initial_delivery_notes: u32,
    /// Whether orders that are issued to it are delivered once it has confirmed them.
    pub delivers_orders: bool,
    /// How it answers the first documents that are issued to it; it confirms those after them.
    pub moods: Vec<Mood>,
    /// Something new happens this often: an order, a change, a cancellation, a delivery note. `None`: nothing does.
    pub event_interval: Option<Duration>,
    /// Every fact is kept here and made durable before an answer is given; a sandbox started with it goes on from
    /// there. `None`: in memory only.
    pub state_file: Option<PathBuf>,
    pub clock: Arc<dyn Clock>,
}

impl Default for SandboxOptions {
    fn default() -> Self {
        Self {
            port: 0,
            seed: 1,
            client_id: DEFAULT_CLIENT_ID.into(),
            client_secret: DEFAULT_CLIENT_SECRET.into(),
            token_seconds: 3600,
            apply_delay: Duration::from_secs(1),
            reaction_delay: Duration::from_secs(2),
            takes_counter_percent: 100,
            initial_orders: 0,
            initial_delivery_notes: 0,
            delivers_orders: false,
            moods: Vec::new(),
            event_interval: None,
            state_file: None,
            clock: Arc::new(SystemClock),
        }
    }
}

impl SandboxOptions {
    /// About 25 orders and 6 delivery notes at the start, and something new every few seconds. Of what is issued to it it
    /// confirms the first, counters the second, and says nothing to the third.
    pub fn demo() -> Self {
        Self {
            port: DEFAULT_PORT,
            initial_orders: 25,
            initial_delivery_notes: 6,
            delivers_orders: true,
            moods: vec![Mood::Confirm, Mood::Counter, Mood::Silent],
            event_interval: Some(Duration::from_secs(8)),
            takes_counter_percent: 75,
            reaction_delay: Duration::from_secs(6),
            ..Self::default()
        }
    }
}

/// What orders to issue; what is left out is chosen at random. The body of `POST /sandbox/orders`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct OrderSpec {
    /// How many, 1 unless told.
    pub count: Option<u32>,
    /// 1 to 1000.
    pub lines: Option<usize>,
    /// `de`, `de-DE`, `fr`, `pl`, `cs`, `sv`, `es`, `zh`, `ja`, `en`.
    pub language: Option<String>,
    /// `EUR`, `PLN`, `CZK`, `SEK`, `CNY`, `JPY`, `GBP`; the language decides when both are given.
    pub currency: Option<String>,
}
