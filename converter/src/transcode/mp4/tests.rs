//! The filter on a movie made by hand, and on hundreds of damaged ones.

use std::io::{Cursor, Read as _, Seek as _, SeekFrom, Write as _};

use super::{BOXES_MAX, Movie, Overlay, Shared, StreamFilter, Unwalked, sample::movie as file, track::Edits};

/// Reads all through the stream's filter.
fn streamed(bytes: &[u8]) -> (std::io::Result<Vec<u8>>, Movie) {
    let (shared, mut out) = (Shared::default(), Vec::new());
    let read = StreamFilter::new(Cursor::new(bytes), shared.clone()).read_to_end(&mut out);
    (read.map(|_| out), shared.movie())
}

/// Reads all through the file's filter.
fn overlaid(bytes: &[u8]) -> Result<(Vec<u8>, Movie), Unwalked> {
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(bytes).expect("a written file");
    let (mut overlay, movie) = Overlay::open(file, &Shared::default())?;
    let mut out = Vec::new();
    overlay.read_to_end(&mut out)?;
    assert_eq!(overlay.seek(SeekFrom::End(-4))?, bytes.len() as u64 - 4);
    Ok((out, movie))
}

fn count(bytes: &[u8], kind: [u8; 4]) -> usize {
    bytes.windows(4).filter(|window| *window == kind).count()
}

#[test]
fn the_first_enabled_audio_track_is_left() {
    let bytes = file();
    let (out, movie) = streamed(&bytes);
    let out = out.expect("all bytes");
    assert_eq!(out.len(), bytes.len());
    assert_eq!([*b"trak", *b"trex", *b"traf", *b"free"].map(|kind| count(&out, kind)), [1, 1, 1, 4]);
    let track = movie.track.as_ref().expect("a track");
    assert_eq!((track.id, movie.audio_index, movie.timescale), (3, 1, 1000));
    assert_eq!((track.media_timescale, track.media_duration), (44_100, 133_324));
    assert_eq!(track.edits, Edits { shown: 1, is_odd: false, media_time: 1024, duration: 3000 });
    assert!(movie.is_fragmented);
    assert_eq!(movie.fragments_duration, 4000);
    assert_eq!(overlaid(&bytes).expect("all bytes"), (out, movie));
}

#[test]
fn the_reach_of_samples_and_indexes_is_known() {
    let bytes = file();
    let (_, movie) = streamed(&bytes);
    // The second chunk reaches farthest.
    assert_eq!(movie.track.expect("a track").samples_end, Some(5020));
    let sidx_end = bytes.windows(4).position(|window| window == b"moof").expect("a fragment") - 4;
    assert_eq!(movie.indexed_end, sidx_end as u64 + 16 + 500);
}

#[test]
fn as_many_boxes_as_are_allowed_pass_and_one_more_does_not() {
    let movie = file();
    // The movie has five boxes itself.
    let with = |boxes: u32| {
        let free = b"\0\0\0\x08free".repeat(usize::try_from(boxes - 5).expect("a 64-bit machine"));
        [movie.clone(), free].concat()
    };
    let allowed = with(BOXES_MAX);
    assert_eq!(streamed(&allowed).0.expect("all bytes").len(), allowed.len());
    assert_eq!(overlaid(&allowed).expect("all bytes").0.len(), allowed.len());
    let more = with(BOXES_MAX + 1);
    assert!(streamed(&more).0.is_err());
    assert!(matches!(overlaid(&more), Err(Unwalked::TooManyBoxes)));
}

#[test]
fn damaged_movies_neither_panic_nor_change_their_length() {
    let whole = file();
    let mut state = 1_u64;
    let mut random = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).expect("31 bits") % below
    };
    for round in 0..600 {
        let mut bytes = whole.clone();
        for _ in 0..=random(6) {
            let place = random(bytes.len());
            bytes[place] = [0, 1, 2, 0x7F, 0x80, 0xFF, 8, 16][random(8)];
        }
        if round % 3 == 0 {
            bytes.truncate(random(bytes.len() - 8) + 8);
        }
        if let (Ok(out), _) = streamed(&bytes) {
            assert_eq!(out.len(), bytes.len(), "round {round}");
        }
        if let Ok((out, _)) = overlaid(&bytes) {
            assert_eq!(out.len(), bytes.len(), "round {round}");
        }
    }
}
