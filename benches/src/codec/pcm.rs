//! Decoded audio, frame by frame.

use std::{
    io::{BufReader, Read as _},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};

use anyhow::{Context as _, ensure};

/// Samples of one channel.
const FRAME_SAMPLES: usize = 1152;
/// Of stereo `f32`.
const FRAME_BYTES: usize = FRAME_SAMPLES * 2 * size_of::<f32>();

/// An ffmpeg that decodes a stereo file; killed when dropped.
#[derive(Debug)]
pub(super) struct Decoder {
    child: Child,
    pcm: BufReader<ChildStdout>,
}

impl Decoder {
    pub(super) fn open(audio: &Path) -> anyhow::Result<Self> {
        let mut child = Command::new("ffmpeg")
            .args(["-nostdin", "-v", "error", "-i"])
            .arg(audio)
            .args(["-ac", "2", "-f", "f32le", "-"])
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot run ffmpeg")?;
        let pcm = BufReader::new(child.stdout.take().context("no pipe from ffmpeg")?);
        Ok(Self { child, pcm })
    }

    /// The next frame, channels interleaved; shorter at the end, then empty.
    pub(super) fn frame(&mut self) -> anyhow::Result<Vec<f64>> {
        let mut bytes = Vec::with_capacity(FRAME_BYTES);
        (&mut self.pcm).take(FRAME_BYTES as u64).read_to_end(&mut bytes)?;
        if bytes.is_empty() {
            ensure!(self.child.wait()?.success(), "ffmpeg could not decode");
        }
        let (samples, _) = bytes.as_chunks();
        Ok(samples.iter().map(|&sample| f64::from(f32::from_le_bytes(sample))).collect())
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
