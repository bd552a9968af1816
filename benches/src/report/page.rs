//! A page: built once, rendered as HTML and as Markdown.
//!
//! All texts are plain: both renderers escape them. The one mark-up is code between backticks.

use serde::{Deserialize, Serialize};

use super::{chart::Chart, number};

/// A report, from top to bottom.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Page {
    pub(crate) title: String,
    pub(crate) blocks: Vec<Block>,
}

/// A piece of a page.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Block {
    Heading(String),
    Paragraph(String),
    List(Vec<String>),
    Table(Table),
    Chart(Chart),
    /// Charts side by side, with the same axes: they can be compared at a glance.
    Multiples(Vec<Chart>),
    Verdicts(Vec<Verdict>),
    /// What a reader must not overlook, set apart: "What this does not prove".
    Note {
        title: String,
        points: Vec<String>,
    },
}

impl Page {
    pub(crate) fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), blocks: vec![] }
    }

    pub(crate) fn heading(&mut self, text: impl Into<String>) -> &mut Self {
        self.block(Block::Heading(text.into()))
    }

    pub(crate) fn paragraph(&mut self, text: impl Into<String>) -> &mut Self {
        self.block(Block::Paragraph(text.into()))
    }

    pub(crate) fn list<T: Into<String>>(&mut self, points: impl IntoIterator<Item = T>) -> &mut Self {
        self.block(Block::List(points.into_iter().map(Into::into).collect()))
    }

    pub(crate) fn table(&mut self, table: Table) -> &mut Self {
        self.block(Block::Table(table))
    }

    pub(crate) fn chart(&mut self, chart: Chart) -> &mut Self {
        self.block(Block::Chart(chart))
    }

    /// Small charts side by side; each axis gets the range of all of them.
    pub(crate) fn multiples(&mut self, charts: impl IntoIterator<Item = Chart>) -> &mut Self {
        let mut charts: Vec<_> = charts.into_iter().collect();
        Chart::share_axes(&mut charts);
        self.block(Block::Multiples(charts))
    }

    pub(crate) fn verdicts(&mut self, verdicts: impl IntoIterator<Item = Verdict>) -> &mut Self {
        self.block(Block::Verdicts(verdicts.into_iter().collect()))
    }

    pub(crate) fn note<T: Into<String>>(
        &mut self,
        title: impl Into<String>,
        points: impl IntoIterator<Item = T>,
    ) -> &mut Self {
        self.block(Block::Note { title: title.into(), points: points.into_iter().map(Into::into).collect() })
    }

    fn block(&mut self, block: Block) -> &mut Self {
        self.blocks.push(block);
        self
    }
}

/// A table with the unit of each number in its head: `p50, ms`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Table {
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Vec<Cell>>,
}

/// The head of a column.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Column {
    pub(crate) title: String,
    /// Numbers stand at the right, so that their digits are below each other.
    pub(crate) number: bool,
}

impl Column {
    pub(crate) fn text(title: impl Into<String>) -> Self {
        Self { title: title.into(), number: false }
    }

    pub(crate) fn number(title: impl Into<String>) -> Self {
        Self { title: title.into(), number: true }
    }
}

impl Table {
    pub(crate) fn new(columns: impl IntoIterator<Item = Column>) -> Self {
        Self { columns: columns.into_iter().collect(), rows: vec![] }
    }

    /// Adds a row; missing cells at its end stay empty, and those beyond the head are left out.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) -> &mut Self {
        let mut cells: Vec<_> = cells.into_iter().collect();
        cells.resize(self.columns.len(), Cell::default());
        self.rows.push(cells);
        self
    }
}

/// A cell; made with `.into()` from texts and numbers. An `f64` gets three digits, and `None` is shown as a dash.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cell(pub(crate) String);

impl Cell {
    /// A value with its interval: `12.3 (11.9 – 12.8)`.
    pub(crate) fn interval(value: f64, low: f64, high: f64) -> Self {
        let digits = |value| number::digits(value);
        Self(format!("{} ({} – {})", digits(value), digits(low), digits(high)))
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<f64> for Cell {
    fn from(value: f64) -> Self {
        Self(number::digits(value))
    }
}

impl From<u64> for Cell {
    fn from(value: u64) -> Self {
        Self(number::grouped(value))
    }
}

impl From<usize> for Cell {
    fn from(value: usize) -> Self {
        Self(number::grouped(value as u64))
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or_else(|| Self("–".to_owned()), Into::into)
    }
}

/// One line of the verdict table.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Verdict {
    /// "At half of the capacity".
    pub(crate) situation: String,
    pub(crate) winner: Winner,
    /// "blocking", "nobody", "not tested".
    pub(crate) answer: String,
    /// By how much, with the figures behind it.
    pub(crate) evidence: String,
}

/// How the answer is coloured; its words say the same without colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Winner {
    /// The series with this number, in the colour it has in the charts.
    Series(usize),
    Good,
    Bad,
    /// No difference that the samples carry.
    Even,
    Untested,
}

impl Verdict {
    pub(crate) fn new(
        situation: impl Into<String>,
        winner: Winner,
        answer: impl Into<String>,
        evidence: impl Into<String>,
    ) -> Self {
        Self { situation: situation.into(), winner, answer: answer.into(), evidence: evidence.into() }
    }
}
