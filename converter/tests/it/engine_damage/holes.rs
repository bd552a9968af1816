//! Parts that are missing in the middle of a file, of which decoders say little.

use converter::{
    control::{
        Completeness::{Complete, Unknown},
        RefusalKind::{Damaged, Truncated},
    },
    options::{Options, Reencode},
};

use crate::engine_rig::{SAMPLES, STEREO, convert, job, sound, video};

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

/// An AVI of two outermost chunks (`OpenDML`), and where the second begins: made of one with a single one, whose index is
/// left out.
fn in_two_parts(clip: &[u8]) -> (Vec<u8>, usize) {
    let find =
        |kind: &[u8], from: usize| from + clip[from..].windows(4).position(|window| window == kind).expect("a chunk");
    let le = |number: usize| u32::try_from(number).expect("a small file").to_le_bytes();
    let size = |at: usize| u32::from_le_bytes(*clip[at + 4..].first_chunk().expect("a size")) as usize;
    let (movi, end) = (find(b"movi", 0), find(b"idx1", 0));
    let (mut middle, mut frames) = (movi + 4, [0, 0]);
    let mut at = middle;
    while at < end {
        let is_first = at < movi + (end - movi) / 2;
        frames[usize::from(!is_first)] += usize::from(&clip[at + 2..at + 4] == b"dc");
        at += 8 + size(at) + size(at) % 2;
        middle = if is_first { at } else { middle };
    }
    let mut first = clip[..middle].to_vec();
    first[4..8].copy_from_slice(&le(middle - 8));
    first[movi - 4..movi].copy_from_slice(&le(middle - movi));
    let avih = find(b"avih", 0);
    first[avih + 24..avih + 28].copy_from_slice(&le(frames[0]));
    // ffmpeg leaves room for it where it is not needed.
    let room = (0..movi).find(|&at| clip[at..].starts_with(b"JUNK\x04\x01\0\0")).expect("room for the extended header");
    first[room..room + 4].copy_from_slice(b"LIST");
    first[room + 8..room + 20].copy_from_slice(b"odmldmlh\xF8\0\0\0");
    first[room + 20..room + 24].copy_from_slice(&le(frames[0] + frames[1]));
    let rest = &clip[middle..end];
    let second = [b"RIFF", &le(rest.len() + 16)[..], b"AVIXLIST", &le(rest.len() + 4), b"movi", rest].concat();
    (first.into_iter().chain(second).collect(), middle)
}

#[tokio::test]
async fn an_avi_that_lost_its_second_part_is_refused() {
    let clip = video("pcm.avi", STEREO, &["-c:v", "mpeg4", "-c:a", "pcm_s16le"]);
    let (whole, middle) = in_two_parts(&clip);
    let (report, _) = convert(&job(Options::default()), &whole).await.converted();
    assert_eq!((report.completeness, report.samples), (Complete, SAMPLES));
    let outcome = convert(&job(Options::default()), &whole[..middle]).await;
    outcome.refused_as(&[Truncated], "an AVI between its parts");
    assert!(outcome.refused().detail.contains("last parts"), "{:?}", outcome.refused());
}
