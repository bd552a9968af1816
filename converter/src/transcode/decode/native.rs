//! Decoding in this process, by symphonia.

use std::io::ErrorKind;

use symphonia::core::{
    audio::Channels,
    codecs::{
        CodecParameters,
        audio::{AudioCodecId, AudioDecoder, AudioDecoderOptions, well_known as codec},
    },
    errors::Error,
    formats::{FormatReader, TrackType},
    packet::Packet,
    units::Timestamp,
};

use super::{RATES, declared_samples, demux, scaled};
use crate::{
    control::{Refusal, RefusalKind},
    sniff::Container,
    transcode::{
        input::Media,
        mp4::{Movie, Shared},
        pcm::Block,
    },
};

/// AAC at this rate or below is taken for the core of HE-AAC, whose upper half symphonia would silently drop.
const AAC_CORE_RATE_MAX: u32 = 24_000;
/// Packets that may fail, in percent, before the audio counts as damaged.
const BAD_PACKETS_PERCENT_MAX: u64 = 1;
/// Packets that may fail in any case: the last one of a recording that was stopped, say.
const BAD_PACKETS_MIN: u64 = 2;

pub(super) struct Native {
    format: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    track: u32,
    pub(super) rate: u32,
    pub(super) channels: u8,
    pub(super) codec: &'static str,
    pub(super) declared: Option<u64>,
    /// Samples that are still to be dropped: the encoder's delay.
    skip: u64,
    packets: u64,
    bad_packets: u64,
    planes: Vec<Vec<f32>>,
    /// Whether `planes` hold the first packet, which was decoded to see that it can be.
    is_pending: bool,
}

impl std::fmt::Debug for Native {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Native").field("codec", &self.codec).field("rate", &self.rate).finish_non_exhaustive()
    }
}

impl Native {
    /// Opens the first audio track; `None` where it is better left to ffmpeg.
    pub(super) fn open(media: &Media, container: Container, movie: &Shared) -> Result<Option<Self>, Refusal> {
        let format = demux::open(media, container, movie)?;
        let movie = movie.movie();
        let Some(format) = format else { return Ok(None) };
        if container == Container::Mp4 && movie.track.is_none() {
            return Err(Refusal::new(RefusalKind::NoAudio, "the video has no audio track"));
        }
        Ok(Self::of(format, container, &movie))
    }

    fn of(format: Box<dyn FormatReader>, container: Container, movie: &Movie) -> Option<Self> {
        let track = format.first_track(TrackType::Audio)?;
        let parameters = track.codec_params.as_ref()?.audio()?;
        let codec = name(parameters.codec, container)?;
        let decoder =
            symphonia::default::get_codecs().make_audio_decoder(parameters, &AudioDecoderOptions::default()).ok()?;
        let known = decoder.codec_params();
        let rate = known.sample_rate.or(parameters.sample_rate).filter(|rate| RATES.contains(rate))?;
        // Mp3 in mp4 tells its channels only by its first frame; 0 until then.
        let channels = known.channels.as_ref().or(parameters.channels.as_ref()).map_or(0, Channels::count);
        let channels = u8::try_from(channels).ok().filter(|&channels| channels <= 2)?;
        if codec == "aac" && rate <= AAC_CORE_RATE_MAX {
            return None;
        }
        let edits = movie.track.as_ref().map(|track| &track.edits);
        if edits.is_some_and(|edits| edits.is_odd) {
            return None;
        }
        let skip = movie.track.as_ref().and_then(|t| scaled(t.edits.media_time, rate, t.media_timescale)).unwrap_or(0);
        let declared = match container {
            Container::Mp4 => declared_samples(movie, rate),
            Container::Flac | Container::Mp3 => track.num_frames.filter(|&samples| samples > 0),
            _ => None,
        };
        let track = track.id;
        let mut native = Self {
            format,
            decoder,
            track,
            rate,
            channels,
            codec,
            declared,
            skip,
            packets: 0,
            bad_packets: 0,
            planes: Vec::new(),
            is_pending: false,
        };
        native.try_first_packet().then_some(native)
    }

    /// Some streams show only in their first packet that symphonia does not do them.
    fn try_first_packet(&mut self) -> bool {
        let Ok(packet) = self.next_packet() else { return false };
        let Some(packet) = packet else { return true };
        self.skip += self.before_zero(packet.pts);
        self.is_pending = true;
        match self.decode(&packet) {
            Err(Error::Unsupported(_)) => return false,
            Ok(()) if self.channels == 0 => self.channels = u8::try_from(self.planes.len()).unwrap_or(0),
            _ => {}
        }
        matches!(self.channels, 1 | 2)
    }

