//! `countersign`: the engine without a window.

mod cli;

/// Less work than the system's for what is made by one thread and given back by another, which is most of it here.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    cli::run()
}
