//! The encoder as a whole: the same mp3 for any number of workers, and not a sample more or less at any length.

use std::{
    fs::File,
    io::{self, Read as _},
    os::fd::OwnedFd,
};

use rustix::fs::{OFlags, fcntl_setfl};
use tempfile::tempfile;

use super::*;
use crate::transcode::{
    decode::RATES,
    frame::{FrameHeader, first_frame},
    length_tag,
};

#[test]
fn an_encoder_that_is_dropped_has_ended_and_let_go_of_its_output() {
    let (mut mp3, written) = io::pipe().expect("a pipe");
    let output = Output::to(File::from(OwnedFd::from(written))).expect("an output");
    let mut encoding = Encoding::start(settings(44_100, 2, Quality::default(), 2), output, None).expect("an encoder");
    let left = noise(44_100 * 10);
    assert!(encoding.push(&Block { right: left.clone(), left }), "the encoder goes on");
    drop(encoding);
    // Whoever still held the other end would make this wait.
    fcntl_setfl(&mp3, OFlags::NONBLOCK).expect("a pipe that tells");
    mp3.read_to_end(&mut Vec::new()).expect("the end of the pipe");
}

/// Noise with pauses in it, which move the cuts.
fn noise(samples: usize) -> Vec<f32> {
    let mut state = 7_u32;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f32::from((state >> 16) as u16) / 131_072.0 - 0.25
    });
    noise.take(samples).enumerate().map(|(n, x)| if n / 50_000 % 2 == 1 { x / 100.0 } else { x }).collect()
}

fn settings(rate: u32, channels: u8, quality: Quality, workers: usize) -> Settings {
    Settings { rate, channels, quality, id3: b"before the audio".to_vec(), workers, total: None }
}

/// Encodes into a file and reads it back.
fn encode(settings: Settings, samples: &[f32], block_samples: usize) -> (Encoded, Vec<u8>) {
    let file = tempfile().expect("a file");
    let mut mp3 = File::options().read(true).open(path_of(&file)).expect("the file again");
    let channels = settings.channels;
    let mut encoding = Encoding::start(settings, Output::to(file).expect("an output"), None).expect("an encoder");
    for left in samples.chunks(block_samples) {
        let right = if channels == 2 { left.iter().map(|sample| sample / 2.0).collect() } else { Vec::new() };
        assert!(encoding.push(&Block { left: left.to_vec(), right }), "the encoder goes on");
    }
    let encoded = encoding.finish(None).expect("an mp3");
    let mut bytes = Vec::new();
    mp3.read_to_end(&mut bytes).expect("the mp3");
    (encoded, bytes)
}

/// A file without a name can be opened anew by its descriptor.
fn path_of(file: &File) -> String {
    use std::os::fd::AsRawFd as _;
    format!("/proc/self/fd/{}", file.as_raw_fd())
}

/// Reads an mp3 as a player does: the samples that its length tag leaves of its frames.
fn audible(mut mp3: &[u8], id3_bytes: usize) -> u64 {
    mp3 = &mp3[id3_bytes..];
    let (_, tag) = first_frame(&mut mp3).expect("the tag's frame");
    let ends = length_tag::ends(tag).expect("the ends");
    let mut samples = 0;
    while let Some((FrameHeader { samples: frame_samples, .. }, _)) = first_frame(&mut mp3) {
        samples += u64::from(frame_samples);
    }
    assert!(mp3.is_empty(), "frames and nothing else");
    samples - u64::from(ends.delay) - u64::from(ends.padding)
}

#[test]
fn the_mp3_is_the_same_for_any_number_of_workers_and_any_blocks() {
    let samples = noise(15 * 44_100);
    for (quality, channels) in [(Quality::Variable(2), 2), (Quality::Constant(128), 1)] {
        let (_, wanted) = encode(settings(44_100, channels, quality, 1), &samples, samples.len());
        for (workers, block_samples) in [(1, 777), (2, 16_384), (3, 1), (4, 300_000), (5, 1152), (7, 16_000)] {
            let (_, mp3) = encode(settings(44_100, channels, quality, workers), &samples, block_samples);
            assert!(mp3 == wanted, "{quality}, {workers} workers, blocks of {block_samples}");
        }
    }
}

#[test]
fn no_sample_is_lost_or_added_at_any_rate() {
    for rate in RATES {
        for channels in [1, 2] {
            for quality in [Quality::Variable(2), Quality::Variable(9), Quality::Constant(320), Quality::Constant(32)] {
                let samples = noise(2 * rate as usize + 5);
                let (encoded, mp3) = encode(settings(rate, channels, quality, 3), &samples, 4096);
                let what = format!("{rate} Hz, {channels} channels, {quality}");
                assert_eq!(encoded.samples, samples.len() as u64, "{what}");
                assert_eq!((encoded.bytes, audible(&mp3, 16)), (mp3.len() as u64, encoded.samples), "{what}");
                assert!(encoded.head.is_none(), "{what}: a file is patched");
            }
        }
    }
}

#[test]
fn no_sample_is_lost_or_added_at_any_length() {
    for (rate, frame) in [(44_100, 1152), (22_050, 576)] {
        let frames = [1, 2, 16, 17, 63, 64, 65, 80, 81, 82, 96, 97, 191, 192, 193, 208, 209, 224, 448, 466];
        let lengths =
            frames.into_iter().flat_map(|frames: usize| [frames * frame - 1, frames * frame, frames * frame + 1]);
        for length in lengths.chain([1, 2, 441, 575, 577]) {
            let samples = noise(length);
            let (encoded, mp3) = encode(settings(rate, 1, Quality::Variable(9), 2), &samples, 16_384);
            assert_eq!((encoded.samples, audible(&mp3, 16)), (length as u64, length as u64), "{length} at {rate} Hz");
        }
    }
}

#[test]
fn nothing_becomes_an_mp3_of_no_samples() {
    let (encoded, mp3) = encode(settings(44_100, 2, Quality::default(), 2), &[], 1);
    assert_eq!((encoded.samples, audible(&mp3, 16)), (0, 0));
}
