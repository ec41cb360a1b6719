use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::limits::RangeLimits;
use crate::meta_range::RangeId;
use crate::testing::Changes;
use crate::testing::Content;
use crate::testing::Outcome;
use crate::testing::Shelf;
use crate::testing::any_changes;
use crate::testing::any_content;
use crate::testing::any_limits;
use crate::testing::changed;
use crate::testing::content;
use crate::testing::summary_of;

/// Every record its own range.
const EACH_ITS_OWN: RangeLimits = RangeLimits { min_bytes: 0, max_bytes: 0, raggedness: 1 };
/// All records in one range.
const ALL_IN_ONE: RangeLimits =
    RangeLimits { min_bytes: 0, max_bytes: u64::MAX, raggedness: u64::MAX };

const STRATEGIES: [crate::Strategy; 3] =
    [crate::Strategy::Fail, crate::Strategy::DestinationWins, crate::Strategy::SourceWins];

/// The rule, key by key: the merged content, or the first conflict.
fn expected(
    source: &Content,
    destination: &Content,
    base: &Content,
    strategy: crate::Strategy,
) -> Result<Content, String> {
    let mut merged = Content::new();
    let keys: BTreeSet<&String> =
        source.keys().chain(destination.keys()).chain(base.keys()).collect();
    for key in keys {
        let [s, d, b] = [source, destination, base].map(|tree| tree.get(key));
        let [si, di, bi] = [s, d, b].map(|value| value.map(|(identity, _)| identity));
        let winner = if si == di || di == bi {
            s
        } else if si == bi {
            d
        } else {
            match strategy {
                crate::Strategy::Fail => return Err(key.clone()),
                crate::Strategy::DestinationWins => d,
                crate::Strategy::SourceWins => s,
            }
        };
        merged.extend(winner.map(|value| (key.clone(), value.clone())));
    }
    Ok(merged)
}

fn merge(
    shelf: &mut Shelf,
    [source, destination, base]: [&Arc<MetaRange>; 3],
    strategy: crate::Strategy,
) -> Result<Outcome, Error> {
    let plan = Merge::new(source.clone(), destination.clone(), base.clone(), strategy);
    shelf.carry_out(plan, Vec::new(), ALL_IN_ONE)
}

fn identities(content: &Content) -> Vec<(&String, &String)> {
    content.iter().map(|(key, (identity, _))| (key, identity)).collect()
}

/// Merges and compares with the rule, for all strategies.
fn check(shelf: &mut Shelf, trees: [&Arc<MetaRange>; 3]) {
    let [source, destination, base] = trees.map(|tree| shelf.content(tree));
    for strategy in STRATEGIES {
        let expected = expected(&source, &destination, &base, strategy);
        let outcome = match (merge(shelf, trees, strategy), &expected) {
            (Err(Error::Conflict { key }), Err(first)) => {
                assert_eq!(key, *first);
                continue;
            }
            (outcome, _) => outcome.unwrap(),
        };
        let merged = shelf.content(&outcome.tree);
        assert_eq!(identities(&merged), identities(&expected.unwrap()), "{strategy:?}");
        assert_eq!(outcome.summary, summary_of(&destination, &merged), "{strategy:?}");
        for (key, value) in &merged {
            assert!([source.get(key), destination.get(key)].contains(&Some(value)), "{key}");
        }
    }
}

proptest! {
    /// Trees that share ranges, as branches of one history do; the destination is changed twice, so
    /// that its ranges are of different ages.
    #[test]
    fn merging_branches_follows_the_rule_for_every_key(
        base in any_content("base"),
        changes in [any_changes("source"), any_changes("destination"), any_changes("later")],
        limits in [any_limits(), any_limits()],
    ) {
        let mut shelf = Shelf::default();
        let base = shelf.tree(&base, limits[0]);
        let source = shelf.apply(&base, &changes[0], limits[0]).unwrap().tree;
        let destination = shelf.apply(&base, &changes[1], limits[1]).unwrap().tree;
        let destination = shelf.apply(&destination, &changes[2], limits[0]).unwrap().tree;
        check(&mut shelf, [&source, &destination, &base]);
    }

    /// Trees that have nothing to do with each other.
    #[test]
    fn merging_strangers_follows_the_rule_for_every_key(
        contents in [any_content("source"), any_content("destination"), any_content("base")],
        limits in [any_limits(), any_limits(), any_limits()],
    ) {
        let mut shelf = Shelf::default();
        let trees = [0, 1, 2].map(|n| shelf.tree(&contents[n], limits[n]));
        check(&mut shelf, [&trees[0], &trees[1], &trees[2]]);
    }

    /// Records are small ranges: every decision on ranges is met.
    #[test]
    fn merging_tiny_ranges_follows_the_rule_for_every_key(
        contents in [any_content("side"), any_content("side"), any_content("side")],
        changes: bool,
    ) {
        let mut shelf = Shelf::default();
        let limits = if changes { EACH_ITS_OWN } else { RangeLimits { raggedness: 2, ..ALL_IN_ONE } };
        let trees = [0, 1, 2].map(|n| shelf.tree(&contents[n], limits));
        check(&mut shelf, [&trees[0], &trees[1], &trees[2]]);
    }
}

