//! The record of an import, changed by whoever runs it and whoever cancels it.
//!
//! Each change reads the record, decides, and writes on the condition that it is still what was read.
//!
//! | completed | error | metarange | the import |
//! | --- | --- | --- | --- |
//! | no | no | no | waits or runs; a cancel ends it |
//! | no | no | yes | makes its commit: too late for a cancel |
//! | yes | no | yes | is done |
//! | no | yes | no | has failed or was cancelled; the branch is as it was |
//! | no | yes | yes | may have made its commit: nobody could tell; too late for a cancel |

use bytes::Bytes;

use lakehold_clock::Xid;
use lakehold_engine::EngineError;
use lakehold_engine::Repository;
use lakehold_kv::Outcome;
use lakehold_kv::Precondition;
use lakehold_kv::Record;
use lakehold_kv::Write;

use crate::Catalog;
use crate::CatalogError;
use crate::Result;
use crate::import_status::ImportStatusData;
use crate::import_status::decode;
use crate::import_status::key_of;

/// What the record of a cancelled import says.
const CANCELED: &str = "Canceled";

/// How often a change is tried that meets another one each time.
const ATTEMPTS: u32 = 10;

/// Whether a change may be made, once the record was read.
pub(super) enum Verdict {
    /// It is made.
    Change,
    /// The record stays as it is.
    Leave,
}

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Changed {
    /// It was made.
    Yes,
    /// The record does not allow it, or is not there any more.
    No,
}

impl Catalog {
    /// Stores the record of an import that begins.
    pub(super) async fn create_import(&self, repository: &Repository, id: &Xid) -> Result<()> {
        let data = ImportStatusData {
            id: id.to_string(),
            updated_at: Some(self.runtime().now().into()),
            ..ImportStatusData::default()
        };
        let write = Write {
            partition: repository.partition.clone(),
            key: key_of(id),
            value: Some(Record::new(data).encode()),
            precondition: Precondition::Absent,
        };
        match self.engine().write_if(write).await? {
            Outcome::Applied => Ok(()),
            Outcome::PreconditionFailed => {
                Err(EngineError::PreconditionFailed("import status".to_owned()).into())
            }
        }
    }

    /// Changes the record of the import `id` as `change` says, which sees what is stored.
    pub(super) async fn change_import(
        &self,
        repository: &Repository,
        id: &Xid,
        change: impl Fn(&mut ImportStatusData) -> Verdict + Send + Sync,
    ) -> Result<Changed> {
        let (partition, key) = (repository.partition.clone(), key_of(id));
        for attempt in 1..=ATTEMPTS {
            let found = self.engine().store().get(partition.clone(), key.clone()).await;
            let Some(found) = found.map_err(EngineError::from)? else { return Ok(Changed::No) };
            let mut record = decode(&key, &found.value)?;
            if let Verdict::Leave = change(&mut record.message) {
                return Ok(Changed::No);
            }
            record.message.updated_at = Some(self.runtime().now().into());
            let write = Write {
                partition: partition.clone(),
                key: key.clone(),
                value: Some(record.encode()),
                precondition: Precondition::Unchanged(found.version),
            };
            match self.engine().write_if(write).await? {
                Outcome::Applied => return Ok(Changed::Yes),
                Outcome::PreconditionFailed => self.engine().back_off(attempt).await,
            }
        }
        Err(EngineError::PreconditionFailed("import status".to_owned()).into())
    }

    /// Cancels the import `id`, if it is not too late.
    pub(super) async fn note_cancel(&self, repository: &Repository, id: &str) -> Result<()> {
        let not_found = || CatalogError::ImportNotFound(id.to_owned());
        let xid = Xid::parse(id).map_err(|_| not_found())?;
        // Whether it is there at all.
        self.read_import(repository, &xid).await?.ok_or_else(not_found)?;
        let cancel = |data: &mut ImportStatusData| {
            if data.completed || !data.meta_range_id.is_empty() {
                return Verdict::Leave;
            }
            CANCELED.clone_into(&mut data.error);
            Verdict::Change
        };
        match self.change_import(repository, &xid, cancel).await? {
            Changed::Yes => Ok(()),
            Changed::No => Err(CatalogError::ImportCommitted(id.to_owned())),
        }
    }

    /// Reads the record of the import `id`.
    pub(crate) async fn read_import(
        &self,
        repository: &Repository,
        id: &Xid,
    ) -> Result<Option<Record<ImportStatusData>>> {
        let key: Bytes = key_of(id);
        let found = self.engine().store().get(repository.partition.clone(), key.clone()).await;
        let found = found.map_err(EngineError::from)?;
        found.map(|found| decode(&key, &found.value)).transpose()
    }
}
