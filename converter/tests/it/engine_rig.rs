//! Runs the engine as the service does, and makes the media for it.

use std::{
    io::{Seek as _, Write as _},
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use converter::{
    control::{FromEngine, Refusal, RefusalKind, Report, Verdict},
    engine::{Engine, Input, Job, find_ffmpeg},
    options::Options,
    sniff::{Sniffed, sniff},
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::timeout,
};

/// Longest that any conversion of a test may take, on a machine that compiles at the same time.
const CONVERSION_MAX: Duration = Duration::from_mins(1);
/// Seconds of every clip, and its sample rate where a test says nothing else.
pub(crate) const SECONDS: u32 = 3;
pub(crate) const RATE: u32 = 44_100;
pub(crate) const SAMPLES: u64 = SECONDS as u64 * RATE as u64;
/// Two tones, not too loud for any codec.
pub(crate) const STEREO: &str = "aevalsrc=0.3*sin(2*PI*440*t)|0.2*sin(2*PI*660*t):s=44100:d=3";
pub(crate) const MONO: &str = "aevalsrc=0.3*sin(2*PI*440*t):s=44100:d=3";

pub(crate) fn program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_converter"))
}

pub(crate) fn job(options: Options) -> Job {
    Job { options, duration_max: Duration::from_hours(1), ffmpeg: find_ffmpeg(Path::new("ffmpeg")), scratch: None }
}

/// Runs ffmpeg in `folder` and answers its standard output.
pub(crate) fn ffmpeg(folder: &Path, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("ffmpeg")
        .current_dir(folder)
        .args(["-hide_banner", "-v", "error", "-nostdin", "-y"])
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("ffmpeg is installed");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// A clip of [`SECONDS`] with a tiny picture and the given sound, muxed to `file`.
pub(crate) fn video(file: &str, sound: &str, arguments: &[&str]) -> Vec<u8> {
    let picture = format!("testsrc=s=64x48:r=25:d={SECONDS}");
    make(file, &[&["-f", "lavfi", "-i", &picture, "-f", "lavfi", "-i", sound], arguments].concat())
}

/// A clip without a picture.
pub(crate) fn sound(file: &str, sound: &str, arguments: &[&str]) -> Vec<u8> {
    make(file, &[&["-f", "lavfi", "-i", sound], arguments].concat())
}

fn make(file: &str, arguments: &[&str]) -> Vec<u8> {
    let folder = TempDir::new().expect("a folder");
    ffmpeg(folder.path(), &[arguments, &[file]].concat());
    std::fs::read(folder.path().join(file)).expect("the clip")
}

/// Decodes with ffmpeg to interleaved stereo at the file's own sample rate.
pub(crate) fn decode(file: &str, bytes: &[u8]) -> Vec<f32> {
    let folder = TempDir::new().expect("a folder");
    std::fs::write(folder.path().join(file), bytes).expect("a file");
    let pcm = ffmpeg(folder.path(), &["-i", file, "-map", "0:a:0", "-f", "f32le", "-ac", "2", "pipe:1"]);
    pcm.as_chunks::<4>().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect()
}

/// Asks ffprobe for entries of a file and answers their values, each in a line of its own.
pub(crate) fn ffprobe(file: &str, bytes: &[u8], entries: &str, arguments: &[&str]) -> String {
    let folder = TempDir::new().expect("a folder");
    std::fs::write(folder.path().join(file), bytes).expect("a file");
    let output = Command::new("ffprobe")
        .current_dir(folder.path())
        .args(["-v", "error", "-of", "default=noprint_wrappers=1:nokey=1", "-show_entries", entries])
        .args(arguments)
        .arg(file)
        .output()
        .expect("ffprobe is installed");
    String::from_utf8(output.stdout).expect("text").trim().to_owned()
}

/// Root mean square of one channel of [`decode`]'s samples.
pub(crate) fn level(stereo: &[f32], channel: usize) -> f64 {
    let squares = stereo.iter().skip(channel).step_by(2).map(|&sample| f64::from(sample).powi(2));
    let samples = u32::try_from(stereo.len() / 2).expect("a short clip");
    (squares.sum::<f64>() / f64::from(samples.max(1))).sqrt()
}

/// What an engine left behind.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// With the length tag patched in, where there was one.
    pub(crate) mp3: Vec<u8>,
    /// Absent where it died.
    pub(crate) verdict: Option<Verdict>,
    pub(crate) is_success: bool,
    pub(crate) status: ExitStatus,
    /// The process group that it led.
    pub(crate) group: u32,
}

impl Outcome {
    pub(crate) fn converted(self) -> (Report, Vec<u8>) {
        match self.verdict {
            Some(Verdict::Converted(report)) => {
                assert!(self.is_success);
                assert_eq!(report.mp3_bytes, self.mp3.len() as u64);
                (report, self.mp3)
            }
            other => panic!("not converted: {other:?}"),
        }
    }

    pub(crate) fn refused(&self) -> &Refusal {
        match &self.verdict {
            Some(Verdict::Refused(refusal)) => refusal,
            other => panic!("not refused: {other:?}"),
        }
    }

    pub(crate) fn refused_as(&self, kinds: &[RefusalKind], what: &str) {
        let refusal = self.refused();
        assert!(kinds.contains(&refusal.kind), "{what}: {refusal:?}");
    }
}

/// Converts as the service would: streamed or spooled by what the sniffer says.
pub(crate) async fn convert(job: &Job, video: &[u8]) -> Outcome {
    convert_saying(job, video, Some(video.len() as u64)).await
}

/// The same with another size in the end mark, or without any.
pub(crate) async fn convert_saying(job: &Job, video: &[u8], upload_bytes: Option<u64>) -> Outcome {
    let input = if matches!(sniff(video, true), Sniffed::Spool(_)) {
        let mut spool = tempfile::tempfile().expect("a spool");
        spool.write_all(video).expect("a written spool");
        spool.rewind().expect("a rewound spool");
        Input::Spool(spool)
    } else {
        Input::Stream
    };
    let engine = Engine::spawn(&program(), job, input).expect("an engine");
    timeout(CONVERSION_MAX, follow(engine, video, upload_bytes)).await.expect("a conversion in time")
}

async fn follow(engine: Engine, video: &[u8], upload_bytes: Option<u64>) -> Outcome {
    let Engine { input, mut output, end, mut events, mut process } = engine;
    let group = process.id().expect("a process");
    let feeding = async {
        if let Some(mut input) = input {
            // An engine that refuses early reads no further.
            let _ = input.write_all(video).await;
        }
        if let Some(bytes) = upload_bytes {
            let _ = end.write(bytes).await;
        }
    };
    let mut mp3 = Vec::new();
    let reading = output.read_to_end(&mut mp3);
    let listening = async {
        let mut verdict = None;
        while let Some(event) = events.next().await.expect("words that make sense") {
            if let FromEngine::Verdict(last) = event {
                verdict = Some(last);
            }
        }
        verdict
    };
    let ((), read, verdict) = tokio::join!(feeding, reading, listening);
    read.expect("the engine's output");
    let status = process.wait().await.expect("an end");
    if let Some(Verdict::Converted(Report { head: Some(head), .. })) = &verdict {
        let (bytes, offset) = (BASE64_STANDARD.decode(&head.bytes).expect("base64"), head.offset);
        let start = usize::try_from(offset).expect("a short mp3");
        mp3[start..start + bytes.len()].copy_from_slice(&bytes);
    }
    Outcome { mp3, verdict, is_success: status.success(), status, group }
}
