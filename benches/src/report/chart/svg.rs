//! Elements of SVG, and how much room letters take.

use std::fmt::Write as _;

use super::super::text::html as escape;

/// Widths of a space and of bold letters, for one pixel of the size of a letter and for one of a plain letter.
const SPACE: f64 = 0.3;
const BOLD: f64 = 1.12;

/// In CSS pixels. How high a chart is depends on the lines that its title and its legend need.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Size {
    pub(crate) width: f64,
    /// Of the data alone.
    pub(crate) height: f64,
}

impl Size {
    /// In a column of text.
    pub(crate) const WIDE: Self = Self { width: 720.0, height: 280.0 };
    /// On a phone, and as one of several side by side.
    pub(crate) const NARROW: Self = Self { width: 360.0, height: 190.0 };
}

/// Where a text stands relative to its x.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// Elements, one after the other; all coordinates in pixels, rounded to a tenth.
#[derive(Debug, Default)]
pub(super) struct Elements(pub(super) String);

impl Elements {
    pub(super) fn text(&mut self, (x, y): (f64, f64), class: &str, anchor: Anchor, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        self.push(&format!(
            r#"<text x="{x:.1}" y="{y:.1}" class="{class}" text-anchor="{anchor}">{}</text>"#,
            escape(text)
        ));
    }

    pub(super) fn line(&mut self, from: (f64, f64), to: (f64, f64), class: &str) {
        self.push(&format!(
            r#"<line x1="{:.1}" y1="{:.1}" x2="{:.1}" y2="{:.1}" class="{class}"/>"#,
            from.0, from.1, to.0, to.1
        ));
    }

    pub(super) fn rect(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), class: &str, tip: &str) {
        let (width, height) = (width.max(0.0), height.max(0.0));
        self.push(&format!(
            r#"<rect x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" class="{class}"{}"#,
            closed("rect", tip)
        ));
    }

    pub(super) fn path(&mut self, d: &str, class: &str) {
        if !d.is_empty() {
            self.push(&format!(r#"<path d="{d}" class="{class}"/>"#));
        }
    }

    /// The marker of a series, of a form of its own for each colour, with the text that appears when a pointer rests on it.
    pub(super) fn marker(&mut self, (x, y): (f64, f64), color: usize, tip: &str) {
        let d = match color % super::COLORS {
            0 => format!("M{:.1} {y:.1}a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z", x - 4.0),
            1 => format!("M{:.1} {:.1}h7v7h-7z", x - 3.5, y - 3.5),
            2 => format!("M{x:.1} {:.1}l4.5 8h-9z", y - 5.0),
            3 => format!("M{x:.1} {:.1}l5 5l-5 5l-5 -5z", y - 5.0),
            4 => format!("M{x:.1} {:.1}l-4.5 -8h9z", y + 5.0),
            _ => format!("M{:.1} {:.1}h10v4h-10z", x - 5.0, y - 2.0),
        };
        self.push(&format!(r#"<path d="{d}" class="marker"{}"#, closed("path", tip)));
    }

    /// Names a rectangle; what refers to it is drawn inside of it alone.
    pub(super) fn clip(&mut self, id: &str, (x, y): (f64, f64), (width, height): (f64, f64)) {
        self.push(&format!(
            r#"<clipPath id="{id}"><rect x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}"/></clipPath>"#
        ));
    }

    pub(super) fn open(&mut self, attributes: &str) {
        self.push(&format!("<g {attributes}>"));
    }

    pub(super) fn close(&mut self) {
        self.push("</g>");
    }

    fn push(&mut self, element: &str) {
        self.0.push_str(element);
        self.0.push('\n');
    }
}

/// The end of an element, with a tooltip where there is one.
fn closed(name: &str, tip: &str) -> String {
    if tip.is_empty() { "/>".to_owned() } else { format!("><title>{}</title></{name}>", escape(tip)) }
}

/// A polygon line through points.
pub(super) fn polyline(points: &[(f64, f64)]) -> String {
    let mut d = String::new();
    for (at, (x, y)) in points.iter().enumerate() {
        let _ = write!(d, "{}{x:.1} {y:.1}", if at == 0 { 'M' } else { 'L' });
    }
    d
}

/// How wide a text of this size is in a wide sans-serif font, about: no font is at hand to measure with.
pub(super) fn width(text: &str, size: f64) -> f64 {
    let letter = |c: char| match c {
        ' ' | 'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | ';' | '\'' | '|' | '(' | ')' => SPACE + 0.02,
        'f' | 't' | 'r' | '-' | '/' => 0.4,
        'm' | 'w' | 'M' | 'W' | '%' => 0.9,
        'A'..='Z' | '0'..='9' | '–' => 0.65,
        _ => 0.6,
    };
    text.chars().map(letter).sum::<f64>() * size
}

/// As [`width`], of bold letters.
pub(super) fn bold_width(text: &str, size: f64) -> f64 {
    width(text, size) * BOLD
}

/// The text in lines that are at most so wide; a longer word has a line of its own.
pub(super) fn wrap(text: &str, size: f64, width_max: f64) -> Vec<String> {
    let mut lines: Vec<String> = vec![];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if width(line, size) + width(word, size) + size * SPACE <= width_max => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
