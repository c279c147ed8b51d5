//! Oracle Fusion Procurement: `items` and `hasMore`, a filter in `q`, media types of its own, schedules below lines, an
//! action that is posted by its name and answers 200 whatever came of it.

use crate::partner_server::{Asked, Server, answer};
use crate::trials::{SECRET, Trial, body, header, parameters, payload, reply, told};
use axum::body::Body;
use axum::http::Response;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use sync_engine::domain::{CanonicalDocument, ChainState, DeliveryState, Timestamp, VersionNumber};

const ROOT: &str = "/fscmRestApi/resources/11.13.18.05";
const COLLECTION: &str = "application/vnd.oracle.adf.resourcecollection+json";
const ITEM: &str = "application/vnd.oracle.adf.resourceitem+json";
const ACTION: &str = "application/vnd.oracle.adf.action+json";

/// What a Fusion holds, by header id, and what was written to it as `METHOD PATH BODY`.
#[derive(Default)]
struct Fusion {
    orders: BTreeMap<u64, Value>,
    writes: Vec<(String, String, Value)>,
}

fn header_id(n: u64) -> u64 {
    300_000_001_234_000 + n
}

impl Fusion {
    fn put(&mut self, n: u64, changed: &str) {
        let mut order = payload("oracle-fusion", "orders.json");
        order["POHeaderId"] = json!(header_id(n));
        order["OrderNumber"] = json!(format!("{}", 162_000 + n));
        order["LastUpdateDate"] = json!(changed);
        self.orders.insert(header_id(n), order);
    }

    fn reply(&mut self, asked: &Asked) -> Response<Body> {
        let basic = format!("Basic {}", STANDARD.encode(format!("{SECRET}:{SECRET}")));
        assert_eq!(header(asked, "authorization"), basic);
        assert_eq!(header(asked, "rest-framework-version"), "4");
        let path = asked.uri.path().strip_prefix(ROOT).unwrap().to_owned();
        if asked.method == "GET" {
            return self.read(asked, &path);
        }
        let sent = body(asked);
        self.writes.push((asked.method.to_string(), path.clone(), sent.clone()));
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        match (asked.method.as_str(), parts.as_slice()) {
            ("POST", [resource, id]) => {
                assert_eq!(header(asked, "content-type"), ACTION);
                let order = self.orders.get_mut(&id.parse().unwrap()).unwrap();
                if order["OrderNumber"] == "162002" {
                    return reply(200, &json!({"result": "The order is being changed by May Gee."}));
                }
                assert!(["purchaseOrders", "purchaseOrderAcknowledgments"].contains(resource));
                order["StatusCode"] = json!("OPEN");
                // Somebody's time of change, and nothing that is ours to see.
                order["LastUpdateDate"] = json!("2026-03-09T09:00:00.000+00:00");
                reply(200, &json!({"result": "SUCCESS"}))
            }
            ("PATCH", ["purchaseOrderAcknowledgments", id]) => {
                assert_eq!(header(asked, "content-type"), ITEM);
                assert!(self.orders.contains_key(&id.parse().unwrap()));
                let details = json!([{"detail": "The acknowledgment note is too short.", "o:errorCode": "PO-4711"}]);
                let problem = json!({"title": "Bad Request", "status": "400", "o:errorDetails": details});
                answer(
                    400,
                    &[("content-type", "application/vnd.oracle.adf.error+json")],
                    problem.to_string(),
                )
            }
            ("PATCH", ["purchaseOrderAcknowledgments", _, "child", "schedules", schedule]) => {
                assert_eq!(header(asked, "content-type"), ITEM);
                reply(200, &json!({"LineLocationId": schedule.parse::<u64>().unwrap()}))
            }
            ("POST", ["receivingReceiptRequests"]) => {
                assert_eq!(header(asked, "content-type"), ITEM);
                let wrong = sent["ShipmentNumber"] == "DN-2";
                let status = if wrong { "ERROR" } else { "SUCCESS" };
                let why = wrong.then_some("The shipment date is in the past.");
                reply(
                    201,
                    &json!({"HeaderInterfaceId": 9, "ReturnStatus": status, "ReturnMessage": why}),
                )
            }
            other => panic!("{other:?}"),
        }
    }

