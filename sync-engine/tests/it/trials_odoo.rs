//! An Odoo database, as its vendor: everything is a POST to one address, the key stands in the body, and what goes wrong
//! comes with status 200.

use crate::partner_server::{Asked, Server};
use crate::trials::{SECRET, Trial, body, header, payload, reply, told};
use axum::body::Body;
use axum::http::Response;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use sync_engine::domain::{ChainState, DeliveryState, VersionNumber};

struct Odoo {
    orders: Vec<Value>,
    lines: Vec<Value>,
    /// What the next write ends with instead.
    fails: Option<(&'static str, &'static str)>,
    /// The key that is taken.
    key: &'static str,
    calls: Vec<(String, Value)>,
}

impl Odoo {
    fn new() -> Self {
        let sample = payload("odoo", "orders.json")["result"][0].clone();
        let order = |n: u64| {
            let mut order = sample.clone();
            order["id"] = json!(n);
            order["name"] = json!(format!("P{n:05}"));
            order
        };
        let lines = payload("odoo", "lines.json")["result"].as_array().unwrap().clone();
        Self {
            orders: (41..=43).map(order).collect(),
            lines,
            fails: None,
            key: SECRET,
            calls: Vec::new(),
        }
    }

    fn order(&mut self, id: &Value) -> &mut Value {
        self.orders.iter_mut().find(|o| o["id"] == *id).unwrap()
    }

    fn called(&mut self, asked: &Asked) -> Response<Body> {
        let call = body(asked);
        let args = call["params"]["args"].as_array().unwrap().clone();
        let whole = call["jsonrpc"] == "2.0" && call["method"] == "call" && call["params"]["method"] == "execute_kw";
        if !whole || call["params"]["service"] != "object" || args[0] != "azure" || args[1] != 7 {
            return wrong("odoo.exceptions.ValidationError", "this is no call");
        }
        if args[2] != self.key {
            return wrong("odoo.exceptions.AccessDenied", "Access Denied");
        }
        let (model, method) = (args[3].as_str().unwrap(), args[4].as_str().unwrap());
        let reads = matches!(method, "search_read" | "read");
        if !reads {
            self.calls.push((format!("{model} {method}"), args[5].clone()));
            if let Some((name, words)) = self.fails.take() {
                return wrong(name, words);
            }
        }
        let ids = args[5][0].as_array().cloned().unwrap_or_default();
        let done = match (model, method) {
            ("purchase.order", "search_read") => return self.search(&args),
            ("purchase.order", "read") => json!([{"id": ids[0], "state": self.order(&ids[0])["state"]}]),
            ("purchase.order.line", "search_read") => return self.search_lines(&args),
            ("purchase.order", "button_confirm") => self.moved(&ids[0], "purchase"),
            ("purchase.order", "button_cancel") => self.moved(&ids[0], "cancel"),
            ("purchase.order.line", "write") | ("purchase.order", "message_post") => json!(true),
            _ => return wrong("builtins.AttributeError", method),
        };
        reply(200, &json!({"jsonrpc": "2.0", "id": 1, "result": done}))
    }

    /// Those of all the orders that are named, each with the order that it belongs to.
    fn search_lines(&self, args: &[Value]) -> Response<Body> {
        let domain = &args[5][0];
        if domain[0][0] != "order_id" || domain[0][1] != "in" {
            return wrong("builtins.ValueError", &format!("Invalid domain {domain}"));
        }
        let wanted = domain[0][2].as_array().unwrap();
        let orders = self.orders.iter().filter(|o| wanted.contains(&o["id"]));
        let lines = orders.flat_map(|order| {
            self.lines.iter().map(|line| {
                let mut line = line.clone();
                line["order_id"] = json!([order["id"], order["name"]]);
                line
            })
        });
        let lines: Vec<_> = lines.collect();
        reply(200, &json!({"jsonrpc": "2.0", "id": 1, "result": lines}))
    }

    fn moved(&mut self, id: &Value, state: &str) -> Value {
        let order = self.order(id);
        order["state"] = json!(state);
        order["write_date"] = json!("2026-02-10 09:00:00");
        json!(true)
    }

    /// Two at a time, whatever is asked for: the domain, the offset and the limit are all in the body.
    fn search(&self, args: &[Value]) -> Response<Body> {
        let domain = &args[5][0];
        let since = domain[0][2].as_str().unwrap();
        let asks = domain[0][0] == "write_date" && domain[0][1] == ">=" && domain[1][1] == "in" && since.len() == 19;
        if !asks || args[6]["limit"] != 80 || args[6]["order"] != "write_date, id" {
            return wrong("builtins.ValueError", &format!("Invalid domain {domain}"));
        }
        let found = self
            .orders
            .iter()
            .filter(|o| o["write_date"].as_str().unwrap() >= since);
        let from = usize::try_from(args[6]["offset"].as_u64().unwrap()).unwrap();
        let page: Vec<_> = found.skip(from).take(80).collect();
        reply(200, &json!({"jsonrpc": "2.0", "id": 1, "result": page}))
    }
}

