//! bol, as a retailer: vendor media types, a list of stubs, and requests that are answered with a process whose end is to
//! be waited for.

use crate::partner_server::{Asked, Server, answer};
use crate::trials::{SECRET, Trial, body, header, parameters, payload, told};
use axum::body::Body;
use axum::http::Response;
use base64::Engine as _;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use sync_engine::domain::{CanonicalDocument, ChainState, DeliveryState, VersionNumber};

const MEDIA_TYPE: &str = "application/vnd.retailer.v10+json";

#[derive(Default)]
struct Retailer {
    orders: Vec<Value>,
    processes: BTreeMap<String, Value>,
    /// How the next process ends.
    ends: Option<Value>,
    /// Requests that are refused for their number before any is taken.
    throttled: usize,
    writes: Vec<Value>,
}

impl Retailer {
    fn new() -> Self {
        let sample = payload("bol", "order.json");
        let order = |n: usize| {
            let text = sample.to_string();
            let text = text
                .replace("1043946570", &format!("B-{n}"))
                .replace("60428238", &format!("{n}00000"));
            serde_json::from_str(&text).unwrap()
        };
        Self {
            orders: (1..=3).map(order).collect(),
            ..Self::default()
        }
    }

    /// As the list names it.
    fn stub(order: &Value) -> Value {
        let items = order["orderItems"].as_array().unwrap().iter().map(|item| {
            json!({
                "orderItemId": item["orderItemId"], "ean": item["product"]["ean"], "quantity": item["quantity"],
                "latestChangedDateTime": item["latestChangedDateTime"]
            })
        });
        json!({"orderId": order["orderId"], "orderItems": items.collect::<Vec<_>>()})
    }

    fn item(&mut self, id: &str) -> &mut Value {
        let mut items = self
            .orders
            .iter_mut()
            .flat_map(|o| o["orderItems"].as_array_mut().unwrap());
        items
            .rfind(|i| i["orderItemId"] == id)
            .unwrap_or_else(|| panic!("{id}"))
    }

    /// Starts a process, whose effect is there at its end.
    fn process(&mut self, kind: &str, request: Value) -> Response<Body> {
        let id = format!("{}", 1_234_567 + self.processes.len());
        let links = json!([{"rel": "self", "href": "https://api.bol.com/shared/process-status/1", "method": "GET"}]);
        let mut process = json!({
            "processStatusId": id, "eventType": kind, "description": "Working on it", "status": "PENDING",
            "createTimestamp": "2026-02-11T09:34:41+01:00", "links": links
        });
        process["request"] = request.clone();
        self.writes.push(request);
        self.processes.insert(id, process.clone());
        process.as_object_mut().unwrap().remove("request");
        vendor(202, &process)
    }

    fn status(&mut self, id: &str) -> Response<Body> {
        let Some(mut process) = self.processes.get(id).cloned() else {
            return problem(404, "No process found");
        };
        let request = process.as_object_mut().unwrap().remove("request").unwrap();
        let shown = vendor(200, &process);
        if process["status"] == "PENDING" {
            let end = self.ends.take().unwrap_or_else(|| json!({"status": "SUCCESS"}));
            if end["status"] == "SUCCESS" && process["eventType"] == "CANCEL_ORDER" {
                for item in request["orderItems"].as_array().unwrap() {
                    let item = self.item(item["orderItemId"].as_str().unwrap());
                    item["quantityCancelled"] = item["quantity"].clone();
                    item["latestChangedDateTime"] = json!("2026-02-11T09:34:41+01:00");
                }
            }
            process
                .as_object_mut()
                .unwrap()
                .extend(end.as_object().unwrap().clone());
            process["request"] = request;
            self.processes.insert(id.to_owned(), process);
        }
        shown
    }
}

fn vendor(status: u16, body: &Value) -> Response<Body> {
    let headers = [
        ("content-type", MEDIA_TYPE),
        ("x-ratelimit-remaining", "24"),
        ("x-ratelimit-reset", "60"),
    ];
    answer(status, &headers, body.to_string())
}