    fn read(&self, asked: &Asked, path: &str) -> Response<Body> {
        let asks = parameters(asked);
        if let Some(id) = path.strip_prefix("/purchaseOrders/") {
            assert_eq!(header(asked, "accept"), ITEM);
            assert_eq!(
                (asks["fields"].as_str(), asks["onlyData"].as_str()),
                ("StatusCode", "true")
            );
            return reply(
                200,
                &json!({"StatusCode": self.orders[&id.parse().unwrap()]["StatusCode"]}),
            );
        }
        assert_eq!((path, header(asked, "accept")), ("/purchaseOrders", COLLECTION));
        assert_eq!(
            (asks["expand"].as_str(), asks["orderBy"].as_str()),
            ("lines.schedules", "LastUpdateDate:asc")
        );
        let since = asks["q"]
            .strip_prefix("SupplierNumber='1252';LastUpdateDate>='")
            .unwrap();
        let since = moment(since.strip_suffix('\'').unwrap());
        let mut found: Vec<&Value> = self.orders.values().collect();
        found.retain(|order| moment(order["LastUpdateDate"].as_str().unwrap()) >= since);
        found.sort_by_key(|order| moment(order["LastUpdateDate"].as_str().unwrap()));
        let (limit, offset): (usize, usize) = (asks["limit"].parse().unwrap(), asks["offset"].parse().unwrap());
        let items: Vec<&Value> = found.iter().skip(offset).take(limit).copied().collect();
        let page = json!({
            "count": items.len(), "hasMore": found.len() > offset + limit, "limit": limit, "offset": offset,
            "items": items, "links": []
        });
        answer(200, &[("content-type", COLLECTION)], page.to_string())
    }
}

fn moment(text: &str) -> i64 {
    serde_json::from_value::<Timestamp>(json!(text)).unwrap().0
}

