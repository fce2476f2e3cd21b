use super::*;

const GIB: u64 = 1 << 30;
const DAY: i64 = 86_400;

fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

fn days_ago(days: i64) -> Timestamp {
    Timestamp::from_second(now().as_second() - days * DAY).unwrap()
}

/// A held file of 1 GiB of the show `a`, so many days old, that five others seed.
fn file(id: i64, days: i64) -> BudgetFile {
    BudgetFile {
        id: EnclosureId(id),
        show: "a".to_owned(),
        name: Some(format!("{id}.mp3")),
        episode: id,
        date: days_ago(days),
        discovered: days_ago(days),
        holding: Holding::Held,
        bytes: GIB,
        torrent: Some(format!("hash {id}")),
        others: Some(5),
        demand: 0,
        former: false,
        readmitted: None,
        frees: true,
    }
}

fn wanted(id: i64, days: i64) -> BudgetFile {
    BudgetFile { holding: Holding::Wanted, torrent: None, others: None, ..file(id, days) }
}

fn latest(latest: usize) -> KeepRules {
    KeepRules { latest: Some(latest), ..KeepRules::default() }
}

fn size(gib: u64) -> KeepRules {
    KeepRules { total_size: Some(gib * GIB), ..KeepRules::default() }
}

fn age(days: u64) -> KeepRules {
    KeepRules { max_age: Some(Duration::from_secs(days * 86_400)), ..KeepRules::default() }
}

fn all(rules: KeepRules) -> Budget {
    Budget { all: Some(rules), ..Budget::default() }
}

const ROOM: Space = Space { free: u64::MAX, pending: 0 };

fn judge(files: &[BudgetFile], budget: &Budget) -> Verdict {
    let verdict = decide(files, budget, ROOM, now());
    let mut reversed = files.to_vec();
    reversed.reverse();
    let mut other = decide(&reversed, budget, ROOM, now());
    for list in [&mut other.dropped, &mut other.held_back] {
        list.sort_by_key(|file| file.id);
    }
    assert_eq!(verdict.dropped, other.dropped, "the order of the input decides");
    assert_eq!(verdict.held_back, other.held_back, "the order of the input decides");
    verdict
}

fn ids(list: &[Dropped]) -> Vec<i64> {
    list.iter().map(|file| file.id.0).collect()
}

#[test]
fn each_rule_drops_what_it_does_not_keep_and_nothing_else() {
    let files = [file(1, 10), file(2, 20), file(3, 400), file(4, 500)];
    let cases: [(KeepRules, &[i64], &str); 6] = [
        (KeepRules::default(), &[], ""),
        (latest(4), &[], ""),
        (latest(3), &[4], "keep.latest: it is not among the newest 3"),
        (age(365), &[3, 4], "keep.max_age: it is older than 365 days"),
        (size(4), &[], ""),
        (size(2), &[3, 4], "keep.total_size: there is room for no more"),
    ];
    for (rules, dropped, why) in cases {
        let verdict = judge(&files, &all(rules.clone()));
        assert_eq!(ids(&verdict.dropped), dropped, "{rules:?}");
        assert!(verdict.dropped.iter().all(|file| file.why == why), "{verdict:?}");
        assert_eq!(verdict.shortfalls, [], "{rules:?}");
    }
}

#[test]
fn what_goes_first_is_seeded_by_many_then_old_then_asked_for_by_few() {
    let one = file(1, 100);
    let pairs = [
        ("many seeders before age", BudgetFile { others: Some(8), ..file(2, 1) }),
        ("age before demand", BudgetFile { demand: 99, ..file(2, 200) }),
        ("demand within a month", BudgetFile { demand: 0, ..file(2, 99) }),
        ("a former version before all", BudgetFile { former: true, others: None, ..file(2, 1) }),
    ];
    let busy = BudgetFile { demand: 1, ..one };
    for (rule, goes) in pairs {
        let verdict = judge(&[busy.clone(), goes], &all(size(1)));
        assert_eq!(ids(&verdict.dropped), [2], "{rule}");
    }
    // Half as many more are not many more.
    let some = BudgetFile { others: Some(7), ..file(2, 1) };
    assert_eq!(ids(&judge(&[file(1, 100), some], &all(size(1))).dropped), [1]);
}

