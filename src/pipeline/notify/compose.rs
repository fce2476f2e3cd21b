//! What is due becomes notices, in words for people and fields for programs, and each is put down for every channel
//! that wants it. Nothing secret gets into one: addresses lose their credentials, and texts what is in none of a line.

use std::path::Path;

use jiff::Timestamp;

use super::due::{DAY, News, is_over, news};
use super::{Collect, Error, Pipeline};
use crate::model::{Notice, NoticeKind, NoticedEpisode, NoticedHash, Trouble};
use crate::secret::public_url;
use crate::store::{Audience, Channel, TroubleRecord, UntoldEpisode};

/// Episodes that are told of in one round; the next one goes on.
const MOST: u64 = 2000;
/// Episodes that are listed in a notice.
const LISTED: usize = 20;
/// Shows, or feeds, that get a notice of their own in one round; if there are more, all get one together.
const APART: usize = 10;
/// Characters of a title.
const TITLE: usize = 200;
/// Characters of an error, a guid, or what else is a text of others.
const TEXT: usize = 1000;
/// Characters of a magnet link.
const MAGNET: usize = 4000;

impl Pipeline {
    /// Puts down what is due.
    pub(super) async fn compose_notices(&self, collect: Collect) -> Result<(), Error> {
        let now = self.clock.now();
        for kind in [NoticeKind::Seeding, NoticeKind::Failed] {
            self.compose_for_hooks(kind, now).await?;
            self.compose_for_people(kind, collect, now).await?;
        }
        self.compose_troubles(collect, now).await?;
        let yesterday = now.checked_sub(DAY).unwrap_or(Timestamp::MIN);
        self.store.forget_told_failures(yesterday).await?;
        Ok(self.store.forget_troubles(yesterday).await?)
    }

    async fn compose_for_hooks(&self, kind: NoticeKind, now: Timestamp) -> Result<(), Error> {
        let untold = self.store.untold_episodes(kind, Audience::Hooks, MOST).await?;
        if untold.is_empty() {
            return Ok(());
        }
        let outgoing: Vec<_> = match self.channels_for(kind).contains(&Channel::Hook) {
            true => untold.iter().map(|one| (Channel::Hook, self.notice_of(kind, &[one], now))).collect(),
            false => Vec::new(),
        };
        let told: Vec<_> = untold.iter().map(|episode| episode.enclosure).collect();
        Ok(self.store.record_told((kind, Audience::Hooks), &told, &outgoing, now).await?)
    }

    async fn compose_for_people(
        &self,
        kind: NoticeKind,
        collect: Collect,
        now: Timestamp,
    ) -> Result<(), Error> {
        let untold = self.store.untold_episodes(kind, Audience::People, MOST).await?;
        let channels = self.channels_for(kind);
        let people: Vec<Channel> = channels.into_iter().filter(|channel| *channel != Channel::Hook).collect();
        let nobody_waits = people.is_empty() || untold.len() as u64 == MOST;
        let collect = if nobody_waits { Collect::NoMore } else { collect };
        if !self.is_collected(kind.as_str(), untold.len(), collect, now).await? {
            return Ok(());
        }
        let mut outgoing = Vec::new();
        for group in groups(&untold).into_iter().filter(|_| !people.is_empty()) {
            let notice = self.notice_of(kind, &group, now);
            outgoing.extend(people.iter().map(|channel| (*channel, notice.clone())));
        }
        let told: Vec<_> = untold.iter().map(|episode| episode.enclosure).collect();
        self.store.record_told((kind, Audience::People), &told, &outgoing, now).await?;
        Ok(self.store.close_notice_window(kind.as_str()).await?)
    }

    /// Whether there is something of a topic, and it is time to tell of it.
    async fn is_collected(
        &self,
        topic: &str,
        waiting: usize,
        collect: Collect,
        now: Timestamp,
    ) -> Result<bool, Error> {
        if collect == Collect::NoMore {
            return Ok(waiting > 0);
        }
        let window = self.store.notice_window(topic, waiting as u64, now).await?;
        Ok(window.is_some_and(|window| is_over(window, now)))
    }

    async fn compose_troubles(&self, collect: Collect, now: Timestamp) -> Result<(), Error> {
        let (mut feeds, mut over, mut others) = (Vec::new(), Vec::new(), Vec::new());
        for record in self.store.troubles().await? {
            match (record.trouble.kind, news(&record, now)) {
                (_, None) => {}
                (NoticeKind::Feed, Some(News::Trouble)) => feeds.push(record),
                (NoticeKind::Feed, Some(News::Recovery)) => over.push(record),
                (_, Some(_)) => others.push(record),
            }
        }
        // Feeds are asked one after the other, so a network that is away shows by and by.
        for (topic, records) in [("feed", feeds), ("feed recovered", over)] {
            if self.is_collected(topic, records.len(), collect, now).await? {
                self.compose_feeds(&records, now).await?;
                self.store.close_notice_window(topic).await?;
            }
        }
        for record in &others {
            let notice = self.is_managed(&record.trouble).then(|| self.notice_of_one(record, now));
            self.put_down(record, notice, now).await?;
        }
        Ok(())
    }

