//! Identifiers. Each is its own type, so that none can stand in for another.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The company of this installation that owns a row: a short slug such as `main`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct CompanyId(pub String);

/// A trading partner: the `id` of its configuration, a slug such as `amazon-vendor`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct PartnerId(pub String);

/// A document (one chain of versions) in the local store. Positive; below 2^53, so exact in JavaScript.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct DocumentId(pub i64);

/// Number of a version in its chain, counted from 1 in the order of arrival. Never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct VersionNumber(pub u32);

/// An operation towards a partner: a UUIDv7, sent as the idempotency key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct OperationId(pub uuid::Uuid);

macro_rules! display_inner {
    ($($name:ident),*) => {$(
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}
display_inner!(CompanyId, PartnerId, DocumentId, VersionNumber, OperationId);
