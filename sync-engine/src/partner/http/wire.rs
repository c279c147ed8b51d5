//! One request, one answer: size, time, redirects and credentials under control. Knows nothing of documents.

use super::answer::{Answer, AnswerLimits};
use super::client::{Line, classified};
use super::credential::{Carried, Credentials};
use super::fill::{Filling, masked};
use super::meaning;
use super::pace::Turns;
use super::session::{Kept, Sessions};
use super::sign::{Signed, Signer};
use super::token::{MASK, TokenError, carried};
use super::vault::Vault;
use crate::clock::Clock;
use crate::partner::config::{Auth, Meaning, PartnerConfig, TextOrSecret};
use crate::partner::expr::Scope;
use crate::partner::{RenderedRequest, Secrets};
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;
use url::{Origin, Url};

/// Redirects that one read follows at most.
const MAX_REDIRECTS: usize = 5;

pub(crate) struct Wire {
    /// To the partner, with our certificate.
    line: Line,
    /// To other origins that a read may be redirected to.
    elsewhere: Line,
    origin: Origin,
    redirects: Vec<Origin>,
    headers: Vec<(HeaderName, TextOrSecret)>,
    correlation_header: Option<HeaderName>,
    meanings: Vec<Meaning>,
    secrets_in_requests: Vec<String>,
    credentials: Credentials,
    signer: Option<Signer>,
    sessions: Option<Sessions>,
    base_url: Url,
    timeout: Duration,
    limits: AnswerLimits,
    turns: Turns,
    clock: Arc<dyn Clock>,
    vault: Arc<Vault>,
}

pub(crate) struct Outgoing<'a> {
    pub request: &'a RenderedRequest,
    pub accept: &'a str,
    pub idempotency: Option<(&'a str, String)>,
    pub correlation: String,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum WireError {
    /// Name, connection or handshake failed: the request never left.
    Unreachable(String),
    /// The partner's certificate does not hold.
    Certificate(String),
    /// No answer in time; the request may have arrived.
    TimedOut,
    /// The connection broke after the request may have left.
    Broken(String),
    TooLarge(String),
    Redirect {
        status: u16,
        to: String,
    },
    /// A name of the partner leads into a network.
    Inside(String),
    /// The partner takes nothing for so long.
    Shut(Duration),
    Token(TokenError),
    /// The request cannot be made as it is configured.
    Unfit(String),
}

/// What a request carries beside what it is made of.
#[derive(Clone, Copy)]
struct Carrying<'a> {
    credential: &'a Carried,
    session: Option<&'a Kept>,
}

impl Wire {
    /// Takes the sections of the configuration that only the wire uses.
    ///
    /// # Errors
    /// A sentence when the HTTP client cannot be made.
    pub fn new(config: &mut PartnerConfig, secrets: Arc<dyn Secrets>, clock: Arc<dyn Clock>) -> Result<Self, String> {
        let vault = Arc::new(Vault::new(secrets, clock.clone()));
        let line = |to: &Url, shows| Line::new(config, to, shows, vault.clone());
        let (to_partner, elsewhere) = (line(&config.base_url, true)?, line(&config.base_url, false)?);
        let token_url = match &config.auth {
            Auth::OAuth2(auth) => auth.token_url.clone(),
            Auth::None | Auth::Basic { .. } | Auth::Key { .. } => config.base_url.clone(),
        };
        let to_tokens = line(&token_url, true)?;
        let auth = std::mem::replace(&mut config.auth, Auth::None);
        let mut headers = Vec::new();
        for (name, value) in &config.headers {
            headers.push((header_name(name)?, value.clone()));
        }
        Ok(Self {
            line: to_partner,
            elsewhere,
            origin: config.base_url.origin(),
            redirects: config.redirects.clone(),
            headers,
            correlation_header: config.correlation_header.as_deref().map(header_name).transpose()?,
            meanings: std::mem::take(&mut config.meanings),
            secrets_in_requests: config.secrets_in_requests.clone(),
            credentials: Credentials::new(auth, to_tokens, &config.limits, clock.clone(), vault.clone()),
            signer: config
                .signing
                .take()
                .map(|s| Signer::new(s, vault.clone(), clock.clone())),
            sessions: config.session.take().map(Sessions::new),
            base_url: config.base_url.clone(),
            timeout: config.limits.request,
            limits: AnswerLimits {
                body_bytes: config.limits.max_body_bytes,
                inflated_bytes: config.limits.max_inflated_bytes,
            },
            turns: Turns::new(&config.limits, clock.clone()),
            clock,
            vault,
        })
    }

