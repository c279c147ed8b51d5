//! The parts that every printed document has: letterhead, title, facts, parties, notes, foot.

use super::canvas::{
    BODY, BODY_BOLD, BOTTOM, Canvas, Ink, LABEL, LEFT, Mark, NodeId, PAGE_HEIGHT, RIGHT, Role, SMALL, Style, TOP,
};
use super::fonts::Weight;
use super::words::{Language, Word};
use super::{Letterhead, PrintError, PrintInput, format};
use crate::domain::document::{Party, Reference};

pub(super) fn letterhead(canvas: &mut Canvas, letterhead: &Letterhead, language: Language) {
    let company = &letterhead.company;
    let name = company.name.as_deref().unwrap_or("");
    let node = canvas.node(Role::Paragraph, None);
    let style = Style::new(13.0, Weight::Bold, Ink::Accent);
    let lines = canvas.wrap(name, style, (RIGHT - LEFT) * 0.62);
    let mut left = TOP;
    for line in lines.iter().take(2) {
        canvas.text(LEFT, left, style, line, Some(node));
        left += style.leading();
    }
    let mut right = TOP;
    let place = [
        company.postal_code.as_deref(),
        company.city.as_deref(),
        company.country.as_deref(),
    ];
    let mut facts: Vec<String> = company.street.clone();
    facts.push(place.into_iter().flatten().collect::<Vec<_>>().join(" "));
    facts.extend(
        company
            .tax_id
            .iter()
            .map(|id| format!("{} {id}", language.word(Word::TaxId))),
    );
    facts.extend([&company.phone, &company.email].into_iter().flatten().cloned());
    for fact in facts.iter().filter(|f| !f.trim().is_empty()) {
        canvas.text_right(RIGHT, right, SMALL, fact, Some(node));
        right += SMALL.leading();
    }
    canvas.y = left.max(right) + 6.0;
    canvas.line(LEFT, RIGHT, canvas.y, Ink::Accent, 1.2);
    canvas.space(16.0);
}

/// Title and number at the left, facts (label and value) at the right.
pub(super) fn title(canvas: &mut Canvas, title: &str, number: &str, facts: &[(String, String)]) {
    const FACTS: f32 = 318.0;
    let top = canvas.y;
    let node = canvas.node(Role::Title, None);
    let style = Style::new(18.0, Weight::Bold, Ink::Text);
    let mut left = top;
    for line in canvas.wrap(title, style, FACTS - LEFT - 16.0) {
        canvas.text(LEFT, left, style, &line, Some(node));
        left += style.leading();
    }
    let style = Style::new(12.0, Weight::Regular, Ink::Text);
    for line in canvas.wrap(number, style, FACTS - LEFT - 16.0) {
        canvas.text(LEFT, left, style, &line, Some(node));
        left += style.leading();
    }
    let widest = facts
        .iter()
        .map(|(label, _)| canvas.width(label, LABEL))
        .fold(0.0, f32::max);
    let values = FACTS + (widest + 8.0).clamp(84.0, 130.0);
    let mut right = top + 4.0;
    for (label, value) in facts {
        let node = canvas.node(Role::Paragraph, None);
        canvas.text(FACTS, right + 0.8, LABEL, label, Some(node));
        for line in canvas.wrap(value, BODY, RIGHT - values).iter().take(4) {
            canvas.text(values, right, BODY, line, Some(node));
            right += BODY.leading();
        }
    }
    canvas.y = left.max(right) + 12.0;
}

/// References such as contract and project, as facts.
pub(super) fn references(references: &[Reference]) -> impl Iterator<Item = (String, String)> + '_ {
    references.iter().take(4).map(|r| {
        let mut label: String = r.kind.chars().take(18).collect();
        if let Some(first) = label.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        (label, r.id.clone())
    })
}

