//! A store that fails: every operation, with every single one of its calls failing. And a store
//! whose files are damaged or missing.

use std::sync::Arc;

use lakehold_block::Address;
use lakehold_block::BlockStore as _;
use lakehold_block::Body;
use lakehold_block::MemBlockStore;
use lakehold_block::faults::FailingBlockStore;
use lakehold_tree::Error;
use lakehold_tree::MetaRangeId;
use lakehold_tree::Strategy;
use lakehold_tree::Trees;

use crate::lake::Identities;
use crate::lake::apply;
use crate::lake::identities;
use crate::lake::namespace;
use crate::lake::read;
use crate::lake::read_diff;
use crate::lake::tree;
use crate::lake::trees;

struct Lake {
    blocks: Arc<FailingBlockStore>,
    base: MetaRangeId,
    source: MetaRangeId,
    destination: MetaRangeId,
}

impl Lake {
    async fn new() -> Self {
        let blocks = Arc::new(FailingBlockStore::new(Arc::new(MemBlockStore::new())));
        let trees = trees(&blocks);
        let keys: String = (0..40).map(|number| format!("k{number:02}={} ", number % 3)).collect();
        let base = tree(&trees, &keys).await;
        let changes = identities("k03=9 k10 k22=7 k50=1");
        let source = apply(&trees, &base, &changes).await.unwrap().meta_range;
        let changes = identities("k04=9 k11 k30=7 k60=1");
        let destination = apply(&trees, &base, &changes).await.unwrap().meta_range;
        Self { blocks, base, source, destination }
    }
}

/// Runs `operation` with its first call failing, then with its second, until none fails; each time
/// it must fail, or give what it gives where nothing fails.
async fn fail_each_call<T, F>(operation: impl Fn(Lake, Trees) -> F)
where
    T: PartialEq + std::fmt::Debug,
    F: Future<Output = Result<T, Error>>,
{
    let lake = Lake::new().await;
    let fresh = trees(&lake.blocks);
    let expected = operation(lake, fresh).await.unwrap();
    let mut failures = 0;
    for nth in 1..500 {
        let lake = Lake::new().await;
        let blocks = lake.blocks.clone();
        let fresh = trees(&blocks);
        blocks.fail_nth(nth);
        let result = operation(lake, fresh).await;
        if blocks.injected() == 0 {
            assert_eq!(result.unwrap(), expected);
            assert!(failures > 0, "no call was made to fail");
            return;
        }
        match result {
            Ok(done) => assert_eq!(done, expected, "call {nth}"),
            Err(Error::Block(_)) => failures += 1,
            Err(error) => panic!("call {nth}: {error:?}"),
        }
    }
    panic!("the operation never got through");
}

#[tokio::test]
async fn reading_a_tree_from_a_failing_store_is_never_short() {
    fail_each_call(|lake, trees| async move { read(&trees, &lake.base).await }).await;
}

#[tokio::test]
async fn a_diff_over_a_failing_store_is_never_short() {
    fail_each_call(|lake, trees| async move {
        read_diff(trees.diff(&namespace(), &lake.source, &lake.destination)).await
    })
    .await;
}

#[tokio::test]
async fn looking_up_in_a_failing_store_finds_or_fails() {
    fail_each_call(|lake, trees| async move { trees.get(&namespace(), &lake.base, b"k17").await })
        .await;
}

#[tokio::test]
async fn applying_over_a_failing_store_writes_all_or_fails() {
    fail_each_call(|lake, trees_with_cache| async move {
        let changes = identities("k02=5 k08 k21=7 k39=8 k55=5");
        let written = apply(&trees_with_cache, &lake.base, &changes).await?;
        // What was acknowledged must be readable by others.
        let content = read(&trees(&lake.blocks), &written.meta_range).await?;
        Ok((written, content))
    })
    .await;
}

#[tokio::test]
async fn merging_over_a_failing_store_writes_all_or_fails() {
    fail_each_call(|lake, trees_with_cache| async move {
        let Lake { base, source, destination, .. } = &lake;
        let written =
            trees_with_cache.merge(&namespace(), source, destination, base, Strategy::Fail).await?;
        let content = read(&trees(&lake.blocks), &written.meta_range).await?;
        Ok((written, content))
    })
    .await;
}

#[tokio::test]
async fn counting_over_a_failing_store_is_never_short() {
    fail_each_call(|lake, trees| async move {
        let Lake { base, source, .. } = &lake;
        trees.merge(&namespace(), source, base, base, Strategy::Fail).await
    })
    .await;
}