    /// Without the secrets that were read or given out.
    pub fn clean(&self, text: &str) -> String {
        self.vault.redactor.clean(text)
    }

    pub fn is_ours(&self, url: &Url) -> bool {
        url.origin() == self.origin
    }

    /// Sends and reads the whole answer. A 401 gets one new token and one more try, a write whose session was refused
    /// one new session.
    ///
    /// # Errors
    /// `WireError`, classified by whether the request may have had an effect.
    pub async fn call(&self, out: &Outgoing<'_>) -> Result<Answer, WireError> {
        let url = self.address(out)?;
        let Some(sessions) = self.sessions.as_ref().filter(|_| out.request.method != "GET") else {
            return self.signed_in(out, &url, None).await;
        };
        let session = self.session(sessions, None).await?;
        let answer = self.signed_in(out, &url, Some(&session)).await?;
        if !sessions.config.expired_statuses.contains(&answer.status) {
            return Ok(answer);
        }
        let session = self.session(sessions, Some(session.number)).await?;
        self.signed_in(out, &url, Some(&session)).await
    }

    async fn signed_in(&self, out: &Outgoing<'_>, url: &Url, session: Option<&Kept>) -> Result<Answer, WireError> {
        let shown = self.credentials.get().await.map_err(WireError::Token)?;
        let carrying = |credential| Carrying { credential, session };
        let answer = self.exchange(out, url, carrying(&shown.carried)).await?;
        let others = self.credentials.others(&shown, answer.status).await;
        let Some(others) = others.map_err(WireError::Token)? else {
            return Ok(answer);
        };
        let again = self.exchange(out, url, carrying(&others.carried)).await?;
        if again.status == answer.status {
            self.credentials.refused_again(&others).await;
        }
        Ok(again)
    }

    /// The session in force; a new one in place of that with the number `spent`.
    async fn session(&self, sessions: &Sessions, spent: Option<u64>) -> Result<Arc<Kept>, WireError> {
        let mut held = sessions.held.lock().await;
        if let Some(session) = &held.session
            && spent.is_none_or(|spent| session.number > spent)
        {
            return Ok(Arc::clone(session));
        }
        held.session = None;
        let unfit = |message: String| WireError::Unfit(format!("session.request: {message}"));
        let scope = serde_json::json!({"now": self.clock.now().to_rfc3339()});
        let ready = sessions
            .config
            .request
            .render(&self.base_url, &Scope::root(&scope))
            .map_err(|problems| unfit(problems.first().map_or_else(String::new, |p| p.message.clone())))?;
        let out = Outgoing {
            request: &ready.request,
            accept: &sessions.config.request.accept,
            idempotency: None,
            correlation: self.clock.new_operation_id().to_string(),
        };
        // The write itself did not leave: whatever broke here may be tried again.
        let answer = self
            .signed_in(&out, &self.address(&out)?, None)
            .await
            .map_err(before_the_write)?;
        let headers = sessions
            .read(&answer, self.clock.now(), |secret| self.vault.redactor.learn(secret))
            .map_err(WireError::Token)?;
        held.count += 1;
        let session = Arc::new(Kept {
            number: held.count,
            headers,
        });
        held.session = Some(Arc::clone(&session));
        Ok(session)
    }

