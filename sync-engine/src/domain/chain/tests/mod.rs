//! Named cases, the grid of every event in every state, and properties over random histories.

mod cases;
mod grid;
mod issued;
mod order_of_arrival;
mod properties;
mod story;

use super::*;
use crate::domain::value::ContentHash;

pub(super) fn hash(text: &str) -> ContentHash {
    ContentHash::of(text.as_bytes())
}

pub(super) fn op(n: u128) -> OperationId {
    OperationId(uuid::Uuid::from_u128(n))
}

/// The issuer's version number `sequence` with content `text`.
pub(super) fn version(chain: &Chain, purpose: Purpose, sequence: Option<i64>, text: &str) -> Event {
    Event::Version {
        author: chain.issuer(),
        purpose,
        sequence,
        hash: hash(text),
        base: None,
        overtaken: false,
    }
}

/// One line that says all of a chain, for tables: `Confirmed cur=2 agr=1 | 1 Original P Accepted s1 | …`.
pub(super) fn show(chain: &Chain) -> String {
    use std::fmt::Write;
    let pointer = |n: Option<VersionNumber>| n.map_or("-".to_owned(), |n| n.to_string());
    let mut out = format!(
        "{:?} current={} agreed={}",
        chain.state,
        pointer(chain.current),
        pointer(chain.agreed)
    );
    if let Some(state) = chain.before_cancel {
        let _ = write!(out, " before={state:?}");
    }
    for v in &chain.versions {
        let _ = write!(out, " | {} {:?} {:?}", v.number, v.purpose, v.state);
        if let Some(base) = v.base {
            let _ = write!(out, " on {base}");
        }
    }
    for p in &chain.pending {
        let held = if p.held { " held" } else { "" };
        let _ = write!(out, " | pending {:?} on {}{held}", p.act, p.version);
    }
    out
}
