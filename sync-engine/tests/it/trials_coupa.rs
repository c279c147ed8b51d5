//! Coupa: client credentials with scopes, bare lists that answer 404 when they are empty, names with hyphens, a flag that
//! we set once an order is here, confirmations that are filled line by line and then submitted.

use crate::partner_server::{Asked, Server, answer};
use crate::trials::{SECRET, Trial, body, header, parameters, payload, reply, told};
use axum::body::Body;
use axum::http::Response;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use sync_engine::domain::{CanonicalDocument, ChainState, DeliveryState, VersionNumber};
use sync_engine::engine::Issue;

/// Entries on a page at most.
const PAGE: usize = 50;

#[derive(Default)]
struct Coupa {
    orders: BTreeMap<u64, Value>,
    exported: BTreeSet<u64>,
    /// How often an order was flagged.
    flagged: usize,
    confirmation: Value,
    notice: Option<Value>,
    /// Confirmations of orders that are not ours, on the list of answers.
    others: usize,
    writes: Vec<(String, String, Value)>,
}

impl Coupa {
    fn put(&mut self, id: u64, version: u64) {
        let mut order = payload("coupa", "orders.json");
        order["id"] = json!(id);
        order["po-number"] = json!(format!("PO-{id}"));
        order["version"] = json!(version);
        self.orders.insert(id, order);
        self.exported.remove(&id);
    }

    fn reply(&mut self, asked: &Asked) -> Response<Body> {
        let path = asked.uri.path();
        if path == "/oauth2/token" {
            let form: BTreeMap<String, String> = url::form_urlencoded::parse(&asked.body).into_owned().collect();
            assert_eq!(
                (form["grant_type"].as_str(), form["client_id"].as_str()),
                ("client_credentials", SECRET)
            );
            assert_eq!(
                form["scope"],
                "core.purchase_order.read core.purchase_order.write core.order_header_confirmations.write core.asn.write"
            );
            return reply(
                200,
                &json!({"access_token": "coupa-1", "token_type": "bearer", "expires_in": 86399}),
            );
        }
        assert_eq!(header(asked, "authorization"), "Bearer coupa-1");
        assert_eq!(header(asked, "accept"), "application/json");
        let parts: Vec<&str> = path.trim_start_matches("/api/").split('/').collect();
        match (asked.method.as_str(), parts.as_slice()) {
            ("GET", ["purchase_orders"]) => self.orders(asked),
            ("GET", ["order_header_confirmations"]) => self.confirmations(asked),
            ("GET", ["order_header_confirmations", "71"]) => reply(200, &self.confirmation),
            ("PUT", ["purchase_orders", id]) if body(asked) == json!({"exported": true}) => {
                self.flagged += 1;
                self.exported.insert(id.parse().unwrap());
                reply(200, &json!({}))
            }
            (method, rest) => {
                let sent = if asked.body.is_empty() {
                    Value::Null
                } else {
                    body(asked)
                };
                self.writes.push((method.to_owned(), rest.join("/"), sent.clone()));
                self.write(method, rest, &sent)
            }
        }
    }

    fn orders(&self, asked: &Asked) -> Response<Body> {
        let asks = parameters(asked);
        let asks = |name: &str| asks[name].as_str().to_owned();
        assert_eq!(
            (asks("exported"), asks("status[in]"), asks("limit")),
            ("false".into(), "issued,cancelled".into(), "50".into())
        );
        let open = self.orders.iter().filter(|(id, _)| !self.exported.contains(id));
        list(open.map(|(_, order)| order.clone()).take(PAGE).collect())
    }

    fn confirmations(&self, asked: &Asked) -> Response<Body> {
        let asks = parameters(asked);
        if let Some(number) = asks.get("order-header[po-number]") {
            let mine = self.confirmation["order-header"]["po-number"] == **number;
            return list(mine.then(|| self.confirmation.clone()).into_iter().collect());
        }
        assert!(asks.contains_key("updated-at[gt]"));
        let offset: usize = asks["offset"].parse().unwrap();
        let other = |n| json!({"id": n, "status": "created", "updated-at": "2026-03-02T10:11:12-08:00"});
        list((0..self.others).skip(offset).take(PAGE).map(other).collect())
    }

