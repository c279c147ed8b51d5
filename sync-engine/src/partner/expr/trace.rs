//! What the expressions of one run read, and which rows of code tables they used: for `partner try`. Off it costs the
//! look at one flag an evaluation.

use super::Scope;
use super::val::Val;
use crate::partner::config::mistakes::child;
use serde_json::Value;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashMap};

/// What was read of a payload.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    /// JSON pointers of values that were read.
    pub read: BTreeSet<String>,
    /// Names of fields that were read somewhere below a place whose own way is not known: an element that jq made.
    pub loose: BTreeSet<(String, Vec<String>)>,
    pub codes: Vec<CodeUse>,
}

/// One look into a code table. `found` is `None` for a code that is in no row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CodeUse {
    pub table: String,
    /// From ours to the partner's.
    pub outgoing: bool,
    pub code: String,
    pub found: Option<String>,
}

thread_local! {
    static ON: Cell<bool> = const { Cell::new(false) };
    static TRACE: RefCell<Trace> = RefCell::default();
    /// Containers of a jq evaluation by their address, with their place in the payload.
    static PLACES: RefCell<HashMap<usize, String>> = RefCell::default();
    /// Where the element that jq made came from, while one is looked into.
    static BASE: RefCell<String> = RefCell::default();
}

/// Starts the places below an element that jq made: no JSON pointer does.
const MADE: char = '\u{0}';

/// Runs `work`, which must not await, and says what it read.
pub(crate) fn traced<T>(work: impl FnOnce() -> T) -> (T, Trace) {
    ON.set(true);
    TRACE.take();
    let result = work();
    ON.set(false);
    (result, TRACE.take())
}

pub(crate) fn is_on() -> bool {
    ON.get()
}

pub(crate) fn code_used(table: &str, outgoing: bool, code: &str, found: Option<&str>) {
    if is_on() {
        let used = CodeUse {
            table: table.to_owned(),
            outgoing,
            code: code.to_owned(),
            found: found.map(str::to_owned),
        };
        TRACE.with_borrow_mut(|trace| trace.codes.push(used));
    }
}

/// A plain path gave `value` at `pointer`. An object is only passed through: its fields are read by others.
pub(super) fn value_read(scope: &Scope<'_>, pointer: String, names: Option<Vec<String>>, value: &Value) {
    if let (Some(base), Some(names)) = (scope.loose_base(), names) {
        TRACE.with_borrow_mut(|trace| trace.loose.insert((base, names)));
        return;
    }
    match value {
        Value::Object(_) => {}
        Value::Array(list) => {
            for (n, value) in list.iter().enumerate().filter(|(_, v)| !v.is_object()) {
                value_read(scope, child(&pointer, n), None, value);
            }
        }
        _ => {
            TRACE.with_borrow_mut(|trace| trace.read.insert(pointer));
        }
    }
}

/// Begins a jq evaluation: where its containers are in the payload.
pub(super) fn begin(this: &Val, scope: &Scope<'_>, root: &Val) {
    let at = match scope.loose_base() {
        Some(base) => {
            BASE.replace(base);
            MADE.to_string()
        }
        None => scope.pointer(),
    };
    PLACES.with_borrow_mut(|places| {
        places.clear();
        place(root, String::new(), places);
        place(this, at, places);
    });
}

fn place(value: &Val, at: String, places: &mut HashMap<usize, String>) {
    match value {
        Val::Arr(list) => {
            for (n, item) in list.items.iter().enumerate() {
                place(item, child(&at, n), places);
            }
        }
        Val::Obj(object) => {
            for (name, member) in &object.members {
                place(member, child(&at, name), places);
            }
        }
        Val::Null | Val::Bool(_) | Val::Num(_) | Val::Str(_) => return,
    }
    if let Some(address) = value.address() {
        places.insert(address, at);
    }
}

/// jq took a child of a container.
pub(super) fn child_read(container: &Val, key: impl std::fmt::Display, value: &Val) {
    if value.address().is_some() {
        return;
    }
    let Some(address) = container.address() else { return };
    let Some(at) = PLACES.with_borrow(|places| places.get(&address).cloned()) else {
        return;
    };
    TRACE.with_borrow_mut(|trace| {
        if at.starts_with(MADE) {
            trace
                .loose
                .insert((BASE.with_borrow(String::clone), vec![key.to_string()]));
        } else {
            trace.read.insert(child(&at, key));
        }
    });
}

/// A value that jq gave is used as a whole.
pub(super) fn written(value: &Val) {
    match value {
        Val::Arr(list) => {
            for (n, item) in list.items.iter().enumerate() {
                child_read(value, n, item);
                written(item);
            }
        }
        Val::Obj(object) => {
            for (name, member) in &object.members {
                child_read(value, name, member);
                written(member);
            }
        }
        Val::Null | Val::Bool(_) | Val::Num(_) | Val::Str(_) => {}
    }
}