fn merged(
    limits: RangeLimits,
    [source, destination, base]: [&[(&str, &str)]; 3],
    strategy: crate::Strategy,
) -> Result<Vec<(String, String)>, Error> {
    let mut shelf = Shelf::default();
    let source = shelf.tree(&content("source", source), limits);
    let destination = shelf.tree(&content("destination", destination), limits);
    let base = shelf.tree(&content("base", base), limits);
    let outcome = merge(&mut shelf, [&source, &destination, &base], strategy)?;
    let content = shelf.content(&outcome.tree);
    Ok(identities(&content).into_iter().map(|(k, i)| (k.clone(), i.clone())).collect())
}

/// Defect D-1 of the real server: there `y` is lost, because the base's next key, `z`, has the same
/// identity.
#[test]
fn a_new_key_survives_although_the_next_key_of_the_base_is_equal() {
    let base = [("a", "0"), ("z", "X")];
    let destination = [("a", "0")];
    let source = [("a", "0"), ("y", "X"), ("z", "X")];
    for limits in [ALL_IN_ONE, EACH_ITS_OWN] {
        let merged = merged(limits, [&source, &destination, &base], crate::Strategy::Fail).unwrap();
        assert_eq!(merged, [("a".into(), "0".into()), ("y".into(), "X".into())]);
    }
}

/// The same with the roles exchanged.
#[test]
fn a_key_new_in_the_destination_survives_although_the_next_key_of_the_base_is_equal() {
    let base = [("a", "0"), ("z", "X")];
    let source = [("a", "0")];
    let destination = [("a", "0"), ("y", "X"), ("z", "X")];
    for limits in [ALL_IN_ONE, EACH_ITS_OWN] {
        let merged = merged(limits, [&source, &destination, &base], crate::Strategy::Fail).unwrap();
        assert_eq!(merged, [("a".into(), "0".into()), ("y".into(), "X".into())]);
    }
}

/// Defect D-2 of the real server: there the destination's `k` wins silently, because the base's next
/// key has the identity of the source's.
#[test]
fn a_key_that_both_added_differently_is_a_conflict_although_the_next_key_of_the_base_is_equal() {
    let base = [("a", "0"), ("z", "X")];
    let source = [("a", "0"), ("k", "X"), ("z", "X")];
    let destination = [("a", "0"), ("k", "Y"), ("z", "X")];
    for limits in [ALL_IN_ONE, EACH_ITS_OWN] {
        let merged = merged(limits, [&source, &destination, &base], crate::Strategy::Fail);
        assert!(matches!(&merged, Err(Error::Conflict { key }) if key == "k"), "{merged:?}");
    }
}

/// All cases of one key: nothing, or one of three identities, on each of the three sides.
#[test]
fn one_key_is_merged_by_the_rule_in_all_64_cases() {
    let values = [None, Some("1"), Some("2"), Some("3")];
    let of = |side, value: Option<&str>| {
        // A neighbour that all sides have, so that ranges are entered.
        let mut records = vec![("b", "9")];
        records.extend(value.map(|identity| ("k", identity)));
        content(side, &records)
    };
    for limits in [ALL_IN_ONE, EACH_ITS_OWN] {
        for case in 0..64 {
            let [s, d, b] = [case / 16, case / 4 % 4, case % 4].map(|value| values[value]);
            let mut shelf = Shelf::default();
            let source = shelf.tree(&of("source", s), limits);
            let destination = shelf.tree(&of("destination", d), limits);
            let base = shelf.tree(&of("base", b), limits);
            check(&mut shelf, [&source, &destination, &base]);
        }
    }
}

/// A tree of ranges `a b`, `c d`, ... of two keys each, with some keys given other identities.
fn pairs(shelf: &mut Shelf, changed_keys: &[&str]) -> Arc<MetaRange> {
    let mut tree = Arc::new(MetaRange::default());
    for pair in ["ab", "cd", "ef", "gh"] {
        let records: Changes = pair
            .chars()
            .map(|key| key.to_string())
            .map(|key| {
                let identity = if changed_keys.contains(&key.as_str()) { "2" } else { "1" };
                (key, Some((identity.to_owned(), "x".to_owned())))
            })
            .collect();
        tree = shelf.apply(&tree, &records, ALL_IN_ONE).unwrap().tree;
    }
    tree
}

