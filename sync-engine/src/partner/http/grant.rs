//! Asking a token endpoint. The crate `oauth2` makes the request and reads the answer (RFC 6749); the endpoint is the
//! HTTP client that it is given, where limits, hosts and certificates are ours, and where the standard becomes what the
//! partner has in its place.

use super::assertion::{Claims, assertion};
use super::client::{Line, classified};
use super::error_text::{error_text, shorten};
use super::outcome::{retry_after, wire_message};
use super::token::{TokenError, carried, found};
use super::vault::Vault;
use super::wire::WireError;
use crate::clock::Clock;
use crate::partner::Secret;
use crate::partner::config::{ClientAuthentication, Grant, OAuth2, Place, TextOrSecret};
use crate::partner::expr::{Expr, Scope};
use crate::partner::map::values;
use oauth2::basic::{BasicClient, BasicErrorResponse, BasicTokenResponse, BasicTokenType};
use oauth2::{
    AccessToken, AsyncHttpClient, AuthType, ClientId, ClientSecret, EmptyExtraTokenFields, EndpointNotSet, EndpointSet,
    HttpRequest, HttpResponse, RefreshToken, RequestTokenError, TokenResponse, TokenUrl,
};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::{Map, Value};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// Life of a token whose answer does not say, in seconds.
const DEFAULT_LIFE_SECONDS: u64 = 300;
/// Longest life that is believed, in seconds: a year.
const MAX_LIFE_SECONDS: u64 = 365 * 24 * 3600;
/// Largest answer of a token endpoint, in bytes.
const MAX_TOKEN_ANSWER: usize = 256 * 1024;
const JWT_CLIENT: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const JWT_GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

type Client = BasicClient<EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

pub(super) struct Endpoint {
    pub config: OAuth2,
    pub line: Line,
    pub timeout: Duration,
    pub clock: Arc<dyn Clock>,
    pub vault: Arc<Vault>,
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl<'c> AsyncHttpClient<'c> for Endpoint {
    type Error = TokenError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, TokenError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.translated(request))
    }
}