fn problem(status: u16, detail: &str) -> Response<Body> {
    let body = json!({
        "type": "https://api.bol.com/problems", "title": "Error validating request.", "status": status, "detail": detail,
        "violations": [{"name": "orderItems", "reason": detail}]
    });
    answer(
        status,
        &[("content-type", "application/problem+json")],
        body.to_string(),
    )
}

async fn api(retailer: &Arc<Mutex<Retailer>>) -> Server {
    let retailer = Arc::clone(retailer);
    Server::start(move |asked| {
        let mut retailer = retailer.lock().unwrap();
        let path = asked.uri.path().to_owned();
        if path == "/token" {
            return token(asked);
        }
        if header(asked, "authorization") != "Bearer t-1" {
            return problem(401, "No token");
        }
        let write = asked.method != "GET";
        if header(asked, "accept") != MEDIA_TYPE || write && header(asked, "content-type") != MEDIA_TYPE {
            return problem(406, "No such version");
        }
        if retailer.throttled > 0 {
            retailer.throttled -= 1;
            return answer(429, &[("retry-after", "1")], "");
        }
        match (
            asked.method.as_str(),
            path.split('/').skip(1).collect::<Vec<_>>().as_slice(),
        ) {
            ("GET", ["retailer", "orders"]) => list(&retailer, asked),
            ("GET", ["retailer", "orders", id]) => match retailer.orders.iter().find(|o| o["orderId"] == *id) {
                Some(order) => vendor(200, order),
                None => problem(404, "No order found"),
            },
            ("PUT", ["retailer", "orders", "cancellation"]) => retailer.process("CANCEL_ORDER", body(asked)),
            ("POST", ["retailer", "shipments"]) => retailer.process("CONFIRM_SHIPMENT", body(asked)),
            ("GET", ["shared", "process-status", id]) => retailer.status(id),
            _ => problem(404, "No such resource"),
        }
    })
    .await
}

fn token(asked: &Asked) -> Response<Body> {
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("{}:{}", "open+sesame", "open+sesame"));
    let form = String::from_utf8(asked.body.to_vec()).unwrap();
    if header(asked, "authorization") != format!("Basic {basic}") || form != "grant_type=client_credentials" {
        return answer(401, &[], format!("{form} {SECRET}"));
    }
    let token = json!({"access_token": "t-1", "token_type": "Bearer", "expires_in": 299});
    answer(200, &[("content-type", "application/json")], token.to_string())
}

/// Two stubs a page; past the last one there is nothing, not even the list.
fn list(retailer: &Retailer, asked: &Asked) -> Response<Body> {
    let query = parameters(asked);
    let wanted = [("fulfilment-method", "FBR"), ("status", "ALL")];
    if wanted.iter().any(|(name, value)| query[*name] != *value) || query["latest-change-date"].len() != 10 {
        return problem(400, "Bad request");
    }
    let page: usize = query["page"].parse().unwrap();
    let stubs: Vec<_> = retailer
        .orders
        .iter()
        .skip((page - 1) * 2)
        .take(2)
        .map(Retailer::stub)
        .collect();
    match stubs.is_empty() {
        true => vendor(200, &json!({})),
        false => vendor(200, &json!({"orders": stubs})),
    }
}

