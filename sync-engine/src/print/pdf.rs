//! From laid-out pages to a tagged PDF.

use super::PrintError;
use super::canvas::{Canvas, Ink, Mark, Node, PAGE_HEIGHT, PAGE_WIDTH, Role};
use krilla::color::rgb;
use krilla::geom::{PathBuilder, Point, Rect};
use krilla::metadata::{DateTime, Metadata};
use krilla::page::PageSettings;
use krilla::paint::{Fill, Stroke};
use krilla::surface::Surface;
use krilla::tagging::{
    Artifact, ArtifactType, ContentTag, Identifier, SpanTag, TableHeaderScope, Tag, TagGroup, TagKind, TagTree,
};
use krilla::{Document, SerializeSettings};
use std::num::NonZeroU16;

pub(super) struct Info {
    pub title: String,
    pub language: String,
    pub author: Option<String>,
    pub printed_at: crate::domain::Timestamp,
}

pub(super) fn write(canvas: Canvas, info: Info) -> Result<Vec<u8>, PrintError> {
    let settings = SerializeSettings {
        // `pack` compresses them, when it has shortened them.
        compress_content_streams: false,
        xmp_metadata: false,
        enable_tagging: true,
        ..SerializeSettings::default()
    };
    let mut document = Document::new_with(settings);
    let mut leaves: Vec<Vec<Identifier>> = canvas.nodes.iter().map(|_| Vec::new()).collect();
    for marks in &canvas.pages {
        let size = PageSettings::from_wh(PAGE_WIDTH, PAGE_HEIGHT)
            .ok_or_else(|| PrintError::Draw("the size of the page is refused".to_owned()))?;
        let mut page = document.start_page_with(size);
        let mut surface = page.surface();
        let mut lines = Lines(Vec::new());
        for mark in marks {
            draw(&mut surface, mark, &canvas, &mut leaves, &mut lines);
        }
        lines.draw(&mut surface);
        surface.finish();
        page.finish();
    }
    document.set_tag_tree(tree(&canvas.nodes, leaves, &info.language));
    document.set_metadata(metadata(info));
    let pdf = document.finish().map_err(|e| PrintError::Draw(e.to_string()))?;
    Ok(super::pack::pack(pdf))
}

/// The lines of a page: those of a kind are one path.
struct Lines(Vec<(Ink, f32, PathBuilder)>);

impl Lines {
    fn add(&mut self, ink: Ink, width: f32, from: (f32, f32), to: (f32, f32)) {
        let known = self.0.iter().position(|(i, w, _)| *i == ink && *w == width);
        let at = known.unwrap_or(self.0.len());
        if known.is_none() {
            self.0.push((ink, width, PathBuilder::new()));
        }
        if let Some((_, _, path)) = self.0.get_mut(at) {
            path.move_to(from.0, from.1);
            path.line_to(to.0, to.1);
        }
    }

    fn draw(self, surface: &mut Surface<'_>) {
        for (ink, width, path) in self.0 {
            surface.set_fill(None);
            surface.set_stroke(Some(Stroke {
                paint: colour(ink).into(),
                width,
                ..Stroke::default()
            }));
            cosmetic(surface, path);
        }
    }
}

fn draw(surface: &mut Surface<'_>, mark: &Mark, canvas: &Canvas, leaves: &mut [Vec<Identifier>], lines: &mut Lines) {
    match mark {
        Mark::Text {
            x,
            y,
            style,
            text,
            node,
        } => {
            surface.set_stroke(None);
            surface.set_fill(Some(fill(style.ink)));
            let tag = match node {
                Some(_) => ContentTag::Span(SpanTag::empty()),
                None => ContentTag::Artifact(Artifact::with_kind(ArtifactType::PaginationOther)),
            };
            let id = surface.start_tagged(tag);
            let mut x = *x;
            for run in canvas.fonts.runs(text, style.weight) {
                surface.draw_glyphs(
                    Point::from_xy(tenth(x), tenth(*y)),
                    &run.glyphs,
                    run.font,
                    &run.text,
                    style.size,
                    false,
                );
                x += run.width * style.size;
            }
            surface.end_tagged();
            if let Some(leaf) = node.and_then(|n| leaves.get_mut(n.0)) {
                leaf.push(id);
            }
        }
        Mark::Line { x1, x2, y, ink, width } => {
            lines.add(*ink, *width, (tenth(*x1), tenth(*y)), (tenth(*x2), tenth(*y)));
        }
        Mark::Box {
            x,
            y,
            width,
            height,
            ink,
        } => {
            let Some(rect) = Rect::from_xywh(tenth(*x), tenth(*y), tenth(*width), tenth(*height)) else {
                return;
            };
            let mut path = PathBuilder::new();
            path.push_rect(rect);
            surface.set_stroke(None);
            surface.set_fill(Some(fill(*ink)));
            cosmetic(surface, path);
        }
    }
}

