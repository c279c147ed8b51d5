//! XML payloads, read into JSON so that everything else is the same for both, and bodies written back by the same rules:
//! an element is an object with its attributes as `@name`, its text as `#text` and its elements by their local names;
//! an element that has a text alone is that text, an empty one null; what is repeated is a list.

mod read;
mod split;
mod write;

pub(crate) use read::{XmlError, read};
pub(crate) use split::split;
pub(crate) use write::write;

use std::collections::BTreeSet;

/// The text of an element that has attributes or elements too.
pub(crate) const TEXT: &str = "#text";
/// The name of the document's outermost element.
pub(crate) const NAME: &str = "#name";
/// Elements in the order in which they stand, in what is written.
pub(crate) const CHILDREN: &str = "#";

/// How a partner's XML is read.
#[derive(Debug, Clone, Default)]
pub(crate) struct XmlReading {
    /// Local names of elements that are always lists, however often they stand.
    pub lists: BTreeSet<String>,
}

/// A name without the prefix of its namespace.
fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

#[cfg(test)]
mod tests;
