//! Which loudspeaker each channel of a source is meant for.

use symphonia::core::audio::{ChannelLabel, Channels, Position as Label};

/// Where a channel belongs: the positions of a WAVE channel mask, in its order (`WAVEFORMATEXTENSIBLE`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::transcode) enum Position {
    FrontLeft,
    FrontRight,
    FrontCenter,
    LowFrequency,
    BackLeft,
    BackRight,
    FrontLeftOfCenter,
    FrontRightOfCenter,
    BackCenter,
    SideLeft,
    SideRight,
    TopCenter,
    TopFrontLeft,
    TopFrontCenter,
    TopFrontRight,
    TopBackLeft,
    TopBackCenter,
    TopBackRight,
    /// Nobody says where.
    Unlabelled,
}

use Position::{
    BackCenter, BackLeft, BackRight, FrontCenter, FrontLeft, FrontLeftOfCenter, FrontRight, FrontRightOfCenter,
    LowFrequency, SideLeft, SideRight, TopBackCenter, TopBackLeft, TopBackRight, TopCenter, TopFrontCenter,
    TopFrontLeft, TopFrontRight, Unlabelled,
};

/// By the number of the bit in a mask: those of WAVE, then the ones that symphonia adds, each taken for its neighbour.
const BY_BIT: [Position; 26] = [
    FrontLeft,
    FrontRight,
    FrontCenter,
    LowFrequency,
    BackLeft,
    BackRight,
    FrontLeftOfCenter,
    FrontRightOfCenter,
    BackCenter,
    SideLeft,
    SideRight,
    TopCenter,
    TopFrontLeft,
    TopFrontCenter,
    TopFrontRight,
    TopBackLeft,
    TopBackCenter,
    TopBackRight,
    LowFrequency,   // the second one
    TopBackLeft,    // top side left
    TopBackRight,   // top side right
    TopFrontCenter, // bottom front center
    TopFrontLeft,   // bottom front left
    TopFrontRight,  // bottom front right
    FrontLeft,      // front left wide
    FrontRight,     // front right wide
];

/// The usual layouts of so many channels, those of RFC 9639 §9.1.3, which WAVE files without a mask keep to as well.
const USUAL: [&[Position]; 9] = [
    &[],
    &[FrontCenter],
    &[FrontLeft, FrontRight],
    &[FrontLeft, FrontRight, FrontCenter],
    &[FrontLeft, FrontRight, BackLeft, BackRight],
    &[FrontLeft, FrontRight, FrontCenter, BackLeft, BackRight],
    &[FrontLeft, FrontRight, FrontCenter, LowFrequency, BackLeft, BackRight],
    &[FrontLeft, FrontRight, FrontCenter, LowFrequency, BackCenter, SideLeft, SideRight],
    &[FrontLeft, FrontRight, FrontCenter, LowFrequency, BackLeft, BackRight, SideLeft, SideRight],
];

impl Position {
    /// For `channels` channels with a WAVE mask; where the mask does not name that many, it is as if there were none.
    pub(in crate::transcode) fn of_mask(mask: u32, channels: usize) -> Vec<Self> {
        if mask.count_ones() as usize == channels { of_bits(mask.into()) } else { Self::of_count(channels) }
    }

    /// For the channels of a decoder of symphonia, in the order of its planes.
    pub(in crate::transcode) fn of_channels(channels: &Channels) -> Vec<Self> {
        let count = channels.count();
        match channels {
            // Symphonia's guess for a WAVE file without a mask: the first so many bits. From 4 channels on that is
            // hardly ever a layout of anybody's, but for 5.1.
            Channels::Positioned(set) if count > 3 && set.bits() == (1 << count) - 1 => Self::of_count(count),
            Channels::Positioned(set) => of_bits(set.bits()),
            Channels::Custom(labels) => labels.iter().map(of_label).collect(),
            _ => Self::of_count(count),
        }
    }

    /// For so many channels of which nothing else is known.
    pub(in crate::transcode) fn of_count(channels: usize) -> Vec<Self> {
        USUAL.get(channels).map_or_else(|| vec![Unlabelled; channels], |usual| usual.to_vec())
    }
}

fn of_bits(bits: u64) -> Vec<Position> {
    let set = (0..u64::BITS as usize).filter(|bit| bits >> bit & 1 == 1);
    set.map(|bit| BY_BIT.get(bit).copied().unwrap_or(Unlabelled)).collect()
}

fn of_label(label: &ChannelLabel) -> Position {
    match label {
        ChannelLabel::Positioned(position) => of_bits(position.bits()).first().copied().unwrap_or(Unlabelled),
        // Of an ambisonic signal the component 0 is what is heard in the middle.
        ChannelLabel::Ambisonic(0) => FrontCenter,
        _ => Unlabelled,
    }
}

/// The positions that symphonia numbers are those of [`BY_BIT`].
const _: () = assert!(Label::all().bits() == (1 << BY_BIT.len()) - 1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_names_the_channels_in_the_order_of_its_bits() {
        assert_eq!(
            Position::of_mask(0x60F, 6),
            [FrontLeft, FrontRight, FrontCenter, LowFrequency, SideLeft, SideRight]
        );
        assert_eq!(Position::of_mask(0x4, 1), [FrontCenter]);
    }

    #[test]
    fn a_mask_that_does_not_fit_is_as_none() {
        for mask in [0, 0x3, u32::MAX] {
            assert_eq!(Position::of_mask(mask, 6), Position::of_count(6), "{mask:x}");
        }
        assert_eq!(Position::of_mask(1 << 30 | 1, 2), [FrontLeft, Unlabelled]);
    }

    #[test]
    fn there_is_a_position_for_every_channel_whatever_the_source_says() {
        let first = |count| Channels::Positioned(Label::from_count(count).expect("so many positions"));
        let custom = [ChannelLabel::Positioned(Label::LFE1), ChannelLabel::Discrete(7), Label::empty().into()];
        let all = (0..=26).map(first).chain([
            Channels::None,
            Channels::Discrete(2),
            Channels::Discrete(300),
            Channels::Ambisonic(3),
            Channels::Custom(custom.into()),
        ]);
        for channels in all {
            assert_eq!(Position::of_channels(&channels).len(), channels.count(), "{channels:?}");
        }
    }

    #[test]
    fn channels_without_labels_have_the_usual_layout() {
        assert_eq!(Position::of_channels(&Channels::Discrete(4)), [FrontLeft, FrontRight, BackLeft, BackRight]);
        // A WAVE file of 4 channels without a mask, as symphonia tells it.
        let guessed = Channels::Positioned(Label::from_count(4).expect("4 positions"));
        assert_eq!(Position::of_channels(&guessed), Position::of_count(4));
        assert_eq!(Position::of_count(9), [Unlabelled; 9]);
    }
}
