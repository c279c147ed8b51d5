//! Shopify: pages by `Link` whose address takes no other parameter, waits in decimals, lines that are refunded away,
//! shipments by the ids of fulfilment orders, and no key that makes a request safe to repeat.

use crate::partner_server::{Asked, Server, answer};
use crate::trials::{SECRET, Trial, body, cut, header, parameters, payload, reply, told};
use axum::body::Body;
use axum::http::Response;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use sync_engine::domain::{CanonicalDocument, ChainState, DeliveryState, VersionNumber};
use sync_engine::engine::Issue;

const API: &str = "/admin/api/2024-10";

#[derive(Default)]
struct Shop {
    orders: Vec<Value>,
    fulfillments: Vec<Value>,
    refunds: Vec<Value>,
    /// Requests that are refused for their number before any is taken.
    throttled: usize,
    /// The next write is carried out and its answer breaks off.
    cuts: bool,
    writes: Vec<(String, Value)>,
    touched: u32,
}

fn is_of(number: &Value, id: &str) -> bool {
    number.as_u64().is_some_and(|number| id.parse() == Ok(number))
}

impl Shop {
    fn new() -> Self {
        let sample = payload("shopify", "order.json").to_string();
        let order = |n: usize| {
            let text = sample
                .replace("450789469", &format!("{n}00"))
                .replace("#1001", &format!("#100{n}"));
            let text = text
                .replace("669751112", &format!("{n}01"))
                .replace("703073504", &format!("{n}02"));
            serde_json::from_str(&text).unwrap()
        };
        Self {
            orders: (1..=5).map(order).collect(),
            ..Self::default()
        }
    }

    fn order(&mut self, id: &str) -> Option<&mut Value> {
        self.touched += 1;
        let now = format!("2026-02-11T09:00:{:02}-04:00", self.touched);
        let order = self.orders.iter_mut().find(|o| is_of(&o["id"], id))?;
        order["updated_at"] = json!(now);
        Some(order)
    }

    fn write(&mut self, path: &[&str], request: Value) -> Response<Body> {
        self.writes.push((path.join("/"), request.clone()));
        let done = self.written(path, &request);
        match std::mem::take(&mut self.cuts) {
            true => cut(),
            false => done,
        }
    }

    fn written(&mut self, path: &[&str], request: &Value) -> Response<Body> {
        match path {
            ["orders", id, "cancel.json"] => {
                let Some(order) = self.order(id) else { return unknown() };
                if !order["cancelled_at"].is_null() {
                    return reply(422, &json!({"errors": {"base": ["Order has already been cancelled"]}}));
                }
                order["cancelled_at"] = order["updated_at"].clone();
                order["cancel_reason"] = request["reason"].clone();
                reply(200, &json!({"order": order}))
            }
            ["orders", id, "refunds.json"] => {
                for wanted in request["refund"]["refund_line_items"].as_array().unwrap() {
                    let Some(order) = self.order(id) else { return unknown() };
                    let lines = order["line_items"].as_array_mut().unwrap();
                    let Some(line) = lines.iter_mut().find(|l| l["id"] == wanted["line_item_id"]) else {
                        return reply(422, &json!({"errors": {"refund_line_items": ["Line item not found"]}}));
                    };
                    let left = line["current_quantity"].as_u64().unwrap() - wanted["quantity"].as_u64().unwrap();
                    line["current_quantity"] = json!(left);
                }
                self.refunds.push(request["refund"].clone());
                reply(201, &json!({"refund": request["refund"]}))
            }
            ["orders", id] => {
                let Some(order) = self.order(id.trim_end_matches(".json")) else {
                    return unknown();
                };
                order["tags"] = request["order"]["tags"].clone();
                reply(200, &json!({"order": order}))
            }
            ["fulfillments.json"] => self.shipped(&request["fulfillment"]),
            ["fulfillments", id, what] => {
                let Some(known) = self.fulfillments.iter_mut().find(|f| is_of(&f["id"], id)) else {
                    return unknown();
                };
                match *what {
                    "cancel.json" => known["status"] = json!("cancelled"),
                    "update_tracking.json" => {
                        known["tracking_number"] = request["fulfillment"]["tracking_info"]["number"].clone();
                    }
                    other => panic!("{other}"),
                }
                reply(200, &json!({"fulfillment": known}))
            }
            other => panic!("{other:?}"),
        }
    }

