//! Which episodes stand on which page.
//!
//! Older pages are fixed blocks of a hundred, counted from the oldest episode: what is on them changes only when
//! something old does. The newest page holds what is left, at least fifty and at most 149.

use std::ops::Range;

/// Episodes of an older page.
const BLOCK: usize = 100;
/// So many stay on the newest page when a block is taken off it.
const LEAST: usize = 50;

/// The pages of a show with so many episodes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paging {
    episodes: usize,
}

impl Paging {
    pub(super) fn of(episodes: usize) -> Self {
        Self { episodes }
    }

    /// How many older pages there are; they are numbered from 1, the oldest.
    pub(super) fn older_pages(self) -> usize {
        self.episodes.saturating_sub(LEAST) / BLOCK
    }

    /// The episodes of a page, as they stand in a list with the newest first.
    pub(super) fn range(self, page: Option<usize>) -> Range<usize> {
        match page {
            None => 0..self.episodes - self.older_pages() * BLOCK,
            Some(page) => self.episodes - page * BLOCK..self.episodes - (page - 1) * BLOCK,
        }
    }

    /// The page before this one in time.
    pub(super) fn older(self, page: Option<usize>) -> Option<usize> {
        page.map_or(self.older_pages(), |page| page - 1).checked_sub(1).map(|older| older + 1)
    }

    /// The page after an older one; `None` is the newest.
    pub(super) fn newer(self, page: usize) -> Option<usize> {
        (page < self.older_pages()).then_some(page + 1)
    }
}

/// The file of a page.
pub(super) fn file_name(page: Option<usize>) -> String {
    page.map_or_else(|| "index.html".to_owned(), |page| format!("page-{page}.html"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_episode_is_on_exactly_one_page() {
        for episodes in 0..1200 {
            let paging = Paging::of(episodes);
            let older = (1..=paging.older_pages()).rev().map(Some);
            let on_pages: Vec<usize> =
                std::iter::once(None).chain(older).flat_map(|page| paging.range(page)).collect();
            assert_eq!(on_pages, (0..episodes).collect::<Vec<_>>());
            assert!(paging.range(None).len() < BLOCK + LEAST);
            assert!(paging.older_pages() == 0 || paging.range(None).len() >= LEAST);
        }
    }

    #[test]
    fn a_new_episode_leaves_older_pages_as_they_are() {
        let (before, after) = (Paging::of(1000), Paging::of(1001));
        let from_oldest = |paging: Paging, page| {
            let range = paging.range(Some(page));
            (paging.episodes - range.end, paging.episodes - range.start)
        };
        for page in 1..=before.older_pages() {
            assert_eq!(from_oldest(before, page), from_oldest(after, page));
        }
    }

    #[test]
    fn pages_lead_to_their_neighbours() {
        let paging = Paging::of(250);
        assert_eq!(paging.older_pages(), 2);
        assert_eq!(
            [paging.older(None), paging.older(Some(2)), paging.older(Some(1))],
            [Some(2), Some(1), None]
        );
        assert_eq!([paging.newer(1), paging.newer(2)], [Some(2), None]);
        assert_eq!(Paging::of(149).older(None), None);
    }
}
