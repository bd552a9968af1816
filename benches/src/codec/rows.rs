//! The rows: what is measured, and what is aimed at.

use std::path::PathBuf;

use clap::ValueEnum;
use serde_json::Value;

use super::{
    Contenders,
    contender::{Contender, Setting},
    peak, quality,
    race::{Goal, Lane, Race},
    wait,
};
use crate::inputs::Inputs;

/// Rounds of a race that takes less than a second, for one of a long race: short times spread more.
const SHORT_ROUNDS: usize = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Row {
    /// 10-minute mp4, V2.
    V2,
    /// 10-minute mp4, 192 kbit/s.
    #[value(name = "192k")]
    Kbps192,
    /// 10-minute mp4, 128 kbit/s.
    #[value(name = "128k")]
    Kbps128,
    /// 10-second mp4, V2.
    Clip,
    /// 10-minute mp4 with an mp3 in it, copied.
    Copy,
    /// 10-minute webm with Opus, V2.
    Webm,
    /// 10-minute transport stream with AAC, V2.
    Ts,
    /// 10-minute AVI with AC-3, V2.
    Avi,
    /// 2 GB mp4 of 10 minutes, V2.
    Large,
    /// Peak memory at 1, 10 and 100 minutes.
    Memory,
    /// Last byte in to last byte out, at 20 MB/s.
    Streaming,
    /// Signal-to-noise ratio against ffmpeg's mp3.
    Quality,
}

impl Row {
    /// As on the command line and in the results.
    pub(super) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    pub(super) fn measure(self, contenders: &Contenders, inputs: &Inputs, rounds: usize) -> anyhow::Result<Value> {
        let race = |title, setting, input: PathBuf, rounds, goals| {
            Race { title, setting, lanes: contenders.lanes(&input, goals), rounds }.run()
        };
        let (short, cpu) = (rounds * SHORT_ROUNDS, Goal { speedup: None, cpu: Some(0.95) });
        let cpu_v3 = Goal { cpu: Some(0.87), ..cpu };
        let faster = |speedup| [Goal { speedup: Some(speedup), cpu: None }; 2];
        let twice = [Goal { speedup: Some(2.0), ..cpu }, Goal { speedup: Some(2.2), ..cpu_v3 }];
        match self {
            Self::V2 => race("10-minute mp4, V2", Setting::V2, inputs.ten_minutes()?, rounds, twice),
            Self::Kbps192 => {
                race("10-minute mp4, 192 kbit/s", Setting::Constant(192), inputs.ten_minutes()?, rounds, twice)
            }
            // This one is reported, and judged by its CPU time alone.
            Self::Kbps128 => {
                race("10-minute mp4, 128 kbit/s", Setting::Constant(128), inputs.ten_minutes()?, rounds, [cpu, cpu_v3])
            }
            Self::Clip => race("10-second mp4, V2", Setting::V2, inputs.clip()?, short, faster(2.5)),
            Self::Copy => race("mp3 in mp4, copied", Setting::Copy, inputs.mp3_in_mp4()?, short, faster(1.5)),
            Self::Webm => race("10-minute webm, Opus, V2", Setting::V2, inputs.webm()?, rounds, faster(1.7)),
            Self::Ts => race("10-minute MPEG-TS, AAC, V2", Setting::V2, inputs.mpeg_ts()?, rounds, faster(1.7)),
            Self::Avi => race("10-minute AVI, AC-3, V2", Setting::V2, inputs.avi()?, rounds, faster(1.7)),
            Self::Large => large(contenders, inputs, rounds),
            Self::Memory => peak::measure(&contenders.engine(), inputs),
            Self::Streaming => wait::measure(&contenders.engine, &inputs.ten_minutes()?),
            Self::Quality => quality::measure(&contenders.engine(), &inputs.wav()?),
        }
    }
}

impl Contenders {
    /// ffmpeg, the engine, and the engine for newer processors where there is one, with their goals.
    fn lanes(&self, input: &std::path::Path, [goal, goal_v3]: [Goal; 2]) -> Vec<Lane> {
        let lane = |name, contender, goal| Lane { name, contender, input: input.to_owned(), goal };
        let v3 = self.engine_v3().map(|contender| lane("engine v3", contender, goal_v3));
        let both = [lane("ffmpeg", Contender::Ffmpeg, Goal::default()), lane("engine", self.engine(), goal)];
        both.into_iter().chain(v3).collect()
    }
}

/// The time of a large video is the time of its audio: the lane to look at is the engine's on the same audio in a
/// twelfth of the bytes.
fn large(contenders: &Contenders, inputs: &Inputs, rounds: usize) -> anyhow::Result<Value> {
    let (large, small) = (inputs.large()?, inputs.ten_minutes()?);
    let lane = |name, contender, input: &PathBuf| Lane { name, contender, input: input.clone(), goal: Goal::default() };
    let lanes = vec![
        lane("engine, 160 MB", contenders.engine(), &small),
        lane("engine, 2 GB", contenders.engine(), &large),
        lane("ffmpeg, 2 GB", Contender::Ffmpeg, &large),
    ];
    Race { title: "10-minute mp4 of 2 GB, V2, against the same audio in 160 MB", setting: Setting::V2, lanes, rounds }
        .run()
}
