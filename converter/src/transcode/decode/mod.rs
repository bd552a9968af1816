//! Who decodes: symphonia what it can, ffmpeg the rest. Both end in the same encoder. The frames of an mp3 need neither.

mod demux;
mod edits;
mod ffmpeg;
mod frames;
mod matroska;
mod native;

use std::path::Path;

pub(super) use self::frames::Frames;
use self::{
    edits::{declared_samples, drop_front, edited_samples, start_samples},
    ffmpeg::Ffmpeg,
    native::Native,
};
use super::{input::Media, mix::Position, mp4::Shared, tag::Tags};
use crate::{
    control::{Decoder, Refusal, RefusalKind},
    sniff::Container,
};

/// Sample rates that MPEG audio has, in Hz.
pub(super) const RATES: [u32; 9] = [8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000];

/// First bytes that are searched for tags and flags which demuxers do not tell; some muxers leave 4 KiB free before
/// them.
const HEAD_BYTES: usize = 16 * 1024;

/// A video, and what is wanted of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) media: &'a Media,
    pub(super) container: Container,
    /// What the mp4 filter learns.
    pub(super) movie: &'a Shared,
    pub(super) ffmpeg: &'a Path,
    /// The wanted audio track, counted from 1.
    pub(super) track: Option<u16>,
    /// Whether an mp3's frames are wanted as they are.
    pub(super) allow_copy: bool,
}

impl Source<'_> {
    /// The wanted audio track, counted from 0, in a container other than mp4: where none was asked for the first, but
    /// in Matroska the first that is to be played by default.
    fn audio_index(&self) -> usize {
        match (self.track, self.container) {
            (Some(track), _) => usize::from(track).saturating_sub(1),
            (None, Container::Matroska) => matroska::default_audio(&self.media.head(HEAD_BYTES)).unwrap_or(0),
            (None, _) => 0,
        }
    }

    /// The reading starts over; false where too much was read for that.
    fn start_over(&self) -> bool {
        match self.media {
            Media::Stream(upload) => upload.start_over(),
            Media::File(_) => true,
        }
    }

    /// Nobody will start over any more.
    fn settle(&self) {
        if let Media::Stream(upload) = self.media {
            upload.settle();
        }
    }
}

/// An audio track that was opened.
pub(super) enum Opened {
    Samples(Audio),
    Frames(Frames),
}

/// What was found in a video.
pub(super) struct Selected {
    pub(super) opened: Opened,
    /// The place of the audio track among those of the container, counted from 0.
    pub(super) audio_index: usize,
    pub(super) tags: Tags,
}

/// Opens the video for whoever decodes it, and reads its tags.
pub(super) fn open(source: &Source<'_>) -> Result<Selected, Refusal> {
    let (native, tags) = Native::open(source)?;
    let tags = tags.or(Tags::of_head(&source.media.head(HEAD_BYTES))).or(Tags::of_movie(&source.movie.movie().texts));
    let tags = match (source.media, source.container) {
        // A stream has no end yet, and is not waited for.
        (Media::File(file), Container::Mp3 | Container::Adts) => tags.or(Tags::of_tail(file)),
        _ => tags,
    };
    let opened = match native {
        Some(native) => of_native(source, Box::new(native)).map(|opened| (opened, tags)),
        None => by_ffmpeg(source, tags),
    };
    // The head, where the container tells its default track, is there until it is settled who reads on.
    let audio_index = source.audio_index();
    source.settle();
    opened.map(|(opened, tags)| Selected { opened, audio_index, tags })
}

fn of_native(source: &Source<'_>, native: Box<Native>) -> Result<Opened, Refusal> {
    let native = if source.allow_copy {
        match Frames::of_native(native)? {
            Ok(frames) => return Ok(Opened::Frames(frames)),
            Err(native) => native,
        }
    } else {
        native
    };
    let (rate, positions, declared) = (native.rate, native.positions.clone(), native.declared);
    let left = edited_samples(&source.movie.movie(), declared);
    Ok(Opened::Samples(Audio { decoder: By::Native(native), rate, positions, declared, skip: 0, left }))
}

