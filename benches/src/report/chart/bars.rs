//! Grouped bars.

use serde::{Deserialize, Serialize};

use super::{
    Axis, COLORS, Chart, Size,
    axis::Place,
    frame::{Entry, Frame, LINE, Sample},
    svg::{Anchor, width as letters, wrap},
    ticks::text,
};
use crate::stats::float;

/// Of a group: the rest is between it and the next.
const FILLED: f64 = 0.78;
/// Widest bar: two bars are no wall.
const BAR_WIDTH_MAX: f64 = 72.0;
const LETTERS: f64 = 12.0;
/// Room for the ticks of the y axis and the edges.
const LEFT_MAX: f64 = 80.0;

/// Bars in groups, from 0; in each group one of every series.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Bars {
    /// Of the values; linear.
    pub(crate) y: Axis,
    pub(crate) groups: Vec<String>,
    pub(crate) series: Vec<(String, Vec<Bar>)>,
}

/// One value; nothing is drawn where it is `None`.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Bar {
    pub(crate) value: Option<f64>,
}

impl Bars {
    pub(crate) fn new<T: Into<String>>(y: Axis, groups: impl IntoIterator<Item = T>) -> Self {
        Self { y, groups: groups.into_iter().map(Into::into).collect(), series: vec![] }
    }

    /// Values in the order of the groups.
    pub(crate) fn series<T: Into<Bar>>(mut self, name: impl Into<String>, values: impl IntoIterator<Item = T>) -> Self {
        self.series.push((name.into(), values.into_iter().map(Into::into).collect()));
        self
    }

    /// The bars with a range on their axis.
    pub(super) fn fit(&self) -> Self {
        let bars = self.series.iter().flat_map(|(_, bars)| bars);
        let values = bars.filter_map(|bar| bar.value);
        Self { y: self.y.fit(values, true), ..self.clone() }
    }
}

impl From<f64> for Bar {
    fn from(value: f64) -> Self {
        Self { value: value.is_finite().then_some(value) }
    }
}

impl From<Option<f64>> for Bar {
    fn from(value: Option<f64>) -> Self {
        value.map(Self::from).unwrap_or_default()
    }
}

pub(super) fn draw(chart: &Chart, bars: &Bars, size: Size) -> (String, f64) {
    let bars = bars.fit();
    // The left edge is known only after the frame is drawn; no label is given more room than there is.
    let room = (size.width - LEFT_MAX) / count(bars.groups.len());
    let labels: Vec<_> = bars.groups.iter().map(|group| wrap(group, LETTERS, room - 4.0)).collect();
    let lines = count(labels.iter().map(Vec::len).max().unwrap_or(1));
    let names = bars.series.iter().map(|(name, _)| name.clone()).enumerate();
    let legend: Vec<_> = names.map(|(color, name)| Entry { name, color, sample: Sample::Block }).collect();
    let mut frame = Frame::new(size, &chart.title, &legend, &bars.y, 10.0 + LINE * lines);
    let y = frame.y_axis(&bars.y);
    let group_width = (frame.right - frame.left) / count(bars.groups.len());
    let width = (group_width * FILLED / count(bars.series.len())).min(BAR_WIDTH_MAX);
    let mut middle = frame.left + group_width / 2.0;
    for (group, label) in labels.iter().enumerate() {
        let mut left = middle - width * count(bars.series.len()) / 2.0;
        for (color, (name, values)) in bars.series.iter().enumerate() {
            frame.elements.open(&format!(r#"class="s{}""#, color % COLORS));
            let tip = format!("{name}, {}", bars.groups[group]);
            draw_bar(&mut frame, &y, values.get(group).copied().unwrap_or_default(), (left, width), &tip);
            frame.elements.close();
            left += width;
        }
        for (at, text) in label.iter().enumerate() {
            let line = frame.bottom + LINE + count(at + 1) * (LINE - 3.0) - (LINE - 3.0);
            frame.elements.text((middle, line), "tick", Anchor::Middle, text);
        }
        middle += group_width;
    }
    frame.base();
    (frame.elements.0, frame.height)
}

/// One bar, and its value above where there is room.
fn draw_bar(frame: &mut Frame, y: &Place, bar: Bar, (left, width): (f64, f64), tip: &str) {
    let Some(value) = bar.value else { return };
    let (middle, written) = (left + width / 2.0, text(value, y.axis.unit));
    let (zero, end) = (y.at(0.0), y.at(value));
    let tip = format!("{tip}: {written}");
    frame.elements.rect((left + 1.0, end.min(zero)), (width - 2.0, (zero - end).abs()), "bar", &tip);
    let top = end.min(zero);
    if letters(&written, LETTERS) <= width {
        frame.elements.text((middle, top - 5.0), "value", Anchor::Middle, &written);
    }
}

/// A number of things that are drawn; at least one.
fn count(things: usize) -> f64 {
    float(things.max(1))
}