/// Up to four parties in columns of equal width.
pub(super) fn parties(canvas: &mut Canvas, parties: &[(&str, &Party)], language: Language) {
    const GAP: f32 = 14.0;
    let count = parties.len().max(1) as f32;
    let width = (RIGHT - LEFT - GAP * (count - 1.0)) / count;
    let top = canvas.y;
    let mut bottom = top;
    for (index, (label, party)) in parties.iter().enumerate() {
        let x = LEFT + (width + GAP) * index as f32;
        let node = canvas.node(Role::Paragraph, None);
        let mut y = top;
        canvas.text(x, y, LABEL, label, Some(node));
        y += LABEL.leading() + 1.0;
        for (text, style) in party_lines(party, language) {
            for line in canvas.wrap(&text, style, width) {
                canvas.text(x, y, style, &line, Some(node));
                y += style.leading();
            }
        }
        bottom = bottom.max(y);
    }
    canvas.y = bottom + 12.0;
}

fn party_lines(party: &Party, language: Language) -> Vec<(String, Style)> {
    let mut lines = Vec::new();
    if let Some(name) = party.name.as_ref().or(party.id.as_ref()) {
        lines.push((name.clone(), BODY_BOLD));
    }
    lines.extend(party.street.iter().map(|s| (s.clone(), BODY)));
    let place = [party.postal_code.as_deref(), party.city.as_deref()];
    let place = place.into_iter().flatten().collect::<Vec<_>>().join(" ");
    let place = [place.as_str(), party.country.as_deref().unwrap_or("")];
    let place = place
        .into_iter()
        .filter(|p| !p.is_empty())
        .collect::<Vec<_>>()
        .join(", ");
    if !place.is_empty() {
        lines.push((place, BODY));
    }
    lines.extend(party.contact.iter().map(|c| (c.clone(), SMALL)));
    lines.extend(party.email.iter().map(|c| (c.clone(), SMALL)));
    lines.extend(party.phone.iter().map(|c| (c.clone(), SMALL)));
    if let (Some(id), Some(_)) = (&party.id, &party.name) {
        lines.push((format!("ID {id}"), SMALL));
    }
    lines.extend(party.gln.iter().map(|gln| (format!("GLN {gln}"), SMALL)));
    lines.extend(
        party
            .tax_id
            .iter()
            .map(|id| (format!("{} {id}", language.word(Word::TaxId)), SMALL)),
    );
    lines
}

pub(super) fn notes(canvas: &mut Canvas, notes: &[String], language: Language) -> Result<(), PrintError> {
    if notes.is_empty() {
        return Ok(());
    }
    canvas.heading(language.word(Word::Notes), 14.0)?;
    for note in notes {
        canvas.paragraph(BODY, Role::Paragraph, note)?;
        canvas.space(2.0);
    }
    Ok(())
}

/// The foot of every page; drawn last, when the number of pages is known.
pub(super) fn feet(canvas: &mut Canvas, input: &PrintInput<'_>, label: &str, language: Language) {
    let total = canvas.pages.len();
    let fonts = canvas.fonts;
    for (index, page) in canvas.pages.iter_mut().enumerate() {
        let mut put = |x: f32, y: f32, text: &str, right: bool| {
            let width = fonts.width(text, SMALL.weight) * SMALL.size;
            let x = if right { RIGHT - width } else { x };
            page.push(Mark::Text {
                x,
                y: y + SMALL.size,
                style: SMALL,
                text: text.to_owned(),
                node: None,
            });
        };
        let mut y = BOTTOM + 14.0;
        let printed = format::day(input.printed_at, language);
        put(LEFT, y, &format!("{label} \u{b7} {printed}"), false);
        put(
            LEFT,
            y,
            &format!("{} {} / {total}", language.word(Word::Page), index + 1),
            true,
        );
        y += SMALL.leading() + 2.0;
        for line in input.letterhead.footer.iter().take(3) {
            if y + SMALL.leading() < PAGE_HEIGHT - 14.0 {
                put(LEFT, y, line, false);
                y += SMALL.leading();
            }
        }
        page.push(Mark::Line {
            x1: LEFT,
            x2: RIGHT,
            y: BOTTOM + 8.0,
            ink: Ink::Hairline,
            width: 0.6,
        });
    }
}

/// A column of a table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    pub word: Word,
    pub x: f32,
    pub width: f32,
    pub right: bool,
}

/// A table that goes on over pages and repeats its headings on each.
pub(super) struct Table<'a> {
    pub columns: &'a [Column],
    pub language: Language,
    pub node: NodeId,
}

