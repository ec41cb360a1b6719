//! Listings: order, prefixes, pages, and entries of every kind.

use bytes::Bytes;
use prost::Message;

use lakehold_catalog::Address;
use lakehold_catalog::CatalogError;
use lakehold_catalog::KeyQuery;
use lakehold_catalog::Listed;
use lakehold_catalog::Object;
use lakehold_catalog::Page;
use lakehold_catalog::PageRequest;
use lakehold_engine::StageCondition;
use lakehold_engine::Value;

use crate::lake::Lake;
use crate::lake::query;
use crate::lake::reference;

async fn list(lake: &Lake, query: &KeyQuery) -> Result<Page<Listed<Object>>, CatalogError> {
    lake.catalog.list_objects(&lake.id, &reference("main"), query).await
}

/// Stages a value as another program may have left it.
async fn stage_value(lake: &Lake, key: &[u8], data: &[u8]) {
    let repository = lake.catalog.repository(&lake.id).await.expect("is there");
    let value =
        Value { identity: Bytes::from_static(&[1; 32]), data: Bytes::copy_from_slice(data) };
    lake.engine
        .stage(
            &repository,
            &lake.main,
            Bytes::copy_from_slice(key),
            value,
            StageCondition::Always,
            false,
        )
        .await
        .expect("staged");
}

/// The two fields of an entry that say where its bytes are.
#[derive(Clone, PartialEq, Message)]
struct Addressed {
    #[prost(string, tag = "1")]
    address: String,
    #[prost(int32, tag = "6")]
    address_type: i32,
}

#[tokio::test]
async fn objects_come_in_byte_order_and_prefixes_as_one_row() {
    let lake = Lake::new().await;
    for path in ["b", "a/2", "a/1", "a.txt", "ab/x"] {
        lake.upload(path, "x").await;
    }
    lake.commit("some are committed").await;
    lake.upload("a/0", "y").await;

    assert_eq!(lake.paths().await, ["a.txt", "a/0", "a/1", "a/2", "ab/x", "b"]);
    let rows: Vec<String> = list(&lake, &query("/"))
        .await
        .expect("listed")
        .results
        .into_iter()
        .map(|row| match row {
            Listed::CommonPrefix(prefix) => format!("prefix {prefix}"),
            Listed::Record(object) => format!("object {}", object.path),
        })
        .collect();
    assert_eq!(rows, ["object a.txt", "prefix a/", "prefix ab/", "object b"]);
}

#[tokio::test]
async fn a_listed_object_is_the_object() {
    let lake = Lake::new().await;
    let object = lake.upload("a", "abc").await;
    let page = list(&lake, &query("")).await.expect("listed");
    assert_eq!(page.results, [Listed::Record(object)]);
    assert!(!page.has_more);
}

#[tokio::test]
async fn pages_follow_one_another() {
    let lake = Lake::new().await;
    for path in ["a", "b", "c"] {
        lake.upload(path, "x").await;
    }
    let page = PageRequest { amount: 2, ..PageRequest::default() };
    let mut wanted = KeyQuery { page, delimiter: String::new() };
    let first = list(&lake, &wanted).await.expect("listed");
    assert_eq!((first.results.len(), first.has_more), (2, true));
    wanted.page.after = "b".to_owned();
    let rest = list(&lake, &wanted).await.expect("listed");
    assert_eq!((rest.results.len(), rest.has_more), (1, false));
}

/// Seen upstream: one entry whose address the store does not accept made every page that met it
/// fail.
#[tokio::test]
async fn an_entry_whose_address_the_store_would_refuse_is_still_listed() {
    let lake = Lake::new().await;
    let elsewhere = Addressed { address: "local://elsewhere/x".to_owned(), address_type: 2 };
    stage_value(&lake, b"bad", &elsewhere.encode_to_vec()).await;
    lake.upload("good", "x").await;

    assert_eq!(lake.paths().await, ["bad", "good"]);
    let object = lake.object("bad").await.expect("is recorded");
    assert_eq!(object.address, Address::Full("local://elsewhere/x".into()));
    assert!(lake.catalog.open(&object, None).await.is_err());
}

#[tokio::test]
async fn an_entry_of_the_old_address_type_is_read_by_its_look() {
    let lake = Lake::new().await;
    for (key, address) in [("full", "mem://elsewhere/x"), ("relative", "0a1b")] {
        let old = Addressed { address: address.to_owned(), address_type: 0 };
        stage_value(&lake, key.as_bytes(), &old.encode_to_vec()).await;
    }
    let full = lake.object("full").await.expect("is there");
    assert_eq!(full.physical_address, "mem://elsewhere/x");
    let relative = lake.object("relative").await.expect("is there");
    assert_eq!(relative.physical_address, "mem://lake/0a1b");
}

#[tokio::test]
async fn a_record_that_is_no_entry_is_an_error_that_names_it() {
    for data in
        [&b"\xff\xff"[..], &Addressed { address_type: 9, ..Addressed::default() }.encode_to_vec()]
    {
        let lake = Lake::new().await;
        stage_value(&lake, b"bad", data).await;
        let failed = list(&lake, &query("")).await;
        assert!(
            matches!(&failed, Err(CatalogError::CorruptEntry { location, .. }) if location.contains("bad")),
            "{failed:?}"
        );
    }
}

#[tokio::test]
async fn a_path_that_is_no_text_is_shown_lossily() {
    let lake = Lake::new().await;
    stage_value(&lake, b"a\xff", &Addressed::default().encode_to_vec()).await;
    assert_eq!(lake.paths().await, ["a\u{fffd}"]);
}

/// The metarange and the range. Where a page goes on in the next range, that one is read, too.
#[tokio::test]
async fn a_page_from_a_cold_cache_takes_two_reads_of_the_store_and_from_a_warm_one_none() {
    let lake = Lake::new().await;
    for number in 0..1_200 {
        lake.upload(&format!("k{number:04}"), "1").await;
    }
    lake.commit("all").await;
    let cold = lake.restarted();
    let page = PageRequest { amount: 1_000, ..PageRequest::default() };
    let query = KeyQuery { page, delimiter: String::new() };
    for expected in [2, 0] {
        let before = cold.blocks.calls();
        assert_eq!(list(&cold, &query).await.expect("listed").results.len(), 1_000);
        assert_eq!(cold.blocks.calls() - before, expected);
    }
}
