//! Plain text, escaped for where it goes.

/// For HTML and SVG, in elements and in quoted attributes.
pub(super) fn html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // Not allowed in XML 1.0, not even as a reference (XML 1.0 §2.2).
            '\u{0}'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {
                escaped.push('\u{fffd}');
            }
            _ => escaped.push(c),
        }
    }
    escaped
}

/// For HTML, with code between backticks, and each `%` on the line of its number.
pub(super) fn html_with_code(text: &str) -> String {
    pieces(text)
        .map(|piece| match piece {
            Piece::Plain(text) => html(text).replace(" %", "\u{a0}%"),
            Piece::Code(text) => format!("<code>{}</code>", html(text)),
        })
        .collect()
}

/// For a paragraph, a heading or a point of a list in GitHub's Markdown, on one line.
pub(super) fn markdown(text: &str) -> String {
    not_a_block(escape_pieces(text, str::to_owned))
}

/// For a cell of a table in GitHub's Markdown: it ends at a `|` even within code (GFM §4.10).
pub(super) fn markdown_cell(text: &str) -> String {
    escape_pieces(text, |code| code.replace('|', r"\|"))
}

fn escape_pieces(text: &str, code: impl Fn(&str) -> String) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let escape = |piece| match piece {
        Piece::Plain(text) => escape_markdown(text),
        Piece::Code(text) => format!("`{}`", code(text)),
    };
    pieces(&line).map(escape).collect()
}

fn escape_markdown(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' | '@' | '#' => {
                escaped.push('\\');
                escaped.push(c);
            }
            _ => escaped.push(c),
        }
    }
    escaped
}

/// What would begin a list, a heading or a quote at the start of a line is made plain.
fn not_a_block(line: String) -> String {
    let digits = line.chars().take_while(char::is_ascii_digit).count();
    let behind = line[digits..].strip_prefix(['.', ')']);
    let numbered = digits > 0 && behind.is_some_and(|behind| behind.is_empty() || behind.starts_with(' '));
    if numbered {
        return format!("{}\\{}", &line[..digits], &line[digits..]);
    }
    if line.starts_with(['>', '+', '-', '=']) { format!("\\{line}") } else { line }
}

enum Piece<'a> {
    Plain(&'a str),
    Code(&'a str),
}

/// Text outside and inside of backticks; one without a partner is text.
fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let code = rest.strip_prefix('`').and_then(|inside| inside.split_once('`'));
        // Two backticks in a row would be another kind of mark.
        if let Some((code, behind)) = code.filter(|(code, behind)| !code.is_empty() && !behind.starts_with('`')) {
            rest = behind;
            return Some(Piece::Code(code));
        }
        if rest.is_empty() {
            return None;
        }
        // A first backtick without a partner belongs to the text.
        let from = rest.chars().next().map_or(0, char::len_utf8);
        let end = rest[from..].find('`').map_or(rest.len(), |at| from + at);
        let (plain, behind) = rest.split_at(end);
        rest = behind;
        Some(Piece::Plain(plain))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

    use super::*;

    /// Texts of all letters, with many that mean something to a renderer.
    fn texts() -> impl Strategy<Value = String> {
        prop::collection::vec(prop_oneof![r"[`|<>&*_\[\]\\~$@#+=.)!:'\x22 -]{1,4}", "[0-9]{1,2}", "\\PC{1,3}"], 0..8)
            .prop_map(|parts| parts.concat())
    }

    /// What a reader sees of a text: its words, without the backticks of code.
    fn words(text: &str) -> String {
        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        pieces(&line)
            .map(|piece| match piece {
                Piece::Plain(text) | Piece::Code(text) => text.trim(),
            })
            .collect::<String>()
            .replace(' ', "")
    }

    fn github() -> Options {
        Options::ENABLE_TABLES
            | Options::ENABLE_FOOTNOTES
            | Options::ENABLE_STRIKETHROUGH
            | Options::ENABLE_TASKLISTS
            | Options::ENABLE_GFM
            | Options::ENABLE_MATH
    }

    fn unescape(html: &str) -> String {
        let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
        entities.into_iter().fold(html.to_owned(), |text, (entity, letter)| text.replace(entity, letter))
    }

    proptest! {
        #[test]
        fn html_holds_the_text_and_no_element(text in texts()) {
            let escaped = html(&text);
            prop_assert!(!escaped.contains(['<', '>', '"', '\'']));
            prop_assert_eq!(unescape(&escaped), text);
        }

        #[test]
        fn markdown_is_one_paragraph_of_the_text(text in texts()) {
            let source = format!("{}\n", markdown(&text));
            let (mut seen, mut paragraphs) = (String::new(), 0);
            for event in Parser::new_ext(&source, github()) {
                match event {
                    Event::Start(Tag::Paragraph) => paragraphs += 1,
                    Event::End(TagEnd::Paragraph) => {}
                    Event::Text(text) | Event::Code(text) => seen.push_str(text.trim()),
                    other => prop_assert!(false, "{:?} in {:?}", other, source),
                }
            }
            prop_assert_eq!(paragraphs, usize::from(!text.trim().is_empty()));
            prop_assert_eq!(seen.replace(' ', ""), words(&text));
        }
    }

    #[test]
    fn characters_that_xml_forbids_are_replaced() {
        assert_eq!(html("a\u{0}b\u{1b}c\td"), "a\u{fffd}b\u{fffd}c\td");
    }

    #[test]
    fn a_number_that_begins_a_line_is_no_list() {
        assert_eq!(["1. One", "2.5 s", "-1"].map(markdown), ["1\\. One", "2.5 s", "\\-1"]);
    }
}
