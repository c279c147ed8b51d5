//! Whether a partner's addresses answer: asked without credentials, so that nothing is spent and nothing changes there.

use super::client::{Line, classified};
use super::outcome::{clock_skew, fetch_error};
use super::vault::Vault;
use super::wire::WireError;
use crate::clock::Clock;
use crate::domain::Timestamp;
use crate::partner::Secrets;
use crate::partner::config::{Auth, PartnerConfig, TextOrSecret};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::sync::Arc;
use std::time::Duration;
use url::Url;
use x509_parser::prelude::{FromDer, X509Certificate};

/// What one address answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached {
    /// `api`, or `token endpoint` where that is another address.
    pub what: &'static str,
    /// Scheme, host and port.
    pub origin: String,
    pub outcome: Result<Answered, Unanswered>,
}

/// Any answer at all: without credentials most are refusals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    pub status: u16,
    /// Their Date header minus our clock, milliseconds.
    pub clock_skew_ms: Option<i64>,
    /// When their certificate ends; `None` without TLS.
    pub certificate_ends: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unanswered {
    /// As of an attempt: `partner.unreachable`, `partner.certificate`, `partner.address`, `partner.timeout` …
    pub code: &'static str,
    /// What the system or the partner said.
    pub message: String,
}

impl PartnerConfig {
    /// Asks the partner's API and its token endpoint whether they answer, each with one `HEAD` request.
    pub async fn reach(&self, secrets: Arc<dyn Secrets>, clock: Arc<dyn Clock>, patience: Duration) -> Vec<Reached> {
        let vault = Arc::new(Vault::new(secrets, Arc::clone(&clock)));
        let mut addresses = vec![("api", &self.base_url)];
        if let Auth::OAuth2(auth) = &self.auth
            && auth.token_url.origin() != self.base_url.origin()
        {
            addresses.push(("token endpoint", &auth.token_url));
        }
        let asking = addresses.into_iter().map(|(what, to)| {
            let (vault, clock) = (Arc::clone(&vault), Arc::clone(&clock));
            async move {
                let outcome = tokio::select! {
                    biased;
                    outcome = self.ask(to, vault, &clock) => outcome,
                    () = clock.sleep(patience) => Err(unanswered(&WireError::TimedOut)),
                };
                Reached {
                    what,
                    origin: to.origin().ascii_serialization(),
                    outcome,
                }
            }
        });
        futures_util::future::join_all(asking).await
    }

    async fn ask(&self, to: &Url, vault: Arc<Vault>, clock: &Arc<dyn Clock>) -> Result<Answered, Unanswered> {
        let line = Line::new(self, to, true, vault).map_err(unusable)?.telling();
        let client = line.client().map_err(|error| unanswered(&WireError::Token(error)))?;
        let answer = client.head(to.clone()).send().await;
        let answer = answer.map_err(|error| unanswered(&classified(error.without_url())))?;
        let certificate = answer.extensions().get::<reqwest::tls::TlsInfo>();
        let certificate = certificate.and_then(|tls| tls.peer_certificate());
        Ok(Answered {
            status: answer.status().as_u16(),
            clock_skew_ms: clock_skew(answer.headers(), clock.now()),
            certificate_ends: certificate.and_then(ends_at),
        })
    }

    /// When the certificates end that we trust or show: what each is, and its end; `None` where it cannot be read.
    pub fn certificate_ends(&self, secrets: &dyn Secrets) -> Vec<(&'static str, Option<Timestamp>)> {
        let mut found: Vec<_> = self
            .ca_certificates
            .iter()
            .map(|der| ("caCertificates", ends_at(der)))
            .collect();
        let pem = match &self.client_certificate {
            None => None,
            Some(TextOrSecret::Text(text)) => Some(text.clone()),
            Some(TextOrSecret::Secret(name)) => secrets.get(name).ok().map(|secret| secret.expose().to_owned()),
        };
        if let Some(pem) = pem {
            // The first is ours; those behind it lead to its root.
            let first = CertificateDer::pem_slice_iter(pem.as_bytes()).next();
            found.push(("clientCertificate", first.and_then(|der| ends_at(&der.ok()?))));
        }
        found
    }
}

fn ends_at(der: &[u8]) -> Option<Timestamp> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    Some(Timestamp(
        certificate.validity().not_after.timestamp().saturating_mul(1000),
    ))
}

fn unusable(message: String) -> Unanswered {
    Unanswered {
        code: "partner.configuration",
        message,
    }
}

fn unanswered(error: &WireError) -> Unanswered {
    let told = fetch_error(error);
    Unanswered {
        code: told.code,
        message: told.message,
    }
}
