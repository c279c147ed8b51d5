//! JSON text of documents: what serde_json writes, with less looking. A document is a fifth names, which never need an
//! escape, and its texts hardly ever do.

use serde::ser::{self, Impossible, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant};
use std::fmt::{Display, Write};

/// What is not written here: serde_json writes it.
#[derive(Debug)]
pub struct Unusual;

impl Display for Unusual {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("not written here")
    }
}

impl std::error::Error for Unusual {}

impl ser::Error for Unusual {
    fn custom<T: Display>(_: T) -> Self {
        Self
    }
}

/// The value as JSON, likely of `bytes`. `None` for what is rare in a document: floats, bytes, keys that are no text.
pub fn text_of<T: Serialize + ?Sized>(value: &T, bytes: usize) -> Option<String> {
    let mut text = String::with_capacity(bytes);
    value.serialize(&mut Compact(&mut text)).ok()?;
    Some(text)
}

struct Compact<'t>(&'t mut String);

/// Bytes that stand for themselves within a text.
const PLAIN: [bool; 256] = {
    let mut plain = [true; 256];
    let mut byte = 0;
    while byte < 0x20 {
        plain[byte] = false;
        byte += 1;
    }
    plain[b'"' as usize] = false;
    plain[b'\\' as usize] = false;
    plain
};

impl Compact<'_> {
    fn quoted(&mut self, text: &str) {
        self.0.push('"');
        let mut rest = text;
        while let Some(at) = rest.bytes().position(|byte| !PLAIN[usize::from(byte)]) {
            let (before, from) = rest.split_at(at);
            self.0.push_str(before);
            self.escaped(from.as_bytes()[0]);
            rest = &from[1..];
        }
        self.0.push_str(rest);
        self.0.push('"');
    }

    fn escaped(&mut self, byte: u8) {
        match byte {
            b'"' => self.0.push_str("\\\""),
            b'\\' => self.0.push_str("\\\\"),
            b'\n' => self.0.push_str("\\n"),
            b'\r' => self.0.push_str("\\r"),
            b'\t' => self.0.push_str("\\t"),
            0x08 => self.0.push_str("\\b"),
            0x0c => self.0.push_str("\\f"),
            // Writing to a text cannot fail.
            other => drop(write!(self.0, "\\u{other:04x}")),
        }
    }

    fn number(&mut self, number: impl Display) -> Result<(), Unusual> {
        write!(self.0, "{number}").map_err(|_| Unusual)
    }

    /// The name of a field or of a variant: an identifier.
    fn name(&mut self, name: &str) {
        self.0.push('"');
        self.0.push_str(name);
        self.0.push_str("\":");
    }
}

macro_rules! numbers {
    ($($name:ident: $kind:ty),*) => {
        $(fn $name(self, number: $kind) -> Result<(), Unusual> {
            self.number(number)
        })*
    };
}

impl<'a, 't> ser::Serializer for &'a mut Compact<'t> {
    type Ok = ();
    type Error = Unusual;
    type SerializeSeq = Within<'a, 't>;
    type SerializeTuple = Impossible<(), Unusual>;
    type SerializeTupleStruct = Impossible<(), Unusual>;
    type SerializeTupleVariant = Impossible<(), Unusual>;
    type SerializeMap = Within<'a, 't>;
    type SerializeStruct = Within<'a, 't>;
    type SerializeStructVariant = Within<'a, 't>;

    fn serialize_bool(self, is: bool) -> Result<(), Unusual> {
        self.0.push_str(if is { "true" } else { "false" });
        Ok(())
    }

    numbers!(serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64);
    numbers!(serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64);

    fn serialize_f32(self, _: f32) -> Result<(), Unusual> {
        Err(Unusual)
    }

    fn serialize_f64(self, _: f64) -> Result<(), Unusual> {
        Err(Unusual)
    }

    fn serialize_char(self, c: char) -> Result<(), Unusual> {
        self.quoted(c.encode_utf8(&mut [0; 4]));
        Ok(())
    }

    fn serialize_str(self, text: &str) -> Result<(), Unusual> {
        self.quoted(text);
        Ok(())
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<(), Unusual> {
        Err(Unusual)
    }

    fn serialize_none(self) -> Result<(), Unusual> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Unusual> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Unusual> {
        self.0.push_str("null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Unusual> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Unusual> {
        self.quoted(variant);
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), Unusual> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Unusual> {
        self.0.push('{');
        self.name(variant);
        value.serialize(&mut *self)?;
        self.0.push('}');
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Within<'a, 't>, Unusual> {
        Ok(Within::begin(self, "[", "]"))
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Unusual> {
        Err(Unusual)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeTupleStruct, Unusual> {
        Err(Unusual)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Unusual> {
        Err(Unusual)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Within<'a, 't>, Unusual> {
        Ok(Within::begin(self, "{", "}"))
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Within<'a, 't>, Unusual> {
        // serde_json's numbers and raw texts come as one.
        if name.starts_with('$') {
            return Err(Unusual);
        }
        Ok(Within::begin(self, "{", "}"))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Within<'a, 't>, Unusual> {
        self.0.push('{');
        self.name(variant);
        Ok(Within::begin(self, "{", "}}"))
    }
}

/// A list, an object or a map that is being written.
struct Within<'a, 't> {
    compact: &'a mut Compact<'t>,
    first: bool,
    close: &'static str,
}

impl<'a, 't> Within<'a, 't> {
    fn begin(compact: &'a mut Compact<'t>, open: &str, close: &'static str) -> Self {
        compact.0.push_str(open);
        Self {
            compact,
            first: true,
            close,
        }
    }

    fn next(&mut self) {
        if !std::mem::take(&mut self.first) {
            self.compact.0.push(',');
        }
    }

    fn field<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), Unusual> {
        self.next();
        self.compact.name(name);
        value.serialize(&mut *self.compact)
    }

    fn close(self) {
        self.compact.0.push_str(self.close);
    }
}

impl SerializeSeq for Within<'_, '_> {
    type Ok = ();
    type Error = Unusual;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unusual> {
        self.next();
        value.serialize(&mut *self.compact)
    }

    fn end(self) -> Result<(), Unusual> {
        self.close();
        Ok(())
    }
}

impl SerializeMap for Within<'_, '_> {
    type Ok = ();
    type Error = Unusual;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unusual> {
        self.next();
        let at = self.compact.0.len();
        key.serialize(&mut *self.compact)?;
        let is_text = self.compact.0.get(at..).is_some_and(|key| key.starts_with('"'));
        self.compact.0.push(':');
        is_text.then_some(()).ok_or(Unusual)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unusual> {
        value.serialize(&mut *self.compact)
    }

    fn end(self) -> Result<(), Unusual> {
        self.close();
        Ok(())
    }
}

impl SerializeStruct for Within<'_, '_> {
    type Ok = ();
    type Error = Unusual;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Unusual> {
        self.field(name, value)
    }

    fn end(self) -> Result<(), Unusual> {
        self.close();
        Ok(())
    }
}

impl SerializeStructVariant for Within<'_, '_> {
    type Ok = ();
    type Error = Unusual;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Unusual> {
        self.field(name, value)
    }

    fn end(self) -> Result<(), Unusual> {
        self.close();
        Ok(())
    }
}

#[cfg(test)]
mod tests;
