//! A trading partner on loopback: a customer that orders from us and a supplier that delivers to us.
//! It serves the demo and the tests. It uses nothing of the engine but its clock.
//!
//! Partner side: `POST /oauth/token`, `GET /api/purchase-orders`, `GET /api/purchase-orders/{number}`, its
//! `/response`, `GET /api/delivery-notes`, `GET /api/delivery-notes/{number}`, `POST /api/operations`,
//! `GET /api/operations/{key}`, `GET /api/order-responses`, `GET /api/receipts`. Schemas: `configs/partners/sandbox/*.schema.json`.
//!
//! Control side, without a token: `GET /` (a page for people), `GET /sandbox/state`, `GET|POST /sandbox/faults`
//! (`{"faults": [Fault…]}` replaces what was set), `POST /sandbox/orders` (`OrderSpec`),
//! `POST /sandbox/orders/{number}/change`, `…/cancel`, `POST /sandbox/delivery-notes`, `POST /sandbox/moods` (how the
//! next documents that are issued to it are answered), `POST /sandbox/sales/{number}/deliver`.

mod answers;
mod catalog;
mod compose;
mod connection;
mod control;
mod faults;
mod journal;
mod misbehave;
mod operating;
mod options;
mod page;
mod parties;
mod random;
mod reading;
mod sales;
mod server;
mod sign_in;
mod trade;
mod view;
mod wire;
mod world;

pub use faults::{Fault, FaultKind};
pub use options::{DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, DEFAULT_PORT, OrderSpec, SandboxOptions};
pub use sales::Mood;
pub use view::{Counts, DocumentView, EffectView, OperationView, SandboxState, VersionView};

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How often the sandbox looks whether something has fallen due while nobody asks.
const HEARTBEAT: Duration = Duration::from_millis(250);

#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    #[error("the sandbox cannot listen on 127.0.0.1:{port}: {source}; choose another port")]
    Listen { port: u16, source: std::io::Error },
    #[error("the sandbox cannot use its state file: {0}")]
    State(std::io::Error),
    #[error("a schema of the sandbox is broken: {0}")]
    Schema(String),
    #[error("there is no {0} in the sandbox")]
    NotFound(String),
}

/// A version that was issued.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Issued {
    pub number: String,
    pub version: u32,
}

/// A running sandbox. Stops when dropped.
pub struct Sandbox {
    address: SocketAddr,
    shared: Arc<server::Shared>,
    all_connections: CancellationToken,
    server: Option<JoinHandle<()>>,
}

impl Sandbox {
    /// # Errors
    /// `Listen` when the port is taken, `State` when the state file cannot be read or written.
    pub async fn start(options: SandboxOptions) -> Result<Self, SandboxError> {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, options.port))
            .await
            .map_err(|source| SandboxError::Listen {
                port: options.port,
                source,
            })?;
        let address = listener.local_addr().map_err(|source| SandboxError::Listen {
            port: options.port,
            source,
        })?;
        let shared = Arc::new(server::Shared::new(&options)?);
        let all = CancellationToken::new();
        let dropping = connection::DroppingListener {
            listener,
            all: all.clone(),
        };
        let app = server::router(shared.clone()).into_make_service_with_connect_info::<connection::DropConnection>();
        let stopped = all.clone().cancelled_owned();
        let heart = shared.clone();
        let stop = all.clone();
        let server = tokio::spawn(async move {
            tokio::spawn(stop.run_until_cancelled_owned(async move { heart.beat(HEARTBEAT).await }));
            if let Err(error) = axum::serve(dropping, app).with_graceful_shutdown(stopped).await {
                tracing::error!(%error, "the sandbox stopped serving");
            }
        });
        Ok(Self {
            address,
            shared,
            all_connections: all,
            server: Some(server),
        })
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Drops every connection and frees the port. What was acknowledged is in the state file, if there is one.
    pub async fn stop(mut self) {
        self.all_connections.cancel();
        if let Some(server) = self.server.take() {
            // It ends by itself once its connections are gone; a panic in it was reported already.
            let _ = server.await;
        }
    }

    pub fn state(&self) -> SandboxState {
        self.shared.world().view()
    }

    /// Replaces the switches that were set.
    pub fn set_faults(&self, faults: Vec<Fault>) {
        self.shared.faults().replace(faults);
    }

    /// # Errors
    /// `State` when the state file cannot be written.
    pub fn issue_order(&self, spec: &OrderSpec) -> Result<Vec<Issued>, SandboxError> {
        control::issue_orders(&self.shared, spec)
    }

    /// A change of the order by the buyer.
    ///
    /// # Errors
    /// `NotFound`, or `State` when the state file cannot be written.
    pub fn change_order(&self, number: &str) -> Result<Issued, SandboxError> {
        control::change_order(&self.shared, number)
    }

    /// The buyer cancels the order.
    ///
    /// # Errors
    /// `NotFound`, or `State` when the state file cannot be written.
    pub fn cancel_order(&self, number: &str) -> Result<Issued, SandboxError> {
        control::cancel_order(&self.shared, number)
    }

    /// How the next documents that are issued to it are answered; it confirms the others.
    pub fn set_moods(&self, moods: &[Mood]) {
        self.shared.world().sales.moods.extend(moods);
    }

    /// A delivery note for an order that was issued to it; the note's number.
    ///
    /// # Errors
    /// `NotFound`, or `State` when the state file cannot be written.
    pub fn deliver(&self, number: &str) -> Result<String, SandboxError> {
        control::deliver(&self.shared, number)
    }

    /// Delivery notes to us; `currency` has no meaning here.
    ///
    /// # Errors
    /// `State` when the state file cannot be written.
    pub fn issue_delivery_note(&self, spec: &OrderSpec) -> Result<Vec<Issued>, SandboxError> {
        control::issue_notes(&self.shared, spec)
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.all_connections.cancel();
    }
}
