//! Connections of the HTTP hosts: how many there are at once, and how long one may take to say what it wants.

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::io;
use std::sync::Arc;
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
}

impl Default for Connections {
    fn default() -> Self {
        Self {
            header_time: Duration::from_secs(30),
            most: 512,
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
    let service = TowerToHyperService::new(app);
    loop {
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (accepted(&listener).await, place)
        };
        let (stream, place) = tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            next = next => next,
        };
        let connection = http.serve_connection(TokioIo::new(stream), service.clone());
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended");
            }
            drop(place);
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
async fn accepted(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
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
