//! RFC 4180, with a head line; lines end with CR LF.
//!
//! A text that a spreadsheet would take for a formula, because it begins with `=`, `+`, `-`, `@`, a tab or a line
//! break, gets an apostrophe in front, as OWASP advises against "CSV injection". JSON has the text as it is.

use std::io;

use super::{Format, Sums, one_line};
use crate::model::{ReportedFile, ReportedShow};
use crate::report::Day;

const HEAD: [&str; 12] = [
    "day",
    "show",
    "guid",
    "title",
    "date",
    "file",
    "length_bytes",
    "completed_downloads",
    "served_bytes",
    "seeders",
    "leechers",
    "counted_by",
];

/// In each row, so that a table that was cut out of the file still says it.
const COUNTED_BY: &str = "tracker scrapes and client counters; not IAB downloads";

pub(super) struct Csv<W: io::Write> {
    out: csv::Writer<W>,
}

impl<W: io::Write> Csv<W> {
    pub(super) fn begin(out: W) -> io::Result<Self> {
        let mut out = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out);
        out.write_record(HEAD)?;
        Ok(Self { out })
    }
}

impl<W: io::Write> Format for Csv<W> {
    fn day(&mut self, show: &ReportedShow, file: &ReportedFile, day: &Day) -> io::Result<()> {
        let row: [String; 12] = [
            day.day.to_string(),
            show.show.clone(),
            cell(file.guid.as_deref().unwrap_or_default()),
            cell(&file.title),
            file.date.map(|date| date.to_string()).unwrap_or_default(),
            cell(&file.file),
            file.length.to_string(),
            day.completed.to_string(),
            day.served_bytes.to_string(),
            day.peers.seeders.to_string(),
            day.peers.leechers.to_string(),
            COUNTED_BY.to_owned(),
        ];
        Ok(self.out.write_record(row)?)
    }

    fn show(&mut self, _: &ReportedShow, _: &Sums, _: &[Sums]) -> io::Result<()> {
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn cell(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    let text = one_line(text);
    if is_formula { format!("'{text}") } else { text }
}
