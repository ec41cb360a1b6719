//! The store that fails when told to.

use std::sync::Arc;

use bytes::Bytes;
use lakehold_block::Address;
use lakehold_block::BlockStore as _;
use lakehold_block::Error;
use lakehold_block::MemBlockStore;
use lakehold_block::StorageNamespace;
use lakehold_block::faults::FailingBlockStore;

#[tokio::test]
async fn only_the_chosen_call_fails_and_it_does_nothing() {
    let store = FailingBlockStore::new(Arc::new(MemBlockStore::new()));
    let namespace = StorageNamespace::parse("mem://lake").unwrap();
    let address = Address::relative(&namespace, "x");
    store.fail_nth(2);

    assert_eq!(store.head(&address).await.unwrap(), None);
    let failed = store.put(&address, Bytes::from("x").into()).await;
    assert!(matches!(failed, Err(Error::Io { .. })), "{failed:?}");
    assert_eq!(store.head(&address).await.unwrap(), None);
    store.put(&address, Bytes::from("x").into()).await.unwrap();

    assert_eq!((store.calls(), store.injected()), (4, 1));
}
