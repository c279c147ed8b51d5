//! Tokens: held in memory, fetched by one request at a time, renewed at 80 % of their life.

use super::assertion::{Claims, assertion};
use super::client::{Line, classified};
use super::error_text::error_text;
use super::outcome::wire_message;
use super::vault::Vault;
use super::wire::{WireError, header_name, header_value};
use crate::clock::Clock;
use crate::domain::Timestamp;
use crate::partner::Secret;
use crate::partner::config::{ClientAuthentication, Grant, OAuth2, Place, TextOrSecret};
use crate::partner::expr::{Expr, Scope};
use crate::partner::map::values;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// Life of a token whose answer does not say, in seconds.
const DEFAULT_LIFE_SECONDS: u64 = 300;
/// Longest life that is believed, in seconds: a year.
const MAX_LIFE_SECONDS: u64 = 365 * 24 * 3600;
/// Largest answer of a token endpoint, in bytes.
const MAX_TOKEN_ANSWER: usize = 256 * 1024;
/// A failure is repeated to those who ask within this time, so that a dead endpoint is not asked by each in turn.
const FAILURE_HOLDS_MILLIS: i64 = 1000;
/// What stands for a secret that is not shown.
pub(super) const MASK: &str = "***";
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

pub(crate) struct Tokens {
    config: OAuth2,
    line: Line,
    timeout: Duration,
    clock: Arc<dyn Clock>,
    vault: Arc<Vault>,
    held: Mutex<Held>,
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TokenError {
    /// The endpoint refuses the credentials, or a secret is missing.
    Refused { status: Option<u16>, message: String },
    /// The endpoint cannot be reached or fails.
    Unavailable { status: Option<u16>, message: String },
    /// The endpoint cannot be trusted: its certificate, or where its name leads.
    Untrusted { code: &'static str, message: String },
}

struct TokenAnswer {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Tokens {
    pub fn new(config: OAuth2, line: Line, timeout: Duration, clock: Arc<dyn Clock>, vault: Arc<Vault>) -> Self {
        Self {
            config,
            line,
            timeout,
            clock,
            vault,
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
    /// `None` when the status does not mean that the token expired.
    pub async fn refused(&self, token: &Token, status: u16) -> Result<Option<Token>, TokenError> {
        let expired = status == 401 || self.config.expired_statuses.contains(&status);
        if !expired {
            return Ok(None);
        }
        let mut held = self.held.lock().await;
        match &held.token {
            Some(newer) if newer.number > token.number => Ok(Some(newer.clone())),
            Some(_) if status != 401 && held.in_vain == Some(token.number) => Ok(None),
            Some(_) | None => self.renew(&mut held).await.map(Some),
        }
    }

    /// The partner refused a token that took the place of a refused one.
    pub async fn refused_again(&self, token: &Token) {
        self.held.lock().await.in_vain = Some(token.number);
    }

    /// The header that carries the token.
    pub fn header(&self, token: &Token) -> Result<(HeaderName, HeaderValue), TokenError> {
        carried(&self.config.token_header, &self.config.token_prefix, &token.text)
    }

    /// The header without a token.
    pub fn masked_header(&self) -> Result<(HeaderName, HeaderValue), TokenError> {
        carried(
            &self.config.token_header,
            &self.config.token_prefix,
            &Secret::new(MASK.to_owned()),
        )
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
                // What was refused may have been mended in the secret store meanwhile.
                self.vault.forget();
                held.failed = Some((self.clock.now(), error.clone()));
                Err(error)
            }
        }
    }

    async fn request(&self) -> Result<(Secret, Duration), TokenError> {
        let (mut headers, pairs) = self.asking()?;
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let (media_type, body) = if self.config.json {
            let members: Map<String, Value> = pairs.into_iter().map(|(k, v)| (k, Value::from(v))).collect();
            ("application/json", Value::Object(members).to_string())
        } else {
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            form.extend_pairs(&pairs);
            ("application/x-www-form-urlencoded", form.finish())
        };
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        let answer = self.exchange(headers, body).await?;
        if !(200..=299).contains(&answer.status) {
            return Err(self.explained(&answer));
        }
        self.token_of(&answer)
    }

    /// Headers and parameters of the token request. A configured parameter takes the place of one of the same name.
    fn asking(&self) -> Result<(HeaderMap, Vec<(String, String)>), TokenError> {
        let config = &self.config;
        let mut headers = HeaderMap::new();
        let mut pairs: Vec<(String, String)> = Vec::new();
        let mut add = |name: &str, value: &str| pairs.push((name.to_owned(), value.to_owned()));
        let id = config.client_id.as_ref().map(|id| self.vault.read(id)).transpose()?;
        match &config.grant {
            Grant::ClientCredentials => add("grant_type", "client_credentials"),
            Grant::RefreshToken(token) => {
                add("grant_type", "refresh_token");
                add("refresh_token", self.vault.read(token)?.expose());
            }
            Grant::JwtBearer => {
                add("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
                add("assertion", &self.assertion(id.as_ref())?);
            }
            Grant::Parameters => {}
        }
        if !config.scopes.is_empty() {
            add("scope", &config.scopes.join(" "));
        }
        let secret = config.client_secret.as_ref().map(|s| self.vault.read(s)).transpose()?;
        match (config.authentication, &id) {
            (ClientAuthentication::Basic, Some(id)) if secret.is_some() => {
                let secret = secret.as_ref().map_or("", |s| s.expose());
                // RFC 6749, 2.3.1: form-encoded first.
                let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
                let value = basic(&encode(id.expose()), &encode(secret), &self.vault)?;
                headers.insert(AUTHORIZATION, value);
            }
            (ClientAuthentication::PrivateKey, Some(id)) => {
                add("client_id", id.expose());
                add("client_assertion_type", JWT_BEARER);
                add("client_assertion", &self.assertion(Some(id))?);
            }
            (_, Some(id)) => {
                add("client_id", id.expose());
                if let Some(secret) = &secret {
                    add("client_secret", secret.expose());
                }
            }
            (_, None) => {}
        }
        for (name, value) in &config.parameters {
            let value = self.vault.read(value)?;
            pairs.retain(|(n, _)| n != name);
            pairs.push((name.clone(), value.expose().to_owned()));
        }
        for (name, value) in &config.headers {
            let (name, value) = carried(name, "", &self.vault.read(value)?)?;
            headers.insert(name, value);
        }
        Ok((headers, pairs))
    }

    fn assertion(&self, id: Option<&Secret>) -> Result<String, TokenError> {
        let refused = |message: String| TokenError::Refused { status: None, message };
        let Some(config) = &self.config.assertion else {
            return Err(refused("auth.assertion is missing".to_owned()));
        };
        let key = self.vault.read(&config.key)?;
        let claims = Claims {
            client_id: id.map_or("", |id| id.expose()),
            audience: self.config.token_url.as_str(),
            id: self.clock.new_operation_id().to_string(),
            now: self.clock.now(),
        };
        let signed = assertion(config, key.expose(), &claims).map_err(refused)?;
        self.vault.redactor.learn(&signed);
        Ok(signed)
    }

    async fn exchange(&self, headers: HeaderMap, body: String) -> Result<TokenAnswer, TokenError> {
        let client = self.line.client()?;
        let sending = client
            .post(self.config.token_url.clone())
            .headers(headers)
            .timeout(self.timeout)
            .body(body)
            .send();
        let mut response = sending.await.map_err(|e| self.unreachable(classified(e)))?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|e| self.unreachable(classified(e)))? {
            if body.len() + chunk.len() > MAX_TOKEN_ANSWER {
                return Err(TokenError::Unavailable {
                    status: Some(status),
                    message: format!("the token endpoint's answer is larger than {MAX_TOKEN_ANSWER} bytes"),
                });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(TokenAnswer { status, headers, body })
    }

    fn unreachable(&self, error: WireError) -> TokenError {
        let words = self.vault.redactor.clean(&wire_message(&error));
        match error {
            WireError::Certificate(_) => TokenError::Untrusted {
                code: "partner.certificate",
                message: format!("signing in: {words}"),
            },
            WireError::Inside(_) => TokenError::Untrusted {
                code: "partner.address",
                message: format!("signing in: {words}"),
            },
            WireError::Token(error) => error,
            _ => TokenError::Unavailable {
                status: None,
                message: format!("the token endpoint cannot be reached: {words}"),
            },
        }
    }

    fn token_of(&self, answer: &TokenAnswer) -> Result<(Secret, Duration), TokenError> {
        let unread = |what: String| TokenError::Unavailable {
            status: Some(answer.status),
            message: format!("the token endpoint fails ({}): its answer {what}", answer.status),
        };
        let body = serde_json::from_slice::<Value>(&answer.body).unwrap_or(Value::Null);
        let found = found(&self.config.token, &answer.headers, &body);
        let Some(text) = found else {
            let place = match &self.config.token {
                Place::Body(expr) => format!("at {}", expr.source),
                Place::Header(name) => format!("in the header {name}"),
            };
            return Err(unread(format!("has no token {place}")));
        };
        self.vault.redactor.learn(&text);
        self.rotated(&body);
        let life = life(&self.config.expires_in, &body);
        Ok((Secret::new(text), Duration::from_secs(life)))
    }

    /// A refresh token that takes the place of the one that was used (RFC 6749, 6).
    fn rotated(&self, body: &Value) {
        let Grant::RefreshToken(TextOrSecret::Secret(name)) = &self.config.grant else {
            return;
        };
        let Some(new) = body
            .get("refresh_token")
            .and_then(Value::as_str)
            .filter(|t| !t.is_empty())
        else {
            return;
        };
        let used = self.vault.read(&TextOrSecret::Secret(name.clone()));
        if used.is_ok_and(|used| used.expose() == new) {
            return;
        }
        if let Err(reason) = self.vault.replace(name, Secret::new(new.to_owned())) {
            tracing::error!(secret = %name, %reason, "the new refresh token could not be kept: it is lost with this process");
        }
    }

    fn explained(&self, answer: &TokenAnswer) -> TokenError {
        let code = answer.status;
        let body = serde_json::from_slice::<Value>(&answer.body).unwrap_or(Value::Null);
        let text = |name: &str| body.get(name).and_then(Value::as_str);
        let words = match (text("error"), text("error_description")) {
            (Some(error), Some(description)) => format!("{error}: {description}"),
            (Some(error), None) => error.to_owned(),
            (None, _) => error_text(&answer.body, None).unwrap_or_else(|| "it does not say why".to_owned()),
        };
        let words = self.vault.redactor.clean(&words);
        match code {
            300..=407 | 409..=424 => TokenError::Refused {
                status: Some(code),
                message: format!("the token endpoint refuses the credentials ({code}): {words}"),
            },
            _ => TokenError::Unavailable {
                status: Some(code),
                message: format!("the token endpoint fails ({code}): {words}"),
            },
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

/// In seconds.
fn life(expires_in: &Expr, body: &Value) -> u64 {
    let value = expires_in.one(&Scope::root(body)).ok().flatten();
    let seconds = value.and_then(|v| values::decimal(&v).ok().flatten());
    seconds
        .and_then(|s| u64::try_from(s.trunc()).ok())
        .unwrap_or(DEFAULT_LIFE_SECONDS)
        .min(MAX_LIFE_SECONDS)
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
