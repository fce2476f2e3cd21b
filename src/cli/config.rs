//! `podseed config`, and how every command shows what is wrong with a configuration. Returns texts; prints nothing.

use clap::Subcommand;

use crate::config::{self, Findings};

/// Print an example of the configuration, or its schema
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum ConfigCommand {
    /// Print a complete, commented configuration
    Example,
    /// Print the JSON Schema of the configuration, for editors
    Schema,
}

impl ConfigCommand {
    /// What goes to standard output.
    pub fn output(self) -> String {
        match self {
            Self::Example => config::example(),
            Self::Schema => config::schema(),
        }
    }
}

/// Findings for people: `FILE:LINE: KEY: text` each, with its hint below, and a last line that counts them.
/// Empty when there are none.
pub fn findings_text(findings: &Findings) -> String {
    if findings.0.is_empty() {
        return String::new();
    }
    let errors = findings.errors();
    let warnings = findings.0.len() - errors;
    let count = |number: usize, word: &str| match number {
        0 => None,
        1 => Some(format!("1 {word}")),
        more => Some(format!("{more} {word}s")),
    };
    let counts: Vec<String> =
        [count(errors, "error"), count(warnings, "warning")].into_iter().flatten().collect();
    format!("{findings}\n{}\n", counts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Finding, Severity};

    #[test]
    fn findings_are_shown_with_place_and_hint_and_counted() {
        let mut first = Finding::new(
            "config.unknown_key",
            Severity::Error,
            "limts",
            "unknown key",
            "did you mean `limits`?",
        );
        (first.file, first.line) = (Some("podseed.yaml".into()), Some(3));
        let second = Finding::new("config.no_shows", Severity::Warning, "shows", "there are none", "");
        insta::assert_snapshot!(findings_text(&Findings(vec![first, second.clone(), second])), @r"
        podseed.yaml:3: limts: unknown key
          hint: did you mean `limits`?
        warning: shows: there are none
        warning: shows: there are none
        1 error, 2 warnings
        ");
        assert_eq!(findings_text(&Findings::default()), "");
    }
}
