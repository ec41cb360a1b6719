//! Which commits changed a key, or anything below a prefix.

use crate::Commit;
use crate::Engine;
use crate::LogRequest;
use crate::MetaRangeId;
use crate::Repository;
use crate::Value;
use crate::error::Result;

/// Keys and prefixes that a commit must have changed one of.
pub(super) struct PathFilter<'a> {
    objects: Vec<&'a str>,
    prefixes: Vec<&'a str>,
}

impl<'a> PathFilter<'a> {
    pub(super) fn new(request: &'a LogRequest) -> Self {
        Self { objects: not_empty(&request.objects), prefixes: not_empty(&request.prefixes) }
    }

    fn wants_everything(&self) -> bool {
        self.objects.is_empty() && self.prefixes.is_empty()
    }
}

fn not_empty(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).filter(|text| !text.is_empty()).collect()
}

impl Engine {
    pub(super) async fn matches(
        &self,
        repository: &Repository,
        filter: &PathFilter<'_>,
        commit: &Commit,
    ) -> Result<bool> {
        if filter.wants_everything() {
            return Ok(true);
        }
        let [parent] = &commit.parents[..] else { return Ok(false) };
        let before = &self.get_commit(repository, parent).await?.meta_range_id;
        let after = &commit.meta_range_id;
        if before == after {
            return Ok(false);
        }
        for object in &filter.objects {
            if self.is_changed(repository, before, after, object).await? {
                return Ok(true);
            }
        }
        for prefix in &filter.prefixes {
            if self.is_changed_below(repository, before, after, prefix).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn is_changed(
        &self,
        repository: &Repository,
        before: &MetaRangeId,
        after: &MetaRangeId,
        key: &str,
    ) -> Result<bool> {
        let namespace = &repository.storage_namespace;
        let identity = |value: Option<Value>| value.map(|value| value.identity);
        let before = self.parts.trees.get(namespace, before, key.as_bytes()).await?;
        let after = self.parts.trees.get(namespace, after, key.as_bytes()).await?;
        Ok(identity(before) != identity(after))
    }

    async fn is_changed_below(
        &self,
        repository: &Repository,
        before: &MetaRangeId,
        after: &MetaRangeId,
        prefix: &str,
    ) -> Result<bool> {
        let mut diff = self.parts.trees.diff(&repository.storage_namespace, before, after);
        diff.seek(prefix.as_bytes());
        let first = diff.next().await?;
        Ok(first.is_some_and(|first| first.key.starts_with(prefix.as_bytes())))
    }
}
