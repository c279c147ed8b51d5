//! Query parameters that a route does not have are refused, so that a misspelt filter is no filter that shows all.

use super::error::ApiError;
use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::collections::HashMap;
use std::sync::Arc;
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::{OpenApi, RefOr};

/// Names by method and path, as the OpenAPI document has them.
pub(super) struct KnownParameters(HashMap<(Method, String), Vec<String>>);

impl KnownParameters {
    pub fn of(document: &OpenApi) -> Self {
        let mut known = HashMap::new();
        for (path, item) in &document.paths.paths {
            for (method, operation) in [
                (Method::GET, &item.get),
                (Method::POST, &item.post),
                (Method::PUT, &item.put),
            ] {
                if let Some(operation) = operation {
                    known.insert((method, path.clone()), names(operation));
                }
            }
        }
        Self(known)
    }
}

fn names(operation: &Operation) -> Vec<String> {
    let mut names = Vec::new();
    for parameter in operation.parameters.iter().flatten() {
        // The derives write parameters out in place; none refers to another.
        if let RefOr::T(parameter) = parameter
            && matches!(parameter.parameter_in, ParameterIn::Query)
        {
            names.push(parameter.name.clone());
        }
    }
    names
}

pub(super) async fn refuse_unknown(
    State(known): State<Arc<KnownParameters>>,
    path: Option<MatchedPath>,
    request: Request,
    next: Next,
) -> Response {
    let method = if request.method() == Method::HEAD {
        Method::GET
    } else {
        request.method().clone()
    };
    let names = path.and_then(|path| known.0.get(&(method, path.as_str().to_owned())));
    let query = request.uri().query().unwrap_or_default();
    if let Some(names) = names {
        for (name, _) in url::form_urlencoded::parse(query.as_bytes()) {
            if !names.iter().any(|n| *n == name) {
                let takes = if names.is_empty() {
                    "none".to_owned()
                } else {
                    names.join(", ")
                };
                let message = format!("this route has no such parameter; it takes {takes}");
                return ApiError::invalid(&name, message).into_response();
            }
        }
    }
    next.run(request).await
}
