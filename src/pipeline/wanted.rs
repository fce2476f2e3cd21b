//! Between reading and fetching: which of the known episodes are wanted, which file names repeat, and of which files
//! the publisher offers torrents himself.

use std::collections::HashSet;

use super::{Error, Pipeline};
use crate::feed;
use crate::model::{EnclosureId, Selection, name};
use crate::store::{KnownItem, Recording, ShowId, Verdict};

/// The rules of a selection in a form that changes when they do.
pub(super) fn rules(selection: &Selection) -> String {
    format!("{selection:?}")
}

fn record(verdict: feed::Verdict, known: &KnownItem, selection: &Selection) -> Verdict {
    let (reason, wanted) = match verdict {
        feed::Verdict::Unwanted(reason) => (reason, Vec::new()),
        feed::Verdict::Wanted(enclosures) => {
            let announced = || known.item.enclosures.iter().zip(&known.enclosures);
            let id = |url: &str| announced().find(|(announced, _)| announced.url == url).map(|(_, id)| *id);
            let wanted = enclosures.iter().filter_map(|enclosure| id(&enclosure.url)).collect();
            (wanted_by(selection), wanted)
        }
    };
    Verdict { episode: known.episode, reason, wanted }
}

fn unwanted(verdict: &Verdict, reason: &str) -> Verdict {
    Verdict { episode: verdict.episode, reason: reason.to_owned(), wanted: Vec::new() }
}

fn wanted_by(selection: &Selection) -> String {
    match selection.latest {
        Some(1) => "the newest that passes the rules".to_owned(),
        Some(latest) => format!("among the latest {latest}"),
        None => "passes every rule".to_owned(),
    }
}

/// What was taken down keeps its place among the latest, and is not wanted. `None`: the whole show was.
fn without_withdrawn(withdrawn: Option<&HashSet<i64>>, verdicts: Vec<Verdict>) -> Vec<Verdict> {
    let judged = verdicts.into_iter().map(|verdict| match withdrawn {
        None => unwanted(&verdict, "its show was taken down"),
        Some(episodes) if episodes.contains(&verdict.episode) => unwanted(&verdict, "it was taken down"),
        Some(_) => verdict,
    });
    judged.collect()
}

impl Pipeline {
    /// Judges every known episode of a show and records the verdicts with these rules. Gives how many enclosures are
    /// newly wanted and to be fetched.
    pub(super) async fn judge(
        &self,
        recording: &mut Recording,
        show: ShowId,
        known: &[KnownItem],
        selection: &Selection,
        rules: &str,
    ) -> Result<u64, Error> {
        let items: Vec<_> = known.iter().map(|known| known.item.clone()).collect();
        let verdicts: Vec<Verdict> = feed::select(&items, selection)
            .into_iter()
            .zip(known)
            .map(|(verdict, known)| record(verdict, known, selection))
            .collect();
        let withdrawn = recording.withdrawn(show).await?;
        let verdicts = without_withdrawn(withdrawn.as_ref(), verdicts);
        let enclosures =
            || known.iter().flat_map(|known| known.item.enclosures.iter().zip(&known.enclosures));
        let mut seen = HashSet::new();
        let distinct =
            enclosures().filter(|(_, id)| seen.insert(**id)).map(|(enclosure, _)| enclosure.url.as_str());
        let names = name::repeated_names(distinct);
        let repeated: HashSet<EnclosureId> = enclosures()
            .filter(|(enclosure, _)| names.contains_url(&enclosure.url))
            .map(|(_, id)| *id)
            .collect();
        let offers: Vec<(EnclosureId, String)> = known
            .iter()
            .flat_map(|known| {
                let files = known.item.enclosures.iter().zip(&known.enclosures);
                files.filter(|(file, _)| !feed::is_torrent(file)).filter_map(|(file, id)| {
                    feed::official_torrent(&known.item, file).map(|torrent| (*id, torrent.url.clone()))
                })
            })
            .collect();
        let is_news =
            |(verdict, known): (Verdict, &KnownItem)| (!known.is_judged(&verdict)).then_some(verdict);
        let verdicts: Vec<Verdict> = verdicts.into_iter().zip(known).filter_map(is_news).collect();
        recording.record_offers(&offers).await?;
        Ok(recording.record_verdicts(show, rules, &verdicts, &repeated).await?)
    }
}
