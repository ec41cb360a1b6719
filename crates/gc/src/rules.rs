//! Rules: how long the commits of a branch keep their data.
//!
//! They are one object in the repository's storage (docs/formats/gc-rules.md), where programs that
//! collect garbage from outside read them. No object, or an empty one: no rules. Rules that say
//! nothing, zero days and no branch, are stored as nothing, and so are none.
//!
//! Unlike everything else in a block store, this object is replaced under its name. A block store
//! promises that of an upload in parts, whose object is there at one moment and whole; a small body that
//! is put twice may be taken for the same. So rules are uploaded in one part.

use std::collections::BTreeMap;

use bytes::Bytes;
use prost::Message;

use lakehold_block::Address;
use lakehold_block::BlockStore;
use lakehold_block::CompletedPart;
use lakehold_block::Error as BlockError;
use lakehold_engine::EngineError;
use lakehold_engine::Repository;
use lakehold_engine::RepositoryId;
use lakehold_kv::Known;
use lakehold_kv::Record;

use crate::Gc;
use crate::GcError;
use crate::error::Result;

/// Where rules are, below the repository's namespace. In spite of its name no JSON.
const PLACE: &str = "_lakefs/retention/gc/rules/config.json";

/// More than this are no rules that anybody wrote.
const MAX_BYTES: usize = 16 << 20;

/// The rules of one repository.
#[derive(Clone, PartialEq, Message)]
struct GarbageCollectionRules {
    #[prost(int32, tag = "1")]
    default_retention_days: i32,
    #[prost(btree_map = "string, int32", tag = "2")]
    branch_retention_days: BTreeMap<String, i32>,
}

impl Known for GarbageCollectionRules {
    const FIELDS: &'static [u32] = &[1, 2];
}

/// How long the commits of a repository keep their data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RetentionRules {
    /// Days, on branches that are not named.
    pub default_days: i64,
    /// Days, by the name of a branch, which need not be there.
    pub branches: BTreeMap<String, i64>,
}

impl RetentionRules {
    fn from_record(data: GarbageCollectionRules) -> Self {
        let branches = data.branch_retention_days.into_iter();
        Self {
            default_days: data.default_retention_days.into(),
            branches: branches.map(|(branch, days)| (branch, days.into())).collect(),
        }
    }

    fn to_record(&self) -> Result<GarbageCollectionRules> {
        let branches = self.branches.iter();
        let branches = branches.map(|(branch, days)| Ok((branch.clone(), stored_days(*days)?)));
        Ok(GarbageCollectionRules {
            default_retention_days: stored_days(self.default_days)?,
            branch_retention_days: branches.collect::<Result<_>>()?,
        })
    }
}

impl Gc {
    /// Returns the rules of a repository. Fails with [`GcError::NoRules`].
    pub async fn rules(&self, repository: &RepositoryId) -> Result<RetentionRules> {
        let repository = self.engine.repository(repository).await?;
        match self.read_rules(&repository).await? {
            Some(record) => Ok(RetentionRules::from_record(record.message)),
            None => Err(GcError::NoRules(repository.id.clone())),
        }
    }

    /// Replaces the rules of a repository.
    ///
    /// Fails with [`GcError::InvalidRetention`], and with the engine's `ReadOnlyRepository`.
    pub async fn set_rules(&self, repository: &RepositoryId, rules: &RetentionRules) -> Result<()> {
        let data = rules.to_record()?;
        let repository = self.engine.repository(repository).await?;
        repository.check_writable(false)?;
        let _one_at_a_time = self.changing.lock().await;
        let mut record = self.read_rules(&repository).await?.unwrap_or_default();
        record.message = data;
        let stored = record.encode();
        match stored.is_empty() {
            true => Ok(self.blocks.delete(&place(&repository)).await?),
            false => Ok(replace(&*self.blocks, &place(&repository), stored).await?),
        }
    }

    /// Removes the rules of a repository, if it has any.
    pub async fn delete_rules(&self, repository: &RepositoryId) -> Result<()> {
        let repository = self.engine.repository(repository).await?;
        repository.check_writable(false)?;
        let _one_at_a_time = self.changing.lock().await;
        Ok(self.blocks.delete(&place(&repository)).await?)
    }

    async fn read_rules(
        &self,
        repository: &Repository,
    ) -> Result<Option<Record<GarbageCollectionRules>>> {
        let place = place(repository);
        let body = match self.blocks.get(&place, None).await {
            Err(BlockError::NotFound(_)) => return Ok(None),
            found => found?,
        };
        let stored = body.collect(MAX_BYTES).await.map_err(|source| corrupt(&place, source))?;
        if stored.is_empty() {
            return Ok(None);
        }
        let record = Record::decode(&stored).map_err(|error| corrupt(&place, error.into()))?;
        Ok(Some(record))
    }
}

fn place(repository: &Repository) -> Address {
    Address::relative(&repository.storage_namespace, PLACE)
}

fn stored_days(days: i64) -> Result<i32> {
    let stored = i32::try_from(days).ok().filter(|days| *days >= 0);
    stored.ok_or(GcError::InvalidRetention { days })
}

fn corrupt(place: &Address, source: lakehold_block::BoxError) -> GcError {
    let location = place.to_string();
    EngineError::Corrupt { what: "garbage collection rules", location, source }.into()
}

/// Stores `bytes` at `address`, whatever is there, at one moment.
async fn replace(
    blocks: &dyn BlockStore,
    address: &Address,
    bytes: Bytes,
) -> Result<(), BlockError> {
    let upload = blocks.create_multipart(address).await?;
    let stored = async {
        let part = blocks.put_part(address, &upload, 1, bytes.into()).await?;
        let only = CompletedPart { number: 1, etag: part.etag };
        blocks.complete_multipart(address, &upload, &[only]).await.map(drop)
    };
    let stored = stored.await;
    if stored.is_err() {
        // What stays is a part that nobody completes: garbage.
        drop(blocks.abort_multipart(address, &upload).await);
    }
    stored
}
