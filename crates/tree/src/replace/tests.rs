use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::limits::RangeLimits;
use crate::testing::Content;
use crate::testing::Outcome;
use crate::testing::Shelf;
use crate::testing::any_content;
use crate::testing::any_limits;
use crate::testing::bytes;
use crate::testing::content;

/// Every record its own range.
const EACH_ITS_OWN: RangeLimits = RangeLimits { min_bytes: 0, max_bytes: 0, raggedness: 1 };
/// All records in one range.
const ALL_IN_ONE: RangeLimits =
    RangeLimits { min_bytes: 0, max_bytes: u64::MAX, raggedness: u64::MAX };

fn set(keys: &[String], prefixes: &[String]) -> KeySet {
    let all = |texts: &[String]| texts.iter().map(|text| bytes(text)).collect::<Vec<Bytes>>();
    KeySet::new(all(keys), all(prefixes))
}

fn is_in(key: &String, keys: &[String], prefixes: &[String]) -> bool {
    keys.contains(key) || prefixes.iter().any(|prefix| key.starts_with(prefix))
}

/// Replaces and compares with what an ordered map says.
fn check(
    [source, destination]: [&Content; 2],
    [from, to]: [RangeLimits; 2],
    [keys, prefixes]: [&[String]; 2],
) -> Outcome {
    let mut source = source.clone();
    source.retain(|key, _| is_in(key, keys, prefixes));
    let mut shelf = Shelf::default();
    let trees = (shelf.tree(&source, from), shelf.tree(destination, to));
    let plan = Replace::new(trees.0, trees.1, Arc::new(set(keys, prefixes)));
    let outcome = shelf.carry_out(plan, Vec::new(), to).unwrap();

    let (gone, mut expected): (Content, Content) =
        destination.clone().into_iter().partition(|(key, _)| is_in(key, keys, prefixes));
    expected.extend(source.clone());
    assert_eq!(shelf.content(&outcome.tree), expected);
    let counts = [source.len() as u64, 0, gone.len() as u64];
    let Summary { added, changed, removed } = outcome.summary;
    assert_eq!([added, changed, removed], counts);
    outcome
}

proptest! {
    /// Whatever is replaced, and wherever ranges begin and end.
    #[test]
    fn replacing_follows_an_ordered_map(
        contents in [any_content("source"), any_content("destination")],
        limits in [any_limits(), any_limits()],
        keys in prop::collection::vec("[abc]{1,3}", 0..4),
        prefixes in prop::collection::vec("[abc]{0,2}", 0..4),
    ) {
        let [source, destination] = &contents;
        check([source, destination], limits, [&keys, &prefixes]);
    }

    /// Records are small ranges, or all are in one: every decision is met.
    #[test]
    fn replacing_tiny_and_huge_ranges_follows_an_ordered_map(
        contents in [any_content("source"), any_content("destination")],
        which in 0..4_usize,
        keys in prop::collection::vec("[abc]{1,3}", 0..6),
        prefixes in prop::collection::vec("[abc]{1,2}", 0..3),
    ) {
        let limits = [EACH_ITS_OWN, ALL_IN_ONE];
        let [source, destination] = &contents;
        check([source, destination], [limits[which % 2], limits[which / 2]], [&keys, &prefixes]);
    }
}

/// Seen upstream: ranges that lie partly under a replaced prefix were taken over whole once the source
/// was exhausted, and stale keys survived.
#[test]
fn no_key_under_a_replaced_prefix_survives() {
    let source = content("source", &[("a/1", "1"), ("a/2", "2")]);
    let destination = content("destination", &[("a/3", "3"), ("a/4", "4"), ("z/9", "9")]);
    let prefix = ["a/".to_owned()];
    check([&source, &destination], [ALL_IN_ONE, ALL_IN_ONE], [&[], &prefix]);
}

#[test]
fn only_ranges_at_the_edges_are_read_and_written() {
    let many = |side, folders: &[&str]| {
        let names = |folder: &&str| (0..30).map(|number| format!("{folder}/{number:02}")).collect();
        let keys: Vec<String> =
            folders.iter().flat_map(|folder: &&str| -> Vec<String> { names(folder) }).collect();
        let records: Vec<(&str, &str)> = keys.iter().map(|key| (key.as_str(), "1")).collect();
        content(side, &records)
    };
    let destination = many("destination", &["a", "m", "z"]);
    let source = many("source", &["m"]);
    let folder = ["m/".to_owned()];
    let each = [EACH_ITS_OWN, EACH_ITS_OWN];
    let outcome = check([&source, &destination], each, [&[], &folder]);
    assert_eq!((outcome.read.len(), outcome.made.len()), (0, 0), "{outcome:?}");

    let few = RangeLimits { min_bytes: 0, max_bytes: 100, raggedness: u64::MAX };
    let outcome = check([&source, &destination], [few, few], [&[], &folder]);
    assert!(outcome.tree.ranges().len() > 20, "{outcome:?}");
    assert!(outcome.read.len() <= 2 && outcome.made.len() <= 2, "{outcome:?}");
}
