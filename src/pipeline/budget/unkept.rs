//! Rules of the budget that cannot be kept: on record, and told once.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::model::budget::{Cause, Shortfall, Verdict};
use crate::model::{NoticeKind, Trouble};
use crate::pipeline::monitor::Event;
use crate::pipeline::{Error, Pipeline};
use crate::store::{self, Store};
use crate::units::ByteSize;

/// What the trouble is about that they are.
const KEEP: &str = "keep";
/// The name under which the state has them.
const SETTING: &str = "unkept";

/// A rule that cannot be kept, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unkept {
    /// The rule's key.
    pub rule: String,
    /// Whether it is because nobody else is known to seed.
    pub last_seeder: bool,
    /// What else it is because of.
    pub reason: String,
    /// Files that stay therefore.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Unkept {
    /// What is so.
    pub fn text(&self) -> String {
        let (rule, size) = (&self.rule, ByteSize(self.bytes));
        let (files, stay, them) = match self.files {
            1 => ("1 file".to_owned(), "stays", "it"),
            many => (format!("{many} files"), "stay", "them"),
        };
        match (self.last_seeder, self.files) {
            (true, _) => {
                format!(
                    "{rule} is not kept: {files} ({size}) {stay}, for nobody else is known to seed {them}"
                )
            }
            (false, 0) => format!("{rule} is not kept: nothing is left that podseed could drop"),
            (false, _) => format!("{rule} is not kept: {files} ({size}) {stay}, for {}", self.reason),
        }
    }

    /// What to do.
    pub fn remedy(&self) -> &'static str {
        match (self.last_seeder, self.files) {
            (true, _) => {
                "raise the limit, or let them go with `allow_last_seeder: true`; of other seeders podseed knows by \
                 `torrent.trackers`"
            }
            (false, 0) => "raise the limit, or make room",
            (false, _) => {
                "raise the limit, or take them out of the client yourself and then use `podseed takedown --delete-data`"
            }
        }
    }

    /// What makes it another cause, and not only another number.
    fn cause(&self) -> (&str, bool, &str) {
        (&self.rule, self.last_seeder, &self.reason)
    }
}

impl From<&Shortfall> for Unkept {
    fn from(shortfall: &Shortfall) -> Self {
        let (rule, files, bytes) = (shortfall.rule.clone(), shortfall.files, shortfall.bytes);
        let reason = match &shortfall.cause {
            Cause::Bound(reason) => reason.clone(),
            Cause::LastSeeder | Cause::NothingLeft => String::new(),
        };
        Self { rule, last_seeder: shortfall.cause == Cause::LastSeeder, reason, files, bytes }
    }
}

/// The rules that could not be kept at the last round.
pub async fn unkept(store: &Store) -> Result<Vec<Unkept>, store::Error> {
    let text = store.setting(SETTING).await?.unwrap_or_default();
    Ok(serde_json::from_str(&text).unwrap_or_default())
}

impl Pipeline {
    /// Records the rules that cannot be kept, and tells of those that could be before.
    pub(super) async fn tell_unkept(&self, verdict: &Verdict) -> Result<(), Error> {
        let now: Vec<Unkept> = verdict.shortfalls.iter().map(Unkept::from).collect();
        match now.first() {
            Some(first) => {
                let (error, remedy) = (first.text(), first.remedy().to_owned());
                let (kind, subject) = (NoticeKind::Disk, KEEP.to_owned());
                self.raise(&Trouble { kind, subject, error, remedy }).await?;
            }
            None => self.settle(NoticeKind::Disk, KEEP).await?,
        }
        let before = unkept(&self.store).await?;
        if now == before {
            return Ok(());
        }
        let told: BTreeSet<_> = before.iter().map(Unkept::cause).collect();
        for unkept in now.iter().filter(|unkept| !told.contains(&unkept.cause())) {
            let text = format!("{}; {}", unkept.text(), unkept.remedy());
            self.monitor.event(&Event::SpaceShort { text });
        }
        let text = serde_json::to_string(&now).unwrap_or_default();
        Ok(self.store.record_setting(SETTING, &text).await?)
    }
}
