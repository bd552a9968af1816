//! The invariants over heads made by hand, over damaged ones, and over what fuzzing found.

use proptest::{prelude::*, sample::Index};

use super::*;

const ALL: [(&str, fn(&[u8])); 8] = [
    ("sniffer", sniffer),
    ("mp4_filter", mp4_filter),
    ("structure", structure),
    ("frame_parser", frame_parser),
    ("xing", xing),
    ("tags", tags),
    ("control", control),
    ("options", options),
];

/// Bytes that sizes, counts and flags are made of.
const TELLING: [u8; 12] = [0, 1, 2, 4, 7, 8, 16, 0x20, 0x7F, 0x80, 0xFE, 0xFF];

#[test]
fn whole_heads_and_all_their_beginnings_hold() {
    for head in heads() {
        for bytes in (0..head.len()).step_by(13).chain([head.len()]) {
            for (_, holds) in ALL {
                holds(&head[..bytes]);
            }
        }
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
        for (_, holds) in ALL {
            holds(&head);
        }
    }

    #[test]
    fn any_bytes_hold(head in prop::collection::vec(any::<u8>(), 0..300)) {
        for (_, holds) in ALL {
            holds(&head);
        }
    }

    #[test]
    fn any_instant_survives_its_json(start in 0.0..43_200.0_f64, seconds in 0.001..43_200.0_f64) {
        options(format!("V2\0\x002\0{start}\0{}", start + seconds).as_bytes());
    }
}
