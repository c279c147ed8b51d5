//! Partners that keep state and want to be read before they are written to, or written to again: a tag that must be the
//! current one, lines that are locked for a while. What counts is what happened at the partner: each effect once.

use crate::exchange_world::until;
use crate::partner_link::small;
use crate::partner_server::{Asked, Server, answer};
use crate::sending_peers::{Sent, confirmed_by, partner};
use axum::body::Body;
use axum::http::Response;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use sync_engine::domain::{ChainState, DeliveryState};

pub fn key(asked: &Asked) -> String {
    asked.headers["idempotency-key"].to_str().expect("a text").to_owned()
}

/// The order confirmed by an operation of the test's own; its key is sent, and the partner does not look at it.
pub async fn confirmed(server: &Server, change: impl FnOnce(&mut Value), stays: DeliveryState) -> Sent {
    let mut config = small(&server.url);
    change(&mut config["operations"]["confirm"]);
    confirmed_by(&config, stays).await
}

pub fn attempts(sent: &Sent) -> Vec<String> {
    let attempts = sent.engine.store().attempts(sent.operation.id).expect("readable");
    let shown = |a: &sync_engine::store::AttemptRow| {
        let status = a.status.map_or("-".to_owned(), |s| s.to_string());
        format!("{} {status} {:?}", a.step, a.result)
    };
    attempts.iter().map(shown).collect()
}

/// An order that others change too: a write must name its current tag.
#[derive(Default)]
struct Tagged {
    tag: u32,
    quantity: u32,
    /// What the others do when a write comes in, one after another: a new quantity, or a remark only.
    others: Vec<Option<u32>>,
    /// Key and tag of each write, and of those that were taken.
    writes: Vec<(String, String)>,
    taken: Vec<String>,
}

impl Tagged {
    fn order(&self) -> Value {
        json!({"id": "PO-1", "lines": [{"n": "1", "qty": self.quantity.to_string()}]})
    }

