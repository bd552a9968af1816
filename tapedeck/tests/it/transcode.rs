//! `tapedeck transcode`: a file of this machine, without any service.

use std::{
    fs::{self, File, Permissions},
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
    process::{Command, Stdio},
};

use crate::{
    cli::{Tapedeck, stderr},
    media,
};

pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder").flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// A home with this video in it.
fn home_with(video: &Path, name: &str) -> Tapedeck {
    let tapedeck = Tapedeck::new();
    fs::copy(video, tapedeck.home().join(name)).expect("a copied video");
    tapedeck
}

#[test]
fn a_file_becomes_an_mp3_with_its_length() {
    for (video, name) in
        [(media::video("mp4", 3), "a.mp4"), (media::moov_last(3), "a.mp4"), (media::video("webm", 3), "a.webm")]
    {
        let tapedeck = home_with(&video, name);
        let output = tapedeck.run(&["transcode", "--quality", "V4", "--title", "A b", name, "b.mp3"]);
        assert!(output.status.success() && output.stdout.is_empty(), "{}", stderr(&output));
        assert!(stderr(&output).contains("b.mp3 (0:00:03, "), "{}", stderr(&output));
        assert_eq!(names(tapedeck.home()), [name, "b.mp3"]);
        let mp3 = media::look(&fs::read(tapedeck.home().join("b.mp3")).expect("an mp3"));
        assert!((mp3.seconds - 3.0).abs() < 0.03, "{name}: {} s", mp3.seconds);
        assert_eq!(mp3.tags["title"], "A b");
    }
}

#[test]
fn an_mp3_is_replaced_only_when_asked_and_only_by_a_whole_one() {
    let tapedeck = home_with(&media::video("mp4", 3), "a.mp4");
    let whole = fs::read(tapedeck.home().join("a.mp4")).expect("a video");
    fs::write(tapedeck.home().join("half.mp4"), &whole[..whole.len() / 2]).expect("half a video");
    let mp3 = tapedeck.home().join("b.mp3");
    fs::write(&mp3, "precious").expect("a file");

    for (arguments, code, said) in [
        (&["transcode", "a.mp4", "b.mp3"][..], 2, "--force"),
        (&["transcode", "--force", "half.mp4", "b.mp3"], 3, "is cut"),
    ] {
        let output = tapedeck.run(arguments);
        assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
        assert!(stderr(&output).contains(said), "{}", stderr(&output));
        assert_eq!(fs::read(&mp3).expect("it is there"), b"precious");
        assert_eq!(names(tapedeck.home()), ["a.mp4", "b.mp3", "half.mp4"]);
    }

    assert!(tapedeck.run(&["transcode", "--force", "a.mp4", "b.mp3"]).status.success());
    assert!((media::look(&fs::read(&mp3).expect("an mp3")).seconds - 3.0).abs() < 0.03);
}

#[test]
fn what_is_normalized_is_gone_through_twice_and_says_so() {
    let tapedeck = home_with(&media::video("mp4", 3), "a.mp4");
    for (arguments, passes) in [
        (&["transcode", "a.mp4", "a.mp3"][..], &[][..]),
        (&["transcode", "--normalize", "ebur128", "a.mp4", "b.mp3"], &["measuring (1 of 2)", "encoding (2 of 2)"]),
    ] {
        let output = tapedeck.run(arguments);
        assert!(output.status.success(), "{}", stderr(&output));
        let said: Vec<String> = stderr(&output).lines().map(str::to_owned).collect();
        let expected: Vec<String> = passes.iter().map(|pass| format!("a.mp4: {pass}")).collect();
        assert_eq!(said[..said.len() - 1], expected, "{said:?}");
    }
}

#[test]
fn what_is_replaced_keeps_its_permissions_and_a_link_its_place() {
    let tapedeck = home_with(&media::video("mp4", 3), "a.mp4");
    let (home, old) = (tapedeck.home(), tapedeck.home().join("old.mp3"));
    fs::write(&old, "private").expect("a file");
    fs::set_permissions(&old, Permissions::from_mode(0o600)).expect("its permissions");
    for (link, leads_to) in [("link.mp3", "old.mp3"), ("dangling.mp3", "new.mp3")] {
        symlink(leads_to, home.join(link)).expect("a link");
        let output = tapedeck.run(&["transcode", "--force", "a.mp4", link]);
        assert!(output.status.success(), "{}", stderr(&output));
        assert!(home.join(link).is_symlink(), "{link}");
        assert!((media::look(&fs::read(home.join(leads_to)).expect("an mp3")).seconds - 3.0).abs() < 0.03);
    }
    assert_eq!(old.metadata().expect("a file").permissions().mode() & 0o777, 0o600);
    assert_eq!(names(home), ["a.mp4", "dangling.mp3", "link.mp3", "new.mp3", "old.mp3"]);
}

