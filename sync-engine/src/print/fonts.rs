//! The faces of a printed page: Noto Sans for everything it has, Droid Sans Fallback for Chinese, Japanese and Korean.
//! They lie in the program; nothing is looked up on the machine, so that the same input gives the same bytes.

use super::PrintError;
use krilla::text::{Font, GlyphId, KrillaGlyph};
use std::sync::OnceLock;
use ttf_parser::Face as Outlines;

static REGULAR: &[u8] = include_bytes!("fonts/NotoSans-Regular.ttf");
static BOLD: &[u8] = include_bytes!("fonts/NotoSans-Bold.ttf");
static FALLBACK: &[u8] = include_bytes!("fonts/DroidSansFallback.ttf");

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    Regular,
    Bold,
}

struct Face {
    font: Font,
    outlines: Outlines<'static>,
    units_per_em: f32,
    ascii: Vec<Option<(u16, f32)>>,
}

impl Face {
    fn load(bytes: &'static [u8]) -> Result<Self, PrintError> {
        let broken = |what: &str| PrintError::Draw(format!("a built-in font does not load ({what})"));
        let outlines = Outlines::parse(bytes, 0).map_err(|e| broken(&e.to_string()))?;
        let font = Font::new(krilla::Data::from(bytes), 0).ok_or_else(|| broken("outlines"))?;
        let mut face = Self {
            font,
            units_per_em: f32::from(outlines.units_per_em()),
            outlines,
            ascii: Vec::new(),
        };
        face.ascii = (0u8..128).map(|b| face.look_up(char::from(b))).collect();
        Ok(face)
    }

    fn look_up(&self, c: char) -> Option<(u16, f32)> {
        let glyph = self.outlines.glyph_index(c)?;
        let advance = self.outlines.glyph_hor_advance(glyph).unwrap_or(0);
        Some((glyph.0, f32::from(advance) / self.units_per_em))
    }

    fn glyph(&self, c: char) -> Option<(u16, f32)> {
        match self.ascii.get(c as usize) {
            Some(known) => *known,
            None => self.look_up(c),
        }
    }
}

pub(super) struct Fonts {
    regular: Face,
    bold: Face,
    fallback: Face,
}

/// A stretch of text in one face. Glyph ranges are into `text`.
pub(super) struct Run {
    pub font: Font,
    pub text: String,
    pub glyphs: Vec<KrillaGlyph>,
    /// In units of the font size.
    pub width: f32,
}

impl Fonts {
    /// The faces, loaded once per process.
    pub fn shared() -> Result<&'static Self, PrintError> {
        static FONTS: OnceLock<Result<Fonts, String>> = OnceLock::new();
        FONTS
            .get_or_init(|| {
                let load = || -> Result<Fonts, PrintError> {
                    Ok(Fonts {
                        regular: Face::load(REGULAR)?,
                        bold: Face::load(BOLD)?,
                        fallback: Face::load(FALLBACK)?,
                    })
                };
                load().map_err(|e| e.to_string())
            })
            .as_ref()
            .map_err(|e| PrintError::Draw(e.clone()))
    }

    fn face(&self, weight: Weight) -> &Face {
        match weight {
            Weight::Regular => &self.regular,
            Weight::Bold => &self.bold,
        }
    }

    /// The face that has `c`, its glyph and advance. A character that no face has is drawn as the empty box.
    fn pick(&self, c: char, weight: Weight) -> (&Face, u16, f32) {
        let primary = self.face(weight);
        if let Some((glyph, advance)) = primary.glyph(c) {
            return (primary, glyph, advance);
        }
        if let Some((glyph, advance)) = self.fallback.glyph(c) {
            return (&self.fallback, glyph, advance);
        }
        static TOLD: std::sync::Once = std::sync::Once::new();
        TOLD.call_once(|| {
            tracing::warn!(character = %c.escape_unicode(), "a printed page has a character that no built-in font has: it is drawn as a box");
        });
        let advance = primary.outlines.glyph_hor_advance(ttf_parser::GlyphId(0)).unwrap_or(0);
        (primary, 0, f32::from(advance) / primary.units_per_em)
    }

    /// Width of `text` in units of the font size.
    pub fn width(&self, text: &str, weight: Weight) -> f32 {
        text.chars().map(|c| self.pick(c, weight).2).sum()
    }

    pub fn char_width(&self, c: char, weight: Weight) -> f32 {
        self.pick(c, weight).2
    }

    pub fn runs(&self, text: &str, weight: Weight) -> Vec<Run> {
        let mut runs: Vec<(&Face, Run)> = Vec::new();
        for c in text.chars() {
            let (face, glyph, advance) = self.pick(c, weight);
            if !runs.last().is_some_and(|(last, _)| std::ptr::eq(*last, face)) {
                let run = Run {
                    font: face.font.clone(),
                    text: String::new(),
                    glyphs: Vec::new(),
                    width: 0.0,
                };
                runs.push((face, run));
            }
            let Some((_, run)) = runs.last_mut() else { continue };
            let start = run.text.len();
            run.text.push(c);
            let id = GlyphId::new(u32::from(glyph));
            run.glyphs.push(KrillaGlyph::new(
                id,
                advance,
                0.0,
                0.0,
                0.0,
                start..run.text.len(),
                None,
            ));
            run.width += advance;
        }
        runs.into_iter().map(|(_, run)| run).collect()
    }
}
