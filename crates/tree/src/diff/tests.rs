use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::count::Count;
use crate::meta_range::RangeId;
use crate::testing::Content;
use crate::testing::Shelf;
use crate::testing::any_changes;
use crate::testing::any_content;
use crate::testing::any_limits;
use crate::testing::bytes;
use crate::testing::changed;
use crate::testing::content;
use crate::testing::record;
use crate::testing::summary_of;

/// The next difference, and which ranges were read for it.
fn next(shelf: &Shelf, diff: &mut Diff, read: &mut Vec<RangeId>) -> Option<Difference> {
    loop {
        match diff.step().unwrap() {
            Step::Item(difference) => return Some(difference),
            Step::Nothing => {}
            Step::End => return None,
            Step::Need(Need::Range(need)) => {
                diff.supply(need.side, &shelf.range(&need.range));
                read.push(need.range.id);
            }
            Step::Need(Need::Changes) => panic!("a diff needs no changes"),
        }
    }
}

fn all(shelf: &Shelf, mut diff: Diff) -> (Vec<Difference>, Vec<RangeId>) {
    let mut read = Vec::new();
    let found = std::iter::from_fn(|| next(shelf, &mut diff, &mut read)).collect();
    (found, read)
}

fn count(shelf: &Shelf, mut count: Count) -> crate::Summary {
    loop {
        match count.step().unwrap() {
            Step::End => return count.summary(),
            Step::Need(Need::Range(need)) => count.supply(need.side, &shelf.range(&need.range)),
            _ => {}
        }
    }
}

fn expected(left: &Content, right: &Content, from: &str) -> Vec<Difference> {
    let keys: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
    let value = |tree: &Content, key: &String| {
        tree.get(key).map(|(identity, data)| record(key, identity, data).value)
    };
    keys.into_iter()
        .filter(|key| key.as_str() >= from)
        .filter(|key| left.get(*key).map(|v| &v.0) != right.get(*key).map(|v| &v.0))
        .map(|key| Difference { key: bytes(key), left: value(left, key), right: value(right, key) })
        .collect()
}

proptest! {
    /// Two trees of any history and layout.
    #[test]
    fn the_difference_is_that_of_the_contents(
        base in any_content("base"),
        changes in [any_changes("left"), any_changes("right")],
        limits in [any_limits(), any_limits(), any_limits()],
        from in "[abc]{0,3}",
        again in "[abc]{0,3}",
        before in 0..5_usize,
    ) {
        let mut shelf = Shelf::default();
        let tree = shelf.tree(&base, limits[0]);
        let left = shelf.apply(&tree, &changes[0], limits[1]).unwrap().tree;
        let right = shelf.apply(&tree, &changes[1], limits[2]).unwrap().tree;
        let contents = [changed(&base, &changes[0]), changed(&base, &changes[1])];

        let (found, _) = all(&shelf, Diff::new(left.clone(), right.clone()));
        prop_assert_eq!(found, expected(&contents[0], &contents[1], ""));

        let counted = count(&shelf, Count::new(left.clone(), right.clone()));
        prop_assert_eq!(counted, summary_of(&contents[0], &contents[1]));

        // And with seeking: at the start, and after some results, forward or back.
        let mut diff = Diff::new(left, right);
        diff.seek(from.as_bytes());
        for expected in expected(&contents[0], &contents[1], &from).into_iter().take(before) {
            prop_assert_eq!(next(&shelf, &mut diff, &mut Vec::new()), Some(expected));
        }
        diff.seek(again.as_bytes());
        let (found, _) = all(&shelf, diff);
        prop_assert_eq!(found, expected(&contents[0], &contents[1], &again));
    }
}

const EACH_ITS_OWN: crate::limits::RangeLimits =
    crate::limits::RangeLimits { min_bytes: 0, max_bytes: 0, raggedness: 1 };

#[test]
fn ranges_with_equal_names_are_not_read() {
    let mut shelf = Shelf::default();
    let left = content("x", &[("a", "1"), ("b", "1"), ("c", "1"), ("d", "1")]);
    let mut right = left.clone();
    right.insert("c".to_owned(), ("2".to_owned(), "y".to_owned()));
    let (left, right) = (shelf.tree(&left, EACH_ITS_OWN), shelf.tree(&right, EACH_ITS_OWN));

    let (found, read) = all(&shelf, Diff::new(left.clone(), right.clone()));

    assert_eq!(found.len(), 1);
    assert_eq!(read, [left.ranges()[2].id.clone(), right.ranges()[2].id.clone()]);
}

#[test]
fn counting_reads_no_range_that_lies_apart() {
    let mut shelf = Shelf::default();
    let left = content("x", &[("a", "1"), ("b", "1"), ("m", "1")]);
    let right = content("x", &[("m", "2"), ("y", "1"), ("z", "1")]);
    let (left, right) = (shelf.tree(&left, EACH_ITS_OWN), shelf.tree(&right, EACH_ITS_OWN));

    let mut count = Count::new(left, right);
    let mut read = 0;
    let summary = loop {
        match count.step().unwrap() {
            Step::End => break count.summary(),
            Step::Need(Need::Range(need)) => {
                read += 1;
                count.supply(need.side, &shelf.range(&need.range));
            }
            _ => {}
        }
    };

    assert_eq!(read, 2);
    assert_eq!(summary, crate::Summary { added: 2, changed: 1, removed: 2 });
}

#[test]
fn equal_identities_are_no_difference_whatever_the_data() {
    let mut shelf = Shelf::default();
    let left = shelf.tree(&content("left", &[("a", "1")]), EACH_ITS_OWN);
    let right = shelf.tree(&content("right", &[("a", "1")]), EACH_ITS_OWN);
    assert_ne!(left.ranges()[0].id, right.ranges()[0].id);
    assert_eq!(all(&shelf, Diff::new(left, right)).0, []);
}
