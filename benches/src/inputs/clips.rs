//! Short clips in several containers.

use std::path::PathBuf;

use super::{Inputs, words};

/// A short video.
#[derive(Debug)]
pub(crate) struct Clip {
    pub(crate) name: &'static str,
    pub(crate) path: PathBuf,
    /// Of its sound.
    pub(crate) seconds: u32,
}

impl Inputs {
    /// 5 to 30 seconds of 360p, 0.5 MB for 5 s: what phones send. Streamed mp4, mp4 with its index last, Matroska, a
    /// transport stream, `WebM`; more short ones than long ones.
    pub(crate) fn clips(&self) -> anyhow::Result<Vec<Clip>> {
        const FASTSTART: [&str; 2] = ["-movflags", "+faststart"];
        let aac = self.ten_minutes_of("audio-clips.m4a", &["-c:a", "aac", "-b:a", "128k"])?;
        let opus = self.ten_minutes_of("audio.opus", &["-c:a", "libopus", "-b:a", "128k"])?;
        let (h264, vp8) = (self.one_minute_of_phone_video()?, self.one_minute_of_phone_vp8()?);
        Ok(vec![
            self.cut("clip5-mp4", "mp4", 5, [&h264, &aac], &FASTSTART)?,
            self.cut("clip5-webm", "webm", 5, [&vp8, &opus], &[])?,
            self.cut("clip10-mp4", "mp4", 10, [&h264, &aac], &FASTSTART)?,
            self.cut("clip10-mov-last", "mp4", 10, [&h264, &aac], &[])?,
            self.cut("clip15-mkv", "mkv", 15, [&h264, &aac], &[])?,
            self.cut("clip30-ts", "ts", 30, [&h264, &aac], &[])?,
        ])
    }

    fn cut(
        &self,
        name: &'static str,
        ending: &str,
        seconds: u32,
        [video, audio]: [&str; 2],
        options: &[&str],
    ) -> anyhow::Result<Clip> {
        let path = self.make(&format!("{name}.{ending}"), |out| {
            let inputs = words(&["-i", video, "-i", audio, "-map", "0:v", "-map", "1:a"]);
            let length = words(&["-t", &seconds.to_string(), "-c", "copy"]);
            [inputs, length, words(options), words(&[out])].concat()
        })?;
        Ok(Clip { name, path, seconds })
    }
}