/// A cursor that met an error goes on where it was, once the store is well again: no record is left
/// out, none comes twice.
#[tokio::test]
async fn a_cursor_goes_on_after_an_error() {
    let lake = Lake::new().await;
    let expected = read(&trees(&lake.blocks), &lake.base).await.unwrap();
    for nth in 1..8 {
        let trees = trees(&lake.blocks);
        let mut cursor = trees.cursor(&namespace(), &lake.base);
        lake.blocks.fail_nth(nth);
        let (mut keys, mut errors) = (Vec::new(), 0);
        loop {
            match cursor.next().await {
                Ok(Some(record)) => keys.push(crate::lake::text(&record.key)),
                Ok(None) => break,
                Err(_) => errors += 1,
            }
        }
        assert_eq!(errors, 1);
        assert!(keys.iter().eq(expected.keys()), "{keys:?}");
    }
}

/// A lake of one range and its metarange, and what a fault made of reading it.
struct Damaged {
    blocks: Arc<MemBlockStore>,
    tree: MetaRangeId,
    /// Addresses of the metarange and of the range.
    meta_range: Address,
    range: Address,
}

impl Damaged {
    async fn new() -> Self {
        let blocks = Arc::new(MemBlockStore::new());
        let tree = tree(&trees(&blocks), "a=1").await;
        let files = blocks.list(&namespace(), "", "", 10).await.unwrap();
        let address = |name: &str| Address::relative(&namespace(), name);
        let is_tree = |name: &str| name.ends_with(tree.as_str());
        let range = files.iter().find(|file| !is_tree(&file.name)).unwrap();
        let meta_range = files.iter().find(|file| is_tree(&file.name)).unwrap();
        Self { blocks, meta_range: address(&meta_range.name), range: address(&range.name), tree }
    }

    async fn bytes(&self, address: &Address) -> Vec<u8> {
        let body = self.blocks.get(address, None).await.unwrap();
        body.collect(1 << 20).await.unwrap().to_vec()
    }

    async fn replace(&self, address: &Address, bytes: Vec<u8>) {
        self.blocks.delete(address).await.unwrap();
        self.blocks.put(address, Body::Whole(bytes.into())).await.unwrap();
    }

    async fn read(&self) -> Result<Identities, Error> {
        read(&trees(&self.blocks), &self.tree).await
    }
}

fn is_corrupt_at(result: &Result<Identities, Error>, what: &str, address: &Address) -> bool {
    let name = address.to_string().rsplit('/').next().unwrap().to_owned();
    matches!(result, Err(Error::Corrupt { what: found, location, .. })
        if *found == what && location.ends_with(&name))
}

#[tokio::test]
async fn a_file_cut_short_anywhere_is_corrupt_and_named() {
    let lake = Damaged::new().await;
    for (what, address) in [("range", &lake.range), ("metarange", &lake.meta_range)] {
        let whole = lake.bytes(address).await;
        for length in 0..whole.len() {
            lake.replace(address, whole[..length].to_vec()).await;
            let result = lake.read().await;
            assert!(is_corrupt_at(&result, what, address), "{length}: {result:?}");
        }
        lake.replace(address, whole).await;
    }
    assert_eq!(lake.read().await.unwrap(), identities("a=1"));
}

/// A flipped bit is noticed, or lies where it changes nothing. A metarange whose `type` was damaged
/// unnoticed would be no metarange: hence not found is as good.
#[tokio::test]
async fn a_flipped_byte_anywhere_is_noticed_or_harmless() {
    let lake = Damaged::new().await;
    let mut noticed = 0;
    for (what, address) in [("range", &lake.range), ("metarange", &lake.meta_range)] {
        let whole = lake.bytes(address).await;
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x41;
            lake.replace(address, damaged).await;
            match lake.read().await {
                Ok(content) => assert_eq!(content, identities("a=1"), "byte {at} of the {what}"),
                result => {
                    assert!(is_corrupt_at(&result, what, address), "byte {at}: {result:?}");
                    noticed += 1;
                }
            }
        }
        lake.replace(address, whole).await;
    }
    assert!(noticed > 1000, "{noticed}");
}

#[tokio::test]
async fn a_missing_range_is_an_error_of_the_block_store() {
    let lake = Damaged::new().await;
    lake.blocks.delete(&lake.range).await.unwrap();
    let result = lake.read().await;
    let is_missing = matches!(result, Err(Error::Block(lakehold_block::Error::NotFound(_))));
    assert!(is_missing, "{result:?}");
    let trees = trees(&lake.blocks);
    let found = trees.get(&namespace(), &lake.tree, b"a").await;
    assert!(matches!(found, Err(Error::Block(_))), "{found:?}");
}