    /// One notice for each, or for all where there are many.
    async fn compose_feeds(&self, records: &[TroubleRecord], now: Timestamp) -> Result<(), Error> {
        let together = (records.len() > APART).then(|| self.notice_of_many(records, now)).flatten();
        for (index, record) in records.iter().enumerate() {
            let notice = match &together {
                Some(notice) => (index == 0).then(|| notice.clone()),
                None => self.is_managed(&record.trouble).then(|| self.notice_of_one(record, now)),
            };
            self.put_down(record, notice, now).await?;
        }
        Ok(())
    }

    async fn put_down(
        &self,
        record: &TroubleRecord,
        notice: Option<Notice>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let outgoing: Vec<_> = match notice {
            Some(notice) => {
                let channels = self.channels_for(notice.kind).into_iter();
                channels.map(|channel| (channel, notice.clone())).collect()
            }
            None => Vec::new(),
        };
        Ok(self.store.record_trouble_told(record, &outgoing, now).await?)
    }

    /// By which a kind of notice goes out.
    fn channels_for(&self, kind: NoticeKind) -> Vec<Channel> {
        let notices = &self.config.notices;
        let wanted = |channel: &Channel| match channel {
            Channel::Hook => notices.hooks.contains_key(&kind),
            Channel::Webhook | Channel::Ntfy => notices.on.contains(&kind),
        };
        self.channels().into_iter().filter(wanted).collect()
    }

    /// That something is well again which has left the configuration is no news.
    fn is_managed(&self, trouble: &Trouble) -> bool {
        match trouble.kind {
            NoticeKind::Feed => self.config.show(&trouble.subject).is_some(),
            NoticeKind::Client | NoticeKind::Torrents => self.clients.contains_key(&trouble.subject),
            _ => true,
        }
    }

    /// A notice of some episodes, of one show or of several.
    fn notice_of(&self, kind: NoticeKind, episodes: &[&UntoldEpisode], now: Timestamp) -> Notice {
        let first = episodes.first().copied();
        let one_show = first.filter(|first| episodes.iter().all(|episode| episode.show == first.show));
        let failed = kind == NoticeKind::Failed;
        let slug = one_show.map(|episode| episode.show.as_str());
        let remedy =
            "`podseed status` shows all of them, `podseed retry` tries again, `podseed forget` lets go";
        let error = episodes.iter().find_map(|episode| episode.error.as_deref());
        Notice {
            kind,
            time: now,
            summary: summary(kind, episodes, one_show),
            show: slug.map(str::to_owned),
            show_title: one_show.map(title_of_show),
            client: None,
            error: error.filter(|_| failed).map(|error| text(error, TEXT)),
            remedy: failed.then(|| remedy.to_owned()),
            page: one_show.filter(|show| show.published).and_then(|show| self.page(&show.show)),
            count: episodes.len() as u64,
            episodes: episodes.iter().take(LISTED).map(|episode| self.noticed(episode, failed)).collect(),
        }
    }

    fn noticed(&self, episode: &UntoldEpisode, failed: bool) -> NoticedEpisode {
        let folder = self.folder();
        let path = |path: &Path| path.to_string_lossy().into_owned();
        let has_torrent = episode.info_hash_v1.is_some() || episode.info_hash_v2.is_some();
        let file = episode.file.as_deref();
        let ours = || file.map(|file| path(&folder.show_media(&episode.show).join(file)));
        NoticedEpisode {
            guid: episode.guid.as_deref().map(|guid| text(guid, TEXT)),
            title: line(&episode.title, TITLE),
            file: episode.own_path.clone().or_else(ours),
            torrent: file.filter(|_| has_torrent).map(|file| path(&folder.torrent(&episode.show, file))),
            info_hash: NoticedHash { v1: episode.info_hash_v1.clone(), v2: episode.info_hash_v2.clone() },
            magnet: episode.magnet.clone().filter(|magnet| magnet.len() <= MAGNET),
            error: episode.error.as_deref().filter(|_| failed).map(|error| text(error, TEXT)),
        }
    }

