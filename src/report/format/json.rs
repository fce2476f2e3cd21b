//! One JSON document:
//! `{"note", "since", "until", "rows": [one for each file and day], "shows": [sums, and what the publisher's server was
//! asked and spared]}`. Text is as the feed has it.

use std::io;

use serde::Serialize;

use super::{Format, NOTE, Period, Sums};
use crate::model::{ReportedFile, ReportedShow};
use crate::report::Day;

pub(super) struct Json<W> {
    out: W,
    rows: u64,
    /// Sums are few: they wait until all rows are written.
    shows: Vec<serde_json::Value>,
}

#[derive(Serialize)]
struct Row<'a> {
    day: String,
    show: &'a str,
    guid: Option<&'a str>,
    title: &'a str,
    date: Option<String>,
    file: &'a str,
    length: u64,
    completed: u64,
    served_bytes: u64,
    seeders: u64,
    leechers: u64,
}

#[derive(Serialize)]
struct Show<'a> {
    show: &'a str,
    title: &'a str,
    completed: u64,
    served_bytes: u64,
    asked: Asked,
    spared_bytes: u64,
    episodes: Vec<Episode<'a>>,
}

#[derive(Serialize)]
struct Asked {
    requests: u64,
    bytes: u64,
}

#[derive(Serialize)]
struct Episode<'a> {
    guid: Option<&'a str>,
    title: &'a str,
    date: Option<String>,
    file: &'a str,
    length: u64,
    completed: u64,
    served_bytes: u64,
    swarm: Option<Swarm>,
}

#[derive(Serialize)]
struct Swarm {
    seeders: u64,
    leechers: u64,
    seen: String,
}

impl<W: io::Write> Json<W> {
    pub(super) fn begin(period: Period, mut out: W) -> io::Result<Self> {
        let date = |date: Option<jiff::civil::Date>| serde_json::json!(date.map(|date| date.to_string()));
        writeln!(out, "{{\"note\": {},", serde_json::json!(NOTE))?;
        write!(out, " \"since\": {}, \"until\": {},\n \"rows\": [", date(period.since), date(period.until))?;
        Ok(Self { out, rows: 0, shows: Vec::new() })
    }
}

impl<W: io::Write> Format for Json<W> {
    fn day(&mut self, show: &ReportedShow, file: &ReportedFile, day: &Day) -> io::Result<()> {
        let row = Row {
            day: day.day.to_string(),
            show: &show.show,
            guid: file.guid.as_deref(),
            title: &file.title,
            date: file.date.map(|date| date.to_string()),
            file: &file.file,
            length: file.length,
            completed: day.completed,
            served_bytes: day.served_bytes,
            seeders: day.peers.seeders,
            leechers: day.peers.leechers,
        };
        self.out.write_all(if self.rows == 0 { b"\n  " } else { b",\n  " })?;
        self.rows += 1;
        Ok(serde_json::to_writer(&mut self.out, &row)?)
    }

    fn show(&mut self, show: &ReportedShow, sums: &Sums, files: &[Sums]) -> io::Result<()> {
        let show = Show {
            show: &show.show,
            title: &show.title,
            completed: sums.completed,
            served_bytes: sums.served_bytes,
            asked: Asked { requests: show.asked.requests, bytes: show.asked.bytes },
            spared_bytes: sums.spared_bytes,
            episodes: show.files.iter().zip(files).map(|(file, sums)| episode(file, sums)).collect(),
        };
        self.shows.push(serde_json::to_value(show)?);
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        writeln!(self.out, "],\n \"shows\": {}}}", serde_json::to_string(&self.shows)?)?;
        self.out.flush()
    }
}

fn episode<'a>(file: &'a ReportedFile, sums: &Sums) -> Episode<'a> {
    Episode {
        guid: file.guid.as_deref(),
        title: &file.title,
        date: file.date.map(|date| date.to_string()),
        file: &file.file,
        length: file.length,
        completed: sums.completed,
        served_bytes: sums.served_bytes,
        swarm: file.swarm.map(|(peers, seen)| Swarm {
            seeders: peers.seeders,
            leechers: peers.leechers,
            seen: seen.to_string(),
        }),
    }
}
