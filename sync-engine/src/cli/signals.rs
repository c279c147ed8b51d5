//! The ways in which a person or a service manager asks the program to end.

use super::failure::Failure;
use tokio_util::sync::CancellationToken;

/// Exit code of a program that a signal ended.
const ENDED_AT_ONCE: i32 = 130;

/// Listens from the moment it is made.
pub struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    /// # Errors
    /// When the system does not let the program listen.
    #[cfg(unix)]
    pub fn listen() -> Result<Self, Failure> {
        use tokio::signal::unix::{SignalKind, signal};
        let on = |kind| signal(kind).map_err(|e| Failure::failed(format!("signals cannot be listened to: {e}")));
        Ok(Self {
            interrupt: on(SignalKind::interrupt())?,
            terminate: on(SignalKind::terminate())?,
        })
    }

    #[cfg(not(unix))]
    pub fn listen() -> Result<Self, Failure> {
        Ok(Self {})
    }

    #[cfg(unix)]
    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    #[cfg(not(unix))]
    async fn next(&mut self) {
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::error!(%error, "signals cannot be listened to");
            std::future::pending::<()>().await;
        }
    }

    /// The first signal cancels, the second ends the program at once.
    pub fn cancel(mut self, token: CancellationToken) {
        tokio::spawn(async move {
            self.next().await;
            token.cancel();
            self.next().await;
            eprintln!("stopped at once; what was saved is kept");
            std::process::exit(ENDED_AT_ONCE);
        });
    }
}