fn wrong(name: &str, words: &str) -> Response<Body> {
    let mut body = payload("odoo", "error.json");
    body["error"]["data"]["name"] = json!(name);
    body["error"]["data"]["message"] = json!(words);
    reply(200, &body)
}

async fn database(odoo: &Arc<Mutex<Odoo>>) -> Server {
    let odoo = Arc::clone(odoo);
    Server::start(move |asked| {
        assert_eq!(
            (asked.method.as_str(), asked.uri.to_string().as_str()),
            ("POST", "/jsonrpc")
        );
        assert_eq!(header(asked, "content-type"), "application/json");
        odoo.lock().unwrap().called(asked)
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_odoo_vendor_confirms_counters_and_rejects_by_calls_in_the_body() {
    let odoo = Arc::new(Mutex::new(Odoo::new()));
    let server = database(&odoo).await;
    let mut trial = Trial::on_line("odoo", &server.url).await;
    trial.sync().await;
    let order = trial.canonical(&trial.order("P00041"));
    assert_eq!(order["lines"][0]["item"]["sellerId"], "BRG-6204");
    assert_eq!(
        (&order["lines"][1]["unit"], &order["lines"][1]["quantity"]),
        (&json!("LTR"), &json!("2.4"))
    );
    assert_eq!(order["notes"], json!(["Ring before delivery"]));
    assert_eq!(order["issuedAt"], "2026-02-10T08:00:00.000Z");

    // On from a minute before the newest, as Odoo writes dates; nothing comes twice.
    trial.restart().await;
    trial.sync().await;
    let asked = server.asked();
    let searches = asked
        .iter()
        .map(body)
        .filter(|b| b["params"]["args"][3] == "purchase.order" && b["params"]["args"][4] == "search_read");
    let since = searches.map(|b| b["params"]["args"][5][0][0][2].clone()).next_back();
    assert_eq!(since, Some(json!("2026-02-10 08:29:12")));
    assert_eq!(trial.order("P00041").current, VersionNumber(1));

    // A lock in the database is worth another attempt, with status 200 as everything.
    odoo.lock().unwrap().fails = Some(("psycopg2.errors.SerializationFailure", "could not serialize access"));
    let row = trial.order("P00041");
    let done = trial
        .answered(&row, json!({"code": "AP"}), DeliveryState::Applied)
        .await;
    let attempts = trial.engine.store().attempts(done.id).unwrap();
    assert_eq!(attempts[0].error.as_ref().unwrap().code, "partner.unavailable");
    // The key is in no request that is kept: nowhere in the database's files.
    trial.assert_unkept(SECRET);

    // Line by line, then a message.
    let row = trial.order("P00042");
    let lines = json!([
        {"lineId": "97", "code": "Changed", "quantity": "6", "date": "2026-03-10"}, {"lineId": "98", "code": "Accepted"}
    ]);
    trial
        .answered(
            &row,
            json!({"code": "CA", "note": "Six by March", "lines": lines}),
            DeliveryState::Delivered,
        )
        .await;
    let calls = odoo.lock().unwrap().calls.split_off(2);
    assert_eq!(
        calls,
        [
            (
                "purchase.order.line write".to_owned(),
                json!([[97], {"product_qty": 6, "date_planned": "2026-03-10 00:00:00"}])
            ),
            ("purchase.order message_post".to_owned(), json!([[42]])),
        ]
    );

    // A no with status 200.
    let words = "Unable to cancel purchase order P00043 as some receptions have already been done.";
    odoo.lock().unwrap().fails = Some(("odoo.exceptions.UserError", words));
    let row = trial.order("P00043");
    let dead = trial
        .answered(
            &row,
            json!({"code": "RE", "reason": {"code": "QUA"}}),
            DeliveryState::Dead,
        )
        .await;
    assert_eq!(told(&dead), format!("partner.rejected {words}"));

    // The key is refused, with status 200: the credentials count as broken, not the list as empty.
    odoo.lock().unwrap().key = "another";
    let refused = trial.engine.sync_now(&trial.id).await;
    assert!(format!("{refused:?}").contains("partner.credentials"), "{refused:?}");
    odoo.lock().unwrap().key = SECRET;

    // They cancel one: saying yes to that calls nothing.
    odoo.lock().unwrap().moved(&json!(41), "cancel");
    trial.sync().await;
    let row = trial.order("P00041");
    assert_eq!(row.state, ChainState::CancelPending);
    odoo.lock().unwrap().calls.clear();
    trial
        .answered(&row, json!({"code": "AP"}), DeliveryState::Applied)
        .await;
    assert_eq!(trial.order("P00041").state, ChainState::Cancelled);
    assert_eq!(odoo.lock().unwrap().calls, []);
    trial.end().await;
}
