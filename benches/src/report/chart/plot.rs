//! What is drawn between two axes of numbers.

use serde::{Deserialize, Serialize};

use super::Axis;

/// A chart of points.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Plot {
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    pub(crate) series: Vec<Series>,
    pub(crate) marks: Vec<Mark>,
}

impl Plot {
    pub(crate) fn new(x: Axis, y: Axis) -> Self {
        Self { x, y, series: vec![], marks: vec![] }
    }

    pub(crate) fn series(mut self, series: Series) -> Self {
        self.series.push(series);
        self
    }

    pub(crate) fn mark(mut self, mark: Mark) -> Self {
        self.marks.push(mark);
        self
    }

    /// The plot with ranges on both axes: those of all it holds.
    pub(super) fn fit(&self) -> Self {
        let points = self.series.iter().flat_map(|series| &series.points);
        let intervals = self.series.iter().flat_map(|series| &series.interval);
        let across = self.marks.iter().flat_map(|mark| match mark {
            Mark::Vertical { x, .. } => vec![*x],
            Mark::Span { from, to, .. } => vec![*from, *to],
            Mark::Horizontal { .. } => vec![],
        });
        let up =
            self.marks.iter().filter_map(|mark| if let Mark::Horizontal { y, .. } = mark { Some(*y) } else { None });
        let x = points.clone().map(|(x, _)| *x).chain(across);
        let y = points.map(|(_, y)| *y).chain(intervals.flat_map(|(_, low, high)| [*low, *high])).chain(up);
        Self { x: self.x.fit(x, false), y: self.y.fit(y, true), ..self.clone() }
    }

    /// The series with the numbers of their colours.
    pub(super) fn colored(&self) -> impl Iterator<Item = (usize, &Series)> {
        self.series.iter().enumerate().map(|(at, series)| (series.color.unwrap_or(at), series))
    }
}

/// Points that belong together. Two of one name share one entry of the legend.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) shape: Shape,
    /// x and y, in the order of x.
    pub(crate) points: Vec<(f64, f64)>,
    /// x, low and high: the interval around the line, drawn as a band, or around each point, drawn as a bar.
    pub(crate) interval: Vec<(f64, f64, f64)>,
    /// Number of the colour; that of its place among the series where it is not given.
    pub(crate) color: Option<usize>,
    pub(crate) dashed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Shape {
    /// With a marker at each point.
    Line,
    /// Without markers: of a formula, or of hundreds of points.
    Curve,
    /// Keeps its value until the next point.
    Step,
    /// A step with the area below it filled.
    Area,
    /// Markers alone.
    Points,
}

impl Series {
    fn new(name: impl Into<String>, shape: Shape, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        let points = points.into_iter().filter(|(x, y)| x.is_finite() && y.is_finite()).collect();
        Self { name: name.into(), shape, points, interval: vec![], color: None, dashed: false }
    }

    pub(crate) fn line(name: impl Into<String>, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        Self::new(name, Shape::Line, points)
    }

    pub(crate) fn curve(name: impl Into<String>, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        Self::new(name, Shape::Curve, points)
    }

    pub(crate) fn step(name: impl Into<String>, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        Self::new(name, Shape::Step, points)
    }

    pub(crate) fn area(name: impl Into<String>, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        Self::new(name, Shape::Area, points)
    }

    pub(crate) fn points(name: impl Into<String>, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        Self::new(name, Shape::Points, points)
    }

    /// x, low and high of the interval around the values.
    pub(crate) fn interval(self, interval: impl IntoIterator<Item = (f64, f64, f64)>) -> Self {
        let finite = |(x, low, high): &(f64, f64, f64)| x.is_finite() && low.is_finite() && high.is_finite();
        Self { interval: interval.into_iter().filter(finite).collect(), ..self }
    }

    /// The same number is the same colour on each chart of a page.
    pub(crate) fn color(self, color: usize) -> Self {
        Self { color: Some(color), ..self }
    }

    pub(crate) fn dashed(self) -> Self {
        Self { dashed: true, ..self }
    }
}

/// An annotation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Mark {
    /// A dashed line across: the knee, the capacity.
    Vertical {
        x: f64,
        text: String,
    },
    Horizontal {
        y: f64,
        text: String,
    },
    /// A shaded piece of the x axis: the broker was down.
    Span {
        from: f64,
        to: f64,
        text: String,
    },
}

impl Mark {
    pub(crate) fn vertical(x: f64, text: impl Into<String>) -> Self {
        Self::Vertical { x, text: text.into() }
    }

    pub(crate) fn horizontal(y: f64, text: impl Into<String>) -> Self {
        Self::Horizontal { y, text: text.into() }
    }

    pub(crate) fn span(from: f64, to: f64, text: impl Into<String>) -> Self {
        Self::Span { from, to, text: text.into() }
    }
}
