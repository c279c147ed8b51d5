//! SAP S/4HANA by OData 2: `d.results` and skip tokens, `/Date(…)/`, CSRF tokens with their session, keys in the path,
//! ETags, an error object of its own. As its customer's supplier, and as a buyer who keeps orders in it.

use crate::partner_server::{Asked, Server, answer};
use crate::trials::{SECRET, Trial, body, cut, header, parameters, payload, reply, told};
use axum::body::Body;
use axum::http::Response;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use sync_engine::domain::{CanonicalDocument, ChainState, DeliveryState, VersionNumber};

const SERVICE: &str = "/sap/opu/odata/sap/API_PURCHASEORDER_PROCESS_SRV";
const CONFIRMATIONS: &str = "/sap/opu/odata/sap/YY1_SUPPLIERCONFIRMATION_CDS/A_PurOrdSupplierConfirmation";
/// Orders on a page, whatever is asked for.
const PAGE: usize = 2;
/// 2026-03-02T08:15:42Z
const CHANGED: i64 = 1_772_439_342_000;

/// What an S/4HANA holds, and what it was asked for besides reads.
#[derive(Default)]
struct S4 {
    orders: BTreeMap<String, Value>,
    confirmations: Vec<Value>,
    notes: Vec<Value>,
    deliveries: Vec<Value>,
    /// Writes as `METHOD PATH`.
    writes: Vec<String>,
    sessions: usize,
    /// Writes, counted from 0, whose answer gets lost: before (false) or after (true) it was done.
    lost: BTreeMap<usize, bool>,
    /// The session ends before that write.
    ends_before: Option<usize>,
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
    fn put(&mut self, number: &str, minutes: i64) {
        let mut order = payload("sap-s4", "orders.json");
        order["PurchaseOrder"] = json!(number);
        for item in order["to_PurchaseOrderItem"]["results"].as_array_mut().unwrap() {
            item["PurchaseOrder"] = json!(number);
        }
        self.orders.insert(number.to_owned(), order);
        self.touch(number, minutes);
    }

