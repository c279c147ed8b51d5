//! HTTP clients: no redirects, names under guard, our certificate shown where there is one.

use super::guard::{Guard, Inside};
use super::token::TokenError;
use super::vault::Vault;
use super::wire::WireError;
use crate::partner::config::{Auth, PartnerConfig, TextOrSecret, is_loopback};
use crate::tls;
use reqwest::{Certificate, Client, Identity};
use std::collections::BTreeSet;
use std::error::Error as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use url::Url;

/// Makes the client for one address, and a new one when our certificate was changed.
pub(crate) struct Line {
    hosts: BTreeSet<String>,
    private_network: bool,
    ca_certificates: Vec<Certificate>,
    connect: Duration,
    /// On loopback no proxy stands between.
    proxied: bool,
    certificate: Option<TextOrSecret>,
    /// Answers carry the partner's certificate.
    tells: bool,
    vault: Arc<Vault>,
    /// The client in force, with the certificate that it shows.
    made: Mutex<Option<(String, Client)>>,
}

impl Line {
    /// # Errors
    /// A sentence when a root certificate cannot be read.
    pub fn new(config: &PartnerConfig, to: &Url, shows_certificate: bool, vault: Arc<Vault>) -> Result<Self, String> {
        let ca_certificates: Result<Vec<_>, _> = config
            .ca_certificates
            .iter()
            .map(|der| Certificate::from_der(der))
            .collect();
        Ok(Self {
            hosts: guarded(config),
            private_network: config.private_network,
            ca_certificates: ca_certificates.map_err(|e| format!("a root certificate cannot be read: {e}"))?,
            connect: config.limits.connect,
            proxied: to.scheme() != "http",
            certificate: config.client_certificate.clone().filter(|_| shows_certificate),
            tells: false,
            vault,
            made: Mutex::default(),
        })
    }

    /// With the partner's certificate in each answer.
    pub fn telling(mut self) -> Self {
        self.tells = true;
        self
    }

    /// # Errors
    /// `Refused` when our certificate cannot be had or read: a sentence.
    pub fn client(&self) -> Result<Client, TokenError> {
        let refused = |message: String| TokenError::Refused { status: None, message };
        let pem = match &self.certificate {
            None => String::new(),
            Some(certificate) => self.vault.read(certificate)?.expose().to_owned(),
        };
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((shown, client)) = &*made
            && *shown == pem
        {
            return Ok(client.clone());
        }
        let client = self.make(&pem).map_err(refused)?;
        *made = Some((pem, client.clone()));
        Ok(client)
    }

    fn make(&self, pem: &str) -> Result<Client, String> {
        tls::provider();
        let mut builder = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(self.connect)
            .pool_idle_timeout(Duration::from_secs(30))
            .tcp_nodelay(true)
            .tls_info(self.tells)
            .tls_certs_merge(self.ca_certificates.iter().cloned())
            .dns_resolver(Guard::new(self.hosts.clone(), self.private_network))
            .user_agent(concat!("countersign/", env!("CARGO_PKG_VERSION")));
        if !self.proxied {
            builder = builder.no_proxy();
        }
        if !pem.is_empty() {
            let unread = "the secret of clientCertificate holds no private key with its certificate in PEM form";
            builder = builder.identity(Identity::from_pem(pem.as_bytes()).map_err(|_| unread.to_owned())?);
        }
        builder
            .build()
            .map_err(|e| format!("no HTTP client can be made: {}", reason(&e)))
    }
}

/// Names that must not lead inside: all of the partner's but those that say loopback openly, for tests.
fn guarded(config: &PartnerConfig) -> BTreeSet<String> {
    let token_url = match &config.auth {
        Auth::OAuth2(auth) => Some(&auth.token_url),
        Auth::None | Auth::Basic { .. } | Auth::Key { .. } => None,
    };
    let redirects = config.redirects.iter().filter_map(|origin| match origin {
        url::Origin::Tuple(_, url::Host::Domain(name), _) => Some(name.clone()),
        url::Origin::Tuple(..) | url::Origin::Opaque(_) => None,
    });
    [Some(&config.base_url), token_url]
        .into_iter()
        .flatten()
        .filter(|url| !is_loopback(url))
        .filter_map(|url| url.domain().map(str::to_owned))
        .chain(redirects.filter(|name| name != "localhost"))
        .map(|name| name.to_ascii_lowercase())
        .collect()
}

/// Whether the request can have had an effect decides the class.
pub(super) fn classified(error: reqwest::Error) -> WireError {
    if let Some(inside) = source::<Inside>(&error) {
        return WireError::Inside(inside.to_string());
    }
    let reason = reason(&error);
    if error.is_builder() {
        return WireError::Unfit(reason);
    }
    // With TLS 1.3 the partner refuses our certificate after the handshake, in answer to the first bytes: it read
    // nothing of the request.
    if let Some(rustls::Error::AlertReceived(alert)) = source::<rustls::Error>(&error)
        && CERTIFICATE_ALERTS.contains(alert)
    {
        return WireError::Token(TokenError::Refused {
            status: None,
            message: format!("the partner does not accept our certificate ({alert:?}): see clientCertificate"),
        });
    }
    if error.is_connect() {
        let tls = source::<rustls::Error>(&error);
        return match tls {
            Some(rustls::Error::InvalidCertificate(_)) => WireError::Certificate(reason),
            Some(_) | None => WireError::Unreachable(reason),
        };
    }
    if error.is_timeout() {
        return WireError::TimedOut;
    }
    WireError::Broken(reason)
}

/// Alerts that speak of the certificate that we show, or do not show (RFC 8446, 6.2).
const CERTIFICATE_ALERTS: &[rustls::AlertDescription] = &[
    rustls::AlertDescription::BadCertificate,
    rustls::AlertDescription::UnsupportedCertificate,
    rustls::AlertDescription::CertificateRevoked,
    rustls::AlertDescription::CertificateExpired,
    rustls::AlertDescription::CertificateUnknown,
    rustls::AlertDescription::UnknownCA,
    rustls::AlertDescription::AccessDenied,
    rustls::AlertDescription::CertificateRequired,
    rustls::AlertDescription::DecryptError,
];

/// The cause of that type. What an `io::Error` wraps is not its source, and it may wrap another one.
fn source<T: std::error::Error + 'static>(error: &reqwest::Error) -> Option<&T> {
    let mut next = error.source();
    while let Some(inner) = next {
        let mut wrapped: &(dyn std::error::Error + 'static) = inner;
        loop {
            if let Some(found) = wrapped.downcast_ref::<T>() {
                return Some(found);
            }
            match wrapped
                .downcast_ref::<std::io::Error>()
                .and_then(std::io::Error::get_ref)
            {
                Some(deeper) => wrapped = deeper,
                None => break,
            }
        }
        next = wrapped.source();
    }
    None
}

/// The innermost cause; the outer ones repeat the address.
pub(super) fn reason(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = inner.to_string();
        source = inner.source();
    }
    text
}
