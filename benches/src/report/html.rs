//! A page as one HTML file that needs nothing else: no script, no font, no network.

use super::{
    chart::{Chart, STYLE as CHART_STYLE, Size},
    folder::Raw,
    machine::Machine,
    markdown::facts,
    page::{Block, Page, Table, Verdict, Winner},
    text::{html as escape, html_with_code as text},
};

const STYLE: &str = include_str!("page.css");

/// The whole page.
pub(super) fn render(page: &Page, machine: &Machine, raw: &Raw) -> String {
    let title = escape(&page.title);
    let body: String = page.blocks.iter().map(block).collect();
    let links: Vec<_> = raw.json.iter().map(|file| format!("<a href=\"{0}\">{0}</a>", escape(file))).collect();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n\
         <style>\n{STYLE}{CHART_STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n{body}\
         <section class=\"machine\">\n<h2>How this was run</h2>\n{}\
         <p>Raw data: {}{}.</p>\n</section>\n</main>\n</body>\n</html>\n",
        table(&facts(machine)),
        links.join(", "),
        raw.histograms()
    )
}

fn block(block: &Block) -> String {
    match block {
        Block::Heading(heading) => format!("<h2>{}</h2>\n", text(heading)),
        Block::Paragraph(paragraph) => format!("<p>{}</p>\n", text(paragraph)),
        Block::List(points) => list(points),
        Block::Table(table) => self::table(table),
        Block::Chart(chart) => figure(chart, &[(Size::WIDE, "wide"), (Size::NARROW, "narrow")]),
        Block::Multiples(charts) => {
            let figures: String = charts.iter().map(|chart| figure(chart, &[(Size::NARROW, "each")])).collect();
            format!("<div class=\"multiples\">\n{figures}</div>\n")
        }
        Block::Verdicts(verdicts) => self::verdicts(verdicts),
        Block::Note { title, points } => {
            format!("<aside>\n<h3>{}</h3>\n{}</aside>\n", text(title), list(points))
        }
    }
}

fn list(points: &[String]) -> String {
    let points = points.iter().map(|point| format!("<li>{}</li>\n", text(point))).collect::<Vec<_>>().concat();
    format!("<ul>\n{points}</ul>\n")
}

/// One drawing for each width: a chart made small has letters that nobody can read.
fn figure(chart: &Chart, drawings: &[(Size, &str)]) -> String {
    let drawings = drawings
        .iter()
        .map(|(size, part)| format!("<div class=\"{part}\">{}</div>\n", chart.svg(*size, part)))
        .collect::<Vec<_>>()
        .concat();
    format!("<figure>\n{drawings}<figcaption>{}</figcaption>\n</figure>\n", text(&chart.caption))
}

fn table(table: &Table) -> String {
    let side = |number: bool| if number { " class=\"number\"" } else { "" };
    let head = table
        .columns
        .iter()
        .map(|column| format!("<th scope=\"col\"{}>{}</th>", side(column.number), text(&column.title)))
        .collect::<Vec<_>>()
        .concat();
    let row = |row: &Vec<super::Cell>| {
        let cells = row.iter().zip(&table.columns);
        let cells = cells
            .map(|(cell, column)| format!("<td{}>{}</td>", side(column.number), text(&cell.0)))
            .collect::<Vec<_>>()
            .concat();
        format!("<tr>{cells}</tr>\n")
    };
    let rows: String = table.rows.iter().map(row).collect();
    framed("table", &head, &rows)
}

fn verdicts(verdicts: &[Verdict]) -> String {
    let head = super::markdown::verdict_table(&[]).columns;
    let head = head
        .iter()
        .map(|column| format!("<th scope=\"col\">{}</th>", text(&column.title)))
        .collect::<Vec<_>>()
        .concat();
    let row = |verdict: &Verdict| {
        let class = match verdict.winner {
            Winner::Series(color) => format!("series s{}", color % super::chart::COLORS),
            Winner::Good => "good".to_owned(),
            Winner::Bad => "bad".to_owned(),
            Winner::Even => "even".to_owned(),
            Winner::Untested => "untested".to_owned(),
        };
        format!(
            "<tr><td>{}</td><td><span class=\"badge {class}\">{}</span></td><td>{}</td></tr>\n",
            text(&verdict.situation),
            text(&verdict.answer),
            text(&verdict.evidence)
        )
    };
    framed("table verdicts", &head, &verdicts.iter().map(row).collect::<String>())
}

/// Wide tables scroll by themselves: the page does not.
fn framed(class: &str, head: &str, rows: &str) -> String {
    format!(
        "<div class=\"{class}\" tabindex=\"0\">\n<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n</div>\n"
    )
}
