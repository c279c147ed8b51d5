//! Tokens: held in memory, fetched by one request at a time, renewed at 80 % of their life.

use super::client::Line;
use super::grant::Endpoint;
use super::vault::Vault;
use super::wire::{header_name, header_value};
use crate::clock::Clock;
use crate::domain::Timestamp;
use crate::partner::Secret;
use crate::partner::config::{OAuth2, Place};
use crate::partner::expr::Scope;
use crate::partner::map::values;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, OwnedMutexGuard};

/// A failure is repeated to those who ask within this time, so that a dead endpoint is not asked by each in turn.
const FAILURE_HOLDS_MILLIS: i64 = 1000;
/// What stands for a secret that is not shown.
pub(super) const MASK: &str = "***";

pub(crate) struct Tokens {
    endpoint: Arc<Endpoint>,
    held: Arc<Mutex<Held>>,
}

#[derive(Default)]
struct Held {
    token: Option<Token>,
    failed: Option<(Timestamp, TokenError)>,
    count: u64,
    /// The token that took the place of one refused with a status other than 401, and was refused alike: the status
    /// means something else.
    in_vain: Option<u64>,
}

#[derive(Clone, Debug)]
pub(crate) struct Token {
    text: Secret,
    /// Tells a token from the one before it.
    number: u64,
    renew_at: Timestamp,
}

/// Why there is no credential.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TokenError {
    /// The endpoint refuses the credentials, or a secret is missing.
    #[error("{message}")]
    Refused { status: Option<u16>, message: String },
    /// The endpoint cannot be reached, fails, or has been asked too often.
    #[error("{message}")]
    Unavailable {
        status: Option<u16>,
        message: String,
        /// At least so long it is not to be asked again.
        retry_after: Option<Duration>,
    },
    /// The endpoint cannot be trusted: its certificate, or where its name leads.
    #[error("{message}")]
    Untrusted { code: &'static str, message: String },
}

impl Tokens {
    pub fn new(config: OAuth2, line: Line, timeout: Duration, clock: Arc<dyn Clock>, vault: Arc<Vault>) -> Self {
        Self {
            endpoint: Arc::new(Endpoint {
                config,
                line,
                timeout,
                clock,
                vault,
            }),
            held: Arc::default(),
        }
    }

    /// The token in force, or a new one.
    pub async fn get(&self) -> Result<Token, TokenError> {
        let held = Arc::clone(&self.held).lock_owned().await;
        let now = self.endpoint.clock.now();
        match &held.token {
            Some(token) if now < token.renew_at => Ok(token.clone()),
            Some(_) | None => self.renew(held).await,
        }
    }

    /// A token in place of one that the partner refused. Asked by several at once, only the first fetches.
    /// `None` when the status does not mean that the token expired.
    pub async fn refused(&self, token: &Token, status: u16) -> Result<Option<Token>, TokenError> {
        let expired = status == 401 || self.endpoint.config.expired_statuses.contains(&status);
        if !expired {
            return Ok(None);
        }
        let held = Arc::clone(&self.held).lock_owned().await;
        match &held.token {
            Some(newer) if newer.number > token.number => Ok(Some(newer.clone())),
            Some(_) if status != 401 && held.in_vain == Some(token.number) => Ok(None),
            Some(_) | None => self.renew(held).await.map(Some),
        }
    }

    /// The partner refused a token that took the place of a refused one.
    pub async fn refused_again(&self, token: &Token) {
        self.held.lock().await.in_vain = Some(token.number);
    }

    /// The header that carries the token.
    pub fn header(&self, token: &Token) -> Result<(HeaderName, HeaderValue), TokenError> {
        carried(
            &self.endpoint.config.token_header,
            &self.endpoint.config.token_prefix,
            &token.text,
        )
    }

    /// The header without a token.
    pub fn masked_header(&self) -> Result<(HeaderName, HeaderValue), TokenError> {
        carried(
            &self.endpoint.config.token_header,
            &self.endpoint.config.token_prefix,
            &Secret::new(MASK.to_owned()),
        )
    }

    async fn renew(&self, mut held: OwnedMutexGuard<Held>) -> Result<Token, TokenError> {
        let endpoint = Arc::clone(&self.endpoint);
        // A task of its own: who waits may be cut off, and a new refresh token that nobody reads would be lost.
        let asking = tokio::spawn(async move { held.renew(&endpoint).await });
        asking.await.unwrap_or_else(|_| {
            Err(TokenError::Unavailable {
                status: None,
                message: "signing in was cut off".to_owned(),
                retry_after: None,
            })
        })
    }
}

impl TokenError {
    /// This failure for who asks so many milliseconds after it; `None`: the endpoint may be asked again.
    fn repeated(&self, after: i64) -> Option<Self> {
        let mut error = self.clone();
        let mut holds = FAILURE_HOLDS_MILLIS;
        if let Self::Unavailable {
            retry_after: Some(wait),
            ..
        } = &mut error
        {
            holds = holds.max(millis(*wait));
            *wait = wait.saturating_sub(Duration::from_millis(after.unsigned_abs()));
        }
        // Before it: the clock was set.
        (0..holds).contains(&after).then_some(error)
    }
}

/// A duration as timestamps count.
fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

impl Held {
    async fn renew(&mut self, endpoint: &Endpoint) -> Result<Token, TokenError> {
        let now = endpoint.clock.now();
        if let Some((at, error)) = &self.failed
            && let Some(error) = error.repeated(now.0.saturating_sub(at.0))
        {
            return Err(error);
        }
        self.token = None;
        match endpoint.ask().await {
            Ok((text, life)) => {
                self.failed = None;
                self.count += 1;
                let token = Token {
                    text,
                    number: self.count,
                    renew_at: endpoint.clock.now().plus_millis(millis(life) / 10 * 8),
                };
                self.token = Some(token.clone());
                Ok(token)
            }
            Err(error) => {
                // What was refused may have been mended in the secret store meanwhile.
                endpoint.vault.forget();
                self.failed = Some((endpoint.clock.now(), error.clone()));
                Err(error)
            }
        }
    }
}

/// The value at a place of an answer, as a text that is not empty.
pub(super) fn found(place: &Place, headers: &HeaderMap, body: &Value) -> Option<String> {
    match place {
        Place::Header(name) => headers.get(name)?.to_str().ok().map(str::to_owned),
        Place::Body(expr) => {
            let value = expr.one(&Scope::root(body)).ok().flatten()?;
            values::text(&value).ok().flatten().map(std::borrow::Cow::into_owned)
        }
    }
    .filter(|text| !text.is_empty())
}

/// A header with a credential in it.
///
/// # Errors
/// `Refused` when HTTP cannot carry it.
pub(super) fn carried(name: &str, prefix: &str, secret: &Secret) -> Result<(HeaderName, HeaderValue), TokenError> {
    let unfit = |message: String| TokenError::Refused { status: None, message };
    let name = header_name(name).map_err(unfit)?;
    let text = format!("{prefix}{}", secret.expose());
    let mut value = header_value(text.trim())
        .map_err(|_| unfit(format!("the secret for the header {name} cannot be sent in one")))?;
    value.set_sensitive(true);
    Ok((name, value))
}

/// The value of a Basic header (RFC 7617).
pub(super) fn basic(id: &str, secret: &str, vault: &Vault) -> Result<HeaderValue, TokenError> {
    let credential = BASE64_STANDARD.encode(format!("{id}:{secret}"));
    vault.redactor.learn(&credential);
    carried("authorization", "Basic ", &Secret::new(credential)).map(|(_, value)| value)
}
