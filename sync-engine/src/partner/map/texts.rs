//! Texts that a partner gives in several languages.

use super::directives::Compile;
use super::values::text;
use crate::partner::config::mistakes::child;
use serde_json::{Map, Value};

/// Names under which partners give the language of a text, and the text.
const LANGUAGE: &[&str] = &[
    "language",
    "lang",
    "languageCode",
    "languageTag",
    "languageID",
    "locale",
    "@lang",
    "@language",
    "@languageID",
];
const TEXT: &[&str] = &["text", "value", "#text", "content", "description", "name"];

/// Languages in the order in which they are wanted.
#[derive(Debug)]
pub(crate) struct Languages {
    wanted: Vec<String>,
    language: Option<String>,
    text: Option<String>,
}

impl Languages {
    /// `["de", "en"]`, or `{"languages": [...], "language": "lang", "text": "value"}`.
    pub fn compile(map: &Map<String, Value>, pointer: &str, ctx: &mut Compile<'_>) -> Option<Self> {
        const FIELDS: [&str; 3] = ["languages", "language", "text"];
        let value = map.get("$text")?;
        let pointer = child(pointer, "$text");
        let (list, names) = match value {
            Value::Object(object) => {
                for key in object.keys().filter(|k| !FIELDS.contains(&k.as_str())) {
                    let message = format!("there is no field \"{key}\" here");
                    ctx.mistakes.unknown(child(&pointer, key), message, key, FIELDS);
                }
                (object.get("languages"), Some(object))
            }
            list => (Some(list), None),
        };
        let wanted: Option<Vec<String>> = list
            .and_then(Value::as_array)
            .filter(|list| !list.is_empty())
            .and_then(|list| list.iter().map(|l| Some(l.as_str()?.to_lowercase())).collect());
        if wanted.is_none() {
            ctx.mistakes
                .add(&*pointer, "a list of languages is expected, such as [\"de\", \"en\"]");
        }
        let name = |name: &str| names?.get(name)?.as_str().map(str::to_owned);
        Some(Self {
            language: name("language"),
            text: name("text"),
            wanted: wanted?,
        })
    }

    /// The text in the first language that there is; else one without a language, else the first at all.
    pub fn pick<'v>(&self, value: &'v Value) -> Result<Option<&'v Value>, String> {
        let mut found: Vec<(Option<&str>, &Value)> = Vec::new();
        self.texts(value, None, &mut found)?;
        let rank = |language: &Option<&str>| match language {
            None => self.wanted.len(),
            Some(language) => {
                let of = language.to_lowercase();
                let fits = |wanted: &String| {
                    of.strip_prefix(wanted.as_str())
                        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_']))
                };
                self.wanted.iter().position(fits).unwrap_or(self.wanted.len() + 1)
            }
        };
        Ok(found
            .into_iter()
            .min_by_key(|(language, _)| rank(language))
            .map(|(_, text)| text))
    }

    /// Every text that is not empty, with its language where it names one.
    fn texts<'v>(
        &self,
        value: &'v Value,
        language: Option<&'v str>,
        found: &mut Vec<(Option<&'v str>, &'v Value)>,
    ) -> Result<(), String> {
        match value {
            Value::Array(list) => list.iter().try_for_each(|v| self.texts(v, language, found)),
            Value::Object(map) => {
                let named = |own: &Option<String>, usual: &[&str]| match own {
                    Some(name) => map.get(name),
                    None => usual.iter().find_map(|name| map.get(*name)),
                };
                match named(&self.text, TEXT) {
                    Some(text) => {
                        let language = named(&self.language, LANGUAGE).and_then(Value::as_str);
                        self.texts(text, language, found)
                    }
                    // By language: {"de": "…", "en": "…"}.
                    None => map
                        .iter()
                        .filter(|(key, _)| !key.starts_with(['@', '#']))
                        .try_for_each(|(language, text)| self.texts(text, Some(language), found)),
                }
            }
            scalar => {
                if text(scalar)?.is_some() {
                    found.push((language, scalar));
                }
                Ok(())
            }
        }
    }
}
