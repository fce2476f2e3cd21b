//! Own files: the rounds that look for them, and the shows that they belong to.
//!
//! A look (`own/look.rs`) is the whole state machine: whatever happens to a file, and however podseed hears of it,
//! the next look finds out by comparing what is there with what is on record. Watching only says when to look. The
//! rest of an own file's way is that of any other; where it differs, `own/hand.rs` has it.

mod hand;
mod look;
mod publish;
mod share;
mod watch;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use super::monitor::Event;
use super::{Begin, Error, Pipeline, Target};
use crate::config::{FeedSource, Inbox};
use crate::inbox::Looks;
use crate::model::{FileState, Selection};
use crate::store::{OwnShow, ShowId};

pub(super) use hand::torrent_name;
pub use share::{ShareOrder, Shared, share};

/// What lies at least between two looks that find the same fresh file, when somebody waits for the end of the run.
const SHORT_QUIET: Duration = Duration::from_secs(1);

/// What is remembered between looks. Losing it costs another look.
#[derive(Default)]
pub(super) struct Attention {
    /// One look at a time.
    turn: tokio::sync::Mutex<()>,
    looks: Mutex<Looks>,
    /// Files that are no media, as they were then.
    unusable: Mutex<HashMap<PathBuf, FileState>>,
}

impl Pipeline {
    /// The shows of own files: those of the configuration, and those that were only ever shared by command, which go
    /// to every client.
    pub async fn own_targets(&self) -> Result<Vec<Target>, Error> {
        let mut targets: Vec<Target> = self.config.inbox.iter().map(Target::from).collect();
        for (slug, _) in self.store.own_shows().await? {
            let is_configured = targets.iter().any(|target| target.slug.as_ref() == Some(&slug))
                || self.config.show(&slug).is_some();
            if !is_configured {
                targets.push(Target {
                    slug: Some(slug),
                    feed: FeedSource::Own(None),
                    selection: Selection::default(),
                    clients: self.clients.keys().cloned().collect(),
                    auth: None,
                    permission: None,
                    configured: false,
                    publishable: false,
                });
            }
        }
        Ok(targets)
    }

    /// Looks at every folder of own files, and at every own file that is known, and records what has changed. What is
    /// fresh is looked at twice.
    pub async fn scan_own(&self) -> Result<(), Error> {
        for target in self.own_targets().await? {
            if self.stop.is_cancelled() {
                break;
            }
            self.look_at_own(&target, Begin::Feeds).await?;
        }
        Ok(())
    }

    /// The show of own files, looked at where the pass begins with that. `None` where its name is that of another
    /// show.
    pub(super) async fn look_at_own(&self, target: &Target, begin: Begin) -> Result<Option<ShowId>, Error> {
        let Some(id) = self.own_show(target).await? else { return Ok(None) };
        if begin == Begin::Feeds && self.look_own(id, target, SHORT_QUIET).await? {
            let pause = tokio::time::sleep(SHORT_QUIET + SHORT_QUIET / 4);
            if self.stop.run_until_cancelled(pause).await.is_some() {
                self.look_own(id, target, SHORT_QUIET).await?;
            }
        }
        Ok(Some(id))
    }

    pub(super) async fn own_show(&self, target: &Target) -> Result<Option<ShowId>, Error> {
        let slug = target.slug.clone().unwrap_or_default();
        let said = self.inbox(&slug);
        let show = OwnShow {
            feed: target.feed.to_string(),
            title: said.and_then(|said| said.title.clone()),
            description: said.and_then(|said| said.description.clone()),
            author: said.and_then(|said| said.author.clone()),
            language: said.and_then(|said| said.language.clone()),
            link: said.and_then(|said| said.link.clone()).map(String::from),
            image: self.named_cover(&slug).map(|(from, _)| from),
            slug,
        };
        let id = self.store.ensure_own_show(&show).await?;
        if id.is_none() {
            let text =
                "there is a show with a feed of this name already; choose another name for the own files";
            if self.note_error(&format!("{}: {text}", show.slug)) {
                self.monitor.event(&Event::Warning { show: show.slug, text: text.to_owned() });
            }
        }
        Ok(id)
    }

    /// What the configuration says of a show of own files.
    pub(super) fn inbox(&self, slug: &str) -> Option<&Inbox> {
        self.config.inbox.iter().find(|inbox| inbox.slug == slug)
    }
}
