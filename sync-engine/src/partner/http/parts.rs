//! Parts of the items of a page: lists of their own, for each item by itself or for several at once.

use super::HttpPartner;
use super::gather::{Base, Had, Shared, key_of, named, settled};
use crate::partner::FetchError;
use crate::partner::config::Listing;
use crate::partner::config::details::Part;
use crate::partner::expr::Scope;
use crate::partner::page::{PageAnswer, Run, broken};
use bytes::Bytes;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::collections::HashMap;

impl HttpPartner {
    /// A list of its own, page by page, or one answer. `None` where the item has none.
    pub(super) async fn part(
        &self,
        shared: &Shared<'_>,
        part: &Part,
        stub: &Value,
        item: &Value,
    ) -> Result<Option<Vec<u8>>, FetchError> {
        if !is_wanted(part, item) {
            return Ok(None);
        }
        let Some(listing) = &part.listing else {
            let scope = json!({"item": item, "stub": stub});
            let out = self.asking(&part.request, &scope)?;
            let answer = self.ask(shared, &out, &part.empty_statuses).await?;
            if answer.status == 204 || part.empty_statuses.contains(&answer.status) {
                return Ok(None);
            }
            let whole: &RawValue = serde_json::from_slice(&answer.body).map_err(|e| {
                broken(
                    "partner.page",
                    format!("the answer for \"{}\" is not JSON: {e}", part.name),
                )
            })?;
            return Ok(Some(whole.get().as_bytes().to_vec()));
        };
        let entries = self.entries(shared, part, listing, (item, ("stub", stub))).await?;
        Ok(Some(list_of(&entries)))
    }

    /// The entries of a part's list, page by page. `beside` is what its requests see with the item.
    async fn entries(
        &self,
        shared: &Shared<'_>,
        part: &Part,
        listing: &Listing,
        (item, beside): (&Value, (&str, &Value)),
    ) -> Result<Vec<Bytes>, FetchError> {
        let mut run = Run::default();
        let (mut entries, mut size) = (Vec::new(), 0);
        loop {
            let mut scope = run.part_scope(listing, item);
            scope[beside.0] = beside.1.clone();
            let mut out = self.asking(&part.request, &scope)?;
            out.follow(&run, listing, None);
            let answer = self.ask(shared, &out, &part.empty_statuses).await?;
            let nothing = answer.status == 204 || part.empty_statuses.contains(&answer.status);
            let body = Bytes::from(answer.body);
            let read = PageAnswer {
                status: answer.status,
                headers: &answer.headers,
                url: &out.url,
                body: &body,
                nothing,
            };
            let page = run.read_part(listing, self.page_limits(), &read)?;
            size += page.items.iter().map(Bytes::len).sum::<usize>();
            entries.extend(page.items);
            if size > self.config.limits.max_body_bytes {
                return Err(broken(
                    "limit.body",
                    format!(
                        "\"{}\" of one request has more than {} bytes",
                        part.name, self.config.limits.max_body_bytes
                    ),
                ));
            }
            match page.next {
                Some(next) => run = next.go_on()?,
                None => return Ok(entries),
            }
        }
    }

    /// A part of several items with one request, put under each item that its entries belong to. An item without entries
    /// has an empty list.
    pub(super) async fn batched_part<'a>(
        &self,
        shared: &Shared<'a>,
        part: &'a Part,
        bases: &mut [Result<Base<'a>, Had>],
    ) {
        let (Some(batched), Some(listing)) = (&part.batched, &part.listing) else {
            return;
        };
        let mut keys: Vec<Value> = Vec::new();
        let mut owners: HashMap<String, Vec<usize>> = HashMap::new();
        for (n, had) in bases.iter_mut().enumerate() {
            let Ok(base) = had else { continue };
            if !is_wanted(part, &base.item) {
                continue;
            }
            let key = batched.key.one(&Scope::root(&base.item)).ok().flatten();
            let Some(key) = key.map(std::borrow::Cow::into_owned).filter(|key| !key.is_null()) else {
                let message = format!("{} gives no key for \"{}\"", batched.key.source, part.name);
                *had = Err(Had::Gone(message));
                continue;
            };
            let places = owners.entry(named(&key)).or_default();
            if places.is_empty() {
                keys.push(key);
            }
            places.push(n);
        }
        for keys in keys.chunks(batched.size.max(1)) {
            let asked = json!(keys);
            let came = self
                .entries(shared, part, listing, (&Value::Null, ("keys", &asked)))
                .await;
            let came = came.map(|entries| by_key(entries, |entry| key_of(&batched.matched, entry)));
            for key in keys.iter().map(named) {
                for n in owners.get(&key).into_iter().flatten() {
                    let Some(had) = bases.get_mut(*n) else { continue };
                    match (&came, had.as_mut()) {
                        (Ok(found), Ok(base)) => {
                            let own = found.get(&key).map_or(&[][..], Vec::as_slice);
                            base.members.push((&part.name, list_of(own)));
                        }
                        (Err(error), _) => *had = Err(settled(error.clone())),
                        (Ok(_), Err(_)) => {}
                    }
                }
            }
        }
    }
}

/// Whether the item has this part.
fn is_wanted(part: &Part, item: &Value) -> bool {
    part.when.as_ref().is_none_or(|when| {
        let found = when.one(&Scope::root(item));
        found.is_ok_and(|found| found.is_some_and(|found| *found == Value::Bool(true)))
    })
}

fn by_key(entries: Vec<Bytes>, key: impl Fn(&[u8]) -> Option<Value>) -> HashMap<String, Vec<Bytes>> {
    let mut found: HashMap<String, Vec<Bytes>> = HashMap::new();
    for entry in entries {
        if let Some(key) = key(&entry) {
            found.entry(named(&key)).or_default().push(entry);
        }
    }
    found
}

/// The entries as a list, each byte for byte.
fn list_of(entries: &[Bytes]) -> Vec<u8> {
    let mut list = vec![b'['];
    for entry in entries {
        if list.len() > 1 {
            list.push(b',');
        }
        list.extend_from_slice(entry);
    }
    list.push(b']');
    list
}
