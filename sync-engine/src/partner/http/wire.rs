//! One request, one answer: size, time, redirects and credentials under control. Knows nothing of documents.

use super::redact::Redactor;
use super::token::{TokenError, Tokens};
use crate::clock::Clock;
use crate::domain::Timestamp;
use crate::partner::Secrets;
use crate::partner::config::{Auth, PartnerConfig};
use flate2::read::MultiGzDecoder;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, StatusCode};
use std::error::Error as _;
use std::io::Read;
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::Duration;
use url::{Origin, Url};

/// Redirects that one read follows at most.
const MAX_REDIRECTS: usize = 5;

pub(crate) struct Wire {
    client: Client,
    origin: Origin,
    redirects: Vec<Origin>,
    headers: HeaderMap,
    correlation_header: Option<HeaderName>,
    tokens: Option<Tokens>,
    timeout: Duration,
    max_body_bytes: usize,
    max_inflated_bytes: usize,
    /// Time between the starts of two requests.
    spacing: Option<Duration>,
    next_start: Mutex<Timestamp>,
    clock: Arc<dyn Clock>,
    pub redactor: Arc<Redactor>,
}

pub(crate) struct Outgoing<'a> {
    pub method: &'a str,
    pub url: Url,
    pub accept: &'a str,
    pub headers: &'a [(String, String)],
    /// Media type and body.
    pub content: Option<(&'a str, &'a [u8])>,
    pub idempotency: Option<(&'a str, String)>,
    pub correlation: String,
}

pub(crate) struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
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
    Token(TokenError),
    /// The request cannot be made as it is configured.
    Unfit(String),
}

impl Wire {
    /// # Errors
    /// A sentence when the HTTP client cannot be made.
    pub fn new(config: &PartnerConfig, secrets: Arc<dyn Secrets>, clock: Arc<dyn Clock>) -> Result<Self, String> {
        let redactor = Arc::new(Redactor::default());
        let client = client(&config.base_url, config.limits.connect)?;
        let tokens = match &config.auth {
            Auth::None => None,
            Auth::OAuth2(auth) => Some(Tokens::new(
                (**auth).clone(),
                super::wire::client(&auth.token_url, config.limits.connect)?,
                config.limits.token,
                secrets,
                clock.clone(),
                redactor.clone(),
            )),
        };
        let mut headers = HeaderMap::new();
        for (name, value) in &config.headers {
            headers.insert(header_name(name)?, header_value(value)?);
        }
        Ok(Self {
            client,
            origin: config.base_url.origin(),
            redirects: config.redirects.clone(),
            headers,
            correlation_header: config.correlation_header.as_deref().map(header_name).transpose()?,
            tokens,
            timeout: config.limits.request,
            max_body_bytes: config.limits.max_body_bytes,
            max_inflated_bytes: config.limits.max_inflated_bytes,
            spacing: config
                .limits
                .requests_per_second
                .map(|n| Duration::from_secs(1) / n.max(1)),
            next_start: Mutex::new(Timestamp(0)),
            clock,
            redactor,
        })
    }

    pub fn is_ours(&self, url: &Url) -> bool {
        url.origin() == self.origin
    }

    /// Sends and reads the whole answer. A 401 gets one new token and one more try.
    ///
    /// # Errors
    /// `WireError`, classified by whether the request may have had an effect.
    pub async fn call(&self, out: &Outgoing<'_>) -> Result<Answer, WireError> {
        if !self.is_ours(&out.url) {
            return Err(WireError::Unfit(format!(
                "{} is not below the configured baseUrl",
                out.url.origin().ascii_serialization()
            )));
        }
        let Some(tokens) = &self.tokens else {
            return self.exchange(out, None).await;
        };
        let token = tokens.get().await.map_err(WireError::Token)?;
        let answer = self
            .exchange(out, Some(&tokens.header(&token).map_err(WireError::Token)?))
            .await?;
        if answer.status != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        let token = tokens.refused(&token).await.map_err(WireError::Token)?;
        self.exchange(out, Some(&tokens.header(&token).map_err(WireError::Token)?))
            .await
    }