    /// By fulfilment orders and their lines, which have ids of their own.
    fn shipped(&mut self, wanted: &Value) -> Response<Body> {
        let mut of = None;
        for group in wanted["line_items_by_fulfillment_order"].as_array().unwrap() {
            let id = group["fulfillment_order_id"].as_u64().unwrap();
            let order = self.orders.iter_mut().find(|o| o["id"].as_u64().unwrap() + 7 == id);
            let Some(order) = order else { return unknown() };
            for line in group["fulfillment_order_line_items"].as_array().unwrap() {
                let mut known = order["line_items"].as_array_mut().unwrap().iter_mut();
                let known = known.rfind(|l| l["id"].as_u64().unwrap() + 9000 == line["id"].as_u64().unwrap());
                let (known, quantity) = (known.unwrap(), line["quantity"].as_u64().unwrap());
                let left = known["fulfillable_quantity"].as_u64().unwrap();
                if quantity > left {
                    let words = format!("Quantity must be less than or equal to {left}");
                    return reply(422, &json!({"errors": [words]}));
                }
                known["fulfillable_quantity"] = json!(left - quantity);
            }
            of = Some(order["id"].clone());
        }
        let made = json!({
            "id": 255_858_046 + self.fulfillments.len(), "order_id": of, "status": "success",
            "tracking_number": wanted["tracking_info"]["number"], "tracking_company": wanted["tracking_info"]["company"]
        });
        self.fulfillments.push(made.clone());
        reply(201, &json!({"fulfillment": made}))
    }

    fn read(&self, path: &[&str]) -> Response<Body> {
        let order = |id: &str| self.orders.iter().find(|o| is_of(&o["id"], id));
        match path {
            ["orders", id, "fulfillment_orders.json"] => {
                let Some(order) = order(id) else { return unknown() };
                let lines = order["line_items"].as_array().unwrap().iter().map(|line| {
                    let id = line["id"].as_u64().unwrap();
                    json!({"id": id + 9000, "line_item_id": id, "quantity": line["quantity"], "fulfillable_quantity": line["fulfillable_quantity"]})
                });
                let id = order["id"].as_u64().unwrap() + 7;
                let closed = json!({"id": 1, "status": "closed", "line_items": [{"id": 2, "line_item_id": order["line_items"][0]["id"]}]});
                let open = json!({"id": id, "status": "open", "line_items": lines.collect::<Vec<_>>()});
                reply(200, &json!({"fulfillment_orders": [closed, open]}))
            }
            ["orders", id, "fulfillments.json"] => {
                let of: Vec<_> = self.fulfillments.iter().filter(|f| is_of(&f["order_id"], id)).collect();
                reply(200, &json!({"fulfillments": of}))
            }
            ["orders", _, "refunds.json"] => reply(200, &json!({"refunds": self.refunds})),
            ["orders", _, "fulfillments", id] => {
                let id = id.trim_end_matches(".json");
                let found = self.fulfillments.iter().find(|f| is_of(&f["id"], id));
                found.map_or_else(unknown, |found| reply(200, &json!({"fulfillment": found})))
            }
            ["orders", id] => match order(id.trim_end_matches(".json")) {
                Some(order) => reply(200, &json!({"order": order})),
                None => unknown(),
            },
            other => panic!("{other:?}"),
        }
    }
}

fn unknown() -> Response<Body> {
    reply(404, &json!({"errors": "Not Found"}))
}

async fn api(shop: &Arc<Mutex<Shop>>) -> Server {
    let shop = Arc::clone(shop);
    Server::start(move |asked| {
        let mut shop = shop.lock().unwrap();
        if header(asked, "x-shopify-access-token") != SECRET {
            return reply(401, &json!({"errors": "[API] Invalid API key or access token"}));
        }
        if shop.throttled > 0 {
            shop.throttled -= 1;
            return answer(
                429,
                &[("retry-after", "1.0")],
                r#"{"errors": "Exceeded 2 calls per second"}"#,
            );
        }
        let path = asked
            .uri
            .path()
            .strip_prefix(API)
            .unwrap_or_else(|| panic!("{}", asked.uri));
        let path: Vec<&str> = path.split('/').skip(1).collect();
        match (asked.method.as_str(), path.as_slice()) {
            ("GET", ["orders.json"]) => list(&shop, asked),
            ("GET", path) => shop.read(path),
            (_, path) => shop.write(path, body(asked)),
        }
    })
    .await
}

