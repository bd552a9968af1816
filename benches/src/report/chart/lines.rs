//! Draws a [`Plot`].

use super::{
    COLORS, Chart, Plot, Series, Shape, Size,
    axis::Place,
    frame::{Entry, Frame, Sample},
    marks,
    svg::{Elements, polyline},
    ticks::text,
};

/// Below the data: ticks and the label of the x axis.
const BELOW: f64 = 52.0;
/// A marker at the edge is drawn whole.
const OVERLAP: f64 = 7.0;
/// Half of the line across at the ends of an interval.
const CAP: f64 = 4.0;

pub(super) fn draw(chart: &Chart, plot: &Plot, size: Size, part: &str) -> (String, f64) {
    let plot = plot.fit();
    let mut frame = Frame::new(size, &chart.title, &legend(&plot), &plot.y, BELOW);
    let y = frame.y_axis(&plot.y);
    let x = frame.x_axis(&plot.x);
    let clip = format!("{}-{part}-clip", chart.name);
    let (corner, over) = ((frame.left - OVERLAP, frame.top - OVERLAP), 2.0 * OVERLAP);
    frame.elements.clip(&clip, corner, (frame.right - frame.left + over, frame.bottom - frame.top + over));
    marks::draw_spans(&mut frame, &plot.marks, &x);
    for (color, series) in plot.colored() {
        frame.elements.open(&format!(r#"class="s{}" clip-path="url(#{clip})""#, color % COLORS));
        Pen { elements: &mut frame.elements, x: &x, y: &y, color }.draw(series);
        frame.elements.close();
    }
    marks::draw(&mut frame, &plot.marks, &x, &y);
    (frame.elements.0, frame.height)
}

/// One entry for each name.
fn legend(plot: &Plot) -> Vec<Entry> {
    let mut entries: Vec<Entry> = vec![];
    for (color, series) in plot.colored() {
        if entries.iter().any(|entry| entry.name == series.name) || series.points.is_empty() {
            continue;
        }
        let sample = match series.shape {
            Shape::Line => Sample::Line { dashed: series.dashed, marker: true },
            Shape::Curve | Shape::Step => Sample::Line { dashed: series.dashed, marker: false },
            Shape::Area => Sample::Block,
            Shape::Points => Sample::Marker,
        };
        entries.push(Entry { name: series.name.clone(), color, sample });
    }
    entries
}

/// Draws series of one colour.
struct Pen<'a> {
    elements: &'a mut Elements,
    x: &'a Place,
    y: &'a Place,
    color: usize,
}

impl Pen<'_> {
    fn draw(&mut self, series: &Series) {
        let placed = |(x, y): &(f64, f64)| self.place(*x, *y);
        let points: Vec<_> = series.points.iter().filter_map(placed).collect();
        let stepped = matches!(series.shape, Shape::Step | Shape::Area);
        let line = thin(&if stepped { steps(&points) } else { points });
        self.interval(series);
        if let (Shape::Area, Some(first), Some(last)) = (series.shape, line.first(), line.last()) {
            let corners = [(last.0, self.y.from), (first.0, self.y.from)];
            let area: Vec<_> = line.iter().copied().chain(corners).collect();
            self.elements.path(&(polyline(&area) + "z"), "band");
        }
        if series.shape != Shape::Points {
            self.elements.path(&polyline(&line), if series.dashed { "line dashed" } else { "line" });
        }
        if matches!(series.shape, Shape::Line | Shape::Points) {
            for (x, y) in &series.points {
                let tip = self.tip(&series.name, *x, *y);
                if let Some(at) = self.place(*x, *y) {
                    self.elements.marker(at, self.color, &tip);
                }
            }
        }
    }

    /// A band along a line, a bar at each of single points.
    fn interval(&mut self, series: &Series) {
        let place = |x: f64, y: f64| self.place(x, y);
        let ends: Vec<_> =
            series.interval.iter().filter_map(|(x, low, high)| Some((place(*x, *low)?, place(*x, *high)?))).collect();
        if series.shape == Shape::Points || ends.len() == 1 {
            for (low, high) in ends {
                self.elements.line(low, high, "whisker");
                for (x, y) in [low, high] {
                    self.elements.line((x - CAP, y), (x + CAP, y), "whisker");
                }
            }
            return;
        }
        let band: Vec<_> = ends.iter().map(|(_, high)| *high).chain(ends.iter().rev().map(|(low, _)| *low)).collect();
        if !band.is_empty() {
            self.elements.path(&(polyline(&band) + "z"), "band");
        }
    }

    fn place(&self, x: f64, y: f64) -> Option<(f64, f64)> {
        (self.x.axis.takes(x) && self.y.axis.takes(y)).then(|| (self.x.at(x), self.y.at(y)))
    }

    fn tip(&self, name: &str, x: f64, y: f64) -> String {
        format!("{name}: {} at {}", text(y, self.y.axis.unit), text(x, self.x.axis.unit))
    }
}

/// Corners between points: a value holds until the next.
fn steps(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let corner = |pair: &[(f64, f64)]| [pair[0], (pair[1].0, pair[0].1)];
    points.windows(2).flat_map(corner).chain(points.last().copied()).collect()
}

/// Of the points within one pixel of x the first, the lowest, the highest and the last: nothing that could be seen is lost.
fn thin(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut thinned: Vec<(f64, f64)> = vec![];
    #[expect(clippy::float_cmp, reason = "both are rounded")]
    for column in points.chunk_by(|a, b| a.0.round() == b.0.round()) {
        if column.len() <= 4 {
            thinned.extend(column);
            continue;
        }
        let by_y = |a: &usize, b: &usize| column[*a].1.total_cmp(&column[*b].1);
        let (low, high) = ((0..column.len()).min_by(by_y), (0..column.len()).max_by(by_y));
        let mut kept: Vec<_> = [Some(0), low, high, Some(column.len() - 1)].into_iter().flatten().collect();
        kept.sort_unstable();
        kept.dedup();
        thinned.extend(kept.into_iter().map(|at| column[at]));
    }
    thinned
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_of_points_become_a_few_for_each_pixel_and_keep_their_extremes() {
        let points: Vec<_> = (0..50_000_u32).map(|at| (f64::from(at) / 500.0, f64::from(at * 7919 % 1000))).collect();
        let thinned = thin(&points);
        assert!(thinned.len() <= 4 * 101, "{}", thinned.len());
        let extremes = |points: &[(f64, f64)]| {
            points.iter().fold((f64::MAX, f64::MIN), |(low, high), (_, y)| (low.min(*y), high.max(*y)))
        };
        assert_eq!(extremes(&thinned), extremes(&points));
        assert_eq!((thinned.first(), thinned.last()), (points.first(), points.last()));
        assert!(thinned.is_sorted_by(|a, b| a.0 <= b.0));
    }

    #[test]
    fn a_step_keeps_its_value_until_the_next_point() {
        assert_eq!(steps(&[(0.0, 1.0), (2.0, 5.0)]), [(0.0, 1.0), (2.0, 1.0), (2.0, 5.0)]);
    }
}
