//! `inbox:`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::address::web_address;
use super::show::chosen_clients;
use super::{Context, check_slug, not_blank};
use crate::config::finding::KeyPath;
use crate::config::{Inbox, file};

/// More often is for who has nothing else to do.
const SHORTEST_POLL: Duration = Duration::from_secs(1);

/// `clients` are the names below `clients:`, also of those that are wrong in themselves.
pub(super) fn inbox(
    written: file::Named<file::Inbox>,
    clients: &[String],
    context: &mut Context<'_>,
) -> Vec<Inbox> {
    let above = KeyPath::default().key("inbox");
    let mut folders: Vec<Inbox> = Vec::new();
    for (slug, folder) in written {
        let at = above.key(&slug);
        check_slug(&slug, &at, context);
        let folder = one(slug, folder.unwrap_or_default(), clients, &at, context);
        check_apart(&folder, &folders, &at.key("path"), context);
        folders.push(folder);
    }
    folders
}

/// A file belongs to one show.
fn check_apart(folder: &Inbox, others: &[Inbox], at: &KeyPath, context: &mut Context<'_>) {
    let Some(path) = &folder.path else { return };
    for other in others {
        let Some(of_other) = &other.path else { continue };
        if path == of_other {
            let text = format!("`inbox.{}` has the same folder", other.slug);
            context.findings.error("config.twice", at, text, "remove one of them");
            return;
        } else if path.starts_with(of_other) || of_other.starts_with(path) {
            let text = format!(
                "its files would belong to `inbox.{}` as well: one folder is in the other",
                other.slug
            );
            context.findings.error(
                "config.twice",
                at,
                text,
                "move one of them, so that each file is in one show",
            );
            return;
        }
    }
}

/// What podseed writes itself must not come back as the user's own files.
pub(super) fn check_places(inboxes: &[Inbox], data_dir: &Path, site_dir: &Path, context: &mut Context<'_>) {
    let ours = ["media", "torrents", "cache"].map(|folder| data_dir.join(folder));
    for inbox in inboxes {
        let Some(path) = &inbox.path else { continue };
        let holds = [data_dir, site_dir].into_iter().find(|folder| folder.starts_with(path));
        let within =
            ours.iter().map(PathBuf::as_path).chain([site_dir]).find(|folder| path.starts_with(folder));
        if let Some(folder) = holds.or(within) {
            let at = KeyPath::default().key("inbox").key(&inbox.slug).key("path");
            let text =
                format!("what podseed writes to {} would be taken for your own files", folder.display());
            context.findings.error("config.folder", &at, text, "name a folder of its own");
        }
    }
}

fn one(
    slug: String,
    written: file::Inbox,
    clients: &[String],
    at: &KeyPath,
    context: &mut Context<'_>,
) -> Inbox {
    let clients = match written.clients {
        None => clients.to_vec(),
        Some(wanted) => chosen_clients(wanted, clients, &at.key("clients"), context),
    };
    let cover = path(written.cover, &at.key("cover"), context);
    if written.poll.is_some_and(|poll| poll.0 < SHORTEST_POLL) {
        context.findings.error("config.value", &at.key("poll"), "is too often", "write 1 s or more");
    }
    let link = written.link.and_then(|link| web_address(&link, &at.key("link"), context));
    let permission = not_blank(written.permission, &at.key("permission"), context);
    let mut text = |written: Option<String>, key| said(written, &at.key(key), context);
    Inbox {
        slug,
        title: text(written.title, "title"),
        description: text(written.description, "description"),
        author: text(written.author, "author"),
        email: text(written.email, "email"),
        language: text(written.language, "language"),
        permission,
        path: path(written.path, &at.key("path"), context),
        link,
        cover,
        clients,
        poll: written.poll.map(|poll| poll.0),
    }
}

/// What the show says of itself has to say something.
fn said(written: Option<String>, at: &KeyPath, context: &mut Context<'_>) -> Option<String> {
    let text = written?.trim().to_owned();
    if text.is_empty() {
        context.findings.error("config.value", at, "is empty", "write something, or leave it out");
        return None;
    }
    Some(text)
}

fn path(written: Option<String>, at: &KeyPath, context: &mut Context<'_>) -> Option<PathBuf> {
    let written = written?;
    if written.trim().is_empty() {
        context.findings.error("config.value", at, "is empty", "name it, or leave the key out");
        return None;
    }
    Some(context.resolve(&written))
}
