//! What every request and task of the service shares.

use std::path::PathBuf;

use chassis::Readiness;
use tokio::{runtime::Handle, sync::Notify};
use tokio_util::sync::CancellationToken;

use crate::{Config, event::Broker, lease::Holder, permits::Permits, store::Store};

/// The service's state.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) config: Config,
    pub(crate) store: Store,
    pub(crate) broker: Broker,
    pub(crate) permits: Permits,
    /// The program that is started as engine.
    pub(crate) engine: PathBuf,
    pub(crate) ffmpeg: PathBuf,
    pub(crate) spool_dir: PathBuf,
    /// This replica in leases.
    pub(crate) holder: Holder,
    /// Where conversions run: not on the threads that serve requests, which end with them.
    pub(crate) tasks: Handle,
    pub(crate) readiness: Readiness,
    /// The service waits no longer for what runs: callers are told, queued videos go back to the queue.
    pub(crate) stopped: CancellationToken,
    /// Wakes the relay after a commit.
    pub(crate) announce: Notify,
    /// Wakes the sweeper where there is garbage.
    pub(crate) sweep: Notify,
}

#[cfg(test)]
impl App {
    /// A converter without its server, that keeps its files in `folder`.
    pub(crate) fn alone(store: Store, broker: Broker, folder: &std::path::Path) -> Self {
        use clap::Parser as _;

        #[derive(Debug, clap::Parser)]
        struct Settings {
            #[command(flatten)]
            config: Config,
        }

        let Settings { mut config } = Settings::try_parse_from(["converter"]).expect("settings");
        // The disk that tests run on may be as full as it likes.
        config.disk_free_min = 0;
        Self {
            permits: Permits::new(&config, folder),
            holder: Holder { name: "test".into(), length: config.lease },
            config,
            store,
            broker,
            engine: "engine".into(),
            ffmpeg: "ffmpeg".into(),
            spool_dir: folder.to_owned(),
            tasks: Handle::current(),
            readiness: Readiness::default(),
            stopped: CancellationToken::new(),
            announce: Notify::new(),
            sweep: Notify::new(),
        }
    }
}
