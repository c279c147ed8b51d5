//! The pages of a run on their way into the store: chunk behind chunk in the writer's queue, so that it never waits at
//! the end of a page.
//!
//! Each chunk is a step under the run's lease and is written only behind the one before it. What fails or is rolled back
//! stops those behind it, wherever they are, until it is put right: a watermark never passes over anything.

use super::Exchange;
use super::intake::{Arrival, Source, Wrong};
use super::pace::millis;
use super::pages::{self, Lease, ReadPage, chunks, speaks_of_a_payload, store_chunk, unstorable};
use super::poll::SyncReport;
use crate::store::{Lane, StoreError, StoreExt};
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;

/// Pages of one run in the writer's queue.
const PAGES_WAITING: usize = 6;

/// `None`: the step before it is not written, so nothing was done.
type Written = Result<Option<SyncReport>, StoreError>;
type Answer = Pin<Box<dyn Future<Output = Written> + Send>>;

/// What goes with the last chunk of a page.
pub struct PageEnd {
    watermark: Option<Arc<str>>,
    /// What names the page's items to the partner once they are stored.
    keys: Vec<serde_json::Value>,
    /// Its place in memory, free again when it is stored.
    _room: Option<OwnedSemaphorePermit>,
}

struct Step {
    number: i64,
    chunk: Arc<Vec<Arrival>>,
    end: Option<PageEnd>,
    answer: Answer,
}

/// The steps of a run that are not known to be stored, oldest first.
pub struct Line<'r> {
    pub exchange: &'r Exchange,
    pub source: &'r Arc<Source>,
    pub lease: &'r Lease,
    /// The last step under the lease that was queued.
    pub steps: &'r mut i64,
    waiting: VecDeque<Step>,
}

