//! The videos of a run, in memory: the disk of the callers is not what is measured.

use std::{fs, path::Path, sync::Arc};

use bytes::Bytes;

use crate::{inputs::Inputs, stats::random::Random};

/// One video.
#[derive(Debug, Clone)]
pub(super) struct Video {
    pub(super) name: String,
    /// Of the file's name.
    pub(super) ending: String,
    pub(super) seconds: u32,
    pub(super) bytes: Bytes,
}

/// Which video an arrival brings: the same for the same number and seed, whichever the flow.
#[derive(Debug, Clone)]
pub(super) struct Clips {
    all: Arc<[Video]>,
    seed: u64,
}

impl Clips {
    /// The clips of 5 to 30 seconds.
    pub(super) fn short(inputs: &Inputs) -> anyhow::Result<Self> {
        let clips = inputs.clips()?;
        let all =
            clips.iter().map(|clip| Video::read(clip.name, &clip.path, clip.seconds)).collect::<Result<_, _>>()?;
        Ok(Self { all, seed: 0 })
    }

    /// One file alone.
    pub(super) fn only(video: Video) -> Self {
        Self { all: [video].into(), seed: 0 }
    }

    pub(super) fn seeded(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    pub(super) fn of(&self, number: usize) -> &Video {
        &self.all[Random::nth_below(self.seed, number as u64, self.all.len())]
    }

    pub(super) fn each(&self) -> impl Iterator<Item = &Video> {
        self.all.iter()
    }
}

impl Video {
    pub(super) fn read(name: &str, path: &Path, seconds: u32) -> anyhow::Result<Self> {
        let ending = path.extension().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { name: name.to_owned(), ending, seconds, bytes: fs::read(path)?.into() })
    }
}
