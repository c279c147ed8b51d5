//! The token of the API: made once, kept in the data folder for its owner alone.

use super::failure::Failure;
use super::settings::reason;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::io::Write;
use std::path::Path;
use sync_engine::settings::{TOKEN_FILE, mode_open_to_others};

const TOKEN_VARIABLE: &str = "COUNTERSIGN_TOKEN";
const TOKEN_BYTES: usize = 32;
const MIN_TOKEN_CHARS: usize = 16;

/// The token from the environment, else from the file, which the first call writes.
///
/// # Errors
/// When the file cannot be written, may be read by others, or holds no token.
pub fn load_or_make(data_dir: &Path) -> Result<String, Failure> {
    if let Ok(token) = std::env::var(TOKEN_VARIABLE) {
        return checked(token.trim(), TOKEN_VARIABLE);
    }
    let path = data_dir.join(TOKEN_FILE);
    let shown = path.display().to_string();
    match std::fs::read_to_string(&path) {
        Ok(text) => {
            only_for_owner(&path)?;
            checked(text.trim(), &shown)
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            let token = URL_SAFE_NO_PAD.encode(rand::random::<[u8; TOKEN_BYTES]>());
            write_private(&path, &token)
                .map_err(|e| Failure::failed(format!("the token file {shown} cannot be written: {}", reason(&e))))?;
            Ok(token)
        }
        Err(e) => Err(Failure::failed(format!(
            "the token file {shown} cannot be read: {}",
            reason(&e)
        ))),
    }
}

fn checked(token: &str, source: &str) -> Result<String, Failure> {
    if token.len() < MIN_TOKEN_CHARS || !token.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(Failure::configuration(format!(
            "the token in {source} is not usable: it must be at least {MIN_TOKEN_CHARS} letters, digits or signs"
        )));
    }
    Ok(token.to_owned())
}

fn write_private(path: &Path, token: &str) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    file.write_all(token.as_bytes())?;
    file.sync_all()
}

/// Refuses a token file that others can read. On Windows the data folder's rights protect it.
fn only_for_owner(path: &Path) -> Result<(), Failure> {
    if let Some(mode) = mode_open_to_others(path) {
        let shown = path.display();
        return Err(
            Failure::configuration(format!("others may read the token file {shown} (mode {mode:o})"))
                .hint(format!("delete it to get a new token, or: chmod 600 {shown}")),
        );
    }
    Ok(())
}
