//! Faults end: everything that can be settled is, in time; and both sides say the same.

use crate::chance::Chance;
use crate::check;
use crate::kernel::START;
use crate::plan::{Kind, Mode};
use crate::world::World;
use std::collections::BTreeMap;
use sync_engine::domain::DocumentId;
use sync_engine::store::{DocumentQuery, DocumentView, Store};

/// A request there and back, a commit before and after: what a healthy partner takes.
const AT_ONCE: i64 = 1_000 + 500;
/// How long a request may be on its way.
const TIMEOUT_MILLIS: i64 = crate::network::TIMEOUT.as_millis() as i64;
/// How often a clerk looks after things in the end.
const LOOKS_AFTER: i64 = 20_000;

/// Every fault is over; engines that are down start by themselves.
pub fn calm(world: &mut World) {
    world.kernel.trace(|| "faults end".to_owned());
    if !world.is_calm {
        world.is_calm = true;
        world.calls.list_all(&mut world.network.lock());
        for server in &mut world.network.lock().servers {
            server.calm();
        }
        world.heal();
    }
    world.reload();
    // Someone resumes what was paused, and runs again what came in the wrong order.
    let Some(engine) = world.running().first().copied() else {
        return world.kernel.after(1_000, crate::kernel::Event::Calm);
    };
    for partner in 0..world.plan.partners.len() {
        let acts = [
            Kind::Pause {
                engine,
                partner,
                on: false,
            },
            Kind::Rerun { engine, partner },
        ];
        for (index, kind) in acts.into_iter().enumerate() {
            let chance = Chance::of(world.plan.seed, 77);
            world.clerk(engine, 10_000 + index, kind, chance);
        }
    }
    world.kernel.after(LOOKS_AFTER, crate::kernel::Event::Calm);
}

/// Twice the longest wait.
fn patience(world: &World) -> i64 {
    let pace = &world.plan.pace;
    let durable = pace.durable.last().copied().unwrap_or_default() * 6 / 5;
    let waits = [durable, pace.retry_after_cap, pace.breaker.probe_cap, pace.lease];
    let longest = waits.into_iter().max().unwrap_or_default();
    i64::try_from(longest.as_millis()).unwrap_or(i64::MAX / 2) * 2
}

/// Whether everything is through; broken when it is not in time.
pub fn is_over(world: &mut World) -> bool {
    let since = world.kernel.now() - world.plan.calm_at;
    // Someone has looked after things once more since the last list was read.
    if since < LOOKS_AFTER + 1_000 || (world.any_store().is_none() && since <= patience(world)) {
        return false;
    }
    let drained = world.checker.is_drained(&world.network.lock());
    match drained {
        Ok(true) => true,
        Ok(false) if since <= patience(world) => false,
        // What is refused for ever ends when its schedule does.
        Ok(false) if since <= patience(world) + give_up(world) && only_poison_waits(world) => false,
        Ok(false) => {
            let waiting = waiting(world);
            world
                .kernel
                .broken(|| format!("not drained {} s after the last fault: {waiting:#?}", since / 1_000));
            true
        }
        Err(error) => {
            world.kernel.broken(|| error);
            true
        }
    }
}

fn give_up(world: &World) -> i64 {
    i64::try_from(world.plan.pace.give_up_after.as_millis()).unwrap_or(0)
}

fn waiting(world: &World) -> Vec<check::Operation> {
    let rows = world.checker.operations().unwrap_or_default().into_iter();
    let is_waiting = |state: &str| matches!(state, "Queued" | "Sending" | "Retrying" | "Unknown");
    rows.filter(|o| is_waiting(&o.state) || (o.state == "Delivered" && o.due_at.is_some()))
        .collect()
}

fn only_poison_waits(world: &World) -> bool {
    let net = world.network.lock();
    waiting(world).iter().all(|operation| {
        let server = net.servers.iter().find(|s| s.id == operation.partner);
        let known = server.and_then(|s| s.orders.get(&operation.number));
        known.is_some_and(|known| known.poison.is_some())
    })
}

