//! Reading a table whole, and proving that it is the one its name says.

use std::sync::Arc;

use lakehold_block::Address;
use lakehold_block::Error;
use lakehold_block::StorageNamespace;
use lakehold_sstable::Table;

use crate::exam::Exam;
use crate::id::Id;
use crate::objects::with_causes;

/// Longest table that is read, in bytes: a range is some 20 MiB, and a damaged file may be anything.
const LONGEST_TABLE: usize = 1 << 30;

/// Why a table is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// There is no such file.
    Missing,
    /// It is damaged.
    Corrupt(String),
    /// The store did not answer, so nothing is known.
    Failed(String),
}

/// A table all of whose blocks hold, and whose records hash to its name.
#[derive(Clone, Debug)]
pub(super) struct Proven {
    pub(super) table: Arc<Table>,
    /// Length of the file in bytes.
    pub(super) length: u64,
    /// What kind of record a table of a dump holds: `commit`, `branch` or `tag`.
    pub(super) entity: Option<String>,
}

/// Reads the table `id`, which should be of this `kind`, the value of its property `type`.
pub(super) async fn read(
    exam: &Exam<'_>,
    namespace: &StorageNamespace,
    id: Id,
    kind: &'static str,
) -> Result<Proven, Fault> {
    let address = Address::relative(namespace, format!("{}/{id}", exam.options.table_folder));
    let body = exam.blocks.get(&address, None).await.map_err(|error| match error {
        Error::NotFound(_) => Fault::Missing,
        Error::Corrupt { .. } => Fault::Corrupt(with_causes(&error)),
        error => Fault::Failed(with_causes(&error)),
    })?;
    let bytes = body.collect(LONGEST_TABLE).await;
    let bytes = bytes.map_err(|error| Fault::Failed(with_causes(&*error)))?;
    exam.counters.bytes_read.add(bytes.len() as u64);
    let length = bytes.len() as u64;
    let proven = exam.runtime.blocking(move || prove(bytes, id)).await;
    let table = proven.map_err(Fault::Corrupt)?;
    let property = |name| table.property(name).map(crate::finding::text);
    match property("type") {
        // Tables of programs of old do not say.
        None => {}
        Some(found) if found == kind => {}
        Some(found) => return Err(Fault::Corrupt(format!("its type is {found:?}"))),
    }
    Ok(Proven { length, entity: property("entity"), table: Arc::new(table) })
}

/// Opens the table and checks every block and the hash of the records.
fn prove(bytes: bytes::Bytes, id: Id) -> Result<Table, String> {
    let table = Table::open(bytes).map_err(|error| error.to_string())?;
    let computed = Id::from(table.compute_id().map_err(|error| error.to_string())?);
    if computed == id {
        return Ok(table);
    }
    Err(format!("its records hash to {computed}"))
}
