//! Draws the marks of a plot.

use super::{
    Mark,
    axis::Place,
    frame::{Frame, LINE},
    svg::{Anchor, bold_width},
};

/// Letters of the notes.
const NOTE: f64 = 12.0;

/// The shaded pieces, which are below the data.
pub(super) fn draw_spans(frame: &mut Frame, marks: &[Mark], x: &Place) {
    for mark in marks {
        if let Mark::Span { from, to, .. } = mark {
            let (from, to) = (x.at(*from).clamp(frame.left, frame.right), x.at(*to).clamp(frame.left, frame.right));
            frame.elements.rect((from, frame.top), (to - from, frame.bottom - frame.top), "span", "");
        }
    }
}

/// The lines of all marks, and then their texts: a line does not cross what is written.
pub(super) fn draw(frame: &mut Frame, marks: &[Mark], x: &Place, y: &Place) {
    let mut notes = vec![];
    for mark in marks {
        match mark {
            Mark::Horizontal { y: value, text } if y.holds(*value) => {
                let at = y.at(*value);
                frame.elements.line((frame.left, at), (frame.right, at), "mark");
                notes.insert(0, Note { text, x: frame.right, row: at - 6.0, anchor: Anchor::End });
            }
            Mark::Vertical { x: value, text } if x.holds(*value) => {
                let at = x.at(*value);
                frame.elements.line((at, frame.top), (at, frame.bottom), "mark");
                notes.push(beside(frame, at, at, text));
            }
            Mark::Span { from, to, text } if x.holds(*from) => {
                notes.push(beside(frame, x.at(*from), x.at(*to).min(frame.right), text));
            }
            _ => {}
        }
    }
    let mut written: Vec<Note> = vec![];
    for mut note in notes {
        while written.iter().any(|other| other.meets(&note)) && note.row < frame.bottom {
            note.row += LINE - 2.0;
        }
        frame.elements.text((note.x, note.row), "note", note.anchor, note.text);
        written.push(note);
    }
}

/// The text of a mark.
struct Note<'a> {
    text: &'a str,
    x: f64,
    row: f64,
    anchor: Anchor,
}

impl Note<'_> {
    fn ends(&self) -> (f64, f64) {
        let width = bold_width(self.text, NOTE);
        if self.anchor == Anchor::Start { (self.x, self.x + width) } else { (self.x - width, self.x) }
    }

    fn meets(&self, other: &Note<'_>) -> bool {
        let ((from, to), (other_from, other_to)) = (self.ends(), other.ends());
        (self.row - other.row).abs() < NOTE && from < other_to + NOTE && other_from < to + NOTE
    }
}

/// A text within a span or beside a line, at the side that has room.
fn beside<'a>(frame: &Frame, from: f64, to: f64, text: &'a str) -> Note<'a> {
    let (width, gap) = (bold_width(text, NOTE), 6.0);
    let row = frame.top + NOTE;
    let places = [(from, to.min(frame.right)), (to, frame.right)];
    let right = places.into_iter().map(|(start, end)| (start + gap, end)).find(|(start, end)| start + width <= *end);
    match right {
        Some((start, _)) => Note { text, x: start, row, anchor: Anchor::Start },
        None => Note { text, x: from - gap, row, anchor: Anchor::End },
    }
}
