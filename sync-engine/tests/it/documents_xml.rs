//! An order file is an order, whichever way it comes: every UBL and openTRANS document that its standard publishes goes
//! through an example configuration, orders and delivery notes through the whole engine.

use crate::documents::peers;
use crate::exchange_world::{TestSecrets, fast, options, partners_dir};
use crate::partner_link::{connect, root, secrets};
use axum::Router;
use axum::http::{StatusCode, Uri};
use serde_json::{Value, json};
use std::sync::Arc;
use sync_engine::domain::PartnerId;
use sync_engine::engine::{Engine, EngineOptions};
use sync_engine::partner::{Intake, PartnerLink};
use sync_engine::store::{DocumentQuery, DocumentView, QuarantineQuery};

/// What of a standard goes into which stream.
const FAMILIES: &[(&str, &str, &str, &[&str])] = &[
    (
        "UBL orders",
        "ubl",
        "orders",
        &[
            "ubl/UBL-Order-2.0-Example.xml",
            "ubl/UBL-Order-2.1-Example.xml",
            "ubl/UBL-OrderChange-2.1-Example.xml",
            "ubl/UBL-OrderCancellation-2.1-Example.xml",
        ],
    ),
    (
        "UBL orders, international",
        "ubl",
        "orders",
        &["ubl/UBL-Order-2.0-Example-International.xml"],
    ),
    (
        "UBL with an unknown code",
        "ubl",
        "orders",
        &["ubl-negative/order-test-bad-code.xml"],
    ),
    (
        "UBL with an unknown element",
        "ubl",
        "orders",
        &["ubl-negative/order-test-bad-model.xml"],
    ),
    (
        "UBL that is no XML",
        "ubl",
        "orders",
        &["ubl-negative/order-test-bad-syntax.xml"],
    ),
    (
        "UBL delivery notes",
        "ubl",
        "notes",
        &["ubl/UBL-DespatchAdvice-2.0-Example.xml"],
    ),
    (
        "UBL answers to orders",
        "ubl",
        "responses",
        &[
            "ubl/UBL-OrderResponse-2.1-Example.xml",
            "ubl/UBL-OrderResponseSimple-2.0-Example.xml",
            "ubl/UBL-OrderResponseSimple-2.1-Example.xml",
        ],
    ),
    (
        "UBL answers to delivery notes",
        "ubl",
        "receipts",
        &[
            "ubl/UBL-ReceiptAdvice-2.0-Example.xml",
            "ubl/UBL-PurchaseReceipt-2.4-Example.xml",
        ],
    ),
    (
        "openTRANS orders",
        "opentrans",
        "orders",
        &[
            "opentrans/Example_ORDER_Testdistributor_Bestellung.xml",
            "opentrans/Example_ORDER_Testdistributor_Bestellung_Eigener_Lieferschein.xml",
            "opentrans/Example_ORDER_Testdistributor_Bestellung_Projekt.xml",
            "opentrans/sample_order_opentrans_2_1_xml_signature.xml",
        ],
    ),
    (
        "openTRANS delivery notes",
        "opentrans",
        "notes",
        &["opentrans/Example_DISPATCHNOTIFICATION_Testdistributor_Lieferavis.xml"],
    ),
    (
        "openTRANS answers to orders",
        "opentrans",
        "responses",
        &["opentrans/Example_ORDERRESPONSE_Testdistributor_Auftragsbestaetigung.xml"],
    ),
];

fn documents(files: &[&str]) -> Vec<Vec<u8>> {
    files.iter().map(|f| std::fs::read(peers().join(f)).unwrap()).collect()
}

