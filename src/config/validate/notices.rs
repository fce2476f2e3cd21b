//! `notices:` and `hooks:`.

use std::collections::BTreeMap;

use super::Context;
use super::address::web_address;
use crate::config::finding::KeyPath;
use crate::config::{DEFAULT_NOTICES, NoticeTarget, Notices, file, secrets};
use crate::model::NoticeKind;

pub(super) fn notices(written: file::Notices, hooks: file::Hooks, context: &mut Context<'_>) -> Notices {
    let at = KeyPath::default().key("notices");
    let on = match written.on {
        None => DEFAULT_NOTICES.into(),
        Some(kinds) => kinds.into_iter().flatten().collect(),
    };
    let (webhook, ntfy) = (written.webhook, written.ntfy);
    Notices {
        hooks: self::hooks(hooks, context),
        webhook: webhook.and_then(|webhook| target(webhook, &at.key("webhook"), context)),
        ntfy: ntfy.and_then(|ntfy| topic(ntfy, &at.key("ntfy"), context)),
        on,
    }
}

fn target(written: file::NoticeTarget, at: &KeyPath, context: &mut Context<'_>) -> Option<NoticeTarget> {
    let token = secrets::Named::token(written.token_file, written.token_env).read(at, context);
    // It becomes a header.
    if token.as_ref().is_some_and(|token| !token.reveal().bytes().all(|byte| byte.is_ascii_graphic())) {
        let text = "the token holds characters that no token has";
        context.findings.error("config.value", at, text, "copy the token alone, in one line");
    }
    let Some(url) = written.url.filter(|url| !url.trim().is_empty()) else {
        context.findings.missing(at, "has no `url`", "for example `url: https://example.org/podseed`");
        return None;
    };
    Some(NoticeTarget { url: web_address(&url, &at.key("url"), context)?.into(), token })
}

/// The address of a topic, as ntfy's page shows it: a server and one name behind it.
fn topic(written: file::NoticeTarget, at: &KeyPath, context: &mut Context<'_>) -> Option<NoticeTarget> {
    let target = target(written, at, context)?;
    if target.url.reveal().path().trim_matches('/').is_empty() {
        let hint = "add a name of yours that nobody guesses: https://ntfy.sh/NAME";
        context.findings.error("config.url", &at.key("url"), "names no topic", hint);
    }
    Some(target)
}

fn hooks(written: file::Hooks, context: &mut Context<'_>) -> BTreeMap<NoticeKind, Vec<String>> {
    let above = KeyPath::default().key("hooks");
    let by_kind = [
        (NoticeKind::Seeding, written.seeding),
        (NoticeKind::Failed, written.failed),
        (NoticeKind::Feed, written.feed),
        (NoticeKind::Client, written.client),
        (NoticeKind::Torrents, written.torrents),
        (NoticeKind::Disk, written.disk),
        (NoticeKind::Configuration, written.configuration),
        (NoticeKind::Recovered, written.recovered),
    ];
    let mut hooks = BTreeMap::new();
    for (kind, command) in by_kind {
        let Some(command) = command else { continue };
        let at = above.key(kind.as_str());
        hooks.extend(hook(command, &at, context).map(|command| (kind, command)));
    }
    hooks
}

/// A program and its arguments. One with a `/` starts at the file's folder, one without is looked up in `PATH`.
fn hook(written: file::List<String>, at: &KeyPath, context: &mut Context<'_>) -> Option<Vec<String>> {
    let mut command: Vec<String> = written.into_iter().flatten().collect();
    let Some(program) = command.first_mut().filter(|program| !program.trim().is_empty()) else {
        let hint = "write the program and its arguments: [/usr/local/bin/notify, now]";
        context.findings.error("config.value", at, "names no program", hint);
        return None;
    };
    if program.contains('/') {
        *program = context.resolve(program).to_string_lossy().into_owned();
    } else if program.contains(char::is_whitespace) {
        let text = format!("`{program}` is a command line, and there is no shell to read it");
        let hint = "write program and arguments as entries of a list, or [sh, -c, \"...\"]";
        context.findings.error("config.value", at, text, hint);
    }
    if command.iter().any(|word| word.contains('\0')) {
        context.findings.error("config.value", at, "holds a NUL character", "remove it");
    }
    Some(command)
}
