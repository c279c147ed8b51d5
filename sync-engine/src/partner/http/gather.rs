//! What belongs to the items of a page and is fetched one by one: details, batches, parts.

use super::answer::Answer;
use super::outcome::{self, fetch_error, fetch_refusal};
use super::{HttpPartner, Reading};
use crate::partner::config::details::{Batch, Detail, ETAG};
use crate::partner::config::{RequestTemplate, StreamConfig};
use crate::partner::expr::{Expr, Scope};
use crate::partner::map::values;
use crate::partner::page::{broken, one, split_items};
use crate::partner::{FetchError, IntakeError, IntakeProblem, RawItem, SetAside};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

/// Attempts at one request for an item, within one run.
const ATTEMPTS: u32 = 3;
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// A longer wait belongs to the next run.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// Failures in a row after which the partner is not asked for the other items of the page.
const FAILURES_IN_A_ROW: u32 = 5;

/// The items of a page with everything that belongs to them.
#[derive(Default)]
pub(super) struct Gathered {
    pub items: Vec<RawItem>,
    pub set_aside: Vec<SetAside>,
    /// Names of what is stored with this page, for `afterStore`.
    pub keys: Vec<Value>,
    /// Why some of it could not be had now; the next run must come by again.
    pub held: Option<FetchError>,
}

/// What became of one item.
pub(super) enum Had {
    Item(Bytes),
    /// The partner says that it is none of ours.
    Left,
    /// It cannot be had, now or later.
    Gone(String),
    Held(FetchError),
}

/// An item before its parts.
pub(super) struct Base<'a> {
    /// What the list says of it.
    pub stub: Value,
    bytes: Bytes,
    pub item: Value,
    /// What is put beside its own members.
    pub members: Vec<(&'a str, Vec<u8>)>,
}

/// What the requests for one page share.
pub(super) struct Shared<'a> {
    pub stream: &'a StreamConfig,
    failures: AtomicU32,
    bytes: AtomicUsize,
}

impl HttpPartner {
    /// # Errors
    /// When nothing of the page could be had, or too much came.
    pub(super) async fn gather(&self, stream: &StreamConfig, stubs: Vec<Bytes>) -> Result<Gathered, FetchError> {
        let shared = Shared {
            stream,
            failures: AtomicU32::new(0),
            bytes: AtomicUsize::new(0),
        };
        let bases = match &stream.enrichment.batch {
            Some(batch) => self.batches(&shared, batch, &stubs).await,
            None => stubs.iter().map(|_| None).collect(),
        };
        let had = self.all(&shared, &stubs, bases).await;
        let mut gathered = Gathered::default();
        for (stub, had) in stubs.into_iter().zip(had) {
            let stored = match had {
                Had::Item(bytes) => {
                    gathered.items.push(json_item(bytes));
                    true
                }
                Had::Gone(message) => {
                    gathered.set_aside.push(set_aside(&stub, message));
                    true
                }
                Had::Left => false,
                Had::Held(error) if error.code == "partner.credentials" || error.code == "limit.page" => {
                    return Err(error);
                }
                Had::Held(error) => {
                    gathered.held.get_or_insert(error);
                    false
                }
            };
            if stored && let Some(after) = &stream.after_store {
                gathered.keys.extend(key_of(&after.key, &stub));
            }
        }
        match gathered.held {
            Some(error) if gathered.items.is_empty() && gathered.set_aside.is_empty() => Err(error),
            _ => Ok(gathered),
        }
    }

