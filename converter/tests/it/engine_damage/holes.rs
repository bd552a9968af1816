//! Parts that are missing in the middle of a file, of which decoders say little.

use converter::{
    control::{
        Completeness::{Complete, Unknown},
        RefusalKind::{Damaged, Truncated},
    },
    options::{Options, Reencode},
};

use crate::engine_rig::{STEREO, convert, job, sound, video};

/// The file without its `from`th to `to`th permille, which are zeros.
fn holed(file: &[u8], from: usize, to: usize) -> Vec<u8> {
    let mut holed = file.to_vec();
    holed[file.len() * from / 1000..file.len() * to / 1000].fill(0);
    holed
}

/// Where the pages of an Ogg begin, and its end.
fn pages(file: &[u8]) -> Vec<usize> {
    (0..file.len()).filter(|&at| file[at..].starts_with(b"OggS")).chain([file.len()]).collect()
}

#[tokio::test]
async fn an_ogg_without_one_of_its_pages_or_with_a_changed_one_is_refused() {
    for (file, codec) in [("a.ogg", "libvorbis"), ("a.opus", "libopus"), ("flac.ogg", "flac")] {
        let clip = sound(file, STEREO, &["-c:a", codec, "-page_duration", "200000"]);
        let pages = pages(&clip);
        let from = pages.len() - 6;
        let without = [&clip[..pages[from]], &clip[pages[from + 1]..]].concat();
        convert(&job(Options::default()), &without).await.refused_as(&[Damaged], file);
        let mut changed = clip.clone();
        changed[pages[from + 1] - 20] ^= 0x10;
        convert(&job(Options::default()), &changed).await.refused_as(&[Damaged], file);
        let (report, _) = convert(&job(Options::default()), &clip).await.converted();
        assert_eq!(report.completeness, Complete, "{file}");
    }
}

#[tokio::test]
async fn a_hole_in_a_matroska_or_avi_is_never_complete() {
    for (file, picture, codec) in [
        ("aac.mkv", "mpeg4", "aac"),
        ("flac.mkv", "mpeg4", "flac"),
        ("mp3.mkv", "mpeg4", "libmp3lame"),
        ("opus.mkv", "mpeg4", "libopus"),
        ("opus.webm", "libvpx", "libopus"),
        ("mp3.avi", "mpeg4", "libmp3lame"),
        ("pcm.avi", "mpeg4", "pcm_s16le"),
    ] {
        let clip = video(file, STEREO, &["-c:v", picture, "-c:a", codec]);
        for reencode in [Reencode::default(), Reencode::Always] {
            let options = Options { reencode, ..Options::default() };
            let large = convert(&job(options.clone()), &holed(&clip, 400, 700)).await;
            large.refused_as(&[Damaged], file);
            let small = convert(&job(options.clone()), &holed(&clip, 500, 540)).await;
            if let Some(converter::control::Verdict::Converted(report)) = small.verdict {
                assert_eq!(report.completeness, Unknown, "{file}: {report:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_wave_whose_samples_reach_beyond_its_end_is_refused() {
    let mut clip = sound("a.wav", STEREO, &["-c:a", "pcm_s16le"]);
    let data = clip.windows(4).position(|window| window == b"data").expect("samples");
    let cut = clip.len() / 2;
    clip.truncate(cut);
    let size = u32::try_from(cut - 8).expect("a small file");
    clip[4..8].copy_from_slice(&size.to_le_bytes());
    convert(&job(Options::default()), &clip).await.refused_as(&[Truncated], "a cut data chunk");
    let size = u32::try_from(cut - data - 8).expect("a small file");
    clip[data + 4..data + 8].copy_from_slice(&size.to_le_bytes());
    let (report, _) = convert(&job(Options::default()), &clip).await.converted();
    assert_eq!(report.completeness, Complete);
}
