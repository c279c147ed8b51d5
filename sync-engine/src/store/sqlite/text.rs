//! How the domain's types lie in columns: enums as their own words, ids and hashes as bytes, instants as milliseconds.

use crate::domain::chain::{Author, ChainState, VersionState};
use crate::domain::{
    Act, CompanyId, ContentHash, DeliveryState, DocumentId, DocumentKind, HeaderAnswer, OperationId, PartnerId,
    Purpose, Side, Timestamp, VersionNumber,
};
use crate::store::{BreakerState, ChangeKind, OperationKind, PayloadId, QuarantineState, StoreError};
use rusqlite::ToSql;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Everything that may stand in a column of the type.
pub trait Words {
    const WORDS: &'static [&'static str];
}

macro_rules! words {
    ($($type:ident: $($variant:ident)+;)+) => {$(
        impl Words for $type {
            const WORDS: &'static [&'static str] = &[$(stringify!($variant)),+];
        }

        impl ToSql for $type {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                Ok(ToSqlOutput::from(match self { $(Self::$variant => stringify!($variant),)+ }))
            }
        }

        impl FromSql for $type {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                match value.as_str()? {
                    $(stringify!($variant) => Ok(Self::$variant),)+
                    other => Err(FromSqlError::Other(
                        format!("\"{other}\" is not a {}", stringify!($type)).into(),
                    )),
                }
            }
        }
    )+};
}

words! {
    DocumentKind: Order DespatchAdvice;
    Side: Seller Buyer;
    Purpose: Original Change Cancellation Counter Final;
    Author: Us Partner;
    ChainState: Draft Issued Confirmed CounterOpen ChangePending CancelPending Cancelled Rejected Closed;
    VersionState: Draft Proposed Acknowledged Accepted Countered Rejected Superseded Withdrawn;
    HeaderAnswer: AB AP RE CA;
    Act: AB AP RE CA Issue Close;
    DeliveryState: Queued Sending Delivered Applied Retrying Unknown Held Dead Withdrawn;
    OperationKind: Confirm Reject Counter Acknowledge Receipt Submit Update Cancel Close Despatch;
    QuarantineState: Open Resolved Dismissed;
    BreakerState: Closed Open HalfOpen;
    ChangeKind: Document Operation Quarantine Partner Incident;
}

macro_rules! wrapped {
    ($($type:ident($inner:ty);)+) => {$(
        impl ToSql for $type {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                self.0.to_sql()
            }
        }

        impl FromSql for $type {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                <$inner>::column_result(value).map(Self)
            }
        }
    )+};
}

wrapped! {
    CompanyId(String);
    PartnerId(String);
    DocumentId(i64);
    VersionNumber(u32);
    Timestamp(i64);
    PayloadId(i64);
}

impl ToSql for OperationId {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Blob(self.0.as_bytes())))
    }
}

impl FromSql for OperationId {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        uuid::Uuid::from_slice(value.as_blob()?)
            .map(Self)
            .map_err(|e| FromSqlError::Other(Box::new(e)))
    }
}

impl ToSql for ContentHash {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Blob(&self.0)))
    }
}

impl FromSql for ContentHash {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        <[u8; 32]>::column_result(value).map(Self)
    }
}

/// A column that holds JSON text.
pub struct Json<T>(pub T);

impl<T: DeserializeOwned> FromSql for Json<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        serde_json::from_str(value.as_str()?)
            .map(Self)
            .map_err(|e| FromSqlError::Other(Box::new(e)))
    }
}

/// JSON text for a column.
///
/// # Errors
/// `Corrupt` when the value cannot be JSON, such as a map whose keys are not text.
pub fn json<T: Serialize + ?Sized>(value: &T) -> Result<String, StoreError> {
    let unwritable = |e: &dyn std::fmt::Display| StoreError::Corrupt(format!("not writable as JSON: {e}"));
    let mut text = Vec::with_capacity(128);
    serde_json::to_writer(&mut text, value).map_err(|e| unwritable(&e))?;
    String::from_utf8(text).map_err(|e| unwritable(&e))
}