/// Looked at after every start, and at the end.
pub fn nothing_saved_is_lost(world: &World) {
    let operations = match world.checker.operations() {
        Ok(operations) => operations,
        Err(error) => return world.kernel.broken(|| error),
    };
    let states: BTreeMap<_, _> = operations.iter().map(|o| (o.own_id, o.state.as_str())).collect();
    for id in world.saved.keys() {
        if !states.contains_key(id) {
            world
                .kernel
                .broken(|| format!("operation {id} was called saved and is not there"));
        }
    }
    for id in world.withdrawn.keys() {
        if states.get(id) != Some(&"Withdrawn") {
            world
                .kernel
                .broken(|| format!("operation {id} was called withdrawn and is {:?}", states.get(id)));
        }
    }
    if let Err(error) = world.checker.received(&world.network.lock()) {
        world.kernel.broken(|| error);
    }
    for bytes in &world.calls.taken {
        match world.checker.is_kept(bytes) {
            Ok(true) => {}
            Ok(false) => world
                .kernel
                .broken(|| "a call was answered as taken, and its payload is not there".to_owned()),
            Err(error) => world.kernel.broken(|| error),
        }
    }
}

pub fn check(world: &mut World) {
    nothing_saved_is_lost(world);
    let checked = world
        .checker
        .is_whole()
        .and_then(|()| effects(world))
        .and_then(|()| order(world))
        .and_then(|()| views(world));
    if let Err(error) = checked {
        world.kernel.broken(|| error);
    }
}

/// What the ledger has is what each operation's state says.
fn effects(world: &World) -> Result<(), String> {
    let net = world.network.lock();
    for operation in world.checker.operations()? {
        let Some(server) = net.servers.iter().find(|s| s.id == operation.partner) else {
            continue;
        };
        let effects = server.effects_of(operation.id);
        let says = || {
            format!(
                "{effects} effects at a partner of mode {:?}: {operation:?}",
                server.plan.mode
            )
        };
        let consents = net.consents.get(&operation.id).copied().unwrap_or(0);
        let fits = match operation.state.as_str() {
            "Delivered" | "Applied" => effects >= 1,
            // A person decides what may have been applied; what is known not to have been is said to be dead.
            "Held" => true,
            // Its replay may have had the effect since.
            "Dead" | "Withdrawn" if operation.is_replayed => true,
            // These partners say so of what they have as well, to see whether it goes twice.
            "Dead" | "Withdrawn" if operation.is_said_to_be_lost() => effects <= 1,
            "Dead" | "Withdrawn" => effects == 0 || server.plan.mode == Mode::Blind,
            other => return Err(format!("{other} in the end: {operation:?}")),
        };
        if !fits || effects > 1 + consents {
            return Err(says());
        }
        // What had left before may arrive after: then a person knew that it may have been sent.
        let withdrawn = world.withdrawn.get(&operation.own_id);
        let late = server
            .ledger
            .iter()
            .find(|e| e.sent.operation == operation.id && withdrawn.is_some_and(|w| e.left_at > *w));
        if let Some(effect) = late {
            return Err(format!(
                "left at {} after it was withdrawn: {operation:?}",
                effect.left_at
            ));
        }
        if world.plan.quiet {
            at_once(world, &operation, server)?;
        }
    }
    Ok(())
}

