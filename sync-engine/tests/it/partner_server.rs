//! A partner's server that answers as a test says, and keeps what it was asked.

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, Request, Response, Uri};
use std::sync::{Arc, Mutex};

/// What the server was asked.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: Method,
    pub uri: Uri,
    pub headers: HeaderMap,
    pub body: Bytes,
}

type Reply = Arc<dyn Fn(&Asked) -> Response<Body> + Send + Sync>;

pub struct Server {
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    pub async fn start(reply: impl Fn(&Asked) -> Response<Body> + Send + Sync + 'static) -> Self {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let state = (Arc::new(reply) as Reply, Arc::clone(&asked));
        let app = axum::Router::new()
            .fallback(
                |State((reply, asked)): State<(Reply, Arc<Mutex<Vec<Asked>>>)>, request: Request<Body>| async move {
                    let (parts, body) = request.into_parts();
                    let body = axum::body::to_bytes(body, 1 << 24).await.unwrap_or_default();
                    let one = Asked {
                        method: parts.method,
                        uri: parts.uri,
                        headers: parts.headers,
                        body,
                    };
                    asked.lock().unwrap().push(one.clone());
                    reply(&one)
                },
            )
            .with_state(state);
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, asked }
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

pub fn answer(status: u16, headers: &[(&str, &str)], body: impl Into<Body>) -> Response<Body> {
    let mut builder = Response::builder().status(status);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    builder.body(body.into()).unwrap()
}