    /// Follows redirects of reads, within the origins that are allowed, and never with the token to another origin.
    async fn exchange(
        &self,
        out: &Outgoing<'_>,
        credential: Option<&(HeaderName, HeaderValue)>,
    ) -> Result<Answer, WireError> {
        let mut url = out.url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let answer = self.once(out, &url, credential.filter(|_| self.is_ours(&url))).await?;
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
            if out.method != "GET" || !self.redirects.contains(&origin) {
                return Err(refused(&origin.ascii_serialization()));
            }
            url = to;
        }
        Err(WireError::Redirect {
            status: 310,
            to: format!("a new address {MAX_REDIRECTS} times over"),
        })
    }

    async fn once(
        &self,
        out: &Outgoing<'_>,
        url: &Url,
        credential: Option<&(HeaderName, HeaderValue)>,
    ) -> Result<Answer, WireError> {
        self.pace().await;
        let method = Method::from_bytes(out.method.as_bytes()).map_err(|e| WireError::Unfit(e.to_string()))?;
        let headers = self.headers_for(out, self.is_ours(url), credential)?;
        let mut request = self
            .client
            .request(method, url.clone())
            .headers(headers)
            .timeout(self.timeout);
        if let Some((_, body)) = out.content {
            request = request.body(body.to_vec());
        }
        let response = request.send().await.map_err(classify)?;
        self.read(response).await
    }

    /// Another origin gets nothing but what HTTP needs: no credential, no tenant, no id of ours.
    fn headers_for(
        &self,
        out: &Outgoing<'_>,
        ours: bool,
        credential: Option<&(HeaderName, HeaderValue)>,
    ) -> Result<HeaderMap, WireError> {
        let mut headers = if ours { self.headers.clone() } else { HeaderMap::new() };
        let mut set = |name: &str, value: &str| -> Result<(), WireError> {
            headers.insert(
                header_name(name).map_err(WireError::Unfit)?,
                header_value(value).map_err(WireError::Unfit)?,
            );
            Ok(())
        };
        set("accept", out.accept)?;
        set("accept-encoding", "gzip")?;
        if let Some((media_type, _)) = out.content {
            set("content-type", media_type)?;
        }
        if !ours {
            return Ok(headers);
        }
        for (name, value) in out.headers {
            set(name, value)?;
        }
        if let Some((name, key)) = &out.idempotency {
            set(name, key)?;
        }
        if let Some(name) = &self.correlation_header {
            set(name.as_str(), &out.correlation)?;
        }
        if let Some((name, value)) = credential {
            headers.insert(name.clone(), value.clone());
        }
        Ok(headers)
    }

    /// The headers of a request, the credential as `***`: nothing is fetched for it.
    pub fn shown_headers(&self, out: &Outgoing<'_>) -> Result<Vec<(String, String)>, WireError> {
        let masked = self.tokens.as_ref().map(Tokens::masked_header).transpose();
        let masked = masked.map_err(WireError::Token)?;
        let headers = self.headers_for(out, self.is_ours(&out.url), masked.as_ref())?;
        let shown = headers.iter().map(|(name, value)| {
            let value = if value.is_sensitive() {
                "***"
            } else {
                value.to_str().unwrap_or("***")
            };
            (name.as_str().to_owned(), self.redactor.clean(value))
        });
        Ok(shown.collect())
    }

    async fn read(&self, mut response: reqwest::Response) -> Result<Answer, WireError> {
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let limit = self.max_body_bytes;
        let too_large = || WireError::TooLarge(format!("the answer is larger than {limit} bytes"));
        if response.content_length().is_some_and(|n| n > limit as u64) {
            return Err(too_large());
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(classify)? {
            if body.len() + chunk.len() > limit {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        let encoding = headers
            .get("content-encoding")
            .and_then(|e| e.to_str().ok())
            .unwrap_or("identity");
        let body = match encoding.to_ascii_lowercase().as_str() {
            "identity" | "" => body,
            "gzip" | "x-gzip" => inflate(&body, self.max_inflated_bytes)?,
            other => {
                return Err(WireError::Broken(format!(
                    "the answer is encoded as {other}, which was not asked for"
                )));
            }
        };
        Ok(Answer { status, headers, body })
    }

    /// Waits for this request's turn, where the partner limits requests per second.
    async fn pace(&self) {
        let Some(spacing) = self.spacing else { return };
        let now = self.clock.now();
        let wait = {
            let mut next = self.next_start.lock().unwrap_or_else(PoisonError::into_inner);
            let start = (*next).max(now);
            *next = start.plus_millis(i64::try_from(spacing.as_millis()).unwrap_or(0).max(1));
            start.0 - now.0
        };
        if let Ok(millis) = u64::try_from(wait)
            && millis > 0
        {
            self.clock.sleep(Duration::from_millis(millis)).await;
        }
    }
}

/// Undoes gzip up to a limit, so that a small answer cannot fill the memory.
fn inflate(body: &[u8], limit: usize) -> Result<Vec<u8>, WireError> {
    let mut inflated = Vec::new();
    MultiGzDecoder::new(body)
        .take(limit as u64 + 1)
        .read_to_end(&mut inflated)
        .map_err(|e| WireError::Broken(format!("the answer's gzip cannot be undone: {e}")))?;
    if inflated.len() > limit {
        return Err(WireError::TooLarge(format!(
            "the answer inflates to more than {limit} bytes"
        )));
    }
    Ok(inflated)
}

/// A client that follows no redirect. On loopback no proxy stands between.
pub(super) fn client(base: &Url, connect: Duration) -> Result<Client, String> {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        // Fails only when a host program has chosen one already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    let mut builder = Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(connect)
        .pool_idle_timeout(Duration::from_secs(30))
        .tcp_nodelay(true)
        .user_agent(concat!("countersign/", env!("CARGO_PKG_VERSION")));
    if base.scheme() == "http" {
        builder = builder.no_proxy();
    }
    builder
        .build()
        .map_err(|e| format!("no HTTP client can be made: {}", reason(&e)))
}

/// Whether the request can have had an effect decides the class.
pub(super) fn classify(error: reqwest::Error) -> WireError {
    let reason = reason(&error);
    if error.is_builder() {
        return WireError::Unfit(reason);
    }
    if error.is_connect() {
        if is_certificate(&error) {
            return WireError::Certificate(reason);
        }
        return WireError::Unreachable(reason);
    }
    if error.is_timeout() {
        return WireError::TimedOut;
    }
    WireError::Broken(reason)
}

fn is_certificate(error: &reqwest::Error) -> bool {
    let mut source = error.source();
    while let Some(inner) = source {
        let io = inner.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        let tls = inner
            .downcast_ref::<rustls::Error>()
            .or_else(|| io.and_then(|e| e.downcast_ref::<rustls::Error>()));
        if tls.is_some_and(|e| matches!(e, rustls::Error::InvalidCertificate(_))) {
            return true;
        }
        source = inner.source();
    }
    false
}

/// The innermost cause; the outer ones repeat the address.
fn reason(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = inner.to_string();
        source = inner.source();
    }
    text
}

fn header_name(name: &str) -> Result<HeaderName, String> {
    HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("\"{name}\" is no name of a header"))
}

fn header_value(value: &str) -> Result<HeaderValue, String> {
    HeaderValue::from_str(value).map_err(|_| "a header's value is visible ASCII".to_owned())
}
