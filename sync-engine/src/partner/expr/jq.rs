//! jq through `jaq`, held to what ends: an allow-list of names, no definitions, a budget of steps, time and depth.

use super::budget::{budgeted, spend};
use super::check::check;
use super::reads::members;
use super::val::{Num, Val};
use super::{Scope, trace};
use crate::partner::json::Kind;
use jaq_core::load::{Arena, File, Loader};
use jaq_core::native::{Filter as Named, Fun, bome, run, unary, v};
use jaq_core::{Compiler, Ctx, Error, Filter, RunPtr, ValT, Vars, data, unwrap_valr};
use rust_decimal::Decimal;
use serde_json::Value;
use std::collections::BTreeSet;

type Data = data::JustLut<Val>;

/// Definitions of jq that would reach around the filters below, or need what is not there.
const REPLACED: &[&str] = &["join"];

/// Filters of jq that go through binary floating point.
const INEXACT: &[&str] = &["ceil", "floor", "round"];

/// Reading takes some stack frames a character at worst: this is enough for the longest expression, in a debug build too.
const READER_STACK_BYTES: usize = 128 * 1024 * 1024;

pub(super) struct Jq {
    filter: Filter<Data>,
    uses_root: bool,
    /// Members of `.` that it sees; `None` when it may see all of it.
    members: Option<BTreeSet<String>>,
}

impl std::fmt::Debug for Jq {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Jq")
    }
}

impl Jq {
    /// # Errors
    /// A sentence that says what is wrong with the expression.
    pub fn compile(source: &str) -> Result<Self, String> {
        let source = source.to_owned();
        let reader = std::thread::Builder::new()
            .name("expression".to_owned())
            .stack_size(READER_STACK_BYTES)
            .spawn(move || Self::read(&source))
            .map_err(|e| format!("no thread can be started to read the expression: {e}"))?;
        reader
            .join()
            .unwrap_or_else(|_| Err("the expression cannot be read".to_owned()))
    }

    fn read(source: &str) -> Result<Self, String> {
        let uses_root = check(source)?;
        let arena = Arena::default();
        let defs = jaq_core::defs()
            .chain(jaq_std::defs())
            .filter(|def| !REPLACED.contains(&def.name));
        let modules = Loader::new(defs)
            .load(&arena, File { code: source, path: () })
            .map_err(|_| format!("\"{source}\" is no jq expression"))?;
        let standard = jaq_core::funs::<Data>().chain(jaq_std::funs());
        let funs = standard.filter(|(name, ..)| !INEXACT.contains(name)).chain(own());
        let filter = Compiler::default()
            .with_funs(funs)
            .with_global_vars(["$root", "$index"])
            .compile(modules)
            .map_err(|errors| {
                let names: Vec<_> = errors
                    .iter()
                    .flat_map(|(_, list)| list.iter().map(|(name, _)| *name))
                    .collect();
                format!("\"{source}\" uses {} in a way that is not defined", names.join(", "))
            })?;
        Ok(Self {
            filter,
            uses_root,
            members: members(source),
        })
    }

    pub fn uses_root(&self) -> bool {
        self.uses_root
    }

    /// Members of `.` that it sees; `None` when it may see all of it.
    pub fn members(&self) -> Option<&BTreeSet<String>> {
        self.members.as_ref()
    }

    /// Every output, or a sentence that says why there is none.
    ///
    /// `whole`: outputs are used as they are; else other expressions look into them.
    pub fn run(&self, scope: &Scope<'_>, whole: bool) -> Result<Vec<Value>, String> {
        budgeted(|| {
            let root = if self.uses_root {
                Val::read(scope.root)
            } else {
                Val::Null
            };
            let this = match &self.members {
                // Where it is watched, places are told from the whole value.
                Some(names) if scope.this.kind() == Kind::Object && !trace::is_on() => {
                    Val::read_members(scope.this, names)
                }
                _ => Val::read(scope.this),
            };
            if trace::is_on() {
                trace::begin(&this, scope, &root);
            }
            let ctx = Ctx::<Data>::new(&self.filter.lut, Vars::new([root, Val::from(scope.index)]));
            let mut found = Vec::new();
            for output in self.filter.id.run((ctx, this)).map(unwrap_valr) {
                spend(1);
                let output = output.map_err(|e| crate::partner::map::values::short(&e.to_string()).into_owned())?;
                if whole && trace::is_on() {
                    trace::written(&output);
                }
                found.push(output.write());
            }
            Ok(found)
        })
    }
}

