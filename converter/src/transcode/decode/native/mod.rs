//! Decoding in this process, by symphonia.

mod beyond;
mod chained;
mod codec;
mod undecoded;

use std::io::ErrorKind;

use symphonia::core::{
    codecs::audio::{AudioDecoder, AudioDecoderOptions},
    errors::Error,
    formats::FormatReader,
    packet::Packet,
};

use self::{beyond::Beyond, chained::Adapter};
use super::{
    HEAD_BYTES, Source, demux,
    edits::{declared_samples, drop_front, scaled, surplus_samples},
    no_such_track,
};
use crate::{
    control::{Refusal, RefusalKind},
    sniff::Container,
    transcode::{mix::Position, mp4::Movie, tag::Tags},
};

/// Packets that may fail, in percent, before the audio counts as damaged.
const BAD_PACKETS_PERCENT_MAX: u64 = 1;
/// Packets that may fail in any case: the last one of a recording that was stopped, say.
const BAD_PACKETS_MIN: u64 = 2;

pub(super) struct Native {
    format: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    track: u32,
    /// Its place among the audio tracks that are not hidden.
    audio_index: usize,
    /// Hz.
    pub(super) rate: u32,
    /// Empty until the first packet tells them.
    pub(super) positions: Vec<Position>,
    pub(super) codec: &'static str,
    pub(super) declared: Option<u64>,
    /// Samples that are still to be dropped: the encoder's delay.
    skip: u64,
    /// Samples that edits leave out at the end.
    surplus: u64,
    beyond: Beyond,
    packets: u64,
    bad_packets: u64,
    planes: Vec<Vec<f32>>,
    /// Of a chained stream that is unlike the first, and of those before it that have ended.
    adapter: Option<Adapter>,
    ended: Vec<Adapter>,
    /// Whether a chained stream has begun of which nothing was decoded yet.
    is_renewed: bool,
    /// The first packet, which was decoded into `planes` to see that it can be.
    first: Option<Packet>,
}

impl std::fmt::Debug for Native {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Native").field("codec", &self.codec).field("rate", &self.rate).finish_non_exhaustive()
    }
}

impl Native {
    /// Opens the wanted audio track, which is absent where it is better left to ffmpeg, and reads the tags.
    pub(super) fn open(source: &Source<'_>) -> Result<(Option<Self>, Tags), Refusal> {
        let format = demux::open(source.media, source.container, source.movie)?;
        let movie = source.movie.movie();
        if source.container == Container::Mp4 && movie.is_read && movie.track.is_none() {
            return Err(no_such_track(movie.audio_tracks, source.track));
        }
        let Some(mut format) = format else { return Ok((None, Tags::default())) };
        let tags = Tags::of(&mut *format);
        Ok((Self::of(format, source, &movie), tags))
    }

    fn of(format: Box<dyn FormatReader>, source: &Source<'_>, movie: &Movie) -> Option<Self> {
        // The mp4 filter leaves one track, the wanted one.
        let audio_index = if source.container == Container::Mp4 { 0 } else { source.audio_index() };
        let track = *demux::audio_tracks(&*format, &source.media.head(HEAD_BYTES)).get(audio_index)?;
        let parameters = track.codec_params.as_ref()?.audio()?;
        // Symphonia ends with the first length tag, whatever comes behind its end: here that is looked at.
        let is_mp3 = source.container == Container::Mp3;
        let options = AudioDecoderOptions::default().gapless(!is_mp3);
        let decoder = symphonia::default::get_codecs().make_audio_decoder(parameters, &options).ok()?;
        let known = decoder.codec_params();
        let rate = known.sample_rate.or(parameters.sample_rate).filter(|&rate| rate > 0)?;
        // Mp3 in mp4 tells its channels only by its first frame.
        let channels = known.channels.as_ref().or(parameters.channels.as_ref());
        let positions = channels.map(Position::of_channels).unwrap_or_default();
        let codec = codec::native(parameters.codec, source.container, rate, positions.len())?;
        let edits = movie.track.as_ref().map(|track| &track.edits);
        if edits.is_some_and(|edits| edits.is_odd) {
            return None;
        }
        let skip = movie.track.as_ref().and_then(|t| scaled(t.edits.media_time, rate, t.media_timescale)).unwrap_or(0);
        let skip = if is_mp3 { track.delay.map_or(0, u64::from) } else { skip };
        let declared = match source.container {
            Container::Mp4 => declared_samples(movie, rate),
            Container::Flac | Container::Mp3 => track.num_frames.filter(|&samples| samples > 0),
            _ => None,
        };
        let track = track.id;
        let mut native = Self {
            format,
            decoder,
            track,
            audio_index,
            rate,
            positions,
            codec,
            declared,
            skip,
            surplus: surplus_samples(movie, rate),
            beyond: Beyond::end(declared.filter(|_| is_mp3)),
            packets: 0,
            bad_packets: 0,
            planes: Vec::new(),
            adapter: None,
            ended: Vec::new(),
            is_renewed: false,
            first: None,
        };
        native.try_first_packet().then_some(native)
    }

    /// Some streams show only in their first packet that symphonia does not do them.
    fn try_first_packet(&mut self) -> bool {
        let Ok(packet) = self.next_packet() else { return false };
        let Some(packet) = packet else { return true };
        self.skip += demux::before_zero(&*self.format, self.track, packet.pts, self.rate);
        if let Err(Error::Unsupported(_)) = self.decode(&packet) {
            return false;
        }
        if self.positions.is_empty() {
            self.positions = Position::of_count(self.planes.len());
        }
        self.first = Some(packet);
        // What is decoded must be what was announced.
        !self.positions.is_empty() && (self.planes.is_empty() || self.planes.len() == self.positions.len())
    }

    /// The next packet of the track; `None` at the end, and where the bytes end in the middle, of which others judge.
    fn next_packet(&mut self) -> Result<Option<Packet>, Error> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
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

    /// Decodes into `planes`, which are empty where it fails.
    fn decode(&mut self, packet: &Packet) -> Result<(), Error> {
        self.packets += 1;
        match self.decoder.decode(packet) {
            Ok(decoded) => {
                decoded.copy_to_vecs_planar(&mut self.planes);
                let spec = decoded.spec().clone();
                self.check_spec(&spec)
            }
            Err(cause) => {
                self.bad_packets += 1;
                self.planes.clear();
                Err(cause)
            }
        }
    }

    /// Decodes one packet into `planes`, one for each position; false at the end.
    pub(super) fn next(&mut self, planes: &mut Vec<Vec<f32>>) -> Result<bool, Refusal> {
        // The first one is decoded already.
        if self.first.take().is_none() {
            let Some(packet) = self.next_packet().map_err(|cause| damaged(&cause))? else {
                planes.clear();
                self.adapt(planes, true)?;
                return self.check_packets().map(|()| !planes.is_empty());
            };
            match self.decode(&packet) {
                Ok(()) => {}
                Err(Error::DecodeError(_) | Error::IoError(_)) if self.check_packets().is_ok() => {}
                Err(cause) => return Err(damaged(&cause)),
            }
        }
        std::mem::swap(planes, &mut self.planes);
        self.adapt(planes, false)?;
        drop_front(planes, &mut self.skip);
        self.beyond.hold(planes);
        Ok(true)
    }

    /// Whether a packet could not be decoded.
    pub(super) fn has_errors(&self) -> bool {
        self.bad_packets > 0
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
