//! A page's content in fewer bytes, drawing the same. The PDF library gives every text a graphics state, a mirrored
//! coordinate system, a colour and a text object of its own. Here texts that follow each other share them: what stays
//! the same is not said again, and each is placed relative to the one before (ISO 32000-1, 9.4.2).

use std::io::Write;

/// `None` where something is not written as the library writes it.
pub(super) fn shorten(content: &[u8]) -> Option<Vec<u8>> {
    let mut from = Reader {
        rest: content.trim_ascii_start(),
    };
    let mut page = Page::default();
    while !from.rest.is_empty() {
        let tag = from.until(b"BDC\n")?;
        if tag.contains(&b'\n') {
            return None;
        }
        match texts(&from) {
            Some((texts, rest)) => {
                from = rest;
                page.texts(tag, &texts);
            }
            None => {
                let drawing = from.until(b"\nQ\nEMC")?;
                if !drawing.starts_with(b"q ") || drawing.windows(2).any(|w| w == b"BT") {
                    return None;
                }
                page.drawing(tag, drawing);
            }
        }
        from.rest = from.rest.trim_ascii_start();
    }
    page.end_texts();
    Some(page.out)
}

/// A text as the library writes it; lengths in hundredths of a point, from the bottom left corner.
struct Text<'a> {
    colour: &'a [u8],
    /// Name and size.
    font: &'a [u8],
    x: i64,
    y: i64,
    shown: Vec<u8>,
}

/// The texts of a mark, and what comes after it.
fn texts<'a>(from: &Reader<'a>) -> Option<(Vec<Text<'a>>, Reader<'a>)> {
    let mut from = from.clone();
    let mut texts = Vec::new();
    while from.word(b"EMC").is_none() {
        texts.push(text(&mut from)?);
    }
    (!texts.is_empty()).then_some((texts, from))
}

fn text<'a>(from: &mut Reader<'a>) -> Option<Text<'a>> {
    from.word(b"q 1 0 0 -1 0 ")?;
    let height = hundredths(from.until(b" cm ")?)?;
    let colour = from.until(b" rg\n")?;
    from.word(b"BT 0 Tr")?;
    let font = from.until(b" Tf 1 0 0 -1 ")?;
    let x = hundredths(from.until(b" ")?)?;
    let y = hundredths(from.until(b" Tm")?)?;
    let shown = from.shown()?;
    from.word(b"\nET\nQ\n")?;
    let plain = [colour, font].iter().all(|part| !part.contains(&b'\n'));
    plain.then_some(Text {
        colour,
        font,
        x,
        y: height - y,
        shown,
    })
}

#[derive(Default)]
struct Page<'a> {
    out: Vec<u8>,
    in_text: bool,
    colour: &'a [u8],
    font: &'a [u8],
    x: i64,
    y: i64,
}

impl<'a> Page<'a> {
    fn texts(&mut self, tag: &[u8], texts: &[Text<'a>]) {
        if !self.in_text {
            self.out.extend(b"BT\n");
            (self.in_text, self.x, self.y) = (true, 0, 0);
        }
        self.out.extend(tag);
        self.out.extend(b"BDC ");
        for text in texts {
            if self.colour != text.colour {
                self.out.extend([&rounded(text.colour), b" rg ".as_slice()].concat());
                self.colour = text.colour;
            }
            if self.font != text.font {
                self.out.extend([text.font, b" Tf "].concat());
                self.font = text.font;
            }
            put(&mut self.out, text.x - self.x);
            self.out.push(b' ');
            put(&mut self.out, text.y - self.y);
            self.out.extend(b" Td");
            self.out.extend(&text.shown);
            (self.x, self.y) = (text.x, text.y);
        }
        self.out.extend(b" EMC\n");
    }

    fn end_texts(&mut self) {
        if std::mem::take(&mut self.in_text) {
            self.out.extend(b"ET\n");
        }
    }

    fn drawing(&mut self, tag: &[u8], drawing: &[u8]) {
        self.end_texts();
        self.out
            .extend([tag, b"BDC\n", &rounded(drawing), b"\nQ\nEMC\n"].concat());
    }
}

#[derive(Clone)]
struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn word(&mut self, word: &[u8]) -> Option<()> {
        self.rest = self.rest.strip_prefix(word)?;
        Some(())
    }

