//! OAuth2 tokens: held in memory, fetched by one request at a time, renewed at 80 % of their life.

use super::redact::Redactor;
use crate::clock::Clock;
use crate::domain::Timestamp;
use crate::partner::config::{OAuth2, TextOrSecret};
use crate::partner::{Secret, SecretError, Secrets};
use oauth2::basic::{BasicClient, BasicErrorResponse};
use oauth2::{
    AuthType, ClientId, ClientSecret, HttpRequest, HttpResponse, RefreshToken, RequestTokenError, Scope, TokenResponse,
    TokenUrl,
};
use reqwest::Client;
use reqwest::header::{HeaderName, HeaderValue};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;
use tokio::sync::Mutex;

/// Life of a token whose answer does not say, in seconds.
const DEFAULT_LIFE_SECONDS: u64 = 300;
/// Largest answer of a token endpoint, in bytes.
const MAX_TOKEN_ANSWER: usize = 256 * 1024;
/// A failure is repeated to those who ask within this time, so that a dead endpoint is not asked by each in turn.
const FAILURE_HOLDS_MILLIS: i64 = 1000;

pub(crate) struct Tokens {
    config: OAuth2,
    client: Client,
    timeout: Duration,
    secrets: Arc<dyn Secrets>,
    clock: Arc<dyn Clock>,
    redactor: Arc<Redactor>,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    token: Option<Token>,
    failed: Option<(Timestamp, TokenError)>,
    count: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Token {
    text: Secret,
    /// Tells a token from the one before it.
    number: u64,
    renew_at: Timestamp,
}

/// Why there is no token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TokenError {
    /// The endpoint refuses the credentials, or a secret is missing.
    Refused { status: Option<u16>, message: String },
    /// The endpoint cannot be reached or fails.
    Unavailable { status: Option<u16>, message: String },
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Failed(String);

impl Tokens {
    pub fn new(
        config: OAuth2,
        client: Client,
        timeout: Duration,
        secrets: Arc<dyn Secrets>,
        clock: Arc<dyn Clock>,
        redactor: Arc<Redactor>,
    ) -> Self {
        Self {
            config,
            client,
            timeout,
            secrets,
            clock,
            redactor,
            held: Mutex::default(),
        }
    }

    /// The token in force, or a new one.
    pub async fn get(&self) -> Result<Token, TokenError> {
        let mut held = self.held.lock().await;
        let now = self.clock.now();
        match &held.token {
            Some(token) if now < token.renew_at => Ok(token.clone()),
            Some(_) | None => self.renew(&mut held).await,
        }
    }

    /// A token in place of one that the partner refused. Asked by several at once, only the first fetches.
    pub async fn refused(&self, token: &Token) -> Result<Token, TokenError> {
        let mut held = self.held.lock().await;
        match &held.token {
            Some(newer) if newer.number > token.number => Ok(newer.clone()),
            Some(_) | None => self.renew(&mut held).await,
        }
    }

    /// The header that carries the token.
    pub fn header(&self, token: &Token) -> Result<(HeaderName, HeaderValue), TokenError> {
        let unfit = |message: &str| TokenError::Refused {
            status: None,
            message: message.to_owned(),
        };
        let name = HeaderName::from_bytes(self.config.token_header.as_bytes())
            .map_err(|_| unfit("auth.tokenHeader is no name of a header"))?;
        let text = format!("{}{}", self.config.token_prefix, token.text.expose());
        let mut value = HeaderValue::from_str(&text).map_err(|_| unfit("the token cannot be sent in a header"))?;
        value.set_sensitive(true);
        Ok((name, value))
    }

    /// The header without the token.
    pub fn masked_header(&self) -> Result<(HeaderName, HeaderValue), TokenError> {
        self.header(&Token {
            text: Secret::new("***".to_owned()),
            number: 0,
            renew_at: Timestamp(0),
        })
    }

    async fn renew(&self, held: &mut Held) -> Result<Token, TokenError> {
        if let Some((at, error)) = &held.failed
            && self.clock.now() < at.plus_millis(FAILURE_HOLDS_MILLIS)
        {
            return Err(error.clone());
        }
        held.token = None;
        match self.request().await {
            Ok((text, life)) => {
                held.failed = None;
                held.count += 1;
                let millis = i64::try_from(life.as_millis()).unwrap_or(i64::MAX) / 10 * 8;
                let token = Token {
                    text,
                    number: held.count,
                    renew_at: self.clock.now().plus_millis(millis),
                };
                held.token = Some(token.clone());
                Ok(token)
            }
            Err(error) => {
                held.failed = Some((self.clock.now(), error.clone()));
                Err(error)
            }
        }
    }

