//! The page as it is laid out: marks on pages, and the logical structure that they belong to.
//! Coordinates are points from the top left corner of an A4 page.

use super::PrintError;
use super::fonts::{Fonts, Weight};

pub(super) const PAGE_WIDTH: f32 = 595.276;
pub(super) const PAGE_HEIGHT: f32 = 841.89;
pub(super) const LEFT: f32 = 48.0;
pub(super) const RIGHT: f32 = PAGE_WIDTH - 48.0;
pub(super) const TOP: f32 = 44.0;
/// Nothing but the foot of the page goes below.
pub(super) const BOTTOM: f32 = PAGE_HEIGHT - 74.0;
/// Most pages of one document: 10,000 lines fit.
const MAX_PAGES: usize = 2000;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Ink {
    Text,
    Quiet,
    Accent,
    Alert,
    Hairline,
    Shade,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    pub size: f32,
    pub weight: Weight,
    pub ink: Ink,
}

impl Style {
    pub const fn new(size: f32, weight: Weight, ink: Ink) -> Self {
        Self { size, weight, ink }
    }

    pub fn leading(self) -> f32 {
        self.size * 1.32
    }
}

pub(super) const BODY: Style = Style::new(8.5, Weight::Regular, Ink::Text);
pub(super) const BODY_BOLD: Style = Style::new(8.5, Weight::Bold, Ink::Text);
pub(super) const SMALL: Style = Style::new(7.2, Weight::Regular, Ink::Quiet);
pub(super) const LABEL: Style = Style::new(7.2, Weight::Bold, Ink::Quiet);

/// What a piece of the page is, for readers that do not see it (tagged PDF, ISO 32000-1 14.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Title,
    Heading,
    Paragraph,
    Table,
    Row,
    HeaderCell,
    Cell,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NodeId(pub usize);

#[derive(Debug)]
pub(super) struct Node {
    pub role: Role,
    pub parent: Option<NodeId>,
}

#[derive(Debug)]
pub(super) enum Mark {
    /// `y` is the baseline. Without a node it is no content (repeated headings, the foot).
    Text {
        x: f32,
        y: f32,
        style: Style,
        text: String,
        node: Option<NodeId>,
    },
    Line {
        x1: f32,
        x2: f32,
        y: f32,
        ink: Ink,
        width: f32,
    },
    Box {
        x: f32,
        y: f32,
        width: f32,
        height: f32,
        ink: Ink,
    },
}

pub(super) struct Canvas {
    pub fonts: &'static Fonts,
    pub pages: Vec<Vec<Mark>>,
    pub nodes: Vec<Node>,
    /// Top of the free space on the last page.
    pub y: f32,
}

impl Canvas {
    pub fn new() -> Result<Self, PrintError> {
        Ok(Self {
            fonts: Fonts::shared()?,
            pages: vec![Vec::new()],
            nodes: Vec::new(),
            y: TOP,
        })
    }

    pub fn node(&mut self, role: Role, parent: Option<NodeId>) -> NodeId {
        self.nodes.push(Node { role, parent });
        NodeId(self.nodes.len() - 1)
    }

    fn mark(&mut self, mark: Mark) {
        if let Some(page) = self.pages.last_mut() {
            page.push(mark);
        }
    }

    pub fn new_page(&mut self) -> Result<(), PrintError> {
        if self.pages.len() >= MAX_PAGES {
            return Err(PrintError::Draw(format!(
                "the document needs more than {MAX_PAGES} pages"
            )));
        }
        self.pages.push(Vec::new());
        self.y = TOP;
        Ok(())
    }

    pub fn fits(&self, height: f32) -> bool {
        self.y + height <= BOTTOM
    }

    pub fn space(&mut self, height: f32) {
        self.y += height;
    }

    pub fn width(&self, text: &str, style: Style) -> f32 {
        self.fonts.width(text, style.weight) * style.size
    }

