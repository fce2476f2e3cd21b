//! The only place that prints: data on standard output, talk on standard error.

use std::io::{self, IsTerminal as _, Write as _};

use serde::Serialize;

/// Standard output. A reader that has gone away (`| head`) ends the program quietly.
pub(super) struct Stdout;

impl io::Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        io::stdout().write(bytes).inspect_err(leave_quietly)
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stdout().flush().inspect_err(leave_quietly)
    }
}

fn leave_quietly(error: &io::Error) {
    if error.kind() == io::ErrorKind::BrokenPipe {
        std::process::exit(0);
    }
}

/// Prints one line of data.
pub(super) fn data(line: impl std::fmt::Display) {
    // Of a full disk behind a redirection nothing can be said there, and who reads it must not take it for all.
    if let Err(error) = writeln!(Stdout, "{line}").and_then(|()| Stdout.flush()) {
        talk(format_args!("error: cannot write to standard output: {error}"));
        std::process::exit(1);
    }
}

/// Prints a text that ends its own lines.
pub(super) fn text(text: &str) {
    data(text.trim_end_matches('\n'));
}

/// Prints one JSON document.
pub(super) fn json(value: &impl Serialize) {
    match serde_json::to_string_pretty(value) {
        Ok(text) => data(text),
        Err(error) => talk(format_args!("error: cannot write JSON: {error}")),
    }
}

/// Prints one line for people. Nobody listening is no reason to stop.
pub(super) fn talk(line: impl std::fmt::Display) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Whether standard error is a terminal that wants more than plain lines.
pub(super) fn is_lively() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// A client's message where its name stands before it already.
pub(super) fn without_name<'a>(client: &str, message: &'a str) -> &'a str {
    message.strip_prefix(client).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(message)
}

/// A number with its word: `1 file`, `2 files`.
pub(super) fn count(number: u64, word: &str) -> String {
    if number == 1 { format!("1 {word}") } else { format!("{number} {word}s") }
}

/// The longest title in a line, in characters.
const TITLE: usize = 200;

/// A title in a line of its own or within one: as [`plain`], and never longer than a few lines of a terminal.
pub(super) fn title(text: &str) -> String {
    let mut short: String = text.chars().take(TITLE).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    plain(&short)
}

/// Text from a feed or a client, safe for a terminal: what could move the cursor, change colours or turn the direction
/// of reading is replaced.
pub(super) fn plain(text: &str) -> String {
    let harmful = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if harmful(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_short_and_moves_no_cursor() {
        assert_eq!(title("One \u{1b}[2J\u{202e}two"), "One \u{fffd}[2J\u{fffd}two");
        assert_eq!(title(&"ü".repeat(200)), "ü".repeat(200));
        assert_eq!(title(&"ü".repeat(100_000)), "ü".repeat(200) + "…");
    }
}