    async fn request(&self) -> Result<(Secret, Duration), TokenError> {
        let config = &self.config;
        let id = self.read(&config.client_id)?;
        let mut client = BasicClient::new(ClientId::new(id.expose().to_owned()))
            .set_token_uri(TokenUrl::from_url(config.token_url.clone()))
            .set_auth_type(if config.in_body {
                AuthType::RequestBody
            } else {
                AuthType::BasicAuth
            });
        if let Some(secret) = &config.client_secret {
            let secret = self.read(secret)?;
            self.redactor.learn(secret.expose());
            self.redactor.learn_basic(id.expose(), secret.expose());
            client = client.set_client_secret(ClientSecret::new(secret.expose().to_owned()));
        }
        let status = Arc::new(AtomicU16::new(0));
        let send = {
            let (http, timeout, status) = (self.client.clone(), self.timeout, status.clone());
            move |request: HttpRequest| exchange(http.clone(), timeout, request, status.clone())
        };
        let scopes = config.scopes.iter().cloned().map(Scope::new);
        let answer = match &config.refresh_token {
            None => {
                let mut request = client.exchange_client_credentials().add_scopes(scopes);
                for (name, value) in &config.parameters {
                    request = request.add_extra_param(name, value);
                }
                request.request_async(&send).await
            }
            Some(refresh) => {
                let refresh = self.read(refresh)?;
                self.redactor.learn(refresh.expose());
                let refresh = RefreshToken::new(refresh.expose().to_owned());
                let mut request = client.exchange_refresh_token(&refresh).add_scopes(scopes);
                for (name, value) in &config.parameters {
                    request = request.add_extra_param(name, value);
                }
                request.request_async(&send).await
            }
        };
        let answer = answer.map_err(|e| self.explain(e, status.load(Ordering::Relaxed)))?;
        let token = Secret::new(answer.access_token().secret().clone());
        self.redactor.learn(token.expose());
        let life = answer.expires_in().unwrap_or(Duration::from_secs(DEFAULT_LIFE_SECONDS));
        Ok((token, life))
    }

    fn read(&self, value: &TextOrSecret) -> Result<Secret, TokenError> {
        match value {
            TextOrSecret::Text(text) => Ok(Secret::new(text.clone())),
            TextOrSecret::Secret(name) => self.secrets.get(name).map_err(|e| match e {
                SecretError::Missing(_) | SecretError::Store { .. } => TokenError::Refused {
                    status: None,
                    message: e.to_string(),
                },
            }),
        }
    }

    fn explain(&self, error: RequestTokenError<Failed, BasicErrorResponse>, status: u16) -> TokenError {
        let status = (status != 0).then_some(status);
        let words = match error {
            RequestTokenError::ServerResponse(answer) => match answer.error_description() {
                Some(description) => format!("{}: {description}", answer.error()),
                None => answer.error().to_string(),
            },
            RequestTokenError::Request(failed) => failed.0,
            RequestTokenError::Parse(e, _) => format!("its answer cannot be read: {e}"),
            RequestTokenError::Other(text) => text,
        };
        let words = self.redactor.clean(&words);
        match status {
            Some(code @ (300..=407 | 409..=424)) => TokenError::Refused {
                status,
                message: format!("the token endpoint refuses the credentials ({code}): {words}"),
            },
            Some(code) => TokenError::Unavailable {
                status,
                message: format!("the token endpoint fails ({code}): {words}"),
            },
            None => TokenError::Unavailable {
                status,
                message: format!("the token endpoint cannot be reached: {words}"),
            },
        }
    }
}

/// Carries a request of the `oauth2` crate; the answer comes back in the form that it reads.
async fn exchange(
    client: Client,
    timeout: Duration,
    request: HttpRequest,
    status: Arc<AtomicU16>,
) -> Result<HttpResponse, Failed> {
    let (parts, body) = request.into_parts();
    let mut response = client
        .request(parts.method, parts.uri.to_string())
        .headers(parts.headers)
        .timeout(timeout)
        .body(body)
        .send()
        .await
        .map_err(|e| Failed(super::outcome::wire_message(&super::wire::classify(e))))?;
    let code = response.status();
    status.store(code.as_u16(), Ordering::Relaxed);
    let mut body = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|e| Failed(e.without_url().to_string()))?
    {
        if body.len() + chunk.len() > MAX_TOKEN_ANSWER {
            return Err(Failed(format!(
                "the token endpoint's answer is larger than {MAX_TOKEN_ANSWER} bytes"
            )));
        }
        body.extend_from_slice(&chunk);
    }
    // Some endpoints answer 201.
    let (code, body) = if code.is_success() {
        (oauth2::http::StatusCode::OK, plain_token(&body).unwrap_or(body))
    } else {
        (code, body)
    };
    let mut answer = HttpResponse::new(body);
    *answer.status_mut() = code;
    Ok(answer)
}

/// The answer in the form of RFC 6749, 5.1: no unknown fields, a token type, a life as a number.
fn plain_token(body: &[u8]) -> Option<Vec<u8>> {
    let answer: Value = serde_json::from_slice(body).ok()?;
    let token = answer.get("access_token")?.as_str()?;
    let life = answer
        .get("expires_in")
        .and_then(|v| v.as_u64().or_else(|| v.as_str()?.trim().parse().ok()))
        .unwrap_or(DEFAULT_LIFE_SECONDS);
    let plain = json!({"access_token": token, "token_type": "bearer", "expires_in": life});
    serde_json::to_vec(&plain).ok()
}
