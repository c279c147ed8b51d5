//! A small S/4HANA that keeps state, and refuses what it refuses: OData 2 with sessions, ETags and pages of its own size.

use crate::partner_server::{Asked, Server, answer};
use crate::trials::{SECRET, body, cut, header, parameters, payload, reply};
use axum::body::Body;
use axum::http::Response;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

const SERVICE: &str = "/sap/opu/odata/sap/API_PURCHASEORDER_PROCESS_SRV";
const CONFIRMATIONS: &str = "/sap/opu/odata/sap/YY1_SUPPLIERCONFIRMATION_CDS/A_PurOrdSupplierConfirmation";
/// Orders on a page, whatever is asked for.
const PAGE: usize = 2;
/// 2026-03-02T08:15:42Z
const CHANGED: i64 = 1_772_439_342_000;

/// What an S/4HANA holds, and what it was asked for besides reads.
#[derive(Default)]
pub struct S4 {
    pub orders: BTreeMap<String, Value>,
    pub confirmations: Vec<Value>,
    pub notes: Vec<Value>,
    pub deliveries: Vec<Value>,
    /// Writes as `METHOD PATH`.
    pub writes: Vec<String>,
    pub sessions: usize,
    /// Writes, counted from 0, whose answer gets lost: before (false) or after (true) it was done.
    pub lost: BTreeMap<usize, bool>,
    /// The session ends before that write.
    pub ends_before: Option<usize>,
}

fn error(status: u16, words: &str) -> Response<Body> {
    let message = json!({"lang": "en", "value": words});
    reply(
        status,
        &json!({"error": {"code": "06/055", "message": message, "innererror": {"errordetails": []}}}),
    )
}

/// The moment of a `/Date(…)/`.
fn millis(value: &Value) -> i64 {
    let text = value.as_str().unwrap().trim_start_matches("/Date(");
    text.split(['+', ')']).next().unwrap().parse().unwrap()
}

fn etag(order: &Value) -> String {
    format!("W/\"datetimeoffset'{}'\"", millis(&order["LastChangeDateTime"]))
}

impl S4 {
    /// The saved payload under another number, changed so many minutes later.
    pub fn put(&mut self, number: &str, minutes: i64) {
        let mut order = payload("sap-s4", "orders.json");
        order["PurchaseOrder"] = json!(number);
        for item in order["to_PurchaseOrderItem"]["results"].as_array_mut().unwrap() {
            item["PurchaseOrder"] = json!(number);
        }
        self.orders.insert(number.to_owned(), order);
        self.touch(number, minutes);
    }

    pub fn touch(&mut self, number: &str, minutes: i64) {
        let order = self.orders.get_mut(number).unwrap();
        order["LastChangeDateTime"] = json!(format!("/Date({}+0000)/", CHANGED + minutes * 60_000));
        let tag = etag(order);
        order["__metadata"]["etag"] = json!(tag);
    }

    fn reply(&mut self, asked: &Asked) -> Response<Body> {
        let basic = format!("Basic {}", STANDARD.encode(format!("{SECRET}:{SECRET}")));
        if header(asked, "authorization") != basic {
            return error(401, "Logon failed");
        }
        assert_eq!(header(asked, "accept"), "application/json");
        let path = asked.uri.path();
        match asked.method.as_str() {
            "GET" if path == format!("{SERVICE}/") => {
                assert_eq!(header(asked, "x-csrf-token"), "Fetch");
                self.sessions += 1;
                let (token, cookie) = (
                    format!("t{}", self.sessions),
                    format!("SAP_SESSIONID=s{}; path=/", self.sessions),
                );
                answer(200, &[("x-csrf-token", &token), ("set-cookie", &cookie)], "{\"d\":{}}")
            }
            "GET" => self.read(asked, path),
            _ => {
                if self.ends_before == Some(self.writes.len()) {
                    self.ends_before = None;
                    self.sessions += 1;
                }
                let (token, cookie) = (header(asked, "x-csrf-token"), header(asked, "cookie"));
                if token != format!("t{}", self.sessions) || cookie != format!("SAP_SESSIONID=s{}", self.sessions) {
                    return answer(403, &[("x-csrf-token", "Required")], "CSRF token validation failed");
                }
                let lost = self.lost.get(&self.writes.len()).copied();
                self.writes.push(format!("{} {path}", asked.method));
                match lost {
                    Some(true) => {
                        self.write(asked, path);
                        cut()
                    }
                    Some(false) => cut(),
                    None => self.write(asked, path),
                }
            }
        }
    }