/// Filters of jq that depend on the kind of value.
fn own() -> impl Iterator<Item = Fun<Data>> {
    let filters: [Named<RunPtr<Data>>; 9] = [
        ("ceil", v(0), |cv| bome(rounded(&cv.1, |n| n.ceil()))),
        ("floor", v(0), |cv| bome(rounded(&cv.1, |n| n.floor()))),
        ("round", v(0), |cv| {
            let away = rust_decimal::RoundingStrategy::MidpointAwayFromZero;
            bome(rounded(&cv.1, move |n| n.round_dp_with_strategy(0, away)))
        }),
        ("length", v(0), |cv| bome(length(&cv.1))),
        ("tonumber", v(0), |cv| bome(number(cv.1))),
        ("tojson", v(0), |cv| {
            let text = cv.1.write().to_string();
            spend(text.len() as u64 / 16);
            bome(Ok(Val::text(&text)))
        }),
        ("has", v(1), |cv| {
            unary(cv, |value, key| Ok(Val::from(value.find(&key)?.is_some())))
        }),
        ("contains", v(1), |cv| {
            unary(cv, |value, part| Ok(Val::from(contains(&value, &part))))
        }),
        ("join", v(1), |cv| unary(cv, |list, between| join(&list, &between))),
    ];
    filters.into_iter().map(|filter| run::<Data>(filter))
}

fn rounded(value: &Val, round: impl Fn(Decimal) -> Decimal) -> Result<Val, Error<Val>> {
    match value {
        Val::Num(Num::Exact(n)) => Ok(Val::Num(Num::Exact(round(*n)))),
        other => Err(Error::str(format_args!("{} cannot be rounded", other.kind()))),
    }
}

fn length(value: &Val) -> Result<Val, Error<Val>> {
    Ok(match value {
        Val::Null => Val::from(0usize),
        Val::Str(text) => {
            spend(text.len() as u64 / 16);
            Val::from(text.chars().count())
        }
        Val::Arr(list) => Val::from(list.items.len()),
        Val::Obj(object) => Val::from(object.members.len()),
        other => return Err(Error::str(format_args!("{} has no length", other.kind()))),
    })
}

fn number(value: Val) -> Result<Val, Error<Val>> {
    match &value {
        Val::Num(_) => Ok(value),
        Val::Str(text) => crate::partner::map::values::decimal_of(text.trim())
            .map_err(Error::str)
            .and_then(|_| Val::from_num(text.trim())),
        other => Err(Error::str(format_args!("{} is no number", other.kind()))),
    }
}

fn contains(value: &Val, part: &Val) -> bool {
    spend(1);
    match (value, part) {
        (Val::Str(text), Val::Str(part)) => {
            spend(text.len() as u64 / 16);
            text.contains(&**part)
        }
        (Val::Arr(list), Val::Arr(parts)) => parts.items.iter().all(|p| list.items.iter().any(|v| contains(v, p))),
        (Val::Obj(object), Val::Obj(parts)) => parts
            .members
            .iter()
            .all(|(key, p)| object.members.get(key).is_some_and(|v| contains(v, p))),
        (value, part) => value == part,
    }
}

/// Texts and numbers of a list with a text between; nulls give nothing.
fn join(list: &Val, between: &Val) -> Result<Val, Error<Val>> {
    let (Val::Arr(list), Val::Str(between)) = (list, between) else {
        return Err(Error::str("join takes a list and a text"));
    };
    let mut text = String::new();
    for (n, item) in list.items.iter().enumerate() {
        if n > 0 {
            text.push_str(between);
        }
        spend(1 + text.len() as u64 / 1024);
        match item {
            Val::Null => {}
            Val::Str(part) => text.push_str(part),
            Val::Num(_) | Val::Bool(_) => text.push_str(&item.to_string()),
            Val::Arr(_) | Val::Obj(_) => {
                return Err(Error::str(format_args!(
                    "join takes texts and numbers, not {}",
                    item.kind()
                )));
            }
        }
    }
    Ok(Val::text(&text))
}
