//! A gateway with several scripted converters behind it, named by a file that it watches, and uploads that go on meanwhile.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use chassis::Server;
use reqwest::StatusCode;
use tempfile::TempDir;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};
use tokio_util::sync::CancellationToken;

use crate::{
    script::{OnVideo, Script},
    stack::{Stack, service},
};

/// How long a converter of a fleet takes for a video.
const WORK: Duration = Duration::from_millis(30);

/// One converter behind a door, which can be slammed.
pub(crate) struct Converter {
    pub(crate) script: Arc<Script>,
    pub(crate) address: SocketAddr,
    server: Server,
    door: JoinHandle<()>,
}

impl Converter {
    /// As a killed process: every connection breaks, and nobody listens any more.
    pub(crate) fn kill(&self) {
        self.door.abort();
    }

    /// Ends in order; nothing may be in flight.
    pub(crate) async fn stop(self) {
        self.server.stop().await;
        self.door.abort();
    }

    pub(crate) fn reserves(&self) -> usize {
        self.script.reserves().len()
    }

    /// Videos that came and did not end yet.
    pub(crate) fn in_flight(&self) -> usize {
        self.script.begun() - self.script.videos().len()
    }
}

pub(crate) struct Fleet {
    pub(crate) stack: Stack,
    folder: TempDir,
}

impl Fleet {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let source = format!("file:{}", folder.path().join("converters").display());
        let stack = Stack::start_with(|config| {
            config.converters = source.parse().expect("a source");
            config.uploads_per_user_max = 1000;
        })
        .await;
        Self { stack, folder }
    }

    /// A further converter, not listed yet.
    pub(crate) async fn converter(&self) -> Converter {
        let script = Script::new(self.stack.store.clone());
        script.on_video(OnVideo::Work(WORK));
        let server = service("converter", script.routes());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let door = tokio::spawn(pass(listener, server.address()));
        Converter { script, address, server, door }
    }

    pub(crate) async fn converters<const N: usize>(&self) -> [Converter; N] {
        let mut started = Vec::new();
        for _ in 0..N {
            started.push(self.converter().await);
        }
        self.list(&started.iter().collect::<Vec<_>>());
        started.try_into().unwrap_or_else(|_| panic!("{N} were started"))
    }

    /// Writes the list, which the gateway reads within a second.
    pub(crate) fn list(&self, converters: &[&Converter]) {
        let text = converters.iter().map(|converter| converter.address.to_string()).collect::<Vec<_>>().join("\n");
        // In one step: half a list would be read as one.
        let next = self.folder.path().join("next");
        std::fs::write(&next, text).expect("the folder is ours");
        std::fs::rename(next, self.list_path()).expect("the folder is ours");
    }

    pub(crate) fn list_path(&self) -> PathBuf {
        self.folder.path().join("converters")
    }

    /// Clients that upload one video after the other.
    pub(crate) fn load(&self, clients: usize) -> Load {
        let stop = CancellationToken::new();
        let mut running = JoinSet::new();
        for _ in 0..clients {
            let (upload, stop) = (self.stack.upload("video"), stop.clone());
            running.spawn(async move {
                let mut statuses = Vec::new();
                while !stop.is_cancelled() {
                    let upload = upload.try_clone().expect("the video is in memory");
                    statuses.push(upload.send().await.expect("an answer").status());
                }
                statuses
            });
        }
        Load { stop, running }
    }
}

/// Uploads that go on until [`Load::end`].
pub(crate) struct Load {
    stop: CancellationToken,
    running: JoinSet<Vec<StatusCode>>,
}

impl Load {
    /// What each client was answered, in order.
    pub(crate) async fn end(self) -> Vec<Vec<StatusCode>> {
        self.stop.cancel();
        self.running.join_all().await
    }
}

/// Carries connections to `target`; all of them break when this is aborted.
async fn pass(listener: TcpListener, target: SocketAddr) {
    let mut connections = JoinSet::new();
    while let Ok((mut outside, _)) = listener.accept().await {
        connections.spawn(async move {
            if let Ok(mut inside) = TcpStream::connect(target).await {
                let _ = copy_bidirectional(&mut outside, &mut inside).await;
            }
        });
    }
}
