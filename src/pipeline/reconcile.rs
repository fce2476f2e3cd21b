//! Reconciling: what clients were once seen to seed is asked of them again.
//!
//! Nothing is started, added or removed at a client here. What it has lost waits for the hand-over; what somebody has
//! stopped or removed there is told to the user, and is his to decide.

use std::time::Duration;

use futures_util::future::try_join_all;
use jiff::Timestamp;
use podseed_adapters::{ClientConfig, Retry};
use tokio::sync::OnceCell;

use super::data::Data;
use super::monitor::Event;
use super::{Error, PassOptions, Pipeline, Target, schedule};
use crate::config;
use crate::handover::{self, Client, Held, Listed, Look, judge};
use crate::model::{Counted, NoticeKind, PlacementReport, PlacementState, Problem};
use crate::store::{Judged, Settled};

/// So that others get their turn to write.
const IN_ONE_TRANSACTION: usize = 1_000;
/// More than so many are told of in one line.
const IN_SINGLE_LINES: usize = 20;
/// The name of a round in which every client has answered.
const ROUND: &str = "clients_asked";

impl Pipeline {
    /// Whether there is a client that was not asked within `verify_interval`, or did not answer then.
    pub(super) async fn is_reconciling_due(&self) -> Result<bool, Error> {
        Ok(!self.was_made(ROUND, self.config.verify_interval).await?)
    }

    /// What a pass looks at: everything, or nothing where it is patient and has been done just now. Where no client can
    /// be asked, nothing of other shows depends on it, and a pass of named shows looks at their files alone.
    pub(super) async fn reconcile_for(&self, targets: &[Target], options: &PassOptions) -> Result<(), Error> {
        if options.patient && !self.is_reconciling_due().await? {
            return Ok(());
        }
        let is_for_all = options.whole || options.patient;
        if is_for_all || self.clients.values().any(|client| !self.only_watches(client)) {
            return self.reconcile().await;
        }
        let mut shows = Vec::new();
        for target in targets {
            let feed = target.feed.to_string();
            shows.extend(self.store.show_at(target.slug.as_deref(), &feed).await?);
        }
        self.look_at_data(Some(&shows)).await.map(drop)
    }

    /// Asks every client once for everything that it has, all at once, and records what that says of our torrents and
    /// of the figures; and looks whether the files are still there. One that is away delays nothing.
    pub async fn reconcile(&self) -> Result<(), Error> {
        let began = self.clock.now();
        let round = async {
            let data = self.look_at_data(None).await?;
            let counted = OnceCell::new();
            let asked = self.clients.values().filter(|client| !self.only_watches(client));
            let asked = asked.map(|client| self.reconcile_with(client, &data, &counted));
            let have_answered = try_join_all(asked).await?.into_iter().all(|has_answered| has_answered);
            if have_answered {
                self.record_made(ROUND, began).await?;
            }
            Ok(())
        };
        tokio::select! {
            outcome = round => outcome,
            () = self.stop.cancelled() => Ok(()),
        }
    }

    /// Whether a client only watches a folder, and cannot be asked for anything.
    fn only_watches(&self, client: &Client) -> bool {
        let watches = |settings: &config::Client| matches!(settings.adapter, ClientConfig::WatchDir(_));
        self.config.clients.iter().any(|settings| settings.name == client.name() && watches(settings))
    }

    /// Says whether the client has answered.
    async fn reconcile_with(
        &self,
        client: &Client,
        data: &Data,
        counted: &OnceCell<Vec<Counted>>,
    ) -> Result<bool, Error> {
        let settled = self.store.settled(client.name()).await?;
        // The time before it is asked: what it confirms it has confirmed then.
        let now = self.clock.now();
        let held: Vec<Held> = settled.iter().map(held).collect();
        let listed = client.settled_list(&held).await;
        client.forget_failures().await;
        match listed {
            Ok(Some(listed)) => {
                self.settle(NoticeKind::Client, client.name()).await?;
                if client.is_back() {
                    self.welcome(client.name()).await?;
                }
                let counted = counted.get_or_try_init(|| self.store.counted()).await?;
                self.count_given(client.name(), &listed, (counted, &settled), now).await?;
                let round = Round { client, settled: &settled, held: &held, data, now };
                self.record_round(&round, &listed).await.map(|()| true)
            }
            Ok(None) => Ok(true),
            Err(problem) => {
                self.tell_of_absence(client.name(), &problem);
                self.client_is_away(client.name(), &problem).await.map(|()| false)
            }
        }
    }

    /// One that is away for a while needs nobody; one that does not let us in does.
    fn tell_of_absence(&self, client: &str, problem: &handover::Problem) {
        let is_news = self.said.note_absence(client, self.clock.now());
        if problem.needs_the_user {
            return self.complain(&problem.message);
        }
        if is_news {
            let error = problem.message.strip_prefix(&format!("{client}: ")).unwrap_or(&problem.message);
            let (client, error) = (client.to_owned(), error.to_owned());
            self.monitor.event(&Event::ClientAway { client, error });
        }
    }

