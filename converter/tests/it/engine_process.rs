//! The engine as a process: it dies with its service, and a death is no success.

use std::{
    fs::{self, File},
    io::Write as _,
    process::{Command, Stdio},
    time::Duration,
};

use converter::{
    control::{FromEngine, Verdict},
    engine::{Engine, Input},
    options::Options,
};
use rustix::process::{getpid, set_child_subreaper};
use tempfile::TempDir;
use tokio::{
    io::AsyncWriteExt as _,
    task::yield_now,
    time::{Instant, interval, timeout},
};

use crate::engine_rig::{SAMPLES, STEREO, decode, job, program, sound, video};

/// How long an engine and its ffmpeg may outlive their service.
pub(crate) const AFTERLIFE_MAX: Duration = Duration::from_secs(1);
/// How long an engine may take to start its ffmpeg.
const START_MAX: Duration = Duration::from_secs(20);

/// Processes of a group that still run: zombies only wait to be counted.
pub(crate) fn running(group: u32) -> usize {
    states(group).iter().filter(|&state| state != "Z").count()
}

/// The letters that tell how the processes of a group are.
fn states(group: u32) -> Vec<String> {
    let processes = fs::read_dir("/proc").expect("a list of processes").flatten();
    let stats = processes.filter_map(|process| fs::read_to_string(process.path().join("stat")).ok());
    stats
        .filter_map(|stat| {
            let mut fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
            let letter = fields.next()?;
            (fields.nth(1) == Some(&group.to_string())).then(|| letter.to_owned())
        })
        .collect()
}

pub(crate) async fn until(what: &str, limit: Duration, condition: impl Fn() -> bool) {
    let (give_up, mut ticks) = (Instant::now() + limit, interval(Duration::from_millis(10)));
    while !condition() {
        assert!(Instant::now() < give_up, "not in time: {what}");
        ticks.tick().await;
        // An overdue tick is there at once, and what is waited for may be a task of this one thread.
        yield_now().await;
    }
}

/// An engine in the middle of a video that ffmpeg decodes.
async fn busy() -> (Engine, u32) {
    let clip = video("a.mkv", STEREO, &["-c:v", "mpeg4", "-c:a", "libopus"]);
    let mut engine = Engine::spawn(&program(), &job(Options::default()), Input::Stream).expect("an engine");
    let input = engine.input.as_mut().expect("a pipe");
    input.write_all(&clip[..clip.len() / 2]).await.expect("half a video");
    let group = engine.process.id().expect("a process");
    until("engine and ffmpeg run", START_MAX, || running(group) == 2).await;
    (engine, group)
}

#[tokio::test]
async fn a_dead_service_takes_engine_and_ffmpeg_with_it() {
    let (engine, group) = busy().await;
    let Engine { input, output, end, events, process } = engine;
    // All that the engine sees of a service's death; its input stays open, which is the worst case.
    drop((end, events));
    until("all have ended", AFTERLIFE_MAX, || running(group) == 0).await;
    drop((input, output));
    process.reap().await;
}

#[tokio::test]
async fn a_dropped_process_takes_its_ffmpeg_with_it() {
    let (engine, group) = busy().await;
    let Engine { process, .. } = engine;
    drop(process);
    until("all have ended", AFTERLIFE_MAX, || running(group) == 0).await;
}

#[tokio::test]
async fn no_zombie_is_left_where_orphans_become_children_of_the_service() {
    // As for the first process of a container, which this one cannot be.
    set_child_subreaper(Some(getpid())).expect("Linux has subreapers");
    for is_dropped in [false, true] {
        let (engine, group) = busy().await;
        let Engine { process, .. } = engine;
        if is_dropped {
            drop(process);
            until("all are reaped", AFTERLIFE_MAX, || states(group).is_empty()).await;
        } else {
            process.reap().await;
            assert_eq!(states(group), [""; 0]);
        }
    }
}

