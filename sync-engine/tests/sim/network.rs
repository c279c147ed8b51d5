//! The way between engines and partners: requests take their time, get lost, come back broken.

use crate::chance::Chance;
use crate::kernel::{Event, Kernel, Slot};
use crate::partner::{Listed, Sent, Server, Stream};
use crate::plan::{Fault, Mode, Plan};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::Duration;
use uuid::Uuid;

/// A request ends after so long without an answer.
pub const TIMEOUT: Duration = Duration::from_secs(60);

#[derive(Debug, Clone)]
pub enum Asked {
    Send(Sent),
    Look(Uuid),
    /// What an order is at.
    Read(String),
    /// The rest of what a call named.
    Complete,
    Fetch {
        stream: Stream,
        from: usize,
        page: usize,
    },
}

#[derive(Debug, Clone)]
pub enum Reply {
    /// Never reached the partner.
    Unreachable,
    /// The connection broke after the request left.
    Broken,
    Status(u16, Option<u32>),
    /// `None`: not seen.
    Looked(Option<bool>),
    Read(Option<i64>),
    Complete,
    Page(PageReply),
}

#[derive(Debug, Clone)]
pub struct PageReply {
    pub items: Vec<Listed>,
    pub end: usize,
    pub has_more: bool,
    pub fault: Option<Fault>,
}

struct Request {
    partner: usize,
    asked: Asked,
    fault: Option<Fault>,
    left_at: i64,
    back: i64,
    reply: Option<Reply>,
    slot: Weak<Slot<Reply>>,
}

/// Requests of one engine about one document that have not come back to it.
type Flying = BTreeMap<(usize, u32, usize, String), u32>;

pub struct Net {
    pub servers: Vec<Server>,
    requests: BTreeMap<u64, Request>,
    next: u64,
    flying: Flying,
    /// The first body of each request, by its key.
    pub bodies: BTreeMap<Uuid, Vec<u8>>,
    /// Consents of a clerk to send once more what may have arrived.
    pub consents: BTreeMap<Uuid, usize>,
    /// Bodies of requests that left since the store was last looked at.
    pub left: Vec<(Uuid, Vec<u8>)>,
}

pub struct Network {
    pub kernel: Arc<Kernel>,
    net: Mutex<Net>,
}

impl Network {
    pub fn new(kernel: &Arc<Kernel>, plan: &Plan) -> Arc<Self> {
        let servers = plan.partners.iter().enumerate();
        let servers =
            servers.map(|(i, p)| Server::new(i, p.clone(), plan.plant, Chance::of(plan.seed, 1_000 + i as u64)));
        Arc::new(Self {
            kernel: Arc::clone(kernel),
            net: Mutex::new(Net {
                servers: servers.collect(),
                requests: BTreeMap::new(),
                next: 0,
                flying: BTreeMap::new(),
                bodies: BTreeMap::new(),
                consents: BTreeMap::new(),
                left: Vec::new(),
            }),
        })
    }

