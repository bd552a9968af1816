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
            let out = ["-map", "0:v", "-map", "1:a", "-t", "600", "-c", "copy", "-movflags", "+faststart", out];
            [vec!["-stream_loop", "9", "-i", &video, "-i", &audio], out.to_vec()]
                .concat()
                .iter()
                .map(ToString::to_string)
                .collect()
        })
    }

    /// The same with `moov` last, as cameras and plain ffmpeg write it.
    pub(crate) fn ten_minutes_moov_last(&self) -> anyhow::Result<PathBuf> {
        let first = self.ten_minutes()?.display().to_string();
        self.make("ten-minutes-moov-last.mp4", |out| {
            ["-i", &first, "-c", "copy", out].iter().map(ToString::to_string).collect()
        })
    }

    /// 10 minutes whose video makes the file about `megabytes` large.
    pub(crate) fn of_size(&self, megabytes: u64) -> anyhow::Result<PathBuf> {
        let audio = self.audio(if megabytes < 100 { 60 } else { 600 })?;
        let (seconds, loops) = if megabytes < 100 { ("60", "0") } else { ("600", "9") };
        let kbps = if megabytes < 100 { megabytes * 8000 / 60 } else { megabytes * 8000 / 600 };
        let rate = format!("{kbps}k");
        let video = self.make(&format!("minute-{megabytes}.mp4"), |out| {
            // Noise fills any bit rate, and a fast preset makes it in seconds.
            let source = "nullsrc=s=640x360:r=25,geq=random(1)*255:128:128";
            [
                "-f",
                "lavfi",
                "-i",
                source,
                "-t",
                "60",
                "-c:v",
                "mpeg2video",
                "-b:v",
                &rate,
                "-minrate",
                &rate,
                "-maxrate",
                &rate,
                "-bufsize",
                &rate,
                out,
            ]
            .iter()
            .map(ToString::to_string)
            .collect()
        })?;
        let video = video.display().to_string();
        self.make(&format!("size-{megabytes}.mp4"), |out| {
            [
                "-stream_loop",
                loops,
                "-i",
                &video,
                "-i",
                &audio,
                "-map",
                "0:v",
                "-map",
                "1:a",
                "-t",
                seconds,
                "-c",
                "copy",
                "-movflags",
                "+faststart",
                out,
            ]
            .iter()
            .map(ToString::to_string)
            .collect()
        })
    }

    fn one_minute_of_video(&self) -> anyhow::Result<String> {
        let path = self.make("minute.mp4", |out| {
            let source = "testsrc2=s=1280x720:r=25,noise=alls=12:allf=t";
            [
                "-f",
                "lavfi",
                "-i",
                source,
                "-t",
                "60",
                "-c:v",
                "libx264",
                "-preset",
                "ultrafast",
                "-b:v",
                "2000k",
                "-maxrate",
                "2000k",
                "-bufsize",
                "4000k",
                "-pix_fmt",
                "yuv420p",
                out,
            ]
            .iter()
            .map(ToString::to_string)
            .collect()
        })?;
        Ok(path.display().to_string())
    }

    /// Something between music and speech: chords that change, and noise that breathes.
    fn audio(&self, seconds: u32) -> anyhow::Result<String> {
        let left = "0.2*sin(2*PI*t*(220+55*mod(floor(t*2),5)))+0.1*sin(2*PI*t*(660+110*mod(floor(t*3),4)))+0.05*(random(0)-0.5)*(1+sin(2*PI*t*0.7))";
        let right = "0.2*sin(2*PI*t*(330+55*mod(floor(t*2),5)))+0.1*sin(2*PI*t*(880+110*mod(floor(t*5),3)))+0.05*(random(1)-0.5)*(1+sin(2*PI*t*1.1))";
        let path = self.make(&format!("audio-{seconds}.m4a"), |out| {
            let source = format!("aevalsrc={left}|{right}:s=44100:d={seconds}").replace(',', "\\,");
            ["-f", "lavfi", "-i", &source, "-c:a", "aac", "-b:a", "128k", out].iter().map(ToString::to_string).collect()
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
        .args(["-nostdin", "-v", "error", "-y"])
        .args(arguments(&out))
        .status()
        .context("cannot run ffmpeg; install it")?;
    ensure!(status.success(), "ffmpeg could not make {out}");
    Ok(())
}
