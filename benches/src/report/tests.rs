//! What both forms of a page must have in common.

use std::{fs, path::Path};

use super::{Folder, sample};

#[test]
fn a_sample() {
    let root = tempfile::tempdir().expect("a temporary folder").keep();
    let folder = Folder::create(&root, "compare", Some(1)).expect("a folder");
    let html = folder.finish(&sample::page()).expect("a report");
    eprintln!("{}", html.display());
}
