//! What a person sees when something cannot go on: never a silent exit.

use std::process::ExitCode;
use tauri::AppHandle;
use tauri_plugin_dialog::{DialogExt, MessageDialogKind};

/// An error before there is a window to show it in.
pub fn before_window(message: &str) -> ExitCode {
    tracing::error!(reason = message, "the program cannot start");
    eprintln!("countersign-desktop: {message}");
    #[cfg(any(windows, target_os = "macos"))]
    rfd::MessageDialog::new()
        .set_level(rfd::MessageLevel::Error)
        .set_title("Countersign cannot start")
        .set_description(message)
        .show();
    ExitCode::FAILURE
}

/// The engine cannot start: says why in a native dialog, then quits. The page shows the same sentence meanwhile.
pub fn engine(app: &AppHandle, message: &str) {
    tracing::error!(reason = message, "the engine cannot start");
    let handle = app.clone();
    app.dialog()
        .message(message)
        .title("Countersign cannot start")
        .kind(MessageDialogKind::Error)
        .show(move |_| handle.exit(1));
}

/// A panic goes to the log too, with its place.
pub fn log_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        tracing::error!(place = panic.location().map(ToString::to_string), %panic, "panic");
        usual(panic);
    }));
}
