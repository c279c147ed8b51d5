//! Connections that can be dropped at any moment, so that a partner's broken line can be played.

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// Accepts connections until it is cancelled.
pub(super) struct DroppingListener {
    pub(super) listener: TcpListener,
    /// Drops every connection at once.
    pub(super) all: CancellationToken,
}

impl Listener for DroppingListener {
    type Io = DroppingStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (stream, address) = Listener::accept(&mut self.listener).await;
        // Small answers should not wait for more; without it a page merely takes longer.
        let _ = stream.set_nodelay(true);
        let drop = self.all.child_token();
        let dropped = Box::pin(drop.clone().cancelled_owned());
        (DroppingStream { stream, drop, dropped }, address)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

pub(super) struct DroppingStream {
    stream: TcpStream,
    drop: CancellationToken,
    dropped: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl DroppingStream {
    fn broken(&mut self, cx: &mut Context<'_>) -> Option<io::Error> {
        self.dropped
            .as_mut()
            .poll(cx)
            .is_ready()
            .then(|| io::ErrorKind::ConnectionAborted.into())
    }
}

impl AsyncRead for DroppingStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.broken(cx) {
            Some(error) => Poll::Ready(Err(error)),
            None => Pin::new(&mut self.stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for DroppingStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.broken(cx) {
            Some(error) => Poll::Ready(Err(error)),
            None => Pin::new(&mut self.stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Drops the connection that a request came on: nothing more is written to it.
#[derive(Clone)]
pub(super) struct DropConnection(pub(super) CancellationToken);

impl Connected<IncomingStream<'_, DroppingListener>> for DropConnection {
    fn connect_info(stream: IncomingStream<'_, DroppingListener>) -> Self {
        Self(stream.io().drop.clone())
    }
}
