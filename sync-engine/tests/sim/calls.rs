//! Versions that come by a call of the partner: what is answered as taken is in no list, and is kept all the same.

use crate::clerk::{Book, Told};
use crate::network::Net;
use crate::partner::{Listed, Stream};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Arc;
use sync_engine::engine::{Call, Engine};

/// A call that has no answer yet.
struct Under {
    engine: usize,
    partner: usize,
    bytes: Bytes,
}

#[derive(Default)]
pub struct Calls {
    /// By act.
    under_way: BTreeMap<usize, Under>,
    pub taken: Vec<Bytes>,
}

impl Calls {
    pub fn add(&mut self, act: usize, engine: usize, partner: usize, bytes: Bytes) {
        let call = Under { engine, partner, bytes };
        self.under_way.insert(act, call);
    }

    /// What was not taken comes by the list.
    pub fn answered(&mut self, act: usize, is_taken: bool, net: &mut Net) {
        match self.under_way.remove(&act) {
            Some(call) if is_taken => self.taken.push(call.bytes),
            Some(call) => list(&call, net),
            None => {}
        }
    }

    /// Nobody answers any more on that engine.
    pub fn broke_off(&mut self, engine: usize, net: &mut Net) {
        let acts: Vec<usize> = self
            .under_way
            .iter()
            .filter(|(_, c)| c.engine == engine)
            .map(|(a, _)| *a)
            .collect();
        for act in acts {
            self.answered(act, false, net);
        }
    }

    /// The partner gives up on those that have no answer; they may be stored twice.
    pub fn list_all(&mut self, net: &mut Net) {
        for call in std::mem::take(&mut self.under_way).into_values() {
            list(&call, net);
        }
    }
}

fn list(call: &Under, net: &mut Net) {
    let bytes = call.bytes.clone();
    net.servers[call.partner].lists[Stream::Orders as usize].push(Listed { bytes });
}

/// Calls an engine; its answer is told.
pub fn call(engine: &Engine, act: usize, partner: usize, body: Bytes, book: &Book) -> impl Future<Output = ()> + use<> {
    let (engine, book) = (engine.clone(), Arc::clone(book));
    async move {
        let name = format!("p{partner}");
        let call = Call {
            partner: &name,
            stream: Stream::Orders.name(),
            headers: &[],
            path: "/",
            body: &body,
        };
        let taken = engine.take_call(&call).await.is_ok();
        book.lock().expect("one thread").push((act, Told::Called(taken)));
    }
}
