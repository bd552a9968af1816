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

/// For HTML, with code between backticks.
pub(super) fn html_with_code(text: &str) -> String {
    pieces(text)
        .map(|piece| match piece {
            Piece::Plain(text) => html(text),
            Piece::Code(text) => format!("<code>{}</code>", html(text)),
        })
        .collect()
}

/// For a paragraph, a heading, a point of a list or a cell of a table in GitHub's Markdown, on one line.
pub(super) fn markdown(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let escaped: String = pieces(&line)
        .map(|piece| match piece {
            Piece::Plain(text) => escape_markdown(text),
            // A cell ends at a `|` even within code (GFM §4.10).
            Piece::Code(text) => format!("`{}`", text.replace('|', r"\|")),
        })
        .collect();
    not_a_block(escaped)
}

fn escape_markdown(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' | '@' => {
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
    let numbered = digits > 0 && line[digits..].starts_with(['.', ')']);
    if numbered {
        return format!("{}\\{}", &line[..digits], &line[digits..]);
    }
    if line.starts_with(['#', '>', '+', '-', '=']) { format!("\\{line}") } else { line }
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
        if let Some((code, behind)) = code.filter(|(code, _)| !code.is_empty()) {
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
