//! States of earlier versions.

use super::*;

#[tokio::test]
async fn a_state_is_copied_once_before_it_is_brought_up_to_date() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.db");
    let released: Vec<_> = migrator().iter().filter(|migration| migration.version < 3).cloned().collect();
    let old = Store::connect(&path, true).await.unwrap();
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
    let before = Store::connect(&copy, false).await.unwrap();
    let slugs: Vec<String> =
        sqlx::query_scalar("SELECT slug FROM shows").fetch_all(&before.pool).await.unwrap();
    assert_eq!(slugs, ["s"]);
    before.close().await;
    assert_eq!(Store::open(&path).await.unwrap().backup(), None);
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
