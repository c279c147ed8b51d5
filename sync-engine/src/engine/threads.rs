//! The threads of a host.

use tokio::runtime::{Builder, Runtime};

/// Threads at most for what blocks: reads of the store, of which a few run at once and the others wait, and files.
/// Tokio's own limit of 512 gave each of a few hundred waiting reads a thread, with a stack and memory of its own.
const BLOCKING: usize = 32;

/// What a host runs the engine on.
///
/// # Errors
/// The system gives no more threads.
pub fn runtime() -> std::io::Result<Runtime> {
    Builder::new_multi_thread()
        .max_blocking_threads(BLOCKING)
        .enable_all()
        .build()
}
