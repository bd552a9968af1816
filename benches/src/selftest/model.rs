//! Latencies that can be written down.

use std::{fmt, str::FromStr, time::Duration};

use anyhow::{Context as _, bail};

/// How long a call stays in the stub. Calls do not wait for each other. As a path: `/constant/100`, `/exponential/100`,
/// `/stalling/100/500/4000`, all in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Model {
    Constant(Duration),
    /// With this mean.
    Exponential(Duration),
    /// A constant stay; at the end of each period the stub stands still for `stall`, and what comes meanwhile waits.
    Stalling {
        stay: Duration,
        stall: Duration,
        period: Duration,
    },
}

impl Model {
    /// Of the call with this number that comes at `now` after the start.
    pub(super) fn stay(self, now: Duration, call: u32) -> Duration {
        match self {
            Self::Constant(stay) => stay,
            // Not random: a few thousand calls in a row have the exact distribution, so a percentile that differs is the
            // generator's error and not chance.
            Self::Exponential(mean) => mean.mul_f64(-(1.0 - evenly(call)).ln()),
            Self::Stalling { stay, stall, period } => {
                let phase = Duration::from_secs_f64(now.as_secs_f64() % period.as_secs_f64());
                stay + if phase + stall >= period { period.saturating_sub(phase) } else { Duration::ZERO }
            }
        }
    }

    /// Seconds that a share `q` of calls, evenly spread over time, does not exceed.
    pub(super) fn quantile(self, q: f64) -> f64 {
        match self {
            Self::Constant(stay) => stay.as_secs_f64(),
            Self::Exponential(mean) => -(1.0 - q).ln() * mean.as_secs_f64(),
            Self::Stalling { stay, stall, period } => {
                // The others wait uniformly up to the whole stall.
                let unhindered = 1.0 - stall.div_duration_f64(period);
                stay.as_secs_f64() + ((q - unhindered) * period.as_secs_f64()).max(0.0)
            }
        }
    }
}

/// Multiples of the golden ratio without their whole part, in (0, 1): the sequence whose every piece is most even.
fn evenly(call: u32) -> f64 {
    const GOLDEN: u32 = 2_654_435_769; // 2^32 × 0.618…
    (f64::from(call.wrapping_mul(GOLDEN)) + 0.5) / 2_f64.powi(32)
}

impl FromStr for Model {
    type Err = anyhow::Error;

    fn from_str(path: &str) -> anyhow::Result<Self> {
        let (name, numbers) = path.trim_start_matches('/').split_once('/').context("no numbers")?;
        let times: Vec<_> =
            numbers.split('/').map(|ms| ms.parse().map(Duration::from_millis)).collect::<Result<_, _>>()?;
        Ok(match (name, times.as_slice()) {
            ("constant", &[stay]) => Self::Constant(stay),
            ("exponential", &[mean]) => Self::Exponential(mean),
            ("stalling", &[stay, stall, period]) if stall < period => Self::Stalling { stay, stall, period },
            _ => bail!("no such model"),
        })
    }
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant(stay) => write!(f, "constant/{}", stay.as_millis()),
            Self::Exponential(mean) => write!(f, "exponential/{}", mean.as_millis()),
            Self::Stalling { stay, stall, period } => {
                write!(f, "stalling/{}/{}/{}", stay.as_millis(), stall.as_millis(), period.as_millis())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_stub_does_has_the_quantiles_of_the_formula() {
        for path in ["constant/100", "exponential/100", "stalling/100/500/4000"] {
            let model: Model = path.parse().expect("a model");
            assert_eq!(model.to_string(), path);
            let mut stays: Vec<_> =
                (0..4_000).map(|call| model.stay(Duration::from_millis(call.into()), call).as_secs_f64()).collect();
            stays.sort_by(f64::total_cmp);

            for (q, rank) in [(0.5, 2_000), (0.9, 3_600), (0.99, 3_960)] {
                let (stub, formula) = (stays[rank - 1], model.quantile(q));
                assert!((stub / formula - 1.0).abs() < 0.01, "{path} at {q}: {stub}, not {formula}");
            }
        }
    }

    #[test]
    fn nonsense_is_no_model() {
        for path in ["/", "/constant", "/constant/x", "/stalling/1/5/5", "/else/1"] {
            assert!(path.parse::<Model>().is_err(), "{path}");
        }
    }
}
