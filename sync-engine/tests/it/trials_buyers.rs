//! Partners in whose system we keep orders: SAP S/4HANA, in which we create, change and delete them item by item, and
//! QuickBooks Online, which is read by a query in one parameter and written to with the newest token.

use crate::partner_server::{Asked, Server, answer};
use crate::trials::{SECRET, Trial, body, cut, header, parameters, payload, reply};
use axum::body::Body;
use axum::http::Response;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use sync_engine::domain::{CanonicalDocument, ChainState, DeliveryState, VersionNumber};
use sync_engine::engine::{Issue, Seen};

/// Orders by number, each with its items by number, and what was asked for besides reads.
#[derive(Default)]
struct S4 {
    order: Option<Value>,
    items: BTreeMap<String, (u32, Value)>,
    writes: Vec<(String, String, Value)>,
    /// Whether the first order that comes in gets lost.
    loses: bool,
}

impl S4 {
    fn reply(&mut self, asked: &Asked) -> Response<Body> {
        let path = asked.uri.path();
        if path == "/oauth/token" {
            return reply(200, &json!({"access_token": "t-1", "expires_in": 3600}));
        }
        assert_eq!(header(asked, "authorization"), "Bearer t-1");
        let path = path
            .strip_prefix("/sap/opu/odata/sap/API_PURCHASEORDER_PROCESS_SRV")
            .unwrap();
        let of_item = |path: &str| -> Option<String> {
            let keys = path.strip_prefix("/A_PurchaseOrderItem(PurchaseOrder='4500000077',PurchaseOrderItem='")?;
            keys.strip_suffix("')").map(str::to_owned)
        };
        if asked.method == "GET" {
            if path == "/" {
                return answer(200, &[("x-csrf-token", "c-1"), ("set-cookie", "sid=1; path=/")], "{}");
            }
            if let Some(item) = of_item(path) {
                let (version, value) = &self.items[&item];
                let (tag, value) = (format!("W/\"{version}\""), json!({"d": value}));
                return answer(
                    200,
                    &[("etag", &tag), ("content-type", "application/json")],
                    value.to_string(),
                );
            }
            let asks = parameters(asked);
            let mine = asks["$filter"].starts_with("LastChangeDateTime ge")
                || asks["$filter"] == "CorrespncInternalReference eq 'PO-7'";
            assert!(mine, "{}", asks["$filter"]);
            return reply(200, &json!({"d": {"results": self.order.iter().collect::<Vec<_>>()}}));
        }
        assert_eq!(
            (header(asked, "x-csrf-token"), header(asked, "cookie")),
            ("c-1", "sid=1")
        );
        if std::mem::take(&mut self.loses) {
            return cut();
        }
        let sent = if asked.body.is_empty() {
            Value::Null
        } else {
            body(asked)
        };
        self.writes
            .push((asked.method.to_string(), path.to_owned(), sent.clone()));
        match (asked.method.as_str(), of_item(path)) {
            ("POST", None) if path == "/A_PurchaseOrder" => {
                for item in sent["to_PurchaseOrderItem"].as_array().unwrap() {
                    let number = item["PurchaseOrderItem"].as_str().unwrap().to_owned();
                    self.items.insert(number, (1, item.clone()));
                }
                reply(201, &json!({"d": {"PurchaseOrder": "4500000077"}}))
            }
            ("POST", None) => reply(201, &json!({"d": sent})),
            ("PATCH", Some(item)) => {
                let (version, _) = self.items.get_mut(&item).unwrap();
                if header(asked, "if-match") != format!("W/\"{version}\"") {
                    return answer(412, &[], "");
                }
                *version += 1;
                answer(204, &[], "")
            }
            ("DELETE", _) => {
                assert_eq!(header(asked, "if-match"), "*");
                answer(204, &[], "")
            }
            other => panic!("{other:?}"),
        }
    }
}

fn line(id: &str, material: &str, quantity: &str) -> Value {
    json!({"id": id, "item": {"buyerId": material, "description": "Bearing"}, "quantity": quantity, "unit": "C62", "price": "2.50"})
}

fn order(lines: &[Value]) -> CanonicalDocument {
    let order = json!({
        "number": "PO-7", "currency": "EUR", "buyer": {"name": "We"}, "seller": {"id": "17300001", "name": "They"},
        "requestedDelivery": {"first": "2026-03-16", "last": "2026-03-16"}, "lines": lines
    });
    CanonicalDocument::Order(serde_json::from_value(order).unwrap())
}

