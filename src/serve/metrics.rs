//! Figures in the text format of Prometheus (version 0.0.4).
//!
//! Names follow its conventions: base units, `_total` for what never falls, one family together under its HELP and TYPE.

use std::fmt::{Display, Write as _};

use crate::model::{Histogram, Metrics};

/// What `/metrics` says that it is.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What the server knows of itself, since it began.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Own {
    /// Open now.
    pub(super) connections: u64,
    /// Received.
    pub(super) requests: u64,
    /// Sent, headers among them.
    pub(super) sent_bytes: u64,
}

/// The document.
pub(super) fn render(metrics: &Metrics, own: &Own) -> String {
    let mut page = Page::default();
    page.gauge("build_info", "The version that runs.", [(&[("version", env!("CARGO_PKG_VERSION"))][..], 1)]);
    shows(&mut page, metrics);
    clients(&mut page, metrics);
    traffic(&mut page, metrics);
    page.histogram(
        "publication_to_seeding_seconds",
        "From the publication of an episode (or from when podseed met it, if it is older) until a client seeds it.",
        &metrics.publication_to_seeding,
    );
    system(&mut page, metrics);
    page.gauge("http_connections", "Connections to podseed's own server.", [(&[][..], own.connections)]);
    page.counter("http_requests_total", "Requests to podseed's own server.", [(&[][..], own.requests)]);
    page.counter("http_sent_bytes_total", "Sent by podseed's own server.", [(&[][..], own.sent_bytes)]);
    page.text
}

fn shows(page: &mut Page, metrics: &Metrics) {
    let each = |figure: fn(&crate::model::ShowMetrics) -> u64| {
        metrics.shows.iter().map(move |show| ([("show", show.slug.as_str())], figure(show)))
    };
    page.gauge(
        "show_last_good_poll_timestamp_seconds",
        "The last poll that brought an answer.",
        metrics.shows.iter().filter_map(|show| {
            show.last_good_poll.map(|time| ([("show", show.slug.as_str())], time.as_second()))
        }),
    );
    page.gauge("show_poll_failures", "Polls in a row that failed.", each(|show| show.failures));
    page.gauge("show_failed_enclosures", "Enclosures that need the user.", each(|show| show.failed));
    page.gauge(
        "enclosures",
        "Managed enclosures by stage; what is neither seeding, failed nor withdrawn is a queue.",
        metrics.stages.iter().map(|(stage, count)| ([("stage", stage.as_str())], count)),
    );
    page.gauge(
        "next_due_timestamp_seconds",
        "When something is due next, by what it is.",
        metrics.due.iter().map(|(what, time)| ([("what", *what)], time.as_second())),
    );
}

fn clients(page: &mut Page, metrics: &Metrics) {
    page.gauge(
        "placements",
        "Torrents at clients, by client and state.",
        metrics
            .placements
            .iter()
            .map(|at| ([("client", at.client.as_str()), ("state", at.state.as_str())], at.count)),
    );
    page.gauge(
        "proofs",
        "Torrents of which a stranger got a piece when he last asked, or got none, by client.",
        metrics.proofs.iter().flat_map(|proof| {
            let labels = |result| [("client", proof.client.as_str()), ("result", result)];
            [(labels("proven"), proof.proven), (labels("refused"), proof.refused)]
        }),
    );
}

fn traffic(page: &mut Page, metrics: &Metrics) {
    let fetched = metrics.fetched;
    page.counter(
        "fetched_bytes_total",
        "Received from publishers' servers.",
        [([("kind", "feed")], fetched.feed_bytes), ([("kind", "media")], fetched.media_bytes)],
    );
    page.counter("fetched_requests_total", "Requests to publishers' servers.", [(&[][..], fetched.requests)]);
    page.counter(
        "served_bytes_total",
        "Given to peers, by client, as its own counter says.",
        metrics.served.iter().map(|(client, bytes)| ([("client", client.as_str())], bytes)),
    );
    let saved: u64 = metrics.served.iter().map(|(_, bytes)| bytes).sum();
    page.counter(
        "saved_bytes_total",
        "Given to peers by all clients, which publishers' servers did not have to send.",
        [(&[][..], saved)],
    );
}

fn system(page: &mut Page, metrics: &Metrics) {
    let disk = metrics.disk;
    page.gauge(
        "disk_free_bytes",
        "What may still be written on the disk of the data folder.",
        disk.iter().map(|disk| (&[][..], disk.free)),
    );
    page.gauge(
        "disk_size_bytes",
        "The disk of the data folder.",
        disk.iter().map(|disk| (&[][..], disk.size)),
    );
    let process = metrics.process;
    page.gauge(
        "resident_memory_bytes",
        "Memory of this process.",
        process.resident_bytes.iter().map(|bytes| (&[][..], bytes)),
    );
    page.gauge(
        "start_time_seconds",
        "Since when this process runs.",
        process.started.iter().map(|time| (&[][..], time.as_second())),
    );
}