impl<'r> Line<'r> {
    pub fn new(exchange: &'r Exchange, source: &'r Arc<Source>, lease: &'r Lease, steps: &'r mut i64) -> Self {
        Self {
            exchange,
            source,
            lease,
            steps,
            waiting: VecDeque::new(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub fn has_room(&self) -> bool {
        self.waiting.iter().filter(|step| step.end.is_some()).count() < PAGES_WAITING
    }

    /// Puts a page in the writer's queue, behind those that are there.
    pub fn put(&mut self, page: ReadPage, room: Option<OwnedSemaphorePermit>) {
        let mut chunks = chunks(page.arrivals, |arrival| arrival.raw.bytes.len());
        let last = chunks.pop().unwrap_or_default();
        for chunk in chunks {
            self.push(chunk, None);
        }
        let end = PageEnd {
            watermark: page.watermark.map(Arc::from),
            keys: page.keys,
            _room: room,
        };
        self.push(last, Some(end));
    }

    fn push(&mut self, chunk: Vec<Arrival>, end: Option<PageEnd>) {
        *self.steps += 1;
        let (number, chunk) = (*self.steps, Arc::new(chunk));
        let answer = self.submit(number, &chunk, end.as_ref());
        self.waiting.push_back(Step {
            number,
            chunk,
            end,
            answer,
        });
    }

    /// Puts one chunk in the writer's queue; with the page's end, the watermark too.
    fn submit(&self, number: i64, chunk: &Arc<Vec<Arrival>>, end: Option<&PageEnd>) -> Answer {
        let now = self.exchange.clock.now();
        let until = now.plus_millis(millis(self.exchange.pace.lease));
        let (source, lease, chunk) = (Arc::clone(self.source), self.lease.clone(), Arc::clone(chunk));
        let end = end.map(|end| end.watermark.clone());
        Box::pin(self.exchange.store.write(Lane::Bulk, move |tx| {
            if !tx.take_step(&lease.name, lease.epoch, number)? {
                return Ok(None);
            }
            let mut report = store_chunk(tx, &source, &chunk, now)?;
            report.received = u32::try_from(chunk.len()).unwrap_or(u32::MAX);
            if let Some(watermark) = end {
                report.pages = 1;
                tx.extend_lease(&lease.name, lease.epoch, until)?;
                if let Some(watermark) = watermark {
                    tx.set_watermark(&source.company, &source.partner, &source.stream.name, &watermark)?;
                }
            }
            Ok(Some(report))
        }))
    }

    /// Waits for the oldest step. May be dropped and called again.
    pub async fn answered(&mut self) -> Written {
        match self.waiting.front_mut() {
            Some(step) => step.answer.as_mut().await,
            None => std::future::pending().await,
        }
    }

    /// Takes the oldest step out, whose answer this is, and puts it right when one of its payloads cannot be stored.
    /// Gives what it brought, and the keys of the page that it ends.
    ///
    /// # Errors
    /// The store's own. What is wrong with a payload puts that one aside, and nothing else.
    pub async fn settle(&mut self, written: Written) -> Result<(SyncReport, Vec<serde_json::Value>), StoreError> {
        let Some(mut step) = self.waiting.pop_front() else {
            return Ok((SyncReport::default(), Vec::new()));
        };
        let report = match written {
            Ok(Some(report)) => report,
            Err(error) if speaks_of_a_payload(&error) && !step.chunk.is_empty() => {
                self.put_right(&mut step, &error).await?
            }
            Err(error) => return Err(error),
            // The step before it is known to be stored, so somebody else counts steps under our lease.
            Ok(None) => return Err(StoreError::LeaseLost),
        };
        Ok((report, step.end.map(|end| end.keys).unwrap_or_default()))
    }

    /// Stores a chunk that failed one by one, takes its step, and queues those behind it again.
    async fn put_right(&mut self, step: &mut Step, cause: &StoreError) -> Result<SyncReport, StoreError> {
        // None of these did anything, but they have to be out of the queue before the step is taken.
        for behind in &mut self.waiting {
            match behind.answer.as_mut().await {
                Ok(None) => {}
                Err(error) if speaks_of_a_payload(&error) => {}
                Err(error) => return Err(error),
                Ok(Some(_)) => return Err(StoreError::LeaseLost),
            }
        }
        let mut report = self.one_by_one(&step.chunk, cause).await?;
        let rest = self.submit(step.number, &Arc::default(), step.end.as_ref()).await?;
        report.add(&rest.ok_or(StoreError::LeaseLost)?);
        for at in 0..self.waiting.len() {
            let behind = &self.waiting[at];
            let answer = self.submit(behind.number, &behind.chunk, behind.end.as_ref());
            self.waiting[at].answer = answer;
        }
        Ok(report)
    }

    /// Each payload in a transaction of its own; what fails again goes to quarantine.
    async fn one_by_one(&mut self, chunk: &Arc<Vec<Arrival>>, cause: &StoreError) -> Result<SyncReport, StoreError> {
        tracing::error!(
            partner = %self.source.partner, stream = self.source.stream.name, error = %cause,
            "a chunk is stored one by one"
        );
        let mut report = SyncReport {
            received: u32::try_from(chunk.len()).unwrap_or(u32::MAX),
            ..SyncReport::default()
        };
        for index in 0..chunk.len() {
            match self.store_at(chunk, index, None).await {
                Err(error) if speaks_of_a_payload(&error) => {
                    let wrong = unstorable(&error);
                    report.add(&self.store_at(chunk, index, Some(wrong)).await?);
                }
                stored => report.add(&stored?),
            }
        }
        Ok(report)
    }

    /// One payload of a chunk: taken in, or put aside as `wrong`.
    async fn store_at(
        &mut self,
        chunk: &Arc<Vec<Arrival>>,
        index: usize,
        wrong: Option<Wrong>,
    ) -> Result<SyncReport, StoreError> {
        let now = self.exchange.clock.now();
        let (source, lease, chunk) = (Arc::clone(self.source), self.lease.clone(), Arc::clone(chunk));
        let stored = self.exchange.store.write(Lane::Bulk, move |tx| {
            tx.check_lease(&lease.name, lease.epoch)?;
            let mut report = SyncReport::default();
            match (chunk.get(index), wrong) {
                (None, _) => {}
                (Some(arrival), None) => report = store_chunk(tx, &source, std::slice::from_ref(arrival), now)?,
                (Some(arrival), Some(wrong)) => {
                    pages::put_aside(tx, &source, arrival, &wrong, now)?;
                    report.quarantined = 1;
                }
            }
            Ok(report)
        });
        stored.await
    }
}