/// To a tenth of a point, finer than any printer shows: shorter numbers, a smaller file.
fn tenth(points: f32) -> f32 {
    (points * 10.0).round() / 10.0
}

fn cosmetic(surface: &mut Surface<'_>, path: PathBuilder) {
    if let Some(path) = path.finish() {
        surface.start_tagged(ContentTag::Artifact(Artifact::with_kind(ArtifactType::Layout)));
        surface.draw_path(&path);
        surface.end_tagged();
    }
}

fn fill(ink: Ink) -> Fill {
    Fill {
        paint: colour(ink).into(),
        ..Fill::default()
    }
}

fn colour(ink: Ink) -> rgb::Color {
    match ink {
        Ink::Text => rgb::Color::new(0x1b, 0x1b, 0x1b),
        Ink::Quiet => rgb::Color::new(0x5a, 0x5f, 0x66),
        Ink::Accent => rgb::Color::new(0x0f, 0x4c, 0x81),
        Ink::Alert => rgb::Color::new(0xa4, 0x26, 0x2c),
        Ink::Hairline => rgb::Color::new(0xc9, 0xce, 0xd4),
        Ink::Shade => rgb::Color::new(0xf1, 0xf4, 0xf7),
    }
}

fn kind(role: Role) -> TagKind {
    match role {
        Role::Title => Tag::Hn(NonZeroU16::MIN, None).into(),
        Role::Heading => Tag::Hn(NonZeroU16::MIN.saturating_add(1), None).into(),
        Role::Paragraph => Tag::P.into(),
        Role::Table => Tag::Table.into(),
        Role::Row => Tag::TR.into(),
        Role::HeaderCell => Tag::TH(TableHeaderScope::Column).into(),
        Role::Cell => Tag::TD.into(),
    }
}

/// Nodes come after their parents, so walking backwards finishes every child before its parent.
fn tree(nodes: &[Node], leaves: Vec<Vec<Identifier>>, language: &str) -> TagTree {
    let mut groups: Vec<Option<TagGroup>> = Vec::with_capacity(nodes.len());
    for (node, ids) in nodes.iter().zip(leaves) {
        let mut group = TagGroup::new(kind(node.role));
        for id in ids {
            group.push(id);
        }
        groups.push(Some(group));
    }
    let mut children: Vec<Vec<usize>> = nodes.iter().map(|_| Vec::new()).collect();
    let mut roots = Vec::new();
    for (index, node) in nodes.iter().enumerate() {
        match node.parent.and_then(|p| children.get_mut(p.0)) {
            Some(siblings) => siblings.push(index),
            None => roots.push(index),
        }
    }
    for index in (0..nodes.len()).rev() {
        let Some(mut group) = groups[index].take() else {
            continue;
        };
        for child in std::mem::take(&mut children[index]) {
            if let Some(child) = groups[child].take() {
                group.push(child);
            }
        }
        groups[index] = Some(group);
    }
    let mut tree = TagTree::new().with_lang(Some(language.to_owned()));
    for root in roots {
        if let Some(group) = groups[root].take() {
            tree.push(group);
        }
    }
    tree
}

fn metadata(info: Info) -> Metadata {
    use chrono::{Datelike, Timelike};
    let at = chrono::DateTime::from_timestamp_millis(info.printed_at.0).unwrap_or_default();
    let small = |n: u32| u8::try_from(n).unwrap_or(0);
    let date = DateTime::new(u16::try_from(at.year()).unwrap_or(1970))
        .month(small(at.month()))
        .day(small(at.day()))
        .hour(small(at.hour()))
        .minute(small(at.minute()))
        .second(small(at.second()))
        .utc_offset_hour(0)
        .utc_offset_minute(0);
    let metadata = Metadata::new()
        .title(info.title)
        .language(info.language)
        .creator("Countersign".to_owned())
        .creation_date(date);
    match info.author {
        Some(author) => metadata.authors(vec![author]),
        None => metadata,
    }
}
