//! How far an operation is: it may take several requests, one after another, and a request may have to be made anew.

use super::ids::OperationId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid};

/// Where the next request of an operation is, and what those before it left. The default is the first request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Progress {
    /// Steps are counted from 0, and so are the parts of one that is repeated.
    pub step: u32,
    pub part: u32,
    /// How often this request was made anew: after the partner refused it because it holds something newer, or took some
    /// of its lines only.
    pub round: u32,
    /// What was kept of the answers so far, by step; a list where the step is repeated.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub steps: Map<String, Value>,
    /// Ids of the lines of this request that are left, where the others went through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left: Option<Vec<String>>,
    /// The request at this place is through, and the job that it began is not final yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job: Option<Job>,
    /// Lines that the partner refused for good, in its words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<String>,
}

/// A job of the partner that must end before the next request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// What was kept of the answer that began it.
    pub kept: Value,
}

impl Progress {
    /// Names the request at this place to the partner: the operation's id for the first one, so that a plain operation has
    /// no other key; for each later one a UUID of version 8 that follows from id and place (RFC 9562, 5.8).
    pub fn key(&self, operation: OperationId) -> Uuid {
        if (self.step, self.part, self.round) == (0, 0, 0) {
            return operation.0;
        }
        let place = format!("{}.{}.{}", self.step, self.part, self.round);
        let hash = Sha256::new()
            .chain_update(operation.0.as_bytes())
            .chain_update(place)
            .finalize();
        let mut bytes = [0; 16];
        bytes.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
        Builder::from_custom_bytes(bytes).into_uuid()
    }

    /// The request at this place is through: the next part of its step. `name` keeps what its answer gave, in a list when
    /// the step is `repeated`.
    #[must_use]
    pub fn onward(&self, name: &str, repeated: bool, kept: Option<&Value>) -> Self {
        let mut steps = self.steps.clone();
        if !name.is_empty() {
            let kept = kept.cloned().unwrap_or(Value::Null);
            match (repeated, steps.get_mut(name)) {
                (true, Some(Value::Array(list))) => list.push(kept),
                (true, _) => drop(steps.insert(name.to_owned(), Value::Array(vec![kept]))),
                (false, _) => drop(steps.insert(name.to_owned(), kept)),
            }
        }
        Self {
            step: self.step,
            part: self.part.saturating_add(1),
            round: 0,
            steps,
            left: None,
            job: None,
            refused: self.refused.clone(),
        }
    }

    /// The request at this place is through, and its job runs.
    #[must_use]
    pub fn begun(&self, kept: Option<&Value>) -> Self {
        Self {
            job: Some(Job {
                kept: kept.cloned().unwrap_or(Value::Null),
            }),
            left: None,
            ..self.clone()
        }
    }

    /// The first part of the step after this one.
    #[must_use]
    pub fn next_step(self) -> Self {
        Self {
            step: self.step.saturating_add(1),
            part: 0,
            ..self
        }
    }

    /// The same request, made anew.
    #[must_use]
    pub fn anew(&self) -> Self {
        Self {
            round: self.round.saturating_add(1),
            job: None,
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::collections::HashSet;

    const OPERATION: OperationId = OperationId(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001));

    #[test]
    fn the_first_request_has_the_operations_id_and_each_other_a_key_of_its_own() {
        let first = Progress::default();
        assert_eq!(first.key(OPERATION), OPERATION.0);
        let mut keys = HashSet::from([first.key(OPERATION)]);
        for step in 0..4 {
            for part in 0..12 {
                for round in 0..12 {
                    let at = Progress {
                        step,
                        part,
                        round,
                        ..Progress::default()
                    };
                    let key = at.key(OPERATION);
                    assert_eq!(key, at.key(OPERATION), "the same at every attempt");
                    if (step, part, round) != (0, 0, 0) {
                        assert_eq!(key.get_version_num(), 8);
                        assert!(keys.insert(key), "{step}.{part}.{round}");
                    }
                }
            }
        }
        let second = first.anew();
        assert_ne!(second.key(OPERATION), second.key(OperationId(Uuid::from_u128(7))));
    }

    #[test]
    fn what_the_answers_gave_is_kept_by_step() {
        let at = Progress {
            round: 2,
            left: Some(vec!["10".to_owned()]),
            ..Progress::default()
        };
        let at = at.onward("create", false, Some(&json!({"id": 7})));
        assert_eq!((at.step, at.part, at.round, &at.left), (0, 1, 0, &None));
        let running = at.next_step().begun(None);
        let text = serde_json::to_string(&running).unwrap();
        assert_eq!(
            serde_json::from_str::<Progress>(&text).unwrap(),
            running,
            "a job without a receipt is one"
        );
        assert_eq!((running.anew().job, running.anew().round), (None, 1));
        let at = running.onward("lines", true, Some(&json!({"n": 1})));
        assert_eq!(at.job, None);
        let at = at.onward("lines", true, None).next_step();
        assert_eq!((at.step, at.part), (2, 0));
        assert_eq!(
            Value::Object(at.steps.clone()),
            json!({"create": {"id": 7}, "lines": [{"n": 1}, null]})
        );
        let text = serde_json::to_string(&at).unwrap();
        assert_eq!(serde_json::from_str::<Progress>(&text).unwrap(), at);
    }
}
