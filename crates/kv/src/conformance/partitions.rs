//! Listing the partitions of a store. Other checks leave partitions behind, so these look for their
//! own among them.

use bytes::Bytes;

use super::odd_bytes;
use super::set;
use crate::Error;
use crate::PartitionPage;
use crate::Partitions;
use crate::Store;
use crate::StoreExt as _;

pub(super) async fn a_partition_is_listed_while_it_has_a_key(store: &dyn Store) {
    let name = "listed-while-it-has-a-key";
    assert!(!listed(store).await.contains(&name.into()), "nothing is in it yet");
    for key in ["a", "b", "c"] {
        set(store, name, key, key).await;
    }
    assert_eq!(listed(store).await.iter().filter(|found| *found == name).count(), 1);
    for (key, there) in [("a", true), ("c", true), ("b", false)] {
        store.delete(name.into(), key.into()).await.expect("delete");
        assert_eq!(listed(store).await.contains(&name.into()), there, "{key} was deleted");
    }
}

pub(super) async fn partitions_are_listed_in_byte_order(store: &dyn Store) {
    let mut expected: Vec<Bytes> = odd_bytes();
    for name in &expected {
        set(store, name.clone(), "key", name.clone()).await;
        set(store, name.clone(), [0xff; 4].to_vec(), name.clone()).await;
    }
    expected.sort_unstable();
    let all = listed(store).await;
    assert!(all.is_sorted_by(|one, next| one < next), "ascending, each once");
    let found: Vec<Bytes> = all.iter().filter(|name| expected.contains(name)).cloned().collect();
    assert_eq!(found, expected);

    for from in &expected {
        let rest = page(store, from.clone(), all.len()).await;
        let later: Vec<Bytes> = all.iter().filter(|name| *name >= from).cloned().collect();
        assert!(later.starts_with(&rest.names), "from {from:?}");
        assert_eq!(rest.more, rest.names.len() < later.len(), "from {from:?}");
    }
    for name in expected {
        store.delete(name.clone(), "key".into()).await.expect("delete");
        store.delete(name, [0xff; 4].to_vec().into()).await.expect("delete");
    }
}

pub(super) async fn pages_of_partitions_say_whether_there_is_more(store: &dyn Store) {
    // Longer runs of the highest byte than any other check has are behind all its partitions.
    let name = |number: usize| Bytes::from(vec![0xff; 300 + number]);
    let names: Vec<Bytes> = (0..3).map(name).collect();
    for name in &names {
        for key in ["a", "b", "c"] {
            set(store, name.clone(), key, key).await;
        }
    }
    let cases: [(usize, usize, &[Bytes], bool); 7] = [
        (0, 1, &names[..1], true),
        (0, 2, &names[..2], true),
        (0, 3, &names[..3], false),
        (0, 4, &names[..3], false),
        (1, 1, &names[1..2], true),
        (2, 1, &names[2..3], false),
        (3, 1, &[], false),
    ];
    for (number, limit, expected, more) in cases {
        let page = page(store, name(number), limit).await;
        assert_eq!(
            (&page.names[..], page.more),
            (expected, more),
            "from {number}, at most {limit}"
        );
    }
    for name in names {
        for key in ["a", "b", "c"] {
            store.delete(name.clone(), key.into()).await.expect("delete");
        }
    }
}

pub(super) async fn a_list_of_no_partitions_is_refused(store: &dyn Store) {
    let refused = store.partitions(Bytes::new(), 0).await;
    assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
}

async fn page(store: &dyn Store, from: Bytes, limit: usize) -> PartitionPage {
    let page = store.partitions(from, limit).await.expect("partitions");
    assert!(page.names.len() <= limit);
    assert!(!page.more || !page.names.is_empty(), "an empty page cannot be followed by more");
    page
}

async fn listed(store: &dyn Store) -> Vec<Bytes> {
    let mut cursor = Partitions::new(store);
    let mut names = Vec::new();
    while let Some(name) = cursor.next().await.expect("partitions") {
        names.push(name);
    }
    names
}
