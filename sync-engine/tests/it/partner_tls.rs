//! TLS: our own certificate shown to a partner that demands one, and certificates that do not hold.

use crate::partner_link::{root, secrets, small, small_answer};
use axum::routing::any;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use sync_engine::clock::SystemClock;
use sync_engine::domain::Progress;
use sync_engine::partner::{self, HttpPartner, OutboundKind, PartnerLink, Verdict};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

pub type Authority = CertifiedIssuer<'static, KeyPair>;

pub fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// Certificate and key, PEM.
fn issued(by: &Authority, name: &str) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    (params.signed_by(&key, by).unwrap().pem(), key.serialize_pem())
}

struct Tls {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl axum::serve::Listener for Tls {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let Ok((socket, peer)) = self.listener.accept().await else {
                continue;
            };
            if let Ok(stream) = self.acceptor.accept(socket).await {
                return (stream, peer);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A partner on TLS; with `clients`, only for those who show a certificate of that authority.
pub async fn partner(by: &Authority, name: &str, clients: Option<&Authority>) -> String {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = rustls::ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = rustls::RootCertStore::empty();
            roots.add(authority.der().clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let (certificate, key) = issued(by, name);
    let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let config = builder.with_single_cert(vec![certificate], key).unwrap();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let app = axum::Router::new()
        .route("/token", any(|| async { r#"{"access_token":"tok"}"# }))
        .fallback(|| async { r#"{"items":[]}"# });
    let acceptor = TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move { axum::serve(Tls { listener, acceptor }, app).await });
    url
}

/// The configuration on line, trusting `authority`.
fn connected(config: &Value, authority: &Authority, pairs: &[(&str, &str)]) -> HttpPartner {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("roots.pem"), authority.pem()).unwrap();
    let mut config = config.clone();
    config["caCertificates"] = json!("roots.pem");
    let config = partner::parse(&config.to_string(), "test.json", folder.path()).unwrap_or_else(|e| panic!("{e}"));
    config.connect(secrets(pairs), Arc::new(SystemClock)).unwrap()
}

/// Attempts until the alert is read before the end of its connection.
const ATTEMPTS: u32 = 50;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_certificate_is_shown_to_the_partner_and_to_its_token_endpoint() {
    let (servers, clients) = (authority(), authority());
    let url = partner(&servers, "localhost", Some(&clients)).await;
    let (certificate, key) = issued(&clients, "countersign");
    let mut config = small(&url);
    config["clientCertificate"] = json!({"secret": "ours"});
    config["auth"] = json!({"type": "oauth2", "tokenUrl": "/token", "clientId": "c", "clientAuthentication": "none"});
    let link = connected(&config, &servers, &[("ours", &format!("{certificate}{key}"))]);
    link.fetch("orders", None, None).await.unwrap();

    // Without one, and with one of another authority, nothing is taken: a person has to act.
    let (stranger, stranger_key) = issued(&authority(), "stranger");
    config["auth"] = json!({"type": "none"});
    let strange = connected(&config, &servers, &[("ours", &format!("{stranger}{stranger_key}"))]);
    config.as_object_mut().unwrap().remove("clientCertificate");
    let nothing = connected(&config, &servers, &[]);
    for link in [strange, nothing] {
        // In TLS 1.3 the server refuses our certificate after the handshake: what is written first may find the
        // connection closed before the alert is read, and then only the next attempt sees why.
        for attempt in 1.. {
            let refused = link.fetch("orders", None, None).await.unwrap_err();
            if refused.code == "partner.credentials" {
                assert!(!refused.transient, "{refused}");
                break;
            }
            assert!(attempt < ATTEMPTS && refused.transient, "{refused}");
        }
        let answering = small_answer(&link);
        for attempt in 1.. {
            let sent = link
                .send(
                    OutboundKind::Confirm,
                    answering.id,
                    &Progress::default(),
                    &answering.render(&link),
                )
                .await;
            if sent.verdict == Verdict::Credentials {
                break;
            }
            let broken = matches!(sent.verdict, Verdict::Unknown { .. } | Verdict::Again { .. });
            assert!(attempt < ATTEMPTS && broken, "{sent:?}");
        }
    }
    config["clientCertificate"] = json!({"secret": "ours"});
    let unread = connected(&config, &servers, &[("ours", "no certificate at all")]);
    let error = unread.fetch("orders", None, None).await.unwrap_err();
    assert_eq!(error.code, "partner.credentials");
    assert!(error.message.contains("no private key with its certificate"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_does_not_hold_is_parked_also_at_the_token_endpoint() {
    let trusted = authority();
    let untrusted = partner(&authority(), "localhost", None).await;
    let misnamed = partner(&trusted, "somebody-else.example", None).await;
    let good = partner(&trusted, "localhost", None).await;
    for url in [&untrusted, &misnamed] {
        let mut at_token = small(&good);
        at_token["auth"] = json!({"type": "oauth2", "tokenUrl": format!("{url}/token"), "clientId": "c", "clientSecret": {"secret": "s"}});
        for config in [small(url), at_token] {
            let link = connected(&config, &trusted, &[("s", "a-long-secret")]);
            let refused = link.fetch("orders", None, None).await.unwrap_err();
            assert_eq!(
                (refused.code, refused.transient),
                ("partner.certificate", false),
                "{refused}"
            );
            let answering = small_answer(&link);
            let sent = link
                .send(
                    OutboundKind::Confirm,
                    answering.id,
                    &Progress::default(),
                    &answering.render(&link),
                )
                .await;
            assert_eq!(
                sent.verdict,
                Verdict::Rejected {
                    code: "partner.certificate"
                },
                "{sent:?}"
            );
        }
    }
    connected(&small(&good), &trusted, &[])
        .fetch("orders", None, None)
        .await
        .unwrap();
    // The root is trusted for that partner only.
    let config = partner::parse(&small(&good).to_string(), "test.json", &root()).unwrap();
    let link = config.connect(secrets(&[]), Arc::new(SystemClock)).unwrap();
    assert_eq!(
        link.fetch("orders", None, None).await.unwrap_err().code,
        "partner.certificate"
    );
}
