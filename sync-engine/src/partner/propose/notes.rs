//! What was found, guessed and not found, with how sure it is.

use serde::Serialize;

/// How sure a proposal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Certainty {
    /// Not found: what stands there stops whatever would use it.
    Todo,
    /// To be checked.
    Guess,
    /// The names and types say so.
    Likely,
    /// The description says so.
    Sure,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Note {
    pub certainty: Certainty,
    /// JSON pointer into the proposed configuration.
    pub pointer: String,
    pub message: String,
}

#[derive(Debug, Default)]
pub(super) struct Notes(pub Vec<Note>);

impl Notes {
    pub fn sure(&mut self, pointer: impl Into<String>, message: String) {
        self.add(Certainty::Sure, pointer, message);
    }

    pub fn likely(&mut self, pointer: impl Into<String>, message: String) {
        self.add(Certainty::Likely, pointer, message);
    }

    pub fn guess(&mut self, pointer: impl Into<String>, message: String) {
        self.add(Certainty::Guess, pointer, message);
    }

    pub fn todo(&mut self, pointer: impl Into<String>, message: String) {
        self.add(Certainty::Todo, pointer, message);
    }

    pub fn add(&mut self, certainty: Certainty, pointer: impl Into<String>, message: String) {
        self.0.push(Note {
            certainty,
            pointer: pointer.into(),
            message,
        });
    }
}

/// An expression that stops whatever needs it, and says why: nothing that was made up goes out.
pub(super) fn todo_expression(what: &str) -> String {
    format!("error({})", serde_json::Value::from(format!("TODO: {what}")))
}
