//! Decoded audio on disk between two passes: its gain is known only when all of it was heard.

use std::{
    fs::File,
    io::{self, BufReader, BufWriter, ErrorKind, Read as _, Seek as _, Write as _},
};

use super::pcm::Block;
use crate::control::{Refusal, RefusalKind};

/// Samples of one channel that are handed back at a time; as many as the encoder is used to.
const BLOCK_SAMPLES: usize = 16 * 1024;
/// Bytes that are written or read at a time: enough to make the calls cheap against the disk.
const BUFFER_BYTES: usize = 256 * 1024;
const SAMPLE_BYTES: usize = size_of::<f32>();

/// Samples in a file: 32-bit floats, little-endian, the channels of one instant side by side.
#[derive(Debug)]
pub(super) struct Scratch {
    file: BufWriter<File>,
    channels: usize,
    /// Samples of one channel.
    samples: u64,
    /// The bytes of one block; kept to be filled again.
    bytes: Vec<u8>,
}

impl Scratch {
    /// Takes an empty file that may be written and read, for 1 or 2 channels.
    pub(super) fn new(file: File, channels: u8) -> Self {
        let file = BufWriter::with_capacity(BUFFER_BYTES, file);
        Self { file, channels: channels.into(), samples: 0, bytes: Vec::new() }
    }

    /// Appends a block. Where the file may not grow or the disk is full it is a [`RefusalKind::Limits`], provided that
    /// the process ignores `SIGXFSZ`.
    pub(super) fn write(&mut self, block: &Block) -> Result<(), Refusal> {
        let samples = block.left.len();
        self.bytes.clear();
        self.bytes.resize(samples * self.channels * SAMPLE_BYTES, 0);
        let (places, _) = self.bytes.as_chunks_mut::<SAMPLE_BYTES>();
        for (channel, plane) in [&block.left, &block.right].into_iter().enumerate().take(self.channels) {
            for (place, sample) in places.iter_mut().skip(channel).step_by(self.channels).zip(plane) {
                *place = sample.to_le_bytes();
            }
        }
        self.samples += samples as u64;
        self.file.write_all(&self.bytes).map_err(|cause| refusal(&cause))
    }

    /// Hands all samples back, multiplied by `gain` and not above full scale, in blocks until `pass` answers false.
    pub(super) fn read(self, gain: f32, mut pass: impl FnMut(Block) -> bool) -> Result<(), Refusal> {
        let Self { file, channels, samples: mut left, mut bytes } = self;
        let mut file = file.into_inner().map_err(|cause| refusal(cause.error()))?;
        file.rewind().map_err(|cause| refusal(&cause))?;
        let mut file = BufReader::with_capacity(BUFFER_BYTES, file);
        while left > 0 {
            let samples = usize::try_from(left).unwrap_or(usize::MAX).min(BLOCK_SAMPLES);
            bytes.resize(samples * channels * SAMPLE_BYTES, 0);
            file.read_exact(&mut bytes).map_err(|cause| refusal(&cause))?;
            left -= samples as u64;
            if !pass(block(&bytes, channels, gain)) {
                break;
            }
        }
        Ok(())
    }
}

fn block(bytes: &[u8], channels: usize, gain: f32) -> Block {
    let (samples, _) = bytes.as_chunks::<SAMPLE_BYTES>();
    let plane = |channel: usize| -> Vec<f32> {
        let samples = samples.iter().skip(channel).step_by(channels);
        samples.map(|&bytes| (f32::from_le_bytes(bytes) * gain).clamp(-1.0, 1.0)).collect()
    };
    Block { left: plane(0), right: if channels == 2 { plane(1) } else { Vec::new() } }
}

fn refusal(cause: &io::Error) -> Refusal {
    let kind = match cause.kind() {
        ErrorKind::FileTooLarge | ErrorKind::StorageFull | ErrorKind::QuotaExceeded => RefusalKind::Limits,
        _ => RefusalKind::Internal,
    };
    Refusal::new(kind, format!("the decoded audio could not be kept for normalization: {cause}"))
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;

    use super::*;

    fn scratch(channels: u8) -> Scratch {
        Scratch::new(tempfile::tempfile().expect("a file"), channels)
    }

    fn ramp(from: u16, to: u16) -> Vec<f32> {
        (from..to).map(|n| f32::from(n) / 65_536.0).collect()
    }

    fn read(scratch: Scratch, gain: f32) -> Vec<Block> {
        let mut blocks = Vec::new();
        scratch.read(gain, |block| (blocks.push(block), true).1).expect("what was written");
        blocks
    }

    #[test]
    fn what_was_written_comes_back_scaled_in_blocks() {
        for channels in [1, 2] {
            let mut scratch = scratch(channels);
            for (from, to) in [(0, 1), (1, 20_000), (20_000, 20_000), (20_000, 65_000)] {
                let left = ramp(from, to);
                let right = left.iter().filter(|_| channels == 2).map(|sample| -sample).collect();
                scratch.write(&Block { left, right }).expect("written");
            }
            let blocks = read(scratch, 0.5);
            assert!(blocks.iter().all(|block| block.left.len() <= BLOCK_SAMPLES));
            let left: Vec<f32> = blocks.iter().flat_map(|block| block.left.clone()).collect();
            let right: Vec<f32> = blocks.iter().flat_map(|block| block.right.clone()).collect();
            assert_eq!(left, ramp(0, 65_000).iter().map(|sample| sample * 0.5).collect::<Vec<_>>());
            let mirrored: Vec<f32> = left.iter().filter(|_| channels == 2).map(|sample| -sample).collect();
            assert_eq!(right, mirrored);
        }
    }

    #[test]
    fn nothing_comes_back_of_nothing_and_nothing_louder_than_full_scale() {
        assert!(read(scratch(2), 1.0).is_empty());
        let mut scratch = scratch(1);
        scratch.write(&Block { left: vec![0.5, -0.5], right: Vec::new() }).expect("written");
        assert_eq!(read(scratch, 9.0)[0].left, [1.0, -1.0]);
    }

    #[test]
    fn a_reader_that_has_enough_gets_no_more() {
        let mut scratch = scratch(1);
        scratch.write(&Block { left: ramp(0, 50_000), right: Vec::new() }).expect("written");
        let mut blocks = 0;
        scratch.read(1.0, |_| (blocks += 1, blocks < 2).1).expect("stopped early");
        assert_eq!(blocks, 2);
    }

    #[test]
    fn a_full_disk_is_a_limit() {
        let full = OpenOptions::new().read(true).write(true).open("/dev/full").expect("Linux has this device");
        let mut scratch = Scratch::new(full, 2);
        let block = Block { left: vec![0.5; 40_000], right: vec![0.5; 40_000] };
        assert_eq!(scratch.write(&block).expect_err("no room").kind, RefusalKind::Limits);
    }

    #[test]
    fn a_full_disk_is_found_also_with_the_last_bytes() {
        let full = OpenOptions::new().read(true).write(true).open("/dev/full").expect("Linux has this device");
        let mut scratch = Scratch::new(full, 1);
        scratch.write(&Block { left: vec![0.5], right: Vec::new() }).expect("still in the buffer");
        assert_eq!(scratch.read(1.0, |_| true).expect_err("no room").kind, RefusalKind::Limits);
    }
}
