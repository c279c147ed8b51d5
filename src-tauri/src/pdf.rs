//! A document's PDF: saved where the person says, or opened with the system's viewer.

use crate::bridge::{Answer, call};
use crate::startup::Startup;
use std::path::{Path, PathBuf};
use tauri::{AppHandle, State};
use tauri_plugin_dialog::DialogExt;
use tauri_plugin_opener::OpenerExt;

/// Folder of the files that were opened; emptied at every start.
const OPENED: &str = "opened";
const MAX_NAME_CHARS: usize = 120;

/// Saves the PDF at `path` of the API. `false` when the person changed their mind.
///
/// # Errors
/// The engine's problem document as text, or a sentence for what went wrong here.
#[tauri::command]
pub async fn save_pdf(
    app: AppHandle,
    startup: State<'_, Startup>,
    path: String,
    file_name: String,
) -> Result<bool, String> {
    let pdf = fetch(&startup, &path).await?;
    let name = safe_name(&file_name);
    let to = match &startup.save_dir {
        Some(dir) => Some(dir.join(name)),
        None => ask(&app, &name).await,
    };
    match to {
        Some(to) => write(&to, &pdf).await.map(|()| true),
        None => Ok(false),
    }
}

/// Opens the PDF at `path` of the API with the program that the system has for PDFs.
///
/// # Errors
/// The engine's problem document as text, or a sentence for what went wrong here.
#[tauri::command]
pub async fn open_pdf(
    app: AppHandle,
    startup: State<'_, Startup>,
    path: String,
    file_name: String,
) -> Result<(), String> {
    let pdf = fetch(&startup, &path).await?;
    let to = startup.data_dir.join(OPENED).join(safe_name(&file_name));
    write(&to, &pdf).await?;
    app.opener()
        .open_path(to.to_string_lossy(), None::<&str>)
        .map_err(|e| format!("No program opened {}: {e}", to.display()))
}

/// Removes what earlier runs opened. A viewer may still hold a file: that one stays for the next time.
pub fn clear_opened(data_dir: &Path) {
    if let Err(error) = std::fs::remove_dir_all(data_dir.join(OPENED))
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(%error, "opened files of an earlier run stay");
    }
}

async fn fetch(startup: &Startup, path: &str) -> Result<Vec<u8>, String> {
    let running = startup.ready().await?;
    let Answer {
        status,
        media_type,
        body,
    } = call(running.router, "GET", path, None).await?;
    match (status.is_success(), media_type.as_str()) {
        (true, "application/pdf") => Ok(body),
        (true, other) => Err(format!("{path} is no PDF but {other}")),
        (false, _) => Err(String::from_utf8_lossy(&body).into_owned()),
    }
}

async fn ask(app: &AppHandle, name: &str) -> Option<PathBuf> {
    let (tell, told) = tokio::sync::oneshot::channel();
    app.dialog()
        .file()
        .set_title("Save the PDF")
        .set_file_name(name)
        .add_filter("PDF", &["pdf"])
        .save_file(move |chosen| {
            // The page went away meanwhile when nobody listens: there is nothing to save then.
            let _ = tell.send(chosen);
        });
    told.await.ok().flatten().and_then(|chosen| chosen.into_path().ok())
}

async fn write(to: &Path, pdf: &[u8]) -> Result<(), String> {
    let told = |e: std::io::Error| format!("{} cannot be written: {e}", to.display());
    if let Some(folder) = to.parent() {
        tokio::fs::create_dir_all(folder).await.map_err(told)?;
    }
    tokio::fs::write(to, pdf).await.map_err(told)
}

/// A name without folders or what a file system refuses, ending in `.pdf`. Document numbers come from partners.
fn safe_name(name: &str) -> String {
    let kept: String = name
        .chars()
        .map(|c| match c {
            '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' => '-',
            c if c.is_control() => '-',
            c => c,
        })
        .take(MAX_NAME_CHARS)
        .collect();
    let stem = kept.trim_end_matches(".pdf").trim_matches(['.', ' ', '-']);
    match stem {
        "" => "document.pdf".into(),
        stem => format!("{stem}.pdf"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe() {
        let cases = [
            ("PO-4711 v2.pdf", "PO-4711 v2.pdf"),
            ("PO-4711", "PO-4711.pdf"),
            ("../../etc/passwd", "etc-passwd.pdf"),
            ("C:\\Windows\\x.pdf", "C--Windows-x.pdf"),
            ("订单 7.pdf", "订单 7.pdf"),
            ("a\nb\0.pdf", "a-b.pdf"),
            ("...", "document.pdf"),
            ("", "document.pdf"),
        ];
        for (given, safe) in cases {
            assert_eq!(safe_name(given), safe, "{given:?}");
        }
        assert!(safe_name(&"x".repeat(5_000)).len() <= MAX_NAME_CHARS + 4);
    }
}
