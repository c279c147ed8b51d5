//! Tradeshift: UBL in its JSON form, where each value stands in a list and an object of its own; pages counted from 0; a
//! list of stubs for each type of document; documents that we name by a UUID of ours, sent on and looked after.

use crate::partner_server::{Asked, Server, answer};
use crate::trials::{SECRET, Trial, body, cut, header, parameters, payload, reply, told};
use axum::body::Body;
use axum::http::Response;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use sync_engine::domain::{CanonicalDocument, ChainState, DeliveryState, VersionNumber};

const TENANT: &str = "c8f3d1de-8c5a-4f1c-a7d2-6b5e0f6a9d11";

/// What the network carries for one company.
#[derive(Default)]
struct Network {
    /// Type, id, time of the last edit and content.
    inbox: Vec<(&'static str, String, String, Value)>,
    /// What was sent, by the UUID that the sender chose, with how often its delivery was asked for.
    sent: BTreeMap<String, (String, Value, u32)>,
    fails: Option<&'static str>,
    cuts: bool,
}

impl Network {
    fn put(&mut self, kind: &'static str, content: Value) {
        let n = self.inbox.len() + 1;
        let id = format!("00000000-0000-4000-8000-{n:012}");
        self.inbox
            .push((kind, id, format!("2026-01-20T12:{n:02}:00.000Z"), content));
    }

    fn list(&self, asked: &Asked) -> Response<Body> {
        let query = parameters(asked);
        assert_eq!((query["stag"].as_str(), query["ascending"].as_str()), ("inbox", "true"));
        let since = &query["since"];
        assert!(since.ends_with('Z') && since.contains('T'), "{since}");
        let of: Vec<_> = self
            .inbox
            .iter()
            .filter(|(kind, _, edited, _)| *kind == query["type"] && edited >= since)
            .collect();
        let page: usize = query["page"].parse().unwrap();
        let stubs = of.iter().skip(page * 2).take(2).map(|(kind, id, edited, _)| {
            json!({
                "DocumentId": id, "ConnectionId": "c-1", "State": "LOCKED", "LastEdit": edited,
                "DocumentType": {"mimeType": "text/xml", "documentProfileId": format!("ubl.{kind}.2.1"), "type": kind}
            })
        });
        let stubs: Vec<_> = stubs.collect();
        let mut list =
            json!({"itemsPerPage": 2, "itemCount": of.len(), "numPages": of.len().div_ceil(2), "pageId": page});
        if !stubs.is_empty() {
            list["Document"] = json!(stubs);
        }
        reply(200, &list)
    }

    /// UBL's schema in JSON: whatever is there is a list that is not empty, of objects that are not.
    fn dispatch(&mut self, asked: &Asked) -> Response<Body> {
        let query = parameters(asked);
        let (id, content) = (query["documentId"].clone(), body(asked));
        uuid::Uuid::parse_str(&id).unwrap();
        if let Some(at) = empty(&content, "") {
            let detail = json!([{"Key": at, "Value": "fewer items than 1"}]);
            return reply(
                400,
                &json!({"ErrorCode": "BadRequest", "Message": "Invalid document", "ErrorDetail": detail}),
            );
        }
        if self.sent.contains_key(&id) {
            return reply(409, &json!({"ErrorCode": "Conflict", "Message": "The document exists"}));
        }
        self.sent.insert(id, (query["documentProfileId"].clone(), content, 0));
        match std::mem::take(&mut self.cuts) {
            true => cut(),
            false => answer(201, &[], ""),
        }
    }

