//! The two ways to upload.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How an upload is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Flow {
    /// 201 when the mp3 is there.
    Blocking,
    /// 202 when the video is stored.
    Queued,
}

impl Flow {
    pub(crate) const BOTH: [Self; 2] = [Self::Blocking, Self::Queued];

    /// Of the answer that is wished for.
    pub(crate) fn status(self) -> u16 {
        match self {
            Self::Blocking => 201,
            Self::Queued => 202,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Blocking => "blocking",
            Self::Queued => "queued",
        }
    }
}

impl fmt::Display for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
