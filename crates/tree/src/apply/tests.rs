use proptest::prelude::*;

use super::*;
use crate::limits::RangeLimits;
use crate::testing::Changes;
use crate::testing::Content;
use crate::testing::Outcome;
use crate::testing::Shelf;
use crate::testing::any_changes;
use crate::testing::any_content;
use crate::testing::any_limits;
use crate::testing::bytes;
use crate::testing::changed;
use crate::testing::content;
use crate::testing::summary_of;

/// Every record its own range.
const EACH_ITS_OWN: RangeLimits = RangeLimits { min_bytes: 0, max_bytes: 0, raggedness: 1 };
/// All records in one range.
const ALL_IN_ONE: RangeLimits =
    RangeLimits { min_bytes: 0, max_bytes: u64::MAX, raggedness: u64::MAX };

proptest! {
    #[test]
    fn the_new_tree_is_the_base_with_the_changes(
        base in any_content("base"),
        changes in any_changes("new"),
        limits in [any_limits(), any_limits()],
    ) {
        let mut shelf = Shelf::default();
        let tree = shelf.tree(&base, limits[0]);
        prop_assert_eq!(&shelf.content(&tree), &base);

        let outcome = shelf.apply(&tree, &changes, limits[1]).unwrap();

        let after = changed(&base, &changes);
        prop_assert_eq!(shelf.content(&outcome.tree), after.clone());
        prop_assert_eq!(outcome.summary, summary_of(&base, &after));
    }

    /// With the limits unchanged, only ranges that a change touches are read, and changes that change
    /// nothing lead to the very same ranges.
    #[test]
    fn changes_to_what_is_there_already_change_no_range(
        base in any_content("base"),
        limits in any_limits(),
        chosen: prop::sample::Selector,
    ) {
        let mut shelf = Shelf::default();
        let tree = shelf.tree(&base, limits);
        let again: Changes = chosen
            .try_select(base.iter())
            .into_iter()
            .map(|(key, (identity, _))| (key.clone(), Some((identity.clone(), "new".to_owned()))))
            .collect();

        let outcome = shelf.apply(&tree, &again, limits).unwrap();

        prop_assert_eq!(outcome.summary, Summary::default());
        prop_assert_eq!(outcome.tree.ranges(), tree.ranges());
        prop_assert!(outcome.read.len() <= again.len());
    }
}

fn letters(identity: &str, from: char, to: char) -> Content {
    (from..=to).map(|key| (key.to_string(), (identity.to_owned(), "x".to_owned()))).collect()
}

fn change(key: &str, identity: Option<&str>) -> Changes {
    let value = identity.map(|identity| (identity.to_owned(), "new".to_owned()));
    [(key.to_owned(), value)].into()
}

#[test]
fn ranges_without_a_change_are_taken_over_unread() {
    let mut shelf = Shelf::default();
    let base = shelf.tree(&letters("1", 'a', 'z'), EACH_ITS_OWN);

    let outcome = shelf.apply(&base, &change("m", Some("2")), EACH_ITS_OWN).unwrap();

    let id = |range: &crate::meta_range::RangeRef| range.id.clone();
    assert_eq!(outcome.read, [id(&base.ranges()[12])]);
    assert_eq!(outcome.made, [id(&outcome.tree.ranges()[12])]);
    for (index, (before, after)) in base.ranges().iter().zip(outcome.tree.ranges()).enumerate() {
        assert_eq!(before == after, index != 12, "range {index}");
    }
}

/// The real writer enters a range even where the change comes before it, and so the added record
/// ends up in one range with the records after it.
#[test]
fn a_range_behind_a_change_is_entered() {
    let mut shelf = Shelf::default();
    let base = shelf.tree(&letters("1", 'm', 'p'), ALL_IN_ONE);

    let outcome = shelf.apply(&base, &change("a", Some("2")), ALL_IN_ONE).unwrap();

    let [range] = outcome.tree.ranges() else { panic!("{:?}", outcome.tree) };
    assert_eq!((&*range.min, &*range.max, range.count), (&b"a"[..], &b"p"[..], 5));
}

#[test]
fn a_change_behind_the_last_range_makes_a_range_of_its_own() {
    let mut shelf = Shelf::default();
    let base = shelf.tree(&letters("1", 'm', 'p'), ALL_IN_ONE);

    let outcome = shelf.apply(&base, &change("z", Some("2")), ALL_IN_ONE).unwrap();

    assert_eq!(outcome.read, []);
    assert_eq!(outcome.tree.ranges().len(), 2);
    assert_eq!(outcome.tree.ranges()[0], base.ranges()[0]);
}

#[test]
fn each_change_does_what_the_table_says() {
    let base = content("base", &[("k", "1")]);
    let cases = [
        // key, identity, what is there then, summary
        ("k", Some("1"), content("base", &[("k", "1")]), (0, 0, 0)),
        ("k", Some("2"), [("k".into(), ("2".into(), "new".into()))].into(), (0, 1, 0)),
        ("k", None, Content::new(), (0, 0, 1)),
        ("a", None, base.clone(), (0, 0, 0)),
        ("z", None, base.clone(), (0, 0, 0)),
    ];
    for (key, identity, after, (added, changed, removed)) in cases {
        let mut shelf = Shelf::default();
        let tree = shelf.tree(&base, ALL_IN_ONE);
        let outcome = shelf.apply(&tree, &change(key, identity), ALL_IN_ONE).unwrap();
        assert_eq!(shelf.content(&outcome.tree), after, "{key} {identity:?}");
        assert_eq!(outcome.summary, Summary { added, changed, removed }, "{key} {identity:?}");
    }
}

#[test]
fn changes_that_do_not_ascend_are_refused() {
    let apply = |keys: &[&str]| -> Result<Outcome, Error> {
        let mut shelf = Shelf::default();
        let base = shelf.tree(&letters("1", 'a', 'e'), ALL_IN_ONE);
        let changes = keys.iter().map(|key| Change { key: bytes(key), value: None }).collect();
        shelf.carry_out(Apply::new(base), changes, ALL_IN_ONE)
    };
    assert!(apply(&["a", "b"]).is_ok());
    assert!(matches!(apply(&["b", "a"]), Err(Error::Changes(_))));
    assert!(matches!(apply(&["b", "b"]), Err(Error::Changes(_))));
    assert!(matches!(apply(&["y", "x"]), Err(Error::Changes(_))));
}
