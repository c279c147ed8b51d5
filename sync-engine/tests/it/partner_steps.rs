//! `prepare`, `conflict`, `steps` and `results.again` in a configuration: the mistakes that are named, the requests that a
//! trial shows, and what the description of the partner's side says of them.

use crate::partner_link::{connect, root, secrets, small};
use serde_json::{Value, json};
use sync_engine::domain::{OperationId, Progress, Timestamp};
use sync_engine::partner::{self, RawItem, TrialInput};

fn with(operation: Value) -> Value {
    let mut config = small("https://api.acme.example");
    config["operations"] = json!({"confirm": operation});
    config
}

#[test]
fn every_mistake_is_named_with_what_to_write_instead() {
    let request = json!({"path": "/x"});
    let reads = json!({"request": {"path": "/x"}, "keep": {"tag": ".headers.etag"}});
    let table = [
        (
            json!({}),
            "/operations/confirm: \"request\", \"steps\" or \"sameAs\" is missing",
        ),
        (
            json!({"request": request, "conflict": "rered"}),
            "/operations/confirm/conflict: \"rered\" is none of \"person\", \"reread\"; did you mean \"reread\"?",
        ),
        (
            json!({"request": request, "conflict": "reread"}),
            "/operations/confirm/conflict: \"reread\" needs \"prepare\": the read that says what the partner holds now",
        ),
        (
            json!({"request": request, "conflict": "reread", "prepare": reads}),
            "/operations/confirm/conflict: \"reread\" of an answer needs \"stream\" or \"unchanged\" in \"prepare\": how to see that the document is still the one that is answered",
        ),
        (
            json!({"request": request, "prepare": {"request": {"path": "/x"}}}),
            "/operations/confirm/prepare: \"keep\", \"stream\" or \"unchanged\" is missing: what the answer is read for",
        ),
        (
            json!({"request": request, "prepare": {"request": {"path": "/x"}, "stream": "order", "item": ".o"}}),
            "/operations/confirm/prepare/stream: there is no stream \"order\" in this configuration; did you mean \"orders\"?",
        ),
        (
            json!({"request": request, "prepare": {"request": {"path": "/x"}, "keep": {"t": ".x"}, "item": ".o"}}),
            "/operations/confirm/prepare/item: \"stream\" is missing: the stream whose map reads the document",
        ),
        (
            json!({"request": request, "steps": [{"name": "a", "request": request}]}),
            "/operations/confirm/request: beside \"steps\", \"request\" belongs into the step that it is about",
        ),
        (
            json!({"steps": [{"name": "a", "request": request}, {"name": "a", "request": request}]}),
            "/operations/confirm/steps/1/name: there is a step \"a\" already",
        ),
        (
            json!({"steps": [{"name": "a", "requst": request}]}),
            "/operations/confirm/steps/0/requst: there is no field \"requst\" here; did you mean \"request\"?",
        ),
        (
            json!({"request": request, "results": {"each": ".l[]", "state": ".s", "applied": ["OK"], "again": ["LATER"]}}),
            "/operations/confirm/results/again: \"id\" is missing: which lines are to be sent again",
        ),
    ];
    for (operation, expected) in table {
        let config = with(operation);
        let told = partner::parse(&config.to_string(), "acme.json", &root())
            .expect_err(expected)
            .to_string();
        assert!(told.contains(expected), "{expected}\nis expected, this is\n{told}");
    }
}

fn filled() -> Value {
    with(json!({
        "maxLines": 1,
        "steps": [
            {"name": "create", "request": {"path": "/answers", "body": {"order": ".document.number"}}, "receipt": {"id": ".body.id"}},
            {"name": "lines", "each": ".chunks[]",
             "prepare": {"request": {"path": "/answers/{.steps.create.id}"}, "keep": {"etag": ".headers.etag", "version": ".body.version"}},
             "request": {
                "path": "/answers/{.steps.create.id}/lines", "headers": {"If-Match": {"$from": ".prepared.etag"}},
                "body": {"version": {"$from": ".prepared.version", "$as": "integer"}, "line": ".part.lines[0].id", "key": ".key"}
             }}
        ]
    }))
}

#[tokio::test]
async fn a_trial_shows_each_request_in_turn_and_names_what_answers_would_give() {
    let partner = connect(&filled(), secrets(&[]));
    let payload = br#"{"id": "A", "lines": [{"n": 1, "qty": 2}, {"n": 2, "qty": 2}]}"#;
    let input = TrialInput {
        payload: Some(RawItem {
            bytes: payload.to_vec().into(),
            media_type: "application/json".to_owned(),
        }),
        ..TrialInput::default()
    };
    let trial = partner.try_out(&input, Timestamp(1_763_712_000_000)).await.unwrap();
    let operations = &trial.streams[0].documents[0].operations;
    let shown: Vec<_> = operations
        .iter()
        .map(|o| {
            let request = o.request.as_ref().unwrap_or_else(|| panic!("{:?}", o.problems));
            let body = request.body.clone().unwrap_or_default();
            format!("{} {} {} {body}", o.step, request.method, request.url)
        })
        .collect();
    let second = Progress {
        step: 1,
        part: 1,
        ..Progress::default()
    };
    let first = Progress {
        step: 1,
        ..Progress::default()
    };
    let key = |at: &Progress| at.key(OperationId(uuid::Uuid::nil()));
    let line = |n: u32, key: uuid::Uuid| {
        format!(
            "lines POST https://api.acme.example/answers/ID/lines {{\"key\":\"{key}\",\"line\":\"{n}\",\"version\":1}}"
        )
    };
    let read = "lines: prepare GET https://api.acme.example/answers/ID ".to_owned();
    assert_eq!(
        shown,
        [
            "create POST https://api.acme.example/answers {\"order\":\"A\"}".to_owned(),
            read.clone(),
            line(1, key(&first)),
            read,
            line(2, key(&second)),
        ]
    );
    let tags = operations.iter().filter_map(|o| {
        let headers = &o.request.as_ref()?.headers;
        headers
            .iter()
            .find(|h| h.name.eq_ignore_ascii_case("if-match"))
            .map(|h| h.value.as_str())
    });
    assert_eq!(tags.collect::<Vec<_>>(), ["ETAG", "ETAG"]);
}

#[test]
fn the_description_has_every_request_of_the_steps() {
    let config = partner::parse(&filled().to_string(), "acme.json", &root()).unwrap();
    let described = config.openapi();
    let ids: Vec<_> = described["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, item)| {
            let item = item.as_object().unwrap().iter();
            item.map(move |(method, o)| format!("{method} {path} {}", o["operationId"].as_str().unwrap_or_default()))
        })
        .filter(|id| id.contains("answers"))
        .collect();
    assert_eq!(
        ids,
        [
            "post /answers confirm-create",
            "get /answers/{id} confirm-lines-prepare",
            "post /answers/{id}/lines confirm-lines"
        ]
    );
}
