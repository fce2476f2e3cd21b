//! Findings: what is wrong with a configuration, where, and what to do about it. All of them are collected;
//! nothing here decides or prints.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// podseed cannot work like this.
    Error,
    /// podseed works, but hardly as it is meant.
    Warning,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Stable, for programs and for search: `config.unknown_key`.
    pub id: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// The configuration file, where it is about one.
    pub file: Option<PathBuf>,
    /// The line in it, counted from 1.
    pub line: Option<usize>,
    /// The path of the key: `clients.nas.transmission.url`; empty for the file as a whole.
    pub key: String,
    /// What is wrong, one clause.
    pub text: String,
    /// What to do.
    pub hint: String,
}

impl Finding {
    /// A finding without a place in a file.
    pub fn new(
        id: &'static str,
        severity: Severity,
        key: impl Into<String>,
        text: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        let (key, text, hint) = (key.into(), text.into(), hint.into());
        Self { id, severity, file: None, line: None, key, text, hint }
    }
}

impl fmt::Display for Finding {
    /// `FILE:LINE: KEY: text`, and below it the hint; what is unknown is left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{}:", file.display())?;
            if let Some(line) = self.line {
                write!(f, "{line}:")?;
            }
            f.write_str(" ")?;
        }
        if self.severity == Severity::Warning {
            f.write_str("warning: ")?;
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.text)?;
        if !self.hint.is_empty() {
            write!(f, "\n  hint: {}", self.hint)?;
        }
        Ok(())
    }
}

/// All findings of one reading, in the order of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Findings(pub Vec<Finding>);

impl Findings {
    /// How many of them forbid to go on.
    pub fn errors(&self) -> usize {
        self.0.iter().filter(|finding| finding.severity == Severity::Error).count()
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, finding) in self.0.iter().enumerate() {
            write!(f, "{}{finding}", if index == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

impl std::error::Error for Findings {}

/// One step from a node of the file to one below it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Step {
    Key(String),
    Index(usize),
}

/// Where a node stands in the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct KeyPath(pub Vec<Step>);

impl KeyPath {
    /// The node below this one with this key.
    pub(super) fn key(&self, key: &str) -> Self {
        self.step(Step::Key(key.to_owned()))
    }

    /// The entry of this list, counted from 0.
    pub(super) fn index(&self, index: usize) -> Self {
        self.step(Step::Index(index))
    }

    fn step(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }

    /// The node that holds this one.
    pub(super) fn parent(&self) -> Option<Self> {
        self.0.split_last().map(|(_, above)| Self(above.to_vec()))
    }

    /// The key in which the path ends, if it ends in one.
    pub(super) fn last_key(&self) -> Option<&str> {
        match self.0.last() {
            Some(Step::Key(key)) => Some(key),
            _ => None,
        }
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if position == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// Collects findings while a file is read and checked.
#[derive(Debug)]
pub(super) struct Collector {
    file: PathBuf,
    found: Vec<(KeyPath, Finding)>,
    /// Nodes that were wrong in themselves and have been cut out of the tree.
    cut: Vec<KeyPath>,
}

impl Collector {
    pub(super) fn new(file: &Path) -> Self {
        Self { file: file.to_owned(), found: Vec::new(), cut: Vec::new() }
    }

    /// Adds an error, unless its place was cut out: what is missing because of that is no second mistake.
    pub(super) fn error(
        &mut self,
        id: &'static str,
        at: &KeyPath,
        text: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.add(at, Finding::new(id, Severity::Error, at.to_string(), text, hint));
    }

    /// Adds a warning, under the same condition.
    pub(super) fn warning(
        &mut self,
        id: &'static str,
        at: &KeyPath,
        text: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.add(at, Finding::new(id, Severity::Warning, at.to_string(), text, hint));
    }

    /// Adds an error about a key that must be there. Beside an unknown key it is left out: that one is the
    /// missing one misspelt.
    pub(super) fn missing(&mut self, below: &KeyPath, text: impl Into<String>, hint: impl Into<String>) {
        let misspelt = self.cut.iter().any(|cut| cut.parent().as_ref() == Some(below));
        if !misspelt {
            self.error("config.missing", below, text, hint);
        }
    }

    /// Adds an error about a node that is then cut out.
    pub(super) fn cut(
        &mut self,
        id: &'static str,
        at: &KeyPath,
        text: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.error(id, at, text, hint);
        self.cut.push(at.clone());
    }

    /// Adds what is wrong with the text itself, at a line; `at` is empty where no key can be named.
    pub(super) fn text_error(
        &mut self,
        (line, at): (usize, &KeyPath),
        id: &'static str,
        text: impl Into<String>,
        hint: impl Into<String>,
    ) {
        let mut finding = Finding::new(id, Severity::Error, at.to_string(), text, hint);
        finding.line = Some(line);
        self.add(at, finding);
    }

    fn add(&mut self, at: &KeyPath, mut finding: Finding) {
        if self.cut.iter().any(|cut| at.0.starts_with(&cut.0)) {
            return;
        }
        finding.file = Some(self.file.clone());
        self.found.push((at.clone(), finding));
    }

    /// The findings with their lines, in the order of the file.
    pub(super) fn finish(self, line_of: impl Fn(&KeyPath) -> Option<usize>) -> Findings {
        let with_line = |(place, mut finding): (KeyPath, Finding)| {
            finding.line = finding.line.or_else(|| line_of(&place));
            finding
        };
        let mut found: Vec<_> = self.found.into_iter().map(with_line).collect();
        found.sort_by_key(|finding| finding.line);
        Findings(found)
    }
}