    fn touch(&mut self, number: &str, minutes: i64) {
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

async fn s4() -> (Arc<Mutex<S4>>, Server) {
    let peer = Arc::new(Mutex::new(S4::default()));
    let of_server = Arc::clone(&peer);
    let server = Server::start(move |asked| of_server.lock().unwrap().reply(asked)).await;
    (peer, server)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sap_orders_are_read_by_skip_token_and_resumed_at_the_watermark() {
    let (peer, server) = s4().await;
    for (number, minutes) in [("4500000001", 0), ("4500000002", 10), ("4500000003", 20)] {
        peer.lock().unwrap().put(number, minutes);
    }
    let mut trial = Trial::by_hand("sap-s4", &server.url).await;
    let report = trial.sync().await;
    assert_eq!((report.versions, report.duplicates), (3, 0));
    assert_eq!(server.asked().len(), 2, "two pages");
    let order = trial.canonical(&trial.order("4500000001"));
    assert_eq!(order["lines"].as_array().unwrap().len(), 2, "the deleted item is gone");
    assert_eq!(
        order["lines"][0]["requestedDelivery"],
        json!({"first": "2026-03-16", "last": "2026-03-23"})
    );
    assert_eq!(
        (&order["lines"][0]["price"], &order["lines"][0]["priceBase"]),
        (&json!("125.00"), &json!("10"))
    );
    assert_eq!(order["notes"], json!(["Deliver to gate 3"]));

    // Once more from the watermark: what lies in the overlap is recognised, what changed is a version.
    trial.restart().await;
    {
        let mut peer = peer.lock().unwrap();
        peer.orders.get_mut("4500000002").unwrap()["to_PurchaseOrderItem"]["results"][0]["OrderQuantity"] = json!("50");
        peer.touch("4500000002", 30);
    }
    let before = server.asked().len();
    let report = trial.sync().await;
    assert_eq!((report.versions, report.duplicates), (1, 1));
    let filter = parameters(&server.asked()[before])["$filter"].clone();
    assert!(
        filter.ends_with("ge datetimeoffset'2026-03-02T08:34:42Z'"),
        "a minute before: {filter}"
    );
    assert_eq!(trial.order("4500000002").current, VersionNumber(2));
    {
        let mut peer = peer.lock().unwrap();
        let order = peer.orders.get_mut("4500000003").unwrap();
        for item in order["to_PurchaseOrderItem"]["results"].as_array_mut().unwrap() {
            item["PurchasingDocumentDeletionCode"] = json!("L");
        }
        peer.touch("4500000003", 40);
    }
    trial.sync().await;
    assert_eq!(
        trial.order("4500000003").state,
        ChainState::CancelPending,
        "all items are deleted"
    );
    trial.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sap_answers_are_applied_line_by_line_and_do_not_come_back_as_a_change() {
    let (peer, server) = s4().await;
    peer.lock().unwrap().put("4500000001", 0);
    let trial = Trial::on_line("sap-s4", &server.url).await;
    trial.sync().await;
    let row = trial.order("4500000001");
    let lines = json!([
        {"lineId": "10", "code": "Changed", "quantity": "30", "date": "2026-03-20"},
        {"lineId": "20", "code": "Rejected", "reason": {"code": "ITM"}},
    ]);
    let sent = trial
        .answered(&row, json!({"code": "CA", "lines": lines}), DeliveryState::Applied)
        .await;
    {
        let peer = peer.lock().unwrap();
        let [one] = peer.confirmations.as_slice() else {
            panic!("{:#?}", peer.confirmations)
        };
        let number = one["SupplierConfirmationExtNumber"].as_str().unwrap();
        assert_eq!(number.len(), 32, "{number}");
        assert_eq!(
            *one,
            json!({
                "PurchaseOrder": "4500000001", "PurchaseOrderItem": "10", "SupplierConfirmationCategory": "AB",
                "ConfirmedQuantity": "30", "PurchaseOrderQuantityUnit": "PC", "DeliveryDate": "/Date(1773964800000+0000)/",
                "SupplierConfirmationExtNumber": number
            })
        );
        let own = sent.id.to_string();
        assert_eq!(peer.orders["4500000001"]["CorrespncExternalReference"], own[24..36]);
        assert_eq!(peer.sessions, 1, "one session for all writes");
    }
    let report = trial.sync().await;
    assert_eq!(
        (report.versions, report.duplicates),
        (0, 1),
        "what we wrote is no version"
    );
    let row = trial.order("4500000001");
    assert_eq!(
        (row.current, row.state),
        (VersionNumber(2), ChainState::CounterOpen),
        "our offer"
    );
    trial.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sap_requests_whose_answer_is_lost_are_looked_up_and_a_session_that_is_over_is_fetched_again() {
    let (peer, server) = s4().await;
    peer.lock().unwrap().put("4500000001", 0);
    let trial = Trial::on_line("sap-s4", &server.url).await;
    trial.sync().await;
    let row = trial.order("4500000001");
    {
        let mut peer = peer.lock().unwrap();
        // The first line is lost before it is done, the second after it.
        peer.lost = BTreeMap::from([(1, false), (3, true)]);
        peer.ends_before = Some(3);
    }
    let saved = trial
        .answered(&row, json!({"code": "AP"}), DeliveryState::Applied)
        .await;
    let steps: Vec<String> = trial
        .engine
        .store()
        .attempts(saved.id)
        .unwrap()
        .iter()
        .map(|a| a.step.clone())
        .collect();
    let made = [
        "send header",
        "send lines",
        "lookup lines",
        "send lines",
        "send lines",
        "lookup lines",
        "verify lines",
    ];
    assert_eq!(steps, made);
    {
        let peer = peer.lock().unwrap();
        assert_eq!((peer.writes.len(), peer.sessions), (4, 3), "{:?}", peer.writes);
        let items: Vec<_> = peer
            .confirmations
            .iter()
            .map(|c| c["PurchaseOrderItem"].as_str().unwrap())
            .collect();
        assert_eq!(items, ["10", "20"], "each once: {steps:?}");
    }
    trial.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sap_holds_an_answer_to_an_order_that_changed_and_says_why_it_refuses() {
    let (peer, server) = s4().await;
    peer.lock().unwrap().put("4500000001", 0);
    peer.lock().unwrap().put("4500000002", 5);
    let trial = Trial::on_line("sap-s4", &server.url).await;
    trial.sync().await;
    let (changed, refused) = (trial.order("4500000001"), trial.order("4500000002"));
    {
        let mut peer = peer.lock().unwrap();
        peer.orders.get_mut("4500000001").unwrap()["to_PurchaseOrderItem"]["results"][0]["OrderQuantity"] = json!("50");
        peer.touch("4500000001", 60);
    }
    let held = trial
        .answered(&changed, json!({"code": "AP"}), DeliveryState::Held)
        .await;
    assert!(told(&held).starts_with("partner.conflict"), "{}", told(&held));
    let reason = json!({"code": "RE", "reason": {"code": "ITM", "text": "out of range"}});
    let dead = trial.answered(&refused, reason, DeliveryState::Dead).await;
    assert!(
        told(&dead).ends_with("Purchase order is locked by user MAY"),
        "{}",
        told(&dead)
    );
    {
        let peer = peer.lock().unwrap();
        assert_eq!(peer.confirmations, [] as [Value; 0], "nothing was answered unseen");
        assert_eq!(
            peer.notes,
            [json!({"TextObjectType": "F02", "Language": "EN", "PlainLongText": "REJECTED ITM out of range"})]
        );
    }
    trial.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sap_takes_a_delivery_note_of_ours() {
    let (peer, server) = s4().await;
    peer.lock().unwrap().put("4500000001", 0);
    let trial = Trial::on_line("sap-s4", &server.url).await;
    trial.sync().await;
    let row = trial.order("4500000001");
    trial
        .answered(&row, json!({"code": "AP"}), DeliveryState::Applied)
        .await;
    let note = json!({
        "number": "DN-1", "despatchedOn": "2026-03-12", "expectedDelivery": {"first": "2026-03-13", "last": "2026-03-14"},
        "buyer": {"id": "1710"}, "seller": {"id": "17300001"},
        "lines": [{"id": "1", "orderNumber": "4500000001", "orderLineId": "10", "item": {"sellerId": "A-100"}, "delivered": "12", "unit": "C62"}]
    });
    let note = CanonicalDocument::DespatchAdvice(serde_json::from_value(note).unwrap());
    trial.issued(note, DeliveryState::Delivered).await;
    assert_eq!(
        peer.lock().unwrap().deliveries,
        [json!({
            "DeliveryDocumentBySupplier": "DN-1", "DeliveryDate": "/Date(1773446400000+0000)/",
            "to_DeliveryDocumentItem": {"results": [{
                "ReferenceSDDocument": "4500000001", "ReferenceSDDocumentItem": "10",
                "ActualDeliveryQuantity": "12", "DeliveryQuantityUnit": "PC"
            }]}
        })]
    );
    trial.end().await;
}