    fn read(&self, asked: &Asked, path: &str) -> Response<Body> {
        let asks = parameters(asked);
        if path == CONFIRMATIONS {
            let filter = &asks["$filter"];
            let (name, value) = filter.split_once(" eq '").unwrap();
            let value = value.trim_end_matches('\'');
            let found: Vec<&Value> = self.confirmations.iter().filter(|c| c[name] == value).collect();
            return reply(200, &json!({"d": {"results": found}}));
        }
        assert!(asks["$expand"].starts_with("to_PurchaseOrderItem/to_ScheduleLine"));
        if let Some(key) = path.strip_prefix(&format!("{SERVICE}/A_PurchaseOrder('")) {
            let order = &self.orders[key.trim_end_matches("')")];
            return reply(200, &json!({"d": order}));
        }
        assert_eq!(path, format!("{SERVICE}/A_PurchaseOrder"));
        let since = asks["$filter"]
            .split("datetimeoffset'")
            .nth(1)
            .unwrap()
            .trim_end_matches('\'');
        assert_eq!(
            asks["$filter"],
            format!("Supplier eq '17300001' and LastChangeDateTime ge datetimeoffset'{since}'")
        );
        let since = moment(since);
        let mut found: Vec<&Value> = self.orders.values().collect();
        found.retain(|order| millis(&order["LastChangeDateTime"]) >= since);
        found.sort_by_key(|order| millis(&order["LastChangeDateTime"]));
        let from: usize = asks.get("$skiptoken").map_or(0, |token| token.parse().unwrap());
        let page: Vec<&Value> = found.iter().skip(from).take(PAGE).copied().collect();
        let mut d = json!({"results": page});
        if found.len() > from + PAGE {
            let (host, query) = (header(asked, "host"), asked.uri.query().unwrap());
            let query = query.split("&$skiptoken").next().unwrap();
            d["__next"] = json!(format!("http://{host}{path}?{query}&$skiptoken={}", from + PAGE));
        }
        reply(200, &json!({"d": d}))
    }

    fn write(&mut self, asked: &Asked, path: &str) -> Response<Body> {
        assert_eq!(header(asked, "content-type"), "application/json");
        let sent = body(asked);
        if path == CONFIRMATIONS {
            self.confirmations.push(sent.clone());
            return reply(201, &json!({"d": sent}));
        }
        if path == "/sap/opu/odata/sap/API_INBOUND_DELIVERY_SRV;v=0002/A_InbDeliveryHeader" {
            self.deliveries.push(sent);
            return reply(201, &json!({"d": {"DeliveryDocument": "180000001"}}));
        }
        let key = path.strip_prefix(&format!("{SERVICE}/A_PurchaseOrder('")).unwrap();
        let (number, rest) = key.split_once("')").unwrap();
        if rest == "/to_PurchaseOrderNote" {
            self.notes.push(sent);
            return error(400, "Purchase order is locked by user MAY");
        }
        assert_eq!((asked.method.as_str(), rest), ("PATCH", ""));
        let order = &self.orders[number];
        if header(asked, "if-match") != etag(order) {
            return error(412, "Precondition failed");
        }
        let minutes = (millis(&order["LastChangeDateTime"]) - CHANGED) / 60_000;
        self.orders.get_mut(number).unwrap()["CorrespncExternalReference"] = sent["CorrespncExternalReference"].clone();
        self.touch(number, minutes + 1);
        answer(204, &[], "")
    }
}

fn moment(moment: &str) -> i64 {
    let moment = serde_json::from_value::<sync_engine::domain::Timestamp>(json!(moment));
    moment.unwrap().0
}

pub async fn s4() -> (Arc<Mutex<S4>>, Server) {
    let peer = Arc::new(Mutex::new(S4::default()));
    let of_server = Arc::clone(&peer);
    let server = Server::start(move |asked| of_server.lock().unwrap().reply(asked)).await;
    (peer, server)
}
