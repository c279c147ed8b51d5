//! Connections of the HTTP hosts: how many there are at once, and how long one may take to say what it wants.

use super::bodies::network;
use axum::Router;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// How connections are kept.
#[derive(Debug, Clone, Copy)]
pub struct Connections {
    /// From the connection, or the end of the request before, to the end of the next request's headers.
    pub header_time: Duration,
    /// At once; further ones wait to be taken.
    pub most: usize,
    /// Of one address at once; further ones are closed.
    pub most_of_one: usize,
}

/// Who is at the other end; every request has it as an extension.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub IpAddr);

impl Default for Connections {
    fn default() -> Self {
        Self {
            header_time: Duration::from_secs(30),
            most: 512,
            most_of_one: 512,
        }
    }
}

/// How long no connection is taken after the system had none to give.
const PAUSE: Duration = Duration::from_millis(500);

/// Serves a router as it is until `shutdown`, then lets requests in flight end, for `grace` at most.
///
/// # Errors
/// None at present: a connection that fails is one that ends.
pub async fn run(
    listener: TcpListener,
    app: Router,
    kept: Connections,
    shutdown: CancellationToken,
    grace: Duration,
) -> io::Result<()> {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(kept.header_time);
    let (graceful, places) = (GracefulShutdown::new(), Arc::new(Semaphore::new(kept.most)));
    let callers = Callers::new(kept.most_of_one);
    let service = TowerToHyperService::new(app);
    loop {
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (accepted(&listener).await, place)
        };
        let ((stream, peer), place) = tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            next = next => next,
        };
        let Some(caller) = callers.enter(peer) else {
            tracing::debug!(%peer, "one address has too many connections: this one is closed");
            continue;
        };
        let service = service.clone();
        let of_peer = service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
            request.extensions_mut().insert(Peer(peer));
            service.call(request)
        });
        let connection = http.serve_connection(TokioIo::new(stream), of_peer);
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended");
            }
            drop((caller, place));
        });
    }
    drop(listener);
    tokio::select! {
        () = graceful.shutdown() => {}
        () = tokio::time::sleep(grace) => {}
    }
    Ok(())
}

/// The next connection. A peer that went away meanwhile is none of ours; without handles to spare there is a pause.
async fn accepted(listener: &TcpListener) -> (TcpStream, IpAddr) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => return (stream, peer.ip()),
            Err(error) => match error.kind() {
                io::ErrorKind::ConnectionRefused
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::ConnectionReset => {}
                _ => {
                    tracing::error!(%error, "no connection can be taken now");
                    tokio::time::sleep(PAUSE).await;
                }
            },
        }
    }
}

/// How many connections each address has.
#[derive(Clone)]
struct Callers {
    most: usize,
    by_network: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// One connection, counted until it is dropped.
struct Caller {
    callers: Callers,
    from: IpAddr,
}

impl Callers {
    fn new(most: usize) -> Self {
        Self {
            most,
            by_network: Arc::default(),
        }
    }

    fn enter(&self, peer: IpAddr) -> Option<Caller> {
        let from = network(peer);
        let mut counts = self.by_network.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(from).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        let callers = self.clone();
        Some(Caller { callers, from })
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        let mut counts = self.callers.by_network.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.from) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.from);
            }
        }
    }
}
