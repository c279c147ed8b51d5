//! JSON text as a flat list of its values, which names places in the text and copies nothing: one allocation for a whole
//! document, where a tree of `Value` takes one or two a member.

use super::lex::{self, MAX_DEPTH};
use crate::partner::scan::{MAX_NUMBER_BYTES, MAX_VALUES, ScanLimits};
use serde_json::{Map, Number, Value};

/// Of names that mean something to serde_json itself.
const PRIVATE: &[u8] = b"$serde_json";
/// Integers of fewer digits always fit.
const SHORT_INTEGER_BYTES: usize = 18;
/// Members of one object: they are looked through one by one.
const MAX_MEMBERS: u32 = 256;
/// About what a value takes in the text, with its name and signs.
const BYTES_OF_VALUE: usize = 14;

/// A document. Its first value is the whole of it; the values within one stand right behind it.
#[derive(Debug)]
pub(crate) struct Tape<'t> {
    text: &'t str,
    /// Texts and names in which something was escaped.
    unescaped: String,
    values: Vec<Entry>,
}

/// A piece of the text, or of the texts without their escapes.
#[derive(Debug, Clone, Copy)]
struct Piece {
    start: u32,
    end: u32,
    unescaped: bool,
}

const NOTHING: Piece = Piece {
    start: 0,
    end: 0,
    unescaped: false,
};

#[derive(Debug, Clone, Copy)]
struct Entry {
    name: Piece,
    /// Of a number or a text.
    piece: Piece,
    shape: Shape,
    /// Behind all that is within.
    next: u32,
    /// Values directly within.
    count: u32,
}

/// What a value is, without what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Null,
    True,
    False,
    Number,
    Text,
    List,
    Object,
}

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind<'s> {
    Null,
    Bool(bool),
    /// As it is written.
    Number(&'s str),
    Text(&'s str),
    List,
    Object,
}

impl<'t> Tape<'t> {
    /// `None` for what is wrong, over a limit or uncommon: an exponent, a name twice in an object, very many members.
    pub fn read(text: &'t str, limits: ScanLimits) -> Option<Self> {
        let mut reader = Reader {
            bytes: text.as_bytes(),
            at: 0,
            limits,
            tape: Self {
                text,
                unescaped: String::new(),
                values: Vec::with_capacity(text.len() / BYTES_OF_VALUE + 8),
            },
        };
        // Every place in it can be said.
        u32::try_from(text.len()).ok()?;
        reader.value(NOTHING, 0)?;
        lex::solid(reader.bytes, reader.at).is_none().then_some(reader.tape)
    }

    #[inline]
    fn piece(&self, piece: Piece) -> &str {
        let from = if piece.unescaped { &self.unescaped } else { self.text };
        from.get(piece.start as usize..piece.end as usize).unwrap_or_default()
    }

    /// The place behind the value at `at` and all that is within it.
    #[inline]
    pub fn behind(&self, at: u32) -> u32 {
        self.values.get(at as usize).map_or(u32::MAX, |entry| entry.next)
    }

    /// How many values are directly within the one at `at`.
    pub fn count(&self, at: u32) -> usize {
        self.values.get(at as usize).map_or(0, |entry| entry.count as usize)
    }

    #[inline]
    pub fn name(&self, at: u32) -> &str {
        self.values.get(at as usize).map_or("", |entry| self.piece(entry.name))
    }

    #[inline]
    pub fn shape(&self, at: u32) -> Shape {
        self.values.get(at as usize).map_or(Shape::Null, |entry| entry.shape)
    }

    #[inline]
    pub fn kind(&self, at: u32) -> Kind<'_> {
        let Some(entry) = self.values.get(at as usize) else {
            return Kind::Null;
        };
        match entry.shape {
            Shape::Null => Kind::Null,
            Shape::True => Kind::Bool(true),
            Shape::False => Kind::Bool(false),
            Shape::Number => Kind::Number(self.piece(entry.piece)),
            Shape::Text => Kind::Text(self.piece(entry.piece)),
            Shape::List => Kind::List,
            Shape::Object => Kind::Object,
        }
    }

    /// Place of the member with that name in the object at `at`.
    #[inline]
    pub fn member(&self, at: u32, name: &str) -> Option<u32> {
        let end = self.behind(at);
        let mut at = at + 1;
        while at < end {
            let entry = self.values.get(at as usize)?;
            // Mostly they differ in length already.
            if (entry.name.end - entry.name.start) as usize == name.len() && self.piece(entry.name) == name {
                return Some(at);
            }
            at = entry.next;
        }
        None
    }

    /// Places of the values directly within the one at `at`.
    pub fn within(&self, at: u32) -> Within<'_> {
        Within {
            values: &self.values,
            at: at + 1,
            end: self.behind(at),
        }
    }

    /// The value as serde_json makes it.
    pub fn value(&self, at: u32) -> Value {
        match self.kind(at) {
            Kind::Null => Value::Null,
            Kind::Bool(is) => Value::Bool(is),
            Kind::Number(text) => number(text).map_or(Value::Null, Value::Number),
            Kind::Text(text) => Value::String(text.to_owned()),
            Kind::List => Value::Array(self.within(at).map(|at| self.value(at)).collect()),
            Kind::Object => {
                let members = self.within(at).map(|at| (self.name(at).to_owned(), self.value(at)));
                Value::Object(members.collect::<Map<_, _>>())
            }
        }
    }
}

/// Places of values beside each other.
#[derive(Clone)]
pub(crate) struct Within<'s> {
    values: &'s [Entry],
    at: u32,
    end: u32,
}

