//! The record that says that an import is not complete.

use std::path::Path;

use bytes::Bytes;
use lakehold_clock::Timestamp;
use lakehold_kv::Outcome;
use lakehold_kv::Precondition;
use lakehold_kv::Store;
use lakehold_kv::StoreExt as _;
use serde_json::Value;
use serde_json::json;

use super::ImportError;

/// Our own; lakeFS looks into no partition that it does not know.
pub(super) const PARTITION: &str = "lakehold-import";
const KEY: &str = "badger";
/// What is said of a marker that names no directory.
const UNKNOWN: &str = "an unknown directory";

/// Returns the directory whose import into `store` was begun and not completed, if there is one.
///
/// Such a store has some of the records of an installation and must not be served.
pub async fn unfinished_import(store: &dyn Store) -> Result<Option<String>, lakehold_kv::Error> {
    let marker = store.get(PARTITION.into(), KEY.into()).await?;
    Ok(marker.map(|marker| directory_in(&marker.value)))
}

/// Marks the store as one that `directory` is being imported into. Returns whether it was marked so
/// already; fails where it is not empty and was not.
pub(super) async fn begin(
    store: &dyn Store,
    directory: &Path,
    now: Timestamp,
) -> Result<bool, ImportError> {
    // The same directory, however it was spelled.
    let directory = directory.canonicalize().unwrap_or_else(|_| directory.into());
    let directory = directory.display().to_string();
    match unfinished_import(store).await? {
        Some(marked) if marked == directory => return Ok(true),
        Some(other) => return Err(ImportError::OtherImport { directory: other }),
        None => {}
    }
    require_empty(store).await?;
    let marker = json!({ "directory": directory, "begun": now.seconds }).to_string();
    let absent = Precondition::Absent;
    match store.set_if(PARTITION.into(), KEY.into(), marker.into(), absent).await? {
        Outcome::Applied => Ok(false),
        // Another import began at this moment.
        Outcome::PreconditionFailed => Err(ImportError::OtherImport { directory }),
    }
}

/// Says that the import is complete.
pub(super) async fn end(store: &dyn Store) -> Result<(), lakehold_kv::Error> {
    store.delete(PARTITION.into(), KEY.into()).await
}

async fn require_empty(store: &dyn Store) -> Result<(), ImportError> {
    let found = store.partitions(Bytes::new(), 1).await?;
    match found.names.first() {
        None => Ok(()),
        Some(name) => {
            Err(ImportError::NotEmpty { partition: String::from_utf8_lossy(name).into_owned() })
        }
    }
}

fn directory_in(marker: &[u8]) -> String {
    let parsed: Value = serde_json::from_slice(marker).unwrap_or_default();
    parsed["directory"].as_str().unwrap_or(UNKNOWN).to_owned()
}
