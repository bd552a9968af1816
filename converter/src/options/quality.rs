//! How many bits an mp3 gets.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::OptionError;

/// Bit rates that MPEG-1 layer III has (ISO/IEC 11172-3 §2.4.2.3), in kbit/s.
pub(super) const KBPS: [u16; 14] = [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];

/// How many bits the mp3 gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Quality {
    /// Variable bit rate, LAME's V0 (best) to V9 (smallest).
    Variable(u8),
    /// Constant bit rate in kbit/s, 32 to 320.
    Constant(u16),
}

impl Default for Quality {
    fn default() -> Self {
        Self::Variable(2)
    }
}

impl fmt::Display for Quality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(level) => write!(f, "V{level}"),
            Self::Constant(kbps) => write!(f, "{kbps}"),
        }
    }
}

impl FromStr for Quality {
    type Err = OptionError;

    /// Reads `V0` … `V9`, or a bit rate that MPEG-1 layer III has.
    fn from_str(text: &str) -> Result<Self, OptionError> {
        if let Some(level) = text.strip_prefix(['V', 'v']) {
            return match level.parse() {
                Ok(level @ 0..=9) if text.len() == 2 => Ok(Self::Variable(level)),
                _ => Err(OptionError(format!("quality must be one of V0 (best) to V9 (smallest), not {text:?}"))),
            };
        }
        match text.parse() {
            Ok(kbps) if KBPS.contains(&kbps) => Ok(Self::Constant(kbps)),
            _ => Err(OptionError(format!("bitrate must be one of {KBPS:?} kbit/s, not {text:?}"))),
        }
    }
}

impl From<Quality> for String {
    fn from(quality: Quality) -> Self {
        quality.to_string()
    }
}

impl TryFrom<String> for Quality {
    type Error = OptionError;

    fn try_from(text: String) -> Result<Self, OptionError> {
        text.parse()
    }
}
