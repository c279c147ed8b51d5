//! Secrets at hand: read from the store, kept for a minute, known to the redactor.

use super::token::TokenError;
use crate::clock::Clock;
use crate::domain::Timestamp;
use crate::partner::config::TextOrSecret;
use crate::partner::{Secret, Secrets};
use crate::redact::Redactor;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// A changed secret is used after this at the latest; the store may be slow to ask.
const HOLDS_MILLIS: i64 = 60_000;

pub(crate) struct Vault {
    secrets: Arc<dyn Secrets>,
    clock: Arc<dyn Clock>,
    pub redactor: Redactor,
    held: Mutex<BTreeMap<String, (Timestamp, Secret)>>,
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
        if let Some((read_at, secret)) = held.get(name)
            && now < read_at.plus_millis(HOLDS_MILLIS)
        {
            return Ok(secret.clone());
        }
        let secret = self.secrets.get(name).map_err(|e| TokenError::Refused {
            status: None,
            message: e.to_string(),
        })?;
        self.redactor.learn(secret.expose());
        held.insert(name.clone(), (now, secret.clone()));
        Ok(secret)
    }

    /// The next read asks the store again.
    pub fn forget(&self) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Keeps a secret that the partner has put in another one's place. Used from now on even when the store refuses it.
    ///
    /// # Errors
    /// The store's sentence.
    pub fn replace(&self, name: &str, secret: Secret) -> Result<(), String> {
        self.redactor.learn(secret.expose());
        // Far in the future: what the store holds is spent.
        let kept = self.secrets.set(name, secret.clone()).map_err(|e| e.to_string());
        let until = match kept {
            Ok(()) => self.clock.now(),
            Err(_) => Timestamp(i64::MAX / 2),
        };
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.insert(name.to_owned(), (until, secret));
        kept
    }
}