#[derive(Default)]
struct Page {
    text: String,
}

type Label<'a> = (&'a str, &'a str);

impl Page {
    fn gauge<'a, L: AsRef<[Label<'a>]>, V: Display>(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = (L, V)>,
    ) {
        self.family(name, "gauge", help, samples);
    }

    fn counter<'a, L: AsRef<[Label<'a>]>, V: Display>(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = (L, V)>,
    ) {
        self.family(name, "counter", help, samples);
    }

    /// Without any sample the family is left out.
    fn family<'a, L: AsRef<[Label<'a>]>, V: Display>(
        &mut self,
        name: &str,
        kind: &str,
        help: &str,
        samples: impl IntoIterator<Item = (L, V)>,
    ) {
        let mut samples = samples.into_iter().peekable();
        if samples.peek().is_some() {
            self.head(name, kind, help);
        }
        for (labels, value) in samples {
            self.sample(name, labels.as_ref(), value);
        }
    }

    fn histogram(&mut self, name: &str, help: &str, histogram: &Histogram) {
        self.head(name, "histogram", help);
        let bucket = format!("{name}_bucket");
        for (end, count) in &histogram.classes {
            self.sample(&bucket, &[("le", &end.to_string())], count);
        }
        self.sample(&bucket, &[("le", "+Inf")], histogram.count);
        self.sample(&format!("{name}_sum"), &[], histogram.sum);
        self.sample(&format!("{name}_count"), &[], histogram.count);
    }

    fn head(&mut self, name: &str, kind: &str, help: &str) {
        // Writing into a text cannot fail.
        let _ = writeln!(self.text, "# HELP podseed_{name} {help}\n# TYPE podseed_{name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &[Label<'_>], value: impl Display) {
        let labels: Vec<_> =
            labels.iter().map(|(label, value)| format!("{label}=\"{}\"", escaped(value))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(self.text, "podseed_{name}{labels} {value}");
    }
}

/// A label's value: the three characters that would end it or the line.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::model::{Fetched, PlacementCount, PlacementState, ShowMetrics, Stage};

    #[test]
    fn figures_are_families_with_help_and_type_and_labels_cannot_break_out() {
        let time = Timestamp::from_second(1_800_000_000).unwrap();
        let metrics = Metrics {
            shows: vec![ShowMetrics {
                slug: "show".to_owned(),
                last_good_poll: Some(time),
                failures: 2,
                failed: 1,
            }],
            stages: [(Stage::Seeding, 5)].into(),
            placements: vec![PlacementCount {
                client: "a\"b\\c\nd".to_owned(),
                state: PlacementState::Seeding,
                count: 5,
            }],
            publication_to_seeding: Histogram { classes: vec![(60, 1), (300, 3)], count: 4, sum: 9000 },
            fetched: Fetched { feed_bytes: 1, media_bytes: 2, requests: 3 },
            served: vec![("nas".to_owned(), 7), ("box".to_owned(), 8)],
            ..Metrics::default()
        };
        let text = render(&metrics, &Own { connections: 1, requests: 2, sent_bytes: 3 });
        for line in [
            "# TYPE podseed_show_last_good_poll_timestamp_seconds gauge",
            "podseed_show_last_good_poll_timestamp_seconds{show=\"show\"} 1800000000",
            "podseed_show_poll_failures{show=\"show\"} 2",
            "podseed_enclosures{stage=\"seeding\"} 5",
            "podseed_placements{client=\"a\\\"b\\\\c\\nd\",state=\"seeding\"} 5",
            "# TYPE podseed_publication_to_seeding_seconds histogram",
            "podseed_publication_to_seeding_seconds_bucket{le=\"60\"} 1",
            "podseed_publication_to_seeding_seconds_bucket{le=\"300\"} 3",
            "podseed_publication_to_seeding_seconds_bucket{le=\"+Inf\"} 4",
            "podseed_publication_to_seeding_seconds_sum 9000",
            "podseed_publication_to_seeding_seconds_count 4",
            "podseed_fetched_bytes_total{kind=\"media\"} 2",
            "podseed_saved_bytes_total 15",
            "podseed_http_sent_bytes_total 3",
        ] {
            assert!(text.lines().any(|written| written == line), "{line} is not in:\n{text}");
        }
        assert!(!text.contains("podseed_proofs"), "of what there is nothing, nothing is said");
        assert!(!text.contains("disk_free"));
    }
}