    /// Samples before the time 0: the delay of the encoder, as Matroska tells it.
    fn before_zero(&self, pts: Timestamp) -> u64 {
        let base = self.format.tracks().iter().find(|track| track.id == self.track).and_then(|track| track.time_base);
        // Demuxers that trim by themselves also count from before 0.
        if self.format.format_info().short_name != "matroska" || !pts.is_negative() {
            return 0;
        }
        let nanos = base.and_then(|base| base.calc_time(pts)).map_or(0, |time| time.as_nanos().unsigned_abs());
        u64::try_from(nanos * u128::from(self.rate) / 1_000_000_000).unwrap_or(0)
    }

    /// The next packet of the track; `None` at the end, and where the bytes end in the middle, of which others judge.
    fn next_packet(&mut self) -> Result<Option<Packet>, Error> {
        loop {
            match self.format.next_packet() {
                Ok(Some(packet)) if packet.track_id == self.track => return Ok(Some(packet)),
                Ok(Some(_)) => {}
                Ok(None) => return Ok(None),
                Err(Error::ResetRequired) => self.renew()?,
                Err(Error::IoError(cause)) if cause.kind() == ErrorKind::UnexpectedEof => return Ok(None),
                Err(cause) => return Err(cause),
            }
        }
    }

    /// A chained stream begins anew, perhaps with another track.
    fn renew(&mut self) -> Result<(), Error> {
        let track =
            self.format.first_track(TrackType::Audio).ok_or(Error::Unsupported("the audio ends in the middle"))?;
        let parameters = track.codec_params.as_ref().and_then(CodecParameters::audio);
        let parameters = parameters.ok_or(Error::Unsupported("the audio changes to an unknown codec"))?;
        self.decoder =
            symphonia::default::get_codecs().make_audio_decoder(parameters, &AudioDecoderOptions::default())?;
        self.track = track.id;
        Ok(())
    }

    /// Decodes into `planes`, which are empty where it fails.
    fn decode(&mut self, packet: &Packet) -> Result<(), Error> {
        self.packets += 1;
        match self.decoder.decode(packet) {
            Ok(decoded) => {
                if decoded.spec().rate() != self.rate {
                    return Err(Error::Unsupported("the sample rate changes"));
                }
                decoded.copy_to_vecs_planar(&mut self.planes);
                Ok(())
            }
            Err(cause) => {
                self.bad_packets += 1;
                self.planes.clear();
                Err(cause)
            }
        }
    }

    /// Decodes one packet; false at the end.
    pub(super) fn next(&mut self, block: &mut Block) -> Result<bool, Refusal> {
        if !std::mem::take(&mut self.is_pending) {
            let Some(packet) = self.next_packet().map_err(|cause| damaged(&cause))? else {
                return self.check_packets().map(|()| false);
            };
            match self.decode(&packet) {
                Ok(()) => {}
                Err(Error::DecodeError(_) | Error::IoError(_)) if self.check_packets().is_ok() => {}
                Err(cause) => return Err(damaged(&cause)),
            }
        }
        self.take(block);
        Ok(true)
    }

    /// Passes on what is not the encoder's delay.
    fn take(&mut self, block: &mut Block) {
        let Some(left) = self.planes.first() else { return };
        let right = self.planes.get(1).unwrap_or(left);
        let samples = left.len().min(right.len());
        let first = usize::try_from(self.skip).unwrap_or(usize::MAX).min(samples);
        block.left.extend_from_slice(&left[first..samples]);
        if self.channels == 2 {
            block.right.extend_from_slice(&right[first..samples]);
        }
        self.skip -= first as u64;
    }

    fn check_packets(&self) -> Result<(), Refusal> {
        let bad_max = (self.packets * BAD_PACKETS_PERCENT_MAX / 100).max(BAD_PACKETS_MIN);
        if self.bad_packets <= bad_max && (self.bad_packets < self.packets || self.packets == 0) {
            return Ok(());
        }
        let (bad, all) = (self.bad_packets, self.packets);
        Err(Refusal::new(RefusalKind::Damaged, format!("the audio is damaged: {bad} of {all} packets make no sense")))
    }
}

fn damaged(cause: &Error) -> Refusal {
    Refusal::new(RefusalKind::Damaged, format!("the audio could not be decoded: {cause}"))
}

/// The name of a codec that is decoded here.
fn name(id: AudioCodecId, container: Container) -> Option<&'static str> {
    Some(match id {
        codec::CODEC_ID_AAC => "aac",
        codec::CODEC_ID_MP3 => "mp3",
        codec::CODEC_ID_VORBIS => "vorbis",
        codec::CODEC_ID_FLAC => "flac",
        codec::CODEC_ID_ALAC => "alac",
        // In QuickTime every sample would be a packet of its own.
        codec::CODEC_ID_PCM_U8
        | codec::CODEC_ID_PCM_S16LE
        | codec::CODEC_ID_PCM_S24LE
        | codec::CODEC_ID_PCM_S32LE
        | codec::CODEC_ID_PCM_F32LE
        | codec::CODEC_ID_PCM_F64LE
            if container != Container::Mp4 =>
        {
            "pcm"
        }
        _ => return None,
    })
}
