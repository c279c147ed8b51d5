//! The desktop program; everything is in the library, so that it can be tested.

// No console window beside the program on Windows.
#![cfg_attr(all(windows, not(debug_assertions)), windows_subsystem = "windows")]

/// As in `countersign`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    countersign_desktop::run()
}
