//! What holds for the folder and for both forms of a page.

use std::{collections::BTreeSet, fs, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hdrhistogram::{Histogram, serialization::Deserializer};
use pulldown_cmark::{Event, Options, Parser, TagEnd};
use tempfile::TempDir;

use super::{Folder, chart::Size, render, sample};

/// The folder of a finished run, and its reports.
struct Run {
    root: TempDir,
    html: String,
    markdown: String,
}

impl Run {
    fn finish() -> Self {
        let root = tempfile::tempdir().expect("a temporary folder");
        let folder = Folder::create(root.path(), "compare", Some(7)).expect("a folder");
        let path = folder.path().to_owned();
        folder.finish(&sample::page()).expect("a report");
        let read = |file| fs::read_to_string(path.join(file)).expect("a report");
        Self { html: read("report.html"), markdown: read("report.md"), root }
    }

    fn folder(&self) -> std::path::PathBuf {
        let mut entries = fs::read_dir(self.root.path()).expect("a folder");
        entries.next().expect("one run").expect("a folder").path()
    }
}

#[test]
fn html_refers_to_nothing_but_raw_data_and_itself() {
    let run = Run::finish();
    let html = run.html.replace("http://www.w3.org/2000/svg", "");
    for outside in ["://", "<script", "src=", "@import", "<link", "<iframe", "<object", "<image"] {
        assert!(!html.contains(outside), "{outside}");
    }
    let urls = html.split("url(").skip(1).filter(|url| !url.starts_with('#')).count();
    assert_eq!(urls, 0, "a style refers to a file");
    for link in between(&html, "href=\"", "\"") {
        assert!(run.folder().join(link).is_file(), "{link}");
    }
}

#[test]
fn both_forms_hold_the_same_tables() {
    let run = Run::finish();
    let (html, markdown) = (html_tables(&run.html), markdown_tables(&run.markdown));
    assert_eq!(html, markdown);
    assert_eq!(html.len(), 3, "verdicts, a table, the machine");
    assert!(html.concat().iter().any(|cell| cell == sample::HARMFUL));
}

#[test]
fn both_forms_hold_the_same_charts() {
    let run = Run::finish();
    let images = between(&run.markdown, "](", ".svg)");
    assert_eq!(images.len(), 10);
    for name in images {
        assert!(run.folder().join(format!("{name}.svg")).is_file(), "{name}");
        assert!(run.html.contains(&format!("id=\"{name}-")), "{name}");
    }
}

#[test]
fn ids_are_unique_and_those_referred_to_are_there() {
    let html = Run::finish().html;
    let ids = between(&html, " id=\"", "\"");
    let unique: BTreeSet<_> = ids.iter().copied().collect();
    assert_eq!(ids.len(), unique.len());
    let labels = between(&html, "aria-labelledby=\"", "\"").into_iter().flat_map(str::split_whitespace);
    let referred: Vec<_> = labels.chain(between(&html, "url(#", ")")).collect();
    assert!(referred.len() > 30);
    assert_eq!(referred.iter().find(|id| !unique.contains(**id)), None);
}

#[test]
fn no_coordinate_of_a_chart_is_no_number() {
    let html = Run::finish().html;
    assert!(!html.contains("NaN") && !html.contains("inf\""));
}

#[test]
fn a_finished_run_is_rendered_again_as_it_was() {
    let run = Run::finish();
    let html = render(&run.folder()).expect("rendered");
    assert_eq!(fs::read_to_string(html).expect("a report"), run.html);
}

#[test]
fn no_run_overwrites_another() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let create = || Folder::create(root.path(), "scale", None).expect("a folder").path().to_owned();
    let (first, second, third) = (create(), create(), create());
    let name = |path: &Path| path.file_name().and_then(|name| name.to_str()).map(str::to_owned).expect("a name");
    assert_eq!(name(&second), name(&first) + "-2");
    assert_eq!(name(&third), name(&first) + "-3");
}

#[test]
fn a_histogram_is_read_back_as_it_was() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let folder = Folder::create(root.path(), "compare", None).expect("a folder");
    let mut histogram = Histogram::<u64>::new(3).expect("three digits");
    (1..2000_u64).for_each(|sample| histogram.record(sample * 37).expect("in range"));
    folder.histogram("answers", &histogram).expect("written");
    let text = fs::read_to_string(folder.path().join("answers.hdr")).expect("a file");
    let bytes = STANDARD.decode(text.trim()).expect("base64");
    let read: Histogram<u64> = Deserializer::new().deserialize(&mut bytes.as_slice()).expect("a histogram");
    assert_eq!(read, histogram);
}

#[test]
fn two_charts_of_one_name_are_refused() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let folder = Folder::create(root.path(), "compare", None).expect("a folder");
    let mut page = sample::page();
    page.blocks.extend(page.blocks.clone());
    let error = folder.finish(&page).expect_err("refused");
    assert!(error.to_string().contains("two charts are named latency"), "{error}");
}

#[test]
fn the_file_of_a_chart_brings_its_own_colours() {
    let chart = sample::latencies();
    assert!(chart.file(Size::WIDE).contains("prefers-color-scheme: dark"));
    assert!(!chart.svg(Size::WIDE, "wide").contains("<style>"));
}

/// The cells of each table, row by row.
fn html_tables(html: &str) -> Vec<Vec<String>> {
    let cells = |table: &str| {
        let cells =
            table.split("<t").filter(|cell| cell.starts_with("d>") || cell.starts_with("d ") || cell.starts_with("h "));
        cells.map(|cell| plain(cell.split_once('>').expect("an element").1)).collect()
    };
    between(html, "<table>", "</table>").into_iter().map(cells).collect()
}

/// Without elements and entities.
fn plain(html: &str) -> String {
    let mut text = String::new();
    for piece in html.split('<') {
        text.push_str(if text.is_empty() && !html.starts_with('<') {
            piece
        } else {
            piece.split_once('>').map_or("", |(_, text)| text)
        });
    }
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&"), ("\u{a0}", " ")];
    entities.into_iter().fold(text, |text, (entity, letter)| text.replace(entity, letter)).trim().to_owned()
}

fn markdown_tables(markdown: &str) -> Vec<Vec<String>> {
    let (mut tables, mut cells, mut cell) = (vec![], vec![], String::new());
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
        match event {
            Event::End(TagEnd::Table) => tables.push(std::mem::take(&mut cells)),
            Event::End(TagEnd::TableCell) => cells.push(std::mem::take(&mut cell).trim().to_owned()),
            Event::Text(text) | Event::Code(text) => cell.push_str(&text),
            Event::End(_) => cell.clear(),
            _ => {}
        }
    }
    tables
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Vec<&'a str> {
    text.split(start).skip(1).filter_map(|rest| rest.split_once(end)).map(|(inside, _)| inside).collect()
}
