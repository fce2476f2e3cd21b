//! What a pass asks when nothing is due does not grow with what is known.

use super::absences::waiting;
use super::*;
use crate::store::{admission, budget, compare, figures, metrics, reconcile, revisions, status, troubles};

/// The tables that grow with the episodes.
const LARGE: [&str; 4] = ["enclosures", "episodes", "announcements", "placements"];

/// The steps of a statement by which all of a large table is read: `SCAN` without an index that has only what is due.
async fn scans(store: &Store, statement: &str) -> Vec<String> {
    let plan: Vec<(i64, i64, i64, String)> =
        sqlx::query_as(sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}")))
            .fetch_all(&store.pool)
            .await
            .unwrap();
    let partial: Vec<String> =
        sqlx::query_scalar("SELECT name FROM sqlite_master WHERE type = 'index' AND sql LIKE '%WHERE%'")
            .fetch_all(&store.pool)
            .await
            .unwrap();
    let is_bounded = |step: &str| {
        partial.iter().any(|index| index != "enclosures_managed" && step.ends_with(&format!("INDEX {index}")))
    };
    // A plan calls a table by its alias.
    let is_large = |step: &str| {
        let table = step.split_whitespace().nth(1).unwrap_or_default();
        LARGE.contains(&table) || ["e", "n", "o", "oe", "ep", "a", "p"].contains(&table)
    };
    let steps = plan.into_iter().map(|(.., step)| step);
    steps.filter(|step| step.starts_with("SCAN") && is_large(step) && !is_bounded(step)).collect()
}

#[tokio::test]
async fn a_pass_with_nothing_due_reads_no_large_table_whole() {
    let (_dir, store) = empty().await;
    let (shows, clients) = ([ShowId(1), ShowId(2)], ["nas".to_owned()]);
    let statements = [
        downloads::claim(1, now(), true, &["h".to_owned()], false).into_string(),
        downloads::WAITING.to_owned(),
        placements::claim(1, Some(now()), "nas", Queued::FIRST).into_string(),
        withdraw::claim(1, now(), false, "nas").into_string(),
        withdraw::to_delete(clients.iter()).into_string(),
        compare::CLAIM.to_owned(),
        compare::unplanned(&shows, now()).into_string(),
        compare::web_seeded(&shows, true, 2).into_string(),
        offers::CLAIM.to_owned(),
        admission::TO_ARRANGE.to_owned(),
        admission::lacking(&shows, "nas").into_string(),
        admission::elsewhere(&shows, &clients).into_string(),
        revisions::RETIRE.to_owned(),
        budget::HELD_BACK.to_owned(),
        budget::FORMER_OVER.to_owned(),
        budget::TO_LET_GO.to_owned(),
        budget::EXPIRED_FILES.to_owned(),
        budget::EXPIRING_BYTES.to_owned(),
        troubles::AILING.to_owned(),
        figures::HAS_COUNTED.to_owned(),
        status::TOTALS.to_owned(),
        reconcile::DATA_FILES.to_owned(),
    ];
    for statement in statements.iter().map(String::as_str).chain(metrics::DUE.map(|(_, statement)| statement))
    {
        assert_eq!(scans(&store, statement).await, [""; 0], "{statement}");
    }
    // And one that does is found.
    assert_eq!(scans(&store, "SELECT title FROM episodes").await, ["SCAN episodes"]);
    let inner = "SELECT e.url FROM shows s, enclosures e WHERE e.show_id > s.id AND e.forgotten";
    assert!(!scans(&store, inner).await.is_empty());
}

#[tokio::test]
async fn a_claim_begins_behind_the_placement_that_was_taken_last_and_passes_nothing_over_for_good() {
    let (_dir, store) = empty().await;
    waiting(&store, 2).await;
    let (behind_one, _) = store.claim_placement(1, None, "nas", Queued::FIRST).await.unwrap().unwrap();
    sqlx::query("UPDATE shows SET pass = 2").execute(&store.pool).await.unwrap();
    let claim = async |after| store.claim_placement(2, None, "nas", after).await.unwrap();
    let (behind_two, two) = claim(behind_one).await.unwrap();
    assert_eq!(two.id, PlacementId(2));
    assert!(claim(behind_two).await.is_none());
    assert_eq!(claim(Queued::FIRST).await.map(|(_, one)| one.id), Some(PlacementId(1)));
}

#[tokio::test]
async fn who_looks_for_work_at_a_client_reads_neither_what_he_had_nor_what_is_not_due() {
    let (_dir, store) = empty().await;
    for (statement, range) in [
        (
            placements::claim(1, None, "nas", Queued::FIRST),
            "placements_to_do (client=? AND (due,enclosure_id)>(?,?))",
        ),
        (
            placements::claim(1, Some(now()), "nas", Queued::FIRST),
            "placements_to_do (client=? AND (due,enclosure_id)>(?,?) AND due<?)",
        ),
        (withdraw::claim(1, now(), true, "nas"), "placements_leaving (client=? AND due<?)"),
    ] {
        let plan: Vec<(i64, i64, i64, String)> =
            sqlx::query_as(sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {}", statement.into_string())))
                .fetch_all(&store.pool)
                .await
                .unwrap();
        let range = format!("SEARCH p USING INDEX {range}");
        assert!(plan.iter().any(|(.., step)| *step == range), "{plan:?}");
        assert!(!plan.iter().any(|(.., step)| step.contains("ORDER BY")), "sorts: {plan:?}");
    }
}
