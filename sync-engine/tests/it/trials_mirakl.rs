//! A Mirakl marketplace, as its shop: orders page by page up to `total_count`, lines that are taken or refused, and
//! shipments whose failures come with status 200. Every field that Mirakl touches by itself makes no new version.

use crate::partner_server::{Asked, Server, answer};
use crate::trials::{SECRET, Trial, body, header, parameters, payload, reply, told};
use axum::body::Body;
use axum::http::Response;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use sync_engine::domain::{CanonicalDocument, ChainState, DeliveryState, VersionNumber};
use sync_engine::engine::EngineError;

/// What the marketplace sends at most, whatever it is asked for.
const PAGE: usize = 2;

#[derive(Default)]
struct Shop {
    orders: Vec<Value>,
    shipments: Vec<Value>,
    /// What was wrong with a request.
    wrong: Vec<String>,
}

impl Shop {
    fn with(numbers: &[&str]) -> Self {
        let sample = payload("mirakl", "orders.json")["orders"][0].clone();
        let order = |(n, number): (usize, &&str)| {
            let text = sample.to_string().replace("0042-20260210-A", number);
            let mut order: Value = serde_json::from_str(&text).unwrap();
            order["last_updated_date"] = json!(format!("2026-02-10T09:{:02}:00Z", n + 10));
            order
        };
        Self {
            orders: numbers.iter().enumerate().map(order).collect(),
            ..Self::default()
        }
    }

    fn order(&mut self, number: &str) -> &mut Value {
        let found = self.orders.iter_mut().find(|o| o["order_id"] == number);
        found.unwrap_or_else(|| panic!("{number}"))
    }

    fn list(&mut self, asked: &Asked) -> Response<Body> {
        let mut query = parameters(asked);
        if let Some(ids) = query.remove("order_ids") {
            let found: Vec<_> = self.orders.iter().filter(|o| o["order_id"] == ids.as_str()).collect();
            return reply(200, &json!({"orders": found, "total_count": found.len()}));
        }
        let mut take = |name: &str| query.remove(name).unwrap_or_else(|| panic!("{name} is missing"));
        let (since, offset, max) = (take("start_update_date"), take("offset"), take("max"));
        if !query.is_empty() || max != "100" || !since.ends_with('Z') {
            self.wrong.push(format!("{}", asked.uri));
        }
        let changed: Vec<_> = self
            .orders
            .iter()
            .filter(|o| o["last_updated_date"].as_str().unwrap() >= since.as_str())
            .collect();
        let page: Vec<_> = changed.iter().skip(offset.parse().unwrap()).take(PAGE).collect();
        reply(200, &json!({"orders": page, "total_count": changed.len()}))
    }

    fn accept(&mut self, number: &str, asked: &Asked) -> Response<Body> {
        let body = body(asked);
        let order = self.order(number);
        if order["order_state"] != "WAITING_ACCEPTANCE" {
            let message = format!("Order with id '{number}' is not waiting for acceptance");
            return reply(400, &json!({"message": message, "status": 400}));
        }
        let mut any = false;
        for line in order["order_lines"].as_array_mut().unwrap() {
            let told = body["order_lines"].as_array().unwrap().iter();
            let told: Vec<_> = told.filter(|l| l["id"] == line["order_line_id"]).collect();
            let [told] = told.as_slice() else {
                return reply(
                    400,
                    &json!({"message": "every line is accepted or refused", "status": 400}),
                );
            };
            assert_eq!(told.as_object().unwrap().len(), 2, "{told}");
            let accepted = told["accepted"].as_bool().expect("a boolean");
            any |= accepted;
            line["order_line_state"] = json!(if accepted { "SHIPPING" } else { "REFUSED" });
        }
        order["order_state"] = json!(if any { "SHIPPING" } else { "REFUSED" });
        order["acceptance_decision_date"] = json!("2026-02-10T10:00:00Z");
        order["last_updated_date"] = json!("2026-02-10T10:00:00Z");
        answer(204, &[], "")
    }

    fn ship(&mut self, asked: &Asked) -> Response<Body> {
        let shipment = body(asked)["shipments"][0].clone();
        let number = shipment["order_id"].as_str().unwrap().to_owned();
        let known = self
            .orders
            .iter()
            .any(|o| o["order_id"] == number.as_str() && o["order_state"] == "SHIPPING");
        if !known {
            let errors = json!([{"errors": [{"message": "The order is not to be shipped"}], "order_id": number}]);
            return reply(200, &json!({"shipment_errors": errors, "shipment_success": []}));
        }
        self.shipments.push(shipment);
        let success = json!([{"id": "8f6c0b9e", "order_id": number}]);
        reply(200, &json!({"shipment_errors": [], "shipment_success": success}))
    }
}

async fn marketplace(shop: &Arc<Mutex<Shop>>) -> Server {
    let shop = Arc::clone(shop);
    Server::start(move |asked| {
        let mut shop = shop.lock().unwrap();
        if header(asked, "authorization") != SECRET || header(asked, "accept") != "application/json" {
            return reply(401, &json!({"message": "Unauthorized", "status": 401}));
        }
        let path = asked.uri.path().strip_prefix("/api").unwrap();
        match (asked.method.as_str(), path.split('/').collect::<Vec<_>>().as_slice()) {
            ("GET", ["", "orders"]) => shop.list(asked),
            ("PUT", ["", "orders", number, "accept"]) => shop.accept(number, asked),
            ("POST", ["", "shipments"]) => shop.ship(asked),
            _ => reply(404, &json!({"message": "Not found", "status": 404})),
        }
    })
    .await
}

