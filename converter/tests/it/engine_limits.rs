//! The limits of the engine's cage: what ends an engine or its ffmpeg, and what is said of it.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use bytes::Bytes;
use converter::{control::RefusalKind, options::Options};
use tempfile::TempDir;

use crate::{
    engine_cage::{orders, probe, probed},
    engine_rig::{STEREO, convert, job, program, sound},
    service_rig::{self, Rig},
};

#[test]
fn an_engine_ends_at_its_own_limits() {
    for (bomb, signal) in [("eat", "SIGABRT"), ("spin", "SIGXCPU"), ("write", "SIGXFSZ")] {
        let ended = Command::new(probe()).arg(bomb).stderr(Stdio::null()).status().expect("a probe");
        assert!(ended.to_string().contains(signal), "{bomb}: {ended}");
    }
}

/// Millions of boxes of eight bytes are no video, wherever they stand and however they arrive.
#[tokio::test]
async fn an_mp4_of_millions_of_boxes_is_refused_as_such() {
    let free = b"\0\0\0\x08free".repeat(1_100_000);
    let streamed = sound("first.m4a", STEREO, &["-c:a", "aac", "-movflags", "+faststart"]);
    let spooled = sound("last.m4a", STEREO, &["-c:a", "aac"]);
    for (bytes, name) in [(streamed, "streamed"), (spooled, "spooled")] {
        let mdat = bytes.windows(4).position(|kind| kind == b"mdat").expect("media") - 4;
        let before = [&bytes[..mdat], &free, &bytes[mdat..]].concat();
        let behind = [bytes, free.clone()].concat();
        for (bomb, place) in [(before, "before the media"), (behind, "at the end")] {
            convert(&job(Options::default()), &bomb)
                .await
                .refused_as(&[RefusalKind::Limits], &format!("{name}, {place}"));
        }
    }
}

#[tokio::test]
async fn a_memory_bomb_in_ffmpeg_ends_at_the_limit() {
    convert(&probed(), &orders("eat")).await.refused_as(&[RefusalKind::Limits], "a memory bomb");
}

#[tokio::test]
async fn an_endless_ffmpeg_ends_at_the_limit_and_the_service_lives_on() {
    let folder = TempDir::new().expect("a folder");
    // A limit of the caller's holds for the cage too, and this one is short enough to wait for.
    let engine = script(folder.path(), &format!("ulimit -t 3; exec '{}' \"$@\"", program().display()));
    let [engine, ffmpeg] = [format!("--engine={}", engine.display()), format!("--ffmpeg={}", probe().display())];
    let rig = Rig::start(&[&engine, &ffmpeg]).await;
    for bomb in ["spin", "eat"] {
        let permit = rig.permit(&service_rig::request(None)).await;
        let refusal = service_rig::refused(rig.send(permit, Bytes::from(orders(bomb)).into()).await);
        assert_eq!((refusal.status, &*refusal.kind), (422, "/problems/engine-limits"), "{bomb}: {refusal}");
    }
    let clip = service_rig::clip();
    let permit = rig.permit(&service_rig::request(None)).await;
    rig.send(permit, clip.into()).await.expect("the service lives on");
}

#[tokio::test]
async fn an_engine_that_dies_by_a_limit_is_the_videos_fault_and_by_another_signal_is_not() {
    let clip = service_rig::clip();
    for (signal, status, kind) in [
        ("XCPU", 422, "/problems/engine-limits"),
        ("XFSZ", 422, "/problems/engine-limits"),
        ("ABRT", 422, "/problems/engine-limits"),
        ("SEGV", 500, "/problems/engine-crashed"),
        ("SYS", 500, "/problems/engine-crashed"),
        ("KILL", 500, "/problems/engine-crashed"),
    ] {
        let folder = TempDir::new().expect("a folder");
        let engine = script(folder.path(), &format!("read -r start <&2; ulimit -c 0; kill -s {signal} $$"));
        let rig = Rig::start(&[&format!("--engine={}", engine.display())]).await;
        let permit = rig.permit(&service_rig::request(None)).await;
        let refusal = service_rig::refused(rig.send(permit, clip.clone().into()).await);
        assert_eq!((refusal.status, &*refusal.kind), (status, kind), "{signal}: {refusal}");
    }
}

/// A program, written by another process: one that this test writes may still be open in a child of another test.
fn script(folder: &Path, text: &str) -> PathBuf {
    let path = folder.join("script");
    let text = format!("#!/bin/sh\n{text}\n");
    let written = Command::new("sh")
        .args(["-c", "printf %s \"$1\" > \"$2\" && chmod +x \"$2\"", "sh", &text])
        .arg(&path)
        .status()
        .expect("a shell");
    assert!(written.success(), "{written}");
    path
}