    fn write(&mut self, method: &str, rest: &[&str], sent: &Value) -> Response<Body> {
        match (method, rest) {
            ("PUT", ["purchase_orders", _]) => reply(200, &json!({})),
            ("PUT", ["order_header_confirmations", "71"]) => {
                for line in sent["order-line-confirmations"].as_array().unwrap() {
                    let known = self.confirmation["order-line-confirmations"].as_array().unwrap();
                    if !known.iter().any(|k| k["id"] == line["id"]) {
                        return reply(
                            400,
                            &json!({"errors": {"order_line_confirmations": ["is not of this order"]}}),
                        );
                    }
                    if line["quantity"] == "41" {
                        return reply(400, &json!({"errors": {"quantity": ["must not be more than ordered"]}}));
                    }
                }
                reply(200, &json!({"id": 71, "status": "buyer_draft"}))
            }
            ("POST", ["order_header_confirmations", "71", "submit"]) => {
                self.confirmation["status"] = json!("pending_buyer_review");
                reply(200, &self.confirmation)
            }
            ("POST", ["asn", "headers"]) => {
                self.notice = Some(json!({"id": 5, "status": "issued", "tracking-number": sent["tracking-number"]}));
                reply(201, &json!({"id": 5}))
            }
            ("PUT", ["asn", "headers", "5", rest @ ..]) => {
                let notice = self.notice.as_mut().unwrap();
                match rest {
                    [] => notice["tracking-number"] = sent["tracking-number"].clone(),
                    ["void"] => notice["status"] = json!("voided"),
                    other => panic!("{other:?}"),
                }
                reply(200, notice)
            }
            other => panic!("{other:?}"),
        }
    }
}

/// A bare list; an empty one is not found.
fn list(entries: Vec<Value>) -> Response<Body> {
    match entries.is_empty() {
        true => answer(
            404,
            &[("content-type", "application/json")],
            r#"{"errors": {"base": ["No records found"]}}"#,
        ),
        false => reply(200, &Value::Array(entries)),
    }
}

