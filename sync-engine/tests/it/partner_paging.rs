//! Every kind of page, against servers that page in that way.

use crate::partner_link::{connect, secrets, small};
use crate::partner_server::{Asked, Server, answer};
use axum::body::Body;
use axum::http::Response;
use serde_json::{Value, json};
use sync_engine::partner::{FetchError, HttpPartner, PartnerLink};

/// Reads a run to its end: the ids of its items, and the last watermark.
async fn run(partner: &HttpPartner, watermark: Option<&str>) -> Result<(Vec<String>, Option<String>), FetchError> {
    let (mut ids, mut mark, mut cursor) = (Vec::new(), None, None);
    loop {
        let page = partner.fetch("orders", watermark, cursor.as_ref()).await?;
        for item in &page.items {
            let item: Value = serde_json::from_slice(&item.bytes).unwrap();
            ids.push(item["id"].as_str().unwrap_or("?").to_owned());
        }
        mark = page.watermark.or(mark);
        match page.next {
            Some(next) => cursor = Some(next),
            None => return Ok((ids, mark)),
        }
    }
}

fn with(url: &str, request: Value, paging: Value) -> Value {
    let mut config = small(url);
    config["streams"]["orders"]["request"] = request;
    config["streams"]["orders"]["paging"] = paging;
    config
}

fn parameter(asked: &Asked, name: &str) -> Option<String> {
    let query = asked.uri.query().unwrap_or("").to_owned();
    let pairs: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    pairs.into_iter().find(|(n, _)| n == name).map(|(_, v)| v)
}

fn number(asked: &Asked, name: &str, default: usize) -> usize {
    parameter(asked, name).map_or(default, |text| text.parse().unwrap())
}

/// Seven orders, `size` of them from `from`.
fn slice(from: usize, size: usize) -> Value {
    let ids: Vec<Value> = (from..(from + size).min(7))
        .map(|n| json!({"id": format!("{n}")}))
        .collect();
    Value::Array(ids)
}

const ALL: [&str; 7] = ["0", "1", "2", "3", "4", "5", "6"];

