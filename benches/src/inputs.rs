//! Input files, made once with ffmpeg and kept.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, ensure};

use crate::console::note;

/// A folder of inputs.
#[derive(Debug)]
pub(crate) struct Inputs(PathBuf);

impl Inputs {
    /// The given folder, or one in the user's cache folder.
    pub(crate) fn open(folder: Option<PathBuf>) -> anyhow::Result<Self> {
        let cache = || {
            let home = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
            home.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")))
        };
        let folder = folder.or_else(|| Some(cache()?.join("tapedeck/lab"))).context("set LAB_INPUTS to a folder")?;
        fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }

    /// 10 minutes of 720p H.264 and AAC-LC stereo at 44.1 kHz, about 160 MB, `moov` first.
    pub(crate) fn ten_minutes(&self) -> anyhow::Result<PathBuf> {
        let (video, audio) = (self.one_minute_of_video()?, self.audio(600)?);
        self.make("ten-minutes.mp4", |out| {
            let inputs = words(&["-stream_loop", "9", "-i", &video, "-i", &audio]);
            let output =
                words(&["-map", "0:v", "-map", "1:a", "-t", "600", "-c", "copy", "-movflags", "+faststart", out]);
            [inputs, output].concat()
        })
    }

    /// The same with `moov` last, as cameras and plain ffmpeg write it.
    pub(crate) fn ten_minutes_moov_last(&self) -> anyhow::Result<PathBuf> {
        let first = self.ten_minutes()?.display().to_string();
        self.make("ten-minutes-moov-last.mp4", |out| words(&["-i", &first, "-c", "copy", out]))
    }

    /// One minute, about 20 MB, `moov` first.
    pub(crate) fn small(&self) -> anyhow::Result<PathBuf> {
        let (video, audio) = (self.one_minute_of_video()?, self.audio(60)?);
        self.make("small.mp4", |out| {
            words(&[
                "-i",
                &video,
                "-i",
                &audio,
                "-map",
                "0:v",
                "-map",
                "1:a",
                "-c",
                "copy",
                "-movflags",
                "+faststart",
                out,
            ])
        })
    }

    /// 10 minutes whose picture is noise, about 2 GB, `moov` first.
    pub(crate) fn large(&self) -> anyhow::Result<PathBuf> {
        let audio = self.audio(600)?;
        let noise = self.make("noise.mp4", |out| {
            // Noise fills any bit rate, and an old codec makes it in seconds.
            let source = "nullsrc=s=640x360:r=25,geq=random(1)*255:128:128";
            words(&[
                "-f",
                "lavfi",
                "-i",
                source,
                "-t",
                "60",
                "-c:v",
                "mpeg2video",
                "-b:v",
                "27M",
                "-maxrate",
                "27M",
                "-bufsize",
                "27M",
                out,
            ])
        })?;
        let noise = noise.display().to_string();
        self.make("large.mp4", |out| {
            let inputs = words(&["-stream_loop", "9", "-i", &noise, "-i", &audio]);
            let output =
                words(&["-map", "0:v", "-map", "1:a", "-t", "600", "-c", "copy", "-movflags", "+faststart", out]);
            [inputs, output].concat()
        })
    }

    fn one_minute_of_video(&self) -> anyhow::Result<String> {
        let path = self.make("minute.mp4", |out| {
            let source = words(&["-f", "lavfi", "-i", "testsrc2=s=1280x720:r=25,noise=alls=12:allf=t", "-t", "60"]);
            let codec = words(&["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"]);
            let rate = words(&["-b:v", "2000k", "-maxrate", "2000k", "-bufsize", "4000k", out]);
            [source, codec, rate].concat()
        })?;
        Ok(path.display().to_string())
    }

    /// Something between music and speech: chords that change, and noise that breathes.
    fn audio(&self, seconds: u32) -> anyhow::Result<String> {
        let left = "0.2*sin(2*PI*t*(220+55*mod(floor(t*2),5)))+0.1*sin(2*PI*t*(660+110*mod(floor(t*3),4)))+0.05*(random(0)-0.5)*(1+sin(2*PI*t*0.7))";
        let right = "0.2*sin(2*PI*t*(330+55*mod(floor(t*2),5)))+0.1*sin(2*PI*t*(880+110*mod(floor(t*5),3)))+0.05*(random(1)-0.5)*(1+sin(2*PI*t*1.1))";
        let path = self.make(&format!("audio-{seconds}.m4a"), |out| {
            let source = format!("aevalsrc={left}|{right}:s=44100:d={seconds}").replace(',', "\\,");
            words(&["-f", "lavfi", "-i", &source, "-c:a", "aac", "-b:a", "128k", out])
        })?;
        Ok(path.display().to_string())
    }

    /// Runs ffmpeg unless the file is there; a file that exists is whole, since it is renamed when it is done.
    fn make(&self, name: &str, arguments: impl FnOnce(&str) -> Vec<String>) -> anyhow::Result<PathBuf> {
        let path = self.0.join(name);
        if path.exists() {
            return Ok(path);
        }
        note(format!("making {}", path.display()));
        let unfinished = self.0.join(format!("unfinished-{name}"));
        ffmpeg(&unfinished, arguments)?;
        fs::rename(&unfinished, &path)?;
        Ok(path)
    }
}

fn ffmpeg(out: &Path, arguments: impl FnOnce(&str) -> Vec<String>) -> anyhow::Result<()> {
    let out = out.display().to_string();
    let status = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "fatal", "-y"])
        .args(arguments(&out))
        .status()
        .context("cannot run ffmpeg; install it")?;
    ensure!(status.success(), "ffmpeg could not make {out}");
    Ok(())
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}
