//! Real peers: a certified OpenID provider gives the tokens, Prism serves Amazon's published description and checks
//! every body that is sent.

use crate::partner_link::{Answering, Peer, connect, secrets, shipped, small, version};
use crate::partner_server::{Server, answer};
use crate::published::Peers;
use serde_json::{Value, json};
use std::time::Duration;
use sync_engine::domain::{CanonicalDocument, ContentHash, Progress, Purpose};
use sync_engine::partner::{OutboundKind, PartnerLink, Verdict, VersionIntake};

/// A page server behind the provider: takes only tokens that the provider says are in force.
pub async fn guarded(provider: String) -> String {
    use axum::http::{HeaderMap, StatusCode};
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let client = client();
    let app = axum::Router::new().fallback(move |headers: HeaderMap| {
        let (client, provider) = (client.clone(), provider.clone());
        async move {
            let token = headers
                .get("authorization")
                .and_then(|h| h.to_str().ok()?.strip_prefix("Bearer "));
            let at = reqwest::Url::parse_with_params(&format!("{provider}/in-force"), [("token", token.unwrap_or(""))])
                .unwrap();
            let state: Value =
                serde_json::from_str(&client.get(at).send().await.unwrap().text().await.unwrap()).unwrap();
            if state["active"] != json!(true) {
                return (StatusCode::UNAUTHORIZED, "{}".to_owned());
            }
            (
                StatusCode::OK,
                json!({"items": [], "scope": state["scope"]}).to_string(),
            )
        }
    });
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

pub async fn issued(provider: &str) -> u64 {
    let text = client()
        .get(format!("{provider}/issued"))
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    serde_json::from_str::<Value>(&text).unwrap()["issued"]
        .as_u64()
        .unwrap()
}

fn signing_in(api: &str, provider: &str, id: &str, place: &str) -> Value {
    let mut config = small(api);
    config["auth"] = json!({
        "type": "oauth2", "tokenUrl": format!("{provider}/token"), "clientId": id,
        "clientSecret": {"secret": "peer.secret"}, "clientAuthentication": place, "scopes": ["orders:read", "orders:write"]
    });
    config
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn client_credentials_against_a_certified_provider() {
    let provider = Peer::start("oidc.mjs", &["600"]);
    let secret = provider.said["secret"].as_str().unwrap().to_owned();
    let api = guarded(provider.url().to_owned()).await;
    for (id, place) in [("count:sign basic", "basic"), ("countersign-body", "body")] {
        let before = issued(provider.url()).await;
        let config = signing_in(&api, provider.url(), id, place);
        let partner = connect(&config, secrets(&[("peer.secret", &secret)]));
        // Many at once take one token.
        let pages: Vec<_> = (0..8).map(|_| partner.fetch("orders", None, None)).collect();
        for page in futures_util::future::join_all(pages).await {
            page.unwrap_or_else(|e| panic!("{place}: {e}"));
        }
        assert_eq!(issued(provider.url()).await - before, 1, "{place}: one token for all");

        let wrong = connect(&config, secrets(&[("peer.secret", "not the secret at all")]));
        let refused = wrong.fetch("orders", None, None).await.unwrap_err();
        assert_eq!(
            (refused.code, refused.transient),
            ("partner.credentials", false),
            "{refused}"
        );
        assert!(refused.message.contains("invalid_client"), "{refused}");
        assert!(!refused.message.contains("not the secret"), "{refused}");
        let lacking = connect(&config, secrets(&[]))
            .fetch("orders", None, None)
            .await
            .unwrap_err();
        assert!(
            lacking.message.contains("countersign partner secret peer.secret"),
            "{lacking}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_expired_is_renewed() {
    let provider = Peer::start("oidc.mjs", &["2"]);
    let secret = provider.said["secret"].as_str().unwrap().to_owned();
    let api = guarded(provider.url().to_owned()).await;
    let partner = connect(
        &signing_in(&api, provider.url(), "countersign-body", "body"),
        secrets(&[("peer.secret", &secret)]),
    );
    partner.fetch("orders", None, None).await.unwrap();
    let first = issued(provider.url()).await;
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    // The token lives two seconds: fetching goes on without a failure, with new tokens.
    while issued(provider.url()).await < first + 2 {
        partner.fetch("orders", None, None).await.unwrap();
        assert!(std::time::Instant::now() < deadline, "no new token");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Amazon's shipped configuration, at Prism, with tokens of the certified provider in Amazon's own header.
fn amazon() -> (Value, &'static str) {
    let (peers, mut config) = (Peers::get(), shipped("amazon-vendor"));
    config["baseUrl"] = json!(peers.prism("amazon-vendor"));
    let header = config["auth"]["tokenHeader"].take();
    config["auth"] = peers.auth();
    config["auth"]["tokenHeader"] = header;
    (config, peers.secret())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn amazon_vendor_from_token_to_applied_answer() {
    let (config, secret) = amazon();
    let partner = connect(&config, secrets(&[("peer.secret", secret)]));

    let page = partner.fetch("orders", None, None).await.unwrap();
    assert_eq!(page.items.len(), 2);
    // Prism keeps no state: its token never ends. The run is stopped, and what came is kept.
    let mut cursor = page.next.clone();
    let mut rounds = 0;
    let stopped = loop {
        match partner.fetch("orders", None, cursor.as_ref()).await {
            Ok(next) => cursor = next.next,
            Err(error) => break error,
        }
        rounds += 1;
        assert!(rounds < 5);
    };
    assert_eq!(stopped.code, "limit.loop");

    let raw = &page.items[0].bytes;
    let intake = version(&partner, raw);
    let canonical = serde_json::to_value(&intake.document).unwrap();
    insta::assert_snapshot!("amazon_order", serde_json::to_string_pretty(&canonical).unwrap());
    let answers = [
        (OutboundKind::Confirm, json!({"code": "AP"})),
        (OutboundKind::Reject, json!({"code": "RE", "reason": {"code": "ITM"}})),
        (
            OutboundKind::Counter,
            json!({"code": "CA", "lines": [
                {"lineId": "1", "code": "Backordered", "quantity": "1", "date": "2026-12-24"},
                {"lineId": "2", "code": "Changed", "quantity": "1", "price": "229.00"},
                {"lineId": "3", "code": "Accepted", "quantity": "10"},
                {"lineId": "3", "code": "Rejected", "quantity": "3", "reason": {"code": "QTY"}}
            ]}),
        ),
    ];
    for (kind, answer) in answers {
        let answering = Answering::new(kind, answer, intake.clone(), raw);
        let request = answering.render(&partner);
        insta::assert_snapshot!(format!("amazon_{}", kind.as_str()), pretty(&request.body));
        let sent = partner.send(kind, answering.id, &Progress::default(), &request).await;
        assert!(
            matches!(sent.verdict, Verdict::Taken { verify_after: Some(_) }),
            "{sent:?}"
        );
        let receipt = sent.receipt.unwrap();
        assert_eq!(
            receipt["transactionId"],
            "20190827182357-8725bde9-c61c-49f9-86ac-46efd82d4da5"
        );

        // The published example still runs; two others have ended.
        let running = partner.verify(&answering.input(), Some(&receipt)).await;
        assert_eq!(
            running.verdict,
            Verdict::Pending {
                again_after: Duration::from_secs(60)
            }
        );
        let well = partner
            .verify(&answering.input(), Some(&json!({"transactionId": "ended-well"})))
            .await;
        assert_eq!(well.verdict, Verdict::Applied);
        let badly = partner
            .verify(&answering.input(), Some(&json!({"transactionId": "ended-badly"})))
            .await;
        assert_eq!(badly.verdict, Verdict::Rejected { code: "partner.failed" });
        assert_eq!(badly.message.as_deref(), Some("The purchase order is closed."));
    }
}

/// A delivery note of ours, which Prism checks and takes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn amazon_vendor_takes_a_despatch() {
    let (config, secret) = amazon();
    let partner = connect(&config, secrets(&[("peer.secret", secret)]));
    let note = json!({
        "number": "DN-1", "buyer": {}, "seller": {"id": "999US"}, "shipTo": {"id": "ABE2"},
        "despatchedOn": "2026-03-02", "expectedDelivery": {"first": "2026-03-04", "last": "2026-03-05"}, "trackingId": "1Z 999", "notes": [],
        "lines": [{"id": "1", "orderNumber": "2JK3S9VC", "orderLineId": "00001", "item": {"buyerId": "ABC123DEF"}, "delivered": "10", "unit": "EA", "batch": "L7"}]
    });
    let intake = VersionIntake {
        document: CanonicalDocument::DespatchAdvice(serde_json::from_value(note).unwrap()),
        purpose: Purpose::Original,
        sequence: None,
        revision: None,
        hash: ContentHash::of(b""),
        partner_ref: None,
    };
    let despatch = Answering::new(OutboundKind::Despatch, json!({"kind": "despatch"}), intake, b"");
    let request = despatch.render(&partner);
    insta::assert_snapshot!("amazon_despatch", pretty(&request.body));
    let sent = partner
        .send(OutboundKind::Despatch, despatch.id, &Progress::default(), &request)
        .await;
    assert!(
        matches!(sent.verdict, Verdict::Taken { verify_after: Some(_) }),
        "{sent:?}"
    );
    assert!(sent.receipt.unwrap()["transactionId"].is_string());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prism_refuses_a_body_that_does_not_fit() {
    let (mut config, secret) = amazon();
    let good = connect(&config, secrets(&[("peer.secret", secret)]));
    let page = good.fetch("orders", None, None).await.unwrap();
    let raw = &page.items[0].bytes;
    let intake = version(&good, raw);
    let answering = Answering::new(OutboundKind::Confirm, json!({"code": "AP"}), intake, raw);

    // Our own check finds it before anything is sent …
    let body = "/operations/confirm/request/body/acknowledgements/0/items/itemAcknowledgements/acknowledgementCode";
    *config.pointer_mut(body).unwrap() = json!({"$value": "Perhaps"});
    let checked = connect(&config, secrets(&[("peer.secret", secret)]));
    let refused = checked.render(&answering.input()).unwrap_err();
    assert_eq!(refused.stage, "schema");
    assert!(refused.problems[0].message.contains("Accepted"), "{refused:?}");

    // … and without it Prism does: so the good ones were truly checked.
    config["operations"]["confirm"]
        .as_object_mut()
        .unwrap()
        .remove("schema");
    let unchecked = connect(&config, secrets(&[("peer.secret", secret)]));
    let request = answering.render(&unchecked);
    let sent = unchecked
        .send(OutboundKind::Confirm, answering.id, &Progress::default(), &request)
        .await;
    assert_eq!(
        (sent.verdict, sent.status),
        (
            Verdict::Rejected {
                code: "partner.rejected"
            },
            Some(400)
        )
    );
}

/// Amazon has no idempotency key: whether a lost acknowledgement arrived is seen from the order's status, and only an
/// acknowledgement that is not older than ours counts.
#[tokio::test]
async fn amazon_tells_by_the_orders_status_whether_an_acknowledgement_arrived() {
    let folder = crate::partner_link::root().join("fixtures/peers/amazon-sp");
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let published = read("getPurchaseOrdersStatus.200.0.response.json");
    let page: Value = serde_json::from_str(&read("getPurchaseOrders.200.0.response.json")).unwrap();
    let raw = page["payload"]["orders"][0].to_string().into_bytes();
    let newer = published.replace("2020-", "2026-");
    assert_ne!(newer, published, "the published status has dates of that year");
    let pending = Verdict::Pending {
        again_after: Duration::from_secs(600),
    };
    for (status, expected) in [
        (published, &pending),
        (newer, &Verdict::Applied),
        ("{}".to_owned(), &pending),
    ] {
        let server = Server::start(move |_| answer(200, &[], status.clone())).await;
        let mut config = shipped("amazon-vendor");
        config["baseUrl"] = json!(server.url);
        config["auth"] = json!({"type": "none"});
        let partner = connect(&config, secrets(&[]));
        let intake = version(&partner, &raw);
        let answering = Answering::new(OutboundKind::Confirm, json!({"code": "AP"}), intake, &raw);
        assert_eq!(&partner.lookup(&answering.input(), None).await.verdict, expected);
        assert_eq!(server.asked()[0].uri.query(), Some("purchaseOrderNumber=2JK3S9VC"));
    }
}

fn pretty(body: &[u8]) -> String {
    let value: Value = serde_json::from_slice(body).unwrap();
    serde_json::to_string_pretty(&value).unwrap()
}