/// A server that pages in every way, one path for each.
fn paging(asked: &Asked) -> Response<Body> {
    let at = number(asked, "at", 0);
    let next = at + 3;
    let more = next < 7;
    let page = |extra: Value| {
        let mut body = json!({"items": slice(at, 3)});
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        body.to_string()
    };
    match asked.uri.path() {
        "/link" => {
            let link = if more {
                format!(r#"</link?at={next}>; rel="next", </link?at=0>; rel="first""#)
            } else {
                r#"</link?at=0>; rel="first""#.to_owned()
            };
            answer(200, &[("link", &link)], page(json!({})))
        }
        "/relative" => answer(200, &[], page(json!({"next": more.then(|| format!("?at={next}"))}))),
        "/query" => answer(
            200,
            &[],
            page(json!({"next": more.then(|| format!("at={next}&x=%20y"))})),
        ),
        "/absolute" => {
            let host = asked.headers["host"].to_str().unwrap();
            let next = more.then(|| format!("http://{host}/absolute?at={next}"));
            answer(200, &[], page(json!({"next": next})))
        }
        "/elsewhere" => {
            let next = more.then(|| format!("https://files.other.example/elsewhere?at={next}"));
            answer(200, &[], page(json!({"next": next})))
        }
        "/header" => {
            let at = number(asked, "cursor", 0);
            let token = format!("{}", at + 3);
            let headers: &[(&str, &str)] = if at + 3 < 7 { &[("x-next", &token)] } else { &[] };
            answer(200, headers, json!({"items": slice(at, 3)}).to_string())
        }
        "/search" => {
            let body: Value = serde_json::from_slice(&asked.body).unwrap();
            let at = body["after"].as_u64().unwrap_or(0) as usize;
            let next = (at + 3 < 7).then_some(at + 3);
            answer(200, &[], json!({"items": slice(at, 3), "next": next}).to_string())
        }
        "/range" => {
            let range = asked.headers["range"].to_str().unwrap();
            let (first, last) = range.strip_prefix("orders=").unwrap().split_once('-').unwrap();
            let (first, last): (usize, usize) = (first.parse().unwrap(), last.parse().unwrap());
            assert_eq!(last - first, 2, "{range}");
            let shown = format!("orders {first}-{}/7", last.min(6));
            answer(
                206,
                &[("content-range", &shown)],
                json!({"items": slice(first, 3)}).to_string(),
            )
        }
        // Sends two at a time, whatever is asked for.
        "/empty" => answer(
            200,
            &[],
            json!({"items": slice(number(asked, "offset", 0), 2)}).to_string(),
        ),
        "/more" => {
            let at = (number(asked, "page", 1) - 1) * 3;
            answer(
                200,
                &[],
                json!({"items": slice(at, 3), "last": at + 3 >= 7}).to_string(),
            )
        }
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn every_kind_of_page_is_followed_to_its_end() {
    let server = Server::start(paging).await;
    let query = json!({"at": {"$value": "0"}});
    for (path, request, paging) in [
        ("/link", json!({"query": query}), json!({"type": "link"})),
        (
            "/relative",
            json!({"query": query}),
            json!({"type": "url", "next": ".next"}),
        ),
        (
            "/query",
            json!({"query": query}),
            json!({"type": "url", "next": ".next"}),
        ),
        (
            "/absolute",
            json!({"query": query}),
            json!({"type": "url", "next": ".next"}),
        ),
        (
            "/elsewhere",
            json!({"query": query}),
            json!({"type": "url", "next": ".next", "ownHost": true}),
        ),
        (
            "/header",
            json!({"query": {"cursor": ".cursor"}}),
            json!({"type": "token", "next": {"header": "X-Next"}}),
        ),
        (
            "/search",
            json!({"method": "POST", "body": {"size": {"$value": 3}, "after": ".cursor"}}),
            json!({"type": "token", "next": ".next"}),
        ),
        (
            "/range",
            json!({}),
            json!({"type": "range", "unit": "orders", "limit": 3}),
        ),
        (
            "/empty",
            json!({"query": {"offset": ".offset", "limit": ".limit"}}),
            json!({"type": "offset", "limit": 3, "until": "empty"}),
        ),
        (
            "/more",
            json!({"query": {"page": ".page"}}),
            json!({"type": "page", "more": ".last == false"}),
        ),
    ] {
        let mut request = request;
        request["path"] = path.into();
        let partner = connect(&with(&server.url, request, paging), secrets(&[]));
        let (ids, _) = run(&partner, None).await.unwrap_or_else(|e| panic!("{path}: {e}"));
        assert_eq!(ids, ALL, "{path}");
    }
}

#[tokio::test]
async fn an_address_on_another_host_is_not_asked() {
    let other = Server::start(|_| panic!("nothing is asked here")).await;
    let there = other.url.clone();
    let server = Server::start(move |asked| {
        let next = format!("{there}/list?at=3");
        match asked.uri.path() {
            "/link" => answer(
                200,
                &[("link", &format!("<{next}>; rel=next"))],
                r#"{"items":[{"id":"1"}]}"#,
            ),
            _ => answer(200, &[], json!({"items": [{"id": "1"}], "next": next}).to_string()),
        }
    })
    .await;
    for (path, paging) in [
        ("/link", json!({"type": "link"})),
        ("/url", json!({"type": "url", "next": ".next"})),
    ] {
        let partner = connect(&with(&server.url, json!({"path": path}), paging), secrets(&[]));
        let error = run(&partner, None).await.unwrap_err();
        assert_eq!(error.code, "partner.foreign_link", "{error}");
        assert!(error.message.contains(&other.url), "{error}");
    }
    assert!(other.asked().is_empty());
}

#[tokio::test]
async fn links_that_run_in_a_circle_end() {
    let server = Server::start(|asked| {
        let at = number(asked, "at", 0);
        let next = format!("?at={}", (at + 1) % 3);
        answer(
            200,
            &[],
            json!({"items": [{"id": at.to_string()}], "next": next}).to_string(),
        )
    })
    .await;
    let config = with(
        &server.url,
        json!({"path": "/list"}),
        json!({"type": "url", "next": ".next"}),
    );
    let error = run(&connect(&config, secrets(&[])), None).await.unwrap_err();
    assert_eq!(error.code, "limit.loop", "{error}");
    assert!(server.asked().len() <= 5, "{}", server.asked().len());
}

#[tokio::test]
async fn items_are_found_where_they_are() {
    let server = Server::start(|asked| match asked.uri.path() {
        "/bare" => answer(200, &[], r#"[{"id":"1"}]"#),
        "/one" => answer(200, &[], r#"{"orders":{"order":{"id":"1"}}}"#),
        "/old" => answer(200, &[], r#"{"list":[{"id":"1"}]}"#),
        "/new" => answer(200, &[], r#"{"data":{"items":[{"id":"1"}]}}"#),
        "/none" => answer(200, &[], r#"{"data":{}}"#),
        "/404" => answer(404, &[], "nothing today"),
        other => panic!("{other}"),
    })
    .await;
    let fallbacks = json!([".data.items", ".list", ".data.none?"]);
    for (path, items, found) in [
        ("/bare", json!("."), 1),
        ("/one", json!(".orders.order"), 1),
        ("/old", fallbacks.clone(), 1),
        ("/new", fallbacks.clone(), 1),
        ("/none", fallbacks, 0),
        ("/404", json!("."), 0),
    ] {
        let mut config = small(&server.url);
        config["streams"]["orders"]["request"] = json!({"path": path});
        config["streams"]["orders"]["items"] = items;
        config["streams"]["orders"]["emptyStatuses"] = json!([404]);
        config["streams"]["orders"].as_object_mut().unwrap().remove("paging");
        let (ids, _) = run(&connect(&config, secrets(&[])), None)
            .await
            .unwrap_or_else(|e| panic!("{path}: {e}"));
        assert_eq!(ids.len(), found, "{path}");
    }
}

#[tokio::test]
async fn what_has_not_changed_is_not_sent_again() {
    let server = Server::start(|asked| {
        let tag = asked
            .headers
            .get("if-none-match")
            .map(|v| v.to_str().unwrap().to_owned());
        let since = asked
            .headers
            .get("if-modified-since")
            .map(|v| v.to_str().unwrap().to_owned());
        let modified = "Mon, 05 Jan 2026 08:00:00 GMT";
        if tag.as_deref() == Some("\"7\"") || since.as_deref() == Some(modified) {
            return answer(304, &[], "");
        }
        answer(
            200,
            &[("etag", "\"7\""), ("last-modified", modified)],
            r#"{"items":[{"id":"1"}]}"#,
        )
    })
    .await;
    for (header, mark) in [("ETag", "\"7\""), ("Last-Modified", "Mon, 05 Jan 2026 08:00:00 GMT")] {
        let mut config = with(&server.url, json!({"path": "/list"}), Value::Null);
        config["streams"]["orders"].as_object_mut().unwrap().remove("paging");
        config["streams"]["orders"]["watermark"] = json!({"header": header});
        let partner = connect(&config, secrets(&[]));
        let (ids, found) = run(&partner, None).await.unwrap();
        assert_eq!((ids.len(), found.as_deref()), (1, Some(mark)));
        let (ids, found) = run(&partner, Some(mark)).await.unwrap();
        assert_eq!((ids.len(), found), (0, None));
    }
}

#[tokio::test]
async fn windows_catch_up_and_never_run_ahead() {
    let server = Server::start(|asked| {
        let (from, until) = (parameter(asked, "from").unwrap(), parameter(asked, "until").unwrap());
        // Two pages in each window, and nothing at all in the second.
        let page = number(asked, "page", 1);
        if from.starts_with("2026-01-02") {
            return answer(204, &[], "");
        }
        let items: Vec<Value> = (0..if page == 1 { 2 } else { 1 })
            .map(|n| json!({"id": format!("{from}/{until}/{page}/{n}")}))
            .collect();
        answer(200, &[], json!({"items": items}).to_string())
    })
    .await;
    let mut config = with(
        &server.url,
        json!({"path": "/list", "query": {"from": ".from", "until": ".until", "page": ".page"}}),
        json!({"type": "page", "limit": 2}),
    );
    let now = chrono::Utc::now();
    let days = (now - "2026-01-01T00:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap()).num_days();
    config["streams"]["orders"]["watermark"] = json!({
        "window": {"seconds": 86_400 * (days / 3 + 1), "lagSeconds": 60},
        "start": "2026-01-01T00:00:00Z", "overlapSeconds": 3600, "format": "epochSeconds"
    });
    // With epoch seconds the server's rule for the second window finds nothing: every window has its three items.
    let partner = connect(&config, secrets(&[]));
    let (ids, mark) = run(&partner, None).await.unwrap();
    assert_eq!(ids.len(), 9, "{ids:?}");
    let mark = mark.unwrap();
    let reached: chrono::DateTime<chrono::Utc> = mark.parse().unwrap();
    assert!(reached <= now - chrono::TimeDelta::seconds(55), "{mark}");
    let asked = server.asked();
    let window = |n: usize| {
        let asked: &Asked = &asked[n];
        (number(asked, "from", 0), number(asked, "until", 0))
    };
    assert_eq!(window(0).0, 1_767_222_000, "an hour before the start");
    assert_eq!(window(2).0, window(0).1 - 3600, "an hour before the end of the first");
    assert_eq!(i64::try_from(window(4).1).unwrap(), reached.timestamp());

    // The next run asks from there, and a window without anything advances too.
    config["streams"]["orders"]["watermark"]["format"] = json!("dateTime");
    config["streams"]["orders"]["watermark"]["start"] = json!("2026-01-02T01:00:00Z");
    let partner = connect(&config, secrets(&[]));
    let first = partner.fetch("orders", None, None).await.unwrap();
    assert!(first.items.is_empty() && first.next.is_some());
    assert!(
        first
            .watermark
            .is_some_and(|mark| mark.as_str() > "2026-01-02T01:00:00Z")
    );
    let (ids, again) = run(&partner, Some(&mark)).await.unwrap();
    assert!(ids.len() <= 3 && again.is_none_or(|again| again >= mark), "{ids:?}");
}

#[tokio::test]
async fn the_request_gets_the_watermark_in_its_form() {
    let server = Server::start(|_| answer(200, &[], r#"{"items":[{"id":"1","at":"/Date(1767600000000)/"}]}"#)).await;
    let mut config = with(
        &server.url,
        json!({"path": "/list", "query": {"$filter": "if .watermark then \"changed gt \\(.watermark)\" else empty end"}}),
        Value::Null,
    );
    config["streams"]["orders"].as_object_mut().unwrap().remove("paging");
    config["streams"]["orders"]["watermark"] = json!({"item": ".at", "overlapSeconds": 60, "format": "dateTime"});
    let partner = connect(&config, secrets(&[]));
    let (_, mark) = run(&partner, None).await.unwrap();
    assert_eq!(mark.as_deref(), Some("/Date(1767600000000)/"));
    run(&partner, mark.as_deref()).await.unwrap();
    let filters: Vec<_> = server.asked().iter().map(|a| parameter(a, "$filter")).collect();
    assert_eq!(filters, [None, Some("changed gt 2026-01-05T07:59:00Z".to_owned())]);
}

#[test]
fn mistakes_of_paging_are_named() {
    for (change, expected) in [
        (
            json!({"paging": {"type": "link", "next": ".next"}}),
            "only paging by token or url uses \"next\"",
        ),
        (json!({"paging": {"type": "url"}}), "\"next\" is missing"),
        (json!({"paging": {"type": "lnik"}}), "did you mean \"link\"?"),
        (
            json!({"paging": {"type": "token", "next": {"heade": "X"}}}),
            "did you mean \"header\"?",
        ),
        (
            json!({"paging": {"type": "range"}}),
            "\"limit\" is missing: how many items one Range asks for",
        ),
        (json!({"paging": {"type": "page"}}), "\"limit\" is missing"),
        (
            json!({"paging": {"type": "token", "next": ".n", "until": "empty"}}),
            "uses \"until\"",
        ),
        (
            json!({"watermark": {"item": ".a", "header": "ETag"}}),
            "\"item\" and \"header\" exclude each other",
        ),
        (
            json!({"watermark": {"window": {"seconds": 60}}}),
            "\"start\" is missing",
        ),
        (
            json!({"watermark": {"window": {"seconds": 60}, "start": "soon"}}),
            "\"soon\" is no date and time",
        ),
        (
            json!({"watermark": {"item": ".a", "format": "epoch"}}),
            "did you mean \"epochMillis\"?",
        ),
        (json!({"watermark": {}}), "where the watermark comes from"),
        (json!({"items": [".a", "first(.b[])"]}), "is no plain path"),
    ] {
        let mut config = small("https://api.acme.example");
        let stream = config["streams"]["orders"].as_object_mut().unwrap();
        stream.extend(change.as_object().unwrap().clone());
        let errors = sync_engine::partner::parse(&config.to_string(), "f.json", std::path::Path::new(".")).unwrap_err();
        assert!(errors.to_string().contains(expected), "{expected} is not in:\n{errors}");
        assert!(errors.mistakes.len() <= 2, "{errors}");
    }
}
