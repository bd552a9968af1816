//! Hundreds of damaged files through the whole engine: each ends in time, leaves no process behind, and is never a
//! success of the wrong length.

mod holes;
mod mutation;

use std::{os::unix::process::ExitStatusExt as _, process::Stdio, sync::Arc, time::Duration};

use converter::{
    control::{Completeness, Decoder, RefusalKind, Report, Verdict},
    engine::Job,
    options::Options,
};
use tokio::{process::Command, time::timeout};

use self::mutation::{Mutation, Random};
use crate::{
    engine_process::{AFTERLIFE_MAX, running, until},
    engine_rig::{Outcome, STEREO, convert, job, sound, video},
    samples::sample,
};

const CASES: u64 = 500;
/// Engines side by side; each has as many workers as the machine has cores.
const ENGINES: u64 = 2;
/// Of a clip that is made here, and of a sample.
const CLIP_MS: u64 = 2_000;
const SAMPLE_MS: u64 = 3_000;
/// Longest audio that is asked for; what is damaged may declare any.
const DURATION_MAX: Duration = Duration::from_mins(2);
/// How far a duration may be off: so many ms, or a percent.
const OFF_MS_MAX: u64 = 500;
/// Longest that the other decoder may take.
const REFERENCE_MAX: Duration = Duration::from_secs(30);
/// Signals by which a process ends at its limits: of memory (`SIGABRT`, what could not be allocated aborts) and of CPU
/// time (`SIGKILL`, `SIGXCPU`).
const LIMITS: [i32; 3] = [6, 9, 24];

struct Base {
    file: &'static str,
    bytes: Vec<u8>,
    ms: u64,
}