/// Two orders a page, whatever was asked for; with `page_info` nothing but `limit` may stand.
fn list(shop: &Shop, asked: &Asked) -> Response<Body> {
    let query = parameters(asked);
    let from: usize = match query.get("page_info") {
        Some(_) if query.keys().any(|name| name != "page_info" && name != "limit") => {
            return reply(400, &json!({"errors": {"page_info": "Invalid value."}}));
        }
        Some(name) => name.strip_prefix("after-").unwrap().parse().unwrap(),
        None => {
            assert_eq!((query["status"].as_str(), query["limit"].as_str()), ("any", "250"));
            chrono::DateTime::parse_from_rfc3339(&query["updated_at_min"]).unwrap();
            0
        }
    };
    let page: Vec<_> = shop.orders.iter().skip(from).take(2).collect();
    let host = header(asked, "host");
    let before = format!("<http://{host}{API}/orders.json?limit=250&page_info=before>; rel=\"previous\"");
    let after = format!(
        "<http://{host}{API}/orders.json?limit=250&page_info=after-{}>; rel=\"next\"",
        from + 2
    );
    let link = match from + 2 < shop.orders.len() {
        true => format!("{before}, {after}"),
        false => before,
    };
    let headers = [("content-type", "application/json"), ("link", link.as_str())];
    answer(200, &headers, json!({"orders": page}).to_string())
}

