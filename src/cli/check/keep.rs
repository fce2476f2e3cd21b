//! What is kept: rules that could not be kept when podseed last ran.

use super::Finding;
use crate::config::Config;
use crate::pipeline::{self, DataFolder};
use crate::store::Store;

pub(super) async fn check(config: &Config, findings: &mut Vec<Finding>) {
    if config.keep.is_none() && config.shows.iter().all(|show| show.keep.is_none()) {
        return;
    }
    let Ok(store) = Store::open_existing(&DataFolder::new(&config.data_dir).state()).await else { return };
    let unkept = pipeline::unkept(&store).await.unwrap_or_default();
    if unkept.is_empty() {
        findings.push(Finding::ok("keep.kept", "keep", "its rules are kept"));
    }
    for unkept in unkept {
        let id = if unkept.last_seeder { "keep.last_seeder" } else { "keep.unreachable" };
        findings.push(Finding::warning(id, unkept.rule.clone(), unkept.text(), unkept.remedy()));
    }
}
