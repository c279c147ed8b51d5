//! What of a text may be handed on.

use crate::doctor::Installation;
use crate::redact;
use serde_json::{Map, Value, json};
use std::path::Path;
use url::Url;

const MASK: &str = "***";
/// Names of headers, parameters and fields whose value is a secret; a part of the name is enough.
const SECRET_NAMES: [&str; 12] = [
    "secret",
    "token",
    "passw",
    "pwd",
    "credential",
    "auth",
    "apikey",
    "-key",
    "_key",
    "signature",
    "cookie",
    "session",
];
/// ... whole names.
const SECRET_WORDS: [&str; 6] = ["key", "sig", "pass", "pin", "code", "otp"];
/// Fields of a configuration that are named alike and hold no secret.
const NO_SECRETS: [&str; 2] = ["tokenUrl", "clientAuthentication"];
/// For editors and people: it may say anything.
const COMMENTS: [&str; 2] = ["$comment", "comment"];
/// A word this long with letters and digits is no name.
const RANDOM_CHARS: usize = 20;
/// Fields of a log line whose texts are ours: names of the configuration, codes, states, ids.
const LOG_FIELDS: [&str; 22] = [
    "partner",
    "stream",
    "kind",
    "subject",
    "code",
    "step",
    "state",
    "act",
    "told",
    "mode",
    "company",
    "method",
    "address",
    "version",
    "holder",
    "lease",
    "operation",
    "place",
    "file",
    "dir",
    "folder",
    "path",
];
/// Rooms whose errors are SQLite's or the system's words and quote nothing of a document.
const PLAIN_ERRORS: [&str; 3] = [
    "store::sqlite::disk",
    "store::sqlite::checkpoint",
    "store::sqlite::care",
];
/// Whose messages are constant texts: the names of the crates.
const OURS: [&str; 3] = ["sync_engine", "countersign", "countersign_desktop"];

/// What stands for a text that is left out.
pub fn left_out(text: &str) -> String {
    format!("(left out, {} characters)", text.chars().count())
}

/// SQLite names tables, pages and rows; a row's own text is never in it, and what is not known is left out.
pub fn quick_check(said: &str) -> String {
    let known = ["ok", "Tree ", "Page ", "row ", "wrong # of entries", "*** in database"];
    match known.iter().any(|start| said.starts_with(start)) {
        true => said.to_owned(),
        false => left_out(said),
    }
}

/// For every text on its way into the bundle.
pub struct Cleaner {
    /// Folders with what stands for them, the longest first.
    folders: Vec<(String, &'static str)>,
}

impl Cleaner {
    pub fn of(data_dir: &Path, partners_dir: &Path) -> Self {
        let mut folders = Vec::new();
        let mut add = |path: &Path, shown| {
            let forms = [
                Some(path.to_owned()),
                path.canonicalize().ok(),
                std::path::absolute(path).ok(),
            ];
            for form in forms.into_iter().flatten() {
                let text = form.display().to_string();
                if text.len() > 1 {
                    // As JSON has it on Windows, too.
                    folders.push((text.replace('\\', "\\\\"), shown));
                    folders.push((text, shown));
                }
            }
        };
        add(data_dir, "<data>");
        add(partners_dir, "<partners>");
        for variable in ["HOME", "USERPROFILE"] {
            if let Some(home) = std::env::var_os(variable) {
                add(Path::new(&home), "<home>");
            }
        }
        folders.sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
        folders.dedup();
        Self { folders }
    }