    pub fn lock(&self) -> MutexGuard<'_, Net> {
        self.net.lock().expect("one thread")
    }

    /// Sends a request; the slot is filled when something comes back.
    pub fn ask(&self, partner: usize, from: (usize, u32), asked: Asked) -> Arc<Slot<Reply>> {
        let slot = Slot::new();
        let now = self.kernel.now();
        let mut net = self.lock();
        let server = &mut net.servers[partner];
        let (is_fetch, is_send) = (matches!(asked, Asked::Fetch { .. }), matches!(asked, Asked::Send(_)));
        let fault = server.fault(now, is_fetch, is_send);
        let draw = |server: &mut Server, low, high| i64::try_from(server.chance.between(low, high)).unwrap_or(0);
        let (there, back) = (draw(server, 10, 150), draw(server, 10, 150));
        // What can be asked about is decided within a request's time, or the answer would mean nothing.
        let slowest = if server.plan.mode == Mode::Look {
            50_000
        } else {
            150_000
        };
        let work = match fault {
            Some(Fault::Slow) => draw(server, 1_000, slowest),
            _ => draw(server, 0, 40),
        };
        net.next += 1;
        let id = net.next;
        self.kernel
            .trace(|| format!("e{}.{} asks p{partner} #{id} {asked:?} {fault:?}", from.0, from.1));
        let reply = match fault {
            Some(Fault::Connect) => Some(Reply::Unreachable),
            Some(Fault::Status(status, wait)) => Some(Reply::Status(status, wait)),
            _ => None,
        };
        match (&reply, fault) {
            (Some(_), _) => self.kernel.after(there + back, Event::Reply(id)),
            (None, Some(Fault::LoseRequest)) => return slot,
            (None, _) => self.kernel.after(there + work, Event::Arrive(id)),
        }
        net.requests.insert(
            id,
            Request {
                partner,
                asked,
                fault,
                left_at: now,
                back,
                reply,
                slot: Arc::downgrade(&slot),
            },
        );
        slot
    }

    /// A request reaches its partner.
    pub fn arrive(&self, id: u64) {
        let now = self.kernel.now();
        let mut net = self.lock();
        let net = &mut *net;
        let Some(request) = net.requests.get_mut(&id) else {
            return;
        };
        let server = &mut net.servers[request.partner];
        let reply = match &request.asked {
            Asked::Send(sent) => {
                let (operation, mode) = (sent.operation, server.plan.mode);
                let sent = sent.clone();
                let status = server.take(sent.clone(), request.left_at, now);
                let effects = server.effects_of_step(&sent);
                let consents = net.consents.get(&operation).copied().unwrap_or(0);
                let allowed = if mode == Mode::Blind { 1 + consents } else { 1 };
                if effects > allowed {
                    self.kernel.broken(|| {
                        format!("operation {operation} had {effects} effects at a partner of mode {mode:?}")
                    });
                }
                Reply::Status(status, None)
            }
            Asked::Look(key) => Reply::Looked(server.look(*key, now)),
            Asked::Read(number) => Reply::Read(server.orders.get(number).map(|known| known.latest.sequence)),
            Asked::Complete => Reply::Complete,
            Asked::Fetch { stream, from, page } => {
                Reply::Page(fetched(&server.lists[*stream as usize], *from, *page, request.fault))
            }
        };
        let reply = match request.fault {
            Some(Fault::LateStatus(status)) => Reply::Status(status, None),
            Some(Fault::LoseAnswer) if id.is_multiple_of(2) => {
                net.requests.remove(&id);
                return;
            }
            Some(Fault::LoseAnswer) => Reply::Broken,
            _ => reply,
        };
        self.kernel.trace(|| format!("#{id} arrives"));
        self.kernel.after(request.back, Event::Reply(id));
        request.reply = Some(reply);
    }

    /// An answer reaches the engine, if that still waits for it.
    pub fn reply(&self, id: u64) {
        let Some(request) = self.lock().requests.remove(&id) else {
            return;
        };
        self.kernel.trace(|| format!("#{id} is answered"));
        if let (Some(slot), Some(reply)) = (request.slot.upgrade(), request.reply) {
            slot.fill(reply);
        }
    }

    /// From the first byte of a request to its end at the engine.
    pub fn fly(self: &Arc<Self>, from: (usize, u32), partner: usize, sent: &Sent, body: &[u8]) -> Flight {
        let key = (from.0, from.1, partner, sent.number.clone());
        let mut net = self.lock();
        let flying = net.flying.entry(key.clone()).or_default();
        *flying += 1;
        if *flying > 1 {
            self.kernel
                .broken(|| format!("engine {} has two requests about {} in flight", from.0, sent.number));
        }
        let first = net.bodies.entry(sent.key).or_insert_with(|| body.to_vec());
        if first != body {
            self.kernel
                .broken(|| format!("operation {} is sent with another body than first", sent.operation));
        }
        net.left.push((sent.operation, body.to_vec()));
        Flight {
            network: Arc::clone(self),
            key,
        }
    }
}

fn fetched(listed: &[Listed], from: usize, page: usize, fault: Option<Fault>) -> PageReply {
    let end = (from + page).min(listed.len());
    let start = match fault {
        Some(Fault::Again) => from.saturating_sub(3),
        _ => from.min(end),
    };
    let mut items = listed[start..end].to_vec();
    match fault {
        Some(Fault::Backwards) => items.reverse(),
        Some(Fault::Partly) => drop(items.pop()),
        _ => {}
    }
    PageReply {
        items,
        end,
        has_more: end < listed.len(),
        fault,
    }
}

/// A request under way; dropped when the engine has its end, or is dead.
pub struct Flight {
    network: Arc<Network>,
    key: (usize, u32, usize, String),
}

impl Drop for Flight {
    fn drop(&mut self) {
        if let Some(flying) = self.network.lock().flying.get_mut(&self.key) {
            *flying = flying.saturating_sub(1);
        }
    }
}
