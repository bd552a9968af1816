//! The invariants over heads made by hand, over damaged ones, and over what was wrong once.

use proptest::{prelude::*, sample::Index};

use super::*;
use crate::transcode::mp4::sample;

const ALL: [fn(&[u8]); 8] = [sniffer, mp4_filter, structure, frame_parser, xing, tags, control, options];

/// Bytes that sizes, counts and flags are made of.
const TELLING: [u8; 12] = [0, 1, 2, 4, 7, 8, 16, 0x20, 0x7F, 0x80, 0xFE, 0xFF];

#[test]
fn whole_heads_and_all_their_beginnings_hold() {
    for head in heads() {
        for bytes in (0..head.len()).step_by(13).chain([head.len()]) {
            for holds in ALL {
                holds(&head[..bytes]);
            }
        }
    }
}

#[test]
fn what_was_wrong_once_holds() {
    // Seconds that JSON changed in their last bit.
    options(b"\x00192\0\x000\0.030000000000000004");
    // An answer that was given before what it is about had come: behind a tag, behind blanks.
    sniffer(b"ID3\x04\0\0\0\0\0\x0C............fLaC...");
    sniffer(b"                    #EXTM3U\n");
    // Index boxes that last to the end of the file, or beyond any.
    let movie = sample::movie();
    for size in [&[0; 4][..], &[0, 0, 0, 1, b'm', b'o', b'o', b'v', 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]] {
        let mut movie = movie.clone();
        movie[16..16 + size.len()].copy_from_slice(size);
        mp4_filter(&movie);
    }
}

/// A head of which some bytes are changed, some are left out, and which is cut or has another behind it.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![prop::sample::select(&TELLING[..]), any::<u8>()];
    let changes = prop::collection::vec((any::<Index>(), byte), 0..6);
    let hole = prop::option::of((any::<Index>(), 1_usize..40));
    let end = (any::<Index>(), any::<bool>(), any::<bool>());
    let pair = (prop::sample::select(heads()), prop::sample::select(heads()));
    (pair, changes, hole, end).prop_map(|((mut head, other), changes, hole, (end, is_cut, is_spliced))| {
        for (place, byte) in changes {
            let place = place.index(head.len());
            head[place] = byte;
        }
        if let Some((start, bytes)) = hole {
            let start = start.index(head.len());
            head.drain(start..(start + bytes).min(head.len()));
        }
        if is_cut && !head.is_empty() {
            head.truncate(end.index(head.len()));
        }
        if is_spliced {
            head.extend(other);
        }
        head
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn damaged_heads_hold(head in damaged()) {
        for holds in ALL {
            holds(&head);
        }
    }

    #[test]
    fn any_bytes_hold(head in prop::collection::vec(any::<u8>(), 0..300)) {
        for holds in ALL {
            holds(&head);
        }
    }

    #[test]
    fn any_instant_survives_its_json(start in 0.0..43_200.0_f64, seconds in 0.001..43_200.0_f64) {
        options(format!("V2\0\x002\0{start}\0{}", start + seconds).as_bytes());
    }
}
