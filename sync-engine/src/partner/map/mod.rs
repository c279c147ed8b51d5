//! Mapping, both ways: a partner's document -> canonical, and our answers -> the partner's bodies.

pub(crate) mod codes;
pub(crate) mod common;
pub(crate) mod despatch;
mod fields;
pub(crate) mod order;
pub(crate) mod spec;
pub(crate) mod template;
pub(crate) mod values;

pub(crate) use codes::CodeTable;
pub(crate) use despatch::DespatchMap;
pub(crate) use order::OrderMap;
pub(crate) use spec::Compile;
pub(crate) use template::Template;

/// The map of a stream, by kind of document.
#[derive(Debug)]
pub(crate) enum DocumentMap {
    Order(Box<OrderMap>),
    Despatch(Box<DespatchMap>),
}

impl DocumentMap {
    pub fn head(&self) -> &common::HeadMap {
        match self {
            Self::Order(map) => &map.head,
            Self::Despatch(map) => &map.head,
        }
    }
}
