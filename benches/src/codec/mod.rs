//! `lab codec`: the engine alone, `converter transcode`, against the `ffmpeg` command line.

mod contender;
mod cost;
mod pcm;
mod peak;
mod quality;
mod race;
mod rows;
mod wait;

use std::{fs, path::PathBuf, thread};

use anyhow::{Context as _, ensure};
use clap::ValueEnum as _;
use serde_json::{Map, Value};

use self::{contender::Contender, rows::Row};
use crate::{
    console::{note, say},
    inputs::Inputs,
};

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The engine.
    #[arg(long, default_value = "target/release/converter", env = "CONVERTER")]
    engine: PathBuf,
    /// The engine built with `LAME_MARCH=x86-64-v3`, measured beside it.
    #[arg(long, env = "CONVERTER_V3")]
    engine_v3: Option<PathBuf>,
    /// Rounds of the timings, interleaved.
    #[arg(long, default_value = "5")]
    rounds: usize,
    /// Only these rows.
    #[arg(long, value_enum, value_delimiter = ',')]
    rows: Vec<Row>,
    /// Writes the results to a file too.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Measures the rows and prints each when it is done.
pub(crate) fn run(args: &Args, inputs: &Inputs) -> anyhow::Result<()> {
    ensure!(args.rounds > 0, "--rounds must be at least 1");
    let contenders = Contenders { engine: args.engine.clone(), engine_v3: args.engine_v3.clone() };
    let rows = if args.rows.is_empty() { Row::value_variants() } else { &args.rows };
    let cores = thread::available_parallelism()?.get();
    say(format!("{} rounds on {cores} cores: median (min – max); a ratio is of one round", args.rounds));
    let mut results = Map::from_iter([("cores".to_owned(), cores.into()), ("rounds".to_owned(), args.rounds.into())]);
    for &row in rows {
        let name = row.name();
        note(format!("row {name}"));
        results.insert(name, row.measure(&contenders, inputs, args.rounds)?);
    }
    let results = Value::Object(results);
    if let Some(file) = &args.json {
        fs::write(file, format!("{results}\n")).with_context(|| format!("cannot write {}", file.display()))?;
    }
    say(results);
    Ok(())
}

/// The programs.
#[derive(Debug)]
struct Contenders {
    engine: PathBuf,
    engine_v3: Option<PathBuf>,
}

impl Contenders {
    fn engine(&self) -> Contender {
        Contender::Engine(self.engine.clone())
    }

    fn engine_v3(&self) -> Option<Contender> {
        self.engine_v3.clone().map(Contender::Engine)
    }
}
