//! For people: each show with its sums, its episodes, and what the mirror has meant for the publisher's server.

use std::collections::HashMap;
use std::io;

use super::{Format, NOTE, Period, Sums, one_line};
use crate::model::{ReportedFile, ReportedShow};
use crate::report::Day;
use crate::units::ByteSize;

pub(super) struct Table<W> {
    out: W,
    period: Period,
}

impl<W: io::Write> Table<W> {
    pub(super) fn begin(period: Period, out: W) -> Self {
        Self { out, period }
    }

    fn episode(&mut self, title: &str, file: &ReportedFile, sums: &Sums) -> io::Result<()> {
        let date = file.date.map(|date| date.strftime("%Y-%m-%d").to_string()).unwrap_or_default();
        let swarm = file.swarm.map(|(peers, _)| format!("{}/{}", peers.seeders, peers.leechers));
        writeln!(
            self.out,
            "  {date:<10}  {:>9}  {:>10}  {:>9}  {title}",
            sums.completed,
            ByteSize(sums.served_bytes).to_string(),
            swarm.as_deref().unwrap_or("-"),
        )
    }
}

impl<W: io::Write> Format for Table<W> {
    fn day(&mut self, _: &ReportedShow, _: &ReportedFile, _: &Day) -> io::Result<()> {
        Ok(())
    }

    fn show(&mut self, show: &ReportedShow, sums: &Sums, files: &[Sums]) -> io::Result<()> {
        writeln!(self.out, "{}  {}", show.show, one_line(&show.title))?;
        writeln!(
            self.out,
            "  {}, {} served to peers{}",
            count(sums.completed, "completed download"),
            ByteSize(sums.served_bytes),
            in_words(&self.period),
        )?;
        if !show.files.is_empty() {
            writeln!(self.out, "  date        completed      served  seed/leech  episode")?;
        }
        let mut seen = HashMap::new();
        show.files.iter().for_each(|file| *seen.entry(&file.title).or_insert(0) += 1);
        for (file, sums) in show.files.iter().zip(files) {
            self.episode(&title(file, seen[&file.title] > 1), file, sums)?;
        }
        writeln!(
            self.out,
            "  what the mirror asked of your server: {}, {}",
            count(show.asked.requests, "request"),
            ByteSize(show.asked.bytes)
        )?;
        writeln!(
            self.out,
            "  what it spared it: {}, which our clients have given to peers since podseed counts\n",
            ByteSize(sums.spared_bytes)
        )
    }

    fn end(&mut self) -> io::Result<()> {
        let note = "seed/leech: peers with the whole file, and without it, when a tracker was last asked.";
        for sentence in NOTE.split_inclusive(". ") {
            writeln!(self.out, "{}", sentence.trim_end())?;
        }
        writeln!(self.out, "{note}")?;
        self.out.flush()
    }
}

/// The episode's title; with the file's name where the title does not tell one file from another.
fn title(file: &ReportedFile, repeated: bool) -> String {
    let title = one_line(&file.title);
    match (title.trim().is_empty(), repeated) {
        (true, _) => one_line(&file.file),
        (false, true) => format!("{title} ({})", one_line(&file.file)),
        (false, false) => title,
    }
}

fn in_words(period: &Period) -> String {
    let part = |word, date: Option<_>| date.map(|date: jiff::civil::Date| format!(" {word} {date}"));
    [part("since", period.since), part("until", period.until)].into_iter().flatten().collect()
}

fn count(number: u64, word: &str) -> String {
    if number == 1 { format!("1 {word}") } else { format!("{number} {word}s") }
}