impl Iterator for Within<'_> {
    type Item = u32;

    #[inline]
    fn next(&mut self) -> Option<u32> {
        let at = self.at;
        if at >= self.end {
            return None;
        }
        self.at = self.values.get(at as usize)?.next;
        Some(at)
    }
}

/// A number as serde_json has it.
pub(crate) fn number(text: &str) -> Option<Number> {
    if text.len() <= SHORT_INTEGER_BYTES && text.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse::<u64>().ok().map(Number::from);
    }
    text.parse().ok()
}

struct Reader<'t> {
    bytes: &'t [u8],
    at: usize,
    limits: ScanLimits,
    tape: Tape<'t>,
}

impl Reader<'_> {
    fn solid(&mut self) -> Option<u8> {
        let (at, byte) = lex::solid(self.bytes, self.at)?;
        self.at = at;
        Some(byte)
    }

    fn value(&mut self, name: Piece, depth: usize) -> Option<()> {
        let byte = self.solid()?;
        let (piece, shape) = match byte {
            b'"' => (self.text()?, Shape::Text),
            b'{' => return self.container(name, Shape::Object, depth),
            b'[' => return self.container(name, Shape::List, depth),
            b'-' | b'0'..=b'9' => (self.number()?, Shape::Number),
            b't' => (self.word("true")?, Shape::True),
            b'f' => (self.word("false")?, Shape::False),
            b'n' => (self.word("null")?, Shape::Null),
            _ => return None,
        };
        let next = u32::try_from(self.tape.values.len()).ok()? + 1;
        self.push(name, piece, shape, next)
    }

    fn push(&mut self, name: Piece, piece: Piece, shape: Shape, next: u32) -> Option<()> {
        let entry = Entry {
            name,
            piece,
            shape,
            next,
            count: 0,
        };
        self.tape.values.push(entry);
        // A list or an object without values counts there too: at most as many again.
        (self.tape.values.len() < MAX_VALUES / 2).then_some(())
    }

    fn word(&mut self, word: &str) -> Option<Piece> {
        self.at = lex::word(self.bytes, self.at, word)?;
        Some(NOTHING)
    }

    fn number(&mut self) -> Option<Piece> {
        let start = self.at;
        let (end, exponent) = lex::number(self.bytes, start)?;
        self.at = end;
        // serde_json writes an exponent in its own way.
        (!exponent && end - start < MAX_NUMBER_BYTES).then(|| plain(start, end))
    }

    /// From its quote on.
    fn text(&mut self) -> Option<Piece> {
        let start = self.at + 1;
        let (end, escaped) = lex::text(self.bytes, start)?;
        if end - start > self.limits.max_string_bytes {
            return None;
        }
        self.at = end + 1;
        if !escaped {
            return Some(plain(start, end));
        }
        let text: String = serde_json::from_str(self.tape.text.get(start - 1..=end)?).ok()?;
        let start = self.tape.unescaped.len();
        self.tape.unescaped.push_str(&text);
        Some(Piece {
            unescaped: true,
            ..plain(start, self.tape.unescaped.len())
        })
    }

    fn container(&mut self, name: Piece, shape: Shape, depth: usize) -> Option<()> {
        if depth >= MAX_DEPTH.min(self.limits.max_depth) {
            return None;
        }
        let me = self.tape.values.len();
        self.push(name, NOTHING, shape, 0)?;
        self.at += 1;
        let close = if shape == Shape::Object { b'}' } else { b']' };
        let mut count = 0;
        if self.solid()? == close {
            self.at += 1;
        } else {
            let mut seen = 0u64;
            loop {
                let name = match shape {
                    Shape::Object => self.name(me, count, &mut seen)?,
                    _ => NOTHING,
                };
                self.value(name, depth + 1)?;
                count += 1;
                let byte = self.solid()?;
                self.at += 1;
                match byte {
                    b',' => {}
                    byte if byte == close => break,
                    _ => return None,
                }
            }
        }
        let next = u32::try_from(self.tape.values.len()).ok()?;
        let entry = self.tape.values.get_mut(me)?;
        entry.next = next;
        entry.count = count;
        Some(())
    }

    /// The name of the next member of the object at `of`, and the colon behind it. `seen` has a bit for the likes of
    /// every name before it.
    fn name(&mut self, of: usize, count: u32, seen: &mut u64) -> Option<Piece> {
        if self.solid()? != b'"' || count >= MAX_MEMBERS {
            return None;
        }
        let name = self.text()?;
        let bytes = self.tape.piece(name).as_bytes();
        let (first, last) = (bytes.first().unwrap_or(&0), bytes.last().unwrap_or(&0));
        let like = (bytes.len() ^ usize::from(*first) ^ (usize::from(*last) << 2)) & 63;
        if bytes.starts_with(PRIVATE) || ((*seen >> like) & 1 == 1 && self.is_there(of, name)) {
            return None;
        }
        *seen |= 1 << like;
        if self.solid()? != b':' {
            return None;
        }
        self.at += 1;
        Some(name)
    }

    fn is_there(&self, object: usize, name: Piece) -> bool {
        let name = self.tape.piece(name);
        let values = &self.tape.values;
        let mut at = object + 1;
        while let Some(entry) = values.get(at) {
            if self.tape.piece(entry.name) == name {
                return true;
            }
            at = entry.next as usize;
        }
        false
    }
}

/// Places below 2^32, which `Tape::read` saw to.
fn plain(start: usize, end: usize) -> Piece {
    Piece {
        start: start as u32,
        end: end as u32,
        unescaped: false,
    }
}
