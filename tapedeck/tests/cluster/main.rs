//! The four services as processes of their own, on real servers: the whole story, and what each loss costs.
//!
//! The services' programs are those beside tapedeck's own in the build folder, as `cargo test --workspace` and `cargo build
//! --workspace --bins` make them.
//! One test runs at a time ([`servers::turn`]), so that two cores suffice.

mod caller;
mod cluster;
mod help;
mod kills;
mod outages;
mod process;
mod queued;
mod replicas;
mod servers;
mod starts;
mod story;
mod traffic;

#[path = "../it/answer.rs"]
mod answer;
#[path = "../it/media.rs"]
#[expect(dead_code, reason = "these tests are about services; one short video suffices")]
mod media;
#[path = "../it/wait.rs"]
mod wait;

/// Says what was measured, also where the test passes.
fn tell(text: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "{text}");
}
