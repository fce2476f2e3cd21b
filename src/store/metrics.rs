//! Figures for monitoring. What is counted over many rows, triggers keep in `tallies`: nothing here grows with the
//! number of episodes.

use jiff::Timestamp;

use super::{Doing as _, Result, Store, timestamp, unsigned, word};
use crate::model::{
    Fetched, Histogram, Metrics, PlacementCount, ProofCount, SEEDING_CLASSES, ShowMetrics, Stage, StageCounts,
};

/// A row of `tallies`: what is counted, of whom, in which state, and how many.
type Tally = (String, String, String, i64);

/// What is due, and when the first of it is; each by an index.
pub(super) const DUE: [(&str, &str); 4] = [
    (
        "poll",
        "SELECT next_poll FROM shows WHERE COALESCE(next_poll, 0) > 0 ORDER BY COALESCE(next_poll, 0) LIMIT 1",
    ),
    (
        "download",
        "SELECT next_attempt FROM enclosures
         WHERE next_attempt IS NOT NULL AND wanted AND stage IN ('discovered', 'downloading', 'downloaded')
         ORDER BY next_attempt LIMIT 1",
    ),
    ("hand_over", "SELECT MIN(next_attempt) FROM placements WHERE next_attempt IS NOT NULL"),
    ("compare", "SELECT MIN(source_next) FROM enclosures WHERE source_next IS NOT NULL"),
];

impl Store {
    /// Everything that the state knows of [`Metrics`]; what is of the machine and the process is left empty.
    pub async fn metrics(&self) -> Result<Metrics> {
        let tallies: Vec<Tally> =
            sqlx::query_as("SELECT what, subject, state, number FROM tallies ORDER BY what, subject, state")
                .fetch_all(&self.pool)
                .await
                .doing("read the tallies")?;
        let of = |what: &'static str| tallies.iter().filter(move |tally| tally.0 == what);
        let mut metrics = Metrics {
            publication_to_seeding: histogram(of("seeding after")),
            proofs: proofs(of("proof")),
            fetched: Fetched {
                media_bytes: sum(of("media bytes")),
                requests: sum(of("media requests")),
                feed_bytes: 0,
            },
            stages: stages(of("stage"))?,
            served: self.served(of("served")).await?,
            due: self.due().await?,
            ..Metrics::default()
        };
        for (_, client, state, count) in of("placement").filter(|tally| tally.3 > 0) {
            let (client, state) = (client.clone(), word("a placement's state", state)?);
            metrics.placements.push(PlacementCount { client, state, count: unsigned(*count) });
        }
        self.add_shows(&mut metrics, of("stage")).await?;
        Ok(metrics)
    }

    async fn add_shows(&self, metrics: &mut Metrics, stages: impl Iterator<Item = &Tally>) -> Result<()> {
        let failed: std::collections::HashMap<&str, i64> = stages
            .filter(|(_, _, stage, _)| stage == Stage::Failed.as_str())
            .map(|(_, show, _, count)| (show.as_str(), *count))
            .collect();
        let rows: Vec<(i64, String, Option<i64>, i64, i64, i64)> = sqlx::query_as(
            "SELECT id, slug, last_good_poll, failures, requests, bytes FROM shows ORDER BY slug",
        )
        .fetch_all(&self.pool)
        .await
        .doing("read the shows' figures")?;
        for (id, slug, last_good_poll, failures, requests, bytes) in rows {
            metrics.fetched.requests += unsigned(requests);
            metrics.fetched.feed_bytes += unsigned(bytes);
            metrics.shows.push(ShowMetrics {
                failed: failed.get(id.to_string().as_str()).copied().map_or(0, unsigned),
                slug,
                last_good_poll: timestamp(last_good_poll),
                failures: unsigned(failures),
            });
        }
        Ok(())
    }

    /// What clients have given to peers, by their names. Trackers are sources, too, and give nothing.
    async fn served(&self, tallies: impl Iterator<Item = &Tally>) -> Result<Vec<(String, u64)>> {
        let bytes: std::collections::HashMap<&str, i64> =
            tallies.map(|(_, source, _, bytes)| (source.as_str(), *bytes)).collect();
        let sources: Vec<(i64, String)> =
            sqlx::query_as("SELECT id, name FROM sources WHERE kind = 'client' ORDER BY name")
                .fetch_all(&self.pool)
                .await
                .doing("read the clients' figures")?;
        let served = sources.into_iter().map(|(id, name)| {
            let bytes = bytes.get(id.to_string().as_str()).copied().map_or(0, unsigned);
            (name.strip_prefix("client ").unwrap_or(&name).to_owned(), bytes)
        });
        Ok(served.collect())
    }

    async fn due(&self) -> Result<Vec<(&'static str, Timestamp)>> {
        let mut due = Vec::new();
        for (what, first) in DUE {
            let first: Option<Option<i64>> =
                sqlx::query_scalar(first).fetch_optional(&self.pool).await.doing("read what is due next")?;
            due.extend(timestamp(first.flatten()).map(|time| (what, time)));
        }
        Ok(due)
    }
}

fn sum<'a>(tallies: impl Iterator<Item = &'a Tally>) -> u64 {
    tallies.map(|(.., number)| unsigned(*number)).sum()
}

fn stages<'a>(tallies: impl Iterator<Item = &'a Tally>) -> Result<StageCounts> {
    let mut counts = StageCounts::new();
    for (_, _, stage, count) in tallies {
        *counts.entry(word("a stage", stage)?).or_default() += unsigned(*count);
    }
    Ok(counts)
}

fn proofs<'a>(tallies: impl Iterator<Item = &'a Tally>) -> Vec<ProofCount> {
    let mut proofs: std::collections::BTreeMap<&str, ProofCount> = std::collections::BTreeMap::new();
    for (_, client, result, count) in tallies {
        let proof = proofs.entry(client).or_default();
        match result.as_str() {
            "proven" => proof.proven = unsigned(*count),
            _ => proof.refused = unsigned(*count),
        }
    }
    proofs.into_iter().map(|(client, proof)| ProofCount { client: client.to_owned(), ..proof }).collect()
}

/// Each class is counted by itself in the state, under its upper end; what is beyond the last, under `more`.
fn histogram<'a>(tallies: impl Iterator<Item = &'a Tally> + Clone) -> Histogram {
    let at = |state: &str| sum(tallies.clone().filter(|tally| tally.2 == state));
    let mut count = 0;
    let classes = SEEDING_CLASSES.map(|end| {
        count += at(&end.to_string());
        (end, count)
    });
    Histogram { classes: classes.into(), count: count + at("more"), sum: at("sum") }
}
