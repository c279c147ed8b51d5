//! The tray: how many documents wait, and what can be done without the window.

use crate::startup::Startup;
use crate::window;
use tauri::menu::{Menu, MenuEvent, MenuItem, PredefinedMenuItem};
use tauri::tray::{MouseButton, MouseButtonState, TrayIconBuilder, TrayIconEvent};
use tauri::{App, AppHandle, Manager, Wry};

const ID: &str = "main";
const OPEN: &str = "open";
const SYNC: &str = "sync";
const QUIT: &str = "quit";

/// The menu's line with the number: not every desktop shows a tooltip.
struct WaitingLine(MenuItem<Wry>);

/// # Errors
/// When the system has no tray to offer.
pub fn create(app: &App) -> tauri::Result<()> {
    let waiting = MenuItem::with_id(app, "waiting", waiting_text(0), false, None::<&str>)?;
    let open = MenuItem::with_id(app, OPEN, "Open Countersign", true, None::<&str>)?;
    let sync = MenuItem::with_id(app, SYNC, "Synchronise now", true, None::<&str>)?;
    let quit = MenuItem::with_id(app, QUIT, "Quit", true, None::<&str>)?;
    let line = PredefinedMenuItem::separator(app)?;
    let menu = Menu::with_items(app, &[&waiting, &open, &sync, &line, &quit])?;
    let mut tray = TrayIconBuilder::with_id(ID)
        .menu(&menu)
        .tooltip(waiting_text(0))
        .show_menu_on_left_click(false)
        .on_menu_event(on_menu)
        .on_tray_icon_event(|tray, event| {
            if let TrayIconEvent::Click {
                button: MouseButton::Left,
                button_state: MouseButtonState::Up,
                ..
            } = event
            {
                window::show(tray.app_handle());
            }
        });
    if let Some(icon) = app.default_window_icon() {
        tray = tray.icon(icon.clone());
    }
    tray.build(app)?;
    app.manage(WaitingLine(waiting));
    Ok(())
}

fn on_menu(app: &AppHandle, event: MenuEvent) {
    match event.id().as_ref() {
        OPEN => window::show(app),
        SYNC => {
            let app = app.clone();
            tauri::async_runtime::spawn(async move { sync_all(&app).await });
        }
        QUIT => app.exit(0),
        _ => {}
    }
}

async fn sync_all(app: &AppHandle) {
    let Some(running) = app.state::<Startup>().running() else {
        return;
    };
    let partners = match running.engine.partners() {
        Ok(partners) => partners,
        Err(error) => return tracing::warn!(%error, "the partners cannot be read"),
    };
    for partner in partners {
        if let Err(error) = running.engine.sync_now(&partner.id).await {
            tracing::warn!(%error, partner = %partner.id, "synchronising on request failed");
        }
    }
}

/// Shows how many documents wait for the person.
pub fn show_waiting(app: &AppHandle, waiting: i64) {
    let text = waiting_text(waiting);
    if let Some(line) = app.try_state::<WaitingLine>() {
        let _ = line.0.set_text(&text);
    }
    if let Some(tray) = app.tray_by_id(ID) {
        let _ = tray.set_tooltip(Some(&text));
        // Shown beside the icon where the desktop has room for it.
        let title = (waiting > 0).then(|| waiting.to_string());
        let _ = tray.set_title(title.as_deref());
    }
}

fn waiting_text(waiting: i64) -> String {
    match waiting {
        0 => "Countersign: nothing waits".into(),
        1 => "Countersign: 1 document waits for you".into(),
        n => format!("Countersign: {n} documents wait for you"),
    }
}
