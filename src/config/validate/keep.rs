//! `keep:`, of all shows and of one.

use super::Context;
use crate::config::file;
use crate::config::finding::KeyPath;
use crate::model::KeepRules;

/// `all` is what is kept of all shows together, where these are the rules of one.
pub(super) fn rules(
    written: &file::Keep,
    at: &KeyPath,
    all: Option<&KeepRules>,
    context: &mut Context<'_>,
) -> KeepRules {
    let zero = [
        ("latest", written.latest == Some(0)),
        ("max_age", written.max_age.is_some_and(|age| age.0.is_zero())),
        ("total_size", written.total_size.is_some_and(|size| size.0 == 0)),
    ];
    for (key, _) in zero.iter().filter(|(_, zero)| *zero) {
        let hint = "write more than 0; `podseed takedown --delete-data` removes a show";
        context.findings.error("config.value", &at.key(key), "nothing would be kept at all", hint);
    }
    KeepRules {
        latest: written.latest.map(|latest| latest as usize),
        max_age: written.max_age.map(|age| age.0),
        total_size: written.total_size.map(|size| size.0),
        allow_last_seeder: written
            .allow_last_seeder
            .unwrap_or_else(|| all.is_some_and(|all| all.allow_last_seeder)),
    }
}
