//! Moves the video from the client to the converter, under the clocks that belong to the client.

use std::time::{Duration, Instant};

use actix_web::{HttpRequest, rt};
use bytes::Bytes;
use futures_util::StreamExt as _;
use tokio::{task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

use super::{
    body::{ClientBody, Feed},
    multipart::FilePart,
    request::Head,
};
use crate::{Config, error::Error};

/// Where the video's bytes come from.
#[derive(Debug)]
pub(super) enum Video {
    /// The body is the video.
    Raw(ClientBody),
    Part(Box<FilePart>),
}

/// How the pump ended.
#[derive(Debug)]
pub(super) struct Pumped {
    pub(super) ended: Ended,
    pub(super) at: Instant,
}

#[derive(Debug)]
pub(super) enum Ended {
    /// The end mark is sent.
    Whole,
    /// The converter wants no more; its verdict says why.
    Unwanted,
    /// The client failed, and the body was broken.
    Failed(Error),
}

/// What a client is held to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    bytes_max: u64,
    idle_max: Duration,
    rate_min: u64,
}

impl Limits {
    pub(super) fn of(config: &Config) -> Self {
        Self { bytes_max: config.upload_bytes_max, idle_max: config.upload_idle_max, rate_min: config.upload_rate_min }
    }
}

/// Pumps on a task of its own: the handler is dropped the moment its client leaves, and what the client sent before
/// should still go through. `gone` says that the client left: what is here already goes through, nothing is waited for.
/// A client that leaves while back-pressure keeps the last bytes in actix' read buffer has broken off: actix throws
/// them away.
pub(super) fn spawn(video: Video, feed: Feed, limits: Limits, gone: CancellationToken) -> JoinHandle<Pumped> {
    rt::spawn(async move {
        let ended = run(video, feed, limits, gone).await.unwrap_or_else(Ended::Failed);
        Pumped { ended, at: Instant::now() }
    })
}

async fn run(mut video: Video, feed: Feed, limits: Limits, gone: CancellationToken) -> Result<Ended, Error> {
    let mut pace = Pace::new(limits);
    let mut received = 0;
    loop {
        let asked = Instant::now();
        let next = tokio::select! {
            biased;
            () = feed.unwanted() => return Ok(Ended::Unwanted),
            next = timeout(limits.idle_max, video.next()) => next.map_err(|_| Error::ClientIdle(limits.idle_max))?,
            () = gone.cancelled() => return Err(Error::ClientStopped),
        };
        let Some(chunk) = next? else {
            return Ok(if feed.end().await { Ended::Whole } else { Ended::Unwanted });
        };
        received += chunk.len() as u64;
        if received > limits.bytes_max {
            return Err(Error::TooLarge(limits.bytes_max));
        }
        pace.note(chunk.len() as u64, asked.elapsed())?;
        // Back-pressure: no clock of the client runs while the converter is waited for.
        if !chunk.is_empty() && !feed.send(chunk).await {
            return Ok(Ended::Unwanted);
        }
    }
}

impl Video {
    /// Up to the first byte of the video: nothing for a raw body, a form's head otherwise.
    pub(super) async fn open(
        request: &HttpRequest,
        head: &mut Head,
        payload: ClientBody,
        idle_max: Duration,
    ) -> Result<Self, Error> {
        if !head.is_form {
            return Ok(Self::Raw(payload));
        }
        let found = timeout(idle_max, FilePart::find(request.headers(), payload)).await;
        let (part, found) = found.map_err(|_| Error::ClientIdle(idle_max))??;
        head.filename = head.filename.take().or(found.filename);
        head.file = found.headers;
        Ok(Self::Part(Box::new(part)))
    }

    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        match self {
            // The cause is of no use to anybody: the client broke off, or spoke no HTTP.
            Self::Raw(payload) => payload.next().await.transpose().map_err(|_| Error::ClientStopped),
            Self::Part(part) => part.next().await,
        }
    }
}

/// The minimum rate, over windows of waiting time as long as the idle limit, so that one pause is no offence.
#[derive(Debug)]
struct Pace {
    limits: Limits,
    waited: Duration,
    bytes: u64,
}

impl Pace {
    fn new(limits: Limits) -> Self {
        Self { limits, waited: Duration::ZERO, bytes: 0 }
    }

    fn note(&mut self, bytes: u64, waited: Duration) -> Result<(), Error> {
        self.bytes += bytes;
        self.waited += waited;
        if self.waited < self.limits.idle_max {
            return Ok(());
        }
        let due = u128::from(self.limits.rate_min) * self.waited.as_millis() / 1000;
        if u128::from(self.bytes) < due {
            return Err(Error::ClientSlow(self.limits.rate_min));
        }
        (self.bytes, self.waited) = (0, Duration::ZERO);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn pace() -> Pace {
        Pace::new(Limits { bytes_max: u64::MAX, idle_max: 30 * SECOND, rate_min: 1000 })
    }

    #[test]
    fn a_trickle_is_refused_after_one_window() {
        let mut pace = pace();
        for _ in 0..29 {
            pace.note(999, SECOND).expect("the window is open");
        }
        assert!(matches!(pace.note(999, SECOND), Err(Error::ClientSlow(1000))));
    }

    #[test]
    fn the_minimum_rate_and_back_pressure_are_no_offence() {
        let mut pace = pace();
        for _ in 0..300 {
            pace.note(1000, SECOND).expect("fast enough");
        }
        for _ in 0..300 {
            pace.note(1, Duration::ZERO).expect("nothing was waited for");
        }
    }
}
