//! Which operations a command is about.

use clap::Args;
use sync_engine::domain::{PartnerId, Timestamp};
use sync_engine::store::{OperationKind, OperationQuery};

/// Narrows a list of operations; what is not said does not matter.
#[derive(Debug, Clone, Default, PartialEq, Args)]
pub struct Which {
    /// Only of this partner
    #[arg(long, value_name = "ID")]
    pub partner: Option<String>,
    /// Only of this kind: confirm, reject, counter, acknowledge, receipt, submit, update, cancel, close, despatch
    #[arg(long, value_name = "KIND", value_parser = kind)]
    pub kind: Option<OperationKind>,
    /// Only with this code of the last error, such as partner.rejected
    #[arg(long, value_name = "CODE")]
    pub error: Option<String>,
    /// Only what changed its state since then: 90m, 2h, 3d, 2026-11-20 or 2026-11-20T08:00:00Z
    #[arg(long, value_name = "WHEN", value_parser = since)]
    pub since: Option<Since>,
}

/// A moment, or so many milliseconds before now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Since {
    At(Timestamp),
    Ago(i64),
}

impl Which {
    pub fn query(self, now: Timestamp) -> OperationQuery {
        OperationQuery {
            partner: self.partner.map(PartnerId),
            kind: self.kind,
            error: self.error,
            since: self.since.map(|since| match since {
                Since::At(at) => at,
                Since::Ago(millis) => now.plus_millis(-millis),
            }),
            ..OperationQuery::default()
        }
    }
}

fn kind(text: &str) -> Result<OperationKind, String> {
    serde_json::from_value(text.into()).map_err(|_| "that is no kind of operation".to_owned())
}

fn since(text: &str) -> Result<Since, String> {
    let wrong = || "an age such as 90m, 2h or 3d, or a date such as 2026-11-20 or 2026-11-20T08:00:00Z".to_owned();
    let unit_minutes = match text.chars().last() {
        Some('m') => Some(1),
        Some('h') => Some(60),
        Some('d') => Some(24 * 60),
        _ => None,
    };
    if let Some(unit) = unit_minutes {
        let count: u32 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
        return Ok(Since::Ago(i64::from(count) * unit * 60_000));
    }
    let whole = match text.contains('T') {
        true => text.to_owned(),
        false => format!("{text}T00:00:00Z"),
    };
    let at: Timestamp = serde_json::from_value(whole.into()).map_err(|_| wrong())?;
    Ok(Since::At(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_and_dates_are_read() {
        let day = 24 * 3_600_000;
        assert_eq!(since("90m"), Ok(Since::Ago(5_400_000)));
        assert_eq!(since("3d"), Ok(Since::Ago(3 * day)));
        assert_eq!(since("1970-01-02"), Ok(Since::At(Timestamp(day))));
        assert_eq!(since("1970-01-02T01:00:00+01:00"), Ok(Since::At(Timestamp(day))));
        for wrong in ["", "d", "x2h", "-1d", "yesterday", "2026-13-01", "ü"] {
            assert!(since(wrong).is_err(), "{wrong}");
        }
        assert!(kind("confirm").is_ok() && kind("send").is_err());
    }
}
