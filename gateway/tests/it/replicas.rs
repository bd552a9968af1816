//! Converters that come, drain and die while uploads go on.

use std::time::{Duration, Instant};

use converter::conversion::State;
use reqwest::StatusCode;
use tokio::task::JoinHandle;

use crate::{
    fleet::{Converter, Fleet},
    script::{OnReserve, OnVideo, problem},
    stack::{Stack, until},
};

/// Uploads at a time.
const CLIENTS: usize = 6;

fn answers(kind: &'static str) -> impl Iterator<Item = OnReserve> {
    let answer = problem(503, kind).retry_after(Duration::from_mins(1));
    (0..10_000).map(move |_| OnReserve::Problem(answer.clone()))
}

fn total(converters: &[&Converter]) -> usize {
    converters.iter().map(|converter| converter.reserves()).sum()
}

fn assert_no_failure(statuses: &[Vec<StatusCode>]) {
    assert!(statuses.iter().flatten().all(|status| *status == StatusCode::CREATED), "{statuses:?}");
}

#[tokio::test]
async fn a_new_converter_takes_its_share_within_10_s() {
    let fleet = Fleet::start().await;
    let [first, second] = fleet.converters().await;
    let load = fleet.load(CLIENTS);
    until("both work", || first.reserves() >= 5 && second.reserves() >= 5).await;

    let third = fleet.converter().await;
    let listed = Instant::now();
    fleet.list(&[&first, &second, &third]);
    until("the third is asked", || third.reserves() > 0).await;
    let (before, all) = (third.reserves(), [&first, &second, &third]);
    let total_before = total(&all);
    until("a hundred more uploads", || total(&all) >= total_before + 100).await;
    let share = third.reserves() - before;

    assert!(listed.elapsed() < Duration::from_secs(10), "{:?}", listed.elapsed());
    assert!(share >= 25, "of a hundred uploads to three converters it got {share}");
    assert_no_failure(&load.end().await);
}

#[tokio::test]
async fn a_converter_that_drains_and_stops_loses_no_upload() {
    let fleet = Fleet::start().await;
    let [first, second, leaving] = fleet.converters().await;
    let load = fleet.load(CLIENTS);
    until("it has a video", || leaving.in_flight() > 0).await;

    leaving.script.on_reserve(answers("/problems/draining"));
    fleet.list(&[&first, &second]);
    until("it has finished", || leaving.in_flight() == 0).await;
    let refused = leaving.reserves();
    leaving.stop().await;
    let before = total(&[&first, &second]);
    until("fifty more uploads", || total(&[&first, &second]) >= before + 50).await;

    assert_no_failure(&load.end().await);
    assert!(refused > 0);
}

#[tokio::test]
async fn a_killed_converter_costs_each_caller_one_failure_at_most() {
    let fleet = Fleet::start().await;
    let [first, second, killed] = fleet.converters().await;
    let load = fleet.load(CLIENTS);
    until("it has a video", || killed.in_flight() > 0).await;

    killed.kill();
    // It stays listed until it has been tried again and again.
    let deaths = Instant::now();
    until("three seconds are over", || deaths.elapsed() > Duration::from_secs(3)).await;
    fleet.list(&[&first, &second]);
    let before = total(&[&first, &second]);
    until("fifty more uploads", || total(&[&first, &second]) >= before + 50).await;

    let statuses = load.end().await;
    for client in &statuses {
        let failed = client.iter().filter(|status| **status != StatusCode::CREATED).count();
        assert!(failed <= 1, "{client:?}");
        assert!(client.len() > 10, "{client:?}");
    }
}

#[tokio::test]
async fn nobody_fails_twice_in_a_row_by_a_converter_that_loses_every_video() {
    let fleet = Fleet::start().await;
    let [well, sick] = fleet.converters().await;
    sick.script.on_video(OnVideo::Lose(State::Deleted));
    let load = fleet.load(2);
    until("it was tried again", || sick.reserves() >= 3).await;
    until("a hundred uploads", || well.reserves() >= 100).await;

    for client in load.end().await {
        let failed = |status: &StatusCode| *status != StatusCode::CREATED;
        assert!(!client.windows(2).any(|two| two.iter().all(failed)), "{client:?}");
    }
}

#[tokio::test]
async fn a_full_converter_is_left_alone_while_another_has_room() {
    let fleet = Fleet::start().await;
    let [full, free] = fleet.converters().await;
    full.script.on_reserve(answers("/problems/busy"));
    let load = fleet.load(CLIENTS);
    until("a hundred uploads", || free.reserves() >= 100).await;

    assert_no_failure(&load.end().await);
    // All clients may have asked it before its first answer.
    assert!((1..=CLIENTS).contains(&full.reserves()), "{}", full.reserves());
}

#[tokio::test]
async fn a_store_that_no_converter_reaches_is_told_by_the_first_that_is_asked() {
    let fleet = Fleet::start().await;
    let converters = fleet.converters::<3>().await;
    for converter in &converters {
        converter.script.on_reserve(answers("/problems/unavailable"));
    }

    // The first finds all of them in the list, the second put aside.
    for asked in 1..=2 {
        let answer = fleet.stack.upload("video").send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(answer.headers().contains_key("retry-after"));
        assert_eq!(total(&converters.each_ref()), asked);
    }
}

#[tokio::test]
async fn an_upload_that_waits_goes_where_there_is_room() {
    let fleet = Fleet::start().await;
    let (full, free) = (fleet.converter().await, fleet.converter().await);
    full.script.on_reserve(answers("/problems/busy"));
    free.script.on_video(OnVideo::Hold);
    let uploads = [(); 2].map(|()| tokio::spawn(fleet.stack.upload("video").send()));
    let began = Instant::now();
    until("both wait for a converter", || began.elapsed() > Duration::from_millis(300)).await;

    fleet.list(&[&full, &free]);
    until("both are there", || free.script.held() == 2 || uploads.iter().any(JoinHandle::is_finished)).await;

    assert_eq!(free.script.held(), 2);
    assert!(full.reserves() <= uploads.len(), "{}", full.reserves());
    for ended in 1..=uploads.len() {
        free.script.release();
        until("a video ended", || free.script.videos().len() == ended).await;
    }
    for upload in uploads {
        assert_eq!(upload.await.expect("no panic").expect("an answer").status(), StatusCode::CREATED);
    }
}

#[tokio::test]
async fn a_list_that_changes_within_one_tick_of_the_clock_is_read() {
    let fleet = Fleet::start().await;
    let [first] = fleet.converters().await;
    let load = fleet.load(1);
    until("the first works", || first.reserves() > 0).await;

    let path = fleet.list_path();
    let changed = std::fs::metadata(&path).and_then(|about| about.modified()).expect("the file is there");
    let second = fleet.converter().await;
    fleet.list(&[&second]);
    std::fs::File::options().write(true).open(&path).and_then(|file| file.set_modified(changed)).expect("it is ours");

    until("the second works", || second.reserves() > 0).await;
    assert_no_failure(&load.end().await);
}

#[tokio::test]
async fn converters_are_found_by_name() {
    let fleet = Fleet::start().await;
    let [converter] = fleet.converters().await;
    let source = format!("dns:localhost:{}", converter.address.port());
    let stack = Stack::start_with(|config| config.converters = source.parse().expect("a source")).await;

    for _ in 0..5 {
        assert_eq!(stack.upload("video").send().await.expect("an answer").status(), StatusCode::CREATED);
    }

    assert_eq!(converter.reserves(), 5);
}
