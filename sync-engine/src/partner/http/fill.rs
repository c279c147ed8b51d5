//! Secrets inside of requests. What is stored of a request names them; their values are put in when it leaves.

use super::token::TokenError;
use super::vault::Vault;
use crate::partner::RenderedRequest;
use crate::partner::config::TextOrSecret;
use crate::partner::map::secret_place::{AFTER, BEFORE};
use std::borrow::Cow;
use url::Url;
use url::form_urlencoded::byte_serialize;

/// How a value is written where it stands.
#[derive(Clone, Copy)]
enum Written {
    Json,
    Xml,
    Form,
    Plain,
}

impl Written {
    fn of(media_type: &str) -> Self {
        let media_type = media_type.to_ascii_lowercase();
        if media_type.contains("json") {
            Self::Json
        } else if media_type.contains("xml") {
            Self::Xml
        } else if media_type.contains("x-www-form-urlencoded") {
            Self::Form
        } else {
            Self::Plain
        }
    }

    fn write(self, text: &str) -> String {
        match self {
            Self::Json => {
                let quoted = serde_json::Value::from(text).to_string();
                quoted[1..quoted.len() - 1].to_owned()
            }
            Self::Xml => text
                .replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('>', "&gt;")
                .replace('"', "&quot;"),
            Self::Form => byte_serialize(text.as_bytes()).collect(),
            Self::Plain => text.to_owned(),
        }
    }
}

/// Where the secrets of requests come from.
pub(super) struct Filling<'a> {
    /// Those that the configuration puts into requests; no other one is ever filled in.
    pub names: &'a [String],
    pub vault: &'a Vault,
}

impl Filling<'_> {
    /// The body as it leaves.
    ///
    /// # Errors
    /// `Refused` when a secret is not in the store.
    pub fn body<'r>(&self, request: &'r RenderedRequest) -> Result<Cow<'r, [u8]>, TokenError> {
        if self.names.is_empty() {
            return Ok(Cow::Borrowed(&request.body));
        }
        let Ok(text) = std::str::from_utf8(&request.body) else {
            return Ok(Cow::Borrowed(&request.body));
        };
        let written = Written::of(&request.media_type);
        let read = |name: &str| self.value(name, written);
        Ok(match filled(text, written, self.names, read)? {
            Cow::Borrowed(_) => Cow::Borrowed(&request.body),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        })
    }

    /// Fills the parameters of an address.
    ///
    /// # Errors
    /// `Refused` when a secret is not in the store.
    pub fn query(&self, url: &mut Url) -> Result<(), TokenError> {
        let Some(query) = url.query().filter(|_| !self.names.is_empty()) else {
            return Ok(());
        };
        let read = |name: &str| self.value(name, Written::Form);
        let full = filled(query, Written::Form, self.names, read)?.into_owned();
        url.set_query(Some(&full));
        Ok(())
    }

    fn value(&self, name: &str, written: Written) -> Result<String, TokenError> {
        let secret = self.vault.read(&TextOrSecret::Secret(name.to_owned()))?;
        let text = written.write(secret.expose());
        self.vault.redactor.learn(&text);
        Ok(text)
    }
}

/// The text with `mask` in the places of secrets: for people.
pub(super) fn masked(text: &str, names: &[String], mask: &str) -> String {
    let put = |_: &str| Ok::<_, std::convert::Infallible>(mask.to_owned());
    let Ok(plain) = filled(text, Written::Plain, names, put);
    let Ok(full) = filled(&plain, Written::Form, names, put);
    full.into_owned()
}

fn filled<'t, E>(
    text: &'t str,
    written: Written,
    names: &[String],
    value: impl Fn(&str) -> Result<String, E>,
) -> Result<Cow<'t, str>, E> {
    let mut text = Cow::Borrowed(text);
    for name in names {
        let place = format!("{BEFORE}{name}{AFTER}");
        let place = match written {
            Written::Form => byte_serialize(place.as_bytes()).collect(),
            Written::Json | Written::Xml | Written::Plain => place,
        };
        if text.contains(&place) {
            text = Cow::Owned(text.replace(&place, &value(name)?));
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_is_filled_as_its_text_is_written() {
        let names = vec!["acme.key".to_owned()];
        let put = |written: Written| move |_: &str| Ok::<_, std::convert::Infallible>(written.write("a\"b&c d"));
        let place = format!("{BEFORE}acme.key{AFTER}");
        let form: String = byte_serialize(place.as_bytes()).collect();
        for (text, written, expected) in [
            (format!("{{\"k\":\"{place}\"}}"), Written::Json, r#"{"k":"a\"b&c d"}"#),
            (format!("<k>{place}</k>"), Written::Xml, "<k>a&quot;b&amp;c d</k>"),
            (format!("k={form}&l=1"), Written::Form, "k=a%22b%26c+d&l=1"),
            (format!("{place};"), Written::Plain, "a\"b&c d;"),
            ("none".to_owned(), Written::Json, "none"),
            (
                format!("{BEFORE}other{AFTER}"),
                Written::Json,
                &format!("{BEFORE}other{AFTER}"),
            ),
        ] {
            let Ok(full) = filled(&text, written, &names, put(written));
            assert_eq!(full, expected);
        }
        assert_eq!(masked(&format!("{place} {form}"), &names, "***"), "*** ***");
    }
}
