//! The ways in which a person or a service manager asks the program to end.

use super::failure::Failure;
use super::host;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Exit code of a program that a signal ended.
const ENDED_AT_ONCE: i32 = 130;
/// Windows ends a program five seconds after its window was closed.
#[cfg(windows)]
const BEFORE_THE_END: Duration = Duration::from_secs(3);

/// What is listened to, from the moment it is made.
pub struct Signals {
    #[cfg(unix)]
    kinds: [tokio::signal::unix::Signal; 3],
    #[cfg(windows)]
    events: windows::Events,
}

/// How long what is in flight may take to end, once somebody asked.
#[derive(Clone, Default)]
pub struct Grace(Arc<OnceLock<Duration>>);

impl Grace {
    pub fn get(&self) -> Duration {
        self.0.get().copied().unwrap_or(host::GRACE)
    }
}

impl Signals {
    /// Interrupt, terminate, and the end of the terminal; the latter not where it was to be ignored (`nohup`).
    ///
    /// # Errors
    /// When the system does not let the program listen.
    #[cfg(unix)]
    pub fn listen() -> Result<Self, Failure> {
        use tokio::signal::unix::{SignalKind, signal};
        let on = |kind| signal(kind).map_err(cannot_listen);
        let interrupt = on(SignalKind::interrupt())?;
        let hang_up = if hang_up_is_ignored() {
            on(SignalKind::interrupt())?
        } else {
            on(SignalKind::hangup())?
        };
        Ok(Self {
            kinds: [interrupt, on(SignalKind::terminate())?, hang_up],
        })
    }

    /// Ctrl+C, Ctrl+Break, the end of the window, and of Windows.
    ///
    /// # Errors
    /// When the system does not let the program listen.
    #[cfg(windows)]
    pub fn listen() -> Result<Self, Failure> {
        let events = windows::Events::listen().map_err(cannot_listen)?;
        Ok(Self { events })
    }

    /// The next one, and how long is left after it.
    #[cfg(unix)]
    async fn next(&mut self) -> Duration {
        let [interrupt, terminate, hang_up] = &mut self.kinds;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hang_up.recv() => {}
        }
        host::GRACE
    }

    #[cfg(windows)]
    async fn next(&mut self) -> Duration {
        if self.events.next_may_wait().await {
            host::GRACE
        } else {
            BEFORE_THE_END
        }
    }

    /// The first signal cancels, the second ends the program at once.
    pub fn cancel(mut self, token: CancellationToken) -> Grace {
        let grace = Grace::default();
        let left = Arc::clone(&grace.0);
        tokio::spawn(async move {
            let _ = left.set(self.next().await);
            token.cancel();
            self.next().await;
            eprintln!("stopped at once; what was saved is kept");
            std::process::exit(ENDED_AT_ONCE);
        });
        grace
    }
}

fn cannot_listen(error: std::io::Error) -> Failure {
    Failure::failed(format!("signals cannot be listened to: {error}"))
}

/// Listening would undo it. Told by the kernel where it has such a file.
#[cfg(unix)]
fn hang_up_is_ignored() -> bool {
    const SIGHUP_BIT: u64 = 1;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    ignored.is_some_and(|mask| mask & SIGHUP_BIT != 0)
}

#[cfg(windows)]
mod windows {
    use tokio::signal::windows::{
        CtrlBreak, CtrlC, CtrlClose, CtrlLogoff, CtrlShutdown, ctrl_break, ctrl_c, ctrl_close, ctrl_logoff,
        ctrl_shutdown,
    };

    pub struct Events {
        stop: CtrlC,
        stop_too: CtrlBreak,
        closed: CtrlClose,
        shut_down: CtrlShutdown,
        /// Only services are told, of anybody's: it is no reason to end, which not listening would mean.
        _logged_off: CtrlLogoff,
    }

    impl Events {
        pub fn listen() -> std::io::Result<Self> {
            Ok(Self {
                stop: ctrl_c()?,
                stop_too: ctrl_break()?,
                closed: ctrl_close()?,
                shut_down: ctrl_shutdown()?,
                _logged_off: ctrl_logoff()?,
            })
        }

        /// Whether the system waits for us after the event that came.
        pub async fn next_may_wait(&mut self) -> bool {
            tokio::select! {
                _ = self.stop.recv() => true,
                _ = self.stop_too.recv() => true,
                _ = self.closed.recv() => false,
                _ = self.shut_down.recv() => false,
            }
        }
    }
}
