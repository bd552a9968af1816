//! A figure and what it should be.

use std::fmt;

use serde::Serialize;

/// Of the theory.
const ERROR_MAX: f64 = 0.02;

/// One figure against its theory.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    pub(super) what: String,
    /// Seconds, a share, or cores.
    pub(super) measured: f64,
    /// Where there is one.
    pub(super) theory: Option<f64>,
    pub(super) is_good: bool,
}

impl Row {
    /// Good where it is near the theory.
    pub(super) fn judged(what: String, measured: f64, theory: f64) -> Self {
        let is_good = (measured / theory - 1.0).abs() <= ERROR_MAX;
        Self { what, measured, theory: Some(theory), is_good }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "  {:<70}{:>9.4}", self.what, self.measured)?;
        match self.theory {
            Some(theory) => write!(f, "   theory {theory:.4} ({:+.2} %)", (self.measured / theory - 1.0) * 100.0)?,
            None => write!(f, "   {:<24}", "")?,
        }
        f.write_str(if self.is_good { "   good" } else { "   OFF" })
    }
}
