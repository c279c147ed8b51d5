//! Rows and queries of the store.

mod archive;
mod document;
mod error;
mod examination;
mod operation;
mod quarantine;
mod state;

pub use archive::*;
pub use document::*;
pub use error::{StoreError, panic_text};
pub use examination::*;
pub use operation::*;
pub use quarantine::*;
pub use state::*;

use serde::Serialize;
use utoipa::ToSchema;

/// A page of rows with the cursor of the next one. Opaque text; `None` on the last page.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Page<T> {
    pub items: Vec<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}
