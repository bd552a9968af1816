//! The converter's settings.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::ensure;
use humantime::parse_duration;

/// Shorter leases are lost to a busy disk, and renewing them is all that the service would do.
const LEASE_MIN: Duration = Duration::from_secs(1);

/// Converter settings, from flags or environment; `--help` is the reference.
#[derive(Debug, Clone, clap::Args)]
pub struct Config {
    /// Address to listen on; port 0 picks a free one.
    #[arg(long, env = "CONVERTER_LISTEN", default_value = "0.0.0.0:8082")]
    pub converter_listen: SocketAddr,
    /// Conversions at a time; 0 means 4 for each core, since uploads mostly wait for the network.
    #[arg(long, env = "CONVERSIONS_MAX", default_value = "0")]
    pub conversions_max: usize,
    /// Longest audio that is converted.
    #[arg(long, env = "DURATION_MAX", default_value = "6h", value_parser = parse_duration)]
    pub duration_max: Duration,
    /// Largest video in bytes.
    #[arg(long, env = "UPLOAD_BYTES_MAX", default_value = "4294967296")]
    pub upload_bytes_max: u64,
    /// Bytes that all spooled videos may take together; taken as they come. Only formats that must be sought in are
    /// spooled, e.g. an mp4 with its index at the end. Decoded audio that is to be normalized counts, too: 21 MB for a
    /// minute of 44.1 kHz stereo.
    #[arg(long, env = "SPOOL_BYTES_MAX", default_value = "21474836480")]
    pub spool_bytes_max: u64,
    /// Bytes of the spool's disk that must be free for an upload to be admitted.
    #[arg(long, env = "DISK_FREE_MIN", default_value = "1073741824")]
    pub disk_free_min: u64,
    /// Folder for videos whose format cannot be converted as it arrives, and for copies of mp3s. The files in it have
    /// no names, so they vanish with the process. The system's folder for temporary files where absent.
    #[arg(long, env = "SPOOL_DIR")]
    pub spool_dir: Option<PathBuf>,
    /// Longest a caller waits for one conversion.
    #[arg(long, env = "CONVERT_TIMEOUT", default_value = "10m", value_parser = parse_duration)]
    pub convert_timeout: Duration,
    /// Longest silence of the gateway in the middle of a video; longer than its `UPLOAD_IDLE_MAX`.
    #[arg(long, env = "VIDEO_IDLE_MAX", default_value = "45s", value_parser = parse_duration)]
    pub video_idle_max: Duration,
    /// How long an admitted upload may take to begin.
    #[arg(long, env = "PERMIT_HOLD", default_value = "10s", value_parser = parse_duration)]
    pub permit_hold: Duration,
    /// How long a conversion belongs to a converter that is not heard of. Longer than `PERMIT_HOLD`.
    #[arg(long, env = "LEASE", default_value = "15s", value_parser = parse_duration)]
    pub lease: Duration,
    /// How long an mp3 is kept; for ever where absent.
    #[arg(long, env = "MP3_KEPT", value_parser = parse_duration)]
    pub mp3_kept: Option<Duration>,
    /// An announcement that was published so long ago and not delivered is published again, and so is a queued video that no
    /// worker took. Longer than `DELIVERY_RETRY_MAX`, or it cuts the waits between two sendings short.
    #[arg(long, env = "REPUBLISH_AFTER", default_value = "10m", value_parser = parse_duration)]
    pub republish_after: Duration,
    /// The queued flow: also converts videos that wait in the store, told of by the broker. Set it at the gateway, too.
    #[arg(long, env = "QUEUED_FLOW")]
    pub queued_flow: bool,
    /// Conversions of queued videos at a time; what `CONVERSIONS_MAX` has beyond that is for callers who wait. Three quarters of
    /// it where 0.
    #[arg(long, env = "JOBS_MAX", default_value = "0")]
    pub jobs_max: usize,
    /// The program that runs as engine, by its subcommand `transcode`; this program where absent.
    #[arg(long, env = "ENGINE")]
    pub engine: Option<PathBuf>,
    /// The ffmpeg that decodes what the engine does not: a program, since the engine's cage lets it start no script.
    /// Its libraries are found in the system's folders, and in `lib` beside its own.
    #[arg(long, env = "FFMPEG", default_value = "ffmpeg")]
    pub ffmpeg: PathBuf,
}

impl Config {
    /// Refuses settings that contradict each other.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        ensure!(self.lease >= LEASE_MIN, "LEASE must be at least {LEASE_MIN:?}");
        ensure!(
            self.lease > self.permit_hold,
            "LEASE must be longer than PERMIT_HOLD, or admitted uploads lose theirs"
        );
        Ok(())
    }

    /// Conversions at a time, at least one.
    pub(crate) fn permits(&self) -> usize {
        match self.conversions_max {
            0 => 4 * std::thread::available_parallelism().map_or(1, usize::from),
            permits => permits,
        }
    }

    /// Jobs of the queued flow at a time, at least one.
    pub(crate) fn jobs(&self) -> usize {
        let permits = self.permits();
        match self.jobs_max {
            0 => (permits * 3 / 4).max(1),
            jobs => jobs.min(permits),
        }
    }

    /// After two leases no attempt that lost its conversion writes any more.
    pub(crate) fn garbage_rest(&self) -> Duration {
        self.lease * 2
    }
}
