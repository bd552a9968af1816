//! The model against what is known without it.

mod formulas;
mod laws;
mod rules;

use super::*;

/// One kind of work of one core second on average, and nothing else that takes time.
pub(super) fn plain(flow: Flow, arrivals: Arrivals, horizon_s: f64) -> Settings {
    Settings {
        flow,
        arrivals,
        horizon_s,
        drain_s: 1e9,
        mix: vec![Video {
            name: "plain".to_owned(),
            weight: 1.0,
            bytes: 1e6,
            mp3_bytes: 1e5,
            engine: Work { mean_core_s: 1.0, spread: Spread::LogNormal { sigma: 0.0 } },
            accept_core_s: 0.0,
            fixed: Fixed::default(),
        }],
        replica: Replica { cores: 1.0, width: 1.0, permits: 1, accepts: false },
        replicas: 1,
        rules: Rules { queue_max: u32::MAX, queue_timeout_s: 1e9, ..Rules::default() },
        clients: Clients::leaving(),
        faults: vec![],
        autoscaler: None,
        cold_start_s: 0.0,
        samples: 0,
        arrivals_seed: 7,
        videos_seed: None,
        seed: 7,
    }
}
