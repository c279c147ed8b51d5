//! What belongs to the items of a list: details, batches, parts, ETags; what cannot be had now, and what never.

use crate::partner_link::{connect, secrets, small};
use crate::partner_server::{Asked, Server, answer};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use sync_engine::partner::{FetchedPage, HttpPartner, PartnerLink};

fn stream(url: &str, change: Value) -> Value {
    let mut config = small(url);
    let stream = config["streams"]["orders"].as_object_mut().unwrap();
    stream.remove("paging");
    stream.insert("request".to_owned(), json!({"path": "/list"}));
    stream.extend(change.as_object().unwrap().clone());
    config
}

async fn first_page(config: &Value) -> (HttpPartner, FetchedPage) {
    let partner = connect(config, secrets(&[]));
    let page = partner.fetch("orders", None, None).await.unwrap();
    (partner, page)
}

fn texts(page: &FetchedPage) -> Vec<String> {
    let items = page.items.iter();
    items.map(|i| String::from_utf8(i.bytes.to_vec()).unwrap()).collect()
}

fn paths(server: &Server) -> Vec<String> {
    let mut paths: Vec<_> = server.asked().iter().map(|a: &Asked| a.uri.to_string()).collect();
    paths.sort();
    paths
}

const LIST: &str = r#"{"items":[{"ref":"a"},{"ref":"b"},{"ref":"c"}]}"#;

