//! Secrets at hand: read from the store, kept for a minute, known to the redactor.

use super::token::TokenError;
use crate::clock::Clock;
use crate::domain::Timestamp;
use crate::partner::config::TextOrSecret;
use crate::partner::{Secret, SecretError, Secrets};
use crate::redact::Redactor;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// A changed secret is used after this at the latest; the store may be slow to ask.
const HOLDS_MILLIS: i64 = 60_000;

pub(crate) struct Vault {
    secrets: Arc<dyn Secrets>,
    clock: Arc<dyn Clock>,
    pub redactor: Redactor,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    read: BTreeMap<String, (Timestamp, Secret)>,
    /// What the store refused to keep, with the text that it has in its place, which is spent.
    unkept: BTreeMap<String, (Option<Secret>, Secret)>,
}

impl Vault {
    pub fn new(secrets: Arc<dyn Secrets>, clock: Arc<dyn Clock>) -> Self {
        Self {
            secrets,
            clock,
            redactor: Redactor::default(),
            held: Mutex::default(),
        }
    }

    /// # Errors
    /// `Refused` when the store has no such secret or cannot be read: its sentence.
    pub fn read(&self, value: &TextOrSecret) -> Result<Secret, TokenError> {
        let name = match value {
            TextOrSecret::Text(text) => return Ok(Secret::new(text.clone())),
            TextOrSecret::Secret(name) => name,
        };
        let now = self.clock.now();
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let at_hand = held.read.get(name).filter(|(at, _)| now < at.plus_millis(HOLDS_MILLIS));
        let secret = match at_hand {
            Some((_, secret)) => secret.clone(),
            None => {
                let secret = held.in_force(name, self.secrets.get(name))?;
                held.read.insert(name.clone(), (now, secret.clone()));
                secret
            }
        };
        // Each time: what was given out since may have pushed it out of the redactor's memory.
        self.redactor.learn(secret.expose());
        Ok(secret)
    }

    /// The next read asks the store again.
    pub fn forget(&self) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).read.clear();
    }

    /// Keeps a secret that the partner has put in another one's place. When the store refuses it, it is used all the same
    /// until the store has another one.
    ///
    /// # Errors
    /// The store's sentence.
    pub fn replace(&self, name: &str, secret: Secret) -> Result<(), String> {
        self.redactor.learn(secret.expose());
        let spent = self.secrets.get(name).ok();
        let kept = self.secrets.set(name, secret.clone()).map_err(|e| e.to_string());
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        match kept {
            Ok(()) => held.unkept.remove(name),
            Err(_) => held.unkept.insert(name.to_owned(), (spent, secret.clone())),
        };
        held.read.insert(name.to_owned(), (self.clock.now(), secret));
        kept
    }
}

impl Held {
    fn in_force(&self, name: &str, stored: Result<Secret, SecretError>) -> Result<Secret, TokenError> {
        match (stored, self.unkept.get(name)) {
            (Ok(stored), Some((Some(spent), new))) if stored.expose() == spent.expose() => Ok(new.clone()),
            (Err(_), Some((_, new))) => Ok(new.clone()),
            (Ok(stored), _) => Ok(stored),
            (Err(error), None) => Err(TokenError::Refused {
                status: None,
                message: error.to_string(),
            }),
        }
    }
}
