//! Grouped bars.

use serde::{Deserialize, Serialize};

use super::Axis;

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
    pub(crate) interval: Option<(f64, f64)>,
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
}

impl Bar {
    pub(crate) fn between(value: f64, low: f64, high: f64) -> Self {
        let interval = (low.is_finite() && high.is_finite()).then_some((low, high));
        Self { interval, ..value.into() }
    }
}

impl From<f64> for Bar {
    fn from(value: f64) -> Self {
        Self { value: value.is_finite().then_some(value), interval: None }
    }
}

impl From<Option<f64>> for Bar {
    fn from(value: Option<f64>) -> Self {
        value.map(Self::from).unwrap_or_default()
    }
}