    /// Under way at the first look.
    fn latest(&mut self, id: &str) -> Response<Body> {
        let fails = self.fails;
        let Some((_, _, looks)) = self.sent.get_mut(id) else {
            return reply(404, &json!({"ErrorCode": "NotFound", "Message": "No such dispatch"}));
        };
        *looks += 1;
        let (state, words) = match (*looks, fails) {
            (1, _) => ("ACCEPTED", None),
            (_, None) => ("COMPLETED", None),
            (_, Some(words)) => ("FAILED", Some(words)),
        };
        reply(
            200,
            &json!({"DispatchId": "d-1", "DispatchState": state, "FailureMessage": words}),
        )
    }
}

/// The first list without entries, or object without members.
fn empty(value: &Value, at: &str) -> Option<String> {
    match value {
        Value::Array(list) if list.is_empty() => Some(at.to_owned()),
        Value::Object(members) if members.is_empty() => Some(at.to_owned()),
        Value::Array(list) => list.iter().find_map(|v| empty(v, at)),
        Value::Object(members) => members.iter().find_map(|(name, v)| empty(v, &format!("{at}/{name}"))),
        _ => None,
    }
}

async fn network() -> (Arc<Mutex<Network>>, Server) {
    let network = Arc::new(Mutex::new(Network::default()));
    let sample = payload("tradeshift", "order.json").to_string();
    for n in ["34", "35", "36"] {
        let text = sample.replace("\"ID\":[{\"_\":\"34\"}]", &format!("\"ID\":[{{\"_\":\"{n}\"}}]"));
        network
            .lock()
            .unwrap()
            .put("order", serde_json::from_str(&text).unwrap());
    }
    let of_server = Arc::clone(&network);
    let server = Server::start(move |asked| {
        let mut network = of_server.lock().unwrap();
        let path = asked.uri.path().strip_prefix("/tradeshift").unwrap();
        if path == "/auth/token" {
            let form = String::from_utf8(asked.body.to_vec()).unwrap();
            assert_eq!(form, "grant_type=refresh_token&refresh_token=open+sesame");
            return reply(
                200,
                &json!({"access_token": "ts-1", "token_type": "Bearer", "expires_in": 3600}),
            );
        }
        if header(asked, "authorization") != "Bearer ts-1" || header(asked, "x-tradeshift-tenantid") != TENANT {
            return reply(401, &json!({"ErrorCode": "Unauthorized", "Message": SECRET.len()}));
        }
        assert_eq!(header(asked, "accept"), "application/json");
        let path = path.strip_prefix("/rest/external/documents").unwrap();
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        match (asked.method.as_str(), parts.as_slice()) {
            ("GET", []) => network.list(asked),
            ("GET", [id]) => reply(200, &network.inbox.iter().find(|(_, known, ..)| known == id).unwrap().3),
            ("GET", [id, "dispatches", "latest"]) => network.latest(id),
            ("POST", ["dispatcher"]) => network.dispatch(asked),
            other => panic!("{other:?}"),
        }
    })
    .await;
    (network, server)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_in_ubl_json_are_read_changed_and_answered_once() {
    let (network, server) = network().await;
    let mut trial = Trial::on_line("tradeshift", &server.url).await;
    trial.sync().await;
    let order = trial.canonical(&trial.order("34"));
    assert_eq!(
        (&order["buyer"]["gln"], &order["shipTo"]["gln"]),
        (&json!("7300072311115"), &json!("7300070011115"))
    );
    assert_eq!(
        order["notes"],
        json!(["Information text for the whole order", "Gate 3"])
    );
    assert_eq!(order["totals"]["net"]["minor"], json!(622_500));
    assert_eq!(
        order["requestedDelivery"],
        json!({"first": "2026-02-15", "last": "2026-02-25"})
    );
    assert_eq!(order["lines"][0]["item"]["gtin"], "05704368876486");
    assert_eq!(
        (&order["lines"][0]["quantity"], &order["lines"][0]["unit"]),
        (&json!("120.000"), &json!("LTR"))
    );
    assert_eq!(trial.order("36").current, VersionNumber(1), "from the second page");

    // A document of another type, in a list of its own, is the next version of the order.
    let mut change = payload("tradeshift", "order.json")["Order"][0].clone();
    change["OrderReference"] = json!([{"ID": [{"_": "35"}]}]);
    change["ID"] = json!([{"_": "CH-1"}]);
    change["SequenceNumberID"] = json!([{"_": "1"}]);
    change["OrderLine"][0]["LineItem"][0]["Quantity"][0]["_"] = json!(90);
    network
        .lock()
        .unwrap()
        .put("orderchange", json!({"OrderChange": [change]}));
    trial.restart().await;
    trial.sync().await;
    let row = trial.order("35");
    assert_eq!(row.current, VersionNumber(2));
    assert_eq!(trial.canonical(&row)["lines"][0]["quantity"], "90");
    assert_eq!(
        trial.order("34").current,
        VersionNumber(1),
        "what was read before is no new version"
    );

    // The answer to the request is lost; under the same UUID it is there once.
    network.lock().unwrap().cuts = true;
    let row = trial.order("34");
    let done = trial
        .answered(
            &row,
            json!({"code": "AP", "note": "With pleasure"}),
            DeliveryState::Applied,
        )
        .await;
    {
        let network = network.lock().unwrap();
        assert_eq!(network.sent.len(), 1);
        let (profile, sent, _) = &network.sent[&done.id.to_string()];
        assert_eq!(profile, "ubl.orderresponse.2.1");
        let response = &sent["OrderResponse"][0];
        assert_eq!(response["OrderResponseCode"], json!([{"_": "AP"}]));
        assert_eq!(response["Note"], json!([{"_": "With pleasure"}]));
        let line = &response["OrderLine"][0]["LineItem"][0];
        assert_eq!(line["Quantity"].to_string(), r#"[{"_":120.000,"unitCode":"LTR"}]"#);
        assert_eq!(
            (&line["LineStatusCode"], &line["Price"], &line["Delivery"]),
            (&json!([{"_": "5"}]), &Value::Null, &Value::Null)
        );
    }
    let row = trial.order("35");
    let lines = json!([
        {"lineId": "1", "code": "Changed", "quantity": "60", "date": "2026-03-02", "price": "51.00"},
        {"lineId": "1", "code": "Backordered", "quantity": "30"},
        {"lineId": "2", "code": "Rejected", "reason": {"code": "ITM", "text": "Out of range"}}
    ]);
    let done = trial
        .answered(&row, json!({"code": "CA", "lines": lines}), DeliveryState::Applied)
        .await;
    let sent = network.lock().unwrap().sent[&done.id.to_string()].1["OrderResponse"][0]["OrderLine"].clone();
    let codes: Vec<_> = sent
        .as_array()
        .unwrap()
        .iter()
        .map(|l| l["LineItem"][0]["LineStatusCode"][0]["_"].clone())
        .collect();
    assert_eq!(codes, ["3", "3", "7"]);
    let first = &sent[0]["LineItem"][0];
    let price: Value = serde_json::from_str("51.00").unwrap();
    assert_eq!(
        first["Delivery"],
        json!([{"PromisedDeliveryPeriod": [{"EndDate": [{"_": "2026-03-02"}]}]}])
    );
    assert_eq!(
        first["Price"],
        json!([{"PriceAmount": [{"_": price, "currencyID": "SEK"}]}])
    );
    assert_eq!(sent[2]["LineItem"][0]["Note"], json!([{"_": "Out of range"}]));

    // A delivery that fails in the end takes no effect.
    network.lock().unwrap().fails = Some("The receiver is not connected any more");
    let row = trial.order("36");
    let dead = trial
        .answered(
            &row,
            json!({"code": "RE", "reason": {"code": "QUA"}}),
            DeliveryState::Dead,
        )
        .await;
    assert_eq!(told(&dead), "partner.failed The receiver is not connected any more");
    assert_ne!(trial.order("36").state, ChainState::Rejected);
    trial.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_note_goes_out_as_ubl_json() {
    let (network, server) = network().await;
    let trial = Trial::on_line("tradeshift", &server.url).await;
    trial.sync().await;
    let note = json!({
        "number": "DN-1", "despatchedOn": "2026-02-20", "buyer": {"name": "Johnssons byggvaror"}, "seller": {"name": "We"},
        "lines": [
            {"id": "1", "orderNumber": "34", "orderLineId": "1", "item": {"sellerId": "SItemNo001"}, "delivered": "60", "unit": "LTR"},
            {"id": "2", "orderNumber": "34", "orderLineId": "2", "item": {"sellerId": "SItemNo011"}, "delivered": "15", "unit": "C62"}
        ]
    });
    let note = CanonicalDocument::DespatchAdvice(serde_json::from_value(note).unwrap());
    let done = trial.issued(note, DeliveryState::Applied).await;
    {
        let network = network.lock().unwrap();
        let (profile, sent, _) = &network.sent[&done.id.to_string()];
        assert_eq!(profile, "ubl.despatchadvice.2.1");
        let note = &sent["DespatchAdvice"][0];
        assert_eq!(note["OrderReference"], json!([{"ID": [{"_": "34"}]}]));
        assert_eq!(
            note["Shipment"],
            json!([{"ID": [{"_": "1"}], "Delivery": [{"Despatch": [{"ActualDespatchDate": [{"_": "2026-02-20"}]}]}]}])
        );
        assert_eq!(
            note["DespatchLine"][1]["DeliveredQuantity"],
            json!([{"_": 15, "unitCode": "C62"}])
        );
    }
    trial.end().await;
}
