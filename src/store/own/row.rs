//! The rows of own files: how they are written and read.

use std::path::Path;

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, Sqlite, Transaction};

use super::super::downloads::event;
use super::super::shows::ShowId;
use super::super::{seconds, signed, unsigned};
use crate::model::{EnclosureId, FileState, KnownFile, OwnFile, SharedFile, Tags};

/// The rule that wants own files, for people.
const VERDICT: &str = "your own file";

pub(super) async fn add(
    tx: &mut Transaction<'_, Sqlite>,
    show: ShowId,
    file: &SharedFile,
    now: Timestamp,
) -> std::result::Result<Option<EnclosureId>, sqlx::Error> {
    let path = file.path.to_string_lossy();
    let is_known: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM enclosures WHERE show_id = $1 AND own_path = $2 AND replaced_by IS NULL)",
    )
    .bind(show.0)
    .bind(path.as_ref())
    .fetch_one(&mut **tx)
    .await?;
    if is_known {
        return Ok(None);
    }
    // A show says of itself what its first file says, where the user says nothing.
    sqlx::query(
        "UPDATE shows SET title = CASE WHEN title = '' THEN COALESCE($2, title) ELSE title END,
             author = COALESCE(author, $3) WHERE id = $1",
    )
    .bind(show.0)
    .bind(&file.tags.album)
    .bind(&file.tags.author)
    .execute(&mut **tx)
    .await?;
    let episode: i64 = sqlx::query_scalar(
        "INSERT INTO episodes (show_id, title, date, live, position, present, discovered, wanted, verdict)
         VALUES ($1, $2, $3, FALSE, 0, TRUE, $4, TRUE, $5) RETURNING id",
    )
    .bind(show.0)
    .bind(&file.tags.title)
    .bind(seconds(file.tags.date.unwrap_or(file.modified)))
    .bind(seconds(now))
    .bind(VERDICT)
    .fetch_one(&mut **tx)
    .await?;
    let id: i64 = sqlx::query_scalar(
        "INSERT INTO enclosures (show_id, url, comparable_url, host, media_type, length_hint, discovered, wanted)
         VALUES ($1, '', 'own:new', '', $2, $3, $4, TRUE) RETURNING id",
    )
    .bind(show.0)
    .bind(file.media_type)
    .bind(signed(file.state.size))
    .bind(seconds(now))
    .fetch_one(&mut **tx)
    .await?;
    let id = EnclosureId(id);
    put_path(tx, id, &file.path).await?;
    put_state(tx, id, file.state).await?;
    put_tags(tx, id, &file.tags).await?;
    sqlx::query(
        "INSERT INTO announcements (episode_id, enclosure_id, role, position, wanted) VALUES ($1, $2, 'enclosure', 0, TRUE)",
    )
    .bind(episode)
    .bind(id.0)
    .execute(&mut **tx)
    .await?;
    event(&mut **tx, id, now, "your own file was found").await?;
    Ok(Some(id))
}

/// Two files may change places, so that what they are told apart by is not the path.
pub(super) async fn put_path(
    tx: &mut Transaction<'_, Sqlite>,
    id: EnclosureId,
    path: &Path,
) -> std::result::Result<(), sqlx::Error> {
    let url = url::Url::from_file_path(path).map(String::from).unwrap_or_default();
    sqlx::query("UPDATE enclosures SET own_path = $2, url = $3, comparable_url = 'own:' || id WHERE id = $1")
        .bind(id.0)
        .bind(path.to_string_lossy())
        .bind(url)
        .execute(&mut **tx)
        .await
        .map(drop)
}

pub(super) async fn put_state(
    tx: &mut Transaction<'_, Sqlite>,
    id: EnclosureId,
    state: FileState,
) -> std::result::Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO own_files (enclosure_id, size, modified, device, inode) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (enclosure_id) DO UPDATE SET size = $2, modified = $3, device = $4, inode = $5",
    )
    .bind(id.0)
    .bind(signed(state.size))
    .bind(state.modified)
    .bind(state.device.cast_signed())
    .bind(state.inode.cast_signed())
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// The date of an episode stays as it was: a feed's order does not change because a title was corrected.
pub(super) async fn put_tags(
    tx: &mut Transaction<'_, Sqlite>,
    id: EnclosureId,
    tags: &Tags,
) -> std::result::Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE own_files SET description = $2, author = $3, season = $4, number = $5, duration = $6
         WHERE enclosure_id = $1",
    )
    .bind(id.0)
    .bind(&tags.description)
    .bind(&tags.author)
    .bind(tags.season)
    .bind(tags.number)
    .bind(tags.duration.map(signed))
    .execute(&mut **tx)
    .await?;
    sqlx::query(
        "UPDATE episodes SET title = $2 WHERE title <> $2
         AND id IN (SELECT episode_id FROM announcements WHERE enclosure_id = $1)",
    )
    .bind(id.0)
    .bind(&tags.title)
    .execute(&mut **tx)
    .await
    .map(drop)
}

pub(super) async fn lose(
    tx: &mut Transaction<'_, Sqlite>,
    id: EnclosureId,
    why: &str,
    now: Timestamp,
) -> std::result::Result<bool, sqlx::Error> {
    let lost = sqlx::query(
        "UPDATE enclosures SET stage = 'withdrawn', next_attempt = NULL, error = $2, source_next = NULL
         WHERE id = $1 AND stage <> 'withdrawn' AND NOT forgotten",
    )
    .bind(id.0)
    .bind(why)
    .execute(&mut **tx)
    .await?
    .rows_affected()
        > 0;
    if lost {
        event(&mut **tx, id, now, why).await?;
    }
    Ok(lost)
}

pub(super) fn file_state(row: &SqliteRow) -> std::result::Result<FileState, sqlx::Error> {
    Ok(FileState {
        size: unsigned(row.try_get("size")?),
        modified: row.try_get("modified")?,
        device: row.try_get::<i64, _>("device")?.cast_unsigned(),
        inode: row.try_get::<i64, _>("inode")?.cast_unsigned(),
    })
}

pub(super) fn known_file(row: &SqliteRow) -> std::result::Result<KnownFile, sqlx::Error> {
    let sha256: Option<String> = row.try_get("sha256")?;
    Ok(KnownFile {
        id: EnclosureId(row.try_get("id")?),
        path: row.try_get::<String, _>("own_path")?.into(),
        state: file_state(row)?,
        // What cannot be read is hashed again.
        sha256: sha256.and_then(|digits| {
            let mut hash = [0; 32];
            hex::decode_to_slice(digits, &mut hash).ok().map(|()| hash)
        }),
        lost: row.try_get("lost")?,
        held: row.try_get("held")?,
    })
}

/// What there is to say of an own file, from a row that has its columns.
pub(in super::super) fn own_file(row: &SqliteRow) -> std::result::Result<Option<OwnFile>, sqlx::Error> {
    let Some(path) = row.try_get::<Option<String>, _>("own_path")? else { return Ok(None) };
    let number = |column: &str| -> std::result::Result<Option<u32>, sqlx::Error> {
        Ok(row.try_get::<Option<i64>, _>(column)?.and_then(|number| u32::try_from(number).ok()))
    };
    Ok(Some(OwnFile {
        path: path.into(),
        description: row.try_get("description")?,
        author: row.try_get("author")?,
        season: number("season")?,
        number: number("number")?,
        duration: row.try_get::<Option<i64>, _>("duration")?.map(unsigned),
    }))
}