#[test]
fn the_last_seeder_stays_unless_that_is_allowed_and_it_is_said() {
    for others in [None, Some(0)] {
        let files = [file(1, 1), BudgetFile { others, ..file(2, 2) }];
        for rules in [latest(1), size(1)] {
            let verdict = judge(&files, &all(rules.clone()));
            let (expected, told): (&[i64], _) = match rules.latest {
                Some(_) => (&[], 1),
                // Another one goes in its place.
                None => (&[1], 0),
            };
            assert_eq!(ids(&verdict.dropped), expected, "{rules:?}");
            assert_eq!(verdict.shortfalls.len(), told, "{rules:?}");
            let allowed = KeepRules { allow_last_seeder: true, ..rules };
            assert_eq!(judge(&files, &all(allowed)).dropped.len(), 1);
        }
    }
    let alone = [BudgetFile { others: None, ..file(1, 1) }, BudgetFile { others: None, ..file(2, 2) }];
    let verdict = judge(&alone, &all(size(1)));
    assert_eq!(verdict.dropped, []);
    let shortfall =
        Shortfall { rule: "keep.total_size".to_owned(), cause: Cause::LastSeeder, files: 2, bytes: 2 * GIB };
    assert_eq!(verdict.shortfalls, [shortfall]);
}

#[test]
fn what_cannot_be_taken_back_or_is_not_ours_stays() {
    let bound = |reason: &str| Holding::Bound(reason.to_owned());
    for holding in [bound("rt has it"), Holding::Fetching, Holding::Foreign, Holding::Dropped] {
        let files = [file(1, 1), BudgetFile { holding: holding.clone(), ..file(2, 2) }];
        let verdict = judge(&files, &all(latest(1)));
        assert_eq!(verdict.dropped, [], "{holding:?}");
        let causes: Vec<_> = verdict.shortfalls.iter().map(|shortfall| &shortfall.cause).collect();
        match holding {
            Holding::Bound(why) => assert_eq!(causes, [&Cause::Bound(why)]),
            _ => assert_eq!(causes, [] as [&Cause; 0], "{holding:?}"),
        }
    }
    // Nor does what is not ours take anybody's place or room.
    let foreign = BudgetFile { holding: Holding::Foreign, ..file(2, 1) };
    assert_eq!(judge(&[file(1, 2), foreign.clone()], &all(latest(1))).dropped, []);
    assert_eq!(judge(&[file(1, 2), foreign], &all(size(1))).dropped, []);
}

#[test]
fn one_torrent_of_two_shows_goes_as_a_whole_or_not_at_all() {
    let shared = |id, show: &str| BudgetFile {
        show: show.to_owned(),
        torrent: Some("shared".to_owned()),
        ..file(id, 400)
    };
    let files = [shared(1, "a"), shared(2, "b"), file(3, 1)];
    let of = |show: &str, rules: KeepRules| (show.to_owned(), rules);
    let one = Budget { shows: [of("a", age(365))].into(), ..Budget::default() };
    let verdict = judge(&files, &one);
    assert_eq!(verdict.dropped, [], "the other show still needs it");
    assert_eq!(verdict.shortfalls[0].cause, Cause::Bound("b needs the same torrent".to_owned()));
    let both = Budget { shows: [of("a", age(365)), of("b", age(300))].into(), ..Budget::default() };
    assert_eq!(ids(&judge(&files, &both).dropped), [1, 2]);
    let verdict = judge(&files, &all(size(2)));
    assert_eq!(ids(&verdict.dropped), [1, 2]);
    let own = BudgetFile { holding: Holding::Foreign, ..shared(2, "b") };
    assert_eq!(judge(&[shared(1, "a"), own, file(3, 1)], &all(age(365))).dropped, []);
}

#[test]
fn rules_of_a_show_hold_in_it_and_those_of_all_shows_beside_them() {
    let other = |id, days| BudgetFile { show: "b".to_owned(), ..file(id, days) };
    let files = [file(1, 1), file(2, 2), other(3, 3), other(4, 4)];
    let show = |rules| [("b".to_owned(), rules)].into();
    let only_b = Budget { shows: show(latest(1)), ..Budget::default() };
    assert_eq!(ids(&judge(&files, &only_b).dropped), [4]);
    let both = Budget { shows: show(latest(1)), ..all(latest(3)) };
    assert_eq!(ids(&judge(&files, &both).dropped), [4]);
    let tight = Budget { shows: show(latest(1)), ..all(latest(2)) };
    assert_eq!(ids(&judge(&files, &tight).dropped), [3, 4]);
    // Leave for a show is leave for that show alone.
    let alone: Vec<_> = files.iter().map(|file| BudgetFile { others: None, ..file.clone() }).collect();
    let allowed = KeepRules { allow_last_seeder: true, ..KeepRules::default() };
    let verdict = judge(&alone, &Budget { shows: show(allowed), ..all(latest(1)) });
    assert_eq!(ids(&verdict.dropped), [3, 4]);
}

#[test]
fn what_would_go_at_once_is_not_fetched() {
    let files = [file(1, 1), file(2, 20), wanted(3, 30), wanted(4, 400)];
    let cases: [(KeepRules, &[i64]); 5] =
        [(latest(3), &[4]), (age(365), &[4]), (size(4), &[]), (size(3), &[4]), (size(2), &[3, 4])];
    for (rules, held_back) in cases {
        let verdict = judge(&files, &all(rules.clone()));
        assert_eq!(ids(&verdict.held_back), held_back, "{rules:?}");
        assert_eq!(verdict.dropped, [], "{rules:?}");
    }
}

