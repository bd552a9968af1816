//! Where the frames of an mp3 begin, for its seek table.

/// Where frames begin: of every so-many-th, so that the longest mp3 needs no more memory than a short one.
#[derive(Debug)]
pub(super) struct SeekPoints {
    offsets: Vec<u64>,
    every: u64,
    frames: u64,
}

impl Default for SeekPoints {
    fn default() -> Self {
        Self { offsets: Vec::new(), every: 1, frames: 0 }
    }
}

impl SeekPoints {
    /// Twenty for each entry of the seek table, at the least.
    const MAX: usize = 4096;

    pub(super) fn push(&mut self, offset: u64) {
        if self.offsets.len() == Self::MAX {
            let mut keep = false;
            self.offsets.retain(|_| {
                keep = !keep;
                keep
            });
            self.every *= 2;
        }
        if self.frames.is_multiple_of(self.every) {
            self.offsets.push(offset);
        }
        self.frames += 1;
    }

    pub(super) fn frames(&self) -> u64 {
        self.frames
    }

    /// Where a frame begins, or one shortly before it.
    pub(super) fn offset(&self, frame: u64) -> u64 {
        let point = usize::try_from(frame / self.every).unwrap_or(usize::MAX);
        self.offsets.get(point).or(self.offsets.last()).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seek_points_stay_few_and_near() {
        let mut seeks = SeekPoints::default();
        for frame in 0..1_000_000 {
            seeks.push(frame * 400);
        }
        assert!(seeks.offsets.len() <= SeekPoints::MAX);
        for frame in [0, 1, 123_456, 999_999] {
            let off = frame * 400 - seeks.offset(frame);
            assert!(off < 1_000_000 * 400 / 2000, "{frame}: {off}");
        }
    }
}