async fn fusion(orders: u64) -> (Arc<Mutex<Fusion>>, Server) {
    let mut peer = Fusion::default();
    for n in 1..=orders {
        peer.put(n, &format!("2026-03-02T07:{:02}:09.003+00:00", n % 60));
    }
    let peer = Arc::new(Mutex::new(peer));
    let of_server = Arc::clone(&peer);
    let server = Server::start(move |asked| of_server.lock().unwrap().reply(asked)).await;
    (peer, server)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn oracle_orders_are_read_as_long_as_there_are_more_with_a_line_for_each_schedule() {
    let (peer, server) = fusion(30).await;
    let mut trial = Trial::by_hand("oracle-fusion", &server.url).await;
    let report = trial.sync().await;
    assert_eq!((report.versions, report.duplicates), (30, 0));
    assert_eq!(server.asked().len(), 2, "two pages");
    let order = trial.canonical(&trial.order("162001"));
    let lines: Vec<_> = order["lines"].as_array().unwrap().iter().collect();
    let read: Vec<_> = lines
        .iter()
        .map(|l| (&l["id"], &l["quantity"], &l["unit"], &l["price"]))
        .collect();
    let (a, b, c) = (json!("1.1"), json!("1.2"), json!("2.1"));
    let (q, u, p) = (
        [json!("3"), json!("2"), json!("1")],
        [json!("EA"), json!("LS")],
        [json!("250.15"), json!("400")],
    );
    assert_eq!(
        read,
        [
            (&a, &q[0], &u[0], &p[0]),
            (&b, &q[1], &u[0], &p[0]),
            (&c, &q[2], &u[1], &p[1])
        ]
    );

    trial.restart().await;
    {
        let mut peer = peer.lock().unwrap();
        let order = peer.orders.get_mut(&header_id(30)).unwrap();
        order["lines"]["items"][0]["schedules"]["items"][0]["Quantity"] = json!(4);
        order["LastUpdateDate"] = json!("2026-03-03T10:00:00.000+00:00");
    }
    let before = server.asked().len();
    let report = trial.sync().await;
    assert_eq!(
        (report.versions, report.duplicates),
        (1, 1),
        "the one before lies in the overlap"
    );
    let q = &parameters(&server.asked()[before])["q"];
    assert!(q.ends_with("LastUpdateDate>='2026-03-02T07:29:09.003Z'"), "{q}");
    assert_eq!(trial.order("162030").current, VersionNumber(2));
    trial.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn oracle_takes_a_confirmation_as_an_action_and_says_in_a_200_that_it_does_not() {
    let (peer, server) = fusion(3).await;
    let trial = Trial::on_line("oracle-fusion", &server.url).await;
    trial.sync().await;
    let (first, busy, refused) = (trial.order("162001"), trial.order("162002"), trial.order("162003"));
    trial
        .answered(
            &first,
            json!({"code": "AP", "note": "As agreed"}),
            DeliveryState::Applied,
        )
        .await;
    let dead = trial.answered(&busy, json!({"code": "AP"}), DeliveryState::Dead).await;
    assert!(
        told(&dead).ends_with("The order is being changed by May Gee."),
        "{}",
        told(&dead)
    );
    let reason = json!({"code": "RE", "reason": {"code": "ITM", "text": "No"}});
    let dead = trial.answered(&refused, reason, DeliveryState::Dead).await;
    let words = told(&dead);
    assert!(
        words.ends_with("Bad Request: The acknowledgment note is too short."),
        "{words}"
    );
    let id = |n| header_id(n).to_string();
    assert_eq!(
        peer.lock().unwrap().writes,
        [
            (
                "POST".to_owned(),
                format!("/purchaseOrders/{}", id(1)),
                json!({"name": "acknowledge", "parameters": [{"AcknowledgmentNote": "As agreed"}]})
            ),
            (
                "POST".to_owned(),
                format!("/purchaseOrders/{}", id(2)),
                json!({"name": "acknowledge", "parameters": []})
            ),
            (
                "PATCH".to_owned(),
                format!("/purchaseOrderAcknowledgments/{}", id(3)),
                json!({"AcknowledgmentResponse": "REJECT", "AcknowledgmentNote": "No"})
            )
        ]
    );
    // The partner's time of change went on by what we did: no version, and the order stays confirmed.
    trial.sync().await;
    let row = trial.order("162001");
    assert_eq!((row.current, row.state), (VersionNumber(1), ChainState::Confirmed));
    trial.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn oracle_is_answered_schedule_by_schedule_and_gets_a_delivery_note() {
    let (peer, server) = fusion(1).await;
    let trial = Trial::on_line("oracle-fusion", &server.url).await;
    trial.sync().await;
    let lines = json!([
        {"lineId": "1.1", "code": "Accepted"},
        {"lineId": "1.2", "code": "Changed", "quantity": "1", "date": "2026-03-30"},
        {"lineId": "2.1", "code": "Rejected", "reason": {"code": "ITM", "text": "We do not install"}},
    ]);
    let row = trial.order("162001");
    trial
        .answered(&row, json!({"code": "CA", "lines": lines}), DeliveryState::Delivered)
        .await;
    let note = |number: &str| {
        let note = json!({
            "number": number, "despatchedOn": "2026-03-12", "buyer": {"name": "Vision"}, "seller": {"id": "1252"},
            "lines": [{"id": "1", "orderNumber": "162001", "orderLineId": "1.1", "item": {"sellerId": "LS-100"}, "delivered": "2", "unit": "EA"}]
        });
        CanonicalDocument::DespatchAdvice(serde_json::from_value(note).unwrap())
    };
    trial.issued(note("DN-1"), DeliveryState::Delivered).await;
    let dead = trial.issued(note("DN-2"), DeliveryState::Dead).await;
    assert!(
        told(&dead).ends_with("The shipment date is in the past."),
        "{}",
        told(&dead)
    );
    let writes = peer.lock().unwrap().writes.clone();
    let order = format!("/purchaseOrderAcknowledgments/{}", header_id(1));
    let schedule = |id: u64| format!("{order}/child/schedules/{id}");
    let sent: Vec<_> = writes
        .iter()
        .map(|(_, path, body)| (path.clone(), body.clone()))
        .collect();
    assert_eq!(
        sent[..5],
        [
            (
                schedule(300_000_001_234_569),
                json!({"Response": "ACCEPT", "Quantity": 3})
            ),
            (
                schedule(300_000_001_234_570),
                json!({"Response": "ACCEPT", "PromisedDeliveryDate": "2026-03-30", "Quantity": 1})
            ),
            (
                schedule(300_000_001_234_572),
                json!({"Response": "REJECT", "RejectionReason": "We do not install"})
            ),
            (order.clone(), json!({"name": "submit", "parameters": []})),
            (
                "/receivingReceiptRequests".to_owned(),
                json!({
                    "ReceiptSourceCode": "VENDOR", "ASNType": "ASN", "ShipmentNumber": "DN-1", "VendorNumber": "1252",
                    "ShippedDate": "2026-03-12",
                    "lines": [{
                        "ReceiptSourceCode": "VENDOR", "SourceDocumentCode": "PO", "TransactionType": "SHIP", "DocumentNumber": "162001",
                        "DocumentLineNumber": 1, "DocumentScheduleNumber": 1, "Quantity": 2, "UOMCode": "Ea"
                    }]
                })
            )
        ]
    );
    trial.end().await;
}