#[test]
fn what_cannot_be_converted_is_told_and_leaves_nothing() {
    let tapedeck = home_with(&media::video("mp4", 3), "a.mp4");
    let home = tapedeck.home();
    fs::write(home.join("letter.txt"), "no video at all\n".repeat(100)).expect("a file");
    fs::create_dir(home.join("folder")).expect("a folder");
    fs::hard_link(home.join("a.mp4"), home.join("same.mp4")).expect("a second name");
    fs::copy(media::video("avi", 3), home.join("a.avi")).expect("a copied video");
    let before = names(home);
    for (arguments, code, said) in [
        (&["letter.txt", "b.mp3"][..], 3, "no video or audio file"),
        (&["missing.mp4", "b.mp3"], 1, "missing.mp4"),
        (&["a.mp4", "missing/b.mp3"], 1, "missing/b.mp3"),
        (&["folder", "b.mp3"], 2, "is a folder"),
        (&["a.mp4", "folder"], 2, "is a folder"),
        (&["/dev/null", "b.mp3"], 2, "is not a file"),
        (&["--force", "a.mp4", "a.mp4"], 2, "replace itself"),
        (&["--force", "a.mp4", "same.mp4"], 2, "replace itself"),
        (&["a.mp4"], 2, "transcode IN OUT"),
        (&["a.mp4", "-"], 2, "< IN > OUT"),
        (&["--quality", "V12", "a.mp4", "b.mp3"], 2, "V0 (best) to V9"),
        (&["--start", "-1", "a.mp4", "b.mp3"], 2, "start must be seconds from 0"),
        (&["--track", "-1", "a.mp4", "b.mp3"], 2, "track must be a number from 1"),
        (&["--duration-max", "1s", "a.mp4", "b.mp3"], 3, "longer than 1s (--duration-max)"),
        (&["--ffmpeg", "/nowhere", "a.avi", "b.mp3"], 1, "/nowhere here (--ffmpeg)"),
        (&["--start", "60", "a.mp4", "b.mp3"], 3, "start"),
    ] {
        let output = tapedeck.run(&[&["transcode"], arguments].concat());
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(said), "{arguments:?}: {}", stderr(&output));
        assert!(!stderr(&output).contains(".tapedeck-"), "{arguments:?}: {}", stderr(&output));
        assert_eq!(names(home), before, "{arguments:?}");
    }
}

#[test]
fn without_files_it_is_a_filter() {
    let tapedeck = Tapedeck::new();
    for arguments in [&["transcode"][..], &["transcode", "-"]] {
        let video = File::open(media::video("mp4", 3)).expect("a video");
        let mp3 = tapedeck.home().join("b.mp3");
        let mut filter: Command = tapedeck.command(arguments);
        filter.stdin(video).stdout(File::create(&mp3).expect("a file")).stderr(Stdio::piped());
        let output = filter.output().expect("the program starts");
        assert!(output.status.success() && output.stderr.is_empty(), "{}", stderr(&output));
        assert!((media::look(&fs::read(&mp3).expect("an mp3")).seconds - 3.0).abs() < 0.03);
    }
    for (arguments, code, said) in [
        (&["transcode", "--quality", "V12"][..], 2, "V0 (best) to V9"),
        (&["transcode", "--end", "-1"], 2, "end must be seconds from 0"),
        (&["transcode"], 1, "empty"),
    ] {
        let output = tapedeck.run(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", stderr(&output));
        assert!(stderr(&output).starts_with("tapedeck: ") && stderr(&output).contains(said), "{}", stderr(&output));
    }
}

#[test]
fn the_long_help_is_the_reference_of_the_filter() {
    let output = Tapedeck::new().run(&["transcode", "--help"]);
    let text = String::from_utf8_lossy(&output.stdout);
    for word in
        ["transcode talk.mkv talk.mp3", "Exit codes of the filter", "length tag", "tapedeck transcode --quality V2"]
    {
        assert!(text.contains(word), "{word} in {text}");
    }
    assert!(!text.contains("converter transcode"), "another program's name in {text}");
    let (options, logging) = text.split_once("Logging:").expect("a heading");
    assert!(!options.contains("--log-") && !logging.contains("--title <"), "{text}");
}
