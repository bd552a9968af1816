//! Loudness that is evened out, and gains that are told, as ffmpeg measures and reads them.

use std::{
    fs::{self, File},
    path::Path,
    process::{Command, Stdio},
};

use tempfile::TempDir;

use crate::engine_rig::{SAMPLES, decode, ffmpeg, program, sound, video};

const TARGET_LUFS: f64 = -23.0;
/// Highest true peak before the encoder, and what that may add to it, in dB.
const PEAK_DB: f64 = -1.0;
const ENCODER_DB: f64 = 0.2;
const SPEECH: &str = "aevalsrc=0.5*sin(2*PI*440*t)*(0.2+0.8*gte(sin(2*PI*2*t)\\,0))|0.3*sin(2*PI*1000*t):s=44100:d=3";

/// Converts with the engine alone and answers the mp3.
fn filter(clip: &[u8], arguments: &[&str]) -> Vec<u8> {
    let folder = TempDir::new().expect("a folder");
    let [video, mp3] = ["video", "mp3"].map(|file| folder.path().join(file));
    fs::write(&video, clip).expect("a video");
    let ended = Command::new(program())
        .arg("transcode")
        .args(arguments)
        .stdin(File::open(&video).expect("the video"))
        .stdout(File::create(&mp3).expect("an mp3"))
        .stderr(Stdio::piped())
        .output()
        .expect("an engine");
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    fs::read(mp3).expect("the mp3")
}

/// The integrated loudness in LUFS and the true peak in dB of full scale.
fn measure(folder: &Path, mp3: &[u8]) -> (f64, f64) {
    fs::write(folder.join("a.mp3"), mp3).expect("the mp3");
    let prints = "ebur128=peak=true:metadata=1,ametadata=print:file=-";
    let printed = String::from_utf8(ffmpeg(folder, &["-i", "a.mp3", "-af", prints, "-f", "null", "-"])).expect("text");
    let values = |key: &str| -> Vec<f64> {
        let lines = printed.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        lines.filter_map(|value| value.parse().ok()).collect()
    };
    let peaks = ["lavfi.r128.true_peaks_ch0", "lavfi.r128.true_peaks_ch1"].map(values).concat();
    let peak = peaks.into_iter().fold(0.0, f64::max);
    (*values("lavfi.r128.I").last().expect("a loudness"), 20.0 * peak.log10())
}

/// What the length tag tells players: the track's gain in dB, in tenths, and its largest sample (Mp3 Info Tag rev 1).
fn told(mp3: &[u8]) -> (f64, f64) {
    let name = mp3.windows(4).position(|bytes| matches!(bytes, b"Xing" | b"Info")).expect("a length tag");
    let peak = u32::from_be_bytes(*mp3[name + 131..].first_chunk().expect("a peak"));
    let gain = u16::from_be_bytes(*mp3[name + 135..].first_chunk().expect("a gain"));
    assert_eq!(gain >> 10, 0b001_011, "the gain of the track, made automatically");
    let tenths = f64::from(gain & 0x1FF) * if gain & 0x200 == 0 { 1.0 } else { -1.0 };
    (tenths / 10.0, f64::from(peak) / f64::from(1 << 23))
}

#[test]
fn what_is_normalized_has_the_target_loudness() {
    let folder = TempDir::new().expect("a folder");
    for (what, change) in [("loud", "volume=1.9"), ("quiet", "volume=0.01"), ("resampled", "aresample=96000")] {
        let signal = format!("{SPEECH},{change}");
        for (file, clip) in [
            ("native", sound("a.wav", &signal, &["-c:a", "pcm_f32le"])),
            ("by ffmpeg", video("a.avi", &signal, &["-c:v", "mpeg4", "-c:a", "pcm_s24le"])),
        ] {
            for more in [&[][..], &["--channels", "1"]] {
                let mp3 = filter(&clip, &[&["--normalize", "ebur128"], more].concat());
                let (lufs, peak_db) = measure(folder.path(), &mp3);
                assert!((lufs - TARGET_LUFS).abs() < 0.3, "{what}, {file} {more:?}: {lufs} LUFS");
                assert!(peak_db <= PEAK_DB + ENCODER_DB, "{what}, {file} {more:?}: {peak_db} dB");
                let (gain_db, _) = told(&mp3);
                assert!((gain_db - 5.0).abs() < 0.2, "{what}, {file} {more:?}: {gain_db} dB to -18 LUFS");
            }
        }
    }
}

#[test]
fn the_true_peak_limits_what_is_almost_silent() {
    let folder = TempDir::new().expect("a folder");
    // A click at full scale in a whisper.
    let click = "aevalsrc=0.002*sin(2*PI*440*t)+0.9*between(t\\,1\\,1.0005):s=48000:d=3";
    let mp3 = filter(&sound("a.wav", click, &["-c:a", "pcm_f32le"]), &["--normalize", "ebur128", "--bitrate", "320"]);
    let (lufs, peak_db) = measure(folder.path(), &mp3);
    assert!(lufs < TARGET_LUFS - 3.0, "{lufs} LUFS");
    assert!((-3.0..=PEAK_DB + ENCODER_DB).contains(&peak_db), "{peak_db} dB");
}

#[test]
fn silence_stays_silent() {
    let clip = sound("a.wav", "anullsrc=r=44100:cl=stereo:d=3", &["-c:a", "pcm_s16le"]);
    for arguments in [["--normalize", "ebur128"], ["--replaygain", "track"]] {
        let pcm = decode("a.mp3", &filter(&clip, &arguments));
        assert_eq!(pcm.len() as u64 / 2, SAMPLES, "{arguments:?}");
        assert!(pcm.iter().all(|sample| sample.abs() < 1e-4), "{arguments:?}");
    }
}

#[test]
fn replay_gain_tells_the_gain_and_leaves_the_samples_alone() {
    let folder = TempDir::new().expect("a folder");
    for change in ["volume=1.5", "volume=0.1"] {
        let clip = sound("a.wav", &format!("{SPEECH},{change}"), &["-c:a", "pcm_f32le"]);
        let (plain, told_mp3) = (filter(&clip, &[]), filter(&clip, &["--replaygain", "track"]));
        assert!(decode("a.mp3", &plain) == decode("a.mp3", &told_mp3), "{change}");
        let (lufs, _) = measure(folder.path(), &plain);
        let ((gain_db, peak), source) = (told(&told_mp3), decode("a.wav", &clip));
        let largest = f64::from(source.iter().fold(0.0_f32, |largest, sample| largest.max(sample.abs())));
        assert!((gain_db - (-18.0 - lufs)).abs() < 0.2, "{change}: {gain_db} dB at {lufs} LUFS");
        assert!((peak - largest).abs() < 0.01, "{change}: {peak} of {largest}");
    }
}
