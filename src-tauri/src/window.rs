//! The one window.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tauri::webview::{NewWindowResponse, PageLoadEvent};
use tauri::{App, AppHandle, Manager, WebviewWindow, WebviewWindowBuilder, WindowEvent};
use tauri_plugin_notification::NotificationExt;
use tauri_plugin_window_state::StateFlags;

const LABEL: &str = "main";
/// After this the window is shown though its page is not loaded.
const PAGE_LOADS: Duration = Duration::from_secs(3);

/// What is kept from one run to the next. Not whether it was visible: a start shows it.
pub fn kept() -> StateFlags {
    StateFlags::SIZE | StateFlags::POSITION | StateFlags::MAXIMIZED
}

/// Makes the window as `tauri.conf.json` describes it. It is shown when its page is loaded: who sees it earlier sees it
/// white, and WebKitGTK without OpenGL, when it has to draw a page that has nothing to show yet, holds up the program
/// for half a second, and with it what the page waits for.
///
/// # Errors
/// When the web view cannot be made.
pub fn create(app: &App, hidden: bool) -> tauri::Result<()> {
    let described = app.config().app.windows.iter().find(|w| w.label == LABEL);
    let described = described.ok_or(tauri::Error::WindowNotFound)?;
    let window = WebviewWindowBuilder::from_config(app, described)?
        .visible(false)
        .on_page_load(move |window, load| {
            if !hidden && load.event() == PageLoadEvent::Finished {
                show_first(window.app_handle());
            }
        })
        // The page is ours alone: it goes nowhere else, and opens nothing.
        .on_navigation(|url| is_ours(url.scheme(), url.host_str()))
        .on_new_window(|_, _| NewWindowResponse::Deny)
        .build()?;
    if !hidden {
        let handle = app.handle().clone();
        tauri::async_runtime::spawn(async move {
            tokio::time::sleep(PAGE_LOADS).await;
            show_first(&handle);
        });
    }
    let handle = app.handle().clone();
    window.on_window_event(move |event| {
        if let WindowEvent::CloseRequested { api, .. } = event {
            api.prevent_close();
            hide(&handle);
        }
    });
    Ok(())
}

/// Shows the window of this run for the first time, once: who hid it since wants it hidden.
fn show_first(app: &AppHandle) {
    static SHOWN: AtomicBool = AtomicBool::new(false);
    if SHOWN.swap(true, Ordering::Relaxed) {
        return;
    }
    if let Some(Err(error)) = get(app).map(|window| window.show()) {
        tracing::warn!(%error, "the window cannot be shown");
    }
}

/// The embedded page, by the scheme of either system; with a development server only in a build that asks for one.
fn is_ours(scheme: &str, host: Option<&str>) -> bool {
    match (scheme, host) {
        ("tauri", Some("localhost")) | ("http" | "https", Some("tauri.localhost")) => true,
        ("http", Some("localhost")) => cfg!(not(feature = "custom-protocol")),
        _ => false,
    }
}

fn get(app: &AppHandle) -> Option<WebviewWindow> {
    app.get_webview_window(LABEL)
}

/// Closing the window goes on in the tray: orders arrive and answers leave.
fn hide(app: &AppHandle) {
    static TOLD: AtomicBool = AtomicBool::new(false);
    let Some(window) = get(app) else { return };
    if let Err(error) = window.hide() {
        tracing::warn!(%error, "the window cannot be hidden");
    }
    if !TOLD.swap(true, Ordering::Relaxed) {
        let told = app
            .notification()
            .builder()
            .title("Countersign goes on in the tray")
            .body("Start it again to see the window. Quit is in the tray's menu.")
            .show();
        if let Err(error) = told {
            tracing::debug!(%error, "the system shows no notification");
        }
    }
}

/// Brings the window to the front.
pub fn show(app: &AppHandle) {
    let Some(window) = get(app) else { return };
    let shown = window
        .show()
        .and_then(|()| window.unminimize())
        .and_then(|()| window.set_focus());
    if let Err(error) = shown {
        tracing::warn!(%error, "the window cannot be brought to the front");
    }
}

pub fn has_focus(app: &AppHandle) -> bool {
    get(app).is_some_and(|w| w.is_focused().unwrap_or(false) && w.is_visible().unwrap_or(false))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_goes_nowhere_else() {
        assert!(is_ours("tauri", Some("localhost")));
        assert!(is_ours("http", Some("tauri.localhost")));
        for (scheme, host) in [
            ("https", Some("example.org")),
            ("http", Some("localhost")),
            ("file", None),
            ("data", None),
            ("tauri", Some("example.org")),
        ] {
            assert!(!is_ours(scheme, host), "{scheme} {host:?}");
        }
    }
}
