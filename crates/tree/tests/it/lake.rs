//! Trees over a block store in memory, with tiny ranges, and contents as tests think of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use lakehold_block::BlockStore;
use lakehold_block::StorageNamespace;
use lakehold_clock::Runtime;
use lakehold_tree::BoxError;
use lakehold_tree::Change;
use lakehold_tree::ChangeSource;
use lakehold_tree::DiffCursor;
use lakehold_tree::Error;
use lakehold_tree::MetaRangeId;
use lakehold_tree::TreeSettings;
use lakehold_tree::Trees;
use lakehold_tree::Value;

/// Identity per key; `None`: a removal, or nothing there.
pub(crate) type Identities = BTreeMap<String, Option<String>>;

/// Changes out of a list.
pub(crate) struct Listed(std::vec::IntoIter<Result<Change, BoxError>>);

impl Listed {
    pub(crate) fn new(changes: Vec<Result<Change, BoxError>>) -> Self {
        Self(changes.into_iter())
    }

    pub(crate) fn of(changes: &Identities) -> Self {
        let change = |(key, identity): (&String, &Option<String>)| Change {
            key: key.clone().into(),
            value: identity.as_ref().map(|identity| value(identity)),
        };
        Self::new(changes.iter().map(change).map(Ok).collect())
    }
}

impl ChangeSource for Listed {
    fn next(&mut self) -> BoxFuture<'_, Result<Option<Change>, BoxError>> {
        let next = self.0.next().transpose();
        async move { next }.boxed()
    }
}

pub(crate) fn value(identity: &str) -> Value {
    let data = format!("data of {identity}");
    Value { identity: Bytes::copy_from_slice(identity.as_bytes()), data: data.into() }
}

/// `a=1 b=2 c` as identities, `c` removed.
pub(crate) fn identities(text: &str) -> Identities {
    text.split_whitespace()
        .map(|word| match word.split_once('=') {
            Some((key, identity)) => (key.to_owned(), Some(identity.to_owned())),
            None => (word.to_owned(), None),
        })
        .collect()
}

pub(crate) fn namespace() -> StorageNamespace {
    StorageNamespace::from_stored("mem://lake")
}

/// Ranges of two or three records.
pub(crate) fn tiny_ranges() -> TreeSettings {
    TreeSettings {
        max_range_bytes: 90,
        raggedness: 3,
        cache_bytes: 1 << 20,
        ..TreeSettings::default()
    }
}

/// Trees over `blocks`, with nothing in memory yet.
pub(crate) fn trees(blocks: &Arc<impl BlockStore>) -> Trees {
    Trees::new(blocks.clone(), Runtime::seeded(1).0, tiny_ranges())
}

pub(crate) async fn apply(
    trees: &Trees,
    base: &MetaRangeId,
    changes: &Identities,
) -> Result<lakehold_tree::Written, Error> {
    trees.apply(&namespace(), base, &mut Listed::of(changes), false).await
}

/// A new tree.
pub(crate) async fn tree(trees: &Trees, content: &str) -> MetaRangeId {
    apply(trees, &MetaRangeId::default(), &identities(content)).await.unwrap().meta_range
}

/// Everything in a tree, as [`identities`] reads it.
pub(crate) async fn read(trees: &Trees, id: &MetaRangeId) -> Result<Identities, Error> {
    let mut cursor = trees.cursor(&namespace(), id);
    let mut found = Identities::new();
    while let Some(record) = cursor.next().await? {
        let identity = text(&record.value.identity);
        assert_eq!(record.value, value(&identity));
        found.insert(text(&record.key), Some(identity));
    }
    Ok(found)
}

/// The rest of a difference, as `key:left:right`, with nothing where there is nothing.
pub(crate) async fn read_diff(mut diff: DiffCursor) -> Result<Vec<String>, Error> {
    let mut found = Vec::new();
    while let Some(difference) = diff.next().await? {
        let identity = |value: &Option<Value>| {
            value.as_ref().map(|value| text(&value.identity)).unwrap_or_default()
        };
        let (left, right) = (identity(&difference.left), identity(&difference.right));
        found.push(format!("{}:{left}:{right}", text(&difference.key)));
    }
    Ok(found)
}

pub(crate) fn text(bytes: &Bytes) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}