fn bases() -> Vec<Base> {
    let made = |file, picture: &[&str], audio: &[&str]| {
        let arguments = [picture, &["-t", "2", "-c:a"], audio].concat();
        let bytes = if picture.is_empty() { sound(file, STEREO, &arguments) } else { video(file, STEREO, &arguments) };
        Base { file, bytes, ms: CLIP_MS }
    };
    let mpeg4 = ["-c:v", "mpeg4"];
    let fragments = ["-movflags", "+frag_keyframe+empty_moov", "-g", "10"];
    let mut bases = vec![
        made("fast.mp4", &mpeg4, &["aac", "-movflags", "+faststart"]),
        made("last.mp4", &mpeg4, &["aac"]),
        made("fragments.mp4", &mpeg4, &[&["aac"], &fragments[..]].concat()),
        made("opus.mkv", &mpeg4, &["libopus"]),
        made("aac.mkv", &mpeg4, &["aac"]),
        made("vorbis.mkv", &mpeg4, &["libvorbis"]),
        made("opus.webm", &["-c:v", "libvpx"], &["libopus"]),
        made("mp3.avi", &mpeg4, &["libmp3lame"]),
        made("pcm.avi", &mpeg4, &["pcm_s16le"]),
        made("aac.ts", &["-c:v", "mpeg2video"], &["aac"]),
        made("aac.flv", &["-c:v", "flv"], &["aac"]),
        made("a.ogg", &[], &["libvorbis"]),
        made("a.wav", &[], &["pcm_s16le"]),
        made("a.flac", &[], &["flac"]),
        made("a.mp3", &[], &["libmp3lame"]),
    ];
    bases.extend(["amr-nb.3gp", "he-aac-v1-implicit.m4a"].map(|file| Base {
        file,
        bytes: sample(file),
        ms: SAMPLE_MS,
    }));
    bases
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_file_never_hangs_the_engine_nor_makes_an_mp3_of_the_wrong_length() {
    let bases = Arc::new(bases());
    let others: Arc<Vec<Vec<u8>>> = Arc::new(bases.iter().map(|base| base.bytes.clone()).collect());
    let lanes = (0..ENGINES).map(|lane| {
        let (bases, others) = (Arc::clone(&bases), Arc::clone(&others));
        tokio::spawn(async move {
            let (mut converted, mut wrong) = (0, Vec::new());
            for seed in (lane..CASES).step_by(usize::try_from(ENGINES).expect("a few")) {
                let mut random = Random::of_seed(seed);
                let (bases, others) = (Arc::clone(&bases), Arc::clone(&others));
                let at = random.below(bases.len());
                let mutation = Mutation::random(&mut random, &bases[at].bytes, &others);
                let told = format!("seed {seed}, {}, {mutation:?}", bases[at].file);
                // A task of its own, whose panic is told with its seed.
                let case = tokio::spawn(async move { case(&bases[at], &mutation, &others).await });
                match case.await {
                    Ok(Ok(is_converted)) => converted += u64::from(is_converted),
                    Ok(Err(what)) => wrong.push(format!("{told}: {what}")),
                    Err(panic) => wrong.push(format!("{told}: {panic}")),
                }
            }
            (converted, wrong)
        })
    });
    let (mut converted, mut wrong) = (0, Vec::new());
    for lane in lanes.collect::<Vec<_>>() {
        let (its, mut more) = lane.await.expect("a lane");
        converted += its;
        wrong.append(&mut more);
    }
    assert!(wrong.is_empty(), "{} of {CASES} cases:\n{}", wrong.len(), wrong.join("\n"));
    // Some damage does no harm, some is fatal: with only one of them this would be no test.
    assert!((CASES / 10..CASES * 9 / 10).contains(&converted), "{converted} of {CASES} were converted");
}

/// Converts one damaged file; whether it became an mp3, or what is wrong with what it became.
async fn case(base: &Base, mutation: &Mutation, others: &[Vec<u8>]) -> Result<bool, String> {
    let damaged = mutation.apply(&base.bytes, others);
    let short = Job { duration_max: DURATION_MAX, ..job(Options::default()) };
    let outcome = convert(&short, &damaged).await;
    let group = outcome.group;
    until("engine and ffmpeg have ended", AFTERLIFE_MAX, || running(group) == 0).await;
    let Outcome { verdict, mp3, status, .. } = outcome;
    match verdict {
        Some(Verdict::Converted(report)) if status.success() => {
            check(base, mutation, &damaged, &report, &mp3).await.map(|()| true)
        }
        Some(Verdict::Refused(refusal)) if status.success() && refusal.kind != RefusalKind::Internal => Ok(false),
        None if status.signal().is_some_and(|signal| LIMITS.contains(&signal)) => Ok(false),
        other => Err(format!("{other:?}, {status}")),
    }
}

async fn check(base: &Base, mutation: &Mutation, damaged: &[u8], report: &Report, mp3: &[u8]) -> Result<(), String> {
    // Frames that were copied may be damaged themselves, and a decoder leaves such out.
    let players = decoded_samples(mp3, report.sample_rate).await;
    let is_right = match report.decoder {
        Decoder::Copied => players.is_some_and(|players| players <= report.samples),
        _ => players == Some(report.samples),
    };
    if !is_right {
        return Err(format!("players find {players:?} samples: {report:?}"));
    }
    let agrees = |ms: u64| report.duration_ms.abs_diff(ms) <= OFF_MS_MAX.max(ms / 100);
    if agrees(base.ms) {
        return Ok(());
    }
    // Nothing that declares its length may be shorter for being cut.
    let is_cut = matches!(mutation, Mutation::Cut { .. }) && report.completeness == Completeness::Complete;
    let reference = decoded_samples(damaged, 8_000).await.map(|samples| samples / 8);
    if !is_cut && reference.is_some_and(agrees) {
        return Ok(());
    }
    Err(format!("{} ms, not {} or {reference:?}: {report:?}", report.duration_ms, base.ms))
}

/// Samples of one channel that ffmpeg finds, at a rate in Hz; `None` where it finds none.
async fn decoded_samples(file: &[u8], rate: u32) -> Option<u64> {
    let folder = tempfile::TempDir::new().expect("a folder");
    let path = folder.path().join("file");
    std::fs::write(&path, file).expect("a file");
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "quiet", "-nostdin", "-protocol_whitelist", "file,pipe", "-i"]).arg(path);
    ffmpeg.args(["-map", "0:a:0", "-f", "s16le", "-ac", "1", "-ar", &rate.to_string(), "pipe:1"]);
    let ended = ffmpeg.stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true).output();
    let decoded = timeout(REFERENCE_MAX, ended).await.ok()?.expect("ffmpeg is installed");
    Some(decoded.stdout.len() as u64 / 2).filter(|&samples| samples > 0)
}
