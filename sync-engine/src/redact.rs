//! Takes secrets out of everything that is shown or kept.

use regex::Regex;
use std::borrow::Cow;
use std::sync::{LazyLock, PoisonError, RwLock};

/// The secrets that were read or given out, in the forms in which they travel.
#[derive(Default)]
pub struct Redactor {
    needles: RwLock<Vec<String>>,
}

/// Shorter texts would turn ordinary words into asterisks; no real secret is that short.
const SHORTEST: usize = 6;
/// Tokens that were renewed are forgotten after this many.
const MOST: usize = 64;
const MOST_OF_PROCESS: usize = 1024;

/// What every partner's redactor has learned: for the log, which has lines of all of them.
static PROCESS: LazyLock<Redactor> = LazyLock::new(Redactor::default);

/// What looks like a secret wherever it stands, whoever forgot to say so: an Authorization value, a named credential in
/// JSON, a query or a form, the user's part of an address.
static SHAPES: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
    [
        (
            r#"(?i)(authorization\\?"?\s*[:=]\s*\\?"?(?:bearer|basic|token)?\s*)[^\s"\\,;}]+"#,
            "$1***",
        ),
        (r"\bBearer\s+[A-Za-z0-9._~+/=-]{12,}", "Bearer ***"),
        (
            r#"(?i)\b(client_secret|refresh_token|access_token|id_token|client_assertion|password|api[_-]?key|token)(\\?"?\s*[:=]\s*\\?"?)[^\s"\\&,;}]+"#,
            "$1$2***",
        ),
        (r"://[^/\s@]+@", "://***@"),
    ]
    .into_iter()
    // Constant patterns: a test compiles them all.
    .filter_map(|(pattern, with)| Some((Regex::new(pattern).ok()?, with)))
    .collect()
});

impl Redactor {
    /// Notes a secret here and for the log.
    pub fn learn(&self, secret: &str) {
        self.note(secret, MOST);
        learn(secret);
    }

    fn note(&self, secret: &str, most: usize) {
        if secret.len() < SHORTEST {
            return;
        }
        let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let escaped = serde_json::Value::from(secret).to_string();
        let escaped = escaped[1..escaped.len() - 1].to_owned();
        let mut needles = self.needles.write().unwrap_or_else(PoisonError::into_inner);
        for form in [secret.to_owned(), encoded, escaped] {
            // The newest stand last: one that is used again and again is never the oldest.
            if needles.last() != Some(&form) {
                needles.retain(|known| *known != form);
                needles.push(form);
            }
        }
        let surplus = needles.len().saturating_sub(most);
        needles.drain(..surplus);
    }

    /// The text with every learned secret as `***`.
    pub fn clean(&self, text: &str) -> String {
        let needles = self.needles.read().unwrap_or_else(PoisonError::into_inner);
        let mut text = text.to_owned();
        for needle in needles.iter() {
            if text.contains(needle.as_str()) {
                text = text.replace(needle.as_str(), "***");
            }
        }
        text
    }
}

/// Notes a secret for the log alone.
pub fn learn(secret: &str) {
    PROCESS.note(secret, MOST_OF_PROCESS);
}

/// The text without any secret that this process has learned, and without what looks like one.
pub fn for_log(text: &str) -> String {
    let mut text = PROCESS.clean(text);
    for (shape, with) in SHAPES.iter() {
        if let Cow::Owned(changed) = shape.replace_all(&text, *with) {
            text = changed;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Redactor, SHAPES, for_log};

    #[test]
    fn every_shape_is_a_pattern() {
        assert_eq!(SHAPES.len(), 4);
    }

    #[test]
    fn what_was_learned_goes_in_every_form_in_which_it_travels() {
        Redactor::default().learn("s3cr&t \"word\"");
        for text in [
            "a s3cr&t \"word\" b",
            "a s3cr%26t+%22word%22 b",
            r#"a s3cr&t \"word\" b"#,
        ] {
            assert_eq!(for_log(text), "a *** b");
        }
    }

    #[test]
    fn a_secret_that_is_used_all_the_time_is_not_forgotten_for_tokens_that_come_and_go() {
        let redactor = Redactor::default();
        for token in 0..500 {
            redactor.learn("the-client-secret");
            redactor.learn(&format!("token-{token:08}"));
            assert_eq!(redactor.clean("a the-client-secret b"), "a *** b", "token {token}");
        }
    }

    #[test]
    fn what_looks_like_a_secret_goes_though_nobody_said_so() {
        for (text, cleaned) in [
            (r#"{"Authorization":"Basic YTpi"}"#, r#"{"Authorization":"Basic ***"}"#),
            ("sent with Bearer abcdefghijkl.mno", "sent with Bearer ***"),
            (
                "authorization: Bearer abc.def-123 sent",
                "authorization: Bearer *** sent",
            ),
            (
                "?client_id=we&client_secret=xyz&scope=a",
                "?client_id=we&client_secret=***&scope=a",
            ),
            (
                r#"{"access_token":"abc","expires_in":3}"#,
                r#"{"access_token":"***","expires_in":3}"#,
            ),
            (
                r#"{"m":"{\"refresh_token\": \"abc\"}"}"#,
                r#"{"m":"{\"refresh_token\": \"***\"}"}"#,
            ),
            ("https://me:word@host/x", "https://***@host/x"),
            (
                "http://127.0.0.1:7710/#token=abcdef",
                "http://127.0.0.1:7710/#token=***",
            ),
        ] {
            assert_eq!(for_log(text), cleaned);
        }
    }

    #[test]
    fn ordinary_lines_stay_as_they_are() {
        for text in [
            r#"{"level":"INFO","fields":{"message":"partner turned","partner":"acme","told":"Reachable"}}"#,
            "order PO-1 of acme@example.com: the token endpoint answered 200",
            "basic checks passed, a Bearer token is missing",
        ] {
            assert_eq!(for_log(text), text);
        }
    }
}
