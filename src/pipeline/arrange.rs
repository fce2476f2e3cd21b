//! What the torrents of a show need beside their data: a placement at each of its clients, looks at their sources, and
//! the web seeds that the setting asks for.
//!
//! The state counts what has changed (`shows.arrange_due`), so that only the shows are looked at of which something has.

use std::collections::{HashMap, HashSet};

use super::compare::PROOF;
use super::{Error, Pass, Pipeline};
use crate::config::WebSeeds;
use crate::model::EnclosureId;
use crate::store::ShowId;

impl Pipeline {
    /// Arranges what has changed of the shows in a pass; nothing once that is closed, for another configuration has its say
    /// then. May be called at any time, and as often as one likes.
    pub(super) async fn arrange(&self, pass: &Pass) -> Result<(), Error> {
        // Two at a time would both take off what both have seen, and with it what changes next.
        let _turn = pass.in_force.lock().await;
        if pass.closed.is_cancelled() {
            return Ok(());
        }
        let mut due = self.store.shows_to_arrange(pass.id).await?;
        due.retain(|due| pass.show(&due.slug).is_some());
        if due.is_empty() {
            return Ok(());
        }
        let (mut by_clients, mut with_sources) = (HashMap::<_, Vec<ShowId>>::new(), Vec::new());
        for (due, target) in due.iter().filter_map(|due| Some((due, pass.show(&due.slug)?))) {
            by_clients.entry(target.clients.clone()).or_default().push(due.show);
            if self.web_seeds_of(&target).is_some() {
                with_sources.push(due.show);
            }
        }
        for (clients, shows) in by_clients {
            self.store.ensure_placements(&shows, &clients).await?;
        }
        let mut unwritten = HashSet::new();
        for (id, slug) in self.wrong_web_seeds(&with_sources).await? {
            if let Some(show) = pass.show(&slug)
                && !self.refresh_torrent(id, &show).await?
            {
                unwritten.insert(slug);
            }
        }
        // What could not be written, as on a full disk, is tried again.
        due.retain(|due| !unwritten.contains(&due.slug));
        Ok(self.store.record_arranged(&due).await?)
    }

    /// What the setting asks of the torrents of these shows: looks, where a proof is to be given and can lead to
    /// anything; else web seeds in all of them or in none. Gives those that have it otherwise, also those that were made
    /// under another setting.
    async fn wrong_web_seeds(&self, shows: &[ShowId]) -> Result<Vec<(EnclosureId, String)>, Error> {
        Ok(match self.config.torrent.web_seeds {
            WebSeeds::Verified => {
                self.store.plan_looks(shows, self.clock.now()).await?;
                self.store.with_web_seed(shows, true, PROOF).await?
            }
            WebSeeds::Always => self.store.with_web_seed(shows, false, u64::MAX).await?,
            WebSeeds::Never => self.store.with_web_seed(shows, true, u64::MAX).await?,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::config::{Config, FeedSource};
    use crate::model::Selection;
    use crate::pipeline::{Environment, PassOptions, Target};

    #[tokio::test]
    async fn what_changes_after_two_have_arranged_at_once_is_arranged_too() {
        let folder = tempfile::tempdir().unwrap();
        let config = Arc::new(Config::ad_hoc(folder.path().join("data")));
        let pipeline = Pipeline::open(config, Environment::new(Arc::new(()))).await.unwrap();
        let show = pipeline.store.ensure_show("s", "https://f.test/").await.unwrap().id;
        let pass = Pass::new(1, PassOptions::lasting(), &pipeline);
        let target = |client: &str| Target {
            slug: Some("s".to_owned()),
            feed: FeedSource::parse("https://f.test/"),
            selection: Selection::default(),
            clients: vec![client.to_owned()],
            auth: None,
            permission: None,
            configured: true,
            publishable: true,
        };
        let due = async || pipeline.store.shows_to_arrange(pass.id).await.unwrap().len();
        for client in ["a", "b", "c", "d"] {
            pipeline.admit(show, &target(client), &pass).await.unwrap();
            assert_eq!(due().await, 1, "{client}");
            tokio::try_join!(pipeline.arrange(&pass), pipeline.arrange(&pass)).unwrap();
            assert_eq!(due().await, 0, "{client}");
        }
    }
}
