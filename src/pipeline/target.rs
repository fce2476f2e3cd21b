//! What a pass works on: a feed with its rules and clients, and what its credentials are for.

use url::Url;

use super::terms::public_address;
use crate::config::{Auth, FeedSource, Inbox, Show};
use crate::http::BasicAuth;
use crate::model::Selection;

/// A feed to be worked on in a pass: a show of the configuration, or one that was named for this run only.
#[derive(Debug, Clone)]
pub struct Target {
    /// The slug; `None` for a feed without a show, which gets one after its title.
    pub slug: Option<String>,
    /// Where it is.
    pub feed: FeedSource,
    /// Which episodes.
    pub selection: Selection,
    /// The names of the clients that get it.
    pub clients: Vec<String>,
    /// Credentials for the feed, and for enclosures on the same server.
    pub auth: Option<Auth>,
    /// On what ground it is published, in the user's words.
    pub permission: Option<String>,
    /// Whether it stands in the configuration. What is only named for a run, or has left the configuration, keeps the
    /// terms that it had: a login that is not given now makes a private feed no public one.
    pub configured: bool,
    /// Whether its torrents may become public, so that SHA-256 of each file is made while it arrives.
    pub publishable: bool,
}

impl From<&Show> for Target {
    fn from(show: &Show) -> Self {
        Self {
            slug: Some(show.slug.clone()),
            feed: show.feed.clone(),
            selection: show.selection.clone(),
            clients: show.clients.clone(),
            auth: show.auth.clone(),
            permission: show.permission.clone(),
            configured: true,
            publishable: false,
        }
    }
}

impl From<&Inbox> for Target {
    fn from(inbox: &Inbox) -> Self {
        Self {
            slug: Some(inbox.slug.clone()),
            feed: FeedSource::Own(inbox.path.clone()),
            selection: Selection::default(),
            clients: inbox.clients.clone(),
            auth: None,
            permission: inbox.permission.clone(),
            configured: true,
            publishable: false,
        }
    }
}

impl Target {
    pub(super) fn basic_auth(&self) -> Option<BasicAuth> {
        self.auth
            .as_ref()
            .map(|auth| BasicAuth { username: auth.username.clone(), password: Some(auth.password.clone()) })
    }

    /// Credentials for this URL: those of the feed, where it is the same server.
    pub(super) fn auth_for(&self, url: &Url) -> Option<BasicAuth> {
        match &self.feed {
            FeedSource::Url(feed) if url.origin() == feed.origin() => self.basic_auth(),
            _ => None,
        }
    }

    /// An enclosure's address where it may be named to everybody: http or https, and without any credential.
    pub(super) fn public_source(&self, url: &str) -> Option<Url> {
        public_address(url).filter(|_| self.auth.is_none())
    }
}

#[cfg(test)]
impl Target {
    /// The show `s` of a configuration, with its feed at `https://f.test/`.
    pub(super) fn sample() -> Self {
        Self {
            slug: Some("s".to_owned()),
            feed: FeedSource::parse("https://f.test/"),
            selection: Selection::default(),
            clients: Vec::new(),
            auth: None,
            permission: None,
            configured: true,
            publishable: true,
        }
    }
}