    fn notice_of_one(&self, record: &TroubleRecord, now: Timestamp) -> Notice {
        let trouble = &record.trouble;
        let is_over = record.ended.is_some();
        let subject = || Some(trouble.subject.clone());
        let what = match trouble.kind {
            NoticeKind::Feed => format!("the feed of {} cannot be read", trouble.subject),
            NoticeKind::Client => format!("{} cannot be reached or refuses the login", trouble.subject),
            NoticeKind::Torrents => format!("{} does not seed all that it was given", trouble.subject),
            NoticeKind::Disk => "there is not enough room on the disk".to_owned(),
            NoticeKind::Configuration => "a changed configuration was refused, the old one stays".to_owned(),
            other => other.to_string(),
        };
        Notice {
            kind: if is_over { NoticeKind::Recovered } else { trouble.kind },
            time: now,
            summary: if is_over { format!("over: {what}") } else { what },
            show: subject().filter(|_| trouble.kind == NoticeKind::Feed),
            show_title: None,
            client: subject().filter(|_| matches!(trouble.kind, NoticeKind::Client | NoticeKind::Torrents)),
            error: (!is_over).then(|| text(&trouble.error, TEXT)),
            remedy: (!is_over).then(|| text(&trouble.remedy, TEXT)),
            page: None,
            count: 0,
            episodes: Vec::new(),
        }
    }

    /// When many feeds go wrong at once, it is one thing: the network, most of the time.
    fn notice_of_many(&self, records: &[TroubleRecord], now: Timestamp) -> Option<Notice> {
        let first = records.first()?;
        let one = self.notice_of_one(first, now);
        let (number, is_over) = (records.len(), first.ended.is_some());
        let what = format!("{number} feeds cannot be read");
        let some: Vec<_> = records.iter().take(APART).map(|record| record.trouble.subject.as_str()).collect();
        let error = format!("{} and {} more; {}", some.join(", "), number - some.len(), first.trouble.error);
        Some(Notice {
            summary: if is_over { format!("over: {what}") } else { what },
            show: None,
            error: (!is_over).then(|| text(&error, TEXT)),
            remedy: (!is_over).then(|| "look at the network first; `podseed status` shows which".to_owned()),
            ..one
        })
    }

    fn page(&self, show: &str) -> Option<String> {
        let base = self.config.publish.base_url.as_ref()?;
        base.join(&format!("{show}/")).ok().map(String::from)
    }
}

fn summary(kind: NoticeKind, episodes: &[&UntoldEpisode], one_show: Option<&UntoldEpisode>) -> String {
    let what = match (kind, episodes.len()) {
        (NoticeKind::Seeding, 1) => "is seeding",
        (NoticeKind::Seeding, _) => "are seeding",
        (_, 1) => "needs you",
        _ => "need you",
    };
    match (episodes, one_show) {
        ([one], _) => format!("{}: \"{}\" {what}", title_of_show(one), line(&one.title, TITLE)),
        (all, Some(show)) => format!("{} episodes of {} {what}", all.len(), title_of_show(show)),
        (all, None) => format!("{} episodes of several shows {what}", all.len()),
    }
}

fn title_of_show(episode: &UntoldEpisode) -> String {
    let title = line(&episode.show_title, TITLE);
    if title.is_empty() { episode.show.clone() } else { title }
}

/// By show, as they come; all together where there are too many shows.
fn groups(episodes: &[UntoldEpisode]) -> Vec<Vec<&UntoldEpisode>> {
    let groups: Vec<Vec<_>> =
        episodes.chunk_by(|one, next| one.show == next.show).map(|group| group.iter().collect()).collect();
    if groups.len() > APART { vec![episodes.iter().collect()] } else { groups }
}

/// A text of others as one line, without the credentials of addresses in it.
fn text(text: &str, most: usize) -> String {
    let word = |word: &str| match word.find("http://").or_else(|| word.find("https://")) {
        Some(at) => {
            let (before, address) = word.split_at(at);
            let end = address.trim_end_matches([',', ';', ':', '.', ')', '"', '\'', '>']).len();
            let (address, after) = address.split_at(end);
            format!("{before}{}{after}", public_url(address))
        }
        None => word.to_owned(),
    };
    let words: Vec<_> = text.split_whitespace().map(word).collect();
    line(&words.join(" "), most)
}

/// One line of bounded length, without what moves a cursor or turns the direction of reading.
fn line(text: &str, most: usize) -> String {
    let is_seen = |c: &char| !matches!(c, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    let clean: String = text.chars().filter(is_seen).map(|c| if c.is_control() { ' ' } else { c }).collect();
    let line = clean.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_others_are_one_line_without_credentials() {
        let hostile = "One\u{202e}\u{1b}[2J\r\nX: y  https://me:pa55@h.test/a?token=s3cret, (http://h.test/?key=s3cret)";
        let expected = "One [2J X: y https://h.test/a?token=***, (http://h.test/?key=***)";
        assert_eq!(text(hostile, 500), expected);
        assert_eq!(line(&"ü".repeat(500), 200), "ü".repeat(200) + "…");
        assert_eq!(line("  ", 10), "");
    }
}