    async fn record_round(&self, round: &Round<'_>, listed: &[Listed]) -> Result<(), Error> {
        let looks = judge(round.client.name(), round.held, listed, round.now);
        let (mut confirmed, mut judged) = (Vec::new(), Vec::new());
        for (before, look) in round.settled.iter().zip(looks) {
            let Some(look) = look.filter(|_| !round.data.is_away(before.enclosure)) else { continue };
            let look = round.with_data(before, look);
            if is_news(before, &look) {
                judged.push(self.judged(before, look, round));
            } else if look.state == PlacementState::Seeding {
                confirmed.push(before.id);
            }
        }
        self.store.record_round(&confirmed, &[], round.now).await?;
        for some in judged.chunks(IN_ONE_TRANSACTION) {
            self.store.record_round(&[], some, round.now).await?;
        }
        if judged.iter().any(|judged| judged.report.state == PlacementState::Pending) {
            round.client.forget().await;
        }
        // What is wrong with a file was said of the file.
        judged.retain(|judged| round.data.fault(judged.before.enclosure).is_none());
        self.tell_of_round(round.client.name(), &judged);
        Ok(())
    }

    fn judged<'a>(&self, before: &'a Settled, look: Look, round: &Round<'_>) -> Judged<'a> {
        let client = round.client.name();
        let story = match &look.problem {
            Some(problem) => problem.message.clone(),
            None if look.state == PlacementState::Pending => {
                format!("{client}: it is not there any more, so it is handed over again")
            }
            None => format!("{client}: {}", look.state),
        };
        let problem = look.problem.map(|problem| self.planned(problem, round.now));
        // What it has given is counted with the figures.
        let report =
            PlacementReport { state: look.state, memory: look.memory, uploaded_bytes: None, problem };
        Judged { before, report, story }
    }

    /// Each round looks by itself; who hands over need not look more often.
    fn planned(&self, problem: handover::Problem, now: Timestamp) -> Problem {
        let after = |wait: Duration| Some(schedule::after(now, wait));
        let next_attempt = match problem.retry {
            Retry::Never => None,
            Retry::Later => after(self.config.verify_interval),
            Retry::After(wait) => after(wait),
        };
        Problem { message: problem.message, next_attempt, asked_to_wait: false }
    }

    /// Tells of what is not as it was: of each by itself, or of many in one line.
    fn tell_of_round(&self, client: &str, judged: &[Judged<'_>]) {
        let is_lost = |judged: &&Judged<'_>| judged.report.state == PlacementState::Pending;
        let lost: Vec<_> = judged.iter().filter(is_lost).collect();
        if let Some(first) = lost.first() {
            let text = match lost.len() {
                1 => {
                    format!("{client}: {} is not there any more; it is handed over again", first.before.file)
                }
                many => {
                    format!("{client}: {many} torrents are not there any more; they are handed over again")
                }
            };
            self.monitor.event(&Event::Warning { show: first.before.show.clone(), text });
        }
        let (stopped, troubled): (Vec<_>, Vec<_>) = judged
            .iter()
            .filter_map(|it| Some((it, it.report.problem.as_ref()?)))
            .partition(|(it, _)| it.report.state == PlacementState::Stopped);
        // Somebody wants it so, or a limit that he has set.
        if let Some((first, problem)) = stopped.first() {
            let more = match stopped.len() {
                1 => String::new(),
                2 => "; so is another".to_owned(),
                many => format!("; so are {} others", many - 1),
            };
            let text = format!("{}{more}", problem.message);
            self.monitor.event(&Event::Warning { show: first.before.show.clone(), text });
        }
        if let Some((_, first)) = troubled.first().filter(|_| troubled.len() > IN_SINGLE_LINES) {
            let many = troubled.len();
            self.complain(&format!(
                "{client}: {many} torrents are not seeded any more; `podseed status` lists them; the first: {}",
                first.message
            ));
            return;
        }
        for (judged, problem) in troubled {
            self.say_once(&judged.before.show, &judged.before.file, client, &problem.message);
        }
    }

    /// Says what is not confirmed, once.
    pub(super) fn complain(&self, error: &str) {
        if self.note_error(error) {
            self.monitor.event(&Event::Unconfirmed { error: error.to_owned() });
        }
    }
}

/// One client's part of a round.
struct Round<'a> {
    client: &'a Client,
    settled: &'a [Settled],
    held: &'a [Held],
    data: &'a Data,
    now: Timestamp,
}

impl Round<'_> {
    /// A client may not notice for long that what it seeds is gone.
    fn with_data(&self, before: &Settled, look: Look) -> Look {
        let fault = self.data.fault(before.enclosure).filter(|_| look.state == PlacementState::Seeding);
        let Some(fault) = fault else { return look };
        let message =
            format!("{}: the client says that it seeds {}, but {fault}", self.client.name(), before.file);
        let problem = Some(handover::Problem::never(message));
        Look { state: PlacementState::Failed, problem, ..look }
    }
}

/// Whether a placement is not what it was. How much is still missing of one that the client fetches is no news.
fn is_news(before: &Settled, look: &Look) -> bool {
    let problem = look.problem.as_ref().map(|problem| problem.message.as_str());
    match look.state {
        PlacementState::Waiting => (look.state, problem.is_some()) != (before.state, before.error.is_some()),
        _ => (look.state, problem) != (before.state, before.error.as_deref()),
    }
}

fn held(settled: &Settled) -> Held {
    Held {
        info_hash: settled.info_hash,
        name: settled.file.clone(),
        state: settled.state,
        memory: settled.memory,
        since: settled.since,
        confirmed: settled.confirmed,
        lost: settled.lost,
    }
}