#[test]
fn a_new_episode_is_fetched_where_an_older_one_can_go_and_that_stays_until_it_is_there() {
    let files = [wanted(1, 1), file(2, 20), file(3, 30)];
    let verdict = judge(&files, &all(size(2)));
    assert_eq!(verdict, Verdict { spare: Some(0), makes_room: true, ..Verdict::default() });
    let there = [file(1, 1), file(2, 20), file(3, 30)];
    assert_eq!(ids(&judge(&there, &all(size(2))).dropped), [3]);
    // Two at a time need the room of two.
    let files = [wanted(1, 1), wanted(2, 2), file(3, 30)];
    assert_eq!(ids(&judge(&files, &all(size(1))).held_back), [2]);
    // Where nobody else seeds the older ones, the new one waits, and that is said.
    let alone = |id, days| BudgetFile { others: Some(0), ..file(id, days) };
    let verdict = judge(&[wanted(1, 1), alone(2, 20), alone(3, 30)], &all(size(2)));
    assert_eq!(ids(&verdict.held_back), [1]);
    assert_eq!(verdict.shortfalls[0].cause, Cause::LastSeeder);
}

#[test]
fn an_episode_that_was_dropped_keeps_its_place_and_gets_no_other_file() {
    let dropped = BudgetFile { holding: Holding::Dropped, ..file(2, 2) };
    let again = BudgetFile { episode: 2, ..wanted(3, 2) };
    let verdict = judge(&[file(1, 1), dropped.clone(), again, wanted(4, 4)], &all(latest(3)));
    assert_eq!(ids(&verdict.held_back), [3]);
    assert_eq!(ids(&judge(&[file(1, 1), dropped, wanted(4, 4)], &all(latest(2))).held_back), [4]);
}

#[test]
fn what_the_user_has_brought_back_is_kept_as_if_it_were_new() {
    let back = |days| BudgetFile { readmitted: Some(days_ago(days)), ..file(1, 4000) };
    let rules = KeepRules { latest: Some(1), ..age(365) };
    let newer = file(2, 1);
    assert_eq!(judge(&[back(364), newer.clone()], &all(rules.clone())).dropped, []);
    assert_eq!(ids(&judge(&[back(366), newer.clone()], &all(rules)).dropped), [1]);
    // Without an age it is kept for good.
    assert_eq!(judge(&[back(3000), newer], &all(latest(1))).dropped, []);
}

#[test]
fn a_date_in_the_future_keeps_nothing_for_ever() {
    let ahead = BudgetFile { date: days_ago(-4000), discovered: days_ago(366), ..file(1, 0) };
    assert_eq!(ids(&judge(&[ahead], &all(age(365))).dropped), [1]);
}

#[test]
fn an_episode_with_two_files_counts_once_and_goes_as_one() {
    let second = |id, episode, days| BudgetFile { episode, ..file(id, days) };
    let files = [file(1, 1), second(11, 1, 1), file(2, 2), second(12, 2, 2)];
    assert_eq!(ids(&judge(&files, &all(latest(1))).dropped), [2, 12]);
}

#[test]
fn a_full_disk_drops_as_much_as_is_needed_and_counts_what_is_on_its_way_out() {
    let files = [file(1, 1), file(2, 20), file(3, 300)];
    let budget = |rules: Option<KeepRules>| Budget { all: rules, disk_free: 3 * GIB, ..Budget::default() };
    let with = |free, pending, budget: &Budget| {
        decide(&files, budget, Space { free: free * GIB, pending: pending * GIB }, now())
    };
    let any = budget(Some(KeepRules::default()));
    for (free, pending, dropped) in [(3, 0, &[][..]), (2, 0, &[3]), (2, 1, &[]), (1, 0, &[2, 3])] {
        assert_eq!(ids(&with(free, pending, &any).dropped), dropped, "{free} free, {pending} on its way");
    }
    // Other rules may have made room already.
    assert_eq!(ids(&with(2, 0, &budget(Some(latest(2)))).dropped), [3]);
    assert_eq!(with(0, 0, &budget(None)), Verdict::default(), "without a rule nothing ever goes");
    let linked: Vec<_> = files.iter().map(|file| BudgetFile { frees: false, ..file.clone() }).collect();
    let verdict = decide(&linked, &any, Space { free: 0, pending: 0 }, now());
    assert_eq!(verdict.dropped, [], "the disk would gain nothing");
    assert_eq!(verdict.shortfalls[0].cause, Cause::NothingLeft);
}