#[tokio::test]
async fn a_killed_engine_gives_no_verdict() {
    let (engine, group) = busy().await;
    let Engine { input, output, end, mut events, mut process } = engine;
    process.kill();
    let last = timeout(AFTERLIFE_MAX, async {
        while let Ok(Some(event)) = events.next().await {
            assert!(!matches!(event, FromEngine::Verdict(Verdict::Converted(_))), "{event:?}");
        }
    });
    last.await.expect("a hang-up in time");
    assert!(!process.wait().await.expect("an end").success());
    until("all have ended", AFTERLIFE_MAX, || running(group) == 0).await;
    drop((input, output, end));
    // Once reaped, the id may be another's.
    assert_eq!(process.id(), None);
    process.kill();
}

#[test]
fn alone_it_is_a_plain_filter() {
    let folder = TempDir::new().expect("a folder");
    let [video_path, mp3_path] = ["in.mp4", "out.mp3"].map(|file| folder.path().join(file));
    let clip = video("in.mp4", STEREO, &["-c:v", "mpeg4", "-c:a", "aac"]);
    fs::write(&video_path, &clip).expect("a video");
    for is_piped in [false, true] {
        let stdin = if is_piped { Stdio::piped() } else { File::open(&video_path).expect("a video").into() };
        let mut filter = Command::new(program())
            .args(["transcode", "--quality", "V2"])
            .stdin(stdin)
            .stdout(File::create(&mp3_path).expect("an mp3"))
            .stderr(Stdio::piped())
            .spawn()
            .expect("an engine");
        if let Some(mut stdin) = filter.stdin.take() {
            stdin.write_all(&clip).expect("a written video");
        }
        let ended = filter.wait_with_output().expect("an end");
        assert!(ended.status.success() && ended.stderr.is_empty(), "{ended:?}");
        let mp3 = fs::read(&mp3_path).expect("an mp3");
        assert_eq!(decode("out.mp3", &mp3).len() as u64 / 2, SAMPLES, "a file gets its length tag");
    }
}

#[test]
fn the_mp3_does_not_depend_on_the_processors_nor_on_the_pieces_of_the_input() {
    let folder = TempDir::new().expect("a folder");
    let [video_path, mp3_path] = ["in.mp4", "out.mp3"].map(|file| folder.path().join(file));
    // Long enough for several segments.
    let noise = "anoisesrc=d=12:r=44100:a=0.3:seed=1,aformat=channel_layouts=stereo";
    let clip = video("in.mp4", noise, &["-c:v", "mpeg4", "-c:a", "aac", "-movflags", "+faststart"]);
    fs::write(&video_path, &clip).expect("a video");
    let mut mp3s = Vec::new();
    for (processors, piece_bytes) in [(None, None), (Some("0"), None), (None, Some(1000)), (Some("0"), Some(40_000))] {
        let mut filter = match processors {
            Some(_) => Command::new("taskset"),
            None => Command::new(program()),
        };
        if let Some(list) = processors {
            filter.args(["--cpu-list", list]).arg(program());
        }
        let stdin =
            if piece_bytes.is_some() { Stdio::piped() } else { File::open(&video_path).expect("a video").into() };
        filter.arg("transcode").stdin(stdin).stdout(File::create(&mp3_path).expect("an mp3"));
        let mut filter = filter.spawn().expect("an engine");
        if let (Some(mut stdin), Some(piece_bytes)) = (filter.stdin.take(), piece_bytes) {
            clip.chunks(piece_bytes).for_each(|piece| stdin.write_all(piece).expect("a written piece"));
        }
        assert!(filter.wait().expect("an end").success());
        mp3s.push(fs::read(&mp3_path).expect("an mp3"));
    }
    assert!(mp3s.iter().all(|mp3| *mp3 == mp3s[0]), "{:?}", mp3s.iter().map(Vec::len).collect::<Vec<_>>());
}

#[test]
fn alone_it_says_what_is_wrong_in_one_line() {
    let clip = sound("a.wav", STEREO, &[]);
    for (input, code, said) in [
        (&clip[..clip.len() / 2], 1, "converter: the video is cut"),
        (&clip[..], 0, "converter: note: the length tag is missing"),
    ] {
        let mut filter = Command::new(program())
            .arg("transcode")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("an engine");
        filter.stdin.take().expect("a pipe").write_all(input).expect("a written video");
        let ended = filter.wait_with_output().expect("an end");
        let stderr = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(code), "{stderr}");
        assert!(stderr.starts_with(said) && stderr.lines().count() == 1, "{stderr}");
    }
}
