//! Axes.

use serde::{Deserialize, Serialize};

/// What an axis measures, and how.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Axis {
    pub(crate) label: String,
    pub(crate) scale: Scale,
    pub(crate) unit: Unit,
    /// Lowest and highest; found from the data where it is not given.
    pub(crate) range: Option<(f64, f64)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Scale {
    Linear,
    /// Without what is not above 0.
    Log,
    /// A quantile q from 0 to 1 at −log(1 − q): each nine is as wide as the one before.
    Quantile,
}

/// How the numbers at the ticks are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Unit {
    Plain,
    /// `10 ms`, `1 s`, `5 min`.
    Seconds,
    /// `16 MiB`.
    Bytes,
    /// The value is in percent already: `50 %`.
    Percent,
}

impl Axis {
    pub(crate) fn linear(label: impl Into<String>) -> Self {
        Self { label: label.into(), scale: Scale::Linear, unit: Unit::Plain, range: None }
    }

    pub(crate) fn log(label: impl Into<String>) -> Self {
        Self { scale: Scale::Log, ..Self::linear(label) }
    }

    pub(crate) fn quantile(label: impl Into<String>) -> Self {
        Self { scale: Scale::Quantile, ..Self::linear(label) }
    }

    pub(crate) fn unit(self, unit: Unit) -> Self {
        Self { unit, ..self }
    }

    /// From `low` to `high`, whatever the data say.
    pub(crate) fn range(self, low: f64, high: f64) -> Self {
        Self { range: Some((low, high)), ..self }
    }
}
