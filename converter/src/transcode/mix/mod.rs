//! From any number of channels to one or two.

mod layout;

use std::f32::consts::FRAC_1_SQRT_2;

pub(super) use self::layout::Position;
use super::pcm::Block;

/// How much of one channel goes to the left and to the right.
type Gains = [f32; 2];

/// A mix of channels, the same for every sample.
#[derive(Debug)]
pub(super) struct Mixer {
    path: Path,
}

/// The usual cases need no sums.
#[derive(Debug, PartialEq)]
enum Path {
    /// Each channel as it is, to mono or to stereo.
    Mono,
    Stereo,
    /// One channel to both sides.
    Double,
    /// The mean of two channels.
    Mean,
    /// For each channel of the source its share in each channel of the mix.
    Matrix {
        gains: Vec<Gains>,
        is_mono: bool,
    },
}

impl Mixer {
    /// For a source whose channels have these positions, mixed to `channels` (1 or 2).
    ///
    /// The shares are those of the downmix of ITU-R BS.775-4, scaled so that those of one channel of the mix add up to
    /// 1 at most: what is not louder than full scale stays so, but for a rounding.
    pub(super) fn new(positions: &[Position], channels: u8) -> Self {
        let gains = gains(positions);
        let path = match (&gains[..], channels) {
            ([_], 1) => Path::Mono,
            ([_], _) => Path::Double,
            ([[1.0, 0.0], [0.0, 1.0]], 1) => Path::Mean,
            ([[1.0, 0.0], [0.0, 1.0]], _) => Path::Stereo,
            (_, 1) => {
                Path::Matrix { gains: gains.iter().map(|&[l, r]| [f32::midpoint(l, r), 0.0]).collect(), is_mono: true }
            }
            _ => Path::Matrix { gains, is_mono: false },
        };
        Self { path }
    }

    /// Appends the mix of `planes`, one for each position, to `out`. Where planes differ in length the shortest counts;
    /// where there are fewer than positions the others are silent.
    pub(super) fn mix(&self, planes: &[Vec<f32>], out: &mut Block) {
        let samples = planes.iter().map(Vec::len).min().unwrap_or(0);
        let Some(first) = planes.first().map(|plane| &plane[..samples]) else { return };
        let second = planes.get(1).map_or(first, |plane| &plane[..samples]);
        match &self.path {
            Path::Mono => copy(first, &mut out.left),
            Path::Stereo => {
                copy(first, &mut out.left);
                copy(second, &mut out.right);
            }
            Path::Double => {
                let start = out.left.len();
                copy(first, &mut out.left);
                out.right.extend_from_slice(&out.left[start..]);
            }
            Path::Mean => {
                out.left.extend(first.iter().zip(second).map(|(&l, &r)| f32::midpoint(clean(l), clean(r))));
            }
            Path::Matrix { gains, is_mono } => {
                sum(planes, gains, 0, samples, &mut out.left);
                if !is_mono {
                    sum(planes, gains, 1, samples, &mut out.right);
                }
            }
        }
    }
}

/// Loudest that floats may be: 48 dB above full scale, more than any recording has. The sums and squares of what is
/// louder would be no numbers soon.
const LOUDEST: f32 = 256.0;

/// Takes out what is no number. What is louder than full scale stays: it may yet be made quieter.
pub(super) fn clean(sample: f32) -> f32 {
    if sample.is_finite() { sample.clamp(-LOUDEST, LOUDEST) } else { 0.0 }
}

fn copy(plane: &[f32], out: &mut Vec<f32>) {
    out.extend(plane.iter().copied().map(clean));
}

/// Appends the sum of the planes' shares in one side of the mix.
fn sum(planes: &[Vec<f32>], gains: &[Gains], side: usize, samples: usize, out: &mut Vec<f32>) {
    let start = out.len();
    out.resize(start + samples, 0.0);
    let mixed = &mut out[start..];
    for (plane, gain) in planes.iter().zip(gains.iter().map(|gains| gains[side])).filter(|&(_, gain)| gain != 0.0) {
        for (mixed, &sample) in mixed.iter_mut().zip(plane) {
            *mixed += gain * clean(sample);
        }
    }
}

/// The shares of each position in stereo, scaled.
fn gains(positions: &[Position]) -> Vec<Gains> {
    let mut gains: Vec<Gains> = positions.iter().map(|&position| share(position)).collect();
    let sum = |side: usize| gains.iter().map(|gains| gains[side]).sum::<f32>();
    let largest = sum(0).max(sum(1));
    if largest == 0.0 || positions.contains(&Position::Unlabelled) {
        // Nothing but low frequencies, or nobody knows what: all that is there counts alike.
        #[expect(clippy::cast_precision_loss, reason = "a source has no millions of channels")]
        let share = 1.0 / positions.len() as f32;
        return vec![[share; 2]; positions.len()];
    }
    gains.iter_mut().flatten().for_each(|gain| *gain /= largest);
    gains
}

/// The share of one position in left and right, before scaling. Of what BS.775 does not know, speakers between left and
/// center count as the former, as in `FFmpeg`, and those above the listener as surrounds.
fn share(position: Position) -> Gains {
    match position {
        Position::FrontLeft | Position::FrontLeftOfCenter => [1.0, 0.0],
        Position::FrontRight | Position::FrontRightOfCenter => [0.0, 1.0],
        Position::FrontCenter => [FRAC_1_SQRT_2; 2],
        Position::BackLeft | Position::SideLeft | Position::TopFrontLeft | Position::TopBackLeft => {
            [FRAC_1_SQRT_2, 0.0]
        }
        Position::BackRight | Position::SideRight | Position::TopFrontRight | Position::TopBackRight => {
            [0.0, FRAC_1_SQRT_2]
        }
        Position::BackCenter | Position::TopCenter | Position::TopFrontCenter | Position::TopBackCenter => [0.5; 2],
        Position::LowFrequency | Position::Unlabelled => [0.0; 2],
    }
}

#[cfg(test)]
mod tests;
