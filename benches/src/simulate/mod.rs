//! `lab simulate`: a discrete-event model of both flows, fed by what was measured, checked against it, and then taken to where
//! one machine cannot go.

mod fit;
mod kernel;
mod measured;
mod model;
mod scenario;
mod speed;
#[cfg(test)]
mod tests;
mod validate;

/// What to simulate.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Brings back the same run.
    #[arg(long, default_value = "1")]
    seed: u64,
    /// Only measures how fast the model itself is.
    #[arg(long)]
    speed: bool,
}

/// Runs the model.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    if args.speed {
        speed::run(args.seed);
    }
    let s=measured::Summary::read(std::path::Path::new("/tmp/wt/lab-sim/benches/src/simulate/tests"))?;
    for r in validate::rows(&s,1) {
        crate::console::say(format!("{:22} load {:?} good {:?} {:+.3} p50 {:?} {:+.3} tail {:?} inside {:?} refused {:?}", r.id, r.load, r.goodput_per_s.map(|p|(p.predicted,p.measured)), r.goodput_per_s.unwrap().error(), r.p50_s.map(|p|(p.predicted,p.measured)), r.p50_s.map_or(9.0,|p|p.error()), r.tail, r.tail.map(|t|t.is_inside()), r.refused_share));
    }
    Ok(())
}
