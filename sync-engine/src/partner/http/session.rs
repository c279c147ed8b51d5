//! A session that is fetched beforehand (CSRF): its headers and cookies, sent with writes.

use super::answer::Answer;
use super::outcome::{Class, class, retry_after, words};
use super::token::{TokenError, carried, found};
use crate::domain::Timestamp;
use crate::partner::Secret;
use crate::partner::config::Session;
use reqwest::header::{COOKIE, HeaderMap, HeaderValue, SET_COOKIE};
use serde_json::Value;
use std::sync::Arc;
use tokio::sync::Mutex;

pub(crate) struct Sessions {
    pub config: Session,
    /// Held while a session is fetched, so that several ask once.
    pub held: Mutex<Held>,
}

#[derive(Default)]
pub(crate) struct Held {
    pub session: Option<Arc<Kept>>,
    pub count: u64,
}

pub(crate) struct Kept {
    /// Tells a session from the one before it.
    pub number: u64,
    pub headers: HeaderMap,
}

impl Sessions {
    pub fn new(config: Session) -> Self {
        Self {
            config,
            held: Mutex::default(),
        }
    }

    /// # Errors
    /// Why the answer gives no session.
    pub fn read(&self, answer: &Answer, now: Timestamp, learn: impl Fn(&str)) -> Result<HeaderMap, TokenError> {
        let status = Some(answer.status);
        let said = words(answer, None).unwrap_or_else(|| "it does not say why".to_owned());
        let message = format!("the session is refused ({}): {said}", answer.status);
        match class(answer.status) {
            Class::Success | Class::Applied => {}
            Class::Again { .. } => {
                return Err(TokenError::Unavailable {
                    status,
                    message,
                    retry_after: retry_after(&answer.headers, now),
                });
            }
            Class::Credentials | Class::Conflict | Class::Rejected { .. } => {
                return Err(TokenError::Refused { status, message });
            }
        }
        let body = serde_json::from_slice::<Value>(&answer.body).unwrap_or(Value::Null);
        let mut headers = HeaderMap::new();
        for (name, place) in &self.config.headers {
            let Some(value) = found(place, &answer.headers, &body) else {
                return Err(TokenError::Refused {
                    status,
                    message: format!("the answer of session.request has no value for the header {name}"),
                });
            };
            learn(&value);
            let (name, value) = carried(name, "", &Secret::new(value))?;
            headers.insert(name, value);
        }
        let cookies: Vec<&str> = answer
            .headers
            .get_all(SET_COOKIE)
            .iter()
            .filter_map(|c| c.to_str().ok()?.split(';').next())
            .map(str::trim)
            .collect();
        if !cookies.is_empty() {
            cookies
                .iter()
                .filter_map(|c| c.split_once('='))
                .for_each(|(_, value)| learn(value));
            let mut value = HeaderValue::from_str(&cookies.join("; ")).map_err(|_| TokenError::Refused {
                status,
                message: "the session's cookies cannot be sent back".to_owned(),
            })?;
            value.set_sensitive(true);
            headers.insert(COOKIE, value);
        }
        Ok(headers)
    }
}