impl<'a> Table<'a> {
    pub fn begin(canvas: &mut Canvas, columns: &'a [Column], language: Language) -> Result<Self, PrintError> {
        if !canvas.fits(60.0) {
            canvas.new_page()?;
        }
        let node = canvas.node(Role::Table, None);
        let table = Self {
            columns,
            language,
            node,
        };
        table.headings(canvas, true);
        Ok(table)
    }

    fn headings(&self, canvas: &mut Canvas, first: bool) {
        let height = LABEL.leading() + 7.0;
        canvas.fill(LEFT, canvas.y, RIGHT - LEFT, height, Ink::Shade);
        let row = first.then(|| canvas.node(Role::Row, Some(self.node)));
        for column in self.columns {
            let cell = row.map(|row| canvas.node(Role::HeaderCell, Some(row)));
            let text = self.language.word(column.word);
            let y = canvas.y + 3.0;
            if column.right {
                canvas.text_right(column.x + column.width, y, LABEL, text, cell);
            } else {
                canvas.text(column.x, y, LABEL, text, cell);
            }
        }
        canvas.space(height);
        canvas.line(LEFT, RIGHT, canvas.y, Ink::Accent, 0.8);
        canvas.space(3.0);
    }

    /// One row: a text per column (wrapped), then full-width lines below it. Kept together on a page where it fits one.
    pub fn row(
        &self,
        canvas: &mut Canvas,
        cells: &[(String, Style)],
        below: &[(String, Style)],
    ) -> Result<(), PrintError> {
        let wrapped: Vec<(Vec<String>, Style)> = cells
            .iter()
            .zip(self.columns)
            .map(|((text, style), column)| (wrap_cell(canvas, text, *style, column), *style))
            .collect();
        let tallest = wrapped
            .iter()
            .map(|(lines, style)| lines.len() as f32 * style.leading())
            .fold(0.0, f32::max);
        let indent = self.columns.get(1).map_or(LEFT, |c| c.x);
        let below: Vec<(Vec<String>, Style)> = below
            .iter()
            .map(|(text, style)| (canvas.wrap(text, *style, RIGHT - indent), *style))
            .collect();
        let extra: f32 = below
            .iter()
            .map(|(lines, style)| lines.len() as f32 * style.leading())
            .sum();
        if !canvas.fits(tallest + extra + 5.0) {
            canvas.new_page()?;
            self.headings(canvas, false);
        }
        let row = canvas.node(Role::Row, Some(self.node));
        let top = canvas.y;
        for ((lines, style), column) in wrapped.iter().zip(self.columns) {
            let cell = canvas.node(Role::Cell, Some(row));
            for (index, line) in lines.iter().enumerate() {
                let y = top + index as f32 * style.leading();
                if column.right {
                    canvas.text_right(column.x + column.width, y, *style, line, Some(cell));
                } else {
                    canvas.text(column.x, y, *style, line, Some(cell));
                }
            }
        }
        canvas.y = top + tallest;
        self.below(canvas, row, indent, &below)?;
        canvas.space(2.5);
        canvas.line(LEFT, RIGHT, canvas.y, Ink::Hairline, 0.5);
        canvas.space(2.5);
        Ok(())
    }

    fn below(
        &self,
        canvas: &mut Canvas,
        row: NodeId,
        indent: f32,
        below: &[(Vec<String>, Style)],
    ) -> Result<(), PrintError> {
        if below.is_empty() {
            return Ok(());
        }
        let cell = canvas.node(Role::Cell, Some(row));
        for (lines, style) in below {
            for line in lines {
                if !canvas.fits(style.leading()) {
                    canvas.new_page()?;
                    self.headings(canvas, false);
                }
                canvas.text(indent, canvas.y, *style, line, Some(cell));
                canvas.space(style.leading());
            }
        }
        Ok(())
    }
}

/// Lines of a cell; a single cell never grows past 60 lines, so that a row fits a page.
fn wrap_cell(canvas: &Canvas, text: &str, style: Style, column: &Column) -> Vec<String> {
    let mut lines = canvas.wrap(text, style, column.width - if column.right { 0.0 } else { 5.0 });
    if lines.len() > 60 {
        lines.truncate(59);
        lines.push("\u{2026}".to_owned());
    }
    lines
}
