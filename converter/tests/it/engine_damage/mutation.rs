//! Damage to a file, the same for the same seed.

/// What stands at the beginning of boxes, pages, chunks and elements, and how far behind their start.
const MARKS: [(&[u8; 4], usize); 47] = [
    (b"ftyp", 4),
    (b"moov", 4),
    (b"mvhd", 4),
    (b"trak", 4),
    (b"tkhd", 4),
    (b"edts", 4),
    (b"elst", 4),
    (b"mdia", 4),
    (b"mdhd", 4),
    (b"hdlr", 4),
    (b"minf", 4),
    (b"stbl", 4),
    (b"stsd", 4),
    (b"mp4a", 4),
    (b"esds", 4),
    (b"stts", 4),
    (b"stsc", 4),
    (b"stsz", 4),
    (b"stco", 4),
    (b"mvex", 4),
    (b"mdat", 4),
    (b"moof", 4),
    (b"traf", 4),
    (b"tfhd", 4),
    (b"tfdt", 4),
    (b"trun", 4),
    (b"mfra", 4),
    (b"OggS", 0),
    (b"RIFF", 0),
    (b"LIST", 0),
    (b"avih", 0),
    (b"strh", 0),
    (b"strf", 0),
    (b"fmt ", 0),
    (b"data", 0),
    (b"01wb", 0),
    (b"idx1", 0),
    (b"fLaC", 0),
    (b"Xing", 0),
    (b"Info", 0),
    (b"\x1A\x45\xDF\xA3", 0),
    (b"\x18\x53\x80\x67", 0),
    (b"\x11\x4D\x9B\x74", 0),
    (b"\x15\x49\xA9\x66", 0),
    (b"\x16\x54\xAE\x6B", 0),
    (b"\x1F\x43\xB6\x75", 0),
    (b"\x1C\x53\xBB\x6B", 0),
];
/// Length of a transport stream's packets.
const TS_PACKET: usize = 188;
/// How far behind a mark sizes, counts and flags stand.
const FIELDS_BYTES: usize = 48;
/// What no size or count should be.
const ABSURD: [u32; 10] = [0, 1, 7, 8, 0xFF, 0x0100_0000, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFF0, u32::MAX];
const ZEROS_MAX: usize = 4096;

/// Random numbers (`SplitMix64`).
pub(super) struct Random(u64);

impl Random {
    pub(super) fn of_seed(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ mixed >> 31) % end.max(1) as u64).expect("less than a usize")
    }

    pub(super) fn one_of<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }
}

/// One kind of damage, with all that is needed to repeat it.
#[derive(Debug, Clone)]
pub(super) enum Mutation {
    /// Bits of the file, counted from its start.
    Flips(Vec<usize>),
    Cut {
        bytes: usize,
    },
    /// A part stands there twice.
    Doubled {
        from: usize,
        to: usize,
    },
    /// Two parts that touch change places.
    Reordered {
        from: usize,
        middle: usize,
        to: usize,
    },
    /// Four bytes where a size or count may stand.
    Size {
        at: usize,
        value: [u8; 4],
    },
    Zeros {
        from: usize,
        to: usize,
    },
    /// The beginning of this file, then the end of another.
    Spliced {
        bytes: usize,
        other: usize,
        from: usize,
    },
}

impl Mutation {
    pub(super) fn random(random: &mut Random, file: &[u8], others: &[Vec<u8>]) -> Self {
        let starts = starts(file);
        let anywhere = |random: &mut Random| random.below(file.len());
        // A start and one that follows it soon.
        let mut part = || {
            let first = random.below(starts.len() - 1);
            let last = (first + 1 + random.below(3)).min(starts.len() - 1);
            (starts[first], starts[first + 1], starts[last])
        };
        let (from, middle, to) = part();
        match random.below(8) {
            0 => Self::Flips((0..=random.below(16)).map(|_| anywhere(random) * 8 + random.below(8)).collect()),
            1 => {
                let near = |random: &mut Random| random.one_of(&starts) + random.below(FIELDS_BYTES);
                let flips = (0..=random.below(4)).map(|_| near(random) * 8 + random.below(8)).collect();
                Self::Flips(flips)
            }
            2 => Self::Cut { bytes: if random.below(3) == 0 { to } else { anywhere(random) } },
            3 => Self::Doubled { from, to },
            4 => Self::Reordered { from, middle, to },
            5 => {
                let value = random.one_of(&ABSURD);
                let value = if random.below(2) == 0 { value.to_be_bytes() } else { value.to_le_bytes() };
                Self::Size { at: from + 4 * random.below(FIELDS_BYTES / 4), value }
            }
            6 => {
                let from = if random.below(2) == 0 { from } else { anywhere(random) };
                Self::Zeros { from, to: from + 1 + random.below(ZEROS_MAX) }
            }
            _ => {
                let other = random.below(others.len());
                let seam = self::starts(&others[other]);
                Self::Spliced { bytes: random.one_of(&starts), other, from: random.one_of(&seam) }
            }
        }
    }

    pub(super) fn apply(&self, file: &[u8], others: &[Vec<u8>]) -> Vec<u8> {
        let mut damaged = file.to_vec();
        match self {
            Self::Flips(bits) => {
                for bit in bits {
                    if let Some(byte) = damaged.get_mut(bit / 8) {
                        *byte ^= 1 << (bit % 8);
                    }
                }
            }
            Self::Cut { bytes } => damaged.truncate(*bytes),
            &Self::Doubled { from, to } => {
                damaged.splice(to..to, file[from..to].iter().copied());
            }
            &Self::Reordered { from, middle, to } => damaged[from..to].rotate_left(middle - from),
            Self::Size { at, value } => {
                damaged.iter_mut().skip(*at).zip(value).for_each(|(byte, &value)| *byte = value);
            }
            &Self::Zeros { from, to } => {
                let to = to.min(damaged.len());
                damaged[from..to].fill(0);
            }
            &Self::Spliced { bytes, other, from } => {
                damaged.truncate(bytes);
                damaged.extend_from_slice(&others[other][from..]);
            }
        }
        damaged
    }
}

/// Where parts of a file begin, and its end; at least three places.
fn starts(file: &[u8]) -> Vec<usize> {
    let packets = (0..file.len()).step_by(TS_PACKET).take_while(|&at| file[at] == b'G');
    let marked = file.windows(4).enumerate().filter_map(|(at, window)| {
        let (_, before) = MARKS.iter().find(|(mark, _)| &mark[..] == window)?;
        at.checked_sub(*before)
    });
    let mut starts: Vec<usize> = packets.chain(marked).chain([0, file.len() / 2, file.len()]).collect();
    starts.sort_unstable();
    starts.dedup();
    starts
}
