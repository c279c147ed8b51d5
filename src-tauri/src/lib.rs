//! The desktop window of Countersign: hosts the engine in its own process and gives the page two things, requests to
//! the engine's router and the change feed. No behaviour of its own, no socket, no port.

mod attention;
mod bridge;
mod failure;
mod files;
mod journal;
mod options;
#[cfg(target_os = "linux")]
mod renderer;
#[cfg(test)]
mod rights;
mod secrets;
mod startup;
mod tray;
mod window;

use clap::Parser;
use options::Options;
use std::process::ExitCode;
use std::time::Duration;
use tauri::{AppHandle, Manager, RunEvent};

/// How long work in flight may take to end when the program quits.
const STOP_GRACE: Duration = Duration::from_secs(10);

/// Runs the program until it quits.
pub fn run() -> ExitCode {
    #[cfg(target_os = "linux")]
    renderer::choose();
    let options = match Options::parse().resolve() {
        Ok(options) => options,
        Err(message) => return failure::before_window(&message),
    };
    if let Err(message) = journal::open(&options) {
        return failure::before_window(&message);
    }
    failure::log_panics();
    let runtime = match sync_engine::engine::threads::runtime() {
        Ok(runtime) => runtime,
        Err(error) => return failure::before_window(&format!("The program cannot start: {error}")),
    };
    tauri::async_runtime::set(runtime.handle().clone());
    let app = tauri::Builder::default()
        // First, so that a second start ends before it touches anything.
        .plugin(
            tauri_plugin_single_instance::Builder::new()
                .dbus_id(options.instance_id())
                .callback(|app, _, _| window::show(app))
                .build(),
        )
        .plugin(
            tauri_plugin_window_state::Builder::new()
                .with_state_flags(window::kept())
                .with_filename(options.window_state_file())
                .build(),
        )
        .plugin(tauri_plugin_dialog::init())
        .plugin(tauri_plugin_notification::init())
        .plugin(
            tauri_plugin_opener::Builder::new()
                .open_js_links_on_click(false)
                .build(),
        )
        .invoke_handler(tauri::generate_handler![
            bridge::request,
            bridge::subscribe,
            files::save_file,
            files::open_pdf
        ])
        .setup(|app| {
            let hidden = options.hidden;
            files::clear_opened(&options.data_dir);
            startup::begin(app.handle(), options);
            window::create(app, hidden)?;
            tray::create(app)?;
            end_on_signal(app.handle().clone());
            Ok(())
        })
        .build(tauri::tauri_build_context!());
    match app {
        Ok(app) => {
            let code = app.run_return(|app, event| {
                if let RunEvent::Exit = event {
                    stop(app);
                }
            });
            ExitCode::from(u8::try_from(code).unwrap_or(1))
        }
        Err(error) => failure::before_window(&format!("The window cannot be opened: {error}")),
    }
}

/// Lets what is in flight end and closes the store. The change feed ends with it.
fn stop(app: &AppHandle) {
    let Some(startup) = app.try_state::<startup::Startup>() else {
        return;
    };
    if let Some(running) = startup.running() {
        running.shutdown.cancel();
        tauri::async_runtime::block_on(running.engine.stop(STOP_GRACE));
        tracing::info!("stopped");
    }
}

/// A termination signal quits as the tray's menu does.
fn end_on_signal(app: AppHandle) {
    tauri::async_runtime::spawn(async move {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let (Ok(mut term), Ok(mut int)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) else {
                return;
            };
            tokio::select! {
                _ = term.recv() => {}
                _ = int.recv() => {}
            }
        }
        #[cfg(not(unix))]
        if tokio::signal::ctrl_c().await.is_err() {
            return;
        }
        app.exit(0);
    });
}
