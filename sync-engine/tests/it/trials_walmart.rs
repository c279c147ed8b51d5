//! Walmart Marketplace, as its seller: a token in a header of its own, a correlation id with every request, the next
//! page as a whole query string, and lines whose quantity is told by their statuses.

use crate::partner_server::{Asked, Server, answer};
use crate::trials::{Trial, body, header, parameters, payload, reply, told};
use axum::body::Body;
use axum::http::Response;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use sync_engine::domain::{CanonicalDocument, ChainState, DeliveryState, VersionNumber};

#[derive(Default)]
struct Market {
    orders: Vec<Value>,
    shipments: Vec<Value>,
    acknowledged: Vec<String>,
    tokens: usize,
    /// The token in force; another one is refused.
    token: usize,
}

impl Market {
    fn new() -> Self {
        let sample = payload("walmart", "orders.json")["list"]["elements"]["order"][0].clone();
        let order = |n: usize| {
            let text = sample.to_string().replace("4792059978801", &format!("W-{n}"));
            serde_json::from_str(&text).unwrap()
        };
        Self {
            orders: (1..=3).map(order).collect(),
            ..Self::default()
        }
    }

    fn order(&mut self, number: &str) -> &mut Value {
        let found = self.orders.iter_mut().find(|o| o["purchaseOrderId"] == number);
        found.unwrap_or_else(|| panic!("{number}"))
    }

    /// Sets what is open of the lines.
    fn set(&mut self, number: &str, status: &str, reason: Option<&str>, at: i64) {
        for line in self.order(number)["orderLines"]["orderLine"].as_array_mut().unwrap() {
            line["statusDate"] = json!(at);
            for one in line["orderLineStatuses"]["orderLineStatus"].as_array_mut().unwrap() {
                if one["status"] != "Cancelled" {
                    one["status"] = json!(status);
                    one["cancellationReason"] = json!(reason);
                }
            }
        }
    }

    fn list(&self, asked: &Asked) -> Response<Body> {
        let query = parameters(asked);
        let first = query.get("lastModifiedStartDate");
        if first.is_some_and(|since| since.as_str() > "2027") {
            return error(404, "CONTENT_NOT_FOUND.GMP_ORDER_API", "No Purchase Orders found");
        }
        // The next page is asked for by exactly what was given.
        let at: usize = match (first, query.get("poIndex")) {
            (Some(_), None) if query["limit"] == "100" => 0,
            (None, Some(at)) if asked.uri.query().unwrap().ends_with("&cursor=QW9K==") => at.parse().unwrap(),
            _ => {
                return error(
                    400,
                    "INVALID_REQUEST_PARAM.GMP_ORDER_API",
                    asked.uri.query().unwrap_or_default(),
                );
            }
        };
        let next = (at + 1 < self.orders.len()).then(|| {
            format!(
                "?limit=100&hasMoreElements=true&soIndex=3&poIndex={}&cursor=QW9K==",
                at + 1
            )
        });
        let page = &self.orders[at..=at];
        reply(
            200,
            &json!({"list": {"meta": {"totalCount": 3, "limit": 1, "nextCursor": next}, "elements": {"order": page}}}),
        )
    }

    fn acknowledge(&mut self, number: &str, asked: &Asked) -> Response<Body> {
        if !asked.body.is_empty() || header(asked, "content-length") != "0" {
            return error(400, "INVALID_REQUEST_CONTENT.GMP_ORDER_API", "no body is expected");
        }
        self.set(number, "Acknowledged", None, 1_770_720_000_000);
        self.acknowledged.push(number.to_owned());
        let order = self.order(number).clone();
        reply(200, &json!({ "order": order }))
    }

    fn cancel(&mut self, number: &str, asked: &Asked) -> Response<Body> {
        let told = body(asked);
        for line in told["orderCancellation"]["orderLines"]["orderLine"].as_array().unwrap() {
            let statuses = line["orderLineStatuses"]["orderLineStatus"].as_array().unwrap();
            for status in statuses {
                let quantity = &status["statusQuantity"];
                let fits = status["status"] == "Cancelled"
                    && status["cancellationReason"]
                        .as_str()
                        .is_some_and(|r| r.starts_with("SELLER_CANCEL"))
                    && quantity["unitOfMeasurement"] == "EACH"
                    && quantity["amount"].is_string();
                if !fits {
                    return error(400, "INVALID_REQUEST_CONTENT.GMP_ORDER_API", &status.to_string());
                }
            }
            let lines = self.order(number)["orderLines"]["orderLine"].as_array_mut().unwrap();
            let own = lines
                .iter_mut()
                .find(|l| l["lineNumber"] == line["lineNumber"])
                .unwrap();
            if own["orderLineStatuses"]["orderLineStatus"][0]["status"] == "Shipped" {
                return error(
                    400,
                    "INVALID_REQUEST_CONTENT.GMP_ORDER_API",
                    "The line was shipped already",
                );
            }
            own["orderLineStatuses"]["orderLineStatus"] = json!(statuses);
            own["statusDate"] = json!(1_770_720_000_001_i64);
        }
        let order = self.order(number).clone();
        reply(200, &json!({ "order": order }))
    }
}

