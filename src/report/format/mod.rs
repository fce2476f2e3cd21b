//! The forms of a report. Every one says what its figures are; none can be broken by what a feed calls its episodes.
//!
//! A form is written while the figures are read, so that a report of many years needs no memory for them.

mod clf;
mod csv;
mod json;
mod table;

use std::io;

use jiff::civil::Date;

use super::Day;
use crate::model::{ReportedFile, ReportedShow};

/// What the figures are, in every form that has room for it.
pub const NOTE: &str = "Completed downloads as trackers were told of them (scrape), bytes as our clients gave them to \
    peers, by days in UTC. These are no IAB downloads: nobody's address or program is known, so nothing is filtered \
    and no listener counted once.";

/// A form of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// For people.
    Table,
    /// RFC 4180: one row for each file and day.
    Csv,
    /// One document: the same rows, and the sums of each show.
    Json,
    /// Combined Log Format: one line for each completed download.
    Clf,
}

/// The days that are told, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Period {
    /// The first.
    pub since: Option<Date>,
    /// The last.
    pub until: Option<Date>,
}

impl Period {
    /// Whether the day is told.
    pub fn has(&self, day: Date) -> bool {
        self.since.is_none_or(|since| since <= day) && self.until.is_none_or(|until| day <= until)
    }
}

/// The sums of a show, or of one of its files.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sums {
    /// Completed downloads in the period.
    pub completed: u64,
    /// Bytes that our clients gave to peers in the period.
    pub served_bytes: u64,
    /// The same since podseed counts: what the publisher's server did not have to serve.
    pub spared_bytes: u64,
}

impl Sums {
    /// Adds a day; says whether the period has it.
    pub fn add(&mut self, day: &Day, period: &Period) -> bool {
        self.spared_bytes += day.served_bytes;
        let told = period.has(day.day);
        if told {
            self.completed += day.completed;
            self.served_bytes += day.served_bytes;
        }
        told
    }

    /// Adds those of a file to those of its show.
    pub fn merge(&mut self, file: &Self) {
        self.completed += file.completed;
        self.served_bytes += file.served_bytes;
        self.spared_bytes += file.spared_bytes;
    }
}

/// Writes one form. The days of all files of a show come first, then the show.
pub trait Format {
    /// The figures of one file on one day.
    fn day(&mut self, show: &ReportedShow, file: &ReportedFile, day: &Day) -> io::Result<()>;

    /// A show whose days have all come, with its sums and those of each of its files, in their order.
    fn show(&mut self, show: &ReportedShow, sums: &Sums, files: &[Sums]) -> io::Result<()>;

    /// Nothing more comes.
    fn end(&mut self) -> io::Result<()>;
}

/// Begins a report.
pub fn begin<'a>(form: Form, period: Period, out: impl io::Write + 'a) -> io::Result<Box<dyn Format + 'a>> {
    Ok(match form {
        Form::Table => Box::new(table::Table::begin(period, out)),
        Form::Csv => Box::new(csv::Csv::begin(out)?),
        Form::Json => Box::new(json::Json::begin(period, out)?),
        Form::Clf => Box::new(clf::Clf::begin(out)),
    })
}

/// A feed's text on one line: line breaks and tabs become spaces, and what else could move a cursor, change colours or
/// turn the direction of reading is replaced.
fn one_line(text: &str) -> String {
    let harmful = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let safe = |c: char| match c {
        '\n' | '\r' | '\t' | '\u{85}' | '\u{2028}' | '\u{2029}' => ' ',
        c if harmful(c) => char::REPLACEMENT_CHARACTER,
        c => c,
    };
    text.chars().map(safe).collect()
}

#[cfg(test)]
mod tests;
