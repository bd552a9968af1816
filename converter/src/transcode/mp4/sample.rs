//! A movie made by hand, for tests.

fn boxed(kind: [u8; 4], body: &[&[u8]]) -> Vec<u8> {
    let body = body.concat();
    let mut bytes = u32::try_from(body.len() + 8).expect("a small box").to_be_bytes().to_vec();
    bytes.extend_from_slice(&kind);
    bytes.extend(body);
    bytes
}

/// A full box of version 0, from 32-bit fields.
fn full(kind: [u8; 4], flags: u32, fields: &[u32]) -> Vec<u8> {
    let fields: Vec<u8> = std::iter::once(&flags).chain(fields).flat_map(|field| field.to_be_bytes()).collect();
    boxed(kind, &[&fields])
}

fn trak(id: u32, handler: [u8; 4], is_enabled: bool) -> Vec<u8> {
    let handler = u32::from_be_bytes(handler);
    let stbl = boxed(
        *b"stbl",
        &[
            &full(*b"stsz", 0, &[0, 4, 10, 20, 30, 40]),
            // Two chunks of one sample, then one of two.
            &full(*b"stsc", 0, &[2, 1, 1, 1, 3, 2, 1]),
            &full(*b"stco", 0, &[3, 1000, 5000, 2000]),
        ],
    );
    let mdia = boxed(
        *b"mdia",
        &[
            &full(*b"mdhd", 0, &[0, 0, 44_100, 133_324, 0]),
            &full(*b"hdlr", 0, &[0, handler, 0, 0, 0, 0]),
            &boxed(*b"minf", &[&stbl]),
        ],
    );
    // A pause of a second, then 3 s from sample 1024 on.
    let elst = full(*b"elst", 0, &[2, 1000, u32::MAX, 0x1_0000, 3000, 1024, 0x1_0000]);
    let tkhd = full(*b"tkhd", u32::from(is_enabled), &[0, 0, id, 0, 3000]);
    boxed(*b"trak", &[&tkhd, &boxed(*b"edts", &[&elst]), &mdia])
}

/// `ftyp`, `moov`, `sidx`, `moof` and `mdat`: a picture, an audio track that is not enabled, and one that is.
pub(in crate::transcode) fn movie() -> Vec<u8> {
    let trex = |id| full(*b"trex", 0, &[id, 1, 0, 0, 0]);
    let moov = boxed(
        *b"moov",
        &[
            &full(*b"mvhd", 0, &[0, 0, 1000, 4000]),
            &trak(1, *b"vide", true),
            &trak(2, *b"soun", false),
            &trak(3, *b"soun", true),
            &boxed(*b"mvex", &[&full(*b"mehd", 0, &[4000]), &trex(1), &trex(3)]),
        ],
    );
    let traf = |id| boxed(*b"traf", &[&full(*b"tfhd", 0, &[id])]);
    let fragment = boxed(*b"moof", &[&full(*b"mfhd", 0, &[1]), &traf(1), &traf(3)]);
    let sidx = full(*b"sidx", 0, &[3, 44_100, 0, 16, 1, 500, 1, 0]);
    [boxed(*b"ftyp", &[b"isom\0\0\0\0"]), moov, sidx, fragment, boxed(*b"mdat", &[&[7; 600]])].concat()
}