fn example(name: &str) -> Value {
    let path = root().join("configs/examples").join(format!("{name}.json"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// One document a page, as a partner serves its newest documents one by one.
async fn serve(documents: Vec<Vec<u8>>) -> String {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let app = Router::new().fallback(move |uri: Uri| async move {
        let page = uri
            .query()
            .and_then(|q| q.strip_prefix("page="))
            .unwrap()
            .parse::<usize>()
            .unwrap();
        match documents.get(page - 1) {
            Some(body) => (StatusCode::OK, [("content-type", "application/xml")], body.clone()),
            None => (
                StatusCode::NO_CONTENT,
                [("content-type", "application/xml")],
                Vec::new(),
            ),
        }
    });
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

/// Polled, stored, kept byte for byte: a line of the table, and the reasons of what lies in quarantine.
async fn polled(name: &str, config: &str, stream: &str, files: &[&str], reasons: &mut Vec<String>) -> String {
    let bodies = documents(files);
    let url = serve(bodies.clone()).await;
    let dir = tempfile::tempdir().unwrap();
    let mut config = example(config);
    config["baseUrl"] = json!(url);
    config["streams"] = json!({ stream: config["streams"][stream].clone() });
    let partner = PartnerId(config["id"].as_str().unwrap().to_owned());
    let partners = partners_dir(dir.path());
    std::fs::create_dir_all(&partners).unwrap();
    std::fs::write(partners.join(format!("{partner}.json")), config.to_string()).unwrap();
    let engine = Engine::start(EngineOptions {
        background: false,
        ..options(dir.path(), &Arc::new(TestSecrets::default()), &fast())
    })
    .await
    .unwrap();
    let report = engine
        .sync_now(&partner)
        .await
        .unwrap_or_else(|e| panic!("{name}: {e}"));
    let store = engine.store();
    let query = DocumentQuery {
        company: engine.company().clone(),
        view: DocumentView::All,
        partner: None,
        kind: None,
        state: None,
        doubtful: false,
        search: None,
        cursor: None,
        limit: 200,
    };
    let mut versions = 0;
    for row in store.list_documents(&query).unwrap().items {
        for version in store.versions(row.id).unwrap() {
            let payload = store.payload(version.payload).unwrap().unwrap();
            assert!(bodies.contains(&payload.bytes), "{name}: kept byte for byte");
            assert_eq!(payload.media_type, "application/xml");
            versions += 1;
        }
    }
    let held = QuarantineQuery {
        company: engine.company().clone(),
        partner: None,
        state: None,
        cursor: None,
        limit: 200,
    };
    for item in store.list_quarantine(&held).unwrap().items {
        let problems: Vec<_> = item
            .problems
            .iter()
            .map(|p| format!("{} {}", p.pointer, p.message))
            .collect();
        reasons.push(format!("{name} ({}): {}", item.stage, problems.join("; ")));
    }
    engine.stop(std::time::Duration::from_secs(5)).await;
    assert_eq!(
        versions + report.duplicates as usize + report.quarantined as usize,
        bodies.len(),
        "{name}: none vanishes"
    );
    format!("{name} | {} | {versions} | {}", bodies.len(), report.quarantined)
}

/// Answers are read as the partner's: what they answer is not here.
fn read(name: &str, config: &str, stream: &str, files: &[&str], reasons: &mut Vec<String>) -> String {
    let partner = connect(&example(config), secrets(&[]));
    let mut taken = 0;
    let bodies = documents(files);
    for body in &bodies {
        match partner.intake(stream, body) {
            Ok(Intake::Answer(answer)) => {
                taken += 1;
                reasons.push(format!(
                    "{name}: {} {}",
                    answer.number,
                    serde_json::to_string(&summary(&answer)).unwrap()
                ));
            }
            Ok(other) => panic!("{name}: {other:?}"),
            Err(error) => {
                let problems: Vec<_> = error
                    .problems
                    .iter()
                    .map(|p| format!("{} {}", p.pointer, p.message))
                    .collect();
                reasons.push(format!("{name} ({}): {}", error.stage, problems.join("; ")));
            }
        }
    }
    format!("{name} | {} | {taken} | {}", bodies.len(), bodies.len() - taken)
}

fn summary(answer: &sync_engine::partner::AnswerIntake) -> Value {
    match &answer.answer {
        sync_engine::domain::Answer::OrderResponse(response) => json!(response),
        sync_engine::domain::Answer::ReceiptAdvice(receipt) => json!(receipt),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_published_xml_document_is_taken_or_refused_with_a_reason() {
    let mut table = vec!["family | documents | taken | quarantined".to_owned()];
    let mut reasons = Vec::new();
    for (name, config, stream, files) in FAMILIES {
        table.push(match *stream {
            "orders" | "notes" => polled(name, config, stream, files, &mut reasons).await,
            _ => read(name, config, stream, files, &mut reasons),
        });
    }
    let text = format!("{}\n\n{}", table.join("\n"), reasons.join("\n"));
    println!("{text}");
    insta::assert_snapshot!("documents_xml", text);
}

#[test]
fn an_order_in_xml_says_what_it_says() {
    let order = |config: &str, file: &str| {
        let partner = connect(&example(config), secrets(&[]));
        let intake = partner
            .intake("orders", &documents(&[file])[0])
            .unwrap_or_else(|e| panic!("{e:?}"));
        serde_json::to_string_pretty(&intake.into_version().unwrap().document).unwrap()
    };
    insta::assert_snapshot!("ubl_order", order("ubl", "ubl/UBL-Order-2.1-Example.xml"));
    insta::assert_snapshot!(
        "opentrans_order",
        order("opentrans", "opentrans/Example_ORDER_Testdistributor_Bestellung.xml")
    );
}

/// The same order, once polled and once from a file, is one version.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_goes_the_way_of_a_polled_document() {
    let bodies = documents(&[
        "ubl/UBL-Order-2.1-Example.xml",
        "ubl-negative/order-test-bad-syntax.xml",
    ]);
    let url = serve(bodies[..1].to_vec()).await;
    let dir = tempfile::tempdir().unwrap();
    let mut config = example("ubl");
    config["baseUrl"] = json!(url);
    config["streams"] = json!({ "orders": config["streams"]["orders"].clone() });
    let partners = partners_dir(dir.path());
    std::fs::create_dir_all(&partners).unwrap();
    std::fs::write(partners.join("ubl.json"), config.to_string()).unwrap();
    let engine = Engine::start(EngineOptions {
        background: false,
        ..options(dir.path(), &Arc::new(TestSecrets::default()), &fast())
    })
    .await
    .unwrap();
    let partner = PartnerId("ubl".to_owned());
    let import = |n: usize| engine.import(&partner, "orders", bodies[n].clone().into());
    assert_eq!(import(0).await.unwrap().versions, 1);
    assert_eq!(import(0).await.unwrap().duplicates, 1);
    assert_eq!(engine.sync_now(&partner).await.unwrap().duplicates, 1);
    assert_eq!(import(1).await.unwrap().quarantined, 1);
    let refused = engine
        .import(&partner, "order", bodies[0].clone().into())
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("there is: orders"), "{refused}");
    engine.stop(std::time::Duration::from_secs(5)).await;
}
