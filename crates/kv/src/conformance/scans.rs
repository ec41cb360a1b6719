//! Reading a partition in key order.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::entries;
use super::keys;
use super::odd_bytes;
use super::page;
use super::set;
use super::write_of;
use crate::Store;
use crate::StoreExt as _;

pub(super) async fn a_scan_returns_keys_in_byte_order(store: &dyn Store) {
    let mut expected: Vec<Bytes> = odd_bytes();
    for key in &expected {
        set(store, "byte-order", key.clone(), key.clone()).await;
    }
    expected.sort_unstable();
    assert_eq!(keys(store, "byte-order").await, expected);

    for from in &expected {
        let rest = page(store, "byte-order", from.clone(), expected.len()).await;
        let found: Vec<Bytes> = rest.entries.into_iter().map(|entry| entry.key).collect();
        let later: Vec<Bytes> = expected.iter().filter(|key| *key >= from).cloned().collect();
        assert_eq!(found, later, "from {from:?}");
    }
}

pub(super) async fn pages_say_whether_there_is_more(store: &dyn Store) {
    for key in ["a", "b", "c"] {
        set(store, "pages", key, key).await;
        // A neighbour must not be taken for "more".
        set(store, "pages-neighbour", key, key).await;
    }
    let cases: [(&'static str, usize, &[&str], bool); 8] = [
        ("", 1, &["a"], true),
        ("", 2, &["a", "b"], true),
        ("", 3, &["a", "b", "c"], false),
        ("", 4, &["a", "b", "c"], false),
        ("b", 1, &["b"], true),
        ("aa", 5, &["b", "c"], false),
        ("c", 1, &["c"], false),
        ("d", 1, &[], false),
    ];
    for (from, limit, expected, more) in cases {
        let page = page(store, "pages", from.into(), limit).await;
        let found: Vec<&[u8]> = page.entries.iter().map(|entry| &entry.key[..]).collect();
        let expected: Vec<&[u8]> = expected.iter().map(|key| key.as_bytes()).collect();
        assert_eq!((found, page.more), (expected, more), "from {from:?}, at most {limit}");
    }
}

pub(super) async fn a_cursor_returns_each_key_once(store: &dyn Store) {
    let mut expected = BTreeMap::new();
    let mut writes = Vec::new();
    for number in 0..1_500u32 {
        let key = Bytes::from(number.wrapping_mul(2_654_435_761).to_be_bytes().to_vec());
        let write = write_of("cursor".into(), key.clone());
        expected.extend(write.value.clone().map(|value| (key, value)));
        writes.push(write);
    }
    drop(store.write(writes).await.expect("write"));
    let found = entries(store, "cursor".into()).await;
    assert!(found.into_iter().map(|entry| (entry.key, entry.value)).eq(expected));
}

pub(super) async fn a_key_that_stays_is_seen_while_others_come_and_go(store: &dyn Store) {
    for number in 0..10 {
        set(store, "changing", format!("{number}"), "stays").await;
    }
    let mut from = Bytes::new();
    let mut stayed = Vec::new();
    for _ in 0..100 {
        let page = page(store, "changing", from, 2).await;
        let Some(last) = page.entries.last().cloned() else { break };
        stayed.extend(page.entries.into_iter().filter(|entry| entry.value == "stays"));
        from = [&last.key[..], b"\0"].concat().into();
        set(store, "changing", [&last.key[..], b"+"].concat(), "came").await;
        store.delete("changing".into(), [&last.key[..], b"+"].concat().into()).await.expect("gone");
        set(store, "changing", "0+", "came").await;
        if !page.more {
            break;
        }
    }
    let found: Vec<String> = stayed.iter().map(|entry| format!("{:?}", entry.key)).collect();
    let expected: Vec<String> = (0..10).map(|number| format!("b\"{number}\"")).collect();
    assert_eq!(found, expected);
}