    /// Every item with what belongs to it. Parts of several items at once wait until these items are there.
    async fn all(&self, shared: &Shared<'_>, stubs: &[Bytes], bases: Vec<Option<Had>>) -> Vec<Had> {
        let enrichment = &shared.stream.enrichment;
        let at_once = enrichment.concurrency.max(1);
        let asked: Vec<_> = stubs
            .iter()
            .zip(bases)
            .map(|(stub, base)| self.base(shared, stub, base))
            .collect();
        if enrichment.parts.iter().all(|part| part.batched.is_none()) {
            let whole = asked
                .into_iter()
                .map(|base| async move { self.whole(shared, base.await).await });
            let whole: Vec<_> = whole.collect();
            return stream::iter(whole).buffered(at_once).collect().await;
        }
        let mut bases: Vec<_> = stream::iter(asked).buffered(at_once).collect().await;
        for part in &enrichment.parts {
            self.batched_part(shared, part, &mut bases).await;
        }
        let whole: Vec<_> = bases.into_iter().map(|base| self.whole(shared, base)).collect();
        stream::iter(whole).buffered(at_once).collect().await
    }

    /// One item before its parts. `base`: what a batch brought for it.
    async fn base<'a>(&self, shared: &Shared<'a>, stub: &Bytes, base: Option<Had>) -> Result<Base<'a>, Had> {
        let enrichment = &shared.stream.enrichment;
        let Ok(seen) = serde_json::from_slice::<Value>(stub) else {
            // It goes to quarantine as it is, with the reason.
            return Err(Had::Item(stub.clone()));
        };
        let mut members: Vec<(&str, Vec<u8>)> = Vec::new();
        let bytes = match (base, &enrichment.detail) {
            (Some(Had::Item(bytes)), _) => bytes,
            (Some(other), _) => return Err(other),
            (None, None) => stub.clone(),
            (None, Some(detail)) => match self.detail(shared, detail, &seen).await {
                Ok(Some((bytes, etag))) => {
                    if enrichment.etag
                        && let Some(etag) = etag
                    {
                        members.push((ETAG, Value::from(etag).to_string().into_bytes()));
                    }
                    if let Some(name) = &detail.stub_as {
                        members.push((name, stub.to_vec()));
                    }
                    bytes
                }
                Ok(None) => return Err(Had::Left),
                Err(error) => return Err(settled(error)),
            },
        };
        Ok(Base {
            stub: seen,
            item: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
            bytes,
            members,
        })
    }

    /// One item with its parts.
    async fn whole(&self, shared: &Shared<'_>, base: Result<Base<'_>, Had>) -> Had {
        let mut base = match base {
            Ok(base) => base,
            Err(had) => return had,
        };
        for part in shared.stream.enrichment.parts.iter().filter(|p| p.batched.is_none()) {
            match self.part(shared, part, &base.stub, &base.item).await {
                Ok(Some(bytes)) => base.members.push((&part.name, bytes)),
                Ok(None) => {}
                Err(error) => return settled(error),
            }
        }
        let size = base.bytes.len() + base.members.iter().map(|(_, bytes)| bytes.len()).sum::<usize>();
        let together = shared.bytes.fetch_add(size, Ordering::Relaxed) + size;
        if together > self.config.limits.max_inflated_bytes {
            return Had::Held(broken(
                "limit.page",
                format!(
                    "what belongs to the items of one page has more than {} bytes: ask for fewer items with \"limit\"",
                    self.config.limits.max_inflated_bytes
                ),
            ));
        }
        match with_members(&base.bytes, &base.members) {
            Some(bytes) => Had::Item(bytes),
            None => Had::Gone("the item is no object, so nothing can be put beside its members".to_owned()),
        }
    }

    /// The item in the answer, with its ETag; `None` when it is none of ours.
    async fn detail(
        &self,
        shared: &Shared<'_>,
        detail: &Detail,
        stub: &Value,
    ) -> Result<Option<(Bytes, Option<String>)>, FetchError> {
        let scope = json!({"stub": stub, "now": self.clock.now().to_rfc3339()});
        let out = self.asking(&detail.request, &scope)?;
        let answer = self.ask(shared, &out, &detail.empty_statuses).await?;
        if answer.status == 204 || detail.empty_statuses.contains(&answer.status) {
            return Ok(None);
        }
        let etag = answer
            .headers
            .get("etag")
            .and_then(|tag| tag.to_str().ok())
            .map(str::to_owned);
        let item = one(&Bytes::from(answer.body), &detail.item).map_err(|reason| broken("partner.page", reason))?;
        Ok(Some((item, etag)))
    }

    /// What the batches brought for each item of the list, in its order.
    async fn batches(&self, shared: &Shared<'_>, batch: &Batch, stubs: &[Bytes]) -> Vec<Option<Had>> {
        let keys: Vec<Option<Value>> = stubs.iter().map(|stub| key_of(&batch.key, stub)).collect();
        let known: Vec<&Value> = keys.iter().flatten().collect();
        let mut found: HashMap<String, Result<Bytes, FetchError>> = HashMap::new();
        for keys in known.chunks(batch.size.max(1)) {
            let brought = self.batch(shared, batch, keys).await;
            match brought {
                Ok(items) => found.extend(items.into_iter().map(|(key, item)| (key, Ok(item)))),
                Err(error) => found.extend(keys.iter().map(|key| (named(key), Err(error.clone())))),
            }
        }
        let had = keys.iter().map(|key| {
            Some(match key.as_ref().map(named).map(|key| found.get(&key)) {
                None => Had::Gone(format!("{} gives no key for the batch", batch.key.source)),
                Some(None) => Had::Gone("the partner's answer for several items lacks this one".to_owned()),
                Some(Some(Ok(item))) => Had::Item(item.clone()),
                Some(Some(Err(error))) => Had::Held(error.clone()),
            })
        });
        had.collect()
    }

    async fn batch(
        &self,
        shared: &Shared<'_>,
        batch: &Batch,
        keys: &[&Value],
    ) -> Result<Vec<(String, Bytes)>, FetchError> {
        let scope = json!({"keys": keys, "now": self.clock.now().to_rfc3339()});
        let out = self.asking(&batch.request, &scope)?;
        let answer = self.ask(shared, &out, &[]).await?;
        let nothing = answer.status == 204;
        let body = Bytes::from(answer.body);
        if nothing {
            return Ok(Vec::new());
        }
        let items = split_items(&body, &batch.items)?;
        let keyed = items.into_iter().filter_map(|item| {
            let key = key_of(&batch.matched, &item)?;
            Some((named(&key), item))
        });
        Ok(keyed.collect())
    }

    pub(super) fn asking<'a>(&self, template: &'a RequestTemplate, scope: &Value) -> Result<Reading<'a>, FetchError> {
        self.outgoing(template, &Scope::root(scope), self.clock.new_operation_id().to_string())
            .map_err(|message| broken("partner.request", message))
    }

    /// Asks, and again where that can help soon. Any answer but a success and the `expected` ones is an error.
    pub(super) async fn ask(
        &self,
        shared: &Shared<'_>,
        out: &Reading<'_>,
        expected: &[u16],
    ) -> Result<Answer, FetchError> {
        let mut attempt = 1;
        loop {
            if shared.failures.load(Ordering::Relaxed) >= FAILURES_IN_A_ROW {
                return Err(FetchError {
                    transient: true,
                    ..broken(
                        "partner.unavailable",
                        format!("{FAILURES_IN_A_ROW} requests in a row failed: the others wait for the next run"),
                    )
                });
            }
            let error = match self.answered(out, expected).await {
                Ok(answer) => {
                    shared.failures.store(0, Ordering::Relaxed);
                    return Ok(answer);
                }
                Err(error) => error,
            };
            let wait = error.retry_after.unwrap_or(FIRST_WAIT * (1 << (attempt - 1)));
            if !error.transient {
                return Err(error);
            }
            if attempt >= ATTEMPTS || wait > LONGEST_WAIT {
                shared.failures.fetch_add(1, Ordering::Relaxed);
                return Err(error);
            }
            attempt += 1;
            self.clock.sleep(wait).await;
        }
    }

    async fn answered(&self, out: &Reading<'_>, expected: &[u16]) -> Result<Answer, FetchError> {
        let answer = self.wire.call(&out.borrow()).await;
        let answer = answer.map_err(|e| self.clean(fetch_error(&e)))?;
        if (200..=299).contains(&answer.status) || expected.contains(&answer.status) {
            return Ok(answer);
        }
        let words = outcome::words(&answer, None);
        Err(self.clean(fetch_refusal(&answer, self.clock.now(), words)))
    }

    /// Tells the partner that these items are stored.
    pub(super) async fn tell_stored(&self, stream: &str, keys: &[Value]) -> Result<(), FetchError> {
        let Some(stream) = self.stream(stream) else {
            return Ok(());
        };
        let Some(after) = &stream.after_store else {
            return Ok(());
        };
        let shared = Shared {
            stream,
            failures: AtomicU32::new(0),
            bytes: AtomicUsize::new(0),
        };
        for keys in keys.chunks(after.size.max(1)) {
            let scope = json!({"key": keys.first(), "keys": keys, "now": self.clock.now().to_rfc3339()});
            let out = self.asking(&after.request, &scope)?;
            // Marked already, or gone since: there is nothing left to tell.
            self.ask(&shared, &out, &[404, 409, 410]).await?;
        }
        Ok(())
    }
}

