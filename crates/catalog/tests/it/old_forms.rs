//! Entries as servers of long ago wrote them.

use bytes::Bytes;

use lakehold_engine::StageCondition;
use lakehold_engine::Value;

use crate::lake::Lake;
use crate::lake::upload;

/// Neither address type nor content type; an identity by a rule that nobody uses any more.
fn old_entry(address: &str) -> Value {
    let mut data = vec![0x0a, u8::try_from(address.len()).expect("short")];
    data.extend_from_slice(address.as_bytes());
    // 2: {1: 1600000000}, 3: 3 bytes, 4: checksum.
    data.extend_from_slice(b"\x12\x06\x08\x80\xa0\xf8\xfa\x05\x18\x03\x22\x03abc");
    Value { identity: Bytes::from_static(b"an identity of old"), data: data.into() }
}

async fn stage(lake: &Lake, path: &'static str, value: Value) {
    let repository = lake.catalog.repository(&lake.id).await.expect("is there");
    let (key, always) = (Bytes::from_static(path.as_bytes()), StageCondition::Always);
    let staged = lake.engine.stage(&repository, &lake.main, key, value, always, false);
    staged.await.expect("staged");
}

#[tokio::test]
async fn an_entry_without_address_type_is_read_staged_and_committed() {
    let lake = Lake::new().await;
    let real = lake.upload("real", "one").await;
    let name = real.physical_address.strip_prefix("mem://lake/").expect("below the namespace");
    stage(&lake, "relative", old_entry(name)).await;
    stage(&lake, "full", old_entry("mem://elsewhere/key")).await;

    for _ in 0..2 {
        let relative = lake.object("relative").await.expect("is there");
        assert_eq!(relative.physical_address, real.physical_address);
        assert_eq!((relative.size, relative.modified.seconds), (3, 1_600_000_000));
        assert_eq!((&*relative.checksum, &*relative.content_type), ("abc", ""));
        assert_eq!(lake.read("relative").await, "one");
        let full = lake.object("full").await.expect("is there");
        assert_eq!(full.physical_address, "mem://elsewhere/key");
        assert_eq!(lake.paths().await, ["full", "real", "relative"]);
        // Once staged, once committed.
        if lake.catalog.commit(&lake.id, &lake.main, Default::default()).await.is_err() {
            break;
        }
    }
}

#[tokio::test]
async fn an_identity_of_old_is_carried_and_not_computed_again() {
    let lake = Lake::new().await;
    stage(&lake, "old", old_entry("data/x/y")).await;
    lake.commit("old").await;
    let before = lake.catalog.commit_at(&lake.id, &crate::lake::reference("main")).await;
    let before = before.expect("a commit").meta_range_id.clone();
    // The same again is no change, although nobody could compute that identity.
    stage(&lake, "old", old_entry("data/x/y")).await;
    let none = lake.catalog.commit(&lake.id, &lake.main, Default::default()).await;
    assert!(none.is_err(), "{none:?}");
    lake.try_upload(upload("new", "1")).await.expect("uploaded");
    lake.commit("beside it").await;
    let after = lake.catalog.commit_at(&lake.id, &crate::lake::reference("main")).await;
    assert_ne!(after.expect("a commit").meta_range_id, before);
    assert_eq!(lake.object("old").await.expect("is there").checksum, "abc");
}