fn shipment(order: &str, item: &str) -> CanonicalDocument {
    let note = json!({
        "number": "DN-1", "despatchedOn": "2026-02-11", "carrier": "TNT", "trackingId": "3SBOL0987654321",
        "buyer": {"name": "Jansen Techniek"}, "seller": {"name": "We"},
        "lines": [{"id": "1", "orderNumber": order, "orderLineId": item, "item": {"sellerId": "BRG-6204"}, "delivered": "3", "unit": "C62"}]
    });
    CanonicalDocument::DespatchAdvice(serde_json::from_value(note).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bol_retailer_cancels_and_ships_and_waits_for_the_processes() {
    let retailer = Arc::new(Mutex::new(Retailer::new()));
    let server = api(&retailer).await;
    let mut trial = Trial::on_line("bol", &server.url).await;
    trial.sync().await;
    let order = trial.canonical(&trial.order("B-1"));
    assert_eq!(order["buyer"]["name"], "Jansen Techniek");
    assert_eq!(order["shipTo"]["street"], json!(["Dorpstraat 1 B", "Apartment"]));
    assert_eq!(order["lines"][0]["requestedDelivery"]["first"], "2026-02-12");
    assert_eq!(order["lines"][1]["requestedDelivery"]["first"], "2026-02-14");
    assert_eq!(order["lines"][0]["price"], "12.99");

    // On from the day before the newest change; what was shipped is no new version.
    trial.restart().await;
    retailer.lock().unwrap().item("20000071")["quantityShipped"] = json!(3);
    trial.sync().await;
    assert_eq!(trial.order("B-2").current, VersionNumber(1));
    let since = server
        .asked()
        .iter()
        .filter_map(|a| parameters(a).remove("latest-change-date"))
        .next_back();
    assert_eq!(since.as_deref(), Some("2026-02-09"));

    // There is no acceptance at bol: nothing is sent, and the order is confirmed.
    let row = trial.order("B-1");
    trial
        .answered(&row, json!({"code": "AP"}), DeliveryState::Applied)
        .await;
    assert_eq!(trial.order("B-1").state, ChainState::Confirmed);
    assert_eq!(retailer.lock().unwrap().writes, Vec::<Value>::new());

    // One item is cancelled: refused for its number first, then a process that is pending and ends well. The order
    // comes back without it, and that is agreed.
    retailer.lock().unwrap().throttled = 1;
    let row = trial.order("B-2");
    let lines = json!([
        {"lineId": "20000071", "code": "Accepted"},
        {"lineId": "20000072", "code": "Rejected", "reason": {"code": "DEL"}}
    ]);
    trial
        .answered(&row, json!({"code": "CA", "lines": lines}), DeliveryState::Applied)
        .await;
    let cancelled = |id: &str, reason: &str| json!({"orderItems": [{"orderItemId": id, "reasonCode": reason}]});
    assert_eq!(
        retailer.lock().unwrap().writes,
        [cancelled("20000072", "NOT_AVAIL_IN_TIME")]
    );
    trial.sync().await;
    let row = trial.order("B-2");
    assert_eq!((row.state, row.current), (ChainState::Confirmed, VersionNumber(3)));

    // A process that fails at its end: the partner's words.
    retailer.lock().unwrap().ends = Some(json!({"status": "FAILURE", "errorMessage": "The item was shipped already"}));
    let row = trial.order("B-3");
    let dead = trial
        .answered(
            &row,
            json!({"code": "RE", "reason": {"code": "QUA"}}),
            DeliveryState::Dead,
        )
        .await;
    assert_eq!(told(&dead), "partner.failed The item was shipped already");

    // The customer wants it all cancelled; saying yes is bol's cancellation, with its own reason.
    for id in ["30000071", "30000072"] {
        let mut retailer = retailer.lock().unwrap();
        retailer.item(id)["cancellationRequest"] = json!(true);
        retailer.item(id)["latestChangedDateTime"] = json!("2026-02-12T09:00:00+01:00");
    }
    trial.sync().await;
    let row = trial.order("B-3");
    assert_eq!(row.state, ChainState::CancelPending);
    trial
        .answered(&row, json!({"code": "AP"}), DeliveryState::Applied)
        .await;
    let asked = retailer.lock().unwrap().writes.last().cloned().unwrap();
    assert_eq!(
        asked["orderItems"][1],
        json!({"orderItemId": "30000072", "reasonCode": "REQUESTED_BY_CUSTOMER"})
    );
    trial.sync().await;
    assert_eq!(trial.order("B-3").state, ChainState::Cancelled);

    trial.issued(shipment("B-1", "10000071"), DeliveryState::Applied).await;
    assert_eq!(
        retailer.lock().unwrap().writes.last(),
        Some(&json!({
            "orderItems": [{"orderItemId": "10000071", "quantity": 3}], "shipmentReference": "DN-1",
            "transport": {"transporterCode": "TNT", "trackAndTrace": "3SBOL0987654321"}
        }))
    );
    trial.end().await;
}
