//! Elements of SVG.

/// Width and height in CSS pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Size {
    pub(crate) width: f64,
    pub(crate) height: f64,
}

impl Size {
    /// In a column of text.
    pub(crate) const WIDE: Self = Self { width: 720.0, height: 400.0 };
    /// On a phone, and as one of several side by side.
    pub(crate) const NARROW: Self = Self { width: 360.0, height: 300.0 };
}
