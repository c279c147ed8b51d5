//! How WebKit draws where there is no graphics card.

use std::ffi::OsStr;
use std::path::Path;

/// WebKit's own switch; `0` leaves it as it is.
const NO_COMPOSITING: &str = "WEBKIT_DISABLE_COMPOSITING_MODE";
const GRAPHICS_CARDS: &str = "/dev/dri";

/// Lets WebKit draw without OpenGL where OpenGL is worked out by the processor: each frame of a list then costs tens of
/// milliseconds, and a scroll bar that fades keeps two cores busy for seconds. Whoever set the switch keeps it.
///
/// To be called first: it changes the environment.
pub fn choose() {
    if std::env::var_os(NO_COMPOSITING).is_none() && !has_card(Path::new(GRAPHICS_CARDS)) {
        // SAFETY: this is the first that the program does; no other thread is there that could read the environment.
        unsafe { std::env::set_var(NO_COMPOSITING, "1") };
    }
}

/// Whether the kernel offers a card that draws.
fn has_card(cards: &Path) -> bool {
    let draws = |name: &OsStr| name.to_string_lossy().starts_with("renderD");
    std::fs::read_dir(cards).is_ok_and(|cards| cards.flatten().any(|card| draws(&card.file_name())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_card_that_draws_counts() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        assert!(!has_card(&dir.path().join("dri")), "no folder");
        std::fs::write(dir.path().join("card0"), "").expect("written");
        assert!(!has_card(dir.path()), "a screen alone");
        std::fs::write(dir.path().join("renderD128"), "").expect("written");
        assert!(has_card(dir.path()));
    }
}
