//! The entry of an object that is imported: it stays where it is.

use lakehold_block::Address;
use lakehold_block::SourceObject;
use lakehold_engine::Value;
use lakehold_kv::Record;

use super::address;
use super::check_path;
use super::entry::Entry;
use super::entry::to_value;
use crate::Catalog;
use crate::CatalogError;
use crate::Result;

impl Catalog {
    /// The value that the engine is to keep at `path` for `object`. Where the store does not know the
    /// object's checksum, its bytes are read.
    ///
    /// Fails with [`CatalogError::ImportChanged`] where the object has changed since it was listed.
    pub(crate) async fn imported_value(&self, path: &str, object: SourceObject) -> Result<Value> {
        check_path(path)?;
        let address = Address::Full(object.uri.as_str().into());
        let size = object.head.size;
        let e_tag = match object.etag {
            Some(etag) => etag,
            None => {
                let read = self.read_checksum(&address).await?;
                if read.size != size {
                    return Err(CatalogError::ImportChanged(object.uri));
                }
                read.checksum
            }
        };
        let (address, address_type) = address::to_entry(&address, self.blocks());
        let entry = Entry {
            address,
            last_modified: Some(object.head.modified.into()),
            size: i64::try_from(size).unwrap_or(i64::MAX),
            e_tag,
            metadata: Vec::new(),
            address_type,
            content_type: String::new(),
        };
        Ok(to_value(&Record::new(entry)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::sync::Arc;

    use lakehold_block::BlockStore as _;
    use lakehold_block::MemBlockStore;
    use lakehold_clock::Runtime;
    use lakehold_engine::Engine;
    use lakehold_engine::NoHooks;
    use lakehold_kv::MemStore;
    use lakehold_tree::TreeSettings;
    use lakehold_tree::Trees;

    use crate::CatalogSettings;

    #[tokio::test]
    async fn an_object_that_has_changed_since_it_was_listed_is_not_imported() {
        let (runtime, _) = Runtime::seeded(1);
        let blocks = Arc::new(MemBlockStore::with_runtime(runtime.clone()));
        let trees = Trees::new(blocks.clone(), runtime.clone(), TreeSettings::default());
        let kv = Arc::new(MemStore::default());
        let engine = Engine::new(kv, trees, Arc::new(NoHooks), runtime.clone());
        let settings = CatalogSettings { signing_key: Vec::new(), ensure_readable_root: false };
        let catalog = Catalog::new(engine, blocks.clone(), runtime, settings);
        let uri = "mem://source/x";
        let put = |bytes: &'static str| {
            let address = Address::Full(uri.into());
            let blocks = blocks.clone();
            async move { blocks.put(&address, bytes::Bytes::from(bytes).into()).await.expect("put") }
        };
        put("1").await;
        let listed = blocks.find_source(uri).await.expect("looked up").expect("there");
        assert!(catalog.imported_value("x", listed.clone()).await.is_ok());
        put("22").await;
        let changed = catalog.imported_value("x", listed).await;
        assert!(matches!(changed, Err(CatalogError::ImportChanged(of)) if of == uri));
    }
}