    /// # Errors
    /// `Unfit` when the request goes to another origin than `baseUrl`.
    fn address(&self, out: &Outgoing<'_>) -> Result<Url, WireError> {
        let Ok(url) = Url::parse(&out.request.url) else {
            return Err(WireError::Unfit(
                "the stored request has no address that can be read".to_owned(),
            ));
        };
        if self.is_ours(&url) {
            return Ok(url);
        }
        Err(WireError::Unfit(format!(
            "{} is not below the configured baseUrl",
            url.origin().ascii_serialization()
        )))
    }

    /// Follows redirects of reads, within the origins that are allowed, and never with the token to another origin.
    async fn exchange(&self, out: &Outgoing<'_>, url: &Url, carrying: Carrying<'_>) -> Result<Answer, WireError> {
        let mut url = url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let answer = self.once(out, &url, carrying).await?;
            if !matches!(answer.status, 301 | 302 | 303 | 307 | 308) {
                return Ok(answer);
            }
            let to = answer
                .headers
                .get(reqwest::header::LOCATION)
                .and_then(|l| l.to_str().ok())
                .and_then(|l| url.join(l).ok());
            let refused = |to: &str| WireError::Redirect {
                status: answer.status,
                to: to.to_owned(),
            };
            let Some(to) = to else { return Err(refused("nowhere")) };
            let origin = to.origin();
            if out.request.method != "GET" || !self.redirects.contains(&origin) {
                return Err(refused(&origin.ascii_serialization()));
            }
            url = to;
        }
        Err(WireError::Redirect {
            status: 310,
            to: format!("a new address {MAX_REDIRECTS} times over"),
        })
    }

    async fn once(&self, out: &Outgoing<'_>, url: &Url, carrying: Carrying<'_>) -> Result<Answer, WireError> {
        self.turns.wait().await.map_err(WireError::Shut)?;
        let method = Method::from_bytes(out.request.method.as_bytes()).map_err(|e| WireError::Unfit(e.to_string()))?;
        let ours = self.is_ours(url);
        let mut url = url.clone();
        let mut headers = self.plain_headers(out)?;
        let mut body = Cow::Borrowed(&*out.request.body);
        if ours {
            let filling = self.filling();
            body = filling.body(out.request).map_err(WireError::Token)?;
            filling.query(&mut url).map_err(WireError::Token)?;
            self.add_ours(&mut headers, out, carrying)?;
            if let Carried::Query(name, key) = carrying.credential {
                url.query_pairs_mut().append_pair(name, key);
            }
            if let Some(signer) = &self.signer {
                let signed = Signed {
                    method: &out.request.method,
                    url: &url,
                    body: &body,
                };
                signer.sign(&signed, &mut headers)?;
            }
        }
        let line = if ours { &self.line } else { &self.elsewhere };
        let client = line.client().map_err(WireError::Token)?;
        let mut request = client.request(method, url).headers(headers).timeout(self.timeout);
        request = match body {
            Cow::Owned(body) => request.body(body),
            Cow::Borrowed([]) => request,
            Cow::Borrowed(_) => request.body(out.request.body.clone()),
        };
        let response = request.send().await.map_err(classified)?;
        let mut answer = Answer::read(response, self.limits).await?;
        if ours {
            meaning::apply(&self.meanings, &mut answer);
            self.turns.note(answer.status, &answer.headers);
        }
        Ok(answer)
    }

    fn filling(&self) -> Filling<'_> {
        Filling {
            names: &self.secrets_in_requests,
            vault: &self.vault,
        }
    }

    /// A text of a request, with what is secret in it masked.
    pub fn masked(&self, text: &str) -> String {
        self.clean(&masked(text, &self.secrets_in_requests, MASK))
    }

    /// The request's own headers, its key and its id.
    fn add_own(&self, headers: &mut HeaderMap, out: &Outgoing<'_>) -> Result<(), WireError> {
        for (name, value) in &out.request.headers {
            set(headers, name, value)?;
        }
        if let Some((name, key)) = &out.idempotency {
            set(headers, name, key)?;
        }
        if let Some(name) = &self.correlation_header {
            set(headers, name.as_str(), &out.correlation)?;
        }
        Ok(())
    }

    /// What HTTP needs; another origin gets no more: no credential, no tenant, no id of ours.
    fn plain_headers(&self, out: &Outgoing<'_>) -> Result<HeaderMap, WireError> {
        let mut headers = HeaderMap::new();
        set(&mut headers, "accept", out.accept)?;
        set(&mut headers, "accept-encoding", "gzip")?;
        if !out.request.media_type.is_empty() {
            set(&mut headers, "content-type", &out.request.media_type)?;
        }
        if out.request.body.is_empty() && !matches!(out.request.method.as_str(), "GET" | "DELETE") {
            // Servers refuse a POST that does not say how long it is (411).
            set(&mut headers, "content-length", "0")?;
        }
        Ok(headers)
    }

    /// Address and headers of a request as they would be sent, with `***` for what is secret or worked out then: nothing
    /// is fetched for it.
    pub fn shown(&self, out: &Outgoing<'_>) -> Result<(Url, Vec<(String, String)>), WireError> {
        let mut url = self.address(out)?;
        let mut headers = self.plain_headers(out)?;
        let mut masked: Vec<&str> = Vec::new();
        for (name, value) in &self.headers {
            match value {
                TextOrSecret::Text(text) => set(&mut headers, name.as_str(), text)?,
                TextOrSecret::Secret(_) => masked.push(name.as_str()),
            }
        }
        self.add_own(&mut headers, out)?;
        if let Some(sessions) = self.sessions.as_ref().filter(|_| out.request.method != "GET") {
            masked.extend(sessions.config.headers.iter().map(|(name, _)| name.as_str()));
        }
        masked.extend(self.signer.iter().flat_map(Signer::header_names));
        for name in masked {
            set(&mut headers, name, MASK)?;
        }
        match self.credentials.masked().map_err(WireError::Token)? {
            Carried::Nothing => {}
            // The scheme before the token is as secret as the token itself.
            Carried::Header(name, _) => set(&mut headers, name.as_str(), MASK)?,
            Carried::Query(name, mask) => {
                url.query_pairs_mut().append_pair(&name, &mask);
            }
        }
        let shown = headers.iter().map(|(name, value)| {
            let value = value.to_str().unwrap_or(MASK);
            (name.as_str().to_owned(), self.clean(value))
        });
        Ok((url, shown.collect()))
    }

    fn add_ours(&self, headers: &mut HeaderMap, out: &Outgoing<'_>, carrying: Carrying<'_>) -> Result<(), WireError> {
        for (name, value) in &self.headers {
            let (name, value) = carried(name.as_str(), "", &self.vault.read(value).map_err(WireError::Token)?)
                .map_err(WireError::Token)?;
            headers.insert(name, value);
        }
        self.add_own(headers, out)?;
        if let Some(session) = carrying.session {
            headers.extend(session.headers.clone());
        }
        if let Carried::Header(name, value) = carrying.credential {
            headers.insert(name.clone(), value.clone());
        }
        Ok(())
    }
}

fn set(headers: &mut HeaderMap, name: &str, value: &str) -> Result<(), WireError> {
    headers.insert(
        header_name(name).map_err(WireError::Unfit)?,
        header_value(value).map_err(WireError::Unfit)?,
    );
    Ok(())
}

/// An error of a request that was made for another one, which has not left.
fn before_the_write(error: WireError) -> WireError {
    let words = super::outcome::wire_message(&error);
    match error {
        WireError::TimedOut | WireError::Broken(_) | WireError::TooLarge(_) => {
            WireError::Token(TokenError::Unavailable {
                status: None,
                message: format!("the session cannot be had: {words}"),
                retry_after: None,
            })
        }
        other => other,
    }
}

pub(super) fn header_name(name: &str) -> Result<HeaderName, String> {
    HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("\"{name}\" is no name of a header"))
}

pub(super) fn header_value(value: &str) -> Result<HeaderValue, String> {
    HeaderValue::from_str(value).map_err(|_| "a header's value is visible ASCII".to_owned())
}
