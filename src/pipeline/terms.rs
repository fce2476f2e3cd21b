//! On what terms a show is published, and may be handed over at all: a licence in the feed, or a permission that the
//! user has on record, and nothing in it that is private.

use url::Url;

use super::monitor::Event;
use super::{Error, Pipeline, Target};
use crate::config::FeedSource;
use crate::model::{Basis, Feed, licence};
use crate::secret::public_url;
use crate::store::{Grounds, ShowFacts, Terms};

/// The setting that remembers what the user has been told.
const TOLD: &str = "told_of_distribution";
/// Hosts whose feeds are for a single paying listener each.
const PRIVATE_HOSTS: &[&str] =
    &["patreon.com", "supercast.com", "supercast.tech", "supportingcast.fm", "memberful.com", "glow.fm"];

/// What the configuration, and the feed's own address, say.
pub(super) fn terms(target: &Target) -> Terms {
    Terms { permission: target.permission.clone(), private: private(target).map(str::to_owned) }
}

/// Why a show is never published, whatever its licence.
pub(super) fn private(target: &Target) -> Option<&'static str> {
    if target.auth.is_some() {
        return Some("its feed asks for a login");
    }
    match &target.feed {
        FeedSource::Url(url) => private_address(url),
        FeedSource::File(_) | FeedSource::Own(_) => None,
    }
}

/// Why what a feed at this address announces is for one listener alone, if it is.
pub fn private_address(url: &Url) -> Option<&'static str> {
    let host = url.host_str().unwrap_or_default();
    let is_below =
        |name: &str| host.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    let has_private_folder =
        || url.path_segments().is_some_and(|mut parts| parts.any(|part| part == "private"));
    if is_secret(url.as_str()) {
        Some("its feed's address holds a credential")
    } else if PRIVATE_HOSTS.iter().any(|name| is_below(name)) || has_private_folder() {
        Some("its feed is one listener's own")
    } else {
        None
    }
}

impl Pipeline {
    /// Says once, at the first hand-over of what nobody has allowed as far as podseed knows, what that means.
    pub(super) async fn tell_of_distribution(&self, slug: &str) -> Result<(), Error> {
        // Held meanwhile: several torrents are handed over at once.
        let mut told = self.told_of_distribution.lock().await;
        if *told {
            return Ok(());
        }
        if self.store.setting(TOLD).await?.is_none() {
            let Err(reason) = basis(&self.store.show_facts(slug).await?, None) else { return Ok(()) };
            let text = format!(
                "seeding is distribution, too, and may need the publisher's permission: {reason}. With \
                 `require_permission: true` nothing is handed over without. This is said only once"
            );
            self.monitor.event(&Event::Warning { show: slug.to_owned(), text });
            self.store.record_setting(TOLD, "yes").await?;
        }
        *told = true;
        Ok(())
    }
}

/// Whether an address holds what is not for everybody: a login, a token, a signature.
pub(super) fn is_secret(url: &str) -> bool {
    public_url(url) != url
}

/// An address as it may be named to everybody: http or https, and without any credential.
pub(super) fn public_address(url: &str) -> Option<Url> {
    let parsed = Url::parse(url).ok().filter(|parsed| matches!(parsed.scheme(), "http" | "https"))?;
    (!is_secret(url)).then_some(parsed)
}

/// A basis in words, for people.
pub fn basis_text(basis: &Basis) -> String {
    match basis {
        Basis::Licence { name, .. } => format!("by the licence in the feed, {name}"),
        Basis::Permission(words) => format!("by permission: {words}"),
    }
}

/// On what ground something of a show is published; an item's own licence counts before the show's. The error says
/// why it is not published, and what would change that.
pub fn basis(show: &ShowFacts, item_licence: Option<&str>) -> Result<Basis, String> {
    let grounds = Grounds {
        feed: show.feed.clone(),
        licence: item_licence.or(show.licence.as_deref()).map(str::to_owned),
        blocked: show.blocked,
        withdrawn: show.withdrawn,
        terms: show.terms.clone(),
    };
    basis_on(&grounds, &show.slug)
}

/// The same for a show as a whole, of which no more is known.
pub(super) fn basis_on(grounds: &Grounds, slug: &str) -> Result<Basis, String> {
    if grounds.withdrawn {
        return Err("it was taken down".to_owned());
    }
    let is_own = matches!(FeedSource::parse(&grounds.feed), FeedSource::Own(_));
    if is_own && grounds.terms.permission.is_none() {
        return Err(format!(
            "it is not said on what ground; write `inbox: {{{slug}: {{permission: own work}}}}`, in words of your own"
        ));
    }
    ground(&grounds.terms, grounds.blocked, grounds.licence.as_deref())
}

/// On what ground a show would be published whose feed was only just read.
pub fn basis_of_feed(feed: &Feed, url: &Url, permission: Option<&str>) -> Result<Basis, String> {
    let private = private_address(url).map(str::to_owned);
    let terms = Terms { permission: permission.map(str::to_owned), private };
    ground(&terms, feed.blocked, feed.licence.as_deref())
}

fn ground(terms: &Terms, blocked: bool, licence: Option<&str>) -> Result<Basis, String> {
    if let Some(private) = &terms.private {
        return Err(private.clone());
    }
    if blocked {
        return Err("the feed asks not to be shown in public (podcast:block)".to_owned());
    }
    let stated = licence.map(licence::read);
    if let Some(licence) = stated.as_ref().filter(|licence| licence.allows_redistribution) {
        return Ok(Basis::Licence { name: licence.name.clone(), url: licence.url.clone() });
    }
    if let Some(permission) = &terms.permission {
        return Ok(Basis::Permission(permission.clone()));
    }
    let found = match stated {
        Some(licence) => format!("the feed's licence does not allow it ({})", licence.name),
        None => "the feed states no licence".to_owned(),
    };
    Err(format!("{found}; if the publisher agrees, write `permission: \"by whom, when\"` for the show"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn feeds_of_a_single_listener_are_known_by_their_address() {
        for (url, private) in [
            ("https://example.org/feed.xml?page=2", false),
            ("https://example.org/feed.xml?token=abc", true),
            ("https://me:pa55@example.org/feed.xml", true),
            ("https://www.patreon.com/rss/somebody", true),
            ("https://notpatreon.com/rss", false),
            ("https://example.org/private/abc/feed.xml", true),
            ("https://example.org/privateers/feed.xml", false),
        ] {
            assert_eq!(private_address(&Url::parse(url).unwrap()).is_some(), private, "{url}");
        }
    }
}