/// An item as the order's first request has it.
fn item(id: &str, material: &str, quantity: &str) -> Value {
    json!({
        "PurchaseOrderItem": id, "Material": material, "PurchaseOrderItemText": "Bearing", "Plant": "1710", "OrderQuantity": quantity,
        "PurchaseOrderQuantityUnit": "PC", "NetPriceAmount": "2.50",
        "to_ScheduleLine": [{"ScheduleLine": "1", "ScheduleLineDeliveryDate": "/Date(1773619200000+0000)/"}]
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sap_keeps_an_order_of_ours_which_is_changed_item_by_item_and_deleted() {
    let peer = Arc::new(Mutex::new(S4 {
        loses: true,
        ..S4::default()
    }));
    let of_server = Arc::clone(&peer);
    let server = Server::start(move |asked| of_server.lock().unwrap().reply(asked)).await;
    let trial = Trial::on_line("sap-s4-buyer", &server.url).await;
    let first = order(&[line("10", "TG11", "4"), line("20", "TG12", "1")]);
    // The first request got lost: the list of such orders is empty, so it is sent again.
    let saved = trial.issued(first, DeliveryState::Delivered).await;
    let id = saved.document;
    let second = order(&[line("10", "TG11", "6"), line("30", "TG13", "2")]);
    let seen = |version: u32| Seen {
        document: id,
        version: VersionNumber(version),
    };
    let change = trial
        .engine
        .issue_version(seen(1), Issue::Change { content: second }, "user:clerk")
        .await;
    trial.becomes(&change.unwrap(), DeliveryState::Delivered).await;
    let reason = Some("No longer needed".to_owned());
    let cancel = trial
        .engine
        .issue_version(seen(2), Issue::Cancel { reason }, "user:clerk")
        .await;
    trial.becomes(&cancel.unwrap(), DeliveryState::Delivered).await;
    let key = |n: &str| format!("/A_PurchaseOrderItem(PurchaseOrder='4500000077',PurchaseOrderItem='{n}')");
    let expected = [
        (
            "POST",
            "/A_PurchaseOrder".to_owned(),
            json!({
                "PurchaseOrderType": "NB", "CompanyCode": "1710", "PurchasingOrganization": "1710", "PurchasingGroup": "001",
                "Supplier": "17300001", "DocumentCurrency": "EUR", "CorrespncInternalReference": "PO-7",
                "to_PurchaseOrderItem": [item("10", "TG11", "4"), item("20", "TG12", "1")]
            }),
        ),
        (
            "PATCH",
            key("10"),
            json!({"OrderQuantity": "6", "NetPriceAmount": "2.50"}),
        ),
        (
            "POST",
            "/A_PurchaseOrder('4500000077')/to_PurchaseOrderItem".to_owned(),
            json!({
                "PurchaseOrderItem": "30", "Material": "TG13", "Plant": "1710", "OrderQuantity": "2",
                "PurchaseOrderQuantityUnit": "PC", "NetPriceAmount": "2.50"
            }),
        ),
        ("DELETE", key("20"), Value::Null),
        ("DELETE", "/A_PurchaseOrder('4500000077')".to_owned(), Value::Null),
    ];
    let writes = peer.lock().unwrap().writes.clone();
    let writes: Vec<_> = writes
        .iter()
        .map(|(m, p, b)| (m.as_str(), p.clone(), b.clone()))
        .collect();
    assert_eq!(writes, expected);
    trial.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sap_shows_the_vendors_dates_which_are_an_answer_to_an_order_of_ours() {
    let peer = Arc::new(Mutex::new(S4::default()));
    let of_server = Arc::clone(&peer);
    let server = Server::start(move |asked| of_server.lock().unwrap().reply(asked)).await;
    let trial = Trial::on_line("sap-s4-buyer", &server.url).await;
    let saved = trial
        .issued(order(&[line("10", "TG11", "4")]), DeliveryState::Delivered)
        .await;
    let schedule = json!([{"ScheduleLineDeliveryDate": "/Date(1773619200000)/", "ScheduleLineOrderQuantity": "4"}]);
    peer.lock().unwrap().order = Some(json!({
        "PurchaseOrder": "4500000077", "CorrespncInternalReference": "PO-7", "CorrespncExternalReference": "AB-5",
        "LastChangeDateTime": "/Date(1772439342123+0000)/",
        "to_PurchaseOrderItem": {"results": [{"PurchaseOrderItem": "00010", "to_ScheduleLine": {"results": schedule}}]}
    }));
    trial.sync().await;
    let row = trial.engine.store().document(saved.document).unwrap().unwrap();
    assert_eq!((row.state, row.agreed), (ChainState::Confirmed, Some(VersionNumber(1))));
    trial.end().await;
}

/// One company's orders, and the refresh token that holds.
struct Books {
    order: Value,
    refresh: usize,
    writes: Vec<Value>,
    /// Somebody changes the order, without a change that is ours to see, before the next write.
    touched: bool,
}

impl Books {
    fn reply(&mut self, asked: &Asked) -> Response<Body> {
        if asked.uri.path() == "/oauth2/v1/tokens/bearer" {
            let form: BTreeMap<String, String> = url::form_urlencoded::parse(&asked.body).into_owned().collect();
            assert_eq!(
                (form["grant_type"].as_str(), form["refresh_token"].as_str()),
                ("refresh_token", SECRET)
            );
            self.refresh += 1;
            return reply(200, &json!({"access_token": "q-1", "expires_in": 3600}));
        }
        assert_eq!(header(asked, "authorization"), "Bearer q-1");
        let (path, asks) = (asked.uri.path(), parameters(asked));
        match (
            asked.method.as_str(),
            path.strip_prefix("/v3/company/4620816365000000").unwrap(),
        ) {
            ("GET", "/query") => {
                let rest = asks["query"].strip_prefix(
                    "select * from PurchaseOrder where VendorRef = '41' and MetaData.LastUpdatedTime >= '",
                );
                let rest = rest
                    .unwrap()
                    .split_once("' orderby MetaData.LastUpdatedTime startposition ")
                    .unwrap()
                    .1;
                let from: usize = rest.strip_suffix(" maxresults 100").unwrap().parse().unwrap();
                let found = if from == 1 {
                    json!({"PurchaseOrder": [self.order], "startPosition": 1, "maxResults": 1})
                } else {
                    json!({})
                };
                reply(
                    200,
                    &json!({"QueryResponse": found, "time": "2026-03-02T10:11:12-08:00"}),
                )
            }
            ("GET", "/purchaseorder/257") => reply(200, &json!({"PurchaseOrder": self.order})),
            ("POST", "/purchaseorder") => {
                let sent = body(asked);
                assert!(asks.contains_key("requestid"));
                if std::mem::take(&mut self.touched) {
                    self.order["SyncToken"] = json!("4");
                }
                if sent["SyncToken"] != self.order["SyncToken"] {
                    let error =
                        json!({"Message": "Stale Object Error", "Detail": "Somebody else changed it", "code": "5010"});
                    return reply(400, &json!({"Fault": {"Error": [error], "type": "ValidationFault"}}));
                }
                self.order["PrivateNote"] = sent["PrivateNote"].clone();
                self.order["SyncToken"] = json!("5");
                self.order["MetaData"]["LastUpdatedTime"] = json!("2026-03-05T10:00:00-08:00");
                self.writes.push(sent);
                reply(200, &json!({"PurchaseOrder": self.order}))
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quickbooks_is_queried_in_one_parameter_and_written_to_with_the_newest_token() {
    let peer = Arc::new(Mutex::new(Books {
        order: payload("quickbooks", "orders.json"),
        refresh: 0,
        writes: Vec::new(),
        touched: true,
    }));
    let of_server = Arc::clone(&peer);
    let server = Server::start(move |asked| of_server.lock().unwrap().reply(asked)).await;
    let trial = Trial::on_line("quickbooks", &server.url).await;
    trial.sync().await;
    let row = trial.order("1005");
    assert_eq!(trial.canonical(&row)["lines"][0]["price"], "12.5");
    trial
        .answered(&row, json!({"code": "AP", "note": "Friday"}), DeliveryState::Applied)
        .await;
    {
        let peer = peer.lock().unwrap();
        let lines = &payload("quickbooks", "orders.json")["Line"];
        assert_eq!(
            peer.writes,
            [json!({
                "Id": "257", "SyncToken": "4", "sparse": true, "Line": lines, "VendorRef": {"value": "41", "name": "Our Company"},
                "PrivateNote": "CONFIRMED Friday"
            })],
            "read again, and written once"
        );
        assert_eq!(peer.refresh, 1);
    }
    // Our own write is no change of the order.
    trial.sync().await;
    let row = trial.order("1005");
    assert_eq!((row.current, row.state), (VersionNumber(1), ChainState::Confirmed));
    trial.end().await;
}