impl Endpoint {
    /// A new token, and how long it lives.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn ask(&self) -> Result<(Secret, Duration), TokenError> {
        let config = &self.config;
        let client = self.client()?;
        let scopes = config.scopes.iter().cloned().map(oauth2::Scope::new);
        let answer = match &config.grant {
            Grant::RefreshToken(token) => {
                let token = RefreshToken::new(self.vault.read(token)?.expose().to_owned());
                let asking = client.exchange_refresh_token(&token).add_scopes(scopes);
                asking.request_async(self).await
            }
            Grant::ClientCredentials | Grant::JwtBearer | Grant::Parameters => {
                let asking = client.exchange_client_credentials().add_scopes(scopes);
                asking.request_async(self).await
            }
        };
        let answer = answer.map_err(|error| match error {
            RequestTokenError::Request(error) => error,
            other => TokenError::Unavailable {
                status: None,
                message: self.vault.redactor.clean(&format!("the token endpoint fails: {other}")),
                retry_after: None,
            },
        })?;
        self.rotated(answer.refresh_token());
        let life = answer.expires_in().unwrap_or(Duration::from_secs(DEFAULT_LIFE_SECONDS));
        Ok((Secret::new(answer.access_token().secret().clone()), life))
    }

    fn id(&self) -> Result<Option<Secret>, TokenError> {
        self.config.client_id.as_ref().map(|id| self.vault.read(id)).transpose()
    }

    fn client(&self) -> Result<Client, TokenError> {
        let id = self.id()?;
        let secret = self.config.client_secret.as_ref().filter(|_| id.is_some());
        let secret = secret.map(|s| self.vault.read(s)).transpose()?;
        let client = BasicClient::new(ClientId::new(id.map_or_else(String::new, |id| id.expose().to_owned())))
            .set_token_uri(TokenUrl::from_url(self.config.token_url.clone()))
            .set_auth_type(match self.config.authentication {
                ClientAuthentication::Basic => AuthType::BasicAuth,
                ClientAuthentication::Body | ClientAuthentication::PrivateKey | ClientAuthentication::None => {
                    AuthType::RequestBody
                }
            });
        Ok(match secret {
            Some(secret) => client.set_client_secret(ClientSecret::new(secret.expose().to_owned())),
            None => client,
        })
    }

    /// Parameters that take the place of the crate's of the same name: it knows no assertions.
    fn own(&self) -> Result<Vec<(String, String)>, TokenError> {
        let id = self.id()?;
        let mut own: Vec<(String, String)> = Vec::new();
        let mut add = |name: &str, value: &str| own.push((name.to_owned(), value.to_owned()));
        if matches!(self.config.grant, Grant::JwtBearer) {
            add("grant_type", JWT_GRANT);
            add("assertion", &self.assertion(id.as_ref())?);
        }
        if self.config.authentication == ClientAuthentication::PrivateKey && id.is_some() {
            add("client_assertion_type", JWT_CLIENT);
            add("client_assertion", &self.assertion(id.as_ref())?);
        }
        for (name, value) in &self.config.parameters {
            add(name, self.vault.read(value)?.expose());
        }
        Ok(own)
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

    /// The crate's request as this partner takes it, and the answer as the standard has it.
    async fn translated(&self, request: HttpRequest) -> Result<HttpResponse, TokenError> {
        let (parts, body) = request.into_parts();
        let mut headers = parts.headers;
        if let Some(credential) = headers.get_mut(AUTHORIZATION) {
            credential.set_sensitive(true);
            let text = credential.to_str().ok().and_then(|text| text.strip_prefix("Basic "));
            self.vault.redactor.learn(text.unwrap_or_default());
        }
        for (name, value) in &self.config.headers {
            let (name, value) = carried(name, "", &self.vault.read(value)?)?;
            headers.insert(name, value);
        }
        let mut pairs: Vec<_> = url::form_urlencoded::parse(&body).into_owned().collect();
        let ours = matches!(self.config.grant, Grant::Parameters);
        pairs.retain(|(name, value)| match name.as_str() {
            "grant_type" => !ours,
            "client_id" => !value.is_empty(),
            _ => true,
        });
        for (name, value) in self.own()? {
            pairs.retain(|(n, _)| *n != name);
            pairs.push((name, value));
        }
        let body = if self.config.json {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            let members: Map<String, Value> = pairs.into_iter().map(|(k, v)| (k, Value::from(v))).collect();
            Value::Object(members).to_string()
        } else {
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            form.extend_pairs(&pairs).finish()
        };
        let answer = self.exchange(headers, body).await?;
        if !(200..=299).contains(&answer.status) {
            return Err(self.explained(&answer));
        }
        self.standard(&answer)
    }

    async fn exchange(&self, headers: HeaderMap, body: String) -> Result<Answer, TokenError> {
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
                    retry_after: None,
                });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, headers, body })
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
                retry_after: None,
            },
        }
    }

    /// The answer with the token, its life and a new refresh token where RFC 6749 (5.1) has them: partners have them
    /// elsewhere, leave out the type, write numbers as texts, and answer 201 or text/html.
    fn standard(&self, answer: &Answer) -> Result<HttpResponse, TokenError> {
        let unread = |what: String| TokenError::Unavailable {
            status: Some(answer.status),
            message: format!("the token endpoint fails ({}): its answer {what}", answer.status),
            retry_after: None,
        };
        let body = serde_json::from_slice::<Value>(&answer.body).unwrap_or(Value::Null);
        let Some(text) = found(&self.config.token, &answer.headers, &body) else {
            let place = match &self.config.token {
                Place::Body(expr) => format!("at {}", expr.source),
                Place::Header(name) => format!("in the header {name}"),
            };
            return Err(unread(format!("has no token {place}")));
        };
        self.vault.redactor.learn(&text);
        let mut standard =
            BasicTokenResponse::new(AccessToken::new(text), BasicTokenType::Bearer, EmptyExtraTokenFields {});
        let refresh = body
            .get("refresh_token")
            .and_then(Value::as_str)
            .filter(|t| !t.is_empty());
        standard.set_refresh_token(refresh.map(|t| RefreshToken::new(t.to_owned())));
        standard.set_expires_in(life(&self.config.expires_in, &body).as_ref());
        let body = serde_json::to_vec(&standard).map_err(|e| unread(format!("cannot be read: {e}")))?;
        Ok(HttpResponse::new(body))
    }

    /// A refresh token that takes the place of the one that was used (RFC 6749, 6).
    fn rotated(&self, new: Option<&RefreshToken>) {
        let Grant::RefreshToken(TextOrSecret::Secret(name)) = &self.config.grant else {
            return;
        };
        let Some(new) = new.map(RefreshToken::secret) else {
            return;
        };
        let used = self.vault.read(&TextOrSecret::Secret(name.clone()));
        if used.is_ok_and(|used| used.expose() == new) {
            return;
        }
        if let Err(reason) = self.vault.replace(name, Secret::new(new.clone())) {
            tracing::error!(secret = %name, %reason, "the new refresh token could not be kept: it is lost with this process");
        }
    }

    fn explained(&self, answer: &Answer) -> TokenError {
        let code = answer.status;
        let words = match serde_json::from_slice::<BasicErrorResponse>(&answer.body) {
            Ok(said) => shorten(&said.to_string()),
            Err(_) => error_text(&answer.body, None).unwrap_or_else(|| "it does not say why".to_owned()),
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
                retry_after: retry_after(&answer.headers, self.clock.now()),
            },
        }
    }
}

fn life(expires_in: &Expr, body: &Value) -> Option<Duration> {
    let value = expires_in.one(&Scope::root(body)).ok().flatten()?;
    let seconds = u64::try_from(values::decimal(&value).ok().flatten()?.trunc()).ok()?;
    Some(Duration::from_secs(seconds.min(MAX_LIFE_SECONDS)))
}
