//! Charts as SVG: lines, steps, areas and bars, with intervals and marks, on linear and logarithmic axes.

mod axis;
mod bars;
mod frame;
mod lines;
mod marks;
mod plot;
mod spectrum;
mod svg;
mod ticks;

use serde::{Deserialize, Serialize};

use super::text::html as escape;

pub(crate) use self::{
    axis::{Axis, Unit},
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
        let fitted: Vec<_> = charts.iter().map(|chart| chart.drawing.fit()).collect();
        let union = |axis: fn(&Drawing) -> Option<&Axis>| {
            let ranges = fitted.iter().filter_map(axis).filter_map(|axis| axis.range);
            ranges.reduce(|(low, high), (from, to)| (low.min(from), high.max(to)))
        };
        let (x, y) = (union(Drawing::x), union(|drawing| Some(drawing.y())));
        for chart in charts {
            match &mut chart.drawing {
                Drawing::Plot(plot) => (plot.x.range, plot.y.range) = (plot.x.range.or(x), plot.y.range.or(y)),
                Drawing::Bars(bars) => bars.y.range = bars.y.range.or(y),
            }
        }
    }

    /// The chart as an `<svg>` element, with the classes of `chart.css`. `part` is in its ids, which are unique in a document.
    pub(crate) fn svg(&self, size: Size, part: &str) -> String {
        self.element(size, part, "")
    }

    /// The chart as a file of its own, with a background: it may be shown on a page of the other brightness.
    pub(crate) fn file(&self, size: Size) -> String {
        self.element(
            size,
            "file",
            &format!("<style>{STYLE}</style>\n<rect width=\"100%\" height=\"100%\" class=\"surface\"/>\n"),
        )
    }

    fn element(&self, size: Size, part: &str, before: &str) -> String {
        let (drawing, height) = match &self.drawing {
            Drawing::Plot(plot) => lines::draw(self, plot, size, part),
            Drawing::Bars(bars) => bars::draw(self, bars, size),
        };
        let (id, width) = (format!("{}-{part}", self.name), size.width);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height:.0}\" width=\"{width}\" height=\"{height:.0}\" class=\"chart\" role=\"img\" \
             aria-labelledby=\"{id}-title {id}-caption\">\n<title id=\"{id}-title\">{}</title>\n\
             <desc id=\"{id}-caption\">{}</desc>\n{before}{drawing}</svg>\n",
            escape(&self.title),
            escape(&self.caption)
        )
    }
}

impl Drawing {
    fn fit(&self) -> Self {
        match self {
            Self::Plot(plot) => Self::Plot(plot.fit()),
            Self::Bars(bars) => Self::Bars(bars.fit()),
        }
    }

    fn x(&self) -> Option<&Axis> {
        match self {
            Self::Plot(plot) => Some(&plot.x),
            Self::Bars(_) => None,
        }
    }

    fn y(&self) -> &Axis {
        match self {
            Self::Plot(plot) => &plot.y,
            Self::Bars(bars) => &bars.y,
        }
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