/// Whether a failure speaks of this item for good, or of now.
pub(super) fn settled(error: FetchError) -> Had {
    match error.code {
        "partner.not_found" | "partner.page" | "partner.foreign_link" => Had::Gone(error.message),
        code if code.starts_with("limit.") => Had::Gone(error.message),
        _ => Had::Held(error),
    }
}

pub(super) fn key_of(key: &Expr, item: &[u8]) -> Option<Value> {
    let item = serde_json::from_slice::<Value>(item).ok()?;
    key.one(&Scope::root(&item)).ok()?.map(|v| v.into_owned())
}

/// A key as text: a number and its digits are one key.
pub(super) fn named(key: &Value) -> String {
    values::text(key)
        .ok()
        .flatten()
        .map_or_else(|| key.to_string(), |t| t.into_owned())
}

fn set_aside(stub: &Bytes, message: String) -> SetAside {
    SetAside {
        raw: json_item(stub.clone()),
        error: IntakeError {
            stage: "fetch",
            number: None,
            problems: vec![IntakeProblem {
                pointer: String::new(),
                message,
            }],
        },
    }
}

/// An object with more members at its end; every byte of it stays. `None` when it is no object.
fn with_members(object: &Bytes, members: &[(&str, Vec<u8>)]) -> Option<Bytes> {
    if members.is_empty() {
        return Some(object.clone());
    }
    let inner = object.trim_ascii().strip_suffix(b"}")?;
    let empty = inner.strip_prefix(b"{")?.trim_ascii().is_empty();
    let mut whole = inner.to_vec();
    for (n, (name, value)) in members.iter().enumerate() {
        if n > 0 || !empty {
            whole.push(b',');
        }
        whole.extend_from_slice(Value::from(*name).to_string().as_bytes());
        whole.push(b':');
        whole.extend_from_slice(value);
    }
    whole.push(b'}');
    Some(whole.into())
}

pub(super) fn json_item(bytes: Bytes) -> RawItem {
    RawItem {
        bytes,
        media_type: "application/json".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_added_and_every_byte_stays() {
        for (object, expected) in [
            (r#"{ "a" : 1.0 }"#, r#"{ "a" : 1.0 ,"b":[1],"$etag":"\"x\""}"#),
            ("{ }", r#"{ "b":[1],"$etag":"\"x\""}"#),
        ] {
            let members = [("b", b"[1]".to_vec()), (ETAG, br#""\"x\"""#.to_vec())];
            let made = with_members(&Bytes::from(object), &members).unwrap();
            assert_eq!(made, expected);
        }
        assert_eq!(with_members(&Bytes::from("[1]"), &[("b", b"1".to_vec())]), None);
        assert_eq!(with_members(&Bytes::from("[1]"), &[]).unwrap(), "[1]");
    }
}
