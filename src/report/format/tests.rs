//! Every form with ordinary and with hostile titles.

use jiff::Timestamp;
use jiff::civil::date;
use serde_json::Value;

use super::*;
use crate::model::{EnclosureId, Peers, Traffic};

const HOSTILE: [&str; 8] = [
    "=HYPERLINK(\"http://evil.example\")",
    "-1+1",
    "\t=1",
    "two\nlines \"quoted\", and a comma\r\n",
    "\x1b[31mred\x1b[0m\u{7}",
    "\u{202e}gnp.exe",
    "' <script>alert(1)</script> \\ \" ] [",
    "",
];

fn file(title: &str) -> ReportedFile {
    ReportedFile {
        enclosure: EnclosureId(1),
        guid: Some(title.to_owned()),
        title: title.to_owned(),
        date: Some("2026-11-20T05:00:00Z".parse().unwrap()),
        file: "cr 158 \"ä\".mp3".to_owned(),
        length: 40_000_000,
        swarm: Some((Peers { seeders: 4, leechers: 1 }, Timestamp::from_second(1_800_000_000).unwrap())),
    }
}

fn day(of_month: i8, completed: u64) -> Day {
    let peers = Peers { seeders: 5, leechers: 2 };
    Day { day: date(2026, 11, of_month), completed, served_bytes: completed * 1_000_000, peers }
}

/// A show of these episodes, each with 2 downloads on the 21st and 1 on the 22nd.
fn written(form: Form, period: Period, titles: &[&str]) -> String {
    let show = ReportedShow {
        show: "chaosradio".to_owned(),
        title: titles[0].to_owned(),
        asked: Traffic { requests: 1, bytes: 41_000_000 },
        files: titles.iter().map(|title| file(title)).collect(),
    };
    let mut out = Vec::new();
    let mut format = begin(form, period, &mut out).unwrap();
    let (mut sums, mut files) = (Sums::default(), Vec::new());
    for file in &show.files {
        let mut of_file = Sums::default();
        for day in [day(21, 2), day(22, 1)] {
            if of_file.add(&day, &period) {
                format.day(&show, file, &day).unwrap();
            }
        }
        sums.merge(&of_file);
        files.push(of_file);
    }
    format.show(&show, &sums, &files).unwrap();
    format.end().unwrap();
    drop(format);
    String::from_utf8(out).unwrap()
}

const ALL: Period = Period { since: None, until: None };

#[test]
fn the_table_says_what_was_served_what_was_asked_and_what_the_figures_are() {
    let since = Period { since: Some(date(2026, 11, 22)), until: None };
    let expected = "\
chaosradio  One
  1 completed download, 976.6 KiB served to peers since 2026-11-22
  date        completed      served  seed/leech  episode
  2026-11-20          1   976.6 KiB        4/1  One
  what the mirror asked of your server: 1 request, 39.1 MiB
  what it spared it: 2.9 MiB, which our clients have given to peers since podseed counts
";
    let table = written(Form::Table, since, &["One"]);
    assert!(table.starts_with(expected), "{table}");
    assert!(table.contains("no IAB downloads"), "{table}");
}

#[test]
fn episodes_of_one_title_are_told_apart_by_their_files() {
    let table = written(Form::Table, ALL, &["One", "One", "Two"]);
    assert_eq!(table.matches("One (cr 158 \"ä\".mp3)").count(), 2, "{table}");
    assert!(table.contains("  Two\n"), "{table}");
}

#[test]
fn no_title_breaks_the_table() {
    let table = written(Form::Table, ALL, &HOSTILE);
    assert_eq!(table.lines().count(), written(Form::Table, ALL, &["x"; 8]).lines().count());
    assert!(!table.chars().any(|c| c != '\n' && c.is_control()), "{table:?}");
    assert!(!table.contains('\u{202e}'));
    assert!(table.contains(" \u{fffd}[31mred\u{fffd}[0m\u{fffd}\n"), "{table}");
}

