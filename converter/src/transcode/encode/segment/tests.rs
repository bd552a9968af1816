//! Segments of noise with pauses in it.

use super::*;

const FRAME: usize = 576;

/// Noise with pauses in it.
fn audio(samples: usize) -> Vec<f32> {
    let mut state = 1_u32;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f32::from((state >> 16) as u16) / 65_536.0 - 0.5
    });
    noise.take(samples).enumerate().map(|(n, x)| if n / FRAME % 70 < 30 { x / 100.0 } else { x }).collect()
}

fn segments(audio: &[f32], block_samples: usize) -> Vec<Segment> {
    let (mut segmenter, mut segments) = (Segmenter::new(Quality::default(), FRAME), Vec::new());
    for left in audio.chunks(block_samples) {
        segmenter.push(&Block { left: left.to_vec(), right: left.to_vec() });
        while segmenter.is_ready() {
            segments.push(segmenter.cut());
            segmenter.resume(Block::default());
        }
    }
    loop {
        let (segment, is_last) = segmenter.cut_tail();
        segments.push(segment);
        if is_last {
            return segments;
        }
        segmenter.resume(Block::default());
    }
}

#[test]
fn segments_cover_the_audio_once_and_in_order() {
    let audio = audio(1500 * FRAME + 77);
    let mut at = 0;
    let all = segments(&audio, 4096);
    assert!(all.len() > 6);
    for (index, segment) in all.iter().enumerate() {
        let start = at - segment.prime_frames * FRAME;
        assert_eq!(segment.index, index);
        assert_eq!(segment.samples.left, audio[start..start + segment.samples.left.len()], "{index}");
        assert_eq!(segment.samples.left, segment.samples.right);
        match segment.frames {
            Some(frames) => {
                assert!(frames <= 352 && segment.prime_frames == if index == 0 { 0 } else { PRIME_FRAMES });
                at += frames * FRAME;
                assert_eq!(start + segment.samples.left.len(), at + AHEAD_FRAMES * FRAME);
            }
            None => assert_eq!(start + segment.samples.left.len(), audio.len()),
        }
    }
    assert!(all.last().is_some_and(|last| last.frames.is_none()));
}

#[test]
fn cuts_do_not_depend_on_the_blocks() {
    let audio = audio(900 * FRAME + 1);
    let cuts = |block_samples| -> Vec<_> {
        segments(&audio, block_samples).into_iter().map(|segment| (segment.frames, segment.samples.left)).collect()
    };
    let whole = cuts(audio.len());
    for block_samples in [1000, FRAME, 30_000] {
        assert!(cuts(block_samples) == whole, "{block_samples}");
    }
}

#[test]
fn cuts_are_where_it_is_quiet() {
    let audio = audio(700 * FRAME);
    let mut at = 0;
    for segment in segments(&audio, 10_000) {
        let Some(frames) = segment.frames else { break };
        at += frames;
        // The first segments have too narrow a window to reach a pause each time.
        assert!(segment.index < 2 || at % 70 < 30, "cut at frame {at}");
    }
}

#[test]
fn what_is_short_is_one_segment() {
    for samples in [0, 1, FRAME, 60 * FRAME] {
        let all = segments(&audio(samples), 1000);
        assert_eq!((all.len(), all[0].samples.left.len(), all[0].prime_frames), (1, samples, 0));
    }
}