#[tokio::test]
async fn each_item_of_a_list_is_fetched_with_its_parts() {
    let server = Server::start(|asked| match asked.uri.path() {
        "/list" => answer(200, &[], LIST),
        "/orders/b" => answer(404, &[], ""),
        "/orders/a" => answer(
            200,
            &[("etag", "\"7\"")],
            "{\"order\": {\"id\" : \"A\",\"kind\":\"full\"} }",
        ),
        "/orders/c" => answer(200, &[("etag", "W/\"8\"")], r#"{"order":{"id":"C","kind":"short"}}"#),
        "/orders/A/lines" if asked.uri.query() == Some("at=0") => {
            answer(200, &[], r#"{"lines":[{"n":"1","qty":2.50},{"n":"2","qty":1}]}"#)
        }
        "/orders/A/lines" => answer(200, &[], r#"{"lines":[{"n":"3","qty":4}]}"#),
        "/orders/A/terms" => answer(200, &[], r#"{"days": 30}"#),
        other => panic!("{other}"),
    })
    .await;
    let config = stream(
        &server.url,
        json!({
            "detail": {"request": {"path": "/orders/{.stub.ref}"}, "item": ".order", "stubAs": "listed"},
            "parts": {
                "lines": {
                    "request": {"path": "/orders/{.item.id}/lines", "query": {"at": ".offset"}},
                    "items": ".lines", "paging": {"type": "offset", "limit": 2}, "when": ".kind == \"full\""
                },
                "terms": {"request": {"path": "/orders/{.item.id}/terms"}, "when": ".kind == \"full\""}
            },
            "map": {
                "number": ".id", "currency": {"$value": "EUR"}, "revision": ".listed.ref",
                "paymentTerms": ".terms.days",
                "partnerRef": {"etag": "$etag"},
                "lines": {"$each": ".lines[]?", "id": ".n", "quantity": ".qty", "unit": {"$value": "C62"}}
            }
        }),
    );
    let (partner, page) = first_page(&config).await;
    assert_eq!(
        texts(&page),
        [
            r#"{"id" : "A","kind":"full","$etag":"\"7\"","listed":{"ref":"a"},"lines":[{"n":"1","qty":2.50},{"n":"2","qty":1},{"n":"3","qty":4}],"terms":{"days": 30}}"#,
            r#"{"id":"C","kind":"short","$etag":"W/\"8\"","listed":{"ref":"c"}}"#,
        ]
    );
    let gone = &page.set_aside[0];
    assert_eq!(
        (gone.raw.bytes.as_ref(), gone.error.stage),
        (&br#"{"ref":"b"}"#[..], "fetch")
    );
    assert!(page.held.is_none());

    let version = partner
        .intake("orders", &page.items[0].bytes)
        .unwrap()
        .into_version()
        .unwrap();
    assert_eq!(version.partner_ref, Some(json!({"etag": "\"7\""})));
    assert_eq!(version.revision.as_deref(), Some("a"));
    // Another ETag of the same content is the same version.
    let other = texts(&page)[0].replace("\\\"7\\\"", "\\\"9\\\"");
    let again = partner
        .intake("orders", other.as_bytes())
        .unwrap()
        .into_version()
        .unwrap();
    assert_eq!(again.hash, version.hash);
}

#[tokio::test]
async fn several_items_are_fetched_at_once() {
    let server = Server::start(|asked| match asked.uri.path() {
        "/list" => answer(200, &[], r#"[{"no":1},{"no":2},{"no":3},{"no":4}]"#),
        "/batch" => {
            let body: Value = serde_json::from_slice(&asked.body).unwrap();
            // In another order, and without the third.
            let found: Vec<Value> = body["numbers"].as_array().unwrap().iter().rev().cloned().collect();
            let found = found
                .iter()
                .filter(|n| **n != json!(3))
                .map(|n| json!({"id": n.to_string()}));
            answer(200, &[], json!({"orders": found.collect::<Vec<_>>()}).to_string())
        }
        other => panic!("{other}"),
    })
    .await;
    let config = stream(
        &server.url,
        json!({
            "items": ".",
            "batch": {
                "size": 2, "key": ".no", "match": ".id", "items": ".orders",
                "request": {"method": "POST", "path": "/batch", "body": {"numbers": ".keys"}}
            }
        }),
    );
    let (_, page) = first_page(&config).await;
    assert_eq!(texts(&page), [r#"{"id":"1"}"#, r#"{"id":"2"}"#, r#"{"id":"4"}"#]);
    assert_eq!(page.set_aside[0].raw.bytes, r#"{"no":3}"#);
    assert_eq!(paths(&server), ["/batch", "/batch", "/list"]);
}

#[tokio::test]
async fn a_detail_that_fails_now_holds_the_watermark_and_nothing_else() {
    let tries = AtomicUsize::new(0);
    let server = Server::start(move |asked| match (asked.uri.path(), asked.uri.query()) {
        ("/list", None) => answer(
            200,
            &[],
            r#"{"items":[{"ref":"a","at":"1"},{"ref":"b","at":"2"}],"next":"2"}"#,
        ),
        ("/list", _) => answer(200, &[], r#"{"items":[{"ref":"c","at":"3"}]}"#),
        // Down for the first run, with its three attempts.
        ("/orders/b", _) if tries.fetch_add(1, Ordering::SeqCst) < 3 => answer(503, &[], ""),
        (path, _) => answer(200, &[], json!({"id": path.trim_start_matches("/orders/")}).to_string()),
    })
    .await;
    let config = stream(
        &server.url,
        json!({
            "request": {"path": "/list", "query": {"next": ".cursor"}},
            "paging": {"type": "token", "next": ".next"},
            "watermark": {"item": ".at"},
            "detail": {"request": {"path": "/orders/{.stub.ref}"}}
        }),
    );
    let (partner, page) = first_page(&config).await;
    assert_eq!(texts(&page), [r#"{"id":"a"}"#]);
    let held = page.held.expect("something is missing");
    assert_eq!((held.code, held.transient), ("partner.unavailable", true));
    let last = partner.fetch("orders", None, page.next.as_ref()).await.unwrap();
    assert_eq!(texts(&last), [r#"{"id":"c"}"#], "the rest of the run is read");
    assert_eq!((last.next, last.watermark), (None, None), "and the watermark stays");

    let page = partner.fetch("orders", None, None).await.unwrap();
    assert_eq!(texts(&page), [r#"{"id":"a"}"#, r#"{"id":"b"}"#]);
    let last = partner.fetch("orders", None, page.next.as_ref()).await.unwrap();
    assert_eq!(last.watermark.as_deref(), Some("3"));
}

#[tokio::test]
async fn what_is_none_of_ours_is_left_out() {
    let server = Server::start(|asked| match asked.uri.path() {
        "/list" => answer(200, &[], LIST),
        "/orders/b" => answer(404, &[], ""),
        _ => answer(200, &[], r#"[{"id":"x"}]"#),
    })
    .await;
    let detail = json!({"request": {"path": "/orders/{.stub.ref}"}, "item": ".", "emptyStatuses": [404]});
    let (_, page) = first_page(&stream(&server.url, json!({"detail": detail}))).await;
    assert_eq!(page.items.len(), 2);
    assert!(page.set_aside.is_empty() && page.held.is_none());
}

#[tokio::test]
async fn when_the_partner_goes_down_the_rest_of_the_page_is_not_asked_for() {
    let server = Server::start(|asked| match asked.uri.path() {
        "/list" => {
            let items: Vec<Value> = (0..200).map(|n| json!({"ref": n.to_string()})).collect();
            answer(200, &[], json!({"items": items}).to_string())
        }
        _ => answer(500, &[("retry-after", "60")], ""),
    })
    .await;
    let config = stream(
        &server.url,
        json!({"detail": {"request": {"path": "/orders/{.stub.ref}"}}}),
    );
    let partner = connect(&config, secrets(&[]));
    let error = partner.fetch("orders", None, None).await.unwrap_err();
    assert_eq!(error.code, "partner.unavailable");
    assert!(server.asked().len() < 12, "{}", server.asked().len());
}

#[tokio::test]
async fn more_than_the_memory_may_hold_is_refused() {
    let large = format!(r#"{{"id":"x","text":"{}"}}"#, "x".repeat(300_000));
    let server = Server::start(move |asked| match asked.uri.path() {
        "/list" => answer(200, &[], LIST),
        _ => answer(200, &[], large.clone()),
    })
    .await;
    let mut config = stream(
        &server.url,
        json!({"detail": {"request": {"path": "/orders/{.stub.ref}"}}}),
    );
    config["limits"] = json!({"maxInflatedBytes": 700_000});
    let error = connect(&config, secrets(&[]))
        .fetch("orders", None, None)
        .await
        .unwrap_err();
    assert_eq!(error.code, "limit.page");
}

#[tokio::test]
async fn the_partner_is_told_what_is_stored() {
    let server = Server::start(|asked| match asked.uri.path() {
        "/list" => answer(200, &[], r#"{"items":[{"id":"1"},{"id":"2"},{"id":"3"}]}"#),
        _ => answer(
            if asked.body.windows(3).any(|w| w == b"\"3\"") {
                409
            } else {
                204
            },
            &[],
            "",
        ),
    })
    .await;
    let after = json!({"key": ".id", "size": 2, "request": {"path": "/done", "body": {"ids": ".keys"}}});
    let (partner, page) = first_page(&stream(&server.url, json!({"afterStore": after}))).await;
    partner.stored("orders", &page.keys).await.unwrap();
    let bodies: Vec<_> = server.asked().iter().skip(1).map(|a| a.body.clone()).collect();
    assert_eq!(bodies, [r#"{"ids":["1","2"]}"#, r#"{"ids":["3"]}"#]);
}

#[test]
fn mistakes_of_reading_are_named() {
    let request = json!({"path": "/x"});
    for (change, expected) in [
        (json!({"detail": {}}), "/detail: \"request\" is missing"),
        (
            json!({"detail": {"request": request, "itm": "."}}),
            "did you mean \"item\"?",
        ),
        (
            json!({"detail": {"request": {"path": "/{stub}"}}}),
            "\"stub\" is not available",
        ),
        (json!({"batch": {"request": request}}), "\"key\" is missing"),
        (
            json!({"parts": {"lines": {"request": request, "paging": {"type": "link"}}}}),
            "\"items\" is missing",
        ),
        (
            json!({"parts": {"lines": {"request": request, "items": ".l", "paging": {"type": "watermark"}}}}),
            "no watermark of its own",
        ),
        (
            json!({"parts": {"lines": {"request": request, "items": ".l", "key": ".id"}}}),
            "/parts/lines: \"match\" is missing: where an entry names the item that it belongs to",
        ),
        (
            json!({"parts": {"lines": {"request": request, "key": ".id", "match": ".of"}}}),
            "/parts/lines: \"items\" is missing",
        ),
        (
            json!({"afterStore": {"request": request}}),
            "/afterStore: \"key\" is missing",
        ),
    ] {
        let config = stream("https://api.acme.example", change);
        let errors = sync_engine::partner::parse(&config.to_string(), "f.json", std::path::Path::new(".")).unwrap_err();
        assert!(errors.to_string().contains(expected), "{expected} is not in:\n{errors}");
    }
    let mut config = stream("https://api.acme.example", json!({}));
    config["streams"]["orders"]["map"]["partnerRef"] = json!({"etag": "$etag"});
    let errors = sync_engine::partner::parse(&config.to_string(), "f.json", std::path::Path::new(".")).unwrap_err();
    assert!(
        errors.to_string().contains("$etag is the ETag of a \"detail\""),
        "{errors}"
    );
}

#[tokio::test]
async fn a_part_of_several_items_is_fetched_at_once_and_what_fails_is_of_its_items_alone() {
    let server = Server::start(|asked| match asked.uri.to_string().as_str() {
        "/list" => {
            let item = |id: &str| json!({"id": id, "has": id != "none"});
            let list: Vec<_> = ["a", "b", "none", "c", "d"].map(item).to_vec();
            let list = [list, vec![json!({"has": true})]].concat();
            let list = json!({"items": list});
            answer(200, &[], list.to_string())
        }
        "/lines?ids=a&ids=b" => {
            let lines = json!([{"of": "b", "n": 1.50}, {"of": "else", "n": 9}, {"of": "b", "n": 2}]);
            answer(200, &[], lines.to_string())
        }
        _ => answer(503, &[], ""),
    })
    .await;
    let config = stream(
        &server.url,
        json!({"parts": {"lines": {
            "size": 2, "key": ".id", "match": ".of", "items": ".", "when": ".has",
            "request": {"path": "/lines", "query": {"ids": ".keys"}}
        }}}),
    );
    let (_, page) = first_page(&config).await;
    assert_eq!(
        texts(&page),
        [
            r#"{"has":true,"id":"a","lines":[]}"#,
            r#"{"has":true,"id":"b","lines":[{"n":1.5,"of":"b"},{"n":2,"of":"b"}]}"#,
            r#"{"has":false,"id":"none"}"#,
        ]
    );
    assert_eq!(
        page.held.unwrap().code,
        "partner.unavailable",
        "the others come with the next run"
    );
    let aside: Vec<_> = page
        .set_aside
        .iter()
        .map(|a| a.error.problems[0].message.as_str())
        .collect();
    assert_eq!(aside, [".id gives no key for \"lines\""]);
    let asked = paths(&server);
    assert_eq!(
        asked.iter().filter(|p| p.starts_with("/lines?ids=a")).count(),
        1,
        "{asked:?}"
    );
}
