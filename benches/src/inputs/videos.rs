//! The videos.

use std::path::PathBuf;

use super::{Inputs, words};

const FASTSTART: [&str; 2] = ["-movflags", "+faststart"];

impl Inputs {
    /// 10 minutes of 720p H.264 and AAC-LC stereo at 44.1 kHz, about 160 MB, `moov` first.
    pub(crate) fn ten_minutes(&self) -> anyhow::Result<PathBuf> {
        self.join("ten-minutes.mp4", &self.one_minute_of_video()?, &self.aac(600)?, &FASTSTART)
    }

    /// The same with `moov` last, as cameras and plain ffmpeg write it.
    pub(crate) fn ten_minutes_moov_last(&self) -> anyhow::Result<PathBuf> {
        self.rewrap("ten-minutes-moov-last.mp4", &[])
    }

    /// The first 10 seconds.
    pub(crate) fn clip(&self) -> anyhow::Result<PathBuf> {
        self.rewrap("clip.mp4", &["-t", "10", FASTSTART[0], FASTSTART[1]])
    }

    /// The same 10 minutes as a transport stream.
    pub(crate) fn mpeg_ts(&self) -> anyhow::Result<PathBuf> {
        self.rewrap("ten-minutes.ts", &[])
    }

    /// 10 minutes of H.264 with an mp3 at 192 kbit/s, `moov` first.
    pub(crate) fn mp3_in_mp4(&self) -> anyhow::Result<PathBuf> {
        let audio = self.ten_minutes_of("audio.mp3", &["-c:a", "libmp3lame", "-b:a", "192k"])?;
        self.join("ten-minutes-mp3.mp4", &self.one_minute_of_video()?, &audio, &FASTSTART)
    }

    /// 10 minutes of VP8 and Opus.
    pub(crate) fn webm(&self) -> anyhow::Result<PathBuf> {
        let audio = self.ten_minutes_of("audio.opus", &["-c:a", "libopus", "-b:a", "128k"])?;
        self.join("ten-minutes.webm", &self.one_minute_of_vp8()?, &audio, &[])
    }

    /// 10 minutes of H.264 and AC-3.
    pub(crate) fn avi(&self) -> anyhow::Result<PathBuf> {
        let audio = self.ten_minutes_of("audio.ac3", &["-c:a", "ac3", "-b:a", "192k"])?;
        self.join("ten-minutes.avi", &self.one_minute_of_video()?, &audio, &[])
    }

    /// One minute, about 16 MB, `moov` first.
    pub(crate) fn small(&self) -> anyhow::Result<PathBuf> {
        let (video, audio) = (self.one_minute_of_video()?, self.aac(60)?);
        self.make("small.mp4", |out| {
            let inputs = words(&["-i", &video, "-i", &audio]);
            [inputs, words(&["-map", "0:v", "-map", "1:a", "-c", "copy"]), words(&FASTSTART), words(&[out])].concat()
        })
    }

    /// 10 minutes whose picture is noise, about 2 GB, `moov` first.
    pub(crate) fn large(&self) -> anyhow::Result<PathBuf> {
        self.join("large.mp4", &self.one_minute_of_noise()?, &self.aac(600)?, &FASTSTART)
    }

    /// 100 minutes of AAC under small pictures, `moov` first: the index of a long film without its bytes.
    pub(crate) fn hundred_minutes(&self) -> anyhow::Result<PathBuf> {
        let (video, audio) = (self.one_minute_of_stamps()?, self.aac(600)?);
        self.make("hundred-minutes.mp4", |out| {
            let inputs = words(&["-stream_loop", "99", "-i", &video, "-stream_loop", "9", "-i", &audio]);
            let output = words(&["-map", "0:v", "-map", "1:a", "-t", "6000", "-c", "copy"]);
            [inputs, output, words(&FASTSTART), words(&[out])].concat()
        })
    }

    /// 10 minutes: a minute of `video` over and over, and `audio`.
    fn join(&self, name: &str, video: &str, audio: &str, options: &[&str]) -> anyhow::Result<PathBuf> {
        self.make(name, |out| {
            let inputs = words(&["-stream_loop", "9", "-i", video, "-i", audio]);
            let output = words(&["-map", "0:v", "-map", "1:a", "-t", "600", "-c", "copy"]);
            [inputs, output, words(options), words(&[out])].concat()
        })
    }

    /// The 10 minutes in another wrapping.
    fn rewrap(&self, name: &str, options: &[&str]) -> anyhow::Result<PathBuf> {
        let video = self.ten_minutes()?.display().to_string();
        self.make(name, |out| {
            [words(&["-i", &video, "-map", "0", "-c", "copy"]), words(options), words(&[out])].concat()
        })
    }
}
