//! Files of the API: saved where the person says, or opened with the system's viewer.

use crate::bridge::{Answer, call};
use crate::startup::Startup;
use std::path::{Path, PathBuf};
use tauri::{AppHandle, State};
use tauri_plugin_dialog::DialogExt;
use tauri_plugin_opener::OpenerExt;

/// Folder of the files that were opened; emptied at every start.
const OPENED: &str = "opened";
const MAX_NAME_CHARS: usize = 120;

/// A kind of file that the page may have saved.
struct Form {
    media_type: &'static str,
    /// Without the dot.
    extension: &'static str,
    title: &'static str,
    filter: &'static str,
}

const PDF: Form = Form {
    media_type: "application/pdf",
    extension: "pdf",
    title: "Save the PDF",
    filter: "PDF",
};
const ZIP: Form = Form {
    media_type: "application/zip",
    extension: "zip",
    title: "Save the diagnostics",
    filter: "Zip",
};

/// Saves the PDF or the zip at `path` of the API. `false` when the person changed their mind.
///
/// # Errors
/// The engine's problem document as text, or a sentence for what went wrong here.
#[tauri::command]
pub async fn save_file(
    app: AppHandle,
    startup: State<'_, Startup>,
    path: String,
    file_name: String,
) -> Result<bool, String> {
    let (form, bytes) = fetch(&startup, &path, &[PDF, ZIP]).await?;
    let name = safe_name(&file_name, form.extension);
    let to = match &startup.save_dir {
        Some(dir) => Some(dir.join(name)),
        None => ask(&app, &name, form).await,
    };
    match to {
        Some(to) => write(&to, &bytes).await.map(|()| true),
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
    let (form, bytes) = fetch(&startup, &path, &[PDF]).await?;
    let name = safe_name(&file_name, form.extension);
    // In a folder of its own: another partner's document of the same number may be open in a viewer.
    let to = startup.data_dir.join(OPENED).join(place(&path)).join(name);
    write(&to, &bytes).await?;
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

async fn fetch(startup: &Startup, path: &str, forms: &'static [Form]) -> Result<(&'static Form, Vec<u8>), String> {
    let running = startup.ready().await?;
    let Answer {
        status,
        media_type,
        body,
    } = call(running.router, "GET", path, None).await?;
    if !status.is_success() {
        return Err(String::from_utf8_lossy(&body).into_owned());
    }
    match forms.iter().find(|form| form.media_type == media_type) {
        Some(form) => Ok((form, body)),
        None => Err(format!("{path} is {media_type}, which is not handed on as a file")),
    }
}

async fn ask(app: &AppHandle, name: &str, form: &Form) -> Option<PathBuf> {
    let (tell, told) = tokio::sync::oneshot::channel();
    app.dialog()
        .file()
        .set_title(form.title)
        .set_file_name(name)
        .add_filter(form.filter, &[form.extension])
        .save_file(move |chosen| {
            // The page went away meanwhile when nobody listens: there is nothing to save then.
            let _ = tell.send(chosen);
        });
    told.await.ok().flatten().and_then(|chosen| chosen.into_path().ok())
}

async fn write(to: &Path, bytes: &[u8]) -> Result<(), String> {
    let told = |e: std::io::Error| format!("{} cannot be written: {e}", to.display());
    if let Some(folder) = to.parent() {
        tokio::fs::create_dir_all(folder).await.map_err(told)?;
    }
    tokio::fs::write(to, bytes).await.map_err(told)
}

/// A name without folders or what a file system refuses, with that ending. Document numbers come from partners.
fn safe_name(name: &str, extension: &str) -> String {
    let kept: String = name
        .chars()
        .map(|c| match c {
            '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' => '-',
            c if c.is_control() => '-',
            c => c,
        })
        .take(MAX_NAME_CHARS)
        .collect();
    let stem = kept.strip_suffix(&format!(".{extension}")).unwrap_or(&kept);
    match stem.trim_matches(['.', ' ', '-']) {
        "" => format!("document.{extension}"),
        stem => format!("{stem}.{extension}"),
    }
}

/// A folder's name for what a path of the API names, its parameters left out.
fn place(path: &str) -> String {
    let named = path.split('?').next().unwrap_or_default();
    let kept = named.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' });
    kept.take(MAX_NAME_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_document_is_opened_in_a_place_of_its_own() {
        assert_eq!(
            place("/api/v1/documents/12/print?version=3"),
            "-api-v1-documents-12-print"
        );
        assert_ne!(place("/api/v1/documents/1/print"), place("/api/v1/documents/2/print"));
        assert_eq!(place("/../x"), "----x");
    }

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
            assert_eq!(safe_name(given, "pdf"), safe, "{given:?}");
        }
        assert!(safe_name(&"x".repeat(5_000), "pdf").len() <= MAX_NAME_CHARS + 4);
        assert_eq!(
            safe_name("countersign-diagnostics-20270301-080000.zip", "zip"),
            "countersign-diagnostics-20270301-080000.zip"
        );
    }
}
