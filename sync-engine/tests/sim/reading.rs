//! What replies and payloads of the simulated partner mean.

use crate::network::Reply;
use serde::de::DeserializeOwned;
use std::time::Duration;
use sync_engine::domain::{CanonicalDocument, ContentHash, Purpose};
use sync_engine::partner::http::plain_verdict;
use sync_engine::partner::{
    FetchError, Intake, IntakeError, IntakeProblem, LinesLeft, SendResult, Verdict, VersionIntake,
};

/// What no success means, as over HTTP.
pub fn failed(reply: Option<&Reply>) -> Verdict {
    match reply {
        None => Verdict::Unknown {
            code: "partner.timeout",
        },
        Some(Reply::Unreachable) => Verdict::Again {
            code: "partner.unreachable",
            retry_after: None,
            breaker: true,
        },
        Some(Reply::Status(status, wait)) => {
            let wait = wait.map(|s| Duration::from_secs(u64::from(s)));
            plain_verdict(*status, wait).unwrap_or(Verdict::Unknown { code: "partner.broken" })
        }
        Some(Reply::Broken | Reply::Looked(_) | Reply::Page(_) | Reply::Read(_) | Reply::Complete) => {
            Verdict::Unknown { code: "partner.broken" }
        }
    }
}

pub fn result(verdict: Verdict, reply: Option<&Reply>) -> SendResult {
    let status = match reply {
        Some(Reply::Status(status, _)) => Some(*status),
        Some(Reply::Looked(_) | Reply::Read(_) | Reply::Complete) => Some(200),
        Some(Reply::Unreachable | Reply::Broken | Reply::Page(_)) | None => None,
    };
    SendResult {
        verdict,
        status,
        receipt: None,
        message: status.map(|s| format!("says {s}")),
        excerpt: status.map(|s| format!("{{\"status\":{s}}}")),
        lines: LinesLeft::default(),
    }
}

pub fn fetch_error(reply: Option<&Reply>) -> FetchError {
    let (code, retry_after, transient, breaker) = match failed(reply) {
        Verdict::Again {
            code,
            retry_after,
            breaker,
        } => (code, retry_after, true, breaker),
        Verdict::Unknown { code } => (code, None, true, true),
        Verdict::Credentials => ("partner.credentials", None, false, false),
        _ => ("partner.rejected", None, false, false),
    };
    FetchError {
        code,
        status: result(Verdict::NotSeen, reply).status,
        message: code.to_owned(),
        retry_after,
        transient,
        breaker,
    }
}

pub fn read<T: DeserializeOwned>(raw: &[u8]) -> Result<T, IntakeError> {
    serde_json::from_slice(raw).map_err(|error| IntakeError {
        stage: "schema",
        number: None,
        problems: vec![IntakeProblem {
            pointer: String::new(),
            message: error.to_string(),
        }],
    })
}

pub fn version(document: CanonicalDocument, purpose: Purpose, sequence: i64, raw: &[u8]) -> Intake {
    Intake::Version(VersionIntake {
        document,
        purpose,
        sequence: Some(sequence),
        revision: Some(sequence.to_string()),
        hash: ContentHash::of(raw),
        partner_ref: None,
    })
}