fn error(status: u16, code: &str, description: &str) -> Response<Body> {
    let error =
        json!({"code": code, "field": "data", "description": description, "severity": "ERROR", "category": "DATA"});
    reply(status, &json!({"errors": {"error": [error]}}))
}

async fn api(market: &Arc<Mutex<Market>>) -> Server {
    let market = Arc::clone(market);
    Server::start(move |asked| {
        let mut market = market.lock().unwrap();
        if header(asked, "wm_svc.name") != "Walmart Marketplace" || header(asked, "wm_qos.correlation_id").is_empty() {
            return error(
                400,
                "INVALID_REQUEST_HEADER",
                "WM_SVC.NAME and WM_QOS.CORRELATION_ID are needed",
            );
        }
        let path = asked.uri.path().to_owned();
        if path == "/v3/token" {
            let fits =
                header(asked, "authorization").starts_with("Basic ") && header(asked, "accept") == "application/json";
            market.tokens += 1;
            market.token = market.tokens;
            let token =
                json!({"access_token": format!("t-{}", market.token), "token_type": "Bearer", "expires_in": 900});
            return if fits { reply(200, &token) } else { answer(401, &[], "") };
        }
        if header(asked, "wm_sec.access_token") != format!("t-{}", market.token) {
            return error(
                401,
                "UNAUTHORIZED.GMP_GATEWAY_API",
                "Unauthorized token or incorrect authorization header",
            );
        }
        match (
            asked.method.as_str(),
            path.split('/').skip(1).collect::<Vec<_>>().as_slice(),
        ) {
            ("GET", ["v3", "orders"]) => market.list(asked),
            ("POST", ["v3", "orders", number, "acknowledge"]) => market.acknowledge(number, asked),
            ("POST", ["v3", "orders", number, "cancel"]) => market.cancel(number, asked),
            ("POST", ["v3", "orders", _, "shipping"]) => {
                market.shipments.push(body(asked));
                reply(200, &json!({"order": {}}))
            }
            _ => error(404, "NOT_FOUND", "no such resource"),
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walmart_seller_acknowledges_cancels_quantities_and_ships() {
    let market = Arc::new(Mutex::new(Market::new()));
    let server = api(&market).await;
    let mut trial = Trial::on_line("walmart", &server.url).await;

    // Three pages, each named by a whole query string; what is cancelled of a line is none of it.
    trial.sync().await;
    let order = trial.canonical(&trial.order("W-1"));
    assert_eq!(
        (&order["lines"][0]["quantity"], &order["lines"][1]["quantity"]),
        (&json!("2"), &json!("1"))
    );
    assert_eq!(order["shipTo"]["city"], "Crane Hill, AL");
    assert_eq!(order["shipTo"]["country"], "US");
    assert_eq!(order["issuedAt"], "2026-02-10T08:45:33.000Z");
    assert_eq!(trial.order("W-3").current, VersionNumber(1));

    // The token is gone: a new one, and on from five minutes before the newest status.
    market.lock().unwrap().token = 99;
    trial.restart().await;
    trial.sync().await;
    let since = server
        .asked()
        .iter()
        .filter_map(|a| parameters(a).remove("lastModifiedStartDate"))
        .next_back();
    assert_eq!(since.as_deref(), Some("2026-02-10T08:41:24Z"));
    let ids = server.asked();
    let ids: std::collections::BTreeSet<_> = ids.iter().map(|a| header(a, "wm_qos.correlation_id")).collect();
    assert!(ids.len() > 3, "each request has an id of its own: {ids:?}");

    // Acknowledged with an empty body; the status that this gives the lines is no new version.
    let row = trial.order("W-1");
    trial
        .answered(&row, json!({"code": "AP"}), DeliveryState::Applied)
        .await;
    assert_eq!(market.lock().unwrap().acknowledged, ["W-1"]);
    trial.sync().await;
    let row = trial.order("W-1");
    assert_eq!((row.state, row.current), (ChainState::Confirmed, VersionNumber(1)));

    // One of two pieces accepted, the other line not at all: acknowledged, then cancelled by quantity.
    let row = trial.order("W-2");
    let lines = json!([
        {"lineId": "1", "code": "Accepted", "quantity": "1"},
        {"lineId": "1", "code": "Rejected", "quantity": "1", "reason": {"code": "QUA"}},
        {"lineId": "2", "code": "Rejected", "reason": {"code": "PRI"}}
    ]);
    trial
        .answered(&row, json!({"code": "CA", "lines": lines}), DeliveryState::Applied)
        .await;
    assert_eq!(market.lock().unwrap().acknowledged, ["W-1", "W-2"]);
    let cancelled = server
        .asked()
        .into_iter()
        .find(|a| a.uri.path().ends_with("W-2/cancel"))
        .unwrap();
    let status = |amount: &str, reason: &str| {
        json!({"orderLineStatus": [{
            "status": "Cancelled", "cancellationReason": reason,
            "statusQuantity": {"unitOfMeasurement": "EACH", "amount": amount}
        }]})
    };
    assert_eq!(
        body(&cancelled)["orderCancellation"]["orderLines"]["orderLine"],
        json!([
            {"lineNumber": "1", "orderLineStatuses": status("1", "SELLER_CANCEL_OUT_OF_STOCK")},
            {"lineNumber": "2", "orderLineStatuses": status("1", "SELLER_CANCEL_PRICING_ERROR")}
        ])
    );

    // Shipped behind our back: Walmart's words. Then the customer cancelled it: saying yes sends nothing.
    market.lock().unwrap().set("W-3", "Shipped", None, 1_770_713_184_000);
    let row = trial.order("W-3");
    let dead = trial
        .answered(
            &row,
            json!({"code": "RE", "reason": {"code": "QUA"}}),
            DeliveryState::Dead,
        )
        .await;
    assert_eq!(told(&dead), "partner.rejected The line was shipped already");
    market
        .lock()
        .unwrap()
        .set("W-3", "Cancelled", Some("CUSTOMER_CANCEL"), 1_770_730_000_000);
    trial.sync().await;
    let row = trial.order("W-3");
    assert_eq!(row.state, ChainState::CancelPending);
    trial
        .answered(&row, json!({"code": "AP"}), DeliveryState::Applied)
        .await;
    assert_eq!(trial.order("W-3").state, ChainState::Cancelled);
    assert_eq!(market.lock().unwrap().acknowledged, ["W-1", "W-2"]);

    let note = json!({
        "number": "DN-1", "despatchedOn": "2026-02-11", "carrier": "UPS", "trackingId": "1Z999",
        "buyer": {"name": "Leslie Rushing"}, "seller": {"name": "We"},
        "lines": [{"id": "1", "orderNumber": "W-1", "orderLineId": "1", "item": {"sellerId": "A"}, "delivered": "2", "unit": "C62"}]
    });
    let note = CanonicalDocument::DespatchAdvice(serde_json::from_value(note).unwrap());
    trial.issued(note, DeliveryState::Applied).await;
    let shipped = market.lock().unwrap().shipments[0]["orderShipment"]["orderLines"]["orderLine"][0].clone();
    assert_eq!(
        shipped["orderLineStatuses"]["orderLineStatus"][0]["trackingInfo"],
        json!({
            "shipDateTime": 1_770_789_600_000_i64, "carrierName": {"carrier": "UPS"}, "methodCode": "Standard",
            "trackingNumber": "1Z999"
        })
    );
    trial.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_found_at_walmart_is_no_error_and_another_404_is_one() {
    let code = Arc::new(Mutex::new("CONTENT_NOT_FOUND.GMP_ORDER_API"));
    let said = Arc::clone(&code);
    let server = Server::start(move |asked| match asked.uri.path() {
        "/v3/token" => reply(200, &json!({"access_token": "t-1", "expires_in": 900})),
        _ => error(404, *said.lock().unwrap(), "No Purchase Orders found"),
    })
    .await;
    let trial = Trial::on_line("walmart", &server.url).await;
    assert_eq!(trial.sync().await.received, 0);
    *code.lock().unwrap() = "NOT_FOUND.GMP_GATEWAY_API";
    let wrong = trial.engine.sync_now(&trial.id).await;
    assert!(format!("{wrong:?}").contains("partner.not_found"), "{wrong:?}");
    trial.end().await;
}