async fn coupa(orders: u64) -> (Arc<Mutex<Coupa>>, Server) {
    let mut peer = Coupa::default();
    (1..=orders).for_each(|id| peer.put(id, 1));
    let peer = Arc::new(Mutex::new(peer));
    let of_server = Arc::clone(&peer);
    let server = Server::start(move |asked| of_server.lock().unwrap().reply(asked)).await;
    (peer, server)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn coupa_lists_what_it_was_not_told_is_here_until_nothing_is_left() {
    let (peer, server) = coupa(60).await;
    peer.lock().unwrap().others = 60;
    let mut trial = Trial::by_hand("coupa", &server.url).await;
    let report = trial.sync().await;
    assert_eq!((report.versions, report.duplicates), (60, 0));
    let asked = server.asked();
    let offsets: Vec<String> = asked
        .iter()
        .filter(|a| a.uri.path() == "/api/order_header_confirmations")
        .map(|a| parameters(a)["offset"].clone())
        .collect();
    assert_eq!(offsets, ["0", "50", "60"], "until there is nothing, which is a 404");
    assert_eq!(asked.iter().filter(|a| a.uri.path() == "/oauth2/token").count(), 1);
    assert_eq!(peer.lock().unwrap().flagged, 60, "each is told once");
    let order = trial.canonical(&trial.order("PO-7"));
    assert_eq!(
        order["lines"][0]["item"],
        json!({"sellerId": "A-100", "buyerId": "TG11", "description": "Bearing, sealed"})
    );
    assert_eq!(
        (&order["lines"][1]["quantity"], &order["lines"][1]["price"]),
        (&json!("1"), &json!("400.00"))
    );

    // After a restart: one was changed, which takes its flag away, and one lost its flag without a change.
    trial.restart().await;
    {
        let mut peer = peer.lock().unwrap();
        peer.put(7, 2);
        peer.orders.get_mut(&7).unwrap()["order-lines"][0]["quantity"] = json!("50.0");
        peer.exported.remove(&8);
        peer.put(9, 3);
        peer.orders.get_mut(&9).unwrap()["status"] = json!("cancelled");
    }
    let report = trial.sync().await;
    assert_eq!((report.versions, report.duplicates), (2, 1));
    assert_eq!(trial.order("PO-7").current, VersionNumber(2));
    assert_eq!(trial.order("PO-9").state, ChainState::CancelPending);
    trial.end().await;
}

/// The confirmation that Coupa keeps for an order of two lines.
fn confirmation(number: &str) -> Value {
    json!({
        "id": 71, "status": "created", "order-header": {"po-number": number, "version": 1},
        "order-line-confirmations": [{"id": 801, "line-num": "1"}, {"id": 802, "line-num": "2"}]
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn coupa_confirmations_are_filled_line_by_line_and_submitted() {
    let (peer, server) = coupa(1).await;
    peer.lock().unwrap().confirmation = confirmation("PO-1");
    let trial = Trial::on_line("coupa", &server.url).await;
    trial.sync().await;
    let lines = |quantity: &str| {
        json!([
            {"lineId": "1", "code": "Changed", "quantity": quantity, "date": "2026-03-20"},
            {"lineId": "1", "code": "Backordered", "quantity": "10"},
            {"lineId": "2", "code": "Rejected", "reason": {"code": "ITM", "text": "Not in range"}},
        ])
    };
    let row = trial.order("PO-1");
    let sent = trial
        .answered(
            &row,
            json!({"code": "CA", "lines": lines("30")}),
            DeliveryState::Applied,
        )
        .await;
    let writes = peer.lock().unwrap().writes.clone();
    assert_eq!(
        writes,
        [
            (
                "PUT".to_owned(),
                "order_header_confirmations/71".to_owned(),
                json!({
                    "external-reference-number": sent.id.to_string(),
                    "order-line-confirmations": [
                        {"id": 801, "action": "update", "quantity": "30", "promise-date": "2026-03-20"},
                        {"id": 801, "action": "update", "quantity": "10"},
                        {"id": 802, "action": "reject", "quantity": "1", "reason-insight-events": [{"comment": "Not in range"}]}
                    ]
                })
            ),
            (
                "POST".to_owned(),
                "order_header_confirmations/71/submit".to_owned(),
                Value::Null
            ),
        ]
    );
    trial.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn coupa_says_by_field_why_it_refuses_and_holds_for_an_order_that_changed() {
    let (peer, server) = coupa(2).await;
    peer.lock().unwrap().confirmation = confirmation("PO-1");
    let trial = Trial::on_line("coupa", &server.url).await;
    trial.sync().await;
    let (first, second) = (trial.order("PO-1"), trial.order("PO-2"));
    let lines = json!([{"lineId": "1", "code": "Changed", "quantity": "41"}, {"lineId": "2", "code": "Accepted"}]);
    let dead = trial
        .answered(&first, json!({"code": "CA", "lines": lines}), DeliveryState::Dead)
        .await;
    assert!(
        told(&dead).ends_with("quantity: must not be more than ordered"),
        "{}",
        told(&dead)
    );
    // The second was changed meanwhile: its confirmation is of version 2.
    {
        let mut peer = peer.lock().unwrap();
        peer.confirmation = confirmation("PO-2");
        peer.confirmation["order-header"]["version"] = json!(2);
    }
    let before = peer.lock().unwrap().writes.len();
    let held = trial
        .answered(&second, json!({"code": "AP"}), DeliveryState::Held)
        .await;
    assert!(told(&held).starts_with("partner.conflict"), "{}", told(&held));
    assert_eq!(peer.lock().unwrap().writes.len(), before, "nothing is sent");
    trial.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn coupa_takes_changes_and_voids_an_advance_ship_notice() {
    let (peer, server) = coupa(1).await;
    peer.lock().unwrap().confirmation = confirmation("PO-1");
    let trial = Trial::on_line("coupa", &server.url).await;
    trial.sync().await;
    let row = trial.order("PO-1");
    trial
        .answered(&row, json!({"code": "AB"}), DeliveryState::Delivered)
        .await;
    let seen = (
        "PUT".to_owned(),
        "purchase_orders/1".to_owned(),
        json!({"acknowledged-flag": true}),
    );
    assert_eq!(peer.lock().unwrap().writes, [seen]);
    let row = trial.order("PO-1");
    trial
        .answered(&row, json!({"code": "AP"}), DeliveryState::Applied)
        .await;
    let note = json!({
        "number": "DN-1", "despatchedOn": "2026-03-12", "carrier": "dhl", "trackingId": "JJD0001", "buyer": {"name": "Acme"}, "seller": {"id": "V-77"},
        "lines": [{"id": "1", "orderNumber": "PO-1", "orderLineId": "1", "item": {"sellerId": "A-100"}, "delivered": "40", "unit": "EA"}]
    });
    let note = CanonicalDocument::DespatchAdvice(serde_json::from_value(note).unwrap());
    let issued = trial.issued(note.clone(), DeliveryState::Delivered).await;
    let (_, path, sent) = peer.lock().unwrap().writes.last().unwrap().clone();
    assert_eq!(path, "asn/headers");
    assert_eq!(
        sent,
        json!({
            "asn-number": "DN-1", "ship-to-date": "2026-03-12T00:00:00.000Z", "carrier": "dhl", "tracking-number": "JJD0001",
            "asn-lines": [{
                "line-num": "1", "quantity": "40", "uom": {"code": "EA"},
                "order-line": {"order-header-number": "PO-1", "line-num": "1"}
            }]
        })
    );
    // It is changed and withdrawn at the address that Coupa's answer named.
    let CanonicalDocument::DespatchAdvice(mut changed) = note else {
        unreachable!("a delivery note")
    };
    changed.tracking_id = Some("JJD0002".to_owned());
    let change = Issue::Change {
        content: CanonicalDocument::DespatchAdvice(changed),
    };
    trial.reissued(issued.document, change, DeliveryState::Delivered).await;
    let notice = peer.lock().unwrap().notice.clone().unwrap();
    assert_eq!(
        (&notice["status"], &notice["tracking-number"]),
        (&json!("issued"), &json!("JJD0002"))
    );
    let cancel = Issue::Cancel { reason: None };
    trial.reissued(issued.document, cancel, DeliveryState::Delivered).await;
    let (method, path, sent) = peer.lock().unwrap().writes.last().unwrap().clone();
    assert_eq!(
        (method.as_str(), path.as_str(), sent),
        ("PUT", "asn/headers/5/void", Value::Null)
    );
    assert_eq!(peer.lock().unwrap().notice.as_ref().unwrap()["status"], "voided");
    trial.end().await;
}
