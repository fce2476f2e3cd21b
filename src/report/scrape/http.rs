//! BEP 48: a GET beside the announce URL, several info hashes at a time.

use tokio::time::timeout;
use url::Url;

use super::answer::{self, Answer};
use super::{Error, PATIENCE, Swarm, SwarmHash, refused};
use crate::http::{Http, Meter, Request};

/// As many hashes as fit into an address of 4 KB; opentracker takes up to 64 at a time.
const AT_ONCE: usize = 50;
/// An entry has some 100 bytes. A tracker that tells of every torrent it has, whatever it is asked, is not read.
const LONGEST_ANSWER: u64 = 256 << 10;

pub(super) async fn scrape(
    http: &Http,
    tracker: &Url,
    hashes: &[SwarmHash],
    swarms: &mut Vec<(SwarmHash, Swarm)>,
) -> Result<(), Error> {
    let address = scrape_url(tracker).ok_or_else(|| Error::Unscrapable(tracker.clone().into()))?;
    for batch in hashes.chunks(AT_ONCE) {
        let answer = timeout(PATIENCE, get(http, with_hashes(&address, batch)))
            .await
            .map_err(|_| Error::Silent(tracker.clone().into()))?
            .map_err(|source| Error::Http { tracker: tracker.clone().into(), source: source.into() })?;
        match answer::read(&answer) {
            Some(Answer::Swarms(told)) => {
                let told = |hash: &SwarmHash| told.get(hash).copied().unwrap_or_default();
                swarms.extend(batch.iter().map(|hash| (*hash, told(hash))));
            }
            Some(Answer::Refusal(words)) => return Err(refused(tracker, words)),
            None => return Err(Error::Malformed(tracker.clone().into())),
        }
    }
    Ok(())
}

async fn get(http: &Http, url: Url) -> Result<Vec<u8>, crate::http::Error> {
    let request = Request { patience: PATIENCE / 2, ..Request::document(url) };
    http.get(request, &Meter::new()).await?.body.collect(LONGEST_ANSWER).await
}

/// Where to ask, with what else the user has written into the query (a passkey). `announce.php` has its `scrape.php`.
fn scrape_url(announce: &Url) -> Option<Url> {
    let (folder, last) = announce.path().rsplit_once('/')?;
    let rest = last.strip_prefix("announce")?;
    let mut url = announce.clone();
    url.set_path(&format!("{folder}/scrape{rest}"));
    Some(url)
}

fn with_hashes(address: &Url, hashes: &[SwarmHash]) -> Url {
    let escaped = |hash: &SwarmHash| {
        let bytes: String = hash.iter().map(|byte| format!("%{byte:02X}")).collect();
        format!("info_hash={bytes}")
    };
    let before = address.query().filter(|query| !query.is_empty()).map(str::to_owned);
    let query: Vec<String> = before.into_iter().chain(hashes.iter().map(escaped)).collect();
    let mut url = address.clone();
    url.set_query(Some(&query.join("&")));
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scrape_stands_where_announce_did_or_nowhere() {
        for (announce, scrape) in [
            ("http://t.example/announce", Some("http://t.example/scrape")),
            ("http://t.example/x/announce", Some("http://t.example/x/scrape")),
            ("http://t.example:6969/announce.php", Some("http://t.example:6969/scrape.php")),
            ("https://t.example/announce?passkey=a%2Fb", Some("https://t.example/scrape?passkey=a%2Fb")),
            ("http://t.example/a", None),
            ("http://t.example/", None),
            ("http://t.example/announce/", None),
            ("http://t.example/xannounce", None),
            ("http://t.example/?x=/announce", None),
        ] {
            let url = scrape_url(&announce.parse().unwrap());
            assert_eq!(url.as_ref().map(Url::as_str), scrape, "{announce}");
        }
    }

    #[test]
    fn every_byte_of_a_hash_is_escaped_and_what_was_in_the_query_stays() {
        let address: Url = "http://t.example/scrape?passkey=s3cret".parse().unwrap();
        let hashes: [SwarmHash; 2] = [[b'&'; 20], [0xff; 20]];
        let expected = format!(
            "http://t.example/scrape?passkey=s3cret&info_hash={}&info_hash={}",
            "%26".repeat(20),
            "%FF".repeat(20)
        );
        assert_eq!(with_hashes(&address, &hashes).as_str(), expected);
        assert!(with_hashes(&address, &[[0xff; 20]; AT_ONCE]).as_str().len() < 4096);
    }
}
