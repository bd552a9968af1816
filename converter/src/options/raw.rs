//! The options as text.

use std::ops::RangeInclusive;

use serde::Deserialize;

use super::{
    Normalize, OptionError, Options, Reencode, ReplayGain, Tags,
    parse::{TRACK_NUMBERS, date, instant, number, one_of, quality, tag},
};

/// Audio tracks that can be asked for.
const TRACKS: RangeInclusive<u16> = 1..=64;

/// The options as a query string or a command line carries them, unchecked. On a command line `-1` is a number that is
/// refused with the range, and no flag.
#[derive(Debug, Clone, Default, Deserialize, clap::Args)]
pub struct RawOptions {
    /// Variable bit rate, V0 (best) to V9 (smallest), or a number as `bitrate` has; where neither this nor a bit rate is
    /// given, V2, or an mp3 source as it is.
    #[arg(long, allow_negative_numbers = true)]
    pub quality: Option<String>,
    /// Constant bit rate in kbit/s, 32 to 320.
    #[arg(long, allow_negative_numbers = true)]
    pub bitrate: Option<String>,
    /// 1 (mono) or 2 (stereo); as the source where absent.
    #[arg(long, allow_negative_numbers = true)]
    pub channels: Option<String>,
    /// First instant to convert, in seconds, e.g. 12.5.
    #[arg(long, allow_negative_numbers = true)]
    pub start: Option<String>,
    /// Instant to stop at, in seconds.
    #[arg(long, allow_negative_numbers = true)]
    pub end: Option<String>,
    /// Which audio track, counted from 1; the first enabled one where absent.
    #[arg(long, allow_negative_numbers = true)]
    pub track: Option<String>,
    /// `always` encodes an mp3 source anew; `auto` (the default) copies its frames where no other option forbids it.
    #[arg(long)]
    pub reencode: Option<String>,
    /// `ebur128` brings the loudness to -23 LUFS, with at most -1 dBTP; the decoded audio is kept on disk meanwhile.
    #[arg(long)]
    pub normalize: Option<String>,
    /// `track` measures the loudness and writes it into the mp3 for players that even it out.
    #[arg(long)]
    pub replaygain: Option<String>,
    /// `source` (the default) takes title, artist, album, track number, date and picture over; `none` does not.
    #[arg(long)]
    pub tags: Option<String>,
    /// Title for the mp3's tag.
    #[arg(long)]
    pub title: Option<String>,
    /// Artist for the mp3's tag.
    #[arg(long)]
    pub artist: Option<String>,
    /// Album for the mp3's tag.
    #[arg(long)]
    pub album: Option<String>,
    /// Date for the mp3's tag: a year, month or day, e.g. 2026-11-24.
    #[arg(long)]
    pub date: Option<String>,
    /// Track number for the mp3's tag.
    #[arg(long, allow_negative_numbers = true)]
    pub track_number: Option<String>,
}

