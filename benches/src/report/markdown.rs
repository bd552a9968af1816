//! A page as GitHub's Markdown, with its charts as files beside it.

use std::collections::BTreeSet;

use anyhow::ensure;

use super::{
    chart::{Chart, Size},
    folder::Raw,
    machine::Machine,
    page::{Block, Column, Page, Table, Verdict},
    text::{markdown as escape, markdown_cell as cell},
};

/// Names and contents of the `.svg` files.
pub(super) fn drawings(page: &Page) -> anyhow::Result<Vec<(String, String)>> {
    let mut names = BTreeSet::new();
    let mut drawings = vec![];
    for block in &page.blocks {
        let (charts, size) = match block {
            Block::Chart(chart) => (std::slice::from_ref(chart), Size::WIDE),
            Block::Multiples(charts) => (charts.as_slice(), Size::NARROW),
            _ => continue,
        };
        for chart in charts {
            ensure!(names.insert(&chart.name), "two charts are named {}", chart.name);
            drawings.push((file(chart), chart.file(size)));
        }
    }
    Ok(drawings)
}

/// The whole page.
pub(super) fn render(page: &Page, machine: &Machine, raw: &Raw) -> String {
    let mut text = format!("# {}\n", escape(&page.title));
    for block in &page.blocks {
        text.push('\n');
        text.push_str(&self::block(block));
    }
    text.push_str("\n## How this was run\n\n");
    text.push_str(&table(&facts(machine)));
    let links: Vec<_> = raw.json.iter().map(|file| format!("[{}]({file})", escape(file))).collect();
    text + &format!("\nRaw data: {}{}.\n", links.join(", "), raw.histograms())
}

/// The machine as a table.
pub(super) fn facts(machine: &Machine) -> Table {
    let mut facts = Table::new(["", ""].map(Column::text));
    for (name, value) in machine.facts() {
        facts.row([name.into(), value.into()]);
    }
    facts
}

/// The verdicts as a table.
pub(super) fn verdict_table(verdicts: &[Verdict]) -> Table {
    let mut table = Table::new(["Situation", "Answer", "By how much"].map(Column::text));
    for verdict in verdicts {
        table.row([&verdict.situation, &verdict.answer, &verdict.evidence].map(|text| text.as_str().into()));
    }
    table
}

fn block(block: &Block) -> String {
    match block {
        Block::Heading(text) => format!("## {}\n", escape(text)),
        Block::Paragraph(text) => escape(text) + "\n",
        Block::List(points) => list(points),
        Block::Table(table) => self::table(table),
        Block::Chart(chart) => format!("{}\n\n{}\n", image(chart), escape(&chart.caption)),
        Block::Multiples(charts) => multiples(charts),
        Block::Verdicts(verdicts) => table(&verdict_table(verdicts)),
        Block::Note { title, points } => {
            let points = list(points).lines().map(|point| format!("> {point}\n")).collect::<Vec<_>>().concat();
            format!("> **{}**\n>\n{points}", escape(title))
        }
    }
}

fn multiples(charts: &[Chart]) -> String {
    let images: Vec<_> = charts.iter().map(image).collect();
    let captions: Vec<_> = charts.iter().map(|chart| format!("{}: {}", chart.title, chart.caption)).collect();
    format!("{}\n\n{}", images.join("\n"), list(&captions))
}

fn list(points: &[String]) -> String {
    points.iter().map(|point| format!("- {}\n", escape(point))).collect::<Vec<_>>().concat()
}

fn table(table: &Table) -> String {
    let row = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let head = row(table.columns.iter().map(|column| cell(&column.title)).collect());
    let rule = row(table.columns.iter().map(|column| if column.number { "--:" } else { "---" }.to_owned()).collect());
    let rows = table.rows.iter().map(|cells| row(cells.iter().map(|text| cell(&text.0)).collect()));
    [head, rule].into_iter().chain(rows).collect()
}

fn image(chart: &Chart) -> String {
    format!("![{}]({})", escape(&chart.title), file(chart))
}

fn file(chart: &Chart) -> String {
    format!("{}.svg", chart.name)
}