    /// `top` is the top of the line of text.
    pub fn text(&mut self, x: f32, top: f32, style: Style, text: &str, node: Option<NodeId>) {
        if !text.is_empty() {
            self.mark(Mark::Text {
                x,
                y: top + style.size,
                style,
                text: text.to_owned(),
                node,
            });
        }
    }

    pub fn text_right(&mut self, right: f32, top: f32, style: Style, text: &str, node: Option<NodeId>) {
        let width = self.width(text, style);
        self.text(right - width, top, style, text, node);
    }

    pub fn line(&mut self, x1: f32, x2: f32, y: f32, ink: Ink, width: f32) {
        self.mark(Mark::Line { x1, x2, y, ink, width });
    }

    pub fn fill(&mut self, x: f32, y: f32, width: f32, height: f32, ink: Ink) {
        self.mark(Mark::Box {
            x,
            y,
            width,
            height,
            ink,
        });
    }

    /// A paragraph over the full width, continued on the next page where it does not fit.
    pub fn paragraph(&mut self, style: Style, role: Role, text: &str) -> Result<(), PrintError> {
        let node = self.node(role, None);
        for line in self.wrap(text, style, RIGHT - LEFT) {
            if !self.fits(style.leading()) {
                self.new_page()?;
            }
            let top = self.y;
            self.text(LEFT, top, style, &line, Some(node));
            self.y += style.leading();
        }
        Ok(())
    }

    /// A heading that stays with at least `keep` points of what follows.
    pub fn heading(&mut self, text: &str, keep: f32) -> Result<(), PrintError> {
        let style = Style::new(9.5, Weight::Bold, Ink::Accent);
        if !self.fits(style.leading() + keep) {
            self.new_page()?;
        }
        self.paragraph(style, Role::Heading, text)?;
        self.space(2.0);
        Ok(())
    }

    /// Breaks `text` into lines of at most `width` points: at white space, between ideographs, and inside a word only
    /// where the word alone is too wide. Line breaks in the text are kept; control characters are not.
    pub fn wrap(&self, text: &str, style: Style, width: f32) -> Vec<String> {
        let mut lines = Vec::new();
        for part in text.lines() {
            self.wrap_line(part, style, width, &mut lines);
        }
        lines
    }

    fn wrap_line(&self, text: &str, style: Style, width: f32, lines: &mut Vec<String>) {
        let mut line = String::new();
        let mut line_width = 0.0;
        for word in words(text) {
            let word_width = self.width(&word, style);
            let trimmed = self.width(word.trim_end(), style);
            if line_width + trimmed <= width || (line.is_empty() && trimmed <= width) {
                line.push_str(&word);
                line_width += word_width;
                continue;
            }
            if !line.is_empty() {
                lines.push(line.trim_end().to_owned());
                line.clear();
                line_width = 0.0;
            }
            for c in word.chars() {
                let advance = self.fonts.char_width(c, style.weight) * style.size;
                if line_width + advance > width && !line.is_empty() {
                    lines.push(std::mem::take(&mut line));
                    line_width = 0.0;
                }
                line.push(c);
                line_width += advance;
            }
        }
        if !line.trim_end().is_empty() || text.is_empty() {
            lines.push(line.trim_end().to_owned());
        }
    }
}

/// Pieces that stay together, each with the space behind it.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    for c in text.chars().map(|c| if c.is_control() { ' ' } else { c }) {
        if ideograph(c) {
            if !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
            words.push(c.to_string());
            continue;
        }
        if !c.is_whitespace() && word.ends_with(char::is_whitespace) {
            words.push(std::mem::take(&mut word));
        }
        word.push(c);
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// Scripts that may break between any two characters (UAX 14, class ID, roughly).
fn ideograph(c: char) -> bool {
    matches!(u32::from(c), 0x2E80..=0x9FFF | 0xAC00..=0xD7AF | 0xF900..=0xFAFF | 0xFF00..=0xFFEF)
}