    /// Every text in it, names too. The text of the whole could lose its form.
    pub fn value(&self, value: Value) -> Value {
        match value {
            Value::String(text) => self.text(&text).into(),
            Value::Array(items) => items.into_iter().map(|item| self.value(item)).collect(),
            Value::Object(fields) => {
                let fields = fields
                    .into_iter()
                    .map(|(name, value)| (self.text(&name), self.value(value)));
                Value::Object(fields.collect())
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => value,
        }
    }

    pub fn text(&self, text: &str) -> String {
        let mut text = redact::for_log(text);
        for (folder, shown) in &self.folders {
            if text.contains(folder.as_str()) {
                text = text.replace(folder.as_str(), shown);
            }
        }
        text
    }
}

/// The settings in force, by what is known of them.
pub fn settings(installation: &Installation) -> Value {
    let settings = match &installation.settings {
        Ok(settings) => settings,
        Err(error) => return json!({ "file": error.path, "refused": left_out(&error.reason) }),
    };
    let log = &settings.log;
    let loki = log.loki.as_ref().map(|loki| {
        json!({
            "url": address(loki.url.as_str()), "labels": loki.labels.keys().collect::<Vec<_>>(),
            "tenant": loki.tenant.is_some(), "user": loki.user.is_some(), "secret": loki.secret,
        })
    });
    json!({
        "file": settings.path.as_ref().map(|p| p.display().to_string()),
        "company": settings.company,
        "letterhead": settings.letterhead.is_some(),
        "partnersDir": settings.partners_dir.as_ref().map(|p| p.display().to_string()),
        "listen": settings.listen, "hosts": settings.hosts.as_ref().map(Vec::len), "hooks": settings.hooks,
        "care": {
            "keepDays": settings.care.keep_days, "backupHours": settings.care.backup_hours,
            "keepBackups": settings.care.keep_backups,
        },
        "log": {
            "level": log.level, "maxFileMebibytes": log.max_file_mebibytes, "keepFiles": log.keep_files, "loki": loki,
        },
    })
}

/// An address without user, and with its query's values masked.
fn address(text: &str) -> String {
    let Ok(mut url) = Url::parse(text) else {
        return words(text);
    };
    if url.cannot_be_a_base() {
        return words(text);
    }
    // An address that cannot have a user or a password has none.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_fragment(None);
    let names: Vec<String> = url.query_pairs().map(|(name, _)| name.into_owned()).collect();
    url.set_query(None);
    let mut shown = words(url.as_str());
    for (at, name) in names.iter().enumerate() {
        shown.push_str(if at == 0 { "?" } else { "&" });
        shown.push_str(&words(name));
        shown.push_str("=***");
    }
    shown
}

/// A partner's configuration with what looks like a secret masked.
pub fn configuration(value: &Value) -> Value {
    member("", value)
}

fn member(name: &str, value: &Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(object(name, fields)),
        Value::Array(items) => items.iter().map(|item| member(name, item)).collect(),
        Value::String(text) => text_of(name, text).into(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

fn object(name: &str, fields: &Map<String, Value>) -> Map<String, Value> {
    // The name of a secret in the store is no secret.
    if fields.len() == 1 && fields.contains_key("secret") {
        return fields.clone();
    }
    let kept = fields.iter().filter(|(name, _)| !COMMENTS.contains(&name.as_str()));
    kept.map(|(field, value)| {
        // What is said in more words belongs to the name above it.
        let of = if matches!(field.as_str(), "value" | "text" | "$value" | "$default") {
            name
        } else {
            field
        };
        (field.clone(), member(of, value))
    })
    .collect()
}

fn text_of(name: &str, text: &str) -> String {
    // A path into a document says where, not what.
    let in_path = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '[' | ']');
    let is_path = text.starts_with('.') && text.chars().all(in_path);
    if is_secret_name(name) && !is_path {
        return MASK.to_owned();
    }
    if text.contains("://") {
        address(text)
    } else {
        words(text)
    }
}

fn is_secret_name(name: &str) -> bool {
    if NO_SECRETS.contains(&name) {
        return false;
    }
    let small = name.to_ascii_lowercase();
    SECRET_NAMES.iter().any(|part| small.contains(part)) || SECRET_WORDS.contains(&small.as_str())
}

/// Words that nobody chose are masked.
fn words(text: &str) -> String {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '+' | '=' | '~');
    let is_random = |word: &str| {
        word.len() >= RANDOM_CHARS
            && word.bytes().any(|b| b.is_ascii_digit())
            && word.bytes().any(|b| b.is_ascii_alphabetic())
    };
    let mut shown = String::with_capacity(text.len());
    let mut word = String::new();
    for c in text.chars() {
        if is_part(c) {
            word.push(c);
            continue;
        }
        shown.push_str(if is_random(&word) { MASK } else { &word });
        word.clear();
        shown.push(c);
    }
    shown.push_str(if is_random(&word) { MASK } else { &word });
    shown
}

/// A line of the log with the texts that are ours; what is no line of ours is left out.
pub fn log_line(line: &str) -> String {
    let Ok(Value::Object(mut entry)) = serde_json::from_str::<Value>(line) else {
        return left_out(line);
    };
    let target = entry
        .get("target")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    let (name, room) = target.split_once("::").unwrap_or((&target, ""));
    let (ours, plain) = (OURS.contains(&name), PLAIN_ERRORS.contains(&room));
    entry.retain(|name, _| matches!(name.as_str(), "timestamp" | "level" | "target" | "fields"));
    if let Some(Value::Object(fields)) = entry.get_mut("fields") {
        for (name, value) in fields.iter_mut() {
            let known = LOG_FIELDS.contains(&name.as_str()) || name == "message" || (plain && name == "error");
            if let Value::String(text) = value
                && !(ours && known)
            {
                *text = left_out(text);
            }
            if value.is_object() || value.is_array() {
                *value = left_out(&value.to_string()).into();
            }
        }
    }
    Value::Object(entry).to_string()
}

#[cfg(test)]
mod tests;
