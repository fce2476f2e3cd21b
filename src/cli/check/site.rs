//! The site: whether it can be written, what of the shows may stand on it, and whether its address leads to it.

use std::net::{IpAddr, SocketAddr};

use url::{Host, Url};

use super::Finding;
use crate::config::Config;
use crate::error::chain;
use crate::http::{Http, Meter, Options, Request};
use crate::model::{Basis, ShowCard};
use crate::pipeline::{self, DataFolder};
use crate::publish::site::Site;
use crate::store::{ShowFacts, Store};

/// The file that is compared: every site has it, and it is small.
const PROBE: &str = "robots.txt";
const LARGEST_PROBE: u64 = 1 << 20;

pub(super) async fn check(config: &Config, offline: bool, findings: &mut Vec<Finding>) {
    let folder = &config.publish.site_dir;
    let site = match Site::open(folder) {
        Ok(site) => Some(site),
        Err(error) => {
            let place = format!("publish.site_dir {}", folder.display());
            findings.push(Finding::error("site.folder", place, chain(&error), ""));
            None
        }
    };
    shows(config, findings).await;
    let Some(base) = &config.publish.base_url else {
        findings.push(Finding::ok(
            "site.no_base_url",
            "publish.base_url",
            "it is not set: pages link to one another relatively, and there are no feeds",
        ));
        return;
    };
    if let Some(site) = site.filter(|_| !offline) {
        findings.extend(address(base, &site).await);
        if config.server.as_ref().is_some_and(|server| !is_at(base, server.listen)) {
            findings.extend(private(base).await);
        }
    }
}

/// What may be published of each show, as far as its feed was read already.
async fn shows(config: &Config, findings: &mut Vec<Finding>) {
    let Ok(store) = Store::open_existing(&DataFolder::new(&config.data_dir).state()).await else { return };
    for (slug, place) in named(config) {
        let Ok(facts) = store.show_facts(slug).await else { continue };
        findings.push(match pipeline::basis(&facts, None) {
            Ok(basis) => {
                Finding::ok("site.published", place, format!("published: {}", pipeline::basis_text(&basis)))
            }
            Err(reason) => Finding::ok("site.unpublished", place, format!("not published: {reason}")),
        });
    }
    for card in store.show_cards().await.unwrap_or_default() {
        let Ok(facts) = store.show_facts(&card.slug).await else { continue };
        findings.extend(left_over(config, &facts));
        findings.extend(without_podcast_feed(config, &card));
    }
}

/// The short names of the shows in the configuration, with the key of each.
fn named(config: &Config) -> impl Iterator<Item = (&str, String)> {
    let shows = config.shows.iter().map(|show| (show.slug.as_str(), format!("shows.{}", show.slug)));
    shows.chain(config.inbox.iter().map(|inbox| (inbox.slug.as_str(), format!("inbox.{}", inbox.slug))))
}

/// A show that is on the site by a permission which the configuration does not name any more.
fn left_over(config: &Config, facts: &ShowFacts) -> Option<Finding> {
    let is_named = named(config).any(|(slug, _)| slug == facts.slug);
    let is_by_permission = matches!(pipeline::basis(facts, None), Ok(Basis::Permission(_)));
    (!is_named && is_by_permission).then(|| {
        Finding::warning(
            "site.left_over",
            format!("shows.{}", facts.slug),
            "it is on the site and seeded by a permission, and the configuration does not name the show any more",
            &format!("`podseed takedown {}` withdraws it; or write it into the configuration again", facts.slug),
        )
    })
}

fn without_podcast_feed(config: &Config, card: &ShowCard) -> Option<Finding> {
    (config.publish.base_url.is_some() && !card.podcast_feed).then(|| {
        Finding::ok(
            "site.no_podcast_feed",
            format!("shows.{}", card.slug),
            "it has no podcast.xml: an address in its feed holds a credential, or the feed cannot be written anew",
        )
    })
}

/// Asks for a file of the site at its address, and compares it with ours.
async fn address(base: &Url, site: &Site) -> Option<Finding> {
    let ours = site.read(PROBE).ok()??;
    let place = format!("publish.base_url {base}");
    let theirs = fetch(base, PROBE).await;
    Some(match theirs {
        Ok(theirs) if theirs == ours => Finding::ok("site.reached", place, "it leads to the site"),
        Ok(_) => Finding::warning(
            "site.other",
            place,
            format!("{PROBE} there is not that of the site"),
            "let the web server serve `publish.site_dir` at this address, or correct `publish.base_url`",
        ),
        Err(error) => Finding::warning(
            "site.unreached",
            place,
            format!("{PROBE} cannot be had there: {error}"),
            "let a web server serve `publish.site_dir` at this address, or correct `publish.base_url`",
        ),
    })
}

/// Whether the address is that of podseed's own server, with nothing in front.
fn is_at(base: &Url, listen: SocketAddr) -> bool {
    let host = match base.host() {
        Some(Host::Ipv4(host)) => IpAddr::from(host),
        Some(Host::Ipv6(host)) => IpAddr::from(host),
        _ => return false,
    };
    base.port_or_known_default() == Some(listen.port()) && host == listen.ip()
}

/// What only neighbours should be told, asked for as a stranger would: by way of the proxy in front.
async fn private(base: &Url) -> Option<Finding> {
    let figures = fetch(base, "metrics").await.ok()?;
    String::from_utf8_lossy(&figures).contains("podseed_build_info").then(|| {
        Finding::error(
            "site.private",
            format!("publish.base_url {base}"),
            "/metrics and /status.json are told there to everybody, with what is not published",
            "let the web server in front add X-Forwarded-For, or write `private: []` under `server`",
        )
    })
}

async fn fetch(base: &Url, path: &str) -> Result<Vec<u8>, String> {
    let url = base.join(path).map_err(|error| error.to_string())?;
    // The user's own address: it may well be in the local network.
    let http = Http::new(Options::default()).map_err(|error| chain(&error))?.trusting(base);
    let response = http.get(Request::document(url), &Meter::new()).await.map_err(|error| chain(&error))?;
    response.body.collect(LARGEST_PROBE).await.map_err(|error| chain(&error))
}