impl RawOptions {
    /// The option of a name, to be filled in; `None` where there is no such option.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Option<String>> {
        self.all().into_iter().find_map(|(known, value)| (known == name).then_some(value))
    }

    /// The options that were given, by name.
    pub fn given(&self) -> Vec<(&'static str, String)> {
        let mut copy = self.clone();
        copy.all().into_iter().filter_map(|(name, value)| Some((name, value.take()?))).collect()
    }

    /// The names of all options.
    pub fn names() -> Vec<&'static str> {
        Self::default().all().map(|(name, _)| name).into()
    }

    /// The one table of names.
    fn all(&mut self) -> [(&'static str, &mut Option<String>); 15] {
        [
            ("quality", &mut self.quality),
            ("bitrate", &mut self.bitrate),
            ("channels", &mut self.channels),
            ("start", &mut self.start),
            ("end", &mut self.end),
            ("track", &mut self.track),
            ("reencode", &mut self.reencode),
            ("normalize", &mut self.normalize),
            ("replaygain", &mut self.replaygain),
            ("tags", &mut self.tags),
            ("title", &mut self.title),
            ("artist", &mut self.artist),
            ("album", &mut self.album),
            ("date", &mut self.date),
            ("track_number", &mut self.track_number),
        ]
    }

    /// Checks every option against its range.
    pub fn check(&self) -> Result<Options, OptionError> {
        let (start, end) = (instant("start", self.start.as_deref())?, instant("end", self.end.as_deref())?);
        if let Some(end) = end
            && end <= start.unwrap_or(0.0)
        {
            return Err(OptionError(format!("end must come after start, not at {end} s")));
        }
        Ok(Options {
            quality: quality(self.quality.as_deref(), self.bitrate.as_deref())?,
            channels: one_of("channels", self.channels.as_deref(), &[("1", 1), ("2", 2)])?,
            start,
            end,
            track: number("track", self.track.as_deref(), TRACKS)?,
            reencode: one_of(
                "reencode",
                self.reencode.as_deref(),
                &[("auto", Reencode::Auto), ("always", Reencode::Always)],
            )?
            .unwrap_or_default(),
            normalize: one_of("normalize", self.normalize.as_deref(), &[("ebur128", Normalize::Ebur128)])?,
            replaygain: one_of("replaygain", self.replaygain.as_deref(), &[("track", ReplayGain::Track)])?,
            tags: one_of("tags", self.tags.as_deref(), &[("source", Tags::Source), ("none", Tags::None)])?
                .unwrap_or_default(),
            title: tag("title", self.title.as_deref())?,
            artist: tag("artist", self.artist.as_deref())?,
            album: tag("album", self.album.as_deref())?,
            date: date(self.date.as_deref())?,
            track_number: number("track_number", self.track_number.as_deref(), TRACK_NUMBERS)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Quality;

    fn raw(change: impl FnOnce(&mut RawOptions)) -> RawOptions {
        let mut raw = RawOptions::default();
        change(&mut raw);
        raw
    }

    #[test]
    fn nothing_sent_asks_for_nothing() {
        assert_eq!(RawOptions::default().check(), Ok(Options::default()));
        assert_eq!(Quality::default(), Quality::Variable(2));
    }

    #[test]
    fn options_are_found_and_told_by_name() {
        let mut raw = RawOptions::default();
        for name in RawOptions::names() {
            *raw.get_mut(name).expect(name) = Some(name.to_owned());
        }
        assert!(raw.get_mut("volume").is_none());
        assert!(raw.given().iter().all(|(name, value)| name == value));
        assert_eq!(raw.given().len(), RawOptions::names().len());
    }

    #[test]
    fn what_a_conversion_tells_of_its_quality_may_be_sent_again() {
        for told in [raw(|o| o.bitrate = Some("320".into())), raw(|o| o.quality = Some("v0".into()))] {
            let options = told.check().expect("in range");
            let quality = options.quality.map(|quality| quality.to_string());
            assert_eq!(RawOptions { quality, ..RawOptions::default() }.check(), Ok(options));
        }
    }

    #[test]
    fn each_refusal_names_the_range() {
        for (raw, named) in [
            (raw(|o| o.quality = Some("V10".into())), "V0 (best) to V9"),
            (raw(|o| o.quality = Some("129".into())), "V0 (best) to V9 (smallest), or of [32, 40"),
            (raw(|o| o.bitrate = Some("31".into())), "32, 40"),
            (raw(|o| o.bitrate = Some("V2".into())), "which is a quality"),
            (raw(|o| (o.quality, o.bitrate) = (Some("128".into()), Some("128".into()))), "not both"),
            (raw(|o| o.channels = Some("3".into())), "1 or 2"),
            (raw(|o| o.start = Some("-1".into())), "0 to 86400"),
            (raw(|o| o.start = Some("NaN".into())), "0 to 86400"),
            (raw(|o| (o.start, o.end) = (Some("5".into()), Some("5".into()))), "after start"),
            (raw(|o| o.track = Some("0".into())), "1 to 64"),
            (raw(|o| o.reencode = Some("never".into())), "auto or always"),
            (raw(|o| o.normalize = Some("yes".into())), "ebur128"),
            (raw(|o| o.replaygain = Some("album".into())), "track"),
            (raw(|o| o.tags = Some("all".into())), "source or none"),
            (raw(|o| o.title = Some("a\nb".into())), "control characters"),
            (raw(|o| o.artist = Some("x".repeat(1025))), "at most 1024"),
            (raw(|o| o.date = Some("24.11.2026".into())), "2026-11-24"),
            (raw(|o| o.track_number = Some("1000".into())), "1 to 999"),
        ] {
            let refusal = raw.check().expect_err(named).to_string();
            assert!(refusal.contains(named), "{refusal}");
        }
    }
}
