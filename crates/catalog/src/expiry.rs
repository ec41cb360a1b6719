//! Removing notes of work that has long been over: imports, tasks, server instances.
//!
//! Each such record says when it was last written. A day later it is removed, at the start of a server
//! and daily, as existing installations do. A record that cannot be read is left where it is.

use std::time::Duration;

use bytes::Bytes;
use prost::DecodeError;
use prost::Message;
use tracing::warn;

use lakehold_clock::Timestamp;
use lakehold_engine::EngineError;
use lakehold_engine::PageRequest;
use lakehold_kv::Entry;
use lakehold_kv::Outcome;
use lakehold_kv::Precondition;
use lakehold_kv::Scan;
use lakehold_kv::TimestampMessage;
use lakehold_kv::Write;

use crate::Catalog;
use crate::Result;
use crate::import_status;
use crate::import_status::ImportStatusData;

/// How long a record is kept after it was last written.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// How often to look.
const INTERVAL: Duration = KEPT;

/// What the keys of tasks begin with, in their repository's partition.
const TASK_PREFIX: &str = "tasks/";
/// Where servers note that they are there.
const INSTANCE_PARTITION: Bytes = Bytes::from_static(b"catalog");
const INSTANCE_PREFIX: &str = "instances/";

/// How many repositories are looked up at once.
const REPOSITORIES_PER_PAGE: usize = 1_000;

/// Of any task: when it was last written.
#[derive(Clone, PartialEq, Message)]
struct TaskStatus {
    #[prost(message, optional, tag = "1")]
    task: Option<Task>,
}

#[derive(Clone, PartialEq, Message)]
struct Task {
    #[prost(message, optional, tag = "3")]
    updated_at: Option<TimestampMessage>,
}

/// A server that is there.
#[derive(Clone, PartialEq, Message)]
struct InstanceHeartbeat {
    #[prost(message, optional, tag = "1")]
    updated_at: Option<TimestampMessage>,
}

/// Reads from a stored record when it was last written.
type Age = fn(&[u8]) -> Result<Option<TimestampMessage>, DecodeError>;

impl Catalog {
    /// Calls [`Catalog::remove_expired`] now and every day. Never returns.
    pub async fn keep_removing_expired(&self) {
        loop {
            if let Err(error) = self.remove_expired().await {
                warn!(%error, "expired imports and tasks are not removed today: {error}");
            }
            self.runtime().sleep(INTERVAL).await;
        }
    }

    /// Removes imports, tasks and instances that were last written more than a day ago, and returns
    /// how many.
    pub async fn remove_expired(&self) -> Result<u64> {
        let mut removed = self
            .remove_expired_in(&INSTANCE_PARTITION, INSTANCE_PREFIX, |stored| {
                Ok(InstanceHeartbeat::decode(stored)?.updated_at)
            })
            .await?;
        let amount = REPOSITORIES_PER_PAGE;
        let mut request = PageRequest { amount, ..PageRequest::default() };
        loop {
            let page = self.engine().list_repositories(&request, "").await?;
            for repository in page.results.iter().filter(|repository| !repository.in_deletion) {
                removed += self.remove_expired_of(&repository.partition).await?;
            }
            match page.results.last() {
                Some(last) if page.has_more => request.after = last.id.as_str().to_owned(),
                _ => return Ok(removed),
            }
        }
    }

    async fn remove_expired_of(&self, repository: &Bytes) -> Result<u64> {
        let imports = self
            .remove_expired_in(repository, import_status::PREFIX, |stored| {
                Ok(ImportStatusData::decode(stored)?.updated_at)
            })
            .await?;
        let tasks = self
            .remove_expired_in(repository, TASK_PREFIX, |stored| {
                Ok(TaskStatus::decode(stored)?.task.unwrap_or_default().updated_at)
            })
            .await?;
        Ok(imports + tasks)
    }

    async fn remove_expired_in(&self, partition: &Bytes, prefix: &str, age: Age) -> Result<u64> {
        let store = self.engine().store().clone();
        let from = Bytes::copy_from_slice(prefix.as_bytes());
        let mut scan = Scan::new(&*store, partition.clone(), from.clone());
        let mut removed = 0;
        while let Some(entry) = scan.next().await.map_err(EngineError::from)? {
            if !entry.key.starts_with(&from) {
                break;
            }
            if self.is_expired(&entry, age)
                && self.remove_if_expired(partition, &entry, age).await?
            {
                removed += 1;
            }
        }
        Ok(removed)
    }

    fn is_expired(&self, entry: &Entry, age: Age) -> bool {
        match age(&entry.value) {
            Ok(at) => {
                let written = Timestamp::from(at.unwrap_or_default());
                written.plus(KEPT) < self.runtime().now()
            }
            Err(error) => {
                let key = String::from_utf8_lossy(&entry.key);
                warn!(kv.key = %key, %error, "{key} cannot be read, and stays: {error}");
                false
            }
        }
    }

    /// Removes the record, unless somebody has written it since.
    async fn remove_if_expired(&self, partition: &Bytes, entry: &Entry, age: Age) -> Result<bool> {
        let found = self.engine().store().get(partition.clone(), entry.key.clone()).await;
        let Some(found) = found.map_err(EngineError::from)? else { return Ok(false) };
        let now = Entry { key: entry.key.clone(), value: found.value };
        if !self.is_expired(&now, age) {
            return Ok(false);
        }
        let write = Write {
            partition: partition.clone(),
            key: now.key,
            value: None,
            precondition: Precondition::Unchanged(found.version),
        };
        Ok(self.engine().write_if(write).await? == Outcome::Applied)
    }
}
