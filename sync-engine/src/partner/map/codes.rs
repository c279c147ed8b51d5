//! Two-way code tables.

use crate::partner::expr::trace;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The partner's codes and ours, with a rule for those that are in neither.
#[derive(Debug, Default)]
pub(crate) struct CodeTable {
    pub name: String,
    incoming: HashMap<String, String>,
    outgoing: HashMap<String, String>,
    /// Ours that several of theirs stand for, without an `out` entry that decides.
    ambiguous: BTreeSet<String>,
    unknown: Unknown,
    unknown_out: Unknown,
}

/// What becomes of a code that is in no row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Unknown {
    /// The document goes to quarantine, the answer is not sent.
    #[default]
    Refuse,
    /// The code as it is.
    Keep,
    Use(String),
}

impl CodeTable {
    pub fn new(
        name: &str,
        values: &BTreeMap<String, String>,
        out: &BTreeMap<String, String>,
        unknown: Unknown,
        unknown_out: Unknown,
    ) -> Self {
        let mut outgoing: HashMap<String, String> = HashMap::new();
        let mut ambiguous = BTreeSet::new();
        for (theirs, ours) in values {
            if let Some(before) = outgoing.insert(ours.clone(), theirs.clone())
                && before != *theirs
            {
                ambiguous.insert(ours.clone());
            }
        }
        for (ours, theirs) in out {
            ambiguous.remove(ours);
            outgoing.insert(ours.clone(), theirs.clone());
        }
        Self {
            name: name.to_owned(),
            incoming: values.clone().into_iter().collect(),
            outgoing,
            ambiguous,
            unknown,
            unknown_out,
        }
    }

    /// Ours that cannot be read backwards.
    pub fn ambiguous(&self) -> impl Iterator<Item = &str> {
        self.ambiguous.iter().map(String::as_str)
    }

    /// # Errors
    /// A sentence with the codes that are known.
    pub fn incoming<'a>(&'a self, code: &'a str) -> Result<&'a str, String> {
        trace::code_used(&self.name, false, code, self.incoming.get(code).map(String::as_str));
        self.look_up(&self.incoming, &self.unknown, code)
    }

    /// # Errors
    /// A sentence with the codes that are known.
    pub fn outgoing<'a>(&'a self, code: &'a str) -> Result<&'a str, String> {
        trace::code_used(&self.name, true, code, self.outgoing.get(code).map(String::as_str));
        self.look_up(&self.outgoing, &self.unknown_out, code)
    }

    fn look_up<'a>(
        &self,
        table: &'a HashMap<String, String>,
        unknown: &'a Unknown,
        code: &'a str,
    ) -> Result<&'a str, String> {
        match (table.get(code), unknown) {
            (Some(found), _) => Ok(found),
            (None, Unknown::Keep) => Ok(code),
            (None, Unknown::Use(instead)) => Ok(instead),
            (None, Unknown::Refuse) => {
                let mut known: Vec<_> = table.keys().map(String::as_str).collect();
                known.sort_unstable();
                known.truncate(12);
                Err(format!(
                    "code \"{}\" is not in the table \"{}\" of the configuration (it has {})",
                    super::values::short(code),
                    self.name,
                    known.join(", ")
                ))
            }
        }
    }
}