fn by_ffmpeg(source: &Source<'_>, tags: Tags) -> Result<(Opened, Tags), Refusal> {
    let start_over = || {
        let too_far = || Refusal::new(RefusalKind::Limits, "the audio begins too far into the video");
        source.start_over().then_some(()).ok_or_else(too_far)
    };
    start_over()?;
    let mut found = Ffmpeg::open(source)?;
    let tags = tags.or(Tags::of_wave_info(&found.info));
    // Only ffmpeg itself knows the codec, and only once it decodes.
    if source.allow_copy && found.codec == "mp3" {
        found.close();
        start_over()?;
        if let Some(frames) = Frames::of_ffmpeg(source)? {
            return Ok((Opened::Frames(frames), tags));
        }
        // An mp4 gives layers I and II the same name.
        start_over()?;
        found = Ffmpeg::open(source)?;
    }
    let (rate, positions) = (found.rate, found.positions.clone());
    let movie = source.movie.movie();
    let declared = declared_samples(&movie, rate);
    let left = edited_samples(&movie, declared);
    let skip = start_samples(&movie, rate);
    Ok((Opened::Samples(Audio { decoder: By::Ffmpeg(Box::new(found)), rate, positions, declared, skip, left }), tags))
}

/// The audio of a video, decoded.
#[derive(Debug)]
pub(super) struct Audio {
    decoder: By,
    /// Hz.
    pub(super) rate: u32,
    /// Of each channel.
    pub(super) positions: Vec<Position>,
    /// Samples that the container declares, after edits.
    pub(super) declared: Option<u64>,
    /// Samples that are still to be dropped, where ffmpeg does not follow the edits that begin the track later.
    skip: u64,
    /// Samples that are still to come, where edits end the track before its last packet does.
    left: Option<u64>,
}

#[derive(Debug)]
enum By {
    Native(Box<Native>),
    Ffmpeg(Box<Ffmpeg>),
}

impl Audio {
    /// Decodes some more into `planes`, one for each position; false at the end of the audio.
    pub(super) fn next(&mut self, planes: &mut Vec<Vec<f32>>) -> Result<bool, Refusal> {
        if self.left == Some(0) {
            return Ok(false);
        }
        let goes_on = match &mut self.decoder {
            By::Native(native) => native.next(planes),
            By::Ffmpeg(ffmpeg) => ffmpeg.next(planes),
        }?;
        drop_front(planes, &mut self.skip);
        if let Some(left) = self.left.as_mut().filter(|_| goes_on) {
            let wanted = usize::try_from(*left).unwrap_or(usize::MAX);
            for plane in planes.iter_mut() {
                plane.truncate(wanted);
            }
            *left -= planes.first().map_or(0, Vec::len) as u64;
        }
        Ok(goes_on)
    }

    /// Whether anything in it made no sense so far; of ffmpeg it is known once that has ended.
    pub(super) fn has_errors(&self) -> bool {
        match &self.decoder {
            By::Native(native) => native.has_errors(),
            By::Ffmpeg(ffmpeg) => ffmpeg.has_errors(),
        }
    }

    pub(super) fn decoded_by(&self) -> Decoder {
        match &self.decoder {
            By::Native(_) => Decoder::Symphonia,
            By::Ffmpeg(_) => Decoder::Ffmpeg,
        }
    }

    /// Ends the decoding, at the end of the audio or before. Answers the codec's name.
    pub(super) fn close(self) -> String {
        match self.decoder {
            By::Native(native) => native.codec.to_owned(),
            By::Ffmpeg(mut ffmpeg) => {
                let codec = std::mem::take(&mut ffmpeg.codec);
                ffmpeg.close();
                codec
            }
        }
    }
}

/// The refusal of a video that has so many audio tracks, and not the wanted one.
fn no_such_track(tracks: usize, wanted: Option<u16>) -> Refusal {
    let detail = match (tracks, wanted) {
        (0, _) | (_, None) => "the video has no audio track".to_owned(),
        (1, Some(wanted)) => format!("the video has only one audio track, and track={wanted} was asked for"),
        (tracks, Some(wanted)) => format!("the video has {tracks} audio tracks, and track={wanted} was asked for"),
    };
    Refusal::new(RefusalKind::NoAudio, detail)
}
