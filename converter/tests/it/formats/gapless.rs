//! Where the first sample is: an mp3 begins with the sound, not with what encoders put before it.

use converter::options::{Options, Reencode};

use crate::{
    compare::{channel, late_by},
    engine_rig::{SAMPLES, convert, decode, job, sound, video},
    signal::SIGNAL,
};

/// What an encoder of AAC puts before the audio, in a container that does not tell of it.
const AAC_PRIMING: isize = 1024;
/// The same of LAME, with what its decoder is late by.
const MP3_DELAY: isize = 1105;

#[tokio::test]
async fn what_a_container_tells_of_its_encoders_delay_is_cut() {
    let sounds = [
        ("a.m4a", &["-c:a", "aac"][..]),
        ("fast.m4a", &["-c:a", "aac", "-movflags", "+faststart"]),
        ("a.mp3", &["-c:a", "libmp3lame"]),
        ("mp3.mp4", &["-c:a", "libmp3lame"]),
        ("a.ogg", &["-c:a", "libvorbis"]),
        ("a.flac", &["-c:a", "flac"]),
        ("alac.m4a", &["-c:a", "alac"]),
    ];
    let truth = channel(&decode("a.wav", &sound("a.wav", SIGNAL, &["-c:a", "pcm_f32le"])), 0);
    for (file, audio) in sounds {
        for reencode in [Reencode::Auto, Reencode::Always] {
            let clip = sound(file, SIGNAL, audio);
            let (report, mp3) = convert(&job(Options { reencode, ..Options::default() }), &clip).await.converted();
            let late = late_by(&channel(&decode("a.mp3", &mp3), 0), &truth);
            assert_eq!((report.samples, late), (SAMPLES, 0), "{file} by {:?}", report.decoder);
        }
    }
}

#[tokio::test]
async fn what_no_container_tells_stays() {
    let truth = channel(&decode("a.wav", &sound("a.wav", SIGNAL, &["-c:a", "pcm_f32le"])), 0);
    for (file, picture, audio, known) in [
        ("aac.mkv", "mpeg4", "aac", AAC_PRIMING),
        ("aac.ts", "mpeg2video", "aac", AAC_PRIMING),
        ("mp3.avi", "mpeg4", "libmp3lame", MP3_DELAY),
        ("mp3.mkv", "mpeg4", "libmp3lame", MP3_DELAY),
        ("pcm.avi", "mpeg4", "pcm_s16le", 0),
        ("vorbis.mkv", "mpeg4", "libvorbis", 0),
    ] {
        let clip = video(file, SIGNAL, &["-c:v", picture, "-c:a", audio]);
        let (report, mp3) = convert(&job(Options::default()), &clip).await.converted();
        let late = late_by(&channel(&decode("a.mp3", &mp3), 0), &truth);
        assert_eq!(late, known, "{file} by {:?}", report.decoder);
    }
}