fn note(number: &str, tracking: &str, order: &str, lines: &[(&str, &str)]) -> CanonicalDocument {
    let lines: Vec<_> = lines
        .iter()
        .enumerate()
        .map(|(n, (line, delivered))| {
            json!({"id": n.to_string(), "orderNumber": order, "orderLineId": line, "item": {"sellerId": "A"}, "delivered": delivered, "unit": "C62"})
        })
        .collect();
    let note = json!({
        "number": number, "despatchedOn": "2026-02-11", "carrier": "UPS", "trackingId": tracking,
        "buyer": {"name": "Norman Machines"}, "seller": {"name": "We"}, "lines": lines
    });
    CanonicalDocument::DespatchAdvice(serde_json::from_value(note).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shop_on_shopify_confirms_by_a_tag_and_cancels_and_refunds() {
    let shop = Arc::new(Mutex::new(Shop::new()));
    let server = api(&shop).await;
    let mut trial = Trial::on_line("shopify", &server.url).await;
    trial.sync().await;
    let order = trial.canonical(&trial.order("#1003"));
    assert_eq!(order["buyer"]["name"], "Norman Machines");
    assert_eq!(order["lines"][1]["item"]["sellerId"], "BRG-6204");
    assert_eq!(order["lines"][1]["taxPercent"], "6.00");
    assert_eq!(trial.order("#1005").current, VersionNumber(1), "the last page too");

    // A tag of the shop's own is no new version, and stays when we set ours.
    trial.restart().await;
    shop.lock().unwrap().order("100").unwrap()["tags"] = json!("wholesale, urgent");
    trial.sync().await;
    assert_eq!(trial.order("#1001").current, VersionNumber(1));
    let row = trial.order("#1001");
    trial
        .answered(&row, json!({"code": "AP"}), DeliveryState::Applied)
        .await;
    let sent = shop.lock().unwrap().writes.pop().unwrap();
    assert_eq!(
        sent,
        (
            "orders/100.json".to_owned(),
            json!({"order": {"id": 100, "tags": "wholesale, urgent, confirmed"}})
        )
    );

    // A line that we do not deliver is refunded. The answer is lost; what the shop has is found by our key.
    shop.lock().unwrap().cuts = true;
    let row = trial.order("#1002");
    let lines = json!([{"lineId": "201", "code": "Accepted"}, {"lineId": "202", "code": "Rejected", "reason": {"code": "QUA"}}]);
    trial
        .answered(&row, json!({"code": "CA", "lines": lines}), DeliveryState::Applied)
        .await;
    assert_eq!(shop.lock().unwrap().refunds.len(), 1, "sent once");
    trial.sync().await;
    let row = trial.order("#1002");
    assert_eq!((row.state, row.current), (ChainState::Confirmed, VersionNumber(3)));

    // Refused for its number: it waits as long as it is told, in seconds with a point.
    shop.lock().unwrap().throttled = 1;
    let row = trial.order("#1003");
    trial
        .answered(
            &row,
            json!({"code": "RE", "reason": {"code": "QUA"}}),
            DeliveryState::Applied,
        )
        .await;
    let sent = shop.lock().unwrap().writes.pop().unwrap();
    assert_eq!(
        sent,
        (
            "orders/300/cancel.json".to_owned(),
            json!({"email": true, "reason": "inventory"})
        )
    );
    trial.sync().await;
    assert_eq!(
        trial.order("#1003").state,
        ChainState::Rejected,
        "our own cancellation is nobody's wish"
    );

    // The customer's: final at Shopify, so nothing is sent.
    {
        let mut shop = shop.lock().unwrap();
        let order = shop.order("500").unwrap();
        (order["cancelled_at"], order["cancel_reason"]) = (order["updated_at"].clone(), json!("customer"));
        order["line_items"][0]["current_quantity"] = json!(0);
    }
    trial.sync().await;
    let row = trial.order("#1005");
    assert_eq!(row.state, ChainState::CancelPending);
    let before = shop.lock().unwrap().writes.len();
    trial
        .answered(&row, json!({"code": "AP"}), DeliveryState::Applied)
        .await;
    assert_eq!(trial.order("#1005").state, ChainState::Cancelled);
    assert_eq!(shop.lock().unwrap().writes.len(), before);
    trial.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shop_on_shopify_ships_by_fulfilment_orders_once() {
    let shop = Arc::new(Mutex::new(Shop::new()));
    let server = api(&shop).await;
    let trial = Trial::on_line("shopify", &server.url).await;
    trial.sync().await;
    // The order is named by what the map kept of it; the answer is lost, and nothing is shipped twice.
    shop.lock().unwrap().cuts = true;
    let shipped = trial
        .issued(
            note("DN-1", "1Z-1", "#1004", &[("401", "2"), ("402", "1")]),
            DeliveryState::Applied,
        )
        .await;
    let writes = std::mem::take(&mut shop.lock().unwrap().writes);
    let lines = json!([{"id": 9401, "quantity": 2}, {"id": 9402, "quantity": 1}]);
    assert_eq!(
        writes,
        [(
            "fulfillments.json".to_owned(),
            json!({"fulfillment": {
                "notify_customer": true, "tracking_info": {"company": "UPS", "number": "1Z-1"},
                "line_items_by_fulfillment_order": [{"fulfillment_order_id": 407, "fulfillment_order_line_items": lines}]
            }})
        )]
    );
    // What it may not ship any more, in Shopify's words.
    let dead = trial
        .issued(note("DN-2", "1Z-2", "#1004", &[("401", "1")]), DeliveryState::Dead)
        .await;
    assert!(
        told(&dead).ends_with("Quantity must be less than or equal to 0"),
        "{}",
        told(&dead)
    );

    let mut changed = note("DN-1", "1Z-9", "#1004", &[("401", "2"), ("402", "1")]);
    let CanonicalDocument::DespatchAdvice(despatched) = &mut changed else {
        unreachable!()
    };
    despatched.carrier = Some("DHL".to_owned());
    let change = Issue::Change { content: changed };
    trial.reissued(shipped.document, change, DeliveryState::Delivered).await;
    assert_eq!(shop.lock().unwrap().fulfillments[0]["tracking_number"], "1Z-9");
    let cancel = Issue::Cancel { reason: None };
    trial.reissued(shipped.document, cancel, DeliveryState::Delivered).await;
    assert_eq!(shop.lock().unwrap().fulfillments[0]["status"], "cancelled");
    trial.end().await;
}
