//! What the videos are put together from: pictures and sound.

use std::path::PathBuf;

use super::{Inputs, words};

/// Something between music and speech: chords that change, and noise that breathes.
const LEFT: &str = "0.2*sin(2*PI*t*(220+55*mod(floor(t*2),5)))+0.1*sin(2*PI*t*(660+110*mod(floor(t*3),4)))+0.05*(random(0)-0.5)*(1+sin(2*PI*t*0.7))";
const RIGHT: &str = "0.2*sin(2*PI*t*(330+55*mod(floor(t*2),5)))+0.1*sin(2*PI*t*(880+110*mod(floor(t*5),3)))+0.05*(random(1)-0.5)*(1+sin(2*PI*t*1.1))";

impl Inputs {
    /// 10 minutes of the sound as 16-bit PCM, 44.1 kHz, stereo.
    pub(crate) fn wav(&self) -> anyhow::Result<PathBuf> {
        self.make("ten-minutes.wav", |out| sound(600, &["-c:a", "pcm_s16le", out]))
    }

    pub(super) fn aac(&self, seconds: u32) -> anyhow::Result<String> {
        let path =
            self.make(&format!("audio-{seconds}.m4a"), |out| sound(seconds, &["-c:a", "aac", "-b:a", "128k", out]))?;
        Ok(path.display().to_string())
    }

    /// 10 minutes, encoded as `codec` says.
    pub(super) fn ten_minutes_of(&self, name: &str, codec: &[&str]) -> anyhow::Result<String> {
        let wav = self.wav()?.display().to_string();
        let path = self.make(name, |out| [words(&["-i", &wav]), words(codec), words(&[out])].concat())?;
        Ok(path.display().to_string())
    }

    /// One minute of 720p H.264, 16 MB.
    pub(super) fn one_minute_of_video(&self) -> anyhow::Result<String> {
        let codec = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"];
        self.picture("minute.mp4", "1280x720", &codec, "2000k")
    }

    /// One minute of 720p VP8.
    pub(super) fn one_minute_of_vp8(&self) -> anyhow::Result<String> {
        self.picture("minute.webm", "1280x720", &["-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8"], "2000k")
    }

    /// One minute of H.264 as a messenger sends it, 4 MB.
    pub(super) fn one_minute_of_phone_video(&self) -> anyhow::Result<String> {
        let codec = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"];
        self.picture("phone.mp4", "640x360", &codec, "500k")
    }

    /// The same as VP8.
    pub(super) fn one_minute_of_phone_vp8(&self) -> anyhow::Result<String> {
        let codec = ["-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8"];
        self.picture("phone.webm", "640x360", &codec, "500k")
    }

    /// One minute of H.264 with as many frames and hardly any bytes.
    pub(super) fn one_minute_of_stamps(&self) -> anyhow::Result<String> {
        let codec = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"];
        self.picture("stamps.mp4", "160x90", &codec, "50k")
    }

    /// One minute of noise, 200 MB: it fills any bit rate, and an old codec makes it in seconds.
    pub(super) fn one_minute_of_noise(&self) -> anyhow::Result<String> {
        let path = self.make("noise.mp4", |out| {
            let source = words(&["-f", "lavfi", "-i", "nullsrc=s=640x360:r=25,geq=random(1)*255:128:128", "-t", "60"]);
            let codec = words(&["-c:v", "mpeg2video", "-b:v", "27M", "-maxrate", "27M", "-bufsize", "27M", out]);
            [source, codec].concat()
        })?;
        Ok(path.display().to_string())
    }

    fn picture(&self, name: &str, size: &str, codec: &[&str], rate: &str) -> anyhow::Result<String> {
        let path = self.make(name, |out| {
            let source = format!("testsrc2=s={size}:r=25,noise=alls=12:allf=t");
            let source = words(&["-f", "lavfi", "-i", &source, "-t", "60"]);
            let rate = words(&["-b:v", rate, "-maxrate", rate, "-bufsize", "4000k", out]);
            [source, words(codec), rate].concat()
        })?;
        Ok(path.display().to_string())
    }
}

fn sound(seconds: u32, output: &[&str]) -> Vec<String> {
    let source = format!("aevalsrc={LEFT}|{RIGHT}:s=44100:d={seconds}").replace(',', "\\,");
    [words(&["-f", "lavfi", "-i", &source]), words(output)].concat()
}
