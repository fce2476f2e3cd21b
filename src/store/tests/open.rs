//! States of earlier versions.

use super::*;

#[tokio::test]
async fn a_state_is_copied_once_before_it_is_brought_up_to_date() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.db");
    let released: Vec<_> = migrator().iter().filter(|migration| migration.version < 3).cloned().collect();
    let old = Store::connect(&path, true, SqliteSynchronous::Full).await.unwrap();
    Migrator::with_migrations(released).run(&old.pool).await.unwrap();
    sqlx::query("INSERT INTO shows (slug, feed) VALUES ('s', 'https://f/')")
        .execute(&old.pool)
        .await
        .unwrap();
    old.close().await;

    let store = Store::open(&path).await.unwrap();
    let copy = dir.path().join("state.db.before-3");
    assert_eq!(store.backup(), Some(copy.as_path()));
    assert_eq!(store.slugs().await.unwrap(), [("s".to_owned(), false)]);
    store.close().await;
    let before = Store::connect(&copy, false, SqliteSynchronous::Full).await.unwrap();
    let slugs: Vec<String> =
        sqlx::query_scalar("SELECT slug FROM shows").fetch_all(&before.pool).await.unwrap();
    assert_eq!(slugs, ["s"]);
    before.close().await;
    assert_eq!(Store::open(&path).await.unwrap().backup(), None);
}

#[tokio::test]
async fn a_copy_to_try_things_on_is_whole_while_others_write_and_holds_nothing_back() {
    let (dir, store) = empty().await;
    let path = dir.path().join("state.db");
    let rounds = async {
        for round in 0..200 {
            let mut tx = store.begin().await.unwrap();
            for half in ["one", "other"] {
                sqlx::query(
                    "INSERT INTO shows (slug, feed, title) VALUES ($1, 'https://f/', hex(randomblob(20000)))",
                )
                .bind(format!("{half}-{round}"))
                .execute(&mut *tx)
                .await
                .unwrap();
            }
            tx.commit().await.unwrap();
        }
    };
    let copies = async {
        let mut seen = Vec::new();
        while seen.last() != Some(&200) {
            let (copy, scratch) = Store::open_copy(&path).await.unwrap();
            let ok: String =
                sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&copy.pool).await.unwrap();
            assert_eq!(ok, "ok");
            let slugs = copy.slugs().await.unwrap();
            let whole = slugs.iter().filter(|(slug, _)| slug.starts_with("one-")).count();
            assert_eq!(slugs.len(), 2 * whole, "half a transaction was copied");
            seen.push(whole);
            copy.ensure_show("tried", "https://f/").await.unwrap();
            copy.close().await;
            let folder = scratch.path().to_owned();
            drop(scratch);
            assert!(!folder.exists());
        }
        seen
    };
    let ((), seen) = tokio::join!(rounds, copies);
    assert!(seen.is_sorted(), "{seen:?}");
    assert!(store.slugs().await.unwrap().iter().all(|(slug, _)| slug != "tried"));
}

#[tokio::test]
async fn a_new_state_has_no_copy() {
    let (dir, store) = empty().await;
    assert_eq!(store.backup(), None);
    assert!(!dir.path().join("state.db.before-1").exists());
}

#[tokio::test]
async fn the_state_goes_on_by_itself_after_its_disk_was_full() {
    let (_dir, store) = empty().await;
    for _ in 0..4 {
        let mut tx = store.begin().await.unwrap();
        sqlx::query("PRAGMA max_page_count = 1").execute(&mut *tx).await.unwrap();
        let full = sqlx::query("INSERT INTO shows (slug, feed) VALUES ('s', zeroblob(1000000))")
            .execute(&mut *tx)
            .await
            .doing("fill it");
        assert!(matches!(full, Err(Error::Full { .. })), "{full:?}");
    }
    for _ in 0..8 {
        store.ping().await.unwrap();
    }
    store.ensure_show("s", "https://f/").await.unwrap();
}
