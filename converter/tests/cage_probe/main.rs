//! A program that tries what the engine's cage forbids, and says how each attempt ended.
//!
//! `cage-probe outside TARGETS` and `cage-probe inside TARGETS` print what the kernel lacks and a line for each attempt,
//! the second from inside the cage. `cage-probe old-kernel PROGRAM …` runs a program as on a kernel without Landlock.
//! Called with any other arguments, as the engine calls ffmpeg, it reads its orders from the video, behind the magic of
//! an FLV or AVI, and answers as ffmpeg would: a line of the codec's name, which is one letter for each attempt (`s`
//! succeeded, `d` denied), and a WAVE with a second of silence.

mod attempts;
mod bombs;
mod old_kernel;

use std::{
    env,
    fs::File,
    io::{self, BufRead, BufReader, Write as _},
    path::Path,
    time::Duration,
};

use converter::{
    control::Guard,
    transcode::cage::{self, Limits, Needs},
};

use self::attempts::{ATTEMPTS, Targets};

/// What stands before the orders: the magic of an FLV, which the engine streams to ffmpeg, or of an AVI, which it spools.
const MAGICS: [&[u8]; 2] = [b"FLV\x01\x05\0\0\0\x09", b"RIFF\0\0\0\0AVI LIST"];
const RATE: u32 = 44_100;

fn main() -> io::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["old-kernel", program, ref arguments @ ..] => Err(old_kernel::execute(program, arguments)),
        ["outside", targets] => print(&Targets::parse(targets), &[]),
        ["inside", targets] => {
            cage::close_inherited()?;
            let missing = enter(limits())?;
            print(&Targets::parse(targets), &missing)
        }
        ["eat"] => {
            enter(Limits { address_space_bytes: 64 * 1024 * 1024, ..limits() })?;
            bombs::eat()
        }
        ["spin"] => {
            enter(Limits { cpu_seconds: 1, ..limits() })?;
            bombs::spin()
        }
        ["write"] => {
            let file = tempfile::tempfile()?;
            enter(limits())?;
            bombs::write(file)
        }
        ["threads"] => {
            let waiting = std::thread::spawn(std::thread::park);
            let entered = enter(limits());
            waiting.thread().unpark();
            entered.map(drop)
        }
        _ => as_ffmpeg(words.iter().skip_while(|word| **word != "-i").nth(1).copied()),
    }
}

fn enter(limits: Limits) -> io::Result<Vec<Guard>> {
    cage::enter(&Needs { limits, ffmpeg: Path::new("/no/such/ffmpeg"), files: vec![] })
}

fn limits() -> Limits {
    Limits::of(Duration::from_mins(1), 2, Some(0))
}

fn print(targets: &Targets, missing: &[Guard]) -> io::Result<()> {
    writeln!(io::stdout(), "missing: {missing:?}")?;
    for (name, attempt) in ATTEMPTS {
        match attempt(targets) {
            Ok(()) => writeln!(io::stdout(), "{name}: succeeded")?,
            Err(cause) => writeln!(io::stdout(), "{name}: {cause}")?,
        }
    }
    Ok(())
}

/// `video` is the path of a spool, or the URL of standard input.
fn as_ffmpeg(video: Option<&str>) -> io::Result<()> {
    let mut orders = Vec::new();
    let mut reader: Box<dyn BufRead> = match video {
        Some(path) if path.starts_with('/') => Box::new(BufReader::new(File::open(path)?)),
        _ => Box::new(io::stdin().lock()),
    };
    reader.read_until(b'\n', &mut orders)?;
    let orders = MAGICS.iter().find_map(|magic| orders.strip_prefix(*magic)).unwrap_or_default();
    let findings: String = match String::from_utf8_lossy(orders).trim_end() {
        "eat" => bombs::eat(),
        "spin" => bombs::spin(),
        "overwrite" if attempts::overwrite().is_ok() => return Err(io::Error::other("the video can be overwritten")),
        "overwrite" => "d".to_owned(),
        targets => {
            let targets = Targets::parse(targets);
            ATTEMPTS.iter().map(|(_, attempt)| if attempt(&targets).is_ok() { 's' } else { 'd' }).collect()
        }
    };
    writeln!(io::stderr(), "    Stream #0:0: Audio: {findings}, 44100 Hz, mono, flt")?;
    io::stdout().write_all(&second_of_wave())
}

/// RIFF WAVE, one channel of floats.
fn second_of_wave() -> Vec<u8> {
    let data_bytes = RATE * 4;
    let numbers = |numbers: &[u32]| numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<_>>();
    // Format 3 is float; one channel; four bytes for a sample of 32 bits.
    let format = [&[3, 0, 1, 0][..], &numbers(&[RATE, data_bytes]), &[4, 0, 32, 0]].concat();
    let head = [&b"RIFF"[..], &numbers(&[36 + data_bytes]), b"WAVEfmt ", &numbers(&[16]), &format].concat();
    [&head[..], b"data", &numbers(&[data_bytes]), &vec![0; RATE as usize * 4]].concat()
}
