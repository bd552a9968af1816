//! What stands behind the end that an mp3's length tag tells.

use crate::transcode::length_tag::Ends;

/// Holds samples back until it shows what they are: padding, or the next of several mp3s in one file.
#[derive(Debug, Default)]
pub(super) struct Beyond {
    /// Samples up to the told end; absent where none is told, or where more came than padding can be.
    left: Option<u64>,
    held: Vec<Vec<f32>>,
}

impl Beyond {
    /// Behind so many samples.
    pub(super) fn end(samples: Option<u64>) -> Self {
        Self { left: samples, held: Vec::new() }
    }

    /// Takes from the decoded planes what may be padding, and gives it back with the first samples that cannot be.
    pub(super) fn hold(&mut self, planes: &mut [Vec<f32>]) {
        let Some(left) = self.left else { return };
        let samples = planes.iter().map(Vec::len).min().unwrap_or(0);
        let within = usize::try_from(left).unwrap_or(usize::MAX).min(samples);
        self.left = Some(left - within as u64);
        self.held.resize_with(planes.len(), Vec::new);
        for (plane, held) in planes.iter_mut().zip(&mut self.held) {
            held.extend(plane.drain(within..));
        }
        if self.held.iter().any(|held| held.len() > usize::from(Ends::MAX)) {
            self.left = None;
            for (plane, held) in planes.iter_mut().zip(&mut self.held) {
                plane.append(held);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(told: Option<u64>, packets: usize) -> usize {
        let mut beyond = Beyond::end(told);
        let packet = || [vec![0.5; 1152], vec![0.5; 1152]];
        (0..packets)
            .map(|_| {
                let mut planes = packet();
                beyond.hold(&mut planes);
                assert_eq!(planes[0].len(), planes[1].len());
                planes[0].len()
            })
            .sum()
    }

    #[test]
    fn padding_is_dropped_and_a_second_mp3_is_not() {
        assert_eq!(passed(Some(3000), 3), 3000);
        assert_eq!(passed(Some(3000), 6), 3000);
        assert_eq!(passed(Some(3000), 7), 7 * 1152);
        assert_eq!(passed(Some(3000), 100), 100 * 1152);
        assert_eq!(passed(None, 5), 5 * 1152);
    }
}
