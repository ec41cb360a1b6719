//! What a user says of an object, said anew.

use bytes::Bytes;

use lakehold_engine::BranchId;
use lakehold_engine::EngineError;
use lakehold_engine::Metadata;
use lakehold_engine::RepositoryId;
use lakehold_engine::Value;
use lakehold_kv::Record;

use super::check_path;
use super::entry::Entry;
use super::entry::to_pairs;
use super::entry::to_value;
use super::location_of;
use crate::Catalog;
use crate::Result;

impl Catalog {
    /// Replaces all user metadata of the object at `path`.
    ///
    /// Bytes, checksum and time stay. A change that others make to the object meanwhile is not
    /// lost: it is read again.
    pub async fn set_user_metadata(
        &self,
        repository: &RepositoryId,
        branch: &BranchId,
        path: &str,
        metadata: Metadata,
        force: bool,
    ) -> Result<()> {
        check_path(path)?;
        let repository = self.repository(repository).await?;
        let location = location_of(&repository, path);
        let change = move |value: Value| with_metadata(&value, &metadata, &location);
        let key = Bytes::copy_from_slice(path.as_bytes());
        self.engine().update(&repository, branch, key, &change, force).await?;
        Ok(())
    }
}

fn with_metadata(value: &Value, metadata: &Metadata, location: &str) -> Result<Value, EngineError> {
    let decoded = Record::<Entry>::decode(&value.data);
    let mut record = decoded.map_err(|error| EngineError::Corrupt {
        what: "entry",
        location: location.to_owned(),
        source: error.into(),
    })?;
    record.message.metadata = to_pairs(metadata.clone());
    Ok(to_value(&record))
}
