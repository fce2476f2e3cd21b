//! Combined Log Format, for the statistics program that a publisher already has: one line for each completed download.
//!
//! No line has an address, a user or a referrer; all have the user agent that says where they come from, and midnight
//! of their day, for the hour is not known.

use std::io;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{Format, Sums};
use crate::model::{ReportedFile, ReportedShow};
use crate::report::Day;

const AGENT: &str =
    concat!("podseed/", env!("CARGO_PKG_VERSION"), " (BitTorrent; completed downloads by tracker scrape)");

/// What stands for itself in a path (RFC 3986, 2.3); no quote and no space is left over.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

pub(super) struct Clf<W> {
    out: W,
}

impl<W: io::Write> Clf<W> {
    pub(super) fn begin(out: W) -> Self {
        Self { out }
    }
}

impl<W: io::Write> Format for Clf<W> {
    fn day(&mut self, show: &ReportedShow, file: &ReportedFile, day: &Day) -> io::Result<()> {
        let date = day.day.strftime("%d/%b/%Y");
        let path =
            [&show.show, &file.file].map(|part| utf8_percent_encode(part, ESCAPED).to_string()).join("/");
        let length = file.length;
        for _ in 0..day.completed {
            writeln!(
                self.out,
                "- - - [{date}:00:00:00 +0000] \"GET /{path} HTTP/1.1\" 200 {length} \"-\" \"{AGENT}\""
            )?;
        }
        Ok(())
    }

    fn show(&mut self, _: &ReportedShow, _: &Sums, _: &[Sums]) -> io::Result<()> {
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