#[test]
fn csv_has_a_row_for_each_day_and_says_what_it_counts() {
    let csv = written(Form::Csv, ALL, &["One, or \"two\""]);
    let expected = "\
day,show,guid,title,date,file,length_bytes,completed_downloads,served_bytes,seeders,leechers,counted_by\r\n\
2026-11-21,chaosradio,\"One, or \"\"two\"\"\",\"One, or \"\"two\"\"\",2026-11-20T05:00:00Z,\"cr 158 \"\"ä\"\".mp3\",40000000,2,2000000,5,2,tracker scrapes and client counters; not IAB downloads\r\n\
2026-11-22,chaosradio,\"One, or \"\"two\"\"\",\"One, or \"\"two\"\"\",2026-11-20T05:00:00Z,\"cr 158 \"\"ä\"\".mp3\",40000000,1,1000000,5,2,tracker scrapes and client counters; not IAB downloads\r\n";
    assert_eq!(csv, expected);
}

#[test]
fn no_title_breaks_csv_or_becomes_a_formula() {
    let text = written(Form::Csv, ALL, &HOSTILE);
    let mut reader = ::csv::Reader::from_reader(text.as_bytes());
    let rows: Vec<::csv::StringRecord> = reader.records().map(|row| row.unwrap()).collect();
    assert_eq!(rows.len(), 2 * HOSTILE.len());
    for row in &rows {
        assert_eq!(row.len(), 12);
        for cell in row {
            assert!(!cell.starts_with(['=', '+', '-', '@']), "{cell}");
            assert!(!cell.chars().any(char::is_control), "{cell:?}");
        }
    }
    assert_eq!(&rows[0][3], "'=HYPERLINK(\"http://evil.example\")");
    assert_eq!(&rows[4][3], "' =1");
    assert_eq!(&rows[6][3], "two lines \"quoted\", and a comma  ");
}

#[test]
fn json_has_every_title_as_it_is() {
    let json: Value = serde_json::from_str(&written(Form::Json, ALL, &HOSTILE)).unwrap();
    let titles: Vec<_> =
        json["rows"].as_array().unwrap().iter().map(|row| row["title"].as_str().unwrap()).collect();
    assert_eq!(titles.iter().step_by(2).copied().collect::<Vec<_>>(), HOSTILE);
    assert_eq!(json["note"], NOTE);
    let show = &json["shows"][0];
    assert_eq!((&show["completed"], &show["spared_bytes"]), (&24.into(), &24_000_000.into()));
    assert_eq!(show["asked"], serde_json::json!({"requests": 1, "bytes": 41_000_000}));
    assert_eq!(show["episodes"].as_array().unwrap().len(), HOSTILE.len());
    assert_eq!(
        show["episodes"][0]["swarm"],
        serde_json::json!({"seeders": 4, "leechers": 1, "seen": "2027-01-15T08:00:00Z"})
    );
}

#[test]
fn json_of_nothing_is_json() {
    let mut out = Vec::new();
    begin(Form::Json, ALL, &mut out).unwrap().end().unwrap();
    let json: Value = serde_json::from_slice(&out).unwrap();
    assert_eq!((json["rows"].as_array().unwrap().len(), json["shows"].as_array().unwrap().len()), (0, 0));
}

#[test]
fn the_log_has_a_line_for_each_completion_and_no_address() {
    let log = written(Form::Clf, ALL, &HOSTILE);
    assert_eq!(log.lines().count(), 3 * HOSTILE.len());
    let agent =
        format!("podseed/{} (BitTorrent; completed downloads by tracker scrape)", env!("CARGO_PKG_VERSION"));
    let first = format!(
        "- - - [21/Nov/2026:00:00:00 +0000] \"GET /chaosradio/cr%20158%20%22%C3%A4%22.mp3 HTTP/1.1\" 200 40000000 \"-\" \"{agent}\""
    );
    assert_eq!(log.lines().next().unwrap(), first);
    let form = regex::Regex::new(
        r#"^- - - \[\d\d/[A-Z][a-z]{2}/\d{4}:00:00:00 \+0000\] "GET /[!-~]+ HTTP/1\.1" 200 \d+ "-" "[^"]+"$"#,
    );
    let form = form.unwrap();
    assert!(log.lines().all(|line| form.is_match(line)), "{log}");
}

#[test]
fn a_period_has_its_first_and_its_last_day() {
    let day = date(2026, 11, 21);
    for (since, until, lines) in
        [(None, Some(day), 2), (Some(day), Some(day), 2), (Some(date(2026, 11, 22)), None, 1)]
    {
        assert_eq!(written(Form::Clf, Period { since, until }, &["x"]).lines().count(), lines);
    }
}
