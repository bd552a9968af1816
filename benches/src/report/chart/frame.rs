//! What is around the data: title, legend, axes, grid.

use super::{
    COLORS, Size,
    axis::{Axis, Place},
    svg::{Anchor, Elements, bold_width, width, wrap},
    ticks::{Tick, ticks},
};

const TITLE: f64 = 16.0;
const LETTERS: f64 = 13.0;
pub(super) const LINE: f64 = 18.0;
const EDGE: f64 = 12.0;
/// Of a sample of a series in the legend.
const SAMPLE: f64 = 24.0;
/// Room that a tick of each axis needs, at least.
const TICK_WIDTH: f64 = 64.0;
const TICK_HEIGHT: f64 = 38.0;

/// An entry of the legend.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) color: usize,
    pub(super) sample: Sample,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sample {
    Line { dashed: bool, marker: bool },
    Marker,
    Block,
}

/// The chart as far as it is drawn, and where the data go.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) elements: Elements,
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
    /// Of the whole chart.
    pub(super) height: f64,
}

impl Frame {
    /// Draws the title, the legend and the label of the y axis, and leaves `below` for what is under the data.
    pub(super) fn new(size: Size, title: &str, legend: &[Entry], y: &Axis, below: f64) -> Self {
        let mut elements = Elements::default();
        let mut line = EDGE + TITLE;
        let room = (size.width - 2.0 * EDGE) * width(title, TITLE) / bold_width(title, TITLE).max(1.0);
        for text in wrap(title, TITLE, room) {
            elements.text((EDGE, line), "title", Anchor::Start, &text);
            line += TITLE + 4.0;
        }
        line = draw_legend(&mut elements, legend, line, size.width);
        elements.text((EDGE, line + 4.0), "label", Anchor::Start, &y.label);
        let top = line + 16.0;
        let bottom = top + size.height;
        let widest =
            ticks(y, spaces(bottom - top, TICK_HEIGHT)).iter().map(|tick| width(&tick.text, 12.0)).fold(0.0, f64::max);
        Self {
            elements,
            left: EDGE + widest + 8.0,
            right: size.width - 2.0 * EDGE,
            top,
            bottom,
            height: bottom + below,
        }
    }

    /// Draws the y axis: a line across for each tick. Gives its place.
    pub(super) fn y_axis(&mut self, axis: &Axis) -> Place {
        let place = axis.place(self.bottom, self.top);
        for tick in ticks(axis, spaces(self.bottom - self.top, TICK_HEIGHT)) {
            let y = place.at(tick.value);
            self.elements.line((self.left, y), (self.right, y), "grid");
            self.elements.text((self.left - 8.0, y + 4.0), "tick", Anchor::End, &tick.text);
        }
        place
    }

    /// Draws the x axis with its label. Gives its place.
    pub(super) fn x_axis(&mut self, axis: &Axis) -> Place {
        let place = axis.place(self.left, self.right);
        let mut free = f64::NEG_INFINITY;
        for Tick { value, text } in ticks(axis, spaces(self.right - self.left, TICK_WIDTH)) {
            let x = place.at(value);
            self.elements.line((x, self.bottom), (x, self.bottom + 5.0), "axis");
            let half = width(&text, 12.0) / 2.0;
            if x - half > free {
                self.elements.text((x, self.bottom + 20.0), "tick", Anchor::Middle, &text);
                free = x + half + 6.0;
            }
        }
        self.base();
        self.elements.text((self.right, self.bottom + 40.0), "label", Anchor::End, &axis.label);
        place
    }

    /// The line below the data.
    pub(super) fn base(&mut self) {
        self.elements.line((self.left, self.bottom), (self.right, self.bottom), "axis");
    }
}

fn spaces(pixels: f64, each: f64) -> f64 {
    (pixels / each).floor().max(2.0)
}

/// Entries from left to right, in as many lines as they need; none where there is one series. Gives the next free line.
fn draw_legend(elements: &mut Elements, entries: &[Entry], line: f64, right: f64) -> f64 {
    if entries.len() < 2 {
        return line + 2.0;
    }
    let (mut x, mut y) = (EDGE, line + 4.0);
    for entry in entries {
        let room = SAMPLE + 6.0 + width(&entry.name, LETTERS);
        if x > EDGE && x + room > right - EDGE {
            (x, y) = (EDGE, y + LINE);
        }
        elements.open(&format!(r#"class="s{}""#, entry.color % COLORS));
        draw_sample(elements, entry, (x, y - 4.0));
        elements.close();
        elements.text((x + SAMPLE + 6.0, y), "legend", Anchor::Start, &entry.name);
        x += room + 20.0;
    }
    y + LINE + 4.0
}

fn draw_sample(elements: &mut Elements, entry: &Entry, (x, y): (f64, f64)) {
    let middle = (x + SAMPLE / 2.0, y);
    match entry.sample {
        Sample::Line { dashed, marker } => {
            elements.line((x, y), (x + SAMPLE, y), if dashed { "line dashed" } else { "line" });
            if marker {
                elements.marker(middle, entry.color, "");
            }
        }
        Sample::Marker => elements.marker(middle, entry.color, ""),
        Sample::Block => elements.rect((x, y - 6.0), (SAMPLE, 12.0), "bar", ""),
    }
}
