//! What a running engine knows beside what lies in the files: of this process, or asked from the service.

use super::Live;
use super::clean::left_out;
use crate::doctor::{Installation, ask_service};
use crate::engine::Engine;
use serde_json::{Map, Value, json};

pub struct Told {
    pub state: Value,
    /// OpenMetrics, or why there is none.
    pub metrics: String,
}

/// Fields of a partner's view that are ours.
const OF_PARTNER: [&str; 7] = [
    "id",
    "status",
    "streams",
    "operations",
    "lastSuccessAt",
    "lastFailureAt",
    "clockSkewMs",
];
const NOBODY: &str = "# no engine of this data folder answers: its window or service is not running\n";

pub async fn of(installation: &Installation, source: Live<'_>) -> Told {
    match source {
        Live::Engine(engine) => of_engine(engine.clone()).await,
        Live::Service => of_service(installation).await,
    }
}

async fn of_engine(engine: Engine) -> Told {
    let reading = tokio::task::spawn_blocking(move || {
        let read = |value: Result<Value, String>| value.unwrap_or_else(|e| json!({ "leftOut": left_out(&e) }));
        let health = read(serde_json::to_value(engine.health()).map_err(|e| e.to_string()));
        let partners = engine.partners().map_err(|e| e.to_string());
        let partners = read(partners.and_then(|all| serde_json::to_value(all).map_err(|e| e.to_string())));
        let counters = engine.store().counters(engine.company()).map_err(|e| e.to_string());
        let counters = read(counters.and_then(|c| serde_json::to_value(c).map_err(|e| e.to_string())));
        Told {
            state: state(&health, &partners, counters),
            metrics: engine
                .metrics()
                .unwrap_or_else(|_| "# they cannot be read now\n".to_owned()),
        }
    });
    reading.await.unwrap_or_else(|_| Told {
        state: Value::Null,
        metrics: NOBODY.to_owned(),
    })
}

async fn of_service(installation: &Installation) -> Told {
    let ask = async |path: &str| match ask_service(installation, path).await {
        Some((200, text)) => Some(text),
        Some(_) | None => None,
    };
    let read = async |path: &str| {
        ask(path)
            .await
            .and_then(|text| serde_json::from_str::<Value>(&text).ok())
    };
    let Some(metrics) = ask("/api/v1/metrics").await else {
        return Told {
            state: Value::Null,
            metrics: NOBODY.to_owned(),
        };
    };
    let health = read("/api/v1/health").await.unwrap_or_default();
    let partners = read("/api/v1/partners").await.unwrap_or_default();
    let counters = read("/api/v1/counters").await.unwrap_or_default();
    Told {
        state: state(&health, &partners, counters),
        metrics,
    }
}

fn state(health: &Value, partners: &Value, counters: Value) -> Value {
    let reasons = health["reasons"].as_array().into_iter().flatten();
    let codes: Vec<&Value> = reasons.map(|reason| &reason["code"]).collect();
    let partners: Vec<Value> = partners.as_array().into_iter().flatten().map(partner).collect();
    json!({
        "version": health["version"], "ready": health["ready"], "reasons": codes,
        "counters": counters, "partners": partners,
    })
}

fn partner(view: &Value) -> Value {
    let mut kept: Map<String, Value> = OF_PARTNER
        .into_iter()
        .map(|name| (name.to_owned(), view[name].clone()))
        .collect();
    let mistakes = view["configErrors"].as_array().map_or(0, Vec::len);
    kept.insert("configurationMistakes".to_owned(), mistakes.into());
    Value::Object(kept)
}