    /// What comes before `end`, which is passed.
    fn until(&mut self, end: &[u8]) -> Option<&'a [u8]> {
        let first = end.first()?;
        let mut at = 0;
        loop {
            at += self.rest.get(at..)?.iter().position(|byte| byte == first)?;
            let (before, rest) = self.rest.split_at_checked(at)?;
            if let Some(rest) = rest.strip_prefix(end) {
                self.rest = rest;
                return Some(before);
            }
            at += 1;
        }
    }

    /// A string and the operator that shows it; of several with space adjusted in between, `None`.
    fn shown(&mut self) -> Option<Vec<u8>> {
        let several = self.word(b"[").is_some();
        let string = self.string()?;
        self.word(if several { b"]TJ" } else { b"Tj" })?;
        let mut shown = vec![b'('];
        for byte in string {
            match byte {
                b'(' | b')' | b'\\' => shown.extend([b'\\', byte]),
                // As it is, a reader would take it for the end of a line.
                b'\r' => shown.extend(b"\\r"),
                byte => shown.push(byte),
            }
        }
        shown.extend(b")Tj");
        Some(shown)
    }

    /// The bytes of a literal or hexadecimal string.
    fn string(&mut self) -> Option<Vec<u8>> {
        if self.word(b"<").is_some() {
            let digits = self.until(b">")?;
            let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
            return digits.chunks(2).map(byte).collect();
        }
        self.word(b"(")?;
        let mut bytes = Vec::new();
        let mut open = 0;
        loop {
            let (byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            match byte {
                b'\\' => bytes.push(self.escaped()?),
                b')' if open == 0 => return Some(bytes),
                byte => {
                    open += i32::from(*byte == b'(') - i32::from(*byte == b')');
                    bytes.push(*byte);
                }
            }
        }
    }

    fn escaped(&mut self) -> Option<u8> {
        let (byte, rest) = self.rest.split_first()?;
        if byte.is_ascii_digit() {
            let (digits, rest) = self.rest.split_at_checked(3)?;
            self.rest = rest;
            return u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok();
        }
        self.rest = rest;
        Some(match byte {
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'b' => 8,
            b'f' => 12,
            byte => *byte,
        })
    }
}

/// Numbers with three digits behind the point at most. Only colours have more, and no more than 256 steps.
fn rounded(operators: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(operators.len());
    for part in operators.split_inclusive(u8::is_ascii_whitespace) {
        let word = part.trim_ascii_end();
        let text = std::str::from_utf8(word).unwrap_or_default();
        let long = text.split_once('.').is_some_and(|(_, digits)| digits.len() > 3);
        match text.parse::<f64>().ok().filter(|_| long) {
            Some(number) => {
                out.extend(
                    format!("{number:.3}")
                        .trim_end_matches('0')
                        .trim_end_matches('.')
                        .bytes(),
                );
                out.extend(&part[word.len()..]);
            }
            None => out.extend(part),
        }
    }
    out
}

/// `None` of what has more than two digits behind the point.
fn hundredths(text: &[u8]) -> Option<i64> {
    let mut places = None;
    let mut value = 0;
    for byte in text {
        match byte {
            b'0'..=b'9' if value < 1_000_000 && places != Some(2) => {
                value = value * 10 + i64::from(byte - b'0');
                places = places.map(|places| places + 1);
            }
            b'.' if places.is_none() => places = Some(0),
            _ => return None,
        }
    }
    Some(match places {
        Some(2) => value,
        Some(1) => value * 10,
        Some(_) | None => value * 100,
    })
}

fn put(out: &mut Vec<u8>, hundredths: i64) {
    let sign = if hundredths < 0 { "-" } else { "" };
    let (whole, part) = (hundredths.abs() / 100, hundredths.abs() % 100);
    // Writing to memory cannot fail.
    drop(match part {
        0 => write!(out, "{sign}{whole}"),
        part if part % 10 == 0 => write!(out, "{sign}{whole}.{}", part / 10),
        part => write!(out, "{sign}{whole}.{part:02}"),
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(x: &str, y: &str, shown: &str) -> String {
        format!(
            "/Span<</MCID 0>>BDC\nq 1 0 0 -1 0 841.89 cm 0 0.10588235 1 rg\nBT 0 Tr/f0 8.5 Tf 1 0 0 -1 {x} {y} Tm{shown}\nET\nQ\nEMC"
        )
    }

    fn short(content: &str) -> Option<String> {
        shorten(content.as_bytes()).map(|bytes| String::from_utf8(bytes).expect("text"))
    }

    #[test]
    fn texts_say_what_changes_and_where_they_are_from_the_one_before() {
        let line = "/Artifact<</Type/Layout>>BDC\nq 1 0 0 -1 0 841.89 cm 0 0.94509804 0 RG 0.5 w 48 60.5 m 547.3 60.5 l\nS\nQ\nEMC";
        let content = [
            &one("51", "54.2", "(\\000\\\\\\000\\()Tj"),
            &one("78.5", "64.3", "[<00410D>]TJ"),
            "\n",
            line,
            &one("51", "54.2", "[(a(b)c)]TJ"),
        ];
        let expected = [
            "BT\n/Span<</MCID 0>>BDC 0 0.106 1 rg /f0 8.5 Tf 51 787.69 Td(\0\\\\\0\\()Tj EMC\n",
            "/Span<</MCID 0>>BDC 27.5 -10.1 Td(\0A\\r)Tj EMC\nET\n",
            &line.replace("0.94509804", "0.945"),
            "\nBT\n/Span<</MCID 0>>BDC 51 787.69 Td(a\\(b\\)c)Tj EMC\nET\n",
        ];
        assert_eq!(short(&content.concat()), Some(expected.concat()));
    }

    #[test]
    fn what_is_written_otherwise_is_left_alone() {
        for content in [
            "/CIDInit /ProcSet findresource begin",
            "q 1 0 0 1 0 0 cm BT (a)Tj ET Q",
            &one("51", "54.2", "[(a)-20(b)]TJ"),
            &one("51.123", "54.2", "(a)Tj"),
            &one("51", "54.2", "(a"),
            &one("51", "54.2", "(a)Tj").replace("1 0 0 -1 51", "1 0.2 0 -1 51"),
        ] {
            assert_eq!(shorten(content.as_bytes()), None, "{content}");
        }
    }
}
