//! Takes secrets out of everything that is shown or kept.

use std::sync::{PoisonError, RwLock};

/// The secrets that were read or given out in this process, in the forms in which they travel.
#[derive(Default)]
pub(crate) struct Redactor {
    needles: RwLock<Vec<String>>,
}

/// Shorter texts would turn ordinary words into asterisks; no real secret is that short.
const SHORTEST: usize = 6;
/// Tokens that were renewed are forgotten after this many.
const MOST: usize = 64;

impl Redactor {
    pub fn learn(&self, secret: &str) {
        if secret.len() < SHORTEST {
            return;
        }
        let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let mut needles = self.needles.write().unwrap_or_else(PoisonError::into_inner);
        for form in [secret.to_owned(), encoded] {
            if !needles.contains(&form) {
                needles.push(form);
            }
        }
        let surplus = needles.len().saturating_sub(MOST);
        needles.drain(..surplus);
    }

    pub fn clean(&self, text: &str) -> String {
        let needles = self.needles.read().unwrap_or_else(PoisonError::into_inner);
        let mut text = text.to_owned();
        for needle in needles
            .iter()
            .filter(|n| text.contains(n.as_str()))
            .cloned()
            .collect::<Vec<_>>()
        {
            text = text.replace(&needle, "***");
        }
        text
    }
}