fn note(number: &str, order: &str) -> CanonicalDocument {
    let note = json!({
        "number": number, "despatchedOn": "2026-02-11", "carrier": "DHL", "trackingId": "3SABCD",
        "buyer": {"name": "Claire Morel"}, "seller": {"name": "We"},
        "lines": [{"id": "1", "orderNumber": order, "orderLineId": format!("{order}-1"), "item": {"sellerId": "BRG-6204"}, "delivered": "4", "unit": "C62"}]
    });
    CanonicalDocument::DespatchAdvice(serde_json::from_value(note).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mirakl_shop_takes_orders_line_by_line_and_ships_them() {
    let shop = Arc::new(Mutex::new(Shop::with(&["M-1", "M-2", "M-3"])));
    let server = marketplace(&shop).await;
    let mut trial = Trial::on_line("mirakl", &server.url).await;

    // Two pages of two, as the marketplace gives them, and the watermark of the newest.
    trial.sync().await;
    let order = trial.canonical(&trial.order("M-1"));
    assert_eq!(order["shipTo"]["country"], "FR");
    assert_eq!(
        order["shipTo"]["street"],
        json!(["12 rue des Fleurs", "Bat. B", "2nd floor"])
    );
    assert_eq!(order["lines"][0]["price"], "12.50");
    assert_eq!(order["language"], "fr-FR");

    // Another engine on the same database goes on five minutes before it; what the marketplace touched is no change.
    trial.restart().await;
    shop.lock().unwrap().order("M-2")["has_customer_message"] = json!(true);
    shop.lock().unwrap().order("M-2")["last_updated_date"] = json!("2026-02-10T09:20:00Z");
    trial.sync().await;
    assert_eq!(trial.order("M-2").current, VersionNumber(1));
    let asked = server.asked();
    let mut since = asked.iter().filter_map(|a| parameters(a).remove("start_update_date"));
    assert!(since.any(|at| at == "2026-02-10T09:07:00Z"), "{asked:?}");

    // One line taken, one refused: applied once the marketplace shows it, and agreed once it comes back like that.
    let row = trial.order("M-1");
    let lines = json!([
        {"lineId": "M-1-1", "code": "Accepted"}, {"lineId": "M-1-2", "code": "Rejected", "reason": {"code": "QUA"}}
    ]);
    trial
        .answered(&row, json!({"code": "CA", "lines": lines}), DeliveryState::Applied)
        .await;
    trial.sync().await;
    let row = trial.order("M-1");
    assert_eq!((row.state, row.current), (ChainState::Confirmed, VersionNumber(3)));
    assert_eq!(trial.canonical(&row)["lines"].as_array().unwrap().len(), 1);

    // What the marketplace cannot take is said before anything is saved, in the configuration's words.
    let row = trial.order("M-2");
    let more = json!({"code": "CA", "lines": [{"lineId": "M-2-1", "code": "Changed", "quantity": "3"}]});
    let more = serde_json::from_value(more).unwrap();
    match trial.engine.answer_order(row.id, row.current, more, "user:clerk").await {
        Err(EngineError::Refused { code, message, .. }) => assert_eq!(
            (code, message.as_str()),
            (
                "answer.invalid",
                "Mirakl marketplace cannot take this answer: A line is taken as it is or refused as a whole"
            )
        ),
        other => panic!("{other:?}"),
    }

    // Somebody accepted it in the meantime: the marketplace's words.
    shop.lock().unwrap().order("M-2")["order_state"] = json!("SHIPPING");
    let dead = trial.answered(&row, json!({"code": "AP"}), DeliveryState::Dead).await;
    assert_eq!(
        told(&dead),
        "partner.rejected Order with id 'M-2' is not waiting for acceptance"
    );

    // A cancellation is final there: confirming it sends nothing.
    {
        let mut shop = shop.lock().unwrap();
        let order = shop.order("M-3");
        order["order_state"] = json!("CANCELED");
        order["last_updated_date"] = json!("2026-02-10T11:00:00Z");
    }
    trial.sync().await;
    let row = trial.order("M-3");
    assert_eq!(row.state, ChainState::CancelPending);
    let before = server.asked().len();
    trial
        .answered(&row, json!({"code": "AP"}), DeliveryState::Applied)
        .await;
    assert_eq!(trial.order("M-3").state, ChainState::Cancelled);
    let puts = server.asked().split_off(before);
    assert!(puts.iter().all(|a| a.method == "GET"), "{puts:?}");

    // Shipments: a success, and a failure with status 200.
    trial.issued(note("DN-1", "M-1"), DeliveryState::Applied).await;
    assert_eq!(
        shop.lock().unwrap().shipments,
        [json!({
            "order_id": "M-1", "shipped": true, "shipment_lines": [{"order_line_id": "M-1-1", "quantity": 4}],
            "tracking": {"carrier_name": "DHL", "tracking_number": "3SABCD"}
        })]
    );
    let dead = trial.issued(note("DN-2", "M-3"), DeliveryState::Dead).await;
    assert_eq!(told(&dead), "partner.rejected The order is not to be shipped");
    assert_eq!(shop.lock().unwrap().wrong, Vec::<String>::new());
    trial.end().await;
}