fn ids(tree: &MetaRange) -> Vec<RangeId> {
    tree.ranges().iter().map(|range| range.id.clone()).collect()
}

#[test]
fn a_merge_of_changes_in_different_ranges_writes_no_range() {
    let mut shelf = Shelf::default();
    let base = pairs(&mut shelf, &[]);
    let source = pairs(&mut shelf, &["a"]);
    let destination = pairs(&mut shelf, &["h"]);

    let outcome = merge(&mut shelf, [&source, &destination, &base], crate::Strategy::Fail).unwrap();

    assert_eq!(outcome.made, []);
    assert_eq!(outcome.tree.ranges()[0], source.ranges()[0]);
    assert_eq!(outcome.tree.ranges()[1..3], base.ranges()[1..3]);
    assert_eq!(outcome.tree.ranges()[3], destination.ranges()[3]);
    assert_eq!(outcome.summary, Summary { added: 0, changed: 1, removed: 0 });
    // Only to count: the replaced range and the one that replaces it.
    assert_eq!(outcome.read, [destination.ranges()[0].id.clone(), source.ranges()[0].id.clone()]);
}

#[test]
fn ranges_that_one_side_removed_or_added_whole_are_not_read() {
    let mut shelf = Shelf::default();
    let base = pairs(&mut shelf, &[]);
    let remove = |keys: &[&str]| keys.iter().map(|key| ((*key).to_owned(), None)).collect();
    let add = |key: &str| [(key.to_owned(), Some(("1".to_owned(), "x".to_owned())))].into();
    let source = shelf.apply(&base, &remove(&["c", "d"]), ALL_IN_ONE).unwrap().tree;
    let source = shelf.apply(&source, &add("y"), ALL_IN_ONE).unwrap().tree;
    let destination = shelf.apply(&base, &remove(&["e", "f"]), ALL_IN_ONE).unwrap().tree;
    let destination = shelf.apply(&destination, &add("z"), ALL_IN_ONE).unwrap().tree;

    let outcome = merge(&mut shelf, [&source, &destination, &base], crate::Strategy::Fail).unwrap();

    let expected = [
        ids(&base)[0].clone(),
        ids(&base)[3].clone(),
        ids(&source)[3].clone(),
        ids(&destination)[3].clone(),
    ];
    assert_eq!(ids(&outcome.tree), expected);
    assert_eq!((outcome.read, outcome.made), (vec![], vec![]));
    assert_eq!(outcome.summary, Summary { added: 1, changed: 0, removed: 2 });
}

/// The source's range has to be entered, as it is not the base's, and the destination's with it, though
/// it lies apart; and so the records of both end up in one new range. The real writer does so, and the
/// merged tree's name depends on it.
#[test]
fn a_range_that_lies_apart_is_entered_along_with_the_one_before_it() {
    let mut shelf = Shelf::default();
    let tree = |shelf: &mut Shelf, records: &[_]| shelf.tree(&content("x", records), ALL_IN_ONE);
    let base = tree(&mut shelf, &[("a", "1"), ("b", "1")]);
    let source = tree(&mut shelf, &[("a", "1"), ("b", "1"), ("c", "1")]);
    let destination = tree(&mut shelf, &[("m", "1"), ("n", "1")]);
    let expected = tree(&mut shelf, &[("c", "1"), ("m", "1"), ("n", "1")]);

    let strategy = crate::Strategy::Fail;
    let outcome = merge(&mut shelf, [&source, &destination, &base], strategy).unwrap();

    assert_eq!(outcome.tree.ranges(), expected.ranges());
}

#[test]
fn the_record_that_only_one_side_changed_keeps_that_sides_data() {
    let mut shelf = Shelf::default();
    let base = content("base", &[("a", "1"), ("b", "1"), ("c", "1")]);
    let update = |side: &str, key: &str| -> Changes {
        [(key.to_owned(), Some(("2".to_owned(), side.to_owned())))].into()
    };
    let tree = shelf.tree(&base, ALL_IN_ONE);
    let source = shelf.apply(&tree, &update("source", "a"), ALL_IN_ONE).unwrap().tree;
    let destination = shelf.apply(&tree, &update("destination", "c"), ALL_IN_ONE).unwrap().tree;

    let outcome = merge(&mut shelf, [&source, &destination, &tree], crate::Strategy::Fail).unwrap();

    let mut expected = changed(&base, &update("source", "a"));
    expected = changed(&expected, &update("destination", "c"));
    assert_eq!(shelf.content(&outcome.tree), expected);
}