    fn reply(&mut self, asked: &Asked) -> Response<Body> {
        let tag = |n: u32| format!("\"t{n}\"");
        if asked.method == "GET" {
            let body = json!({"order": self.order(), "remarks": self.tag});
            return answer(200, &[("etag", &tag(self.tag))], body.to_string());
        }
        if !self.others.is_empty() {
            self.tag += 1;
            if let Some(quantity) = self.others.remove(0) {
                self.quantity = quantity;
            }
        }
        let Some(named) = asked.headers.get("if-match") else {
            return answer(428, &[], r#"{"message": "If-Match is missing"}"#);
        };
        let named = named.to_str().expect("a text").to_owned();
        self.writes.push((key(asked), named.clone()));
        if named != tag(self.tag) {
            return answer(412, &[], r#"{"message": "Changed meanwhile"}"#);
        }
        self.tag += 1;
        self.taken.push(key(asked));
        answer(200, &[], "{}")
    }
}

async fn tagged(others: &[Option<u32>]) -> (Server, Arc<Mutex<Tagged>>) {
    let state = Arc::new(Mutex::new(Tagged {
        quantity: 2,
        others: others.to_vec(),
        ..Tagged::default()
    }));
    let of_server = Arc::clone(&state);
    let server = Server::start(move |asked| {
        let mut state = of_server.lock().unwrap();
        match asked.uri.path() {
            "/list" => answer(200, &[], json!({"items": [state.order()]}).to_string()),
            _ => state.reply(asked),
        }
    })
    .await;
    (server, state)
}

/// Reads the tag before it writes, and once more when it was not the current one any more.
fn reads_the_tag(operation: &mut Value) {
    *operation = json!({
        "conflict": "reread",
        "prepare": {
            "request": {"path": "/order/{.document.number}"}, "keep": {"tag": ".headers.etag"},
            "stream": "orders", "item": ".order"
        },
        "request": {
            "path": "/order/{.document.number}/answer", "headers": {"If-Match": {"$from": ".prepared.tag"}},
            "body": {"answer": ".answer.code"}
        }
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tag_that_is_out_of_date_is_read_again_and_the_second_round_has_the_one_effect() {
    let (server, peer) = tagged(&[None]).await;
    let sent = confirmed(&server, reads_the_tag, DeliveryState::Delivered).await;
    assert_eq!(attempts(&sent), ["send 412 Retrying", "send 200 Delivered"]);
    assert_eq!(sent.row.state, ChainState::Confirmed);
    let id = sent.operation.id.to_string();
    {
        let peer = peer.lock().unwrap();
        let [(first, old), (second, new)] = peer.writes.as_slice() else {
            panic!("{:?}", peer.writes)
        };
        assert_eq!((old.as_str(), new.as_str()), ("\"t0\"", "\"t1\""));
        assert_eq!(first, &id, "the first request has the operation's id as its key");
        assert_ne!(second, &id, "the second round is a request of its own");
        assert_eq!(&peer.taken, std::slice::from_ref(second), "one effect");
    }
    sent.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_that_somebody_changed_is_not_answered_unseen() {
    let (server, peer) = tagged(&[Some(9)]).await;
    let sent = confirmed(&server, reads_the_tag, DeliveryState::Held).await;
    assert_eq!(attempts(&sent), ["send 412 Retrying", "prepare 200 Held"]);
    assert!(sent.told().starts_with("partner.conflict "), "{}", sent.told());
    assert!(peer.lock().unwrap().taken.is_empty(), "nothing was agreed");
    // The poll that follows brings the order as it is now, and the clerk is asked.
    let engine = &sent.engine;
    let row = until("the newer version", || {
        let row = engine.store().document(sent.row.id).unwrap().expect("there");
        (row.current.0 == 2).then_some(row)
    })
    .await;
    assert_eq!(row.agreed, None);
    sent.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partner_that_never_stops_changing_is_left_to_a_person_after_five_rounds() {
    let (server, peer) = tagged(&[None; 20]).await;
    let sent = confirmed(&server, reads_the_tag, DeliveryState::Held).await;
    assert_eq!(sent.told(), "partner.conflict Changed meanwhile");
    {
        let peer = peer.lock().unwrap();
        let keys: std::collections::BTreeSet<_> = peer.writes.iter().map(|(key, _)| key).collect();
        assert_eq!(
            (peer.writes.len(), keys.len()),
            (6, 6),
            "the first and five rounds, each with its key"
        );
        assert!(peer.taken.is_empty());
    }
    let attempts = attempts(&sent);
    assert_eq!((attempts.len(), attempts[5].as_str()), (6, "send 412 Held"));
    sent.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conflict_on_what_may_have_been_taken_is_asked_after_and_not_sent_anew() {
    // It takes the answer and fails at saying so; the tag is a new one after that, so the second send is refused.
    let taken = Arc::new(Mutex::new(Vec::new()));
    let of_server = Arc::clone(&taken);
    let server = partner(move |asked| {
        let mut taken = of_server.lock().unwrap();
        match (asked.method.as_str(), asked.uri.path()) {
            ("POST", _) if taken.is_empty() => {
                taken.push(key(asked));
                answer(503, &[], "")
            }
            ("POST", _) => answer(409, &[], r#"{"message": "Not the current version"}"#),
            (_, path) if path.starts_with("/seen/") => match taken.iter().any(|k| path.ends_with(k)) {
                true => answer(200, &[], r#"{"state": "taken"}"#),
                false => answer(404, &[], "{}"),
            },
            _ => answer(200, &[("etag", "\"1\"")], "{}"),
        }
    })
    .await;
    let asks = |operation: &mut Value| {
        *operation = json!({
            "conflict": "reread",
            "prepare": {"request": {"path": "/order"}, "keep": {"tag": ".headers.etag"}, "unchanged": "true"},
            "request": {"path": "/answer", "headers": {"If-Match": {"$from": ".prepared.tag"}}, "body": {"a": ".answer.code"}},
            "lookup": {"request": {"path": "/seen/{.key}"}, "state": ".state", "taken": ["taken"], "notSeen": [404]}
        });
    };
    let sent = confirmed(&server, asks, DeliveryState::Delivered).await;
    assert_eq!(
        attempts(&sent),
        ["send 503 Retrying", "send 409 Unknown", "lookup 200 Delivered"]
    );
    assert_eq!(taken.lock().unwrap().len(), 1, "one effect");
    sent.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_that_are_locked_for_a_while_are_sent_again_and_only_those() {
    let rounds = Arc::new(Mutex::new(Vec::<Vec<String>>::new()));
    let of_server = Arc::clone(&rounds);
    let order = json!({"id": "PO-1", "lines": [
        {"n": "10", "qty": "1"}, {"n": "20", "qty": "1"}, {"n": "30", "qty": "1"}, {"n": "40", "qty": "1"}]});
    for refuses in [false, true] {
        rounds.lock().unwrap().clear();
        let (of_server, order) = (Arc::clone(&of_server), order.clone());
        let server = Server::start(move |asked| {
            if asked.uri.path() == "/list" {
                return answer(200, &[], json!({"items": [order]}).to_string());
            }
            let body: Value = serde_json::from_slice(&asked.body).unwrap();
            let text = |line: &Value| line["n"].as_str().unwrap().to_owned();
            let lines: Vec<String> = body["lines"].as_array().unwrap().iter().map(text).collect();
            let mut rounds = of_server.lock().unwrap();
            let state = |line: &String| match (line.as_str(), rounds.len()) {
                ("10", 0) | ("30", 0 | 1) => "LOCKED",
                ("40", _) if refuses => "NO",
                _ => "OK",
            };
            let results: Vec<Value> = lines.iter().map(|l| json!({"n": l, "state": state(l)})).collect();
            rounds.push(lines);
            answer(200, &[], json!({"lines": results}).to_string())
        })
        .await;
        let again = |operation: &mut Value| {
            *operation = json!({
                "request": {"path": "/answer", "body": {"lines": {"$each": ".lines[]", "n": ".id"}}},
                "results": {"each": ".lines[]", "id": ".n", "state": ".state", "applied": ["OK"], "again": ["LOCKED"]}
            });
        };
        let stays = if refuses {
            DeliveryState::Dead
        } else {
            DeliveryState::Delivered
        };
        let sent = confirmed(&server, again, stays).await;
        let wanted: [&[&str]; 3] = [&["10", "20", "30", "40"], &["10", "30"], &["30"]];
        assert_eq!(*rounds.lock().unwrap(), wanted);
        if refuses {
            assert_eq!(sent.told(), "partner.partly line 40: NO");
            assert_ne!(sent.row.state, ChainState::Confirmed);
        } else {
            assert_eq!(sent.row.state, ChainState::Confirmed);
        }
        let keys: std::collections::BTreeSet<_> =
            server.asked().iter().filter(|a| a.method == "POST").map(key).collect();
        assert_eq!(keys.len(), 3, "each round has a key of its own");
        sent.end().await;
    }
}
