//! What an import finds: several listings, merged into one in the order of the paths on the branch.
//!
//! Each source is listed in key order, and what it becomes on the branch is in that order, too, because
//! only a common beginning is exchanged. A heap of the next object of each source gives them out in
//! order; of those for one path that of the later source, as the request has them. A source is opened
//! only when the paths before its folder are through, so that any number of folders side by side is
//! listed with the memory of one.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use futures::FutureExt as _;
use futures::StreamExt as _;
use futures::TryStreamExt as _;
use futures::future::BoxFuture;
use futures::stream;
use futures::stream::BoxStream;

use lakehold_block::BlockStore;
use lakehold_block::SourceObject;
use lakehold_engine::BoxError;
use lakehold_engine::Change;
use lakehold_engine::ChangeSource;

use super::ImportKind;
use super::ImportPath;
use super::run::chain;
use crate::Catalog;

/// Objects whose bytes are read at the same time, where the store does not know their checksums.
const READS_AT_A_TIME: usize = 4;

/// Single objects that are looked up at the same time.
const LOOKUPS_AT_A_TIME: usize = 8;

/// Why there is no more, as it is told to people.
type Failure = String;

/// All sources of an import, as changes of an empty tree.
pub(super) struct Sources<'a> {
    changes: BoxStream<'a, Result<Change, Failure>>,
    progress: &'a AtomicU64,
    failure: Option<Failure>,
}

impl<'a> Sources<'a> {
    /// What is found at `paths`; counted in `progress`.
    pub(super) fn new(
        catalog: &'a Catalog,
        paths: &'a [ImportPath],
        progress: &'a AtomicU64,
    ) -> Self {
        let found = stream::try_unfold(Merge::new(catalog.blocks(), paths), |merge| async move {
            let mut merge = merge;
            Ok(merge.next().await?.map(|found| (found, merge)))
        });
        let change = move |found: Result<Found, Failure>| async move {
            let Found { path, object, .. } = found?;
            let value = catalog.imported_value(&path, object).await;
            let value = value.map_err(|error| chain(&error))?;
            Ok(Change { key: Bytes::from(path), value: Some(value) })
        };
        let changes = found.map(change).buffered(READS_AT_A_TIME).boxed();
        Self { changes, progress, failure: None }
    }

    /// Why there were no more, if that is why.
    pub(super) fn failure(&mut self) -> Option<Failure> {
        self.failure.take()
    }
}

impl ChangeSource for Sources<'_> {
    fn next(&mut self) -> BoxFuture<'_, Result<Option<Change>, BoxError>> {
        async move {
            match self.changes.next().await.transpose() {
                Ok(change) => {
                    self.progress.fetch_add(u64::from(change.is_some()), Ordering::Relaxed);
                    Ok(change)
                }
                Err(failure) => {
                    self.failure = Some(failure.clone());
                    Err(failure.into())
                }
            }
        }
        .boxed()
    }
}

/// An object and the path that it gets.
struct Found {
    path: String,
    /// Which of the request's paths brought it.
    index: usize,
    object: SourceObject,
}

/// A source that is not listed yet.
enum Source<'a> {
    Prefix {
        index: usize,
        path: &'a ImportPath,
        begin: String,
    },
    /// Single objects with the indices of their paths, in order of their destinations, which differ.
    Objects(Vec<(usize, &'a ImportPath)>),
}

/// The next of a source: where it can come at the earliest, as long as it was not opened.
enum Next<'a> {
    Unopened(Source<'a>),
    Object(Found, BoxStream<'a, Result<Found, Failure>>),
}

/// An element of the heap. The smallest comes first; of equal paths what is not opened yet, then the
/// later one of the request.
struct Head<'a> {
    path: String,
    rank: (bool, Reverse<usize>),
    next: Next<'a>,
}

/// The sources, merged.
struct Merge<'a> {
    blocks: &'a dyn BlockStore,
    heads: BinaryHeap<Reverse<Head<'a>>>,
    /// The path given out last.
    last: Option<String>,
}

impl<'a> Merge<'a> {
    fn new(blocks: &'a dyn BlockStore, paths: &'a [ImportPath]) -> Self {
        let (mut objects, mut heads) = (Vec::new(), BinaryHeap::new());
        for (index, path) in paths.iter().enumerate() {
            match path.kind {
                ImportKind::Object => objects.push((index, path)),
                ImportKind::Prefix => {
                    let begin = path.begin();
                    heads.push(Reverse(Head::unopened(Source::Prefix { index, path, begin })));
                }
            }
        }
        objects.sort_by_key(|(index, path)| (&path.destination, Reverse(*index)));
        objects.dedup_by_key(|(_, path)| &path.destination);
        heads.push(Reverse(Head::unopened(Source::Objects(objects))));
        Self { blocks, heads, last: None }
    }

    /// The next object, by its path.
    async fn next(&mut self) -> Result<Option<Found>, Failure> {
        while let Some(Reverse(head)) = self.heads.pop() {
            let (found, rest) = match head.next {
                Next::Unopened(source) => {
                    self.put_back(open(self.blocks, source)).await?;
                    continue;
                }
                Next::Object(found, rest) => (found, rest),
            };
            self.put_back(rest).await?;
            if self.last.as_ref() != Some(&found.path) {
                self.last = Some(found.path.clone());
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    async fn put_back(
        &mut self,
        rest: BoxStream<'a, Result<Found, Failure>>,
    ) -> Result<(), Failure> {
        let mut rest = rest;
        if let Some(found) = rest.try_next().await? {
            self.heads.push(Reverse(Head::object(found, rest)));
        }
        Ok(())
    }
}

fn open<'a>(
    blocks: &'a dyn BlockStore,
    source: Source<'a>,
) -> BoxStream<'a, Result<Found, Failure>> {
    match source {
        Source::Prefix { index, path, begin } => {
            let found = move |object: SourceObject| {
                let path = format!("{begin}{}", object.name);
                // The folder itself has no name at the root of a branch.
                (!path.is_empty()).then_some(Found { path, index, object })
            };
            let listed = blocks.list_source(&path.source).map_err(|error| chain(&error));
            listed.map_ok(found).try_filter_map(|found| async { Ok(found) }).boxed()
        }
        Source::Objects(objects) => {
            let find = move |(index, path): (usize, &'a ImportPath)| async move {
                let found = blocks.find_source(&path.source).await;
                let found = found.map_err(|error| chain(&error))?;
                let object = found.ok_or_else(|| format!("no object at {}", path.source))?;
                Ok(Found { path: path.destination.clone(), index, object })
            };
            stream::iter(objects).map(find).buffered(LOOKUPS_AT_A_TIME).boxed()
        }
    }
}

impl<'a> Head<'a> {
    fn unopened(source: Source<'a>) -> Self {
        let path = match &source {
            Source::Prefix { begin, .. } => begin.clone(),
            Source::Objects(objects) => {
                objects.first().map(|(_, path)| path.destination.clone()).unwrap_or_default()
            }
        };
        Self { path, rank: (false, Reverse(0)), next: Next::Unopened(source) }
    }

    fn object(found: Found, rest: BoxStream<'a, Result<Found, Failure>>) -> Self {
        let rank = (true, Reverse(found.index));
        Self { path: found.path.clone(), rank, next: Next::Object(found, rest) }
    }
}

impl Ord for Head<'_> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (&self.path, self.rank).cmp(&(&other.path, other.rank))
    }
}

impl PartialOrd for Head<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Head<'_> {}
