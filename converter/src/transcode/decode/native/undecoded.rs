//! The packets of an mp3 track as they are, for whoever copies them.

use super::{Native, damaged};
use crate::{control::Refusal, transcode::length_tag::Ends};

/// Samples that every mp3 decoder is late by; symphonia and containers count them to the encoder's delay, the length
/// tag does not.
const MP3_DECODER_DELAY: u64 = 529;

impl Native {
    /// The undecoded bytes of the first packet, before it was taken.
    pub(in crate::transcode::decode) fn first_bytes(&self) -> Option<&[u8]> {
        self.first.as_ref().map(|packet| &packet.data[..])
    }

    /// The undecoded bytes of the next packet; `None` at the end.
    pub(in crate::transcode::decode) fn next_bytes(&mut self) -> Result<Option<Box<[u8]>>, Refusal> {
        let packet = self.next_packet().map_err(|cause| damaged(&cause))?;
        Ok(packet.map(|packet| packet.data))
    }

    /// How much of the first frame is no audio, and how much of the last where that is told apart from a duration.
    /// For a track whose packets were not taken yet.
    pub(in crate::transcode::decode) fn ends(&self) -> Option<Ends> {
        let track = self.format.tracks().iter().find(|track| track.id == self.track)?;
        let told = track.delay.map_or(self.skip, u64::from).checked_sub(MP3_DECODER_DELAY)?;
        let padding = track.padding.map_or(0, |padding| u64::from(padding) + MP3_DECODER_DELAY);
        let field = |samples: u64| u16::try_from(samples).ok().filter(|&samples| samples <= Ends::MAX);
        Some(Ends { delay: field(told)?, padding: field(padding)? })
    }

    /// Whether edits cut off more at an end than the length tag of a copy can tell.
    pub(in crate::transcode::decode) fn is_cut_deep(&self) -> bool {
        let most = u64::from(Ends::MAX);
        self.skip > MP3_DECODER_DELAY + most || self.surplus > most
    }
}
