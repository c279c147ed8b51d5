//! A partner that took an answer, lost it, and asks for it once more: it goes again byte for byte and under its key, has
//! one effect here and there, and goes no more once something came after it.

use crate::exchange_world::until;
use crate::partner_link::{root, small};
use crate::partner_server::{Asked, Server, answer};
use crate::sending_steps::{attempts, confirmed, key};
use axum::body::Body;
use axum::http::Response;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use sync_engine::domain::{ChainState, DeliveryState, VersionNumber};
use sync_engine::partner;

struct Loses {
    quantity: &'static str,
    /// What a look at the answer says, one after another; the last one stays.
    says: Vec<&'static str>,
    /// Statuses of the sends after the first.
    takes: Vec<u16>,
    sent: Vec<(String, Vec<u8>)>,
    effects: BTreeSet<String>,
}

impl Loses {
    fn reply(&mut self, asked: &Asked) -> Response<Body> {
        match (asked.method.as_str(), asked.uri.path()) {
            (_, "/list") => {
                let order = json!({"id": "PO-1", "lines": [{"n": "1", "qty": self.quantity}]});
                answer(200, &[], json!({"items": [order]}).to_string())
            }
            ("POST", _) => {
                let again = !self.sent.is_empty();
                self.sent.push((key(asked), asked.body.to_vec()));
                let status = match again && !self.takes.is_empty() {
                    true => self.takes.remove(0),
                    false => 201,
                };
                if status < 300 {
                    self.effects.insert(key(asked));
                }
                answer(
                    status,
                    &[],
                    json!({"id": self.sent.len(), "message": "Too late"}).to_string(),
                )
            }
            _ => {
                let state = self.says[0];
                if self.says.len() > 1 {
                    self.says.remove(0);
                }
                answer(200, &[], json!({"state": state}).to_string())
            }
        }
    }
}

async fn partner(says: &[&'static str], takes: &[u16]) -> (Arc<Mutex<Loses>>, Server) {
    let peer = Arc::new(Mutex::new(Loses {
        quantity: "2",
        says: says.to_vec(),
        takes: takes.to_vec(),
        sent: Vec::new(),
        effects: BTreeSet::new(),
    }));
    let of_server = Arc::clone(&peer);
    let server = Server::start(move |asked| of_server.lock().unwrap().reply(asked)).await;
    (peer, server)
}

fn asks_again(operation: &mut Value) {
    *operation = json!({
        "request": {"path": "/answer", "body": {"order": ".document.number", "at": ".answeredAt"}},
        "receipt": {"id": ".body.id"},
        "verify": {
            "request": {"path": "/answer/{.receipt.id}"}, "state": ".state",
            "applied": ["done"], "pending": ["running"], "failed": ["failed"], "resend": ["lost"], "everySeconds": 1
        }
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_partner_lost_goes_once_more_under_its_key_and_has_one_effect() {
    let (peer, server) = partner(&["running", "lost", "running", "done"], &[]).await;
    let sent = confirmed(&server, asks_again, DeliveryState::Applied).await;
    assert_eq!(
        attempts(&sent),
        [
            "send 201 Delivered",
            "verify 200 Delivered",
            "verify resend 201 Delivered",
            "verify 200 Delivered",
            "verify 200 Applied"
        ]
    );
    {
        let peer = peer.lock().unwrap();
        let [first, second] = peer.sent.as_slice() else {
            panic!("{:?}", peer.sent)
        };
        assert_eq!(first, second, "the same key and the same bytes");
        assert_eq!(first.0, sent.operation.id.to_string());
        assert_eq!(peer.effects.len(), 1);
    }
    let paths = server.asked().into_iter().map(|a| a.uri.path().to_owned());
    let looks: Vec<String> = paths.filter(|path| path.starts_with("/answer/")).collect();
    assert_eq!(
        looks.last().unwrap(),
        "/answer/2",
        "it is looked for under its newest name"
    );
    assert_eq!(sent.row.state, ChainState::Confirmed);
    assert_eq!(sent.row.current, VersionNumber(1));
    sent.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_partner_refuses_the_second_time_is_undone() {
    let (peer, server) = partner(&["lost"], &[503, 422]).await;
    let sent = confirmed(&server, asks_again, DeliveryState::Dead).await;
    assert_eq!(
        attempts(&sent),
        [
            "send 201 Delivered",
            "verify resend 503 Delivered",
            "verify resend 422 Dead"
        ]
    );
    assert_eq!(sent.told(), "partner.failed Too late");
    assert_eq!(peer.lock().unwrap().effects.len(), 1);
    assert_ne!(sent.row.state, ChainState::Confirmed, "it is to be answered again");
    sent.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_goes_once_more_after_something_came_after_it() {
    let (peer, server) = partner(&["running"], &[]).await;
    let sent = confirmed(&server, asks_again, DeliveryState::Delivered).await;
    peer.lock().unwrap().quantity = "9";
    sent.engine.sync_now(&sent.row.partner).await.expect("a run");
    let row = sent.engine.store().document(sent.row.id).unwrap().unwrap();
    assert_eq!(row.current, VersionNumber(2));
    peer.lock().unwrap().says = vec!["lost"];
    let dead = until("the dead letter", || {
        let operation = sent.engine.store().operation(sent.operation.id).unwrap().unwrap();
        (operation.state == DeliveryState::Dead).then_some(operation)
    })
    .await;
    assert_eq!(dead.last_error.unwrap().code, "partner.lost");
    assert_eq!(peer.lock().unwrap().sent.len(), 1);
    sent.end().await;
}

#[test]
fn a_state_that_asks_for_another_send_is_checked() {
    let told = |change: &dyn Fn(&mut Value)| {
        let mut config = small("https://api.acme.example");
        asks_again(&mut config["operations"]["confirm"]);
        change(&mut config);
        match partner::parse(&config.to_string(), "f", &root().join("configs/partners")) {
            Ok(_) => "(accepted)".to_owned(),
            Err(errors) => errors.to_string(),
        }
    };
    assert_eq!(told(&|_| {}), "(accepted)");
    let blind = told(&|config| config["idempotency"] = json!({"header": "Idempotency-Key", "honoured": false}));
    assert!(
        blind.contains("/operations/confirm/verify/resend: \"idempotency\" with \"honoured\": true is missing"),
        "{blind}"
    );
    let twice = told(&|config| config["operations"]["confirm"]["verify"]["failed"] = json!(["lost"]));
    assert!(
        twice.contains("/operations/confirm/verify/resend/0: state \"lost\" is under \"failed\" already"),
        "{twice}"
    );
    let misspelt = told(&|config| config["operations"]["confirm"]["verify"]["resent"] = json!(["lost"]));
    assert!(misspelt.contains("did you mean \"resend\"?"), "{misspelt}");
    let job = told(&|config| {
        let confirm = config["operations"]["confirm"].take();
        config["operations"]["confirm"] = json!({"steps": [
            {"name": "upload", "request": confirm["request"], "receipt": confirm["receipt"], "verify": confirm["verify"]},
            {"name": "release", "request": {"path": "/release"}}
        ]});
    });
    assert!(
        job.contains(
            "/operations/confirm/steps/0/verify/resend: the job of step \"upload\" is not begun again by itself"
        ),
        "{job}"
    );
}
