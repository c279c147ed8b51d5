//! What can be made to go wrong, and when it strikes.

use super::random::Random;
use serde::{Deserialize, Serialize};

/// A switch. It strikes every matching request unless `probability` or `count` say less.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fault {
    pub kind: FaultKind,
    /// Strikes this often and no more; without an end when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// 0 to 1; 1 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    /// Only requests whose path begins with this, such as `/api/operations`. `/api` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Only requests with this method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// `slow`: how long the answer waits (1000). `drip`: pause between pieces (50).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub milliseconds: Option<u64>,
    /// `tooManyRequests`, `unavailable`: what Retry-After says; 1 for the first, nothing for the second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_seconds: Option<u64>,
    /// `oversized`: how large the body gets (64 MiB). `drip`: size of a piece (16).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<usize>,
    /// `redirect`: where to; another host when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FaultKind {
    /// The answer comes late.
    Slow,
    /// The body comes a few bytes at a time.
    Drip,
    /// 429 with Retry-After; the request is not processed.
    TooManyRequests,
    /// 500; the request is not processed.
    ServerError,
    /// 503; the request is not processed.
    Unavailable,
    /// The connection is dropped before the request is processed.
    DropBefore,
    /// The connection is dropped after the request was processed: the answer was taken, nobody was told.
    DropAfter,
    /// 500 after the request was processed: the answer was taken, and the partner says that it failed.
    ErrorAfter,
    /// 401; the token is worth nothing from now on.
    ExpiredToken,
    /// One item of a page does not fit its schema.
    WrongSchema,
    /// Every item of a page comes twice.
    Duplicated,
    /// The items of a page come last first.
    Reordered,
    /// Pages never end: an empty page repeats earlier items, and `next` goes on growing.
    EndlessPage,
    /// The body is followed by blanks without end, almost.
    Oversized,
    /// 307 to another host.
    Redirect,
    /// 200 with a page of HTML.
    NotJson,
}

impl Fault {
    /// Strikes every time.
    pub fn always(kind: FaultKind) -> Self {
        Self {
            kind,
            count: None,
            probability: None,
            path: None,
            method: None,
            milliseconds: None,
            retry_after_seconds: None,
            bytes: None,
            location: None,
        }
    }

    /// Strikes the next `count` times.
    pub fn times(kind: FaultKind, count: u32) -> Self {
        Self {
            count: Some(count),
            ..Self::always(kind)
        }
    }

    /// Strikes with this probability, 0 to 1.
    pub fn sometimes(kind: FaultKind, probability: f64) -> Self {
        Self {
            probability: Some(probability),
            ..Self::always(kind)
        }
    }

    /// Only paths that begin so.
    pub fn on(self, path: &str) -> Self {
        Self {
            path: Some(path.into()),
            ..self
        }
    }
}

/// The switches that are set.
pub(super) struct Faults {
    set: Vec<Fault>,
    random: Random,
}

impl Faults {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            set: Vec::new(),
            random: Random::new(seed ^ 0xFA17),
        }
    }

    pub(super) fn replace(&mut self, faults: Vec<Fault>) {
        self.set = faults;
    }

    pub(super) fn current(&self) -> &[Fault] {
        &self.set
    }

    /// The faults that strike this request; each counts down.
    pub(super) fn strike(&mut self, method: &str, path: &str) -> Vec<Fault> {
        let mut struck = Vec::new();
        for fault in &mut self.set {
            let here = path.starts_with(fault.path.as_deref().unwrap_or("/api"))
                && fault.method.as_deref().is_none_or(|m| m.eq_ignore_ascii_case(method))
                && (!fault.kind.shapes_pages() || (method == "GET" && is_feed(path)))
                && fault.count != Some(0);
            if here && self.random.with_probability(fault.probability.unwrap_or(1.0)) {
                if let Some(left) = &mut fault.count {
                    *left -= 1;
                }
                struck.push(fault.clone());
            }
        }
        struck
    }
}

fn is_feed(path: &str) -> bool {
    matches!(path, "/api/purchase-orders" | "/api/delivery-notes")
}

impl FaultKind {
    /// Changes what a page of a feed holds, so it strikes nothing else.
    fn shapes_pages(self) -> bool {
        matches!(
            self,
            Self::WrongSchema | Self::Duplicated | Self::Reordered | Self::EndlessPage
        )
    }

    pub(super) fn name(self) -> String {
        let mut name = format!("{self:?}");
        if let Some(first) = name.get_mut(..1) {
            first.make_ascii_lowercase();
        }
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strikes_where_and_as_often_as_told() {
        let mut faults = Faults::new(1);
        faults.replace(vec![
            Fault::times(FaultKind::Slow, 2).on("/api/operations"),
            Fault::times(FaultKind::Reordered, 1),
        ]);
        let kinds = |struck: Vec<Fault>| struck.iter().map(|f| f.kind).collect::<Vec<_>>();
        assert_eq!(kinds(faults.strike("GET", "/api/purchase-orders/PO-1")), []);
        assert_eq!(
            kinds(faults.strike("GET", "/api/purchase-orders")),
            [FaultKind::Reordered]
        );
        assert_eq!(kinds(faults.strike("GET", "/api/purchase-orders")), []);
        assert_eq!(kinds(faults.strike("POST", "/api/operations")), [FaultKind::Slow]);
        assert_eq!(kinds(faults.strike("GET", "/api/operations/k")), [FaultKind::Slow]);
        assert_eq!(kinds(faults.strike("POST", "/api/operations")), []);
        assert_eq!(kinds(faults.strike("POST", "/oauth/token")), []);
    }

    #[test]
    fn names_are_those_of_the_wire() {
        let wire = serde_json::to_value(FaultKind::TooManyRequests).expect("serialises");
        assert_eq!(wire, FaultKind::TooManyRequests.name());
    }
}
