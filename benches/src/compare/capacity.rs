//! What a system carries, and what one conversion takes alone.

use std::time::{Duration, Instant};

use anyhow::ensure;

use super::{
    clips::{Clips, Video},
    point::{Target, permits},
    summary::ServiceTimes,
};
use crate::{
    flow::Flow,
    load::{self, Arrival, Outcome, Reply},
    stats::{float, quantile::Quantiles},
    usage,
};

/// Left out at the beginning: the pipeline fills.
const RAMP: Duration = Duration::from_secs(2);
/// A queued upload that is done is seen a quarter of a second later; with so many callers for each permit the queue is never
/// empty meanwhile.
const QUEUED_CALLERS_PER_PERMIT: usize = 6;
const DRAIN_MAX: Duration = Duration::from_mins(2);
/// As many as p50 needs.
const ALONE: usize = 20;
const ALONE_MAX: Duration = Duration::from_mins(2);

/// Mp3s per second when callers never let it rest.
pub(super) async fn measure(target: &Target, flow: Flow, clips: &Clips, length: Duration) -> anyhow::Result<f64> {
    let callers = match flow {
        Flow::Blocking => permits(),
        Flow::Queued => permits() * QUEUED_CALLERS_PER_PERMIT,
    };
    let client = target.client(&format!("capacity-{}", flow.name()), flow, clips.clone(), true)?;
    let records = load::closed(callers, length, DRAIN_MAX, move |arrival| client.clone().call(arrival)).await?;
    let (from, to) = (RAMP.as_secs_f64(), length.as_secs_f64());
    let ends = records.iter().filter_map(|record| record.finished_s);
    let done = ends.filter(|at| (from..=to).contains(at)).count();
    ensure!(done > 0, "the {} flow converted nothing in {length:?}", flow.name());
    Ok(float(done) / (to - from))
}

/// One video at a time, in both flows.
pub(super) async fn alone(target: &Target, video: &Video) -> anyhow::Result<ServiceTimes> {
    let mut times = ServiceTimes {
        name: video.name.clone(),
        bytes: video.bytes.len() as u64,
        audio_s: video.seconds,
        cpu_s_per_mp3: super::summary::PerFlow::default(),
        alone_s: super::summary::Alone::default(),
    };
    for flow in Flow::BOTH {
        let run = format!("alone-{}-{}", video.name, flow.name());
        let client = target.client(&run, flow, Clips::only(video.clone()), false)?;
        let (mut answers, mut mp3s) = (vec![], vec![]);
        let before = usage::cpu_s(&target.pids)?;
        for number in 0..ALONE {
            let intended = Instant::now();
            let reply = client.clone().call(Arrival { number, deadline: intended + ALONE_MAX }).await;
            let Reply { answered: Some(answered), finished: Some(finished), outcome: Outcome::Done, .. } = reply else {
                anyhow::bail!("{run}: {:?}", reply.outcome)
            };
            answers.push((answered - intended).as_secs_f64());
            mp3s.push((finished - intended).as_secs_f64());
        }
        times.cpu_s_per_mp3.set(flow, (usage::cpu_s(&target.pids)? - before) / float(ALONE));
        match flow {
            Flow::Blocking => times.alone_s.blocking = Quantiles::of(&mp3s, 1),
            Flow::Queued => {
                times.alone_s.queued_answer = Quantiles::of(&answers, 1);
                times.alone_s.queued_downloadable = Quantiles::of(&mp3s, 1);
            }
        }
    }
    Ok(times)
}

/// Seconds of one blocking upload, the second of two.
pub(super) async fn once(target: &Target, clips: &Clips) -> anyhow::Result<f64> {
    let client = target.client("once", Flow::Blocking, clips.clone(), true)?;
    let mut took = 0.0;
    for number in 0..2 {
        let intended = Instant::now();
        let reply = client.clone().call(Arrival { number, deadline: intended + ALONE_MAX }).await;
        ensure!(reply.outcome == Outcome::Done, "an upload alone ended in {:?}", reply.outcome);
        took = intended.elapsed().as_secs_f64();
    }
    Ok(took)
}
