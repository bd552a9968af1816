//! How far the samples of a track reach into the file (ISO/IEC 14496-12 §8.7).

use std::ops::Range;

use super::boxes::{find, u16_at, u32_at, word_at};

/// The sizes of the samples, from `stsz` or `stz2`.
struct Sizes<'a> {
    bytes: &'a [u8],
    /// Of all samples, where they are equal.
    constant: u32,
    /// Bits of one table entry.
    field_bits: u8,
    table: Range<usize>,
    count: u64,
}

impl Sizes<'_> {
    fn read(bytes: &[u8], stbl: Range<usize>) -> Option<Sizes<'_>> {
        let (body, field_bits, constant) = if let Some(body) = find(bytes, stbl.clone(), *b"stsz") {
            let constant = u32_at(bytes, body.start + 4)?;
            (body, 32, constant)
        } else {
            let body = find(bytes, stbl, *b"stz2")?;
            let field_bits = *bytes.get(body.start + 7)?;
            (body, field_bits, 0)
        };
        if !matches!(field_bits, 4 | 8 | 16 | 32) {
            return None;
        }
        let count = u64::from(u32_at(bytes, body.start + 8)?);
        let table = body.start + 12..body.end;
        if constant == 0 && (table.len() as u64) * 8 < count * u64::from(field_bits) {
            return None;
        }
        Some(Sizes { bytes, constant, field_bits, table, count })
    }

    /// Bytes of the samples `range`.
    fn sum(&self, range: Range<u64>) -> Option<u64> {
        if self.constant > 0 {
            return (range.end - range.start).checked_mul(u64::from(self.constant));
        }
        let mut sum = 0_u64;
        for sample in range {
            let sample = usize::try_from(sample).ok()?;
            let size = match self.field_bits {
                32 => u32_at(self.bytes, self.table.start + sample * 4)?,
                16 => u32::from(u16_at(self.bytes, self.table.start + sample * 2)?),
                8 => u32::from(*self.bytes.get(self.table.start + sample)?),
                _ => {
                    let pair = *self.bytes.get(self.table.start + sample / 2)?;
                    u32::from(if sample.is_multiple_of(2) { pair >> 4 } else { pair & 0xF })
                }
            };
            sum = sum.checked_add(u64::from(size))?;
        }
        Some(sum)
    }
}

/// The first byte behind all samples of a sample table; 0 for one without samples, `None` for one that is nonsense.
pub(super) fn end(bytes: &[u8], stbl: Range<usize>) -> Option<u64> {
    let sizes = Sizes::read(bytes, stbl.clone())?;
    if sizes.count == 0 {
        return Some(0);
    }
    let (chunks, is_wide) = match find(bytes, stbl.clone(), *b"stco") {
        Some(body) => (body, false),
        None => (find(bytes, stbl.clone(), *b"co64")?, true),
    };
    let runs = find(bytes, stbl, *b"stsc")?;
    let word = if is_wide { 8 } else { 4 };
    let chunk_count = u64::from(u32_at(bytes, chunks.start + 4)?).min(((chunks.len().saturating_sub(8)) / word) as u64);
    let run_count = (u32_at(bytes, runs.start + 4)? as usize).min(runs.len().saturating_sub(8) / 12);
    let run = |n: usize| {
        let at = runs.start + 8 + n * 12;
        Some((u64::from(u32_at(bytes, at)?), u64::from(u32_at(bytes, at + 4)?)))
    };
    let (mut sample, mut end) = (0, 0_u64);
    for n in 0..run_count {
        let (first, per_chunk) = run(n)?;
        let next = if n + 1 < run_count { run(n + 1)?.0 } else { chunk_count + 1 };
        // Chunks count from 1. Runs go up, so the loops together pass each chunk once.
        if first == 0 || next < first || next > chunk_count + 1 {
            return None;
        }
        for chunk in first..next {
            let last = (sample + per_chunk).min(sizes.count);
            let at = chunks.start + 8 + usize::try_from(chunk - 1).ok()? * word;
            end = end.max(word_at(bytes, at, is_wide)?.checked_add(sizes.sum(sample..last)?)?);
            sample = last;
        }
    }
    // Samples that no chunk holds are nowhere in the file.
    (sample == sizes.count).then_some(end)
}