/// Poison elsewhere delays nothing.
fn at_once(world: &World, operation: &check::Operation, server: &crate::partner::Server) -> Result<(), String> {
    let poisoned = server
        .orders
        .get(&operation.number)
        .is_some_and(|known| known.poison.is_some());
    // Its document was someone's business before: it waits for its turn.
    let alone = world
        .checker
        .operations()?
        .iter()
        .all(|o| o.own_id == operation.own_id || o.number != operation.number || o.partner != operation.partner);
    if poisoned || !alone || world.touched.contains_key(&operation.own_id) {
        return Ok(());
    }
    let saved = operation.created_at - START;
    let effect = server.ledger.iter().find(|e| e.sent.operation == operation.id);
    match effect {
        Some(effect) if effect.at - saved <= AT_ONCE => Ok(()),
        Some(effect) => Err(format!("took {} ms beside poison: {operation:?}", effect.at - saved)),
        None if operation.state == "Held" => Ok(()),
        None => Err(format!("never had its effect beside poison: {operation:?}")),
    }
}

/// Effects on a document came in the order in which the clerk acted, unless a person let one pass.
fn order(world: &World) -> Result<(), String> {
    let net = world.network.lock();
    let operations = world.checker.operations()?;
    for server in &net.servers {
        let mut last: BTreeMap<&str, i64> = BTreeMap::new();
        for effect in &server.ledger {
            let sent = &effect.sent;
            let Some(operation) = operations.iter().find(|o| o.id == sent.operation) else {
                return Err(format!("an effect of an operation that was never saved: {sent:?}"));
            };
            // Nobody waits longer for a request that is on its way: what the partner makes of it later, it does in an order
            // of its own.
            if effect.at - effect.left_at > TIMEOUT_MILLIS {
                continue;
            }
            let is_touched = |o: &check::Operation| o.id == sent.operation && world.touched.contains_key(&o.own_id);
            if operations.iter().any(is_touched) {
                continue;
            }
            let before = last.insert(&sent.number, operation.seq);
            if before.is_some_and(|before| before > operation.seq) {
                return Err(format!("{} was overtaken by a later act: {operation:?}", sent.number));
            }
        }
    }
    Ok(())
}

/// The audit holds, every chain is one that the rules lead to, and the partner says the same.
fn views(world: &World) -> Result<(), String> {
    let Some(store) = world.any_store() else {
        return Err("no engine runs in the end".to_owned());
    };
    let audit = store.verify_audit().map_err(|e| e.to_string())?;
    if let Some(broken) = audit.broken_at {
        return Err(format!("the audit chain breaks at {broken}"));
    }
    let query = DocumentQuery {
        company: crate::host::company(),
        view: DocumentView::All,
        partner: None,
        kind: None,
        state: None,
        doubtful: false,
        search: None,
        cursor: None,
        limit: 500,
    };
    let net = world.network.lock();
    let rows = store.list_documents(&query).map_err(|e| e.to_string())?;
    let operations = world.checker.operations()?;
    for row in &rows.items {
        let chain = chain_of(store.as_ref(), row.id)?;
        check::chain(&chain)?;
        let partner = net.servers.iter().position(|s| s.id == row.partner.0).unwrap_or(0);
        // A person decides first about what is held, and may not know of what was said to be dead.
        let is_open = |o: &check::Operation| o.partner == row.partner.0 && o.number == row.number && o.state == "Held";
        if !operations.iter().any(is_open) {
            check::agrees(&chain, &net, partner, &row.number)?;
        }
    }
    let theirs: usize = net.servers.iter().map(|s| s.orders.len()).sum();
    let have = |prefix: &str| rows.items.iter().filter(|row| row.number.starts_with(prefix)).count();
    if theirs != have("PO-") {
        return Err(format!("the partners have {theirs} orders, we have {}", have("PO-")));
    }
    let notes: usize = net.servers.iter().map(|s| s.theirs.notes).sum();
    if notes != have("DN-") {
        return Err(format!(
            "the partners sent {notes} delivery notes, we have {}",
            have("DN-")
        ));
    }
    Ok(())
}

fn chain_of(store: &impl Store, id: DocumentId) -> Result<sync_engine::domain::Chain, String> {
    let chain = store.chain(id).map_err(|e| e.to_string())?;
    chain.ok_or_else(|| format!("document {id} has no chain"))
}
