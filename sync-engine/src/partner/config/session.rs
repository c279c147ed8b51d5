//! A token that is fetched beforehand and sent with writes: the section `session`.

use super::mistakes::child;
use super::raw::RawRequest;
use super::raw_reading::RawPlace;
use super::request::header_name;
use super::{Place, RequestTemplate};
use crate::partner::map::Compile;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct RawSession {
    pub request: Option<RawRequest>,
    pub header: BTreeMap<String, RawPlace>,
    pub expired_statuses: Option<Vec<u16>>,
}

#[derive(Debug)]
pub(crate) struct Session {
    pub request: RequestTemplate,
    /// Headers of the writes, and where their values are in the session's answer.
    pub headers: Vec<(String, Place)>,
    /// Statuses of a write after which the session is fetched again, once.
    pub expired_statuses: Vec<u16>,
}

pub(super) fn session(raw: Option<&RawSession>, ctx: &mut Compile<'_>) -> Option<Session> {
    let raw = raw?;
    if raw.header.is_empty() && !ctx.mistakes.is_at("/session/header") {
        ctx.mistakes.add(
            "/session",
            "\"header\" is missing: the headers of the writes that carry the session, and where its answer has them",
        );
    }
    let mut headers = Vec::new();
    for (name, source) in &raw.header {
        let at = child("/session/header", name);
        header_name(name, &at, ctx.mistakes);
        headers.extend(Place::compile(source, &at, ctx).map(|source| (name.clone(), source)));
    }
    let Some(request) = &raw.request else {
        if !ctx.mistakes.is_at("/session/request") {
            ctx.mistakes
                .add("/session", "\"request\" is missing: the read that gives the session");
        }
        return None;
    };
    Some(Session {
        request: RequestTemplate::compile(request, "GET", "/session/request", ctx)?,
        headers,
        expired_statuses: raw.expired_statuses.clone().unwrap_or_else(|| vec![403]),
    })
}
