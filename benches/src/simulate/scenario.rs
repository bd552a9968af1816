//! Settings to begin with, and what is assumed where nothing was measured.

use super::model::{Arrivals, Clients, Fixed, Replica, Rules, Settings, Spread, Video, Work};
use crate::flow::Flow;

/// A converter as the manifests ask for it: two cores, and the services' default of four permits for each.
pub(super) const REPLICA: Replica = Replica { cores: 2.0, width: 2.0, permits: 8, accepts: false };

/// Ten seconds of 720p video: what `lab codec` and `lab servers` say of its conversion, with 10 % spread.
pub(super) fn assumed_video() -> Video {
    Video {
        name: "assumed 10 s clip".to_owned(),
        weight: 1.0,
        bytes: 2.7e6,
        mp3_bytes: 2.4e5,
        engine: Work { mean_core_s: 0.12, spread: Spread::LogNormal { sigma: 0.1 } },
        accept_core_s: 0.02,
        fixed: Fixed { blocking_s: 0.02, accept_s: 0.01, worker_s: 0.02 },
    }
}

/// One converter and clients whose link is no limit and who do not come back; the caller sets load and length.
pub(super) fn basic(flow: Flow, mix: Vec<Video>) -> Settings {
    Settings {
        flow,
        arrivals: Arrivals::Poisson { per_s: 1.0 },
        horizon_s: 60.0,
        drain_s: 3_600.0,
        mix,
        replica: REPLICA,
        replicas: 1,
        rules: Rules::default(),
        clients: Clients::leaving(),
        faults: vec![],
        autoscaler: None,
        cold_start_s: 0.0,
        samples: 0,
        arrivals_seed: 1,
        videos_seed: None,
        seed: 1,
    }
}
