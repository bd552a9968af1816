//! What an engine writes beside its mp3 counts against the spool.

use converter::options::{Normalize, Options};

use crate::service_rig::{Rig, clip, refused, request, stalled, until};

const MIB: u64 = 1024 * 1024;

/// A converter whose engine fills its scratch file, as far as it is let.
async fn rig(spool_bytes_max: u64) -> Rig {
    let engine = std::path::absolute("tests/it/scratch_filler.py").expect("a path");
    Rig::start(&[&format!("--engine={}", engine.display()), &format!("--spool-bytes-max={spool_bytes_max}")]).await
}

/// What that engine does, for a video that is normalized.
fn filling(bytes: u64, manner: &str) -> converter::client::Reserve {
    let title = Some(format!("{bytes} {manner}"));
    let options = Options { normalize: Some(Normalize::Ebur128), title, ..Options::default() };
    converter::client::Reserve { options, ..request(None) }
}

#[tokio::test]
async fn decoded_audio_that_the_spool_never_takes_ends_the_conversion() {
    let rig = rig(2 * MIB).await;
    for manner in ["telling", "silent"] {
        let permit = rig.permit(&filling(3 * MIB, manner)).await;
        let refusal = refused(rig.send(permit, stalled(&clip())).await);
        assert_eq!((refusal.status, refusal.kind.as_ref()), (413, "/problems/too-large"), "{manner}");
        assert!(refusal.detail.contains("SPOOL_BYTES_MAX"), "{manner}: {refusal}");
    }
}

#[tokio::test]
async fn decoded_audio_shares_the_spool_with_all_conversions() {
    let rig = rig(3 * MIB).await;
    let clip = clip();
    let first = rig.permit(&filling(2 * MIB, "telling")).await;
    let sending = rig.send(first, stalled(&clip));
    let meeting = async {
        until("the first has filled its part", async || rig.read(first.0).await.progress.encoded_ms > 0).await;
        // A permit is held for a moment only.
        let second = rig.permit(&filling(2 * MIB, "telling")).await;
        refused(rig.send(second, stalled(&clip)).await)
    };
    let refusal = tokio::select! {
        refusal = meeting => refusal,
        ended = sending => panic!("the first ended: {ended:?}"),
    };
    assert_eq!((refusal.status, refusal.kind.as_ref()), (503, "/problems/busy"));
    assert!(refusal.detail.contains("SPOOL_BYTES_MAX"), "{refusal}");
}

#[tokio::test]
async fn a_spooled_video_and_its_decoded_audio_are_counted_together() {
    let moov_last = crate::engine_rig::video("a.mp4", crate::engine_rig::STEREO, &["-c:v", "mpeg4", "-c:a", "aac"]);
    let spool_bytes_max = 2 * MIB;
    assert!((1..MIB).contains(&(moov_last.len() as u64)), "both fit alone");
    let rig = rig(spool_bytes_max).await;
    let permit = rig.permit(&filling(spool_bytes_max, "silent")).await;
    let refusal = refused(rig.send(permit, moov_last.into()).await);
    assert_eq!((refusal.status, refusal.kind.as_ref()), (413, "/problems/too-large"), "{refusal}");
}
