//! Typed forms of `Store::submit` and of blocking reads.

use super::{Lane, Store, StoreError, StoreTx};
use std::sync::Arc;
use tokio::runtime::{Handle, RuntimeFlavor};

/// What callers use in place of the erased `Store::submit`. Implemented for `Arc<dyn Store>` and `Arc<SqliteStore>`.
pub trait StoreExt {
    /// The store behind the pointer.
    type Target: Store + ?Sized;

    /// Runs one unit of work on the writer and resolves after its durable commit, or its rollback.
    /// The unit is in the queue when this returns, polled or not.
    fn write<T, F>(&self, lane: Lane, work: F) -> impl Future<Output = Result<T, StoreError>> + Send + 'static
    where
        T: Send + 'static,
        F: FnOnce(&mut dyn StoreTx) -> Result<T, StoreError> + Send + 'static;

    /// Runs reads on a thread that may block; on this one where the store is hosted.
    fn read<T, F>(&self, work: F) -> impl Future<Output = Result<T, StoreError>> + Send + 'static
    where
        T: Send + 'static,
        F: FnOnce(&Self::Target) -> Result<T, StoreError> + Send + 'static;

    /// As `read`, on this very thread where the runtime has another one to go on with: for what a person waits for, whose
    /// reads are shorter than two changes of threads.
    fn read_in_place<T, F>(&self, work: F) -> impl Future<Output = Result<T, StoreError>> + Send + 'static
    where
        T: Send + 'static,
        F: FnOnce(&Self::Target) -> Result<T, StoreError> + Send + 'static;
}

impl<S: Store + ?Sized> StoreExt for Arc<S> {
    type Target = S;

    fn write<T, F>(&self, lane: Lane, work: F) -> impl Future<Output = Result<T, StoreError>> + Send + 'static
    where
        T: Send + 'static,
        F: FnOnce(&mut dyn StoreTx) -> Result<T, StoreError> + Send + 'static,
    {
        let committed = self.submit(lane, Box::new(move |tx| work(tx).map(|value| Box::new(value) as _)));
        async move {
            let value = committed.await?;
            value
                .downcast::<T>()
                .map(|value| *value)
                .map_err(|_| StoreError::Corrupt("the writer answered with another unit's value".to_owned()))
        }
    }

    fn read<T, F>(&self, work: F) -> impl Future<Output = Result<T, StoreError>> + Send + 'static
    where
        T: Send + 'static,
        F: FnOnce(&Self::Target) -> Result<T, StoreError> + Send + 'static,
    {
        let store = Arc::clone(self);
        async move {
            if store.is_hosted() {
                return work(&store);
            }
            match tokio::task::spawn_blocking(move || work(&store)).await {
                Ok(result) => result,
                Err(error) => Err(StoreError::Panicked(error.to_string())),
            }
        }
    }

    fn read_in_place<T, F>(&self, work: F) -> impl Future<Output = Result<T, StoreError>> + Send + 'static
    where
        T: Send + 'static,
        F: FnOnce(&Self::Target) -> Result<T, StoreError> + Send + 'static,
    {
        let store = Arc::clone(self);
        async move {
            if store.is_hosted() || Handle::current().runtime_flavor() != RuntimeFlavor::MultiThread {
                return store.read(work).await;
            }
            let work = std::panic::AssertUnwindSafe(|| work(&store));
            match tokio::task::block_in_place(|| std::panic::catch_unwind(work)) {
                Ok(result) => result,
                Err(_) => Err(StoreError::Panicked("a read in place".to_owned())),
            }
        }
    }
}
